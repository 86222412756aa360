/// MCP server `example`. Declarations only; a program names them with `use mcp::example::...`.
pub mod example {
    pub async fn search(args: SearchArgs) -> Result<Value, ToolError>;

    /// Always has `color`: `"any"`.
    /// Always has `type`: `"cat"`.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchCat {
        pub lives: Option<i64>,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum SearchDogColor {
        Brown, // `"brown"`
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum SearchDogType {
        Dog, // `"dog"`
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchDog {
        /// Required.
        pub color: SearchDogColor,
        /// Required.
        pub r#type: SearchDogType,
    }
    impl SearchDog {
        /// The others are absent: `SearchDog { .., ..SearchDog::new(..) }`.
        pub fn new(color: SearchDogColor, r#type: SearchDogType) -> Self;
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub enum SearchPet {
        Cat(SearchCat),
        Dog(SearchDog),
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct SearchArgs {
        /// Required.
        pub pet: SearchPet,
    }
    impl SearchArgs {
        /// The others are absent: `SearchArgs { .., ..SearchArgs::new(..) }`.
        pub fn new(pet: SearchPet) -> Self;
    }
}
