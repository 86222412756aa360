/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub enum SearchId {
        Boolean(bool),
        String(String),
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub enum SearchId2 {
        Boolean(bool),
        String(String),
        Array(Vec<SearchId>),
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        pub id: Option<SearchId2>,
    }
}
