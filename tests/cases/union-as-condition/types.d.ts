/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  /** Not typed (anyOf): which keys go together is checked at run time. */
  export interface SearchArgs {
    id?: number;
    name?: string;
  }
  export function search(args?: SearchArgs): Promise<JsonValue>;

  export {};
}
