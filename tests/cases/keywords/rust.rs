/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn import(args: ImportArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum ImportAsync {
        Use, // `"use"`
        Type, // `"type"`
        Func, // `"func"`
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct ImportArgs {
        /// Required.
        pub r#type: String,
        pub from: Option<String>,
        /// Key `self`.
        pub self_: Option<String>,
        pub r#async: Option<ImportAsync>,
    }

    pub async fn delete(args: DeleteArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeleteArgs {
        pub world: Option<bool>,
    }
}
