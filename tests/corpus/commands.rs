//! `witgate catalog` and `witgate gen` as commands: the figures over the whole corpus, the same bytes each time, and what a
//! person sees who names the wrong file or tool.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use witgate_tests::{Stand, corpus, workspace};

use crate::generate;

const TOOLS: &str = r#"{"tools": [{"name": "list_issues",
    "inputSchema": {"type": "object", "required": ["state"], "additionalProperties": false, "properties": {
        "state": {"enum": ["open", "closed"]}, "page": {"type": "integer", "minimum": 1}}},
    "outputSchema": {"type": "object", "properties": {"total": {"type": "number"}}}}]}"#;

#[test]
fn every_tool_of_the_corpus_is_callable_and_typed() {
    let Some(files) = corpus::files() else { return };
    let stand = Stand::new().unwrap();
    let mut arguments = vec!["catalog", "report", "--json"];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    let report = || -> Value {
        let output = stand.run(&arguments).unwrap();
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        serde_json::from_str(&output.stdout).unwrap()
    };
    let whole = report();
    let count = |pointer: &str| {
        whole
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("{pointer}"))
    };
    assert_eq!(
        (count("/servers"), count("/tools"), count("/callable")),
        (96, 2248, 2248)
    );
    assert_eq!(count("/inputs/declared"), 2248);
    assert_eq!(whole["rows"].as_array().map(Vec::len), Some(96));
    assert_eq!(whole["errors"], json!([]));
    // At most 0.5 % of the inputs are `json` somewhere although their schema says more and does not refer to itself.
    let untyped = count("/inputs/schemas/untyped");
    assert!(untyped * 200 <= count("/tools"), "{untyped} inputs");
    // What is not typed as a whole is free-form; every other fallback is on record.
    let [declared, typed] = ["declared", "typed"].map(|key| count(&format!("/outputs/{key}")));
    assert!(declared > 600 && declared - typed <= count("/outputs/schemas/free_form"));
    let losses = whole["losses"].as_array().unwrap();
    let given = |loss: &&Value| {
        let text = loss["consequence"].as_str().unwrap();
        text.ends_with("given as JSON")
    };
    assert_eq!(
        losses.iter().filter(given).count() as u64,
        count("/losses_by_class/json")
    );
    for sums in ["/losses_by_class", "/losses_by_keyword"] {
        let sums = whole.pointer(sums).and_then(Value::as_object).unwrap();
        let sum: u64 = sums.values().filter_map(Value::as_u64).sum();
        assert_eq!(sum as usize, losses.len());
    }
    assert_eq!(without_times(whole.clone()), without_times(report()));
}

#[test]
fn a_report_lists_what_is_not_validated() {
    let stand = Stand::new().unwrap();
    let tools = json!({"tools": [
        {"name": "a", "inputSchema": {"type": "object", "properties": {"x/y": {"type": "text"}, "z": {"$ref": "other.json"}}},
            "outputSchema": {"type": "object", "required": "x"}},
        {"name": "b", "inputSchema": {"type": "object", "properties": {"x": {"type": "string"}}}},
    ]});
    stand.write("s.json", tools.to_string()).unwrap();
    let output = stand
        .run(&["catalog", "report", "s.json", "--json"])
        .unwrap();
    let whole: Value = serde_json::from_str(&output.stdout).unwrap();
    let place = |side: &str, pointer: &str| json!({"server": "s", "tool": "a", "side": side, "pointer": pointer});
    let wanted = json!([
        place("input", "/inputSchema/properties/x~1y/type"),
        place("input", "/inputSchema/properties/z"),
        place("output", "/outputSchema/required"),
    ]);
    assert_eq!(whole["left_out"], wanted);
    let wanted = json!({"places": 3, "tools": 0});
    assert_eq!(
        [&whole["unvalidated"], &whole["rows"][0]["unvalidated"]],
        [&wanted, &wanted]
    );
    let output = stand.run(&["catalog", "report", "s.json"]).unwrap();
    for told in [
        "3  places that are no JSON Schema\n",
        "\nno JSON Schema, and not validated\n",
        "\n  s/a /outputSchema/required\n",
    ] {
        assert!(output.stdout.contains(told), "{}", output.stdout);
    }
}

fn without_times(mut whole: Value) -> Value {
    let clear = |value: &mut Value| value["time_ms"] = Value::Null;
    clear(&mut whole);
    whole["rows"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(clear);
    whole
}

#[test]
fn generation_gives_the_same_bytes_each_time() {
    let Some(files) = corpus::files() else { return };
    let stand = Stand::new().unwrap();
    generate(&stand, &files, "first", &[]);
    generate(&stand, &files, "second", &[]);
    let [first, second] = ["first", "second"].map(|name| {
        let mut texts = BTreeMap::new();
        let root = stand.folder().join(name);
        read_all(&root, &root, &mut texts);
        texts
    });
    // Per server: the contract, the package, the world, `.d.ts`, Rust, losses; and a declaration for each tool.
    let of_one_tool = first
        .keys()
        .filter(|path| path.contains("servers/"))
        .count();
    assert_eq!(first.len() - of_one_tool, 6 * files.len());
    assert!(of_one_tool > files.len());
    for (path, text) in &first {
        assert!(second.get(path) == Some(text), "{path} differs");
    }
    assert_eq!(first.len(), second.len());
}

fn read_all(root: &Path, folder: &Path, texts: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(root, &path, texts);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            texts.insert(name, std::fs::read(path).unwrap());
        }
    }
}

