/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchEventPush {
    kind: "push";
    id: number;
    ref: string;
  }
  export interface SearchEventFork {
    kind: "fork";
    id: number;
  }
  export type SearchEvent = SearchEventPush | SearchEventFork;
  export interface SearchArgs {
    event: SearchEvent;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
