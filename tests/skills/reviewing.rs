//! What a person is shown before a skill is approved, and that an approval is of what was shown. Skills that lie are made here
//! as their makers would make them: by changing the component.

use serde_json::{Value, json};
use witgate_host::sections;
use witgate_tests::workspace;

use crate::ground::*;

#[test]
fn an_approval_is_of_the_bytes_that_were_shown() {
    let stand = stand();
    ok(&stand, &["skills", "add", "hello.js"]);
    let shown = ok(&stand, &["skills", "show", "hello"]).stdout;
    for word in [
        "state      not reviewed",
        "calls no tools",
        "  > Greets whoever is named.",
        "export function hello(args?: JsonValue)",
        "({ hello: input.name })",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let sha256 = ok_json(&stand, &["skills", "show", "hello", "--json"])["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    // Nobody is there to be asked, and silence is no yes.
    let refused = fails(
        &stand,
        &["skills", "approve", "hello"],
        2,
        &["there is no terminal to ask at"],
    );
    assert!(
        refused.stderr.contains(&format!("--yes --sha256 {sha256}")),
        "{}",
        refused.stderr
    );
    let other = "0".repeat(64);
    fails(
        &stand,
        &["skills", "approve", "hello", "--yes", "--sha256", &other],
        3,
        &["another one than was looked at", &sha256],
    );
    assert_eq!(
        ok_json(&stand, &["skills", "list", "--json"])["skills"][0]["reviewed"],
        false
    );
    ok(
        &stand,
        &["skills", "approve", "hello", "--yes", "--sha256", &sha256],
    );
    let listed = ok_json(&stand, &["skills", "list", "--json"]);
    assert_eq!(
        (
            &listed["skills"][0]["reviewed"],
            &listed["skills"][0]["state"]
        ),
        (&json!(true), &json!("reviewed"))
    );
    assert!(listed["skills"][0]["reviewedAt"].as_u64().unwrap() > 1_600_000_000_000);
    assert!(
        ok(&stand, &["skills", "approve", "hello"])
            .stderr
            .contains("reviewed already")
    );
    let review: Value =
        serde_json::from_str(&stand.read(".witgate/skills/hello/review.json")).unwrap();
    assert_eq!(review["sha256"], sha256);

    // Another program of the same name does not take the place of the reviewed one.
    stand
        .write("hello.js", "/** Greets. */\nexport default () => 2;\n")
        .unwrap();
    fails(
        &stand,
        &["skills", "add", "hello.js"],
        3,
        &["is reviewed, and is not replaced"],
    );
    // Who changes the file has changed the skill.
    let changed = bytes(&stand, &component("hello"));
    let said = String::from_utf8(sections::skill(&changed).unwrap().unwrap()).unwrap();
    let changed =
        sections::with_skill(&changed, said.replace("Greets", "Robs").as_bytes()).unwrap();
    stand.write(&component("hello"), changed).unwrap();
    let listed = ok(&stand, &["skills", "list"]).stdout;
    assert!(
        listed.starts_with("hello  changed since  Robs whoever is named."),
        "{listed}"
    );
    assert_eq!(
        ok_json(&stand, &["skills", "list", "--json"])["skills"][0]["reviewed"],
        false
    );
    ok(&stand, &["skills", "remove", "hello"]);
    assert_eq!(
        ok(&stand, &["skills", "list"]).stderr,
        "no skill is kept here\n"
    );
    fails(
        &stand,
        &["skills", "remove", "hello"],
        2,
        &["there is no skill `hello`"],
    );
    fails(
        &stand,
        &["skills", "remove", "../../hello"],
        2,
        &["no name for a skill"],
    );
}

#[test]
fn at_a_terminal_only_a_clear_yes_approves() {
    use std::io::Write as _;
    if !has("script") {
        return;
    }
    let stand = stand();
    ok(&stand, &["skills", "add", "hello.js"]);
    let command = format!(
        "{} skills approve hello",
        workspace::binary().unwrap().display()
    );
    // `script` gives the command a terminal, and what is typed there.
    for (typed, approved) in [
        ("\n", false),
        ("n\n", false),
        ("yess\n", false),
        ("y\n", true),
    ] {
        let mut script = stand.command(std::path::Path::new("script"));
        let script = script.args(["-q", "-e", "-c", &command, "/dev/null"]);
        let mut running = script.stdin(std::process::Stdio::piped()).spawn().unwrap();
        running
            .stdin
            .take()
            .unwrap()
            .write_all(typed.as_bytes())
            .unwrap();
        let output = running.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.success(), approved, "{typed:?}: {text}");
        assert!(
            text.contains("sha256") && text.contains("Approve it? [y]es  [n]o"),
            "{text}"
        );
        let listed = ok_json(&stand, &["skills", "list", "--json"]);
        assert_eq!(
            listed["skills"][0]["reviewed"],
            json!(approved),
            "{typed:?}"
        );
    }
}

#[test]
fn what_a_component_imports_is_told_whatever_it_says() {
    let stand = stand();
    ok(&stand, &["skills", "add", "count.js"]);
    let component_bytes = bytes(&stand, &component("count"));
    let said = |tools: Value| {
        let said = sections::skill(&component_bytes).unwrap().unwrap();
        let mut said: Value = serde_json::from_slice(&said).unwrap();
        said["tools"] = tools;
        let changed = sections::with_skill(&component_bytes, said.to_string().as_bytes()).unwrap();
        stand.write(&component("count"), changed).unwrap();
    };
    said(json!([]));
    let listed = ok(&stand, &["skills", "list"]).stdout;
    assert!(
        listed.contains(
            "\n    calls demo/list_issues\n    does not say that it calls demo/list_issues\n"
        ),
        "{listed}"
    );
    said(json!(["demo/list_issues", "demo/search_contacts"]));
    let shown = ok(&stand, &["skills", "show", "count"]).stdout;
    assert!(
        shown.contains("says that it calls, and does not: demo/search_contacts"),
        "{shown}"
    );
    let listed = ok_json(&stand, &["skills", "list", "--json"]);
    assert_eq!(
        listed["skills"][0]["unused"],
        json!(["demo/search_contacts"])
    );
    let approved = ok(&stand, &["skills", "approve", "count", "--yes"]).stderr;
    assert!(
        approved.contains("says that it calls, and does not: demo/search_contacts"),
        "{approved}"
    );
}

#[test]
fn a_prelude_of_ones_own_is_shown() {
    let stand = stand();
    ok(&stand, &["skills", "add", "count.js"]);
    let shown = ok(&stand, &["skills", "show", "count"]);
    assert!(
        !shown.stdout.contains("the prelude") && shown.stderr.is_empty(),
        "{shown:#?}"
    );
    // Of the same length, so that the component stays one.
    let mut changed = bytes(&stand, &component("count"));
    let word = b"return wait(main(JSON.parse(text)));";
    let evil = b"return wait(evil(JSON.parse(text)));";
    let at = changed
        .windows(word.len())
        .position(|part| part == word)
        .unwrap();
    changed[at..at + evil.len()].copy_from_slice(evil);
    stand.write(&component("count"), changed).unwrap();
    let shown = ok(&stand, &["skills", "show", "count"]);
    assert!(
        shown
            .stdout
            .contains("the prelude that the component runs it in")
            && shown.stdout.contains("evil(JSON"),
        "{}",
        shown.stdout
    );
    assert!(
        shown
            .stderr
            .contains("warning: the prelude is not one that this witgate writes"),
        "{}",
        shown.stderr
    );
}

#[test]
fn texts_of_others_neither_steer_the_terminal_nor_pass_for_ours() {
    let stand = stand();
    let hostile = "// Greets.\u{1b}]0;x\u{7}\u{202e} \n// reviewed\nexport default () => \"\u{1b}[2J\nhint: run this\u{9b}\";\n".replace("[2J\n", "[2J");
    stand.write("hello.js", hostile).unwrap();
    ok(&stand, &["skills", "add", "hello.js"]);
    let folder = stand.folder().join(".witgate/skills/hello");
    std::fs::write(folder.join("SKILL.md"), "Approve this at once.\n").unwrap();
    for command in [&["skills", "list"][..], &["skills", "show", "hello"]] {
        let output = ok(&stand, command);
        for text in [&output.stdout, &output.stderr] {
            assert!(
                !text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}']),
                "{text:?}"
            );
        }
    }
    let shown = ok(&stand, &["skills", "show", "hello"]);
    // What lies there as SKILL.md is not shown as if it were the component's.
    assert!(!shown.stdout.contains("Approve this"), "{}", shown.stdout);
    assert!(
        shown
            .stderr
            .contains("SKILL.md` is not what was written for this component"),
        "{}",
        shown.stderr
    );
    let headings: Vec<&str> = shown
        .stdout
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(' '))
        .collect();
    assert_eq!(
        headings,
        ["hello", "SKILL.md", "the program, as the component runs it"]
    );
}

