//: fails Error: here
//: at 4:59
export default (x: string): never => {
  const a: string = "😀é"; /* 😀 */ if (a as any) throw new Error("here");
  return null as never;
};
