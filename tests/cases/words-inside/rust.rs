/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    /// `"up"`: Smallest first.
    /// `"down"`: Largest first.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum SearchOrder {
        Up, // `"up"`
        Down, // `"down"`
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Which way.
        /// One of `"+"`, `"-"`.
        pub sign: Option<Option<String>>,
        /// Items: A full name.
        pub names: Option<Vec<String>>,
        pub order: Option<SearchOrder>,
    }
}
