//: result ["demo",["get_issue"],"object"]
//: calls 0
import { getIssue } from "mcp:demo";
const servers = globalThis.__witgate.servers;
export default () => [Object.keys(servers).join(), Object.keys(servers.demo), typeof servers, getIssue && 0].slice(0, 3);
