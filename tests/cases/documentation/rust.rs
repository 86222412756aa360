/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    /// Lists issues.
    ///
    /// Newest first.
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Which issues.
        /// Example: `"closed"`
        /// Default: `"open"`.
        pub state: Option<String>,
        /// Deprecated.
        /// Default: `1`.
        pub page: Option<i64>,
    }
}
