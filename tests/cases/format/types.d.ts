/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    /** Checked: format `date-time`. */
    at: string;
    /** Checked: contentEncoding `base64`. */
    file?: string;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
