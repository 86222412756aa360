/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum SearchKind {
        ById, // `"by-id"`
        ByName, // `"by-name"`
    }

    /// Not typed (if): not part of the type; checked at run time.
    /// Not typed (then): not part of the type; checked at run time.
    /// Not typed (else): not part of the type; checked at run time.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub kind: SearchKind,
        pub id: Option<i64>,
        pub name: Option<String>,
    }
    impl SearchArgs {
        /// The others are absent: `SearchArgs { .., ..SearchArgs::new(..) }`.
        pub fn new(kind: SearchKind) -> Self;
    }
}
