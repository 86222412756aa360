/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  /** Not typed (patternProperties): which keys match is checked at run time, not by the type. */
  export interface SearchHeaders {
    host?: string;
    [key: string]: any; // number
  }
  export interface SearchArgs {
    headers: SearchHeaders;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
