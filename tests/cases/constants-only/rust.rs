/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum SearchModeKind {
        All, // `"all"`
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchMode {
        /// Required.
        pub kind: SearchModeKind,
    }
    impl SearchMode {
        /// The others are absent: `SearchMode { .., ..SearchMode::new(..) }`.
        pub fn new(kind: SearchModeKind) -> Self;
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub mode: SearchMode,
    }
    impl SearchArgs {
        /// The others are absent: `SearchArgs { .., ..SearchArgs::new(..) }`.
        pub fn new(mode: SearchMode) -> Self;
    }
}
