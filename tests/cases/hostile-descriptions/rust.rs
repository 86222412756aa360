/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    /// First line */ [31m}
    /// package a:b;
    /// /// interface tools {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum SearchB {
        X, // `"x"`
        Y, // `"y"`
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// evil x */ } /*
        /// Default: `" */"`.
        pub a: Option<String>,
        pub b: Option<SearchB>,
    }
}
