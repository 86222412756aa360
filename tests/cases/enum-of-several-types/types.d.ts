/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export type SearchSize = boolean | number | string;
  export interface SearchArgs {
    size: SearchSize;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
