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
  export type SearchAt = SearchAtPoint | SearchAtPlace;
  export interface SearchArgs {
    at: SearchAt;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
