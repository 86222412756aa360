/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn deep(args: DeepArgs) -> Result<Value, ToolError>;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAAAAAAAAAAAA {
        /// Not typed ((depth)): nested too deeply; given as JSON.
        /// Required.
        pub a: Value,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAAAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAAAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAAA {
        /// Required.
        pub a: DeepAAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAAA {
        /// Required.
        pub a: DeepAAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAAA {
        /// Required.
        pub a: DeepAAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAAA {
        /// Required.
        pub a: DeepAAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAAA {
        /// Required.
        pub a: DeepAAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepAA {
        /// Required.
        pub a: DeepAAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepA {
        /// Required.
        pub a: DeepAA,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct DeepArgs {
        /// Required.
        pub a: DeepA,
    }
}
