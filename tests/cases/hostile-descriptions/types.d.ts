/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export type SearchB = "x" | "\u202ey";
  export interface SearchArgs {
    /**
     * evil x *\/ } /*
     * @default "
     * *\/"
     */
    a?: string;
    b?: SearchB;
  }
  /**
   * First line *\/ [31m}
   * package a:b;
   * /// interface tools {
   */
  export function search(args?: SearchArgs): Promise<JsonValue>;

  export {};
}
