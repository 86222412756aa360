//! Programs become skills and run as what they are, in each language; what is kept is what was built.

use witgate_builder::toolchain::Toolchain;
use witgate_tests::workspace;

use crate::ground::*;

const TYPED: &str = "/** Counts the open issues, typed. */\nimport { list_issues } from \"mcp:demo\";\n\nexport default async function (input: { most: number }): Promise<{ open: number }> {\n  const issues = await list_issues({ state: \"open\", per_page: input.most });\n  return { open: issues.length };\n}\n";
const RUST: &str = "//! Counts the open issues,\n//! compiled.\n\nuse mcp::demo::{ListIssuesArgs, ListIssuesState, list_issues};\nuse witgate_guest::prelude::*;\n\nasync fn run(input: Value) -> Result<Value> {\n    let issues = list_issues(ListIssuesArgs {\n        state: Some(ListIssuesState::Open),\n        per_page: input[\"most\"].as_i64(),\n        ..Default::default()\n    })\n    .await?;\n    Ok(json!({ \"open\": issues.len() }))\n}\nprogram!(run);\n";

#[test]
fn a_program_of_each_language_is_kept_and_runs() {
    let stand = stand();
    stand.write("typed.ts", TYPED).unwrap();
    stand.write("compiled.rs", RUST).unwrap();
    let mut programs = vec![
        (
            "count.js",
            "count",
            "javascript",
            "Counts the open issues of a tracker.",
        ),
        (
            "typed.ts",
            "typed",
            "typescript",
            "Counts the open issues, typed.",
        ),
    ];
    match Toolchain::find(&workspace::cache()) {
        Ok(_) => programs.push((
            "compiled.rs",
            "compiled",
            "rust",
            "Counts the open issues, compiled.",
        )),
        Err(missing) => {
            assert!(!workspace::nothing_may_be_skipped(), "{missing}");
            eprintln!("skipped: {missing}");
        }
    }
    for (file, name, language, description) in programs {
        let kept = ok(&stand, &["skills", "add", file]);
        assert!(
            kept.stdout.trim().ends_with(&component(name)),
            "{}",
            kept.stdout
        );
        let shown = ok_json(&stand, &["skills", "show", name, "--json"]);
        assert_eq!(shown["language"], language);
        assert_eq!(shown["description"], description);
        assert_eq!(shown["tools"], serde_json::json!(["demo/list_issues"]));
        assert_eq!(shown["unsaid"], serde_json::json!([]));
        assert_eq!(shown["foreignPrelude"], serde_json::Value::Null);
        assert_eq!(shown["source"].as_str().unwrap(), stand.read(file));
        assert!(
            stand
                .read(&format!(".witgate/skills/{name}/SKILL.md"))
                .starts_with(&format!("---\nname: {name}\n"))
        );
        let input = ["--input", "{\"most\":7}"];
        let run = |allow: &[&str]| {
            stand
                .run(&[&["run", &component(name)], &input[..], allow].concat())
                .unwrap()
        };
        let ran = run(&["--allow", "demo/list_issues"]);
        assert_eq!(
            (ran.code, ran.stdout.trim()),
            (Some(0), "{\"open\":7}"),
            "{ran:#?}"
        );
        // To be a skill grants nothing.
        let refused = run(&[]);
        assert_eq!(refused.code, Some(3), "{refused:#?}");
        assert!(
            refused.stderr.contains("--allow demo/list_issues"),
            "{}",
            refused.stderr
        );
        // It carries what it was built against, as what `build` writes does.
        let checked = ok(&stand, &["check", &component(name), "--allow", "demo/*"]);
        assert_eq!(checked.stdout, "demo/list_issues\n");
    }
    assert_eq!(stand.orphans(), Vec::<String>::new());
}

#[test]
fn what_build_wrote_is_kept_as_it_is() {
    let stand = stand();
    ok(&stand, &["build", "count.js", "-o", "Count Them.wasm"]);
    let kept = ok_json(
        &stand,
        &[
            "skills",
            "add",
            "Count Them.wasm",
            "--description",
            "Counts.",
            "--json",
        ],
    );
    assert_eq!(kept["name"], "count-them");
    let built = bytes(&stand, "Count Them.wasm");
    assert!(bytes(&stand, &component("count-them")).starts_with(&built));
    // Kept under another name it still says what it said.
    ok(
        &stand,
        &["skills", "add", &component("count-them"), "--name", "again"],
    );
    let listed = ok_json(&stand, &["skills", "list", "--json"]);
    let names: Vec<&str> = listed["skills"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["again", "count-them"]);
    assert_eq!(listed["skills"][0]["description"], "Counts.");
    let ran = ok(
        &stand,
        &[
            "run",
            &component("again"),
            "--input",
            "{\"most\":3}",
            "--allow",
            "demo/list_issues",
        ],
    );
    assert_eq!(ran.stdout.trim(), "{\"open\":3}");
}

#[test]
fn what_cannot_be_kept_is_told() {
    let stand = stand();
    fails(
        &stand,
        &["skills", "add", "hello.js", "--name", "Say Hello"],
        2,
        &["`Say Hello` is no name for a skill"],
    );
    fails(
        &stand,
        &["skills", "add", "hello.js", "--name", "../hello"],
        2,
        &["is no name for a skill"],
    );
    stand.write("__.js", "export default () => 1;").unwrap();
    fails(
        &stand,
        &["skills", "add", "__.js"],
        2,
        &["says no name for a skill"],
    );
    stand.write("broken.js", "export default (").unwrap();
    let broken = stand.run(&["skills", "add", "broken.js"]).unwrap();
    assert_eq!(broken.code, Some(1), "{broken:?}");
    assert!(
        broken.stderr.contains("broken.js:1:17"),
        "{}",
        broken.stderr
    );
    stand.write("text.wasm", "hello").unwrap();
    fails(
        &stand,
        &["skills", "add", "text.wasm"],
        1,
        &["not a WebAssembly component"],
    );
    fails(
        &stand,
        &["skills", "add", "nothing.js"],
        2,
        &["cannot read `nothing.js`"],
    );
    assert!(!stand.folder().join(".witgate/skills").exists());
    let unsaid = {
        stand.write("plain.js", "export default () => 1;").unwrap();
        ok(&stand, &["skills", "add", "plain.js"])
    };
    assert!(
        unsaid
            .stderr
            .contains("warning: `plain` does not say what it does"),
        "{}",
        unsaid.stderr
    );
}
