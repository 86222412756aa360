/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export type ImportAsync = "use" | "type" | "func";
  export interface ImportArgs {
    type: string;
    from?: string;
    self?: string;
    async?: ImportAsync;
  }
  function import_(args: ImportArgs): Promise<JsonValue>;
  export { import_ as import };

  export interface DeleteArgs {
    world?: boolean;
  }
  function delete_(args?: DeleteArgs): Promise<JsonValue>;
  export { delete_ as delete };

  export {};
}
