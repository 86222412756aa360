//: fails Error: half �
export default () => { console.log("log \ud800"); throw new Error("half \ud83d"); };
