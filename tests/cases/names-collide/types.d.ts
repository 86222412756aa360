/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    StartTime?: string;
    "StartTime<"?: string;
    "StartTime>"?: string;
    orderBy?: string;
    order_by?: number;
    "user-id"?: string;
    userid?: string;
    $vectorSearch?: boolean;
  }
  export function search(args?: SearchArgs): Promise<JsonValue>;

  export {};
}
