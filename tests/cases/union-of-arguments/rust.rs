/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn find(args: FindArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct FindArgs {
        pub id: Option<i64>,
        pub query: Option<String>,
        pub limit: Option<i64>,
    }
}
