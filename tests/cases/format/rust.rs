/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Checked: format `date-time`.
        /// Required.
        pub at: String,
        /// Checked: contentEncoding `base64`.
        pub file: Option<String>,
    }
}
