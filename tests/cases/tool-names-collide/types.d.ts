/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface GetUserArgs2 {
    id: number;
  }
  export function getUser(args: GetUserArgs2): Promise<JsonValue>;

  export interface GetUser2Args {
    id: string;
  }
  export function getUser2(args: GetUser2Args): Promise<JsonValue>;
  export { getUser2 as get_user };

  export interface GetUserArgsArgs {
    name: string;
  }
  export function getUserArgs(args: GetUserArgsArgs): Promise<JsonValue>;
  export { getUserArgs as get_user_args };

  export function json2(args?: Record<string, never>): Promise<JsonValue>;
  export { json2 as json };

  export function toolError2(args?: Record<string, never>): Promise<JsonValue>;

  export {};
}
