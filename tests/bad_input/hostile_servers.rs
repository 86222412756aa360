//! Hostile lists of tools through the command: saved ones through `gen`, live ones through `sync`, `tools`, `check` and `run`.
//! What is written is accepted by its parsers and lies where it should; what is told hides nothing; every command ends.

use std::path::Path;

use serde_json::{Map, Value, json};
use witgate_codegen::wit::RUNTIME;
use witgate_tests::{Output, Stand, texts, workspace};

use crate::hostile_lists::{NAMES, NASTY};
use crate::{Expected, fails, with_servers};

/// Runs to the expected end, with nothing hidden on a terminal.
fn ends(stand: &Stand, arguments: &[&str], code: i32) -> Output {
    let output = stand.run(arguments).unwrap();
    assert_eq!(output.code, Some(code), "{arguments:?}: {output:#?}");
    for text in [&output.stdout, &output.stderr] {
        texts::accept_visible(text).unwrap();
    }
    assert_eq!(stand.orphans(), Vec::<String>::new(), "{arguments:?}");
    output
}

/// A stand whose server `bad` lists these tools.
fn listing(list: &str) -> Stand {
    let script = workspace::root().join("tests/bad_input/list_server.py");
    let stand =
        with_servers(&json!({"bad": {"command": "python3", "args": [script, "list.json"]}}));
    stand.write("list.json", list.replace('\n', " ")).unwrap();
    stand
}

/// Tools with odd names, whose texts, keys and values are worse.
fn nasty() -> Value {
    let shown = |name: &&&str| !name.chars().any(witgate_codegen::text::is_hidden);
    let names: Vec<&str> = NAMES.iter().filter(shown).copied().collect();
    let mut properties = Map::new();
    for key in names.iter().copied().chain([NASTY]) {
        properties.insert(
            key.to_string(),
            json!({"description": NASTY, "enum": [NASTY, "plain"], "default": NASTY, "title": NASTY}),
        );
    }
    let schema = json!({"type": "object", "properties": properties, "title": NASTY, "additionalProperties": false});
    let tool = |name: &&str| {
        json!({"name": name, "title": NASTY, "description": NASTY, "inputSchema": schema, "outputSchema": schema,
            "annotations": {"title": NASTY, "readOnlyHint": NASTY}, "_meta": {NASTY: NASTY}})
    };
    json!({"tools": names.iter().map(tool).collect::<Vec<_>>()})
}

/// The files below a folder, with their texts.
fn written(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(written(&path));
        } else {
            found.push((
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            ));
        }
    }
    found
}

#[test]
fn saved_lists_become_files_where_they_should() {
    let mut stand = Stand::new().unwrap();
    stand.write("work/list.json", nasty().to_string()).unwrap();
    stand.enter("work");
    for server in [
        "../../../evil",
        "/tmp/evil",
        "..",
        "con",
        NASTY.trim_start_matches("a\0"),
    ] {
        let generate = [
            "gen",
            "-o",
            "out",
            "--catalog",
            "list.json",
            "--server",
            server,
        ];
        ends(&stand, &generate, 0);
        let folder = stand.folder().join("work/out");
        let files = written(&folder);
        for (path, text) in &files {
            // Losses are data: JSON escapes what hides, if not all.
            if !path.ends_with("losses.json") {
                texts::accept_visible(text).unwrap_or_else(|error| panic!("{path}: {error}"));
            }
            if path.ends_with(".d.ts") {
                texts::accept_declarations(text).unwrap();
            } else if path.ends_with(".rs") {
                texts::accept_rust(text).unwrap();
            } else if path.contains("mcp-") {
                texts::accept_wit(&[RUNTIME, text]).unwrap();
            }
        }
        // Beside a declaration for each tool.
        let is_of_one_tool = |path: &str| path.contains("/out/servers/");
        let whole = files.iter().filter(|(path, _)| !is_of_one_tool(path));
        assert_eq!(whole.count(), 6, "{files:#?}");
        std::fs::remove_dir_all(folder).unwrap();
        // Nothing beside the output folder.
        let beside: Vec<String> = written(stand.folder())
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        assert!(
            beside.len() == 1 && beside[0].ends_with("list.json"),
            "{beside:?}"
        );
    }
}

