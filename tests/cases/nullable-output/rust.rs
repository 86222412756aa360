/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn find() -> Result<Option<FindOutput>, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct FindOutput {
        /// Required.
        pub id: i64,
    }
}
