/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchUser {
    login: string;
  }
  export interface SearchArgs {
    author: SearchUser;
    assignee?: SearchUser;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
