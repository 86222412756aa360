/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum SearchUnit {
        Kg, // `"kg"`
        M, // `"m"`
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchShapeObject {
        /// Checked: minimum `1`.
        /// Required.
        pub r: f64,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchShapeObject2 {
        /// Required.
        pub r: String,
    }

    /// Not typed (anyOf): no key tells the cases apart: the first whose schema fits is taken.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub enum SearchShape {
        Object(SearchShapeObject),
        Object2(SearchShapeObject2),
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub unit: SearchUnit,
        pub shape: Option<SearchShape>,
    }
    impl SearchArgs {
        /// The others are absent: `SearchArgs { .., ..SearchArgs::new(..) }`.
        pub fn new(unit: SearchUnit) -> Self;
    }
}
