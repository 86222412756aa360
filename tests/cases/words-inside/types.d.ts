/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  /**
   * `"up"`: Smallest first.
   * `"down"`: Largest first.
   */
  export type SearchOrder = "up" | "down";
  export interface SearchArgs {
    /**
     * Which way.
     * One of `"+"`, `"-"`.
     */
    sign?: string | null;
    /** Items: A full name. */
    names?: string[];
    order?: SearchOrder;
  }
  export function search(args?: SearchArgs): Promise<JsonValue>;

  export {};
}
