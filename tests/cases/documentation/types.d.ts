/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    /**
     * Which issues.
     * Example: `"closed"`
     * @default "open"
     */
    state?: string;
    /**
     * Deprecated.
     * @default 1
     */
    page?: number;
  }
  /**
   * Lists issues.
   *
   * Newest first.
   */
  export function search(args?: SearchArgs): Promise<JsonValue>;

  export {};
}
