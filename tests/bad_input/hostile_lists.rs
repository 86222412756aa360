//! Lists of tools that mean harm, or that no care was taken of: each becomes WIT, TypeScript and Rust that their parsers
//! accept and in which nothing is hidden, or a clear error; soon, and in text that grows with the list and not with what its
//! references expand to. Only generation is tried here; `hostile_servers` takes such lists through the command.

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
pub(crate) const NAMES: [&str; 34] = [
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
    let text = error.to_string();
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
        assert!(error.contains("not JSON"), "{error}");
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
fn descriptions_of_a_megabyte() {
    for text in [
        "x".repeat(1 << 20),
        "\n".repeat(1 << 20),
        "\u{202e}*/ ".repeat(1 << 18),
    ] {
        let tools: Vec<Value> = (0..100)
            .map(|index| {
                json!({"name": format!("t{index}"), "description": text, "inputSchema": {"type": "object",
                    "properties": {"a": {"type": "string", "description": "y"}}}})
            })
            .collect();
        assert_eq!(
            survives("descriptions", "s", json!({"tools": tools}).to_string()),
            None
        );
    }
    let everywhere = "word ".repeat(1 << 18);
    let schema = json!({"type": "object", "description": everywhere, "title": everywhere, "properties": {
        "a": {"type": "string", "description": everywhere, "default": everywhere, "examples": [everywhere], "format": everywhere},
        "b": {"enum": [everywhere, "b"], "description": everywhere}, "c": {"const": everywhere, "default": everywhere},
        everywhere.clone(): {"$ref": format!("#/{everywhere}")}}, "required": [everywhere]});
    assert_eq!(survives("long texts", "s", tool(&schema)), None);
}

#[test]
fn very_many_of_something() {
    let strings: Vec<String> = (0..10_000).map(|index| format!("value {index}")).collect();
    let numbers: Vec<usize> = (0..10_000).collect();
    let constants: Vec<Value> = strings.iter().map(|text| json!({"const": text})).collect();
    let tagged: Vec<Value> = strings
        .iter()
        .map(|text| json!({"type": "object", "properties": {"kind": {"const": text}, "x": {"type": "string"}}, "required": ["kind"]}))
        .collect();
    let untagged: Vec<Value> = strings
        .iter()
        .map(|text| json!({"title": text, "type": "object", "properties": {text: {"type": "string"}}, "required": [text]}))
        .collect();
    let lists: Vec<Value> = (0..10_000)
        .map(|index| json!({"type": "array", "items": {"type": "string"}, "minItems": index}))
        .collect();
    let properties = many(10_000, |index| {
        (
            format!("p{index}"),
            json!({"type": "string", "minLength": 1}),
        )
    });
    let alike = many(10_000, |index| {
        ("-".repeat(index), json!({"type": "string"}))
    });
    for (what, schema) in [
        (
            "properties",
            json!({"type": "object", "properties": properties}),
        ),
        (
            "properties, all required",
            json!({"type": "object", "properties": properties, "required": (0..10_000).map(|index| format!("p{index}")).collect::<Vec<_>>()}),
        ),
        (
            "required keys",
            json!({"type": "object", "required": strings}),
        ),
        (
            "properties of one name",
            property(&json!({"type": "object", "properties": alike})),
        ),
        ("values", property(&json!({"enum": strings}))),
        (
            "numbers",
            property(&json!({"type": "integer", "enum": numbers})),
        ),
        (
            "values of all types",
            property(
                &json!({"enum": strings.iter().map(|text| json!({text: text})).collect::<Vec<_>>()}),
            ),
        ),
        ("constants", property(&json!({"oneOf": constants}))),
        ("objects with a tag", property(&json!({"oneOf": tagged}))),
        ("objects without", property(&json!({"anyOf": untagged}))),
        ("lists", property(&json!({"anyOf": lists}))),
        ("objects at the root", json!({"anyOf": untagged})),
        ("parts", property(&json!({"allOf": untagged}))),
        (
            "pattern keys",
            property(&json!({"patternProperties": properties})),
        ),
        ("elements", property(&json!({"prefixItems": constants}))),
        (
            "definitions",
            json!({"type": "object", "properties": many(10_000, |index| (format!("p{index}"), json!({"$ref": format!("#/$defs/p{index}")}))), "$defs": properties}),
        ),
        (
            "anchors",
            property(
                &json!({"anyOf": (0..1_000).map(|index| json!({"$ref": format!("#a{index}")})).collect::<Vec<_>>(), "$defs": properties}),
            ),
        ),
        ("types", property(&json!({"type": vec!["string"; 10_000]}))),
        (
            "unknown keywords",
            many(10_000, |index| (format!("x-{index}"), json!(index))),
        ),
    ] {
        assert_eq!(survives(what, "s", tool(&schema)), None);
    }
}

#[test]
fn five_thousand_tools() {
    let schema = json!({"type": "object", "properties": {"id": {"enum": ["a", "b"]}, "rest": {"type": "object", "properties": {"x": {"type": "integer"}}}}});
    let named = |name: &dyn Fn(usize) -> String| {
        let tools: Vec<Value> = (0..5_000)
            .map(|index| json!({"name": name(index), "inputSchema": schema}))
            .collect();
        json!({"tools": tools}).to_string()
    };
    assert_eq!(
        survives("one prefix", "s", named(&|index| format!("tool_{index}"))),
        None
    );
    assert_eq!(
        survives(
            "hyphens only",
            "s",
            named(&|index| format!("a{}", "_".repeat(index)))
        ),
        None
    );
    assert_eq!(
        survives("no letters", "s", named(&|index| "é".repeat(index))),
        None
    );
    assert_eq!(
        survives(
            "one long prefix",
            "s",
            named(&|index| format!("{}{index}", "long".repeat(50)))
        ),
        None
    );
}

#[test]
fn references_that_go_round() {
    let refs = |target: &str| json!({"$ref": target});
    for (what, schema) in [
        ("the root is itself", refs("#")),
        (
            "the root is a loop",
            json!({"$ref": "#/$defs/a", "$defs": {"a": refs("#/$defs/a")}}),
        ),
        (
            "two that are each other",
            json!({"$ref": "#/$defs/a", "$defs": {"a": refs("#/$defs/b"), "b": refs("#/$defs/a")}}),
        ),
        ("a property is the root", property(&refs("#"))),
        ("a property is itself", property(&refs("#/properties/x"))),
        (
            "allOf",
            property(&json!({"allOf": [refs("#/properties/x"), refs("#")]})),
        ),
        (
            "anyOf",
            property(&json!({"anyOf": [refs("#/properties/x"), {"type": "string"}]})),
        ),
        (
            "oneOf of the root",
            json!({"type": "object", "oneOf": [refs("#"), refs("#")]}),
        ),
        (
            "items",
            property(&json!({"type": "array", "items": refs("#/properties/x")})),
        ),
        (
            "elements",
            property(&json!({"prefixItems": [refs("#/properties/x"), refs("#")]})),
        ),
        (
            "values",
            property(&json!({"additionalProperties": refs("#/properties/x")})),
        ),
        (
            "pattern keys",
            property(&json!({"patternProperties": {"a": refs("#/properties/x")}})),
        ),
        (
            "through its parts",
            property(&json!({"allOf": [{"properties": {"a": refs("#/properties/x/allOf/0")}}]})),
        ),
        (
            "keywords beside",
            property(&json!({"$ref": "#/properties/x", "minLength": 1})),
        ),
        (
            "into a reference",
            property(&json!({"$ref": "#/properties/x/$ref"})),
        ),
        (
            "dynamic",
            json!({"$dynamicAnchor": "n", "type": "object", "properties": {"x": {"$dynamicRef": "#n"}}}),
        ),
        (
            "recursive",
            json!({"$recursiveAnchor": true, "type": "object", "properties": {"x": {"$recursiveRef": "#"}}}),
        ),
        ("no place", property(&refs("#/nowhere"))),
        ("no pointer", property(&refs("#%"))),
        ("a file", property(&refs("file:///etc/passwd"))),
        (
            "a place of the network",
            property(&refs("http://localhost:1/#/a")),
        ),
        (
            "a place with escapes",
            property(&refs("#/%00/~2/~/%F0%9F%A6%80")),
        ),
        ("an empty name", property(&refs(""))),
    ] {
        assert_eq!(survives(what, "s", tool(&schema)), None);
    }
}

/// Each level uses the next one twice: a trillion places in two kilobytes.
fn bomb(levels: usize, level: impl Fn(Value) -> Value) -> Value {
    let defs = many(levels + 1, |index| {
        let next = json!({"$ref": format!("#/$defs/d{}", index + 1)});
        let schema = if index < levels {
            level(next)
        } else {
            json!({"type": "string"})
        };
        (format!("d{index}"), schema)
    });
    json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": defs})
}

fn bombs() -> Vec<(&'static str, Value)> {
    vec![
        (
            "tree",
            bomb(
                40,
                |next| json!({"type": "object", "properties": {"a": next, "b": next}, "additionalProperties": false}),
            ),
        ),
        (
            "open tree",
            bomb(
                40,
                |next| json!({"type": "object", "properties": {"a": next, "b": next}}),
            ),
        ),
        (
            "tree with notes",
            bomb(40, |next| {
                let noted =
                    |name: &str| json!({"$ref": next["$ref"], "minLength": 1, "title": name});
                json!({"type": "object", "properties": {"a": noted("a"), "b": noted("b")}})
            }),
        ),
        ("allOf", bomb(40, |next| json!({"allOf": [next, next]}))),
        (
            "allOf of properties",
            bomb(
                40,
                |next| json!({"allOf": [{"properties": {"a": next}}, {"properties": {"a": next}}]}),
            ),
        ),
        ("anyOf", bomb(40, |next| json!({"anyOf": [next, next]}))),
        (
            "anyOf of objects",
            bomb(
                40,
                |next| json!({"anyOf": [{"properties": {"a": next}, "required": ["a"]}, {"properties": {"b": next}, "required": ["b"]}]}),
            ),
        ),
        (
            "oneOf beside properties",
            bomb(
                40,
                |next| json!({"properties": {"c": next}, "oneOf": [next, {"properties": {"a": next}}]}),
            ),
        ),
        (
            "elements",
            bomb(
                40,
                |next| json!({"type": "array", "prefixItems": [next, next], "minItems": 2, "items": false}),
            ),
        ),
        (
            "values",
            bomb(
                40,
                |next| json!({"type": "object", "properties": {"a": next}, "additionalProperties": next}),
            ),
        ),
        (
            "items of unions",
            bomb(
                40,
                |next| json!({"type": "array", "items": {"oneOf": [next, {"type": "array", "items": next}]}}),
            ),
        ),
    ]
}

#[test]
fn references_that_explode() {
    for (what, schema) in bombs() {
        assert_eq!(survives(what, "s", tool(&schema)), None);
    }
}

#[test]
fn a_thousand_bombs_in_one_list() {
    for (what, schema) in bombs() {
        let tools: Vec<Value> = (0..1_000)
            .map(|index| json!({"name": format!("t{index}"), "inputSchema": schema}))
            .collect();
        assert_eq!(
            survives(what, "s", json!({"tools": tools}).to_string()),
            None
        );
    }
}

/// A list of one tool whose schema opens and closes so many levels.
fn nested(levels: usize, open: &str, close: &str, leaf: &str) -> String {
    let (open, close) = (open.repeat(levels), close.repeat(levels));
    format!(
        r#"{{"tools":[{{"name":"deep","inputSchema":{{"type":"object","properties":{{"x":{open}{leaf}{close}}}}}}}]}}"#
    )
}

#[test]
fn nesting() {
    let shapes = [
        ("objects", r#"{"type":"object","properties":{"a":"#, "}}"),
        ("lists", r#"{"type":"array","items":"#, "}"),
        ("elements", r#"{"prefixItems":["#, "]}"),
        ("values", r#"{"additionalProperties":"#, "}"),
        ("anyOf", r#"{"anyOf":["#, "]}"),
        ("anyOf with null", r#"{"anyOf":[{"type":"null"},"#, "]}"),
        ("allOf", r#"{"allOf":["#, "]}"),
        ("not", r#"{"not":"#, "}"),
        ("constants", r#"{"const":["#, "]}"),
        ("defaults", r#"{"type":"string","default":["#, "]}"),
        ("definitions", r#"{"$defs":{"a":"#, "}}"),
        ("unknown keywords", r#"{"x":"#, "}"),
    ];
    for (what, open, close) in shapes {
        for levels in [10, 100] {
            let what = format!("{what}, {levels} levels");
            assert_eq!(
                survives(
                    &what,
                    "s",
                    nested(levels, open, close, "{\"type\":\"string\"}")
                ),
                None,
                "{what}"
            );
        }
        for levels in [200, 500, 600, 100_000] {
            // Accepted or refused, but the stack holds.
            survives(
                &format!("{what}, {levels} levels"),
                "s",
                nested(levels, open, close, "{}"),
            );
        }
        let cut = nested(100_000, open, "", "");
        assert!(survives(what, "s", cut).is_some(), "{what}");
    }
}

#[test]
fn odd_numbers_and_keys_twice() {
    for schema in [
        r#"{"minimum":1000000000000000000000000000000,"maximum":1e308,"type":"integer"}"#,
        r#"{"minLength":-1,"maxLength":1e99,"type":"string"}"#,
        r#"{"minItems":18446744073709551615,"maxItems":-9223372036854775808,"items":{}}"#,
        r#"{"enum":[1000000000000000000000000000000,18446744073709551615,-0,0,0.0,1e-400,1e0]}"#,
        r#"{"enum":[9223372036854775807,-9223372036854775808,9223372036854775808]}"#,
        r#"{"const":18446744073709551615,"default":1e300}"#,
        r#"{"type":"integer","enum":[1.0,1,1e0]}"#,
        r#"{"type":"string","type":"object","properties":{},"properties":{"a":{},"a":{"type":"string"}}}"#,
        r#"{"prefixItems":[{},{}],"minItems":2.0,"maxItems":2e0}"#,
        r#"{"multipleOf":0}"#,
    ] {
        let list = format!(
            r#"[{{"name":"t","inputSchema":{{"properties":{{"x":{schema}}}}},"outputSchema":{schema}}}]"#
        );
        assert_eq!(survives(schema, "s", list), None);
    }
}

const KEYWORDS: [&str; 64] = [
    "type",
    "nullable",
    "const",
    "enum",
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "discriminator",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "unevaluatedProperties",
    "prefixItems",
    "items",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "minContains",
    "maxContains",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "readOnly",
    "writeOnly",
    "title",
    "description",
    "default",
    "examples",
    "example",
    "deprecated",
    "$schema",
    "$id",
    "id",
    "$anchor",
    "$comment",
    "$defs",
    "definitions",
    "x-fastmcp-wrap-result",
];

#[test]
fn every_keyword_with_values_of_every_type() {
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1.5),
        json!("x"),
        json!(""),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!(["x", "x"]),
        json!([{}]),
        json!({"": null}),
        json!({"x": []}),
        json!({"x": true}),
        json!([{"const": "x"}, 1]),
    ];
    let beside = [
        json!({}),
        json!({"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}),
        json!({"type": "array", "items": {"type": "integer"}}),
        json!({"type": "string", "enum": ["a", "b"]}),
        json!({"anyOf": [{"type": "string"}, {"type": "object", "properties": {"k": {"const": 1}}}]}),
        json!({"$ref": "#/$defs/d", "$defs": {"d": {"type": "boolean"}}}),
    ];
    let mut tools = Vec::new();
    for keyword in KEYWORDS {
        for value in &values {
            for other in &beside {
                let mut schema = other.clone();
                schema[keyword] = value.clone();
                let name = format!("t{}", tools.len());
                tools.push(
                    json!({"name": name, "inputSchema": schema, "outputSchema": property(&schema)}),
                );
            }
        }
    }
    for tools in tools.chunks(1_000) {
        assert_eq!(
            survives("keywords", "s", json!({"tools": tools}).to_string()),
            None
        );
    }
}

#[test]
fn entries_that_are_no_tools() {
    for list in [
        json!([null]),
        json!([[]]),
        json!(["tool"]),
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
