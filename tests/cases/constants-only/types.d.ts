/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export type SearchModeKind = "all";
  export interface SearchMode {
    kind: SearchModeKind;
  }
  export interface SearchArgs {
    mode: SearchMode;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
