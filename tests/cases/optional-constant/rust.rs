/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum SearchConfirm {
        Yes, // `"yes"`
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        pub confirm: Option<SearchConfirm>,
        /// Required.
        pub id: i64,
    }
}
