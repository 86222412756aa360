//! Typed outputs where a server declares none, with the real command: record, learn, review, and what follows in programs,
//! in the lock and when a result is not as it was. What is inferred from which values is codegen's own test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};
use witgate_builder::toolchain::Toolchain;
use witgate_codegen::catalog::{Catalog, Server, Tool};
use witgate_codegen::infer::infer;
use witgate_codegen::overrides::{Inferred, ToolOverride};
use witgate_codegen::select::View;
use witgate_host::{Definitions, Side, round_trip};
use witgate_tests::{Output, Stand, workspace};

const JS: &str = "import { report } from 'mcp:plain';\nexport default () => report();\n";
const RUST: &str = "
use witgate_guest::prelude::*;
use mcp::plain::report;
async fn run(_: Value) -> Result<Value> {
    let mut lines = Vec::new();
    for row in report().await? {
        let note: Option<Option<String>> = row.note;
        lines.push(format!(\"{} {} {:?}\", row.id + 1, row.tags.join(\"+\"), note));
    }
    Ok(json!(lines))
}
program!(run);
";
const OVERRIDES: &str = "witgate/overrides/plain.json";

/// A stand with the server, and an answer for its tool.
fn stand(answer: &Value) -> Stand {
    let stand = Stand::new().unwrap();
    let script = workspace::root().join("tests/learn/server.py");
    let server = json!({ "command": "python3", "args": [script] });
    stand
        .write(
            ".mcp.json",
            json!({"mcpServers": {"plain": server}}).to_string(),
        )
        .unwrap();
    stand.write("program.js", JS).unwrap();
    stand.write("answer", answer.to_string()).unwrap();
    stand
}

fn run(stand: &Stand, arguments: &[&str], code: i32) -> Output {
    let output = stand.run(arguments).unwrap();
    assert_eq!(output.code, Some(code), "{arguments:?}: {output:#?}");
    assert_eq!(stand.orphans(), Vec::<String>::new(), "{arguments:?}");
    output
}

fn run_program(stand: &Stand, more: &[&str], code: i32) -> Output {
    let arguments = [&["run", "program.js", "--allow", "plain/*"], more].concat();
    run(stand, &arguments, code)
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

fn learned(stand: &Stand) -> Value {
    serde_json::from_str(&stand.read(OVERRIDES)).unwrap()
}

/// Two runs are recorded and learned from.
fn taught() -> Stand {
    let stand = stand(&json!([{"id": 1, "tags": ["a", "b"], "note": null}]));
    run_program(&stand, &["--record"], 0);
    stand
        .write(
            "answer",
            json!([{"id": 2, "tags": []}, {"id": 3, "tags": ["c"], "note": "n"}]).to_string(),
        )
        .unwrap();
    run_program(&stand, &["--record"], 0);
    run(&stand, &["sync"], 0);
    let output = run(&stand, &["learn"], 0);
    assert_eq!(
        output.stdout,
        "plain/report: 2 results, inferred\n  { id: integer; tags: string[]; note?: string | null }[]\n"
    );
    says(
        &output.stderr,
        &["wrote ", OVERRIDES, "\n\nhint: review the file"],
    );
    stand
}

#[test]
fn what_is_learned_is_typed_everywhere() {
    let stand = taught();
    let schema = json!({"type": "array", "items": {"type": "object", "properties": {
        "id": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"type": ["string", "null"]}}, "required": ["id", "tags"]}});
    let wanted = json!({"version": 1, "tools": {"report": {"outputSchema": schema, "inferred": {"results": 2}}}});
    assert_eq!(learned(&stand), wanted);

    let shown = run(&stand, &["tools", "plain/report"], 0).stdout;
    says(
        &shown,
        &[
            "id: number;",
            "note?: string | null;",
            "inferred from 2 results, not declared by the server",
        ],
    );
    let listed = run(&stand, &["tools"], 0).stdout;
    says(
        &listed,
        &["Reports. (result inferred from 2 results, not declared by the server)"],
    );
    let synced = run(&stand, &["sync"], 0).stderr;
    says(
        &synced,
        &["plain/report: its definition is the same, its types are others"],
    );
    let again = run(&stand, &["sync"], 0).stderr;
    assert!(!again.contains("changed"), "{again}");
    run(&stand, &["gen", "-o", "out"], 0);
    says(
        &stand.read("out/wit/deps/mcp-plain/plain.wit"),
        &["id: s64,", "tags: list<string>,", "inferred from 2 results"],
    );

    let printed = run_program(&stand, &[], 0).stdout;
    assert_eq!(
        printed,
        "[{\"id\":2,\"tags\":[]},{\"id\":3,\"tags\":[\"c\"],\"note\":\"n\"}]\n"
    );
    if let Err(missing) = Toolchain::find(&workspace::cache()) {
        assert!(!workspace::nothing_may_be_skipped(), "{missing}");
        return eprintln!("skipped: {missing}");
    }
    stand.write("program.rs", RUST).unwrap();
    let printed = run(&stand, &["run", "program.rs", "--allow", "plain/report"], 0).stdout;
    assert_eq!(printed, "[\"3  None\",\"4 c Some(Some(\\\"n\\\"))\"]\n");

    // What was built against these types is refused when they are others.
    run(&stand, &["build", "program.rs", "-o", "program.wasm"], 0);
    run(
        &stand,
        &["run", "program.wasm", "--allow", "plain/report"],
        0,
    );
    std::fs::remove_file(stand.folder().join(OVERRIDES)).unwrap();
    run(&stand, &["sync"], 0);
    run(
        &stand,
        &["run", "program.wasm", "--allow", "plain/report"],
        3,
    );
}

#[test]
fn a_result_that_is_not_as_it_was_says_how_to_learn_again() {
    let stand = taught();
    stand
        .write("answer", json!([{"id": "x-1", "tags": []}]).to_string())
        .unwrap();
    let told = run_program(&stand, &[], 1).stderr;
    says(
        &told,
        &[
            "plain/report (invalid-result)",
            "inferred from 2 earlier ones: `/0/id` must be an integer",
            "hint: to learn from this result too: run again with `--record`, then `witgate learn plain/report`",
        ],
    );
    let catches = "import { report } from 'mcp:plain';\nexport default () => report().catch((e) => [e.kind, e.detail[0]]);\n";
    stand.write("program.js", catches).unwrap();
    // The result that breaks the types is recorded too.
    let caught = run_program(&stand, &["--record"], 0).stdout;
    assert_eq!(
        caught,
        "[\"invalid-result\",{\"at\":\"/0/id\",\"why\":\"must be an integer\",\"schema\":\"inferred\"}]\n"
    );
    let report = run(&stand, &["learn", "plain/report", "--json"], 0).stdout;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["tools"][0]["status"], "inferred", "{report:#}");
    assert_eq!(report["tools"][0]["results"], 3);
    let id = &learned(&stand)["tools"]["report"]["outputSchema"]["items"]["properties"]["id"];
    assert_eq!(
        *id,
        json!({"anyOf": [{"type": "integer"}, {"type": "string"}]})
    );
    assert_eq!(
        run_program(&stand, &[], 0).stdout,
        "[{\"id\":\"x-1\",\"tags\":[]}]\n"
    );
    // Learned once more, nothing changes.
    let before = stand.read(OVERRIDES);
    says(
        &run(&stand, &["learn"], 0).stdout,
        &["plain/report: 3 results, as before\n"],
    );
    assert_eq!(stand.read(OVERRIDES), before);
}

#[test]
fn what_a_person_wrote_is_used_and_left_alone() {
    let stand = stand(&json!({"a": 1}));
    stand
        .write("program.js", "import { page, report } from 'mcp:plain';\nexport default async () => [await page({ number: 7 }), await report()];\n")
        .unwrap();
    let refused = run_program(&stand, &[], 1).stderr;
    says(
        &refused,
        &[
            "plain/page (invalid-arguments)",
            "`/number` must be a string",
        ],
    );
    let by_hand = json!({"version": 1, "tools": {
        "page": {"inputSchema": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
                 "outputSchema": {"type": "string"}},
        "report": {"outputSchema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
        "reports": {"outputSchema": {"type": "string"}}}});
    stand.write(OVERRIDES, by_hand.to_string()).unwrap();
    let output = run_program(&stand, &["--record"], 0);
    // A person says that it is text, so a number in it stays text.
    assert_eq!(output.stdout, "[\"7\",{\"a\":1}]\n");
    says(
        &output.stderr,
        &[
            "warning: the overrides name a tool `reports`, which server `plain` does not have, did you mean `report`?",
        ],
    );
    says(
        &run(&stand, &["tools", "plain/page"], 0).stdout,
        &["number: number;", "overridden in witgate/overrides"],
    );
    let output = run(&stand, &["learn"], 0);
    says(
        &output.stdout,
        &["plain/report: 1 result, its output in `witgate/overrides` is written by hand\n"],
    );
    assert_eq!(learned(&stand), by_hand);

    stand
        .write("answer", json!({"a": "x"}).to_string())
        .unwrap();
    let told = run_program(&stand, &[], 1).stderr;
    says(
        &told,
        &[
            "the output schema that overrides the server's: `/a` must be an integer",
            "correct the tool's entry in `witgate/overrides`",
        ],
    );
}

#[test]
fn a_file_of_overrides_is_read_strictly() {
    let stand = stand(&json!("x"));
    for (text, parts) in [
        (
            "{",
            ["plain.json`: it is not of the form", "hint: its form is"],
        ),
        (
            r#"{"version":1,"tools":{"report":{"output":{}}}}"#,
            ["unknown field `output`", "hint: its form is"],
        ),
        (
            r#"{"version":9,"tools":{}}"#,
            [
                "its version is 9, this witgate reads 1",
                "hint: its form is",
            ],
        ),
    ] {
        stand.write(OVERRIDES, text).unwrap();
        says(&run_program(&stand, &[], 2).stderr, &parts);
    }
    let broken_schema =
        json!({"version": 1, "tools": {"report": {"outputSchema": {"type": "no-such-type"}}}});
    stand.write(OVERRIDES, broken_schema.to_string()).unwrap();
    says(
        &run_program(&stand, &[], 0).stderr,
        &[
            "/outputSchema/type is no JSON Schema, and is not checked",
            "look at its entry in `witgate/overrides`",
        ],
    );
    stand.write("witgate/overrides/plane.json", "{}").unwrap();
    says(
        &run(&stand, &["sync"], 0).stderr,
        &["plane.json` belongs to no configured server, did you mean `plain.json`?"],
    );
}

#[test]
fn nothing_is_kept_unless_asked_for_and_then_for_the_owner_alone() {
    let stand = stand(&json!("secret text"));
    run_program(&stand, &[], 0);
    assert!(!stand.folder().join(".witgate/recordings").exists());
    let told = run(&stand, &["learn"], 2).stderr;
    says(
        &told,
        &[
            "no results are recorded in",
            "hint: record some: `witgate run PROGRAM --record`",
        ],
    );
    let told = run(&stand, &["learn", "plane/report"], 2).stderr;
    says(
        &told,
        &["no server `plane` is configured", "hint: there is `plain`"],
    );
    let output = run_program(&stand, &["--record"], 0);
    says(&output.stderr, &["recorded 1 call in "]);
    assert!(!stand.read(".witgate/journal.jsonl").contains("secret text"));
    let folder = stand.folder().join(".witgate/recordings");
    let files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1);
    let line: Value = serde_json::from_str(&std::fs::read_to_string(&files[0]).unwrap()).unwrap();
    assert_eq!(
        (
            &line["server"],
            &line["tool"],
            &line["arguments"],
            &line["result"],
            &line["structured"],
            &line["sequence"]
        ),
        (
            &json!("plain"),
            &json!("report"),
            &json!({}),
            &json!("secret text"),
            &json!(false),
            &json!(0)
        )
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&files[0])), (0o700, 0o600));
    }
    // Text needs no schema, and a result too few none either.
    let output = run(&stand, &["learn"], 0);
    says(
        &output.stdout,
        &["plain/report: 1 result, all results are plain text, which needs no schema\n"],
    );
    says(
        &run(&stand, &["learn", "--min-results", "2"], 0).stdout,
        &["too few results"],
    );
    assert!(!stand.folder().join(OVERRIDES).exists());
    // A recording that cannot be written ends, not the run.
    std::fs::remove_dir_all(&folder).unwrap();
    stand.write(".witgate/recordings", "a file").unwrap();
    let output = run_program(&stand, &["--record"], 0);
    assert_eq!(output.stdout, "\"secret text\"\n");
    says(
        &output.stderr,
        &[
            "recorded 0 calls",
            "warning: the recording ended before the run",
        ],
    );
}

