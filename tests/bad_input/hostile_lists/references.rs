//! References that go round or explode, and schemas that are deep: the walk ends, and so does the stack.

use serde_json::{Value, json};

use super::{many, property, survives, tool};

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
fn bombs_all_over_one_list() {
    for (what, schema) in bombs() {
        let tools: Vec<Value> = (0..200)
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
