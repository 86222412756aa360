/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    /** Not typed (enum): the listed values are no scalars; given as JSON. */
    preset: JsonValue;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
