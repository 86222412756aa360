//! The generated crate and its view: names, types, and what is printed for each form of a model.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::json;

use super::*;
use crate::model::{Case, CaseTest, EnumCase, Origin, Stated};

fn field(wire: &str, wit: &str, ty: Type, required: bool) -> Field {
    Field {
        wire: wire.into(),
        wit: wit.into(),
        doc: None,
        ty,
        required,
        default: None,
        stated: Stated::default(),
    }
}

fn def(wit: &str, kind: TypeKind) -> TypeDef {
    TypeDef {
        wit: wit.into(),
        doc: None,
        pointer: String::new(),
        kind,
    }
}

/// One tool with every shape of type, and one without arguments or types.
pub(crate) fn sample() -> ServerModel {
    let defs = vec![
        def(
            "list-issues-args",
            TypeKind::Record {
                fields: vec![
                    Field {
                        doc: Some("Who owns it.".into()),
                        ..field("owner", "owner", Type::String, true)
                    },
                    Field {
                        default: Some(json!("open")),
                        ..field("state", "state", Type::Def(1), false)
                    },
                    field("type", "type", Type::Integer, false),
                    field(
                        "perPage",
                        "per-page",
                        Type::Nullable(Box::new(Type::Integer)),
                        false,
                    ),
                    field("self", "self", Type::Json, true),
                    field("labels", "labels", Type::List(Box::new(Type::Json)), false),
                    field("id", "id", Type::Def(2), false),
                ],
                constants: vec![("kind".into(), json!("issue"))],
                rest: None,
            },
        ),
        def(
            "list-issues-args-state",
            TypeKind::Enum(vec![
                EnumCase {
                    wire: json!("open"),
                    wit: "open".into(),
                },
                EnumCase {
                    wire: json!("is closed"),
                    wit: "is-closed".into(),
                },
                EnumCase {
                    wire: json!("self"),
                    wit: "self".into(),
                },
            ]),
        ),
        def(
            "list-issues-args-id",
            TypeKind::Variant(vec![
                Case {
                    wit: "text".into(),
                    ty: Type::String,
                    test: CaseTest::Try {
                        pointer: String::new(),
                    },
                },
                Case {
                    wit: "number".into(),
                    ty: Type::Integer,
                    test: CaseTest::Try {
                        pointer: String::new(),
                    },
                },
            ]),
        ),
        def(
            "list-issues-output",
            TypeKind::Record {
                fields: vec![
                    field("number", "number", Type::Number, true),
                    field("extra", "extra", Type::Map(Box::new(Type::Json)), true),
                    field(
                        "pair",
                        "pair",
                        Type::Tuple(vec![Type::String, Type::Json]),
                        true,
                    ),
                    field(
                        "level",
                        "level",
                        Type::Nullable(Box::new(Type::Def(4))),
                        true,
                    ),
                    field("shape", "shape", Type::Def(5), true),
                ],
                constants: vec![],
                rest: None,
            },
        ),
        def(
            "list-issues-output-level",
            TypeKind::Enum(vec![
                EnumCase {
                    wire: json!(1),
                    wit: "n1".into(),
                },
                EnumCase {
                    wire: json!(2),
                    wit: "n2".into(),
                },
            ]),
        ),
        def(
            "list-issues-output-shape",
            TypeKind::Variant(vec![
                Case {
                    wit: "circle".into(),
                    ty: Type::Def(6),
                    test: CaseTest::Tag {
                        wire: "shape".into(),
                        value: json!("circle"),
                    },
                },
                Case {
                    wit: "other".into(),
                    ty: Type::Json,
                    test: CaseTest::Try {
                        pointer: String::new(),
                    },
                },
            ]),
        ),
        def(
            "list-issues-output-shape-circle",
            TypeKind::Record {
                fields: vec![field("r", "r", Type::Number, true)],
                constants: vec![],
                rest: None,
            },
        ),
    ];
    let list = ToolModel {
        tool: "list_issues".into(),
        wit: "list-issues".into(),
        title: None,
        doc: Some("Lists issues.\n\nAll of them.".into()),
        input: Some(Type::Def(0)),
        output: Type::List(Box::new(Type::Def(3))),
        has_output_schema: true,
        input_origin: Origin::Server,
        output_origin: Origin::Server,
        unwrap_result: false,
        defs,
        definition_hash: String::new(),
        shape_hash: String::new(),
    };
    let ping = ToolModel {
        tool: "gen".into(),
        wit: "gen".into(),
        title: None,
        doc: None,
        input: None,
        output: Type::Json,
        has_output_schema: false,
        input_origin: Origin::Server,
        output_origin: Origin::Server,
        unwrap_result: false,
        defs: vec![],
        definition_hash: String::new(),
        shape_hash: String::new(),
    };
    ServerModel {
        server: "git-hub".into(),
        package: "git-hub".into(),
        tools: vec![list, ping],
        losses: vec![],
    }
}

#[test]
fn keywords_are_escaped() {
    assert_eq!(identifier("type"), "r#type");
    assert_eq!(identifier("self"), "self_");
    assert_eq!(identifier("Self"), "Self_");
    assert_eq!(identifier("issue"), "issue");
}

