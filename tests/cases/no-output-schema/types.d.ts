/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface FetchArgs {
    id: number;
  }
  export function fetch(args: FetchArgs): Promise<JsonValue>;

  export {};
}
