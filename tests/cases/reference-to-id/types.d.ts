/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export type SearchUnit = "kg" | "m";
  export interface SearchShapeObject {
    /** Checked: minimum `1`. */
    r: number;
  }
  export interface SearchShapeObject2 {
    r: string;
  }
  /** Not typed (anyOf): no key tells the cases apart: the first whose schema fits is taken. */
  export type SearchShape = SearchShapeObject | SearchShapeObject2;
  export interface SearchArgs {
    unit: SearchUnit;
    shape?: SearchShape;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
