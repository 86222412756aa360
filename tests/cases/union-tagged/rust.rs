/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    /// Always has `kind`: `"circle"`.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchShapeCircle {
        /// Required.
        pub radius: f64,
    }

    /// Always has `kind`: `"square"`.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchShapeSquare {
        /// Required.
        pub side: f64,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub enum SearchShape {
        Circle(SearchShapeCircle),
        Square(SearchShapeSquare),
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub shape: SearchShape,
    }
    impl SearchArgs {
        /// The others are absent: `SearchArgs { .., ..SearchArgs::new(..) }`.
        pub fn new(shape: SearchShape) -> Self;
    }
}
