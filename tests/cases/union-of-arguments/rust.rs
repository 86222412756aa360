/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn find(args: FindArgs) -> Result<Value, ToolError>;

    /// Not typed (oneOf): which keys go together is checked at run time.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct FindArgs {
        pub id: Option<i64>,
        pub query: Option<String>,
        pub limit: Option<i64>,
    }
}
