/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    /// Tool `getUser`.
    pub async fn get_user(args: GetUserArgs2) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct GetUserArgs2 {
        /// Required.
        pub id: i64,
    }

    /// Tool `get_user`.
    pub async fn get_user2(args: GetUser2Args) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct GetUser2Args {
        /// Required.
        pub id: String,
    }

    pub async fn get_user_args(args: GetUserArgsArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct GetUserArgsArgs {
        /// Required.
        pub name: String,
    }

    /// Tool `json`.
    pub async fn json2() -> Result<Value, ToolError>;

    /// Tool `tool-error`.
    pub async fn tool_error2() -> Result<Value, ToolError>;
}
