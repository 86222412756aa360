// An authorization server that signs what it is asked to: its metadata, its keys, and tokens by client credentials, over loopback.
// Usage: authority.mjs SETUP, with `resource` in it. Prints its address, and tokens of which one is good.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const setup = JSON.parse(process.argv[2]);
const packages = createRequire(`${setup.packages}/package.json`);
const jose = await import(pathToFileURL(packages.resolve("jose")));

const kinds = ["RS256", "ES256", "EdDSA"];
const keys = {};
for (const alg of kinds) {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  keys[alg] = { privateKey, publicKey, jwk: { ...(await jose.exportJWK(publicKey)), kid: alg, alg, use: "sig" } };
}
const stranger = await jose.generateKeyPair("RS256");
// No RFC lets a server publish a shared key; one that did must not be believed.
const shared = { kty: "oct", k: Buffer.from("a secret that everybody can read").toString("base64url"), kid: "shared", alg: "HS256" };

let issuer;
const now = () => Math.floor(Date.now() / 1000);
const claims = () => ({ iss: issuer, aud: setup.resource, sub: "ada", iat: now(), exp: now() + 600 });
const sign = (payload, alg = "RS256", header = {}, key = keys[alg]?.privateKey) =>
  new jose.SignJWT(payload).setProtectedHeader({ alg, kid: alg, ...header }).sign(key);
const without = (name) => Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

async function tokens() {
  const good = {};
  for (const alg of kinds) good[alg] = await sign(claims(), alg);
  good["no key named"] = await sign(claims(), "RS256", { kid: undefined });
  good["one audience of two"] = await sign({ ...claims(), aud: ["https://other.example.com", setup.resource] });
  const [head, payload, signature] = good.RS256.split(".");
  const pem = new TextEncoder().encode(await jose.exportSPKI(keys.RS256.publicKey));
  const bad = {
    expired: await sign({ ...claims(), exp: now() - 3600 }),
    "not yet": await sign({ ...claims(), nbf: now() + 3600 }),
    "without an end": await sign(without("exp")),
    "for another": await sign({ ...claims(), aud: "https://other.example.com/mcp" }),
    "for nobody": await sign(without("aud")),
    "for what only begins like it": await sign({ ...claims(), aud: `${setup.resource}/more` }),
    "of another": await sign({ ...claims(), iss: "https://login.example.com" }),
    "of nobody": await sign(without("iss")),
    "signed by a stranger": await sign(claims(), "RS256", {}, stranger.privateKey),
    "under a key that is not there": await sign(claims(), "RS256", { kid: "none" }),
    "under a key of another kind": await sign(claims(), "RS256", { kid: "ES256" }),
    "not signed": `${part({ alg: "none", typ: "JWT" })}.${part(claims())}.`,
    "not signed, with a signature": `${part({ alg: "none", kid: "RS256" })}.${payload}.${signature}`,
    "signed with what is public": await sign(claims(), "HS256", { kid: "RS256" }, pem),
    "signed with what is shared": await sign(claims(), "HS256", { kid: "shared" }, Buffer.from(shared.k, "base64url")),
    "with other claims": `${head}.${part({ ...claims(), sub: "eve" })}.${signature}`,
    "with its own key": await sign(claims(), "RS256", { kid: undefined, jwk: await jose.exportJWK(stranger.publicKey) }, stranger.privateKey),
    "without a signature": `${head}.${payload}.`,
    "no token": "good",
  };
  return { good, bad };
}

const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const answer = (status, value) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (request.url === "/.well-known/oauth-authorization-server") {
    answer(200, {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"],
      grant_types_supported: ["client_credentials"],
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
      code_challenge_methods_supported: ["S256"],
    });
  } else if (request.url === "/jwks") {
    answer(200, { keys: [shared, ...kinds.map((alg) => keys[alg].jwk)] });
  } else if (request.url === "/token" && request.method === "POST") {
    const asked = new URLSearchParams(body);
    const known = `Basic ${Buffer.from("robot:its secret".replace(" ", "%20")).toString("base64")}`;
    const plain = `Basic ${Buffer.from("robot:its secret").toString("base64")}`;
    if (![known, plain].includes(request.headers.authorization)) return answer(401, { error: "invalid_client" });
    if (asked.get("resource") !== setup.resource) return answer(400, { error: "invalid_target" });
    answer(200, { access_token: await sign(claims()), token_type: "Bearer", expires_in: 600 });
  } else {
    answer(404, { error: "not_found" });
  }
});
server.listen(0, "127.0.0.1", async () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  process.stdout.write(`${JSON.stringify({ issuer, ...(await tokens()) })}\n`);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
