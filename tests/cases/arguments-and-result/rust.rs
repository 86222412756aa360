/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    /// Finds repositories.
    pub async fn search(args: SearchArgs) -> Result<SearchOutput, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub query: String,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchOutput {
        /// Required.
        pub total: i64,
    }
}
