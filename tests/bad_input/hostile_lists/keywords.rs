//! Every keyword of JSON Schema with values that it cannot have, odd numbers, keys that are given twice.

use serde_json::json;

use super::{property, survives};

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

const KEYWORDS: &[&str] = &[
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
