/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchRepo {
    name: string;
  }
  export interface SearchArgs {
    repo: SearchRepo;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
