import { other } from "mcp:issues";

export default () => other({});
