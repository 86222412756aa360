/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchAtPoint {
    x: number;
    y: number;
  }
  export interface SearchAtPlace {
    city: string;
  }
  /** Not typed (anyOf): no key tells the cases apart: the first whose schema fits is taken. */
  export type SearchAt = SearchAtPoint | SearchAtPlace;
  export interface SearchArgs {
    at: SearchAt;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
