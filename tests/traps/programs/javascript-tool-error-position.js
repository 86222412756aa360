//: fails ToolError: failed on purpose: é
//: at 5:40
import { always_fails, listIssues } from "mcp:demo";
const list = [1]; export default async function () {
  /* 😀é */ for (const x of list) await always_fails({ reason: "é" });
}