#[test]
fn a_report_names_the_files_that_it_cannot_read() {
    let stand = Stand::new().unwrap();
    stand.write("github.json", TOOLS).unwrap();
    stand.write("broken.json", "{\"tool\": []}").unwrap();
    let files = ["github.json", "broken.json", "missing.json"];
    let output = stand
        .run(&[&["catalog", "report"][..], &files].concat())
        .unwrap();
    assert_eq!(output.code, Some(2));
    let line = |start: &str| {
        let found = output.stdout.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no `{start}` in\n{}", output.stdout))
    };
    assert!(line("tools").ends_with("1  all callable in both views"));
    assert!(line("inputs typed").ends_with("1  of 1; 0 of them take no arguments"));
    assert!(line("losses").contains("checked at run time"));
    for told in [
        "error: `broken.json` is no `tools/list` answer",
        "error: cannot read `missing.json`",
        "hint: ",
    ] {
        assert!(output.stderr.contains(told), "{}", output.stderr);
    }
    let output = stand
        .run(&[&["catalog", "report", "--json"][..], &files].concat())
        .unwrap();
    let whole: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((output.code, output.stderr.as_str()), (Some(2), ""));
    assert_eq!(
        (&whole["tools"], &whole["rows"][0]["server"]),
        (&json!(1), &json!("github"))
    );
    let errors: Vec<&Value> = (0..2)
        .map(|index| &whole["errors"][index]["file"])
        .collect();
    assert_eq!(errors, [&json!("broken.json"), &json!("missing.json")]);
    let loss = &whole["losses"][0];
    assert_eq!(
        (&loss["tool"], &loss["keyword"], &loss["pointer"]),
        (
            &json!("list_issues"),
            &json!("minimum"),
            &json!("/inputSchema/properties/page")
        )
    );
    // Nothing at all could be read.
    let output = stand.run(&["catalog", "report", "missing.json"]).unwrap();
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""));
}

#[test]
fn values_go_through_line_by_line() {
    let stand = Stand::new().unwrap();
    stand.write("github.json", TOOLS).unwrap();
    let arguments = [
        "catalog",
        "roundtrip",
        "--catalog",
        "github.json",
        "--tool",
        "list_issues",
        "--side",
        "input",
    ];
    for view in ["typed", "json"] {
        let mut command = stand.command(&workspace::binary().unwrap());
        command.args(arguments).args(["--view", view]);
        let mut process = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut input = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut answer = |line: &[u8]| -> Value {
            input.write_all(line).unwrap();
            let mut text = String::new();
            // The answer comes while the input is still open.
            output.read_line(&mut text).unwrap();
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
        };
        assert_eq!(
            answer(b"{ \"state\": \"open\" }\n"),
            json!({"state": "open"})
        );
        assert_eq!(
            answer(b"\n  \n{\"state\":\"closed\",\"page\":3}\r\n"),
            json!({"state": "closed", "page": 3})
        );
        for (line, at) in [
            (&b"{\"state\":\"gone\"}\n"[..], "/state"),
            (b"{\"state\":\"open\",\"page\":0}\n", "/page"),
            (b"{\"state\":\n", ""),
            (b"\xff\xfe\n", ""),
        ] {
            let invalid = &answer(line)["invalid"];
            assert_eq!(invalid["at"], at, "{invalid}");
            assert!(invalid["why"].is_string());
        }
        let long = vec![b' '; (16 << 20) + 1];
        input.write_all(&long).unwrap();
        // The last line needs no end.
        input.write_all(b"\n{\"state\":\"open\"}").unwrap();
        drop(input);
        let rest: Vec<String> = output.lines().map(Result::unwrap).collect();
        assert_eq!(rest.len(), 2);
        assert!(rest[0].contains("longer than 16 MiB"), "{rest:?}");
        assert_eq!(rest[1], "{\"state\":\"open\"}");
        assert!(process.wait().unwrap().success());
    }
}

#[test]
fn an_unknown_tool_is_told_with_names_like_it() {
    let stand = Stand::new().unwrap();
    stand.write("github.json", TOOLS).unwrap();
    let output = stand
        .run(&[
            "catalog",
            "roundtrip",
            "--catalog",
            "github.json",
            "--tool",
            "list_issue",
            "--side",
            "output",
        ])
        .unwrap();
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""));
    assert!(
        output.stderr.contains("did you mean `list_issues`?"),
        "{}",
        output.stderr
    );
}
