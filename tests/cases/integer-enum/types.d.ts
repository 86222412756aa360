/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export type SearchLevel = 1 | -1 | 0;
  export interface SearchArgs {
    level: SearchLevel;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
