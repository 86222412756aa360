/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  /**
   * One of `"auto"`, `0`, `1.5`, `true`.
   * Not typed (enum): the listed values are checked at run time.
   */
  export type SearchSize = boolean | number | string;
  export interface SearchArgs {
    size: SearchSize;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
