//! What people and models write by habit: it compiles, or the message says what to write instead. Skipped where the
//! toolchain for Rust programs is missing, unless `WITGATE_TEST_ALL` is set.
#![allow(clippy::unwrap_used)]

use serde_json::json;
use witgate_codegen::catalog::{Server, Tool};
use witgate_codegen::server::model_server;

use super::hostile_tests::toolchain;
use super::*;

/// One server with tools that require choices, one that does not, and one whose result has a choice.
fn servers() -> Vec<ServerModel> {
    let tool = |name: &str, required: serde_json::Value| Tool {
        name: name.into(),
        input_schema: json!({"type": "object", "required": required, "properties": {
            "state": {"enum": ["open", "closed"]}, "owner": {"type": "string"}, "page": {"type": "integer"},
        }}),
        ..Tool::default()
    };
    let object = |required: serde_json::Value, properties: serde_json::Value| json!({"type": "object", "required": required, "properties": properties});
    let size = json!({"enum": ["s", "m"]});
    let place = Tool {
        name: "place".into(),
        input_schema: object(
            json!(["size", "target", "rows"]),
            json!({
                "size": size,
                "target": {"anyOf": [object(json!(["size"]), json!({"size": size})), {"type": "string"}]},
                "rows": {"type": "array", "items": object(json!(["size"]), json!({"size": size}))},
            }),
        ),
        ..Tool::default()
    };
    let show = Tool {
        name: "show".into(),
        output_schema: Some(object(
            json!(["size", "owner"]),
            json!({"size": size, "owner": {"type": "string"}}),
        )),
        ..tool("show", json!(["owner"]))
    };
    let server = Server {
        tools: vec![
            tool("list", json!(["owner"])),
            tool("choose", json!(["state", "owner"])),
            place,
            show,
        ],
        ..Server::default()
    };
    vec![model_server("demo", &server).unwrap()]
}

/// The components' warnings, or the error with its hint.
fn build(body: &str, toolchain: &Toolchain, cache: &Path) -> Result<String, String> {
    let source = format!("use witgate_guest::prelude::*;\n{body}\nprogram!(run);\n");
    build_rust(&source, "main.rs", &servers(), toolchain, cache)
        .map(|built| built.warnings)
        .map_err(|error| format!("{error}\n{}", error.hint().unwrap_or_default()))
}

#[test]
fn habits_that_work() {
    let Some(toolchain) = toolchain() else { return };
    let cache = tempfile::tempdir().unwrap();
    for body in [
        "async fn run(_: Value) -> Result<Value, Box<dyn std::error::Error>> { let n: i32 = \"x\".parse()?; Ok(json!(n)) }",
        "async fn run(_: Value) -> Result<Value, String> { Err(\"x\".to_string()) }",
        "async fn run(i: Value) -> Result<Value> { if i.is_null() { return Err(\"x\".into()); } let a = i.as_str().ok_or(\"no\")?; Err(Error::msg(a)) }",
        "record! { struct Input { id: u64, name: Option<String> } } async fn run(i: Input) -> Result<Input> { Ok(i) }",
        "use mcp::demo::*; async fn run(i: Value) -> Result<Value> { let a: ListArgs = serde_json::from_value(i)?; let v = serde_json::to_value(&a)?; Ok(json!([list(a).await?, v])) }",
        "use mcp::demo::*; async fn run(_: Value) -> Result<Value> { Ok(list(ListArgs { owner: \"a\".into(), ..Default::default() }).await?) }",
        "use mcp::demo::*; async fn run(_: Value) -> Result<Value> { Ok(choose(ChooseArgs { page: Some(2), ..ChooseArgs::new(ChooseState::Open, \"a\".into()) }).await?) }",
        "use mcp::demo::*; async fn run(_: Value) -> Result<Value> { Ok(choose(ChooseArgs { page: Some(2), ..Default::default() }).await?) }",
        "use mcp::demo::*; async fn run(i: Value) -> Result<Value> { let a = PlaceArgs { rows: vec![Default::default()], ..Default::default() }; if a.size == \"s\" { return Ok(json!(a)); } let b: PlaceArgs = serde_json::from_value(i)?; Ok(json!([place(a).await?, place(b).await?])) }",
        "macro_rules! call { ($t:ident, $a:ident) => { mcp::demo::$t(mcp::demo::$a::default()).await } } async fn run(_: Value) -> Result<Value> { Ok(call!(list, ListArgs)?) }",
        "mod mcp { pub fn x() -> i32 { 1 } } async fn run(_: Value) -> Result<Value> { Ok(json!(crate::mcp::x())) }",
    ] {
        assert_eq!(
            build(body, &toolchain, cache.path()),
            Ok(String::new()),
            "{body}"
        );
    }
    let seen = build(
        "async fn run(_: Value) -> Result<Value> { std::println!(\"x\"); Ok(json!(1)) }",
        &toolchain,
        cache.path(),
    );
    assert!(seen.unwrap().starts_with("warning: main.rs:2:48: "));
}

#[test]
fn habits_that_are_explained() {
    let Some(toolchain) = toolchain() else { return };
    let cache = tempfile::tempdir().unwrap();
    for (body, hint) in [
        (
            "use mcp::demo::*; async fn run(_: Value) -> Result<ShowOutput> { Ok(ShowOutput { owner: \"a\".into(), ..Default::default() }) }",
            "`ShowOutput { .., ..ShowOutput::new(..) }`",
        ),
        (
            "#[derive(serde::Serialize)] struct A { n: i32 } async fn run(_: Value) -> Result<A> { Ok(A { n: 1 }) }",
            "record! {",
        ),
        (
            "use serde::{Deserialize, Serialize}; #[derive(Serialize, Deserialize)] struct A { n: i32 } async fn run(a: A) -> Result<A> { Ok(a) }",
            "record! {",
        ),
        (
            "use chrono::Utc; async fn run(_: Value) -> Result<Value> { Ok(json!(1)) }",
            "a program can use the crates `mcp`",
        ),
        (
            "async fn run(i: Value) -> Result<Value> { Ok(json!(i.as_str().ok_or_else(|| Error::new(\"a\"))?)) }",
            "`anyhow!(\"..\")`",
        ),
        (
            "use mcp::demo as d; async fn run(_: Value) -> Result<Value> { Ok(d::lists(d::ListArgs::default()).await?) }",
            "did you mean `list`",
        ),
    ] {
        let error = build(body, &toolchain, cache.path()).unwrap_err();
        assert!(error.contains(hint), "{body}: {error}");
        for noise in ["aborting due to", "rustc --explain", "/registry/"] {
            assert!(!error.contains(noise), "{body}: {error}");
        }
    }
}
