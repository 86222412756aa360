import { addComment } from "mcp:demo";

export default () => addComment({ number: 1, body: "Go away." });
