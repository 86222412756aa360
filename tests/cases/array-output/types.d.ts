/** The tools of the MCP server `example`. */
declare module "mcp:example" {

  export function list(args?: Record<string, never>): Promise<number[]>;

  export {};
}
