/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export type SearchSort = "asc" | "desc";
  export interface SearchArgs {
    sort: SearchSort;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
