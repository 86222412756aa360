/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    /**
     * Not typed (items): elements beyond the listed ones have the type of these; others need the JSON view.
     * Not typed (prefixItems): elements of several types in an array of no fixed length; each is given as JSON.
     */
    at: JsonValue[];
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
