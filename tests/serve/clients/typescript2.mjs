// The official TypeScript SDK, version 2: it finds out by itself that the server speaks protocol 2026-07-28.
import { elicit, loop, packages, setup } from "./loop.mjs";

const { Client, ClientCredentialsProvider, StreamableHTTPClientTransport } = packages("@modelcontextprotocol/client");
const { StdioClientTransport } = packages("@modelcontextprotocol/client/stdio");

const capabilities = setup.elicitation ? { elicitation: { form: {} } } : {};
const client = new Client({ name: "test", version: "2" }, { capabilities, versionNegotiation: { mode: "auto" } });
if (setup.elicitation) client.setRequestHandler("elicitation/create", ({ params }) => elicit(params));
// Where the server asks for a token, it is found out from the server who issues them.
const authProvider = setup.oauth && new ClientCredentialsProvider(setup.oauth);
const transport = setup.url
  ? new StreamableHTTPClientTransport(new URL(setup.url), { authProvider, requestInit: { headers: setup.headers } })
  : new StdioClientTransport({ command: setup.command, args: setup.args, env: process.env, stderr: "inherit" });

await loop({
  connect: async () => {
    await client.connect(transport);
    const protocol = client.getNegotiatedProtocolVersion();
    return { protocol, server: client.getServerVersion(), instructions: client.getInstructions() };
  },
  tools: () => client.listTools(),
  resources: (cursor) => client.listResources(cursor ? { cursor } : { cursor: undefined }, { cacheMode: "refresh" }),
  templates: () => client.listResourceTemplates(),
  read: (uri) => client.readResource({ uri }, { cacheMode: "refresh" }),
  call: (params, options) => client.callTool(params, options),
  close: () => client.close(),
});