#[test]
fn saved_lists_that_are_none() {
    for list in [
        "",
        "{",
        "[1]",
        r#"[{"name":"a\ud800","inputSchema":{}}]"#,
        r#"[{"name":"\u202e\u001b[31m"}]"#,
        r#"{"tools":[],"nextCursor":"2"}"#,
        &format!(
            "[{{\"name\":\"deep\",\"inputSchema\":{}",
            "{\"a\":".repeat(100_000)
        ),
        &format!(
            "[{{\"name\":\"deep\",\"inputSchema\":{}1{}}}]",
            "[".repeat(100_000),
            "]".repeat(100_000)
        ),
    ] {
        let stand = Stand::new().unwrap();
        stand.write("list.json", list).unwrap();
        let output = ends(&stand, &["gen", "-o", "out", "--catalog", "list.json"], 2);
        for part in [
            "`list.json` is no `tools/list` answer",
            "\n\nhint: save what a server answers",
        ] {
            assert!(output.stderr.contains(part), "{list:.60}: {output:#?}");
        }
        assert!(!stand.folder().join("out").exists());
    }
}

#[test]
fn a_live_server_with_hostile_texts_can_be_synced_searched_and_called() {
    let stand = listing(&nasty().to_string());
    ends(&stand, &["sync"], 0);
    ends(&stand, &["tools"], 0);
    ends(&stand, &["tools", "proto"], 0);
    let lock: Value = serde_json::from_str(&stand.read("witgate.lock")).unwrap();
    assert!(
        lock["servers"]["bad"]["tools"]["__proto__"].is_object(),
        "{lock:#}"
    );
    let program = r#"
        import { __proto__ as a, "🦀" as b, constructor as c, "" as d, "%type" as e } from "mcp:bad";
        export default async (input) => {
          const given = JSON.parse('{"__proto__": "plain", "constructor": "plain", "": "plain", "🦀": "plain"}');
          const results = [];
          for (const tool of [a, b, c, d, e]) results.push(JSON.stringify(await tool(given)) === JSON.stringify(given));
          results.push(Object.keys(await a(input)).length);
          return results;
        };"#;
    stand.write("program.js", program).unwrap();
    let input = json!({NASTY: NASTY, "__proto__": NASTY}).to_string();
    ends(&stand, &["check", "program.js", "--allow", "bad/*"], 0);
    let run = ["run", "program.js", "--allow", "bad/*", "--input", &input];
    let output = ends(&stand, &run, 0);
    assert_eq!(output.stdout, "[true,true,true,true,true,2]\n");
    // And what breaks the schema is refused, in words that hide nothing.
    let wrong = json!({NASTY: "neither"}).to_string();
    let output = ends(
        &stand,
        &["run", "program.js", "--allow", "bad/*", "--input", &wrong],
        1,
    );
    assert!(output.stderr.contains("invalid-arguments"), "{output:#?}");
}

#[test]
fn a_live_server_with_bombs_ends() {
    let level = |next: &str| json!({"allOf": [{"properties": {"a": {"$ref": next}}}, {"anyOf": [{"$ref": next}, {"$ref": next, "title": "x"}]}]});
    let mut defs = Map::new();
    for index in 0..40 {
        defs.insert(
            format!("d{index}"),
            level(&format!("#/$defs/d{}", index + 1)),
        );
    }
    defs.insert("d40".into(), json!({"type": ["object", "string"]}));
    let schema =
        json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": defs});
    let round = json!({"type": "object", "properties": {"x": {"anyOf": [{"$ref": "#/properties/x"}, {"$ref": "#"}]}}});
    let tools: Vec<Value> = (0..20)
        .map(|index| json!({"name": format!("t{index}"), "inputSchema": schema}))
        .chain([json!({"name": "round", "inputSchema": round})])
        .collect();
    let stand = listing(&json!({"tools": tools}).to_string());
    ends(&stand, &["sync"], 0);
    let program = r#"
        import { t0, round } from "mcp:bad";
        const outcome = async (call) => { try { return typeof await call; } catch (error) { return error.kind; } };
        export default async () => [await outcome(t0({ x: { a: { a: 1 } } })), await outcome(round({ x: 1 }))];"#;
    stand.write("program.js", program).unwrap();
    let output = ends(&stand, &["run", "program.js", "--allow", "bad/*"], 0);
    // Whether the first one fits cannot be told in bounded time, so it is not sent. The second refers to nothing but itself, of
    // which JSON Schema says nothing.
    let starts = output.stdout.starts_with("[\"invalid-arguments\",");
    assert!(starts, "{output:#?}");
}

