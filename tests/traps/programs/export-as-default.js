//: result ["helper","main"]
export { main as default, helper };
export const limit = 3, unused = [1];
function helper() { return "helper"; }
export class Unused {}
async function main() { return [helper(), "main"]; }
