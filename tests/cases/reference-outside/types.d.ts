/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    /** Not typed ($ref): points outside this schema, and nothing is fetched; given as JSON. */
    point?: JsonValue;
    id: number;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
