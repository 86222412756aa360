//! Programs that cannot be built, throw, or return what is no JSON: exit code 1 and a place in the author's own file.

use witgate_tests::workspace;

use crate::{Expected, fails, program};

const RUN: &[&str] = &["run", "program.js", "--allow", "demo/*"];

fn broken<'a>(message: &'a [&'a str], hint: &'a [&'a str], at: &'a str) -> Expected<'a> {
    Expected {
        code: 1,
        kind: "program",
        message,
        hint,
        at,
    }
}

#[test]
fn unknown_server() {
    let stand = program(
        "program.js",
        "// the first line\nimport { listIssues } from \"mcp:demmo\";\nexport default () => 1;\n",
    );
    fails(
        &stand,
        RUN,
        &broken(&["`demmo`"], &["did you mean `mcp:demo`?"], "program.js:2:"),
    );
}

#[test]
fn unknown_tool() {
    let stand = program(
        "program.js",
        "import { listIsues } from \"mcp:demo\";\nexport default () => listIsues();\n",
    );
    fails(
        &stand,
        RUN,
        &broken(
            &["`demo`", "`listIsues`"],
            &["`listIssues`"],
            "program.js:1:10",
        ),
    );
    for command in [
        &["check", "program.js"][..],
        &["build", "program.js", "-o", "out.wasm"],
    ] {
        let output = stand.run(command).unwrap();
        assert_eq!(output.code, Some(1), "{output:#?}");
        assert!(
            output.stderr.contains("did you mean `listIssues`"),
            "{output:#?}"
        );
    }
    assert!(!stand.folder().join("out.wasm").exists());
}

#[test]
fn module_that_is_no_server() {
    let stand = program(
        "program.js",
        "import fs from \"node:fs\";\nexport default () => fs;\n",
    );
    fails(&stand, RUN, &broken(&["`node:fs`"], &[], "program.js:1:"));
}

#[test]
fn unknown_tool_in_rust() {
    if let Err(missing) = witgate_builder::toolchain::Toolchain::find(&workspace::cache()) {
        assert!(!workspace::nothing_may_be_skipped(), "{missing}");
        return eprintln!("skipped: {missing}");
    }
    let source = "use mcp::demo::list_isues;\nuse witgate_guest::prelude::*;\nasync fn run(_: Value) -> Result<Value> { Ok(json!(1)) }\nprogram!(run);\n";
    let stand = program("program.rs", source);
    fails(
        &stand,
        &["run", "program.rs"],
        &broken(&["list_isues"], &["list_issues"], "program.rs:1:16"),
    );
    let source = "use witgate_guest::prelude::*;\nasync fn run(_: Value) -> Result<Value> {\n    let x: u8 = \"\";\n    Ok(json!(x))\n}\nprogram!(run);\n";
    let stand = program("program.rs", source);
    fails(
        &stand,
        &["run", "program.rs"],
        &broken(&["mismatched types", "program.rs:3:17"], &[], ""),
    );
    let source = "use witgate_guest::prelude::*;\nasync fn run(_: Value) -> Result<Value> {\n    println!(\"seen\");\n    panic!(\"on purpose\")\n}\nprogram!(run);\n";
    let stand = program("program.rs", source);
    let output = fails(
        &stand,
        &["run", "program.rs"],
        &broken(&["panic", "on purpose", "program.rs:4:5"], &[], ""),
    );
    assert!(output.stderr.contains("seen"), "{output:#?}");
}

#[test]
fn syntax_error() {
    let stand = program(
        "program.js",
        "export default function () {\n  const a = 1;\n  return a +* 2;\n}\n",
    );
    fails(
        &stand,
        RUN,
        &broken(&["program.js:3:13"], &[], "program.js:3:13"),
    );
    // Types that are taken out must not move what stands behind them.
    let source = "interface Long {\n  a: number;\n}\nexport default function (x: Long): number {\n  return x.a as any as;\n}\n";
    let stand = program("program.ts", source);
    fails(
        &stand,
        &["run", "program.ts"],
        &broken(&["program.ts:5:"], &[], "program.ts:5:"),
    );
}

