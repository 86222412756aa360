//: fails TypeError: the result is not JSON: a value that holds itself at /child/parent
export default () => { const parent = { child: {} }; parent.child.parent = parent; return parent; };
