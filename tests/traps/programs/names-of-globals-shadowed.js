//: result [1,"2",null]
const Promise = 1, JSON = "2";
const console = null;
export default async () => [await Promise, JSON, console];
