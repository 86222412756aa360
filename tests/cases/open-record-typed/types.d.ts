/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchLimits {
    unit: string;
    [key: string]: any; // number
  }
  export interface SearchArgs {
    limits: SearchLimits;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
