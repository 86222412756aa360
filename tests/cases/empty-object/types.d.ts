/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    /** Not typed (additionalProperties): only `{}` fits; given as JSON. */
    none: JsonValue;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
