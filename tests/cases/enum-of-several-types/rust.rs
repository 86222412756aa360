/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    /// One of `"auto"`, `0`, `1.5`, `true`.
    /// Not typed (enum): the listed values are checked at run time.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub enum SearchSize {
        Boolean(bool),
        Number(f64),
        String(String),
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub size: SearchSize,
    }
    impl SearchArgs {
        /// The others are absent: `SearchArgs { .., ..SearchArgs::new(..) }`.
        pub fn new(size: SearchSize) -> Self;
    }
}
