/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    /// Not typed (type): MCP's arguments are an object, also where the schema allows other values.
    pub async fn anything() -> Result<Value, ToolError>;
}
