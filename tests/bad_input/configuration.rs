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
