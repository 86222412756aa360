/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchFrom {
    day: number;
  }
  export interface SearchArgs {
    from: SearchFrom;
    to: SearchFrom;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
