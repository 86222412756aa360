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
  /** Not typed (anyOf): no key tells the cases apart: the first whose schema fits is taken. */
  export type SearchUser = SearchUserShort | SearchUserLong;
  export interface SearchArgs {
    user: SearchUser;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