#[test]
fn a_throw() {
    let source = "function inner(items) {\n  throw new RangeError(`nothing in ${items.length} items`);\n}\nexport default () => inner([1, 2]);\n";
    let stand = program("program.js", source);
    fails(
        &stand,
        RUN,
        &broken(&["RangeError: nothing in 2 items"], &[], "program.js:2:"),
    );
    let told = stand.run(RUN).unwrap();
    assert!(
        told.stderr.contains("inner") && told.stderr.contains("program.js:4:"),
        "the stack is the source's: {told:#?}"
    );
    let source = "type Items = number[];\nfunction inner(items: Items): never { throw new RangeError(`nothing`); }\nexport default (): number => inner([1, 2] as Items);\n";
    let stand = program("program.ts", source);
    fails(
        &stand,
        &["run", "program.ts"],
        &broken(&["RangeError: nothing"], &[], "program.ts:2:"),
    );
}

#[test]
fn a_throw_at_the_top_level() {
    let stand = program(
        "program.js",
        "const nothing = undefined;\nnothing.field;\nexport default () => 1;\n",
    );
    let message = &["cannot read property 'field' of undefined"];
    fails(&stand, RUN, &broken(message, &[], "program.js:2:"));
}

#[test]
fn a_thrown_value_that_is_no_error() {
    let stand = program(
        "program.js",
        "export default () => { throw { code: 7 }; };\n",
    );
    fails(
        &stand,
        RUN,
        &broken(&["thrown value: {\"code\":7}"], &[], ""),
    );
}

#[test]
fn a_rejected_promise_that_nobody_awaits() {
    let source = "async function lost() { throw new Error(\"lost\"); }\nexport default async function () {\n  lost();\n  return 1;\n}\n";
    let stand = program("program.js", source);
    fails(
        &stand,
        RUN,
        &broken(
            &["a promise was rejected and nothing handled it: lost"],
            &[],
            "program.js:1:",
        ),
    );
}

#[test]
fn a_call_that_nobody_awaits_is_not_lost() {
    let source = "import { slowEcho } from \"mcp:demo\";\nexport default function () {\n  slowEcho({ text: \"kept\", delay_ms: 200 });\n  return \"done\";\n}\n";
    let stand = program("program.js", source);
    let output = stand
        .run(&[
            "run",
            "program.js",
            "--allow",
            "demo/*",
            "--journal",
            "journal",
        ])
        .unwrap();
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "\"done\"\n"),
        "{output:#?}"
    );
    assert_eq!(stand.lines("arrived").unwrap().len(), 1);
    assert_eq!(crate::only_record(&stand)["outcome"], "ok");
}

#[test]
fn no_default_export() {
    let stand = program("program.js", "export function run() { return 1; }\n");
    fails(
        &stand,
        RUN,
        &broken(
            &["program.js: the program has no default export"],
            &["export default async function"],
            "",
        ),
    );
    let stand = program("program.js", "export default 42;\n");
    fails(
        &stand,
        RUN,
        &broken(&["the default export is not a function"], &[], ""),
    );
}

#[test]
fn a_result_that_is_no_json() {
    for (value, what) in [
        ("({ a: [1n] })", "a bigint at /a/0"),
        ("({ f() {} })", "a function at /f"),
        ("[NaN]", "NaN at /0"),
        ("new Map()", "a Map"),
        ("({ later: Promise.resolve(1) })", "an `await` missing"),
        (
            "(() => { const a = {}; a.a = a; return a; })()",
            "the result is not JSON",
        ),
    ] {
        let stand = program("program.js", &format!("export default () => {value};\n"));
        fails(
            &stand,
            RUN,
            &broken(&["the result is not JSON", what], &[], ""),
        );
    }
}
