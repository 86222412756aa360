/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    /// Tool `__proto__`.
    pub async fn proto(args: ProtoArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct ProtoArgs {
        /// Key `__proto__`.
        pub proto: Option<String>,
        pub constructor: Option<String>,
        /// Key ``.
        pub field: Option<String>,
        /// Key `%`.
        pub field2: Option<String>,
        /// Key `🦀`.
        pub field3: Option<String>,
        /// Key `1st`.
        pub n1st: Option<String>,
        /// Key `ab`.
        pub a_b: Option<String>,
        /// Key `א`.
        pub field4: Option<String>,
    }

    /// Tool `🦀`.
    pub async fn tool(args: ToolArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct ToolArgs {
        pub a: Option<String>,
    }
}
