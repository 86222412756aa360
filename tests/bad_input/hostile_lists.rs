//! Lists of tools that mean harm, or that no care was taken of: each becomes WIT, TypeScript and Rust that their parsers
//! accept and in which nothing is hidden, or a clear error; soon, and in text that grows with the list and not with what its
//! references expand to. Only generation is tried here; `hostile_servers` takes such lists through the command.

mod keywords;
mod references;
mod sizes;

use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use witgate_codegen::catalog::{Server, parse_tools_list};
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::select::{View, program_wit};
use witgate_codegen::wit::{RUNTIME, WitOptions, print_server};
use witgate_codegen::{dts, model_server, rust};
use witgate_tests::texts;

/// What takes longer hangs. Far above what any of these takes, also unoptimised on a busy machine.
const HANGS: Duration = Duration::from_secs(100);

/// Most bytes of generated text for a byte of the list, and for any list whatsoever.
const GROWTH: usize = 40;
const ANYWAY: usize = 2_000_000;

/// Characters that hide, steer a terminal, or turn the direction of text; and what ends comments, strings and blocks.
pub(crate) const NASTY: &str = "a\u{0}b\u{7}\u{1b}[31m\u{7f}\u{85}\u{9b}\u{ad}\u{34f}\u{61c}\u{149}\u{673}\u{180e}\u{200b}\u{200f}\u{2028}\
    \u{2029}\u{202e}\u{2066}\u{2069}\u{2060}\u{feff}\u{fffe}\u{e0001}\u{e0041}\u{e007f}\u{10ffff} */ } /* // `\"'\\u{7d} ${x} %\r\n\t{";

/// Names that some language or runtime treats in its own way.
pub(crate) const NAMES: &[&str] = &[
    "__proto__",
    "constructor",
    "prototype",
    "hasOwnProperty",
    "toString",
    "valueOf",
    "then",
    "default",
    "arguments",
    "eval",
    "",
    " ",
    "%",
    "%type",
    "-",
    "_",
    "$",
    "🦀",
    "👩‍👩‍👧",
    "שלום",
    "日本語",
    "a",
    "A",
    "a-",
    "a_",
    "aA",
    "a-a",
    "a_a",
    "1",
    "0x1",
    "json",
    "tool-error",
    "types",
    "self",
];

/// Generates everything from a list, apart, and fails when that does not end or what it gives is not accepted. The error, if
/// there is one.
fn survives(what: &str, server: &str, list: String) -> Option<String> {
    let (done, waits) = mpsc::channel();
    let name = server.to_string();
    // The stack of a thread is what the host's workers have too.
    std::thread::spawn(move || done.send(generate(&name, &list)));
    match waits.recv_timeout(HANGS) {
        Ok(Ok(refused)) => refused,
        Ok(Err(wrong)) => panic!("{what}: {wrong:#}"),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{what}: it panicked"),
    }
}

fn generate(name: &str, list: &str) -> anyhow::Result<Option<String>> {
    let tools = match parse_tools_list(list) {
        Ok(tools) => tools,
        Err(error) => return refused(&error),
    };
    let count = tools.len();
    let server = Server {
        tools,
        ..Server::default()
    };
    let model = match model_server(name, &server) {
        Ok(model) => model,
        Err(error) => return refused(&error),
    };
    anyhow::ensure!(model.tools.len() == count, "tools are missing");
    let mut written = accepted(&model)?;
    written += model
        .losses
        .iter()
        .map(|loss| loss.pointer.len() + loss.keyword.len() + loss.consequence.len())
        .sum::<usize>();
    let most = ANYWAY + GROWTH * list.len();
    anyhow::ensure!(
        written <= most,
        "{} bytes became {written}, more than {most}",
        list.len()
    );
    Ok(None)
}

/// An error is clear when it says something that can be shown.
fn refused(error: &dyn std::error::Error) -> anyhow::Result<Option<String>> {
    let mut text = error.to_string();
    if let Some(source) = error.source() {
        text.push_str(&format!(": {source}"));
    }
    anyhow::ensure!(
        !text.is_empty() && text.len() < 1_000,
        "the error is {text:?}"
    );
    texts::accept_visible(&text)?;
    Ok(Some(text))
}

/// Everything that is printed of a model, accepted; its length.
fn accepted(model: &ServerModel) -> anyhow::Result<usize> {
    let wit = print_server(model, &WitOptions::default());
    let plain = WitOptions {
        sync: true,
        docs: false,
    };
    let declared = dts::declare_server(model);
    let rust = rust::declarations(model, None);
    texts::accept_wit(&[RUNTIME, &wit])?;
    texts::accept_wit(&[RUNTIME, &print_server(model, &plain)])?;
    texts::accept_declarations(&declared)?;
    texts::accept_rust(&rust)?;
    for text in [&wit, &declared, &rust] {
        texts::accept_visible(text)?;
    }
    let every: Vec<&ToolModel> = model.tools.iter().collect();
    let program = program_wit(&[(model, every)], View::Typed);
    let packages: Vec<&str> = program.packages.iter().map(String::as_str).collect();
    texts::accept_wit(&packages)?;
    Ok(wit.len() + declared.len() + rust.len())
}

/// A list of one tool, with the same schema for its arguments and inside its result.
fn tool(schema: &Value) -> String {
    let output = json!({"type": "object", "properties": {"x": schema}});
    json!({"tools": [{"name": "t", "inputSchema": schema, "outputSchema": output}]}).to_string()
}

