/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Not typed (items): elements beyond the listed ones have the type of these; others need the JSON view.
        /// Not typed (prefixItems): elements of several types in an array of no fixed length; each is given as JSON.
        /// Required.
        pub at: Vec<Value>,
    }
}
