/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    /** Checked: pattern `^[a-z]+$`, minLength `2`. */
    id: string;
    /** Checked: minimum `1`, maximum `100`. */
    size: number;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
