//! Values of schemas, held against the schemas by a validator.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

#[test]
fn values_are_plain_and_readable() {
    for (schema, wanted) in [
        (json!({"const": 7}), json!(7)),
        (json!({"type": "string", "default": "x"}), json!("x")),
        (json!({"enum": ["a", "b"]}), json!("a")),
        (json!({"type": "string", "examples": ["e"]}), json!("e")),
        (json!({"type": ["null", "string"]}), json!("example-3")),
        (
            json!({"anyOf": [{"type": "null"}, {"type": "boolean"}]}),
            json!(false),
        ),
        (
            json!({"allOf": [{"type": "number"}, {"type": "integer", "minimum": 5}]}),
            json!(5),
        ),
        (
            json!({"type": "object", "properties": {"id": {"type": "integer"}, "title": {"type": "string"},
                "url": {"type": "string"}, "note": {"type": "string"}, "state": {"type": "string", "default": "new"}},
                "required": ["id", "title", "url"]}),
            json!({"id": 3, "title": "Example 3", "url": "https://example.com/3", "state": "new"}),
        ),
        (
            json!({"type": "object", "properties": {"has_more": {"type": "boolean"}, "ok": {"type": "boolean"},
                "next_cursor": {"type": ["string", "null"]}, "errors": {"type": "array", "items": {}}}}),
            json!({"has_more": false, "ok": true, "next_cursor": null, "errors": []}),
        ),
        (
            json!({"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": true}),
            json!(["a", "b", "c"]),
        ),
        (
            json!({"$defs": {"node": {"type": "object", "required": ["name", "children", "parent"], "properties": {
                "name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                "parent": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}}, "$ref": "#/$defs/node"}),
            json!({"name": "example-3", "children": [], "parent": null}),
        ),
    ] {
        assert_eq!(sample(&schema, 3), wanted, "{schema}");
    }
}

#[test]
fn what_is_made_fits() {
    for schema in [
        json!({"type": "string", "minLength": 40, "maxLength": 50}),
        json!({"type": "string", "maxLength": 3}),
        json!({"type": "string", "pattern": "^[A-Z]{3}-\\d+$"}),
        json!({"type": "string", "pattern": "^(foo|bar)_[^_]+(\\.txt)?$"}),
        json!({"type": "string", "pattern": "^[a-f0-9]{24}$"}),
        json!({"type": "string", "pattern": "\\S", "minLength": 5}),
        json!({"type": "string", "pattern": "^[\\w.-]+@[\\w-]+\\.[a-z]{2,}$"}),
        json!({"type": "string", "pattern": "^[0-9]+$", "minLength": 9, "maxLength": 9}),
        json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        json!({"type": "integer", "minimum": 7, "multipleOf": 5}),
        json!({"type": "integer", "maximum": -3}),
        json!({"type": "number", "minimum": 0.5, "multipleOf": 0.25}),
        json!({"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": false}),
        json!({"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            "minItems": 3, "uniqueItems": true}),
        json!({"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}}),
        json!({"type": "object", "required": ["x"], "additionalProperties": {"type": "boolean"}}),
        json!({"oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}}, "required": ["kind"]}, {"type": "string"}]}),
        json!({"anyOf": [false, {"$ref": "#/$defs/x"}], "$defs": {"x": {"type": "array", "items": {"type": "integer"}, "minItems": 2}}}),
        json!({"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"b": {"enum": [1]}}, "required": ["b"]}], "type": "object"}),
        json!({"type": "string", "format": "uuid"}),
        json!({"type": "array", "contains": {"type": "string"}, "items": {}}),
    ] {
        let validator = jsonschema::validator_for(&schema).unwrap();
        let value = sample(&schema, 1);
        assert!(validator.is_valid(&value), "{value} of {schema}");
    }
}

#[test]
fn other_seeds_give_other_ids() {
    for schema in [
        json!({"type": "string"}),
        json!({"type": "string", "format": "uuid"}),
        json!({"type": "string", "pattern": "^[a-f0-9]{24}$"}),
    ] {
        let schema = json!({"type": "object", "properties": {"id": schema}, "required": ["id"]});
        let all: Vec<Value> = (0..50).map(|seed| sample(&schema, seed)).collect();
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{one}");
        }
    }
    let shown = json!({"type": "object", "properties": {"key": {"type": "string", "examples": ["PROJ-123"]}}});
    assert_eq!(sample(&shown, 4), json!({"key": "PROJ-004"}));
}

#[test]
fn hostile_schemas_cost_little() {
    let bomb = |keyword: &str| {
        let mut defs = Map::new();
        for level in 0..40 {
            let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
            let schema = match keyword {
                "properties" => {
                    json!({"type": "object", "properties": {"a": next, "b": next}, "required": ["a", "b"]})
                }
                "prefixItems" => json!({"type": "array", "prefixItems": [next, next]}),
                _ => json!({keyword: [next, next, next]}),
            };
            defs.insert(level.to_string(), schema);
        }
        defs.insert("40".into(), json!({"type": "string"}));
        json!({"$ref": "#/$defs/0", "$defs": defs})
    };
    let large = "x".repeat(1 << 18);
    let mut nested = json!({"type": "string"});
    for _ in 0..60 {
        nested = json!({"type": "array", "items": nested, "minItems": 50});
    }
    for schema in [
        bomb("properties"),
        bomb("prefixItems"),
        bomb("allOf"),
        bomb("anyOf"),
        bomb("oneOf"),
        nested,
        json!({"type": "array", "minItems": 1_000_000_000, "items": {"const": "x"}}),
        json!({"type": "array", "minItems": 90, "items": {"type": "string", "default": large}}),
        json!({"type": "string", "minLength": 1_000_000_000_u64}),
        json!({"type": "string", "pattern": "^((((a{999}){999}){999}){999})$"}),
        json!({"type": "string", "pattern": "(".repeat(900)}),
        json!({"type": "object", "minProperties": 1_000_000_000}),
        json!({"$ref": "#"}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        json!({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}),
        json!({"required": (0..100_000).map(|n| n.to_string()).collect::<Vec<_>>()}),
        json!({"type": "number", "minimum": 1e308, "maximum": -1e308}),
        json!({"type": "integer", "multipleOf": 1e-300, "minimum": 3}),
        json!({"enum": []}),
        json!(false),
        json!([1]),
    ] {
        let started = Instant::now();
        for value in samples(&schema, 1) {
            assert!(value.to_string().len() < 2 << 20);
        }
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
