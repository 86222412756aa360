/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchAB {
    c?: number | null;
  }
  export interface SearchA {
    b?: SearchAB;
  }
  export interface SearchArgs {
    a?: SearchA;
  }
  export function search(args?: SearchArgs): Promise<JsonValue>;

  export {};
}
