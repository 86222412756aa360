/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchUserShort {
        /// Required.
        pub id: i64,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchUserLong {
        /// Required.
        pub id: i64,
        /// Required.
        pub name: String,
    }

    /// Not typed (anyOf): no key tells the cases apart: the first whose schema fits is taken.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub enum SearchUser {
        Short(SearchUserShort),
        Long(SearchUserLong),
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub user: SearchUser,
    }
    impl SearchArgs {
        /// The others are absent: `SearchArgs { .., ..SearchArgs::new(..) }`.
        pub fn new(user: SearchUser) -> Self;
    }
}
