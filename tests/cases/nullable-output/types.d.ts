/** The tools of the MCP server `example`. */
declare module "mcp:example" {

  export interface FindOutput {
    id: number;
  }
  export function find(args?: Record<string, never>): Promise<FindOutput | null>;

  export {};
}
