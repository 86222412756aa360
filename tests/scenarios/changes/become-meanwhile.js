// What a program sees whose server changes a tool while it runs; with `die`, the server is started again in between.
import { become, get, other } from "mcp:issues";

export default async ({ to, back, die }) => {
  const said = [];
  const say = async (call) => {
    try {
      said.push(await call);
    } catch ({ kind, message, detail }) {
      said.push({ kind, message, detail });
    }
  };
  await say(get({ id: 1 }));
  await say(become({ to, die }));
  await say(get({ id: 1 }));
  await say(other({}));
  if (back) {
    await say(become({ to: back }));
    await say(get({ id: 1 }));
  }
  return said;
};
