/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export type SearchId = boolean | string;
  export type SearchId2 = boolean | string | SearchId[];
  export interface SearchArgs {
    id?: SearchId2;
  }
  export function search(args?: SearchArgs): Promise<JsonValue>;

  export {};
}
