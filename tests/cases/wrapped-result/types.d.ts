/** The tools of the MCP server `example`. */
declare module "mcp:example" {

  /** Not typed (x-fastmcp-wrap-result): the wrapper is taken off; keys beside `result` need the JSON view. */
  export function list(args?: Record<string, never>): Promise<string[]>;

  export {};
}
