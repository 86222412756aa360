import { become } from "mcp:issues";

export default (to) => become({ to });
