/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    /**
     * Short.
     * Checked: minLength `1`, maxLength `2`.
     */
    name: string;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
