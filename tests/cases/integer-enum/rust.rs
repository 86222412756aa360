/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum SearchLevel {
        N1, // `1`
        Minus1, // `-1`
        N0, // `0`
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub level: SearchLevel,
    }
    impl SearchArgs {
        /// The others are absent: `SearchArgs { .., ..SearchArgs::new(..) }`.
        pub fn new(level: SearchLevel) -> Self;
    }
}
