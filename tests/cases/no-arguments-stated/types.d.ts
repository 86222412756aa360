/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export function ping(args?: Record<string, never>): Promise<JsonValue>;

  export {};
}
