/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Key `StartTime`.
        pub start_time: Option<String>,
        /// Key `StartTime<`.
        pub start_time2: Option<String>,
        /// Key `StartTime>`.
        pub start_time3: Option<String>,
        /// Key `orderBy`.
        pub order_by: Option<String>,
        /// Key `order_by`.
        pub order_by2: Option<i64>,
        /// Key `user-id`.
        pub user_id: Option<String>,
        /// Key `userid`.
        pub userid2: Option<String>,
        /// Key `$vectorSearch`.
        pub vector_search: Option<bool>,
    }
}
