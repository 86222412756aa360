//! Programs that would go on forever or take everything: a budget ends them with exit code 4, and the host lives on.

use std::time::Duration;

use crate::{Expected, fails, program};

fn exceeded<'a>(message: &'a [&'a str], hint: &'a [&'a str]) -> Expected<'a> {
    Expected {
        code: 4,
        kind: "limit",
        message,
        hint,
        at: "",
    }
}

#[test]
fn infinite_loop() {
    let stand = program("program.js", "export default () => { for (;;); };\n");
    let output = fails(
        &stand,
        &["run", "program.js", "--max-cpu", "1"],
        &exceeded(&["more than its 1s of CPU time"], &["--max-cpu"]),
    );
    assert!(output.took < Duration::from_secs(20), "{:?}", output.took);
}

#[test]
fn infinite_loop_at_the_top_level() {
    let stand = program("program.js", "for (;;);\nexport default () => 1;\n");
    fails(
        &stand,
        &["run", "program.js", "--max-cpu", "1"],
        &exceeded(&["more than its 1s of CPU time"], &["--max-cpu"]),
    );
}

#[test]
fn infinite_promise_loop() {
    for source in [
        "export default async () => { for (;;) await null; };\n",
        "const again = () => Promise.resolve().then(again);\nexport default () => again();\n",
    ] {
        let stand = program("program.js", source);
        fails(
            &stand,
            &["run", "program.js", "--max-cpu", "1"],
            &exceeded(&["more than its 1s of CPU time"], &["--max-cpu"]),
        );
    }
}

#[test]
fn a_promise_that_is_never_settled() {
    let stand = program(
        "program.js",
        "export default () => new Promise(() => {});\n",
    );
    let expected = Expected {
        code: 1,
        kind: "program",
        message: &["waits forever"],
        hint: &["await"],
        at: "",
    };
    fails(&stand, &["run", "program.js"], &expected);
}

#[test]
fn memory_bomb() {
    for source in [
        "export default () => { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); };\n",
        "export default () => { const all = []; for (;;) all.push('x'.repeat(1e6)); };\n",
        "export default () => new ArrayBuffer(2 ** 30).byteLength;\n",
    ] {
        let stand = program("program.js", source);
        fails(
            &stand,
            &["run", "program.js", "--max-memory", "64"],
            &exceeded(&["more than its 64 MiB of memory"], &["--max-memory"]),
        );
    }
}

#[test]
fn deep_recursion() {
    let stand = program(
        "program.js",
        "const down = (n) => 1 + down(n + 1);\nexport default () => down(0);\n",
    );
    let told = stand.run(&["run", "program.js"]).unwrap();
    assert_eq!(told.code, Some(1), "{told:#?}");
    assert!(told.stderr.contains("stack"), "{told:#?}");
    // What a sound program needs is there.
    let stand = program(
        "program.js",
        "const down = (n) => (n === 0 ? 0 : 1 + down(n - 1));\nexport default () => down(3000);\n",
    );
    let output = stand.run(&["run", "program.js"]).unwrap();
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "3000\n"),
        "{output:#?}"
    );
}

#[test]
fn ten_million_log_lines() {
    let stand = program(
        "program.js",
        "export default () => { for (let i = 0; i < 1e7; i++) console.log(`line ${i}`); return 1; };\n",
    );
    let output = stand.run(&["run", "program.js", "--max-cpu", "2"]).unwrap();
    // A fast machine ends it within the budget.
    assert!(matches!(output.code, Some(0 | 4)), "{:?}", output.code);
    assert!(
        output.stderr.lines().count() < 1_020,
        "{} lines",
        output.stderr.lines().count()
    );
    assert!(output.stderr.contains("line 999\n") && !output.stderr.contains("line 1000\n"));
    assert!(
        output
            .stderr
            .contains("more than 1000 log lines; further ones are dropped")
    );
}

#[test]
fn a_log_line_of_many_megabytes() {
    let stand = program(
        "program.js",
        "export default () => { console.log('x'.repeat(3e7), '\\u001b[2J'); return 1; };\n",
    );
    let output = stand.run(&["run", "program.js"]).unwrap();
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "1\n"),
        "{:?}",
        output.code
    );
    assert!(
        output.stderr.len() < 10_000,
        "{} bytes",
        output.stderr.len()
    );
    assert!(!output.stderr.contains('\u{1b}'));
}

#[test]
fn more_calls_than_allowed() {
    let source = "import { slowEcho } from \"mcp:demo\";
        export default async () => { for (let i = 0; ; i++) await slowEcho({ text: `${i}`, delay_ms: 0 }); };\n";
    let stand = program("program.js", source);
    let arguments = [
        "run",
        "program.js",
        "--allow",
        "demo/*",
        "--max-calls",
        "5",
        "--journal",
        "journal",
    ];
    crate::fails_as_json(
        &stand,
        &arguments,
        &exceeded(&["the run may make 5 calls and all are made"], &[]),
    );
    assert_eq!(
        stand.lines("arrived").unwrap().len(),
        5,
        "the sixth call reached no server"
    );
    let verdicts: Vec<_> = stand
        .lines("journal")
        .unwrap()
        .iter()
        .map(|record| record["verdict"].clone())
        .collect();
    assert_eq!(
        verdicts,
        [
            "permitted",
            "permitted",
            "permitted",
            "permitted",
            "permitted",
            "denied"
        ]
    );
}
