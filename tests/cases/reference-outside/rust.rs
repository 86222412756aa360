/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Not typed ($ref): points outside this schema, and nothing is fetched; given as JSON.
        pub point: Option<Value>,
        /// Required.
        pub id: i64,
    }
}
