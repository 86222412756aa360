/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchNode {
    name: string;
    /** Not typed ($ref): refers to itself; given as JSON. */
    children?: JsonValue[];
  }
  export interface SearchArgs {
    tree: SearchNode;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
