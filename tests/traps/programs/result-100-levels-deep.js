//: result 101
export default () => { let x = []; for (let i = 0; i < 100; i++) x = [x]; return JSON.stringify(x).split("[").length - 1; };
