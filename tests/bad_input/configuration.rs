//! A configuration, grants or a command line that cannot be used: nothing is started, the exit code is 2.

use serde_json::json;
use witgate_tests::Stand;

use crate::{Expected, demo, fails, program, with_servers};

const PROGRAM: &str = r#"
import { getLogo } from "mcp:demo";
export default () => getLogo();
"#;

fn configured(text: &str) -> Stand {
    let stand = program("program.js", PROGRAM);
    stand.write(".mcp.json", text).unwrap();
    stand
}

fn expect<'a>(message: &'a [&'a str], hint: &'a [&'a str]) -> Expected<'a> {
    Expected {
        code: 2,
        kind: "configuration",
        message,
        hint,
        at: "",
    }
}

#[test]
fn malformed_configuration() {
    let stand =
        configured("{\n  \"mcpServers\": {\n    \"demo\": { \"command\": \"witgate\", }\n  }\n}\n");
    fails(
        &stand,
        &["run", "program.js"],
        &expect(&[".mcp.json:3:37: "], &["one JSON object"]),
    );
    for command in [&["sync"][..], &["tools"], &["check", "program.js"]] {
        fails(
            &stand,
            command,
            &expect(&[".mcp.json:3:37: "], &["one JSON object"]),
        );
    }
}

#[test]
fn configuration_that_is_no_object() {
    let stand = configured("[]");
    fails(
        &stand,
        &["run", "program.js"],
        &expect(&["the top level is no JSON object"], &["{...}"]),
    );
}

#[test]
fn unknown_key() {
    let stand = with_servers(&json!({ "demo": { "command": "witgate", "arg": ["demo-server"] } }));
    stand.write("program.js", PROGRAM).unwrap();
    fails(
        &stand,
        &["run", "program.js"],
        &expect(
            &["unknown key `arg` in server `demo`"],
            &["did you mean `args`?"],
        ),
    );
}

#[test]
fn variable_that_is_not_set() {
    let stand = with_servers(
        &json!({ "demo": { "command": "witgate", "env": { "TOKEN": "${NO_SUCH_VARIABLE}" } } }),
    );
    stand.write("program.js", PROGRAM).unwrap();
    fails(
        &stand,
        &["run", "program.js"],
        &expect(
            &["server `demo`, `env.TOKEN`: the variable `NO_SUCH_VARIABLE` is not set"],
            &["${NO_SUCH_VARIABLE:-default}"],
        ),
    );
}

#[test]
fn configuration_that_is_not_there() {
    let stand = demo();
    stand.write("program.js", PROGRAM).unwrap();
    fails(
        &stand,
        &["run", "program.js", "--config", "absent.json"],
        &expect(&["cannot read `absent.json`"], &["--config FILE"]),
    );
}

#[test]
fn unknown_key_in_grants() {
    let stand = program("program.js", PROGRAM);
    stand
        .write(
            "grants.toml",
            "[[grant]]\nserver = \"demo\"\ntools = [\"*\"]\nmax_call = 3\n",
        )
        .unwrap();
    fails(
        &stand,
        &["run", "program.js", "--grants", "grants.toml"],
        &expect(
            &[
                "`grants.toml` is not a valid grants file",
                "line 4",
                "max_call",
            ],
            &["max_calls = 100"],
        ),
    );
}

#[test]
fn an_allow_without_a_tool() {
    let stand = program("program.js", PROGRAM);
    fails(
        &stand,
        &["run", "program.js", "--allow", "demo"],
        &expect(&["`--allow demo`"], &["--allow SERVER/TOOL"]),
    );
}

#[test]
fn input_that_is_no_json() {
    let stand = program("program.js", PROGRAM);
    let usage = |message| Expected {
        code: 2,
        kind: "usage",
        message,
        ..Expected::default()
    };
    fails(
        &stand,
        &["run", "program.js", "--input", "{a: 1}"],
        &usage(&["input"]),
    );
    fails(
        &stand,
        &["run", "program.js", "--input", "@absent.json"],
        &usage(&["absent.json"]),
    );
    fails(&stand, &["run", "absent.js"], &usage(&["absent.js"]));
}

#[test]
fn an_option_that_does_not_exist() {
    let stand = program("program.js", PROGRAM);
    let expected = Expected {
        code: 2,
        kind: "usage",
        message: &["--alow"],
        ..Expected::default()
    };
    fails(
        &stand,
        &["run", "program.js", "--alow", "demo/*"],
        &expected,
    );
}

#[test]
fn a_lock_that_cannot_be_read() {
    for (text, what, hint) in [
        (
            "{",
            "`witgate.lock` cannot be used: it is damaged",
            "version control",
        ),
        (
            "{\"version\": 2, \"servers\": {}, \"x\": 1}",
            "unknown field `x`",
            "version control",
        ),
        (
            "{\"version\": 9, \"servers\": {}}",
            "its version is 9",
            "the witgate that wrote it",
        ),
        (
            "{\"servers\": {}}",
            "its version is null",
            "the witgate that wrote it",
        ),
    ] {
        let stand = program("program.js", PROGRAM);
        stand.write("witgate.lock", text).unwrap();
        let what = what.replace("`witgate.lock`", "witgate.lock`");
        let (message, hint) = ([what.as_str()], [hint]);
        let expected = expect(&message, &hint);
        fails(
            &stand,
            &["run", "program.js", "--allow", "demo/*"],
            &expected,
        );
        fails(&stand, &["check", "program.js"], &expected);
        // It holds what a person accepted, so it is not simply written again.
        fails(&stand, &["sync"], &expected);
        assert_eq!(stand.read("witgate.lock"), text);
    }
}

#[test]
fn a_lock_of_the_first_version_still_holds() {
    let stand = program("program.js", PROGRAM);
    assert_eq!(stand.run(&["sync"]).unwrap().code, Some(0));
    let mut lock: serde_json::Value = serde_json::from_str(&stand.read("witgate.lock")).unwrap();
    lock["version"] = json!(1);
    for tool in lock["servers"]["demo"]["tools"]
        .as_object_mut()
        .unwrap()
        .values_mut()
    {
        tool.as_object_mut().unwrap().remove("schemas");
    }
    stand.write("witgate.lock", lock.to_string()).unwrap();
    let run = ["run", "program.js", "--allow", "demo/*"];
    assert_eq!(stand.run(&run).unwrap().code, Some(0));
    assert_eq!(stand.run(&["sync", "--check"]).unwrap().code, Some(0));

    lock["servers"]["demo"]["tools"]["get_logo"]["definition"] = json!("0".repeat(64));
    stand.write("witgate.lock", lock.to_string()).unwrap();
    let expected = Expected {
        code: 3,
        kind: "refused",
        message: &["demo/get_logo", "its description or schema changed"],
        hint: &["witgate sync --check"],
        at: "",
    };
    fails(&stand, &run, &expected);
    // What is kept is another than what is pinned, so it is not taken for `check` either.
    fails_check(&stand, &expected);
}

/// `check` puts the imports on stdout, so only its JSON form is held against what is expected.
fn fails_check(stand: &Stand, expected: &Expected<'_>) {
    let output = stand
        .run(&["check", "program.js", "--allow", "demo/*", "--json"])
        .unwrap();
    assert_eq!(output.code, Some(expected.code), "{output:#?}");
    let report: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "refused", "{report:#}");
    assert!(report["reasons"][0]["hint"].is_string(), "{report:#}");
}
