//! Calls that must not be made: arguments against the schema, tools that nobody granted, grants that are used up. Nothing
//! of them reaches the server, all of them are in the journal, and no message carries a value.

use serde_json::json;

use crate::{Expected, fails, fails_as_json, only_record, program};

#[test]
fn arguments_that_break_the_schema() {
    for (arguments, why) in [
        (
            "{ state: \"hunter2\" }",
            "`/state` must be one of [\"open\",\"closed\",\"all\"]",
        ),
        (
            "{ perpage: \"hunter2\" }",
            "`perpage` is not known, did you mean `per_page`?",
        ),
        ("{ label: { hunter2: 1 } }", "`/label` must be a string"),
        ("{ page: 0 }", "`/page` must be at least 1"),
    ] {
        let source = format!(
            "import {{ listIssues }} from \"mcp:demo\";\nexport default () => listIssues({arguments});\n"
        );
        let stand = program("program.js", &source);
        let expected = Expected {
            code: 1,
            kind: "program",
            message: &["demo/list_issues (invalid-arguments)", why],
            hint: &["witgate tools demo/list_issues"],
            at: "program.js:2:22",
        };
        let run = ["run", "program.js", "--allow", "demo/*"];
        let journaled = [&run[..], &["--journal", "journal"]].concat();
        let output = fails_as_json(&stand, &journaled, &expected);
        let record = only_record(&stand);
        assert_eq!(
            (&record["verdict"], &record["blame"]),
            (&json!("invalid"), &json!("program")),
            "{record:#}"
        );
        let told = stand.run(&run).unwrap();
        assert_eq!(stand.read("arrived"), "", "the call reached the server");
        for text in [
            output.stdout,
            output.stderr,
            told.stdout,
            told.stderr,
            stand.read("journal"),
        ] {
            assert!(
                !text.contains("hunter2"),
                "a message names the field, never the value in it: {text}"
            );
        }
    }
}

#[test]
fn allowed_names_are_shown_where_none_is_near() {
    let source = "import { getIssue } from \"mcp:demo\";\nexport default () => getIssue({ number: 1, zzz: 1 });\n";
    let stand = program("program.js", source);
    let expected = Expected {
        code: 1,
        kind: "program",
        message: &["`zzz` is not known, allowed are `number`"],
        hint: &[],
        at: "program.js:2:",
    };
    fails(
        &stand,
        &["run", "program.js", "--allow", "demo/*"],
        &expected,
    );
}

#[test]
fn arguments_that_are_no_json() {
    for (arguments, what) in [
        ("{ number: 1n }", "a bigint at /number"),
        ("{ number: NaN }", "NaN at /number"),
        ("{ number: Promise.resolve(1) }", "an `await` missing"),
        ("[1]", "not an array"),
        ("7", "not a number"),
        ("{ number: 1 }, 2", "one object"),
    ] {
        let source = format!(
            "import {{ getIssue }} from \"mcp:demo\";\nexport default () => getIssue({arguments});\n"
        );
        let stand = program("program.js", &source);
        let expected = Expected {
            code: 1,
            kind: "program",
            message: &["ToolError: ", what],
            hint: &[],
            at: "program.js:2:",
        };
        fails_as_json(
            &stand,
            &["run", "program.js", "--allow", "demo/*"],
            &expected,
        );
        assert_eq!(stand.read("arrived"), "");
    }
}

#[test]
fn a_tool_that_fails() {
    let source = "import { alwaysFails } from \"mcp:demo\";\nexport default () => alwaysFails({ reason: \"why not\" });\n";
    let stand = program("program.js", source);
    let message = &[
        "demo/always_fails (tool-failed)",
        "failed on purpose: why not",
    ];
    let expected = Expected {
        code: 1,
        kind: "program",
        message,
        hint: &[],
        at: "program.js:2:",
    };
    fails(
        &stand,
        &["run", "program.js", "--allow", "demo/*"],
        &expected,
    );
}

#[test]
fn a_call_at_the_top_level_is_a_call_like_any_other() {
    let source = "import { getIssue } from \"mcp:demo\";
        const { number } = await getIssue({ number: 7 });
        export default () => number;\n";
    let stand = program("program.js", source);
    let arguments = [
        "run",
        "program.js",
        "--allow",
        "demo/*",
        "--journal",
        "journal",
    ];
    let output = stand.run(&arguments).unwrap();
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "7\n"),
        "{output:#?}"
    );
    assert_eq!(only_record(&stand)["outcome"], "ok");
    let refused = stand.run(&["run", "program.js"]).unwrap();
    assert_eq!(refused.code, Some(3), "{refused:#?}");
}

#[test]
fn every_reason_of_a_refusal_is_told() {
    let source = "import { addComment, listIssues, updateIssue } from \"mcp:demo\";
        export default async () => { await listIssues(); await addComment({}); await updateIssue({}); };\n";
    let stand = program("program.js", source);
    let expected = Expected {
        code: 3,
        kind: "refused",
        message: &[
            "2 reasons",
            "--allow demo/add_comment",
            "--allow demo/update_issue",
        ],
        hint: &[],
        at: "",
    };
    let output = fails(
        &stand,
        &["run", "program.js", "--allow", "demo/list_*"],
        &expected,
    );
    assert!(
        !output.stdout.contains("--allow demo/list_issues"),
        "{output:#?}"
    );
    assert_eq!(
        stand.read("arrived"),
        "",
        "a refused program starts nothing"
    );
}

#[test]
fn a_grant_that_is_used_up() {
    let source = "import { slowEcho } from \"mcp:demo\";
        export default async () => {
          const calls = Array.from({ length: 5 }, (_, i) => slowEcho({ text: `call ${i}`, delay_ms: 10 }));
          const ended = await Promise.allSettled(calls);
          return ended.map(({ value, reason }) => value ?? reason.kind);
        };\n";
    let stand = program("program.js", source);
    stand
        .write(
            "grants.toml",
            "[[grant]]\nserver = \"demo\"\ntools = [\"slow_echo\"]\nmax_calls = 3\n",
        )
        .unwrap();
    let output = stand
        .run(&[
            "run",
            "program.js",
            "--grants",
            "grants.toml",
            "--journal",
            "journal",
        ])
        .unwrap();
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (
            Some(0),
            "[\"call 0\",\"call 1\",\"call 2\",\"denied\",\"denied\"]\n"
        ),
        "{output:#?}"
    );
    assert_eq!(stand.lines("arrived").unwrap().len(), 3);
    let records = stand.lines("journal").unwrap();
    let denied: Vec<_> = records
        .iter()
        .filter(|record| record["verdict"] == "denied")
        .collect();
    assert_eq!((records.len(), denied.len()), (5, 2), "{records:#?}");
    assert!(
        denied
            .iter()
            .all(|record| record["reason"].as_str().unwrap().contains("grants.toml:1")),
        "{denied:#?}"
    );
}
