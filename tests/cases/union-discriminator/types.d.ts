/** The tools of the MCP server `example`. */
declare module "mcp:example" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export interface SearchCat {
    color: "any";
    type: "cat";
    lives?: number;
  }
  export type SearchDogColor = "brown";
  export type SearchDogType = "dog";
  export interface SearchDog {
    color: SearchDogColor;
    type: SearchDogType;
  }
  export type SearchPet = SearchCat | SearchDog;
  export interface SearchArgs {
    pet: SearchPet;
  }
  export function search(args: SearchArgs): Promise<JsonValue>;

  export {};
}
