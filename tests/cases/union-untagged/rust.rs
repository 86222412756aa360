/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchAtPoint {
        /// Required.
        pub x: f64,
        /// Required.
        pub y: f64,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchAtPlace {
        /// Required.
        pub city: String,
    }

    /// Not typed (anyOf): no key tells the cases apart: the first whose schema fits is taken.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub enum SearchAt {
        Point(SearchAtPoint),
        Place(SearchAtPlace),
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub at: SearchAt,
    }
    impl SearchArgs {
        /// The others are absent: `SearchArgs { .., ..SearchArgs::new(..) }`.
        pub fn new(at: SearchAt) -> Self;
    }
}
