/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    /// Not typed (type): the arguments are no object; they are given as JSON.
    pub async fn odd(args: Value) -> Result<Value, ToolError>;
}
