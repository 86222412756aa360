/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchUserShort {
    id: number;
  }
  export interface SearchUserLong {
    id: number;
    name: string;
  }
  export type SearchUser = SearchUserShort | SearchUserLong;
  export interface SearchArgs {
    user: SearchUser;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
