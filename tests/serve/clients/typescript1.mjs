// The official TypeScript SDK, version 1: protocol 2025-11-25.
import { elicit, loop, packages, setup } from "./loop.mjs";

const { Client } = packages("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = packages("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = packages("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { ClientCredentialsProvider } = packages("@modelcontextprotocol/sdk/client/auth-extensions.js");
const { ElicitRequestSchema } = packages("@modelcontextprotocol/sdk/types.js");

const capabilities = setup.elicitation ? { elicitation: {} } : {};
const client = new Client({ name: "test", version: "1" }, { capabilities });
if (setup.elicitation) client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params));
// Where the server asks for a token, it is found out from the server who issues them.
const authProvider = setup.oauth && new ClientCredentialsProvider(setup.oauth);
const transport = setup.url
  ? new StreamableHTTPClientTransport(new URL(setup.url), { authProvider, requestInit: { headers: setup.headers } })
  : new StdioClientTransport({ command: setup.command, args: setup.args, env: process.env, stderr: "inherit" });

// The client tells only its transport what was agreed.
let protocol;
const told = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => {
  protocol = version;
  told?.(version);
};

await loop({
  connect: async () => {
    await client.connect(transport);
    return { protocol, server: client.getServerVersion(), instructions: client.getInstructions() };
  },
  tools: () => client.listTools(),
  resources: (cursor) => client.listResources({ cursor }),
  templates: () => client.listResourceTemplates(),
  read: (uri) => client.readResource({ uri }),
  call: (params, options) => client.callTool(params, undefined, options),
  close: async () => {
    await transport.terminateSession?.();
    await client.close();
  },
});
