//: builds-not the default export is not a function but a class
export default class Program { run() { return 1; } }
