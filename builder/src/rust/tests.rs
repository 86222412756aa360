//! What the scan of a program finds, what it refuses, and what it says of names that do not exist. Nothing is compiled.
#![allow(clippy::unwrap_used)]

use serde_json::json;
use witgate_codegen::catalog::{Server, Tool};
use witgate_codegen::server::model_server;

use super::compile::local_name;
use super::*;

pub(super) fn servers() -> Vec<ServerModel> {
    let tool = |name: &str| Tool {
        name: name.into(),
        input_schema: json!({"type": "object", "properties": {"state": {"enum": ["open", "closed"]}}}),
        ..Tool::default()
    };
    let github = Server {
        tools: ["list_issues", "get_issue", "type"].map(tool).to_vec(),
        ..Server::default()
    };
    let crm = Server {
        tools: ["list_deals", "update_deal"].map(tool).to_vec(),
        ..Server::default()
    };
    vec![
        model_server("git-hub", &github).unwrap(),
        model_server("crm", &crm).unwrap(),
    ]
}

/// The tools that a program names, as `server/tool`.
fn named(body: &str) -> Result<Vec<String>, String> {
    let servers = servers();
    let source = format!("{body}\nprogram!(run);");
    let named = scan(&source, "main.rs", &servers).map_err(|error| {
        format!(
            "{error}{}",
            error
                .hint()
                .map(|hint| format!("; {hint}"))
                .unwrap_or_default()
        )
    })?;
    let tools = named.servers.iter().flat_map(|(server, tools)| {
        let server = &servers[*server];
        tools
            .iter()
            .map(move |tool| format!("{}/{}", server.server, server.tools[*tool].tool))
    });
    Ok(tools.collect())
}

#[test]
fn paths_to_tools() {
    let list = ["git-hub/list_issues"].as_slice();
    let both = ["git-hub/list_issues", "git-hub/get_issue"].as_slice();
    let all = ["git-hub/list_issues", "git-hub/get_issue", "git-hub/type"].as_slice();
    let two = ["git-hub/list_issues", "crm/list_deals"].as_slice();
    for (body, wanted) in [
        ("", [].as_slice()),
        ("use mcp::git_hub::{list_issues, ListIssuesArgs};", list),
        ("use mcp::git_hub::ListIssuesArgs;", list),
        (
            "use mcp::git_hub::{list_issues as all, get_issue as one};",
            both,
        ),
        (
            "use mcp::{git_hub::list_issues, crm::{list_deals as deals, ListDealsArgs}};",
            two,
        ),
        ("use {mcp::git_hub::list_issues, std::fmt};", list),
        ("use ::mcp::git_hub::*;", all),
        ("fn f() { mcp::git_hub::r#type(); }", &["git-hub/type"]),
        (
            "fn f() { println!(\"{}\", json!([mcp::git_hub::list_issues(x).await?])); }",
            list,
        ),
        (
            "use mcp::git_hub; fn f() { git_hub::list_issues(); other.git_hub.x(); }",
            list,
        ),
        (
            "fn f() { gh::list_issues(); } use mcp::git_hub as gh;",
            list,
        ),
        (
            "use mcp::git_hub::{self as gh, get_issue}; fn f() { gh::list_issues(); }",
            both,
        ),
        (
            "use mcp::{self as m, git_hub::{self}}; fn f() { m::crm::list_deals(); git_hub::list_issues(); }",
            two,
        ),
        (
            "use mcp as m; use m::git_hub as g; use g::list_issues;",
            list,
        ),
        (
            "use mcp::*; fn f() { git_hub::list_issues(); crm::list_deals(); }",
            two,
        ),
        (
            "mod inner { use crate::gh::list_issues; } use mcp::git_hub as gh;",
            list,
        ),
        (
            "use mcp::git_hub::ListIssuesState::{Open, Closed}; use mcp::crm::list_deals;",
            two,
        ),
        (
            "fn f() { let s = mcp::git_hub::ListIssuesState::Open; }",
            list,
        ),
        ("fn f() { let mcp = 1; x.mcp; other::mcp::nothing(); }", &[]),
    ] {
        assert_eq!(
            named(body).as_deref(),
            Ok(wanted
                .iter()
                .map(|s| s.to_string())
                .collect::<Vec<_>>()
                .as_slice()),
            "{body}"
        );
    }
}

#[test]
fn unknown_names_come_with_place_and_nearest_names() {
    assert_eq!(
        named("use mcp::git_hub::{\n    list_issue,\n};").unwrap_err(),
        "main.rs:2:5: MCP server `git-hub` has no tool `list_issue`; did you mean `list_issues`, `get_issue`?"
    );
    assert_eq!(
        named("use mcp::githb::x;").unwrap_err(),
        "main.rs:1:10: no MCP server `githb`; did you mean `git_hub`?"
    );
}

#[test]
fn a_name_behind_another_is_in_doubt_only() {
    let servers = servers();
    let doubts = |body: &str| {
        let source = format!("{body}\nprogram!(run);");
        scan(&source, "main.rs", &servers).unwrap().doubts
    };
    let doubt = doubts("use mcp::git_hub as g;\nfn f() { g::ListIssueArgs }");
    assert!(
        doubt.len() == 1 && doubt[0].starts_with("main.rs:2:13: "),
        "{doubt:?}"
    );
    assert!(
        doubt[0].contains("did you mean `ListIssuesArgs`"),
        "{doubt:?}"
    );
    for (body, wanted) in [
        ("use mcp::crm; use std::{crm::Duration, fmt};", 0),
        (
            "use mcp::*; mod crm { pub fn x() {} } fn f() { crm::x(); }",
            0,
        ),
        (
            "mod mcp { pub fn x() {} } fn f() { crate::mcp::x(); mcp::x(); }",
            0,
        ),
    ] {
        assert_eq!(named(body).unwrap().len(), wanted, "{body}");
    }
}

