//: result [2,"function"]
export default async () => [(0, eval)("1 + 1"), typeof new Function("return 1")];
