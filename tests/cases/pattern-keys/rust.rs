/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Not typed (patternProperties): which keys match is checked at run time, not by the type.
        /// Required.
        pub ports: BTreeMap<String, String>,
    }
}