#[test]
fn a_live_server_with_very_much_of_everything() {
    let properties: Map<String, Value> = (0..10_000)
        .map(|index| (format!("p{index}"), json!({"type": "string"})))
        .collect();
    let values: Vec<String> = (0..10_000).map(|index| format!("v{index}")).collect();
    let described = "word ".repeat(1 << 18);
    let tools = json!({"tools": [
        {"name": "wide", "inputSchema": {"type": "object", "properties": properties}},
        {"name": "listed", "inputSchema": {"type": "object", "properties": {"x": {"enum": values}}, "required": ["x"]}},
        {"name": "described", "description": described, "inputSchema": {"type": "object",
            "properties": {"x": {"type": "string", "description": described}}}},
    ]});
    let stand = listing(&tools.to_string());
    ends(&stand, &["sync"], 0);
    let output = ends(&stand, &["tools", "wide"], 0);
    assert!(
        output.stdout.len() < 100_000,
        "{} bytes",
        output.stdout.len()
    );
    let program = r#"
        import { wide, listed, described } from "mcp:bad";
        export default async () => [await wide({ p9999: "a" }), await listed({ x: "v9999" }), await described({ x: "b" })];"#;
    stand.write("program.js", program).unwrap();
    let output = ends(&stand, &["run", "program.js", "--allow", "bad/*"], 0);
    assert_eq!(
        output.stdout,
        "[{\"p9999\":\"a\"},{\"x\":\"v9999\"},{\"x\":\"b\"}]\n"
    );
}

#[test]
fn a_live_server_whose_schemas_are_a_hundred_levels_deep() {
    let (open, close) = (
        r#"{"type":"object","properties":{"a":"#.repeat(100),
        "}}".repeat(100),
    );
    let list = format!(
        r#"{{"tools":[{{"name":"deep","inputSchema":{open}{{"type":"string"}}{close}}}]}}"#
    );
    let stand = listing(&list);
    ends(&stand, &["sync"], 0);
    let program = "import { deep } from 'mcp:bad';
        export default async () => {
          let value = 'x';
          for (let level = 0; level < 100; level++) value = { a: value };
          return JSON.stringify(await deep(value)) === JSON.stringify(value);
        };";
    stand.write("program.js", program).unwrap();
    let output = ends(&stand, &["run", "program.js", "--allow", "bad/*"], 0);
    assert_eq!(output.stdout, "true\n");
}

#[test]
fn a_live_server_whose_list_is_too_deep() {
    let list = format!(
        r#"{{"tools":[{{"name":"deep","inputSchema":{{"default":{}{}}}}}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let expected = Expected {
        code: 5,
        kind: "unavailable",
        message: &["server `bad`"],
        hint: &[],
        at: "",
    };
    let stand = listing(&list);
    stand
        .write(
            "program.js",
            "import { deep } from 'mcp:bad'; export default () => deep({});",
        )
        .unwrap();
    fails(
        &stand,
        &["run", "program.js", "--allow", "bad/*"],
        &expected,
    );
}

#[test]
fn a_live_server_with_a_name_that_does_not_show() {
    let stand = listing(r#"{"tools":[{"name":"a\u202eb","inputSchema":{"type":"object"}}]}"#);
    let output = ends(&stand, &["sync"], 5);
    assert!(output.stderr.contains("U+202E"), "{output:#?}");
}
