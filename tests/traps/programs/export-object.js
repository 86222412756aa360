//: builds-not the default export is not a function but an object
//: at 4:16
//: hint export default async function
export default { run() { return 1; } };
