/** The tools of the MCP server `example`. */
declare module "mcp:example" {

  export interface SearchArgs {
    query: string;
  }
  export interface SearchOutput {
    total: number;
  }
  /** Finds repositories. */
  export function search(args: SearchArgs): Promise<SearchOutput>;

  export {};
}
