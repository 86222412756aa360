/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  /** Not typed (type): the arguments are no object; they are given as JSON. */
  export function odd(args?: JsonValue): Promise<JsonValue>;

  export {};
}
