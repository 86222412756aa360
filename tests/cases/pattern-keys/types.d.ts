/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    /** Not typed (patternProperties): which keys match is checked at run time, not by the type. */
    ports: { [key: string]: string };
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
