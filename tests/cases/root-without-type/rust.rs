/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    /// Not typed (type): MCP's arguments are an object, also where the schema allows other values.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub query: String,
    }
}