#[test]
fn a_macro_variable_stands_for_every_tool() {
    let crm = ["crm/list_deals", "crm/update_deal"]
        .map(String::from)
        .to_vec();
    assert_eq!(
        named("macro_rules! t { ($t:ident) => { mcp::crm::$t().await } }"),
        Ok(crm)
    );
    let all = named("macro_rules! t { ($s:ident, $t:ident) => { mcp::$s::$t().await } }");
    assert_eq!(all.unwrap().len(), 5);
}

#[test]
fn printing_that_nobody_sees_is_warned_of() {
    let warnings = |body: &str| {
        let source = format!("{body}\nprogram!(run);");
        scan(&source, "main.rs", &[]).unwrap().warnings
    };
    for (body, place) in [
        (
            "fn f() { std::println!(\"x\"); }",
            "main.rs:1:15: `std::println!`",
        ),
        ("fn f() { ::std::dbg!(1); }", "main.rs:1:17: `std::dbg!`"),
        (
            "fn f() { writeln!(std::io::stderr(), \"x\"); }",
            "main.rs:1:28: what is written to `stderr()`",
        ),
        (
            "fn f() { stdout().write_all(b\"x\"); }",
            "main.rs:1:10: what is written to `stdout()`",
        ),
    ] {
        let warned = warnings(body);
        assert!(
            warned.len() == 1 && warned[0].starts_with(place),
            "{body}: {warned:?}"
        );
    }
    for body in [
        "fn f() { println!(\"std::println!\"); std::io::stdout().flush(); output.stdout(); }",
        "fn stdout() {} fn f(stderr: u8) { mine::stdout(); }",
    ] {
        assert_eq!(warnings(body), Vec::<String>::new(), "{body}");
    }
}

#[test]
fn what_reads_the_building_machine_is_refused() {
    for body in [
        "const X: &str = include_str!(\"/etc/passwd\");",
        "const X: &[u8] = std::include_bytes!(\"/etc/passwd\");",
        "include!(\"/etc/passwd\");",
        "use std::include as inc;",
        "use std::include_str as inc;",
        "fn f() { r#include_str!(\"x\"); }",
        "fn f() { env!(\"HOME\"); }",
        "fn f() { option_env!(\"HOME\"); }",
        "#[doc = include_str!(\"/etc/passwd\")] fn f() {}",
        "#[path = \"/etc/passwd\"] mod x;",
        "#[cfg_attr(all(), path = \"/etc/passwd\")] mod x {}",
        "mod x;",
        "macro_rules! m { ($i:ident) => { $i!(\"/etc/passwd\") } } m!(include);",
        "macro_rules! m { ($i:ident) => { mod $i; } } m!(x);",
        "#[link(name = \"c\")] unsafe extern \"C\" {}",
    ] {
        let error = named(body).unwrap_err();
        assert!(error.starts_with("main.rs:1:"), "{body}: {error}");
    }
    for body in [
        "struct A { include: bool, path: String, link: u8, env: u8 } fn f(a: A) { a.include != true; std::env::args(); }",
        "mod x { pub fn f() {} }",
        "macro_rules! m { ($i:ident) => { mod $i { } } }",
    ] {
        assert_eq!(named(body), Ok(vec![]), "{body}");
    }
}

#[test]
fn a_program_without_entry_or_tokens_is_refused() {
    let error = scan("fn main() {}", "main.rs", &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "main.rs:1:1: the program has no entry: `program!(run);` is missing"
    );
    let error = scan("fn main() {\n  (\n}", "main.rs", &[]).unwrap_err();
    assert!(matches!(error, RustError::Syntax { .. }), "{error}");
}

#[test]
fn file_names_that_no_command_line_takes() {
    for (name, wanted) in [
        ("filter.rs", "filter.rs"),
        ("a/b/filter.rs", "filter.rs"),
        ("-o.rs", "program.rs"),
        ("program.wasm", "program.rs"),
        ("a b.rs", "program.rs"),
        ("", "program.rs"),
    ] {
        assert_eq!(local_name(name), wanted);
    }
}

/// With `BLESS=1` the file is written anew; then `guest-sdk/toolchain` has to run again.
#[test]
fn the_guest_library_has_the_bindings_of_the_contract() {
    let mut resolve = wit_bindgen_core::wit_parser::Resolve::default();
    let package = resolve
        .push_str("witgate.wit", witgate_codegen::wit::RUNTIME)
        .unwrap();
    let world = resolve.select_world(&[package], Some("program")).unwrap();
    let options = wit_bindgen_rust::Opts {
        generate_all: true,
        pub_export_macro: true,
        export_macro_name: Some("export_program".into()),
        ..Default::default()
    };
    let mut files = wit_bindgen_core::Files::default();
    wit_bindgen_core::WorldGenerator::generate(
        &mut options.build(),
        &mut resolve,
        world,
        &mut files,
    )
    .unwrap();
    let texts = files.iter().map(|(_, text)| String::from_utf8_lossy(text));
    let text: String = texts.collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk/src/bindings.rs");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == text,
        "guest-sdk/src/bindings.rs is not what wit/witgate.wit gives now; BLESS=1 writes it"
    );
}
