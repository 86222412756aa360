/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  /** Not typed (oneOf): which keys go together is checked at run time. */
  export interface FindArgs {
    id?: number;
    query?: string;
    limit?: number;
  }
  export function find(args?: FindArgs): Promise<JsonValue>;

  export {};
}
