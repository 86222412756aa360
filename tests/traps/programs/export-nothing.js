//: builds-not the program has no default export
//: hint export default async function
export async function run() {}