fn property(schema: &Value) -> Value {
    json!({"type": "object", "properties": {"x": schema, "y": {"type": "string"}}, "required": ["x"]})
}

/// An object with many entries.
fn many(count: usize, entry: impl Fn(usize) -> (String, Value)) -> Value {
    Value::Object((0..count).map(entry).collect::<Map<_, _>>())
}

#[test]
fn characters_that_hide_or_end_something() {
    let mut all = vec![NASTY.to_string()];
    all.extend(NASTY.chars().map(|c| format!("x{c}y")));
    all.extend(NASTY.chars().map(String::from));
    let tools: Vec<Value> = all
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let schema = json!({
                "type": "object", "title": text, "description": text, "$comment": text, "$id": text, text: text,
                "properties": {
                    text: {"description": text, "enum": [text, "other"], "default": text, "examples": [text], "title": text},
                    "plain": {"type": "string", "pattern": text, "format": text, "description": text, "default": {text: text}},
                    "constant": {"const": text},
                    "same": {"$ref": format!("#/$defs/{text}")},
                    "else": {"$ref": text},
                    "union": {"oneOf": [
                        {"title": text, "type": "object", "properties": {"k": {"const": text}}, "required": ["k"]},
                        {"type": "object", "properties": {"k": {"const": "b"}}, "required": ["k"]}]},
                    "map": {"type": "object", "patternProperties": {text: {"type": "integer"}}}},
                "required": [text, "constant", text.to_uppercase()],
                "$defs": {text: {"type": "object", "properties": {text: {"type": "boolean"}}, "title": text}}
            });
            json!({"name": format!("{text}{index}"), "title": text, "description": text, "inputSchema": schema.clone(),
                "outputSchema": schema, "annotations": {"title": text}, text: text})
        })
        .collect();
    let list = json!({"tools": tools}).to_string();
    for server in ["s", NASTY, "\u{202e}", ""] {
        assert_eq!(survives("characters", server, list.clone()), None);
    }
    let twice = json!([{"name": NASTY, "inputSchema": {}}, {"name": NASTY, "inputSchema": {}}]);
    let error = survives("a hostile name twice", NASTY, twice.to_string()).unwrap();
    assert!(error.contains("twice"), "{error}");
    let nothing = json!([{"name": NASTY}]).to_string();
    assert!(survives("a hostile name", "s", nothing).is_some());
}

#[test]
fn half_characters_and_other_text_that_is_no_json() {
    for text in [
        r#"[{"name":"a\ud800","inputSchema":{}}]"#,
        r#"[{"name":"a","inputSchema":{"properties":{"\udc00":{}}}}]"#,
        r#"[{"name":"a","inputSchema":{"minimum":1e400}}]"#,
        "[{\"name\":\"a\u{1}\",\"inputSchema\":{}}]",
        "",
        "\u{feff}",
        "nul",
        "[[[[",
    ] {
        let error = survives("no JSON", "s", text.to_string()).unwrap();
        assert!(error.contains("cannot be read"), "{error}");
    }
}

#[test]
fn names_that_a_language_takes_for_its_own() {
    let properties: Map<String, Value> = NAMES
        .iter()
        .map(|name| (name.to_string(), json!({"enum": NAMES, "default": name})))
        .collect();
    let schema = json!({"type": "object", "properties": properties, "required": NAMES});
    let tools: Vec<Value> = NAMES
        .iter()
        .map(|name| json!({"name": name, "inputSchema": schema, "outputSchema": {"oneOf": [schema, {"title": name}]}}))
        .collect();
    let list = json!({"tools": tools}).to_string();
    assert_eq!(survives("names", "constructor", list), None);
    let list = json!([{"name": "default", "inputSchema": {}}]).to_string();
    for server in NAMES {
        assert_eq!(survives(server, server, list.clone()), None);
    }
}

#[test]
fn names_without_end() {
    let long = "name".repeat(2_500);
    let words = "a ".repeat(5_000);
    let crabs = "🦀".repeat(10_000);
    let mut tools = Vec::new();
    for name in [&long, &words, &crabs] {
        let schema =
            json!({"type": "object", "properties": {name: {"enum": [name, format!("{name}x")]}}});
        tools.push(
            json!({"name": name, "title": name, "inputSchema": schema, "outputSchema": schema}),
        );
    }
    let list = json!({"tools": tools}).to_string();
    for server in [&long, &words, &crabs] {
        assert_eq!(survives("long names", server, list.clone()), None);
    }
}

#[test]
fn entries_that_are_no_tools() {
    for list in [
        json!([null]),
        json!([[]]),
        json!(["tool"]),
        json!([NASTY.repeat(1_000)]),
        json!([{"name": 1, "inputSchema": {}}]),
        json!([{"name": null, "inputSchema": {}}]),
        json!([{"name": "a"}]),
        json!({"tools": {}}),
        json!({"tools": null}),
        json!({"result": {"tools": "x"}}),
        json!({"error": {"message": NASTY}}),
        json!({"tools": [], "nextCursor": "x"}),
        json!({"tools": [{"name": "a", "inputSchema": {}, "description": [NASTY]}]}),
    ] {
        assert!(
            survives("no tools", "s", list.to_string()).is_some(),
            "{list}"
        );
    }
    for schema in [
        json!(null),
        json!(0),
        json!("x"),
        json!([]),
        json!(false),
        json!([{}]),
    ] {
        let list = json!([{"name": "a", "inputSchema": schema, "outputSchema": schema}]);
        survives("no schema", "s", list.to_string());
    }
}
