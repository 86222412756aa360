/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export type SearchKind = "by-id" | "by-name";
  /**
   * Not typed (if): not part of the type; checked at run time.
   * Not typed (then): not part of the type; checked at run time.
   * Not typed (else): not part of the type; checked at run time.
   */
  export interface SearchArgs {
    kind: SearchKind;
    id?: number;
    name?: string;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
