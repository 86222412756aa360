/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  /** Not typed (type): MCP's arguments are an object, also where the schema allows other values. */
  export function anything(args?: Record<string, never>): Promise<JsonValue>;

  export {};
}
