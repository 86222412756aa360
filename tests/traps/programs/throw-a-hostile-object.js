//: fails thrown value: an error that cannot be shown
class Hostile extends Error { get message() { throw this; } get name() { throw this; } get stack() { throw this; } }
export default () => { throw new Hostile(); };
