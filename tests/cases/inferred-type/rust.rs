/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Checked: minLength `1`.
        /// Not typed (type): not stated; taken from the other keywords.
        /// Required.
        pub name: String,
        /// Checked: minimum `0`.
        /// Not typed (type): not stated; taken from the other keywords.
        pub size: Option<f64>,
        /// Not typed (type): not stated; taken from the other keywords.
        pub tags: Option<Vec<String>>,
    }
}
