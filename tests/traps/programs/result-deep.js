//: result 1000
export default () => { let x = 1; for (let i = 0; i < 1000; i++) x = [x]; return JSON.stringify(x).split("[").length - 1; };
