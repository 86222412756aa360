//: fails TypeError: (`[...value]` makes an array of it) at /all
export default () => ({ all: (function* () { yield 1; })() });
