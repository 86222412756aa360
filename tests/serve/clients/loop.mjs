// What the two TypeScript clients share: one JSON command a line on stdin, one JSON line for each answer and event on stdout.
// The test judges; here nothing is.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const setup = JSON.parse(process.argv[2]);

/** The packages lie where `./test` put them, not beside this file. */
export const packages = createRequire(`${setup.packages}/package.json`);
export { setup };

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const failed = (error) => ({ message: String(error?.message ?? error), code: error?.code, data: error?.data });
const forms = new Map();

/** Shows a form: the test answers it. */
export function elicit(params) {
  const form = forms.size + 1;
  say({ event: "form", form, params });
  return new Promise((resolve) => forms.set(form, resolve));
}

/** `client` has `connect`, `call(params, options)`, `tools`, `resources(cursor)`, `templates`, `read(uri)`, `close`. */
export async function loop(client) {
  const calls = new Map();
  const commands = {
    tools: () => client.tools(),
    resources: ({ cursor }) => client.resources(cursor),
    templates: () => client.templates(),
    read: ({ uri }) => client.read(uri),
    call: ({ id, name, arguments: given, progress, params = {} }) => {
      const abort = new AbortController();
      calls.set(id, abort);
      const options = { signal: abort.signal, timeout: 300_000 };
      if (progress) options.onprogress = (told) => say({ event: "progress", of: id, ...told });
      return client.call({ name, arguments: given, ...params }, options);
    },
    abort: async ({ of }) => calls.get(of).abort("the test aborts"),
    answer: async ({ form, result }) => forms.get(form)(result),
  };
  try {
    say({ event: "connected", ...(await client.connect()) });
  } catch (error) {
    say({ event: "failed", error: failed(error) });
    process.exit(0);
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    commands[command.op](command).then(
      (ok) => say({ id: command.id, ok: ok ?? null }),
      (error) => say({ id: command.id, error: failed(error) }),
    );
  }
  await client.close();
  process.exit(0);
}
