//: fails Error: nothing handled it: lost
export default () => { Promise.reject(new Error("lost")).finally(() => {}); return 1; };
