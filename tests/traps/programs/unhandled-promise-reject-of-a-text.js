//: fails thrown value: nothing handled it: just a text
export default () => { const p = Promise.reject("just a text"); return typeof p; };
