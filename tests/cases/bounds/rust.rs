/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Checked: pattern `^[a-z]+$`, minLength `2`.
        /// Required.
        pub id: String,
        /// Checked: minimum `1`, maximum `100`.
        /// Required.
        pub size: i64,
    }
}
