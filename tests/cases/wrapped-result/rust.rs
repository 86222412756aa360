/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    /// Not typed (x-fastmcp-wrap-result): the wrapper is taken off; keys beside `result` need the JSON view.
    pub async fn list() -> Result<Vec<String>, ToolError>;
}