/// Whatever a tool returned goes through the types that were inferred from it unchanged.
#[tokio::test]
async fn every_result_that_was_learned_from_goes_through_its_types() {
    let mut random = Random(11);
    for round in 0..300 {
        let samples: Vec<Value> = (0..=random.below(4)).map(|_| random.value(4)).collect();
        let entry = ToolOverride {
            output_schema: Some(infer(&samples)),
            inferred: Some(Inferred { results: 1 }),
            ..ToolOverride::default()
        };
        let tool = Tool {
            name: "t".into(),
            input_schema: json!({"type": "object"}),
            ..Tool::default()
        };
        let server = Server {
            tools: vec![tool],
            overrides: [("t".to_owned(), entry)].into_iter().collect(),
            ..Server::default()
        };
        let mut catalog = Catalog::default();
        catalog.servers.insert("s".into(), server);
        let definitions = Definitions::new(&catalog).unwrap();
        let definition = definitions.get("s", "t").unwrap();
        for sample in &samples {
            for view in [View::Json, View::Typed] {
                let back = round_trip(definition, Side::Output, view, &sample.to_string()).await;
                let back: Value = match &back {
                    Ok(text) => serde_json::from_str(text).unwrap(),
                    Err(why) => panic!("round {round}, {view:?}: {sample}: {why:?}"),
                };
                assert_eq!(back, *sample, "round {round}, {view:?}");
            }
        }
    }
}

/// Numbers that look random and are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn value(&mut self, depth: u32) -> Value {
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(9)),
            3 => json!(-0.5),
            4 => json!("text"),
            5 => json!(u64::MAX - self.below(1 << 63)),
            6 | 7 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            8 => (0..self.below(24))
                .map(|_| (format!("{}/x", self.below(60)), json!(1)))
                .collect(),
            _ => (0..self.below(6))
                .map(|_| (format!("k{}", self.below(8)), self.value(depth - 1)))
                .collect(),
        }
    }
}
