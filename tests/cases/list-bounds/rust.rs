/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Checked: minItems `1`, maxItems `2`, uniqueItems `true`.
        /// Required.
        pub tags: Vec<i64>,
    }
}
