//! Servers that do not start, do not answer, answer wrongly or too much: exit code 5 where the program does not handle it, a
//! `ToolError` where it does, and the process is gone in the end.

use serde_json::json;

use crate::{Expected, bad_server, fails, fails_as_json, only_record, with_servers};

const ECHO: &str = r#"
import { echo } from "mcp:bad";
export default () => echo({ text: "x" });
"#;
const RUN: &[&str] = &["run", "program.js", "--allow", "bad/*"];

fn unavailable<'a>(message: &'a [&'a str], hint: &'a [&'a str]) -> Expected<'a> {
    Expected {
        code: 5,
        kind: "unavailable",
        message,
        hint,
        at: "",
    }
}

#[test]
fn command_that_is_not_found() {
    let stand = with_servers(&json!({ "bad": { "command": "no-such-command-anywhere" } }));
    stand.write("program.js", ECHO).unwrap();
    let expected = unavailable(
        &["server `bad`: the command `no-such-command-anywhere` was not found"],
        &["install `no-such-command-anywhere`"],
    );
    fails(
        &stand,
        RUN,
        &Expected {
            at: "bad",
            ..expected
        },
    );
}

#[test]
fn one_dead_server_does_not_stop_the_others() {
    let stand = with_servers(&json!({
        "bad": { "command": "no-such-command-anywhere" },
        "demo": { "command": "witgate", "args": ["demo-server"] },
    }));
    let output = stand.run(&["sync"]).unwrap();
    assert_eq!(output.code, Some(5), "{output:#?}");
    assert!(
        output.stderr.contains("no-such-command-anywhere"),
        "{output:#?}"
    );
    let lock: serde_json::Value = serde_json::from_str(&stand.read("witgate.lock")).unwrap();
    assert!(
        lock["servers"]["demo"]["tools"]["list_issues"].is_object(),
        "{lock:#}"
    );
    assert_eq!(stand.orphans(), Vec::<String>::new());
    // Nor does it stop a program that does not need it.
    stand.write("program.js", "import { slowEcho } from 'mcp:demo';\nexport default () => slowEcho({ text: 'x', delay_ms: 0 });").unwrap();
    let output = stand
        .run(&["run", "program.js", "--allow", "demo/*"])
        .unwrap();
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "\"x\"\n"),
        "{output:#?}"
    );
}

#[test]
fn server_that_prints_garbage() {
    let stand = bad_server("garbage");
    stand.write("program.js", ECHO).unwrap();
    fails(
        &stand,
        RUN,
        &unavailable(
            &["server `bad` broke the protocol", "no JSON-RPC"],
            &["logs belong on stderr"],
        ),
    );
}

#[test]
fn server_that_prints_a_few_lines_of_garbage_first() {
    let stand = bad_server("chatty");
    stand.write("program.js", ECHO).unwrap();
    let output = stand.run(RUN).unwrap();
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "{\"got\":{\"text\":\"x\"}}\n"),
        "{output:#?}"
    );
}

#[test]
fn server_that_never_answers() {
    let stand = bad_server("silent");
    stand.write("program.js", ECHO).unwrap();
    // It is waited for half a minute, so once must do.
    fails_as_json(
        &stand,
        RUN,
        &unavailable(
            &["server `bad` did not start within"],
            &["start the server by hand"],
        ),
    );
}

#[test]
fn tool_that_never_answers() {
    let stand = bad_server("good");
    stand
        .write(
            "program.js",
            "import { slow } from 'mcp:bad';\nexport default () => slow({});",
        )
        .unwrap();
    let expected = Expected {
        code: 4,
        kind: "limit",
        message: &["the run took more than its 2s"],
        hint: &["--max-time"],
        at: "",
    };
    fails_as_json(
        &stand,
        &[
            "run",
            "program.js",
            "--allow",
            "bad/*",
            "--max-time",
            "2",
            "--journal",
            "journal",
        ],
        &expected,
    );
    let record = only_record(&stand);
    assert_eq!(
        (&record["verdict"], &record["outcome"]),
        (&json!("permitted"), &json!("cancelled")),
        "{record:#}"
    );
}

#[test]
fn server_that_dies_in_mid_call() {
    let stand = bad_server("dies");
    stand.write("program.js", ECHO).unwrap();
    fails(
        &stand,
        RUN,
        &unavailable(&["bad/echo (unavailable)", "server `bad` is gone"], &[]),
    );

    let caught = "import { echo } from 'mcp:bad';
        export default async () => {
          try { return await echo({}); } catch ({ kind, tool, name }) { return { kind, tool, name }; }
        };";
    stand.write("caught.js", caught).unwrap();
    let output = stand
        .run(&[
            "run",
            "caught.js",
            "--allow",
            "bad/*",
            "--journal",
            "journal",
        ])
        .unwrap();
    let expected = "{\"kind\":\"unavailable\",\"tool\":\"bad/echo\",\"name\":\"ToolError\"}\n";
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), expected),
        "{output:#?}"
    );
    let record = only_record(&stand);
    assert_eq!(
        (&record["outcome"], &record["blame"]),
        (&json!("unavailable"), &json!("server")),
        "{record:#}"
    );
    assert_eq!(stand.orphans(), Vec::<String>::new());
}

#[test]
fn server_that_sends_half_a_message() {
    let stand = bad_server("broken");
    stand.write("program.js", ECHO).unwrap();
    fails(
        &stand,
        RUN,
        &unavailable(&["server `bad` broke the protocol"], &[]),
    );
}

#[test]
fn server_that_sends_a_line_of_100_mb() {
    let stand = bad_server("big");
    stand.write("program.js", ECHO).unwrap();
    fails(
        &stand,
        RUN,
        &unavailable(
            &["server `bad` sent a message of more than 16777216 bytes"],
            &[],
        ),
    );
}

#[test]
fn server_that_will_not_end() {
    let stand = bad_server("stubborn");
    stand.write("program.js", ECHO).unwrap();
    let output = stand.run(RUN).unwrap();
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert_eq!(stand.orphans(), Vec::<String>::new());
}
