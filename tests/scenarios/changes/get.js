import { get } from "mcp:issues";

export default () => get({ id: 1 });
