/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface DeepAAAAAAAAAAAAAAAAAAAA {
    /** Not typed ((depth)): nested too deeply; given as JSON. */
    a: JsonValue;
  }
  export interface DeepAAAAAAAAAAAAAAAAAAA {
    a: DeepAAAAAAAAAAAAAAAAAAAA;
  }
  export interface DeepAAAAAAAAAAAAAAAAAA {
    a: DeepAAAAAAAAAAAAAAAAAAA;
  }
  export interface DeepAAAAAAAAAAAAAAAAA {
    a: DeepAAAAAAAAAAAAAAAAAA;
  }
  export interface DeepAAAAAAAAAAAAAAAA {
    a: DeepAAAAAAAAAAAAAAAAA;
  }
  export interface DeepAAAAAAAAAAAAAAA {
    a: DeepAAAAAAAAAAAAAAAA;
  }
  export interface DeepAAAAAAAAAAAAAA {
    a: DeepAAAAAAAAAAAAAAA;
  }
  export interface DeepAAAAAAAAAAAAA {
    a: DeepAAAAAAAAAAAAAA;
  }
  export interface DeepAAAAAAAAAAAA {
    a: DeepAAAAAAAAAAAAA;
  }
  export interface DeepAAAAAAAAAAA {
    a: DeepAAAAAAAAAAAA;
  }
  export interface DeepAAAAAAAAAA {
    a: DeepAAAAAAAAAAA;
  }
  export interface DeepAAAAAAAAA {
    a: DeepAAAAAAAAAA;
  }
  export interface DeepAAAAAAAA {
    a: DeepAAAAAAAAA;
  }
  export interface DeepAAAAAAA {
    a: DeepAAAAAAAA;
  }
  export interface DeepAAAAAA {
    a: DeepAAAAAAA;
  }
  export interface DeepAAAAA {
    a: DeepAAAAAA;
  }
  export interface DeepAAAA {
    a: DeepAAAAA;
  }
  export interface DeepAAA {
    a: DeepAAAA;
  }
  export interface DeepAA {
    a: DeepAAA;
  }
  export interface DeepA {
    a: DeepAA;
  }
  export interface DeepArgs {
    a: DeepA;
  }
  export function deep(args: DeepArgs): Promise<JsonValue>;

  export {};
}
