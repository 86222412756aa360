/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface ProtoArgs {
    __proto__?: string;
    constructor?: string;
    ""?: string;
    "%"?: string;
    "🦀"?: string;
    "1st"?: string;
    "a\u202eb"?: string;
    "א"?: string;
  }
  export function proto(args?: ProtoArgs): Promise<JsonValue>;
  export { proto as __proto__ };

  export interface ToolArgs {
    a?: string;
  }
  export function tool(args?: ToolArgs): Promise<JsonValue>;

  export {};
}
