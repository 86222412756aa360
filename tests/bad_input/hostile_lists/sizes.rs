//! Very long texts and very many of something: what comes of it grows no faster than the list.

use serde_json::{Value, json};

use super::{many, property, survives, tool};

#[test]
fn descriptions_of_a_megabyte() {
    for (count, text) in [
        (100, "x".repeat(1 << 20)),
        (3, "\n".repeat(1 << 20)),
        (3, "\u{202e}*/ ".repeat(1 << 18)),
    ] {
        let tools: Vec<Value> = (0..count)
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
    let alike = many(2_000, |index| {
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
            named(&|index| format!("a{}", "_".repeat(index % 50) + &"-".repeat(index / 50)))
        ),
        None
    );
    assert_eq!(
        survives(
            "no letters",
            "s",
            named(&|index| "é".repeat(index % 50) + &"ü".repeat(index / 50))
        ),
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
