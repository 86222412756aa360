//! Everything that can be wrong with what witgate is given, a test each: the right exit code, an error that names what is
//! wrong and what to do, the same as one object with `--json`, no process left behind, every attempted call in the journal.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod calls;
mod components;
mod configuration;
mod endless;
mod hostile_lists;
mod hostile_servers;
mod interrupt;
mod many_in_one_host;
mod programs;
mod servers;

use serde_json::{Value, json};
use witgate_tests::{Output, Stand, workspace};

/// What a failure must say. Texts are parts that have to be there.
#[derive(Debug, Clone, Default)]
struct Expected<'a> {
    code: i32,
    kind: &'a str,
    message: &'a [&'a str],
    hint: &'a [&'a str],
    at: &'a str,
}

/// Runs the command twice, for a person and with `--json`, and holds both against what is expected. Returns the JSON run.
fn fails(stand: &Stand, arguments: &[&str], expected: &Expected<'_>) -> Output {
    let told = stand.run(arguments).unwrap();
    assert_eq!(told.code, Some(expected.code), "{arguments:?}: {told:#?}");
    assert_eq!(told.stdout, "", "stdout carries results only");
    assert!(told.stderr.contains("error: "), "{told:#?}");
    for part in expected.message.iter().chain(expected.hint) {
        assert!(
            told.stderr.contains(part),
            "`{part}` is not in what {arguments:?} tells:\n{}",
            told.stderr
        );
    }
    if !expected.hint.is_empty() {
        assert!(told.stderr.contains("\n\nhint: "), "{}", told.stderr);
    }
    assert_eq!(stand.orphans(), Vec::<String>::new(), "{arguments:?}");
    fails_as_json(stand, arguments, expected)
}

/// Runs the command with `--json` only.
fn fails_as_json(stand: &Stand, arguments: &[&str], expected: &Expected<'_>) -> Output {
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    let output = stand.run(&arguments).unwrap();
    assert_eq!(
        output.code,
        Some(expected.code),
        "{arguments:?}: {output:#?}"
    );
    is_failure(&output, expected);
    assert_eq!(stand.orphans(), Vec::<String>::new(), "{arguments:?}");
    output
}

/// Holds the object on stdout against what is expected.
fn is_failure(output: &Output, expected: &Expected<'_>) {
    let failure: Value = serde_json::from_str(&output.stdout)
        .unwrap_or_else(|_| panic!("stdout is one JSON object: {output:#?}"));
    for key in ["kind", "message", "hint", "at"] {
        assert!(
            failure.get(key).is_some(),
            "`{key}` is missing: {failure:#}"
        );
    }
    assert_eq!(failure["kind"], expected.kind, "{failure:#}");
    let text = |key: &str| failure[key].as_str().unwrap_or_default().to_owned();
    for part in expected.message {
        let whole = format!("{} {}", text("message"), failure["reasons"]);
        assert!(
            whole.contains(part),
            "`{part}` is not in the message: {failure:#}"
        );
    }
    for part in expected.hint {
        assert!(
            text("hint").contains(part),
            "`{part}` is not in the hint: {failure:#}"
        );
    }
    assert!(
        text("at").contains(expected.at),
        "it is not at `{}`: {failure:#}",
        expected.at
    );
}

/// A stand with the demo server, which writes what arrives to `arrived`.
fn demo() -> Stand {
    with_servers(&json!({ "demo": { "command": "witgate", "args": ["demo-server"] } }))
}

/// A stand with the bad server of the host's own tests in one of its modes, as `bad`.
fn bad_server(mode: &str) -> Stand {
    let script = workspace::root().join("host/src/mcp/test_server.py");
    with_servers(&json!({ "bad": { "command": "python3", "args": [script, mode, "stdio"] } }))
}

fn with_servers(servers: &Value) -> Stand {
    let mut stand = Stand::new().unwrap();
    stand
        .write(".mcp.json", json!({ "mcpServers": servers }).to_string())
        .unwrap();
    let arrived = stand.folder().join("arrived");
    stand.set("WITGATE_DEMO_TRANSCRIPT", arrived.display().to_string());
    stand
}

/// A stand with the demo server and this program.
fn program(name: &str, source: &str) -> Stand {
    let stand = demo();
    stand.write(name, source).unwrap();
    stand
}

/// The run's only line of the journal.
fn only_record(stand: &Stand) -> Value {
    let records = stand.lines("journal").unwrap();
    assert_eq!(records.len(), 1, "{records:#?}");
    records.into_iter().next().unwrap()
}
