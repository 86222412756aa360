import { slowEcho } from "mcp:demo";

export default async function (input) {
  const numbers = Array.from({ length: input.calls }, (_, index) => index);
  const echoes = await Promise.all(numbers.map((number) => slowEcho({ text: `call ${number}`, delay_ms: input.delay_ms })));
  const inOrder = echoes.every((echo, number) => echo === `call ${number}`);
  return { calls: echoes.length, inOrder, first: echoes[0], last: echoes.at(-1) };
}