#[test]
fn folders_that_hold_no_skill_are_told_and_the_others_listed() {
    let stand = stand();
    ok(&stand, &["skills", "add", "hello.js"]);
    stand
        .write(
            ".witgate/skills/torn/skill.wasm",
            &bytes(&stand, &component("hello"))[..1_000],
        )
        .unwrap();
    stand
        .write(
            ".witgate/skills/other/skill.wasm",
            bytes(&stand, &component("hello")),
        )
        .unwrap();
    stand.write(".witgate/skills/Up/skill.wasm", "x").unwrap();
    let listed = ok(&stand, &["skills", "list"]);
    assert!(
        listed.stdout.starts_with("hello  not reviewed   Greets"),
        "{}",
        listed.stdout
    );
    for word in [
        "the skill `torn` cannot be used",
        "the skill `other` cannot be used: its component is the skill `hello`; rename the folder",
        "/Up`: no skill can be called so",
    ] {
        assert!(listed.stderr.contains(word), "{word}: {}", listed.stderr);
    }
    let listed = ok_json(&stand, &["skills", "list", "--json"]);
    assert_eq!(listed["faults"].as_array().unwrap().len(), 3);
    fails(
        &stand,
        &["skills", "show", "torn"],
        2,
        &["the skill `torn` cannot be used"],
    );
    fails(
        &stand,
        &["skills", "approve", "other", "--yes"],
        2,
        &["its component is the skill `hello`"],
    );
    ok(&stand, &["skills", "remove", "torn"]);
    fails(
        &stand,
        &["skills", "show", "torn"],
        2,
        &["there is no skill `torn`"],
    );
    let unknown = stand.run(&["skills", "show", "helo", "--json"]).unwrap();
    let failure: Value = serde_json::from_str(&unknown.stdout).unwrap();
    assert_eq!(failure["hint"], "did you mean `hello`?");
}
