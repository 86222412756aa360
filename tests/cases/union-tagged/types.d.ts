/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchShapeCircle {
    kind: "circle";
    radius: number;
  }
  export interface SearchShapeSquare {
    kind: "square";
    side: number;
  }
  export type SearchShape = SearchShapeCircle | SearchShapeSquare;
  export interface SearchArgs {
    shape: SearchShape;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
