//: builds-not typescript-in-a-js-file.js:4:37
//: at 4:37
//: hint `.ts`
export default async function (input: { label: string }): Promise<number> {
  return (input as any).label.length;
}
