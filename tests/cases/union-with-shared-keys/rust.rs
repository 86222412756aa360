/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    /// Always has `kind`: `"push"`.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchEventPush {
        /// Required.
        pub id: i64,
        /// Required.
        pub r#ref: String,
    }

    /// Always has `kind`: `"fork"`.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchEventFork {
        /// Required.
        pub id: i64,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub enum SearchEvent {
        Push(SearchEventPush),
        Fork(SearchEventFork),
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub event: SearchEvent,
    }
    impl SearchArgs {
        /// The others are absent: `SearchArgs { .., ..SearchArgs::new(..) }`.
        pub fn new(event: SearchEvent) -> Self;
    }
}