#[test]
fn declarations_of_all_shapes() {
    let expected = r#"/// MCP server `git-hub`. Declarations only; a program names them with `use mcp::git_hub::...`.
pub mod git_hub {
    /// Lists issues.
    ///
    /// All of them.
    pub async fn list_issues(args: ListIssuesArgs) -> Result<Vec<ListIssuesOutput>, ToolError>;

    /// Always has `kind`: `"issue"`.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct ListIssuesArgs {
        /// Who owns it.
        /// Required.
        pub owner: String,
        /// Default: `"open"`.
        pub state: Option<ListIssuesArgsState>,
        pub r#type: Option<i64>,
        /// Key `perPage`.
        pub per_page: Option<Option<i64>>,
        /// Key `self`.
        /// Required.
        pub self_: Value,
        pub labels: Option<Vec<Value>>,
        pub id: Option<ListIssuesArgsId>,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum ListIssuesArgsState {
        Open, // `"open"`
        IsClosed, // `"is closed"`
        Self_, // `"self"`
    }
"#;
    let text = declarations(&sample(), None);
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("    pub async fn r#gen() -> Result<Value, ToolError>;\n"));
    assert!(text.contains(
        "        pub extra: BTreeMap<String, Value>,\n        /// Required.\n        pub pair: (String, Value),\n"
    ));
}

#[test]
fn declarations_of_chosen_tools_only() {
    let text = declarations(&sample(), Some(&["gen"]));
    assert!(
        text.contains("r#gen") && !text.contains("list_issues"),
        "{text}"
    );
}

#[test]
fn bindings_are_deterministic_and_name_only_chosen_tools() {
    let server = sample();
    let chosen = [(&server, vec![&server.tools[1]])];
    let text = bindings(&chosen);
    assert_eq!(text, bindings(&chosen));
    assert!(
        text.contains("r__::r#gen()") && !text.contains("ListIssues"),
        "{text}"
    );
}

#[test]
fn a_record_of_results_that_requires_a_choice_has_no_default() {
    let text = declarations(&sample(), None);
    let output = text.split("pub struct ListIssuesOutput {").next().unwrap();
    let derived = output.trim_end().lines().last().unwrap();
    assert!(!derived.contains("Default"), "{derived}");
    assert!(
        text.contains("pub fn new(number: f64, extra: BTreeMap<String, Value>, pair: (String, Value), level: Option<ListIssuesOutputLevel>, shape: ListIssuesOutputShape) -> Self;"),
        "{text}"
    );
    let server = sample();
    let code = bindings(&[(&server, vec![&server.tools[0]])]);
    assert!(
        code.contains("#[derive(Clone, Debug, Default, PartialEq)]\npub struct ListIssuesArgs {")
    );
    assert!(code.contains("#[derive(Clone, Debug, PartialEq)]\npub struct ListIssuesOutput {"));
    assert!(!code.contains("#[default]") && !code.contains("take_unset"));
}

/// Arguments whose `shape`, and in a list of records whose `level`, must be given; the rest are results of the sample.
fn requiring() -> ServerModel {
    let mut server = sample();
    let tool = &mut server.tools[0];
    tool.defs[0].kind = TypeKind::Record {
        fields: vec![
            field("shape", "shape", Type::Def(5), true),
            field("state", "state", Type::Def(1), false),
            field("rows", "rows", Type::List(Box::new(Type::Def(7))), true),
        ],
        constants: vec![],
        rest: None,
    };
    let level = field("level", "level", Type::Def(4), true);
    tool.defs.push(def(
        "list-issues-args-row",
        TypeKind::Record {
            fields: vec![level],
            constants: vec![],
            rest: None,
        },
    ));
    server
}

#[test]
fn arguments_that_require_a_choice_have_a_default_that_is_refused() {
    let server = requiring();
    let tool = &server.tools[0];
    // The choices that are required, also those that results have too; not the optional `state`.
    assert_eq!(Vec::from_iter(unset_defs(tool)), [4, 5]);
    let text = declarations(&server, None);
    for record in ["ListIssuesArgs", "ListIssuesArgsRow"] {
        let wanted =
            format!("Default, PartialEq, Serialize, Deserialize)]\n    pub struct {record} {{");
        assert!(text.contains(&wanted), "{text}");
    }
    assert!(text.contains("        /// Required.\n        pub shape: ListIssuesOutputShape,\n"));
    assert!(!text.contains("Unset__"), "{text}");
    let code = bindings(&[(&server, vec![tool])]);
    let found = code.find("take_unset(\"git-hub/list_issues\")");
    let sent = code.find("r__::list_issues(lowered).await");
    assert!(found.is_some() && found < sent, "{code}");
    assert!(code.contains("N1,\nN2,\n#[doc(hidden)]\n#[default]\nUnset__,\n}"));
    assert!(code.contains(
        "Self::Unset__ => { g__::unset(\"ListIssuesOutputLevel\"); r__::ListIssuesOutputLevel::N1 }"
    ));
    assert!(
        code.contains(
            "let value: ListIssuesOutputShapeCircle = ::std::default::Default::default();"
        )
    );
    assert_eq!(code.matches("#[default]").count(), 2, "{code}");
}
