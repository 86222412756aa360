/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchArgs {
    /**
     * Checked: minLength `1`.
     * Not typed (type): not stated; taken from the other keywords.
     */
    name: string;
    /**
     * Checked: minimum `0`.
     * Not typed (type): not stated; taken from the other keywords.
     */
    size?: number;
    /** Not typed (type): not stated; taken from the other keywords. */
    tags?: string[];
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
