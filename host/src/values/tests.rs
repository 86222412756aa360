//! Values of each construct there and back, and what does not fit.
#![allow(clippy::unwrap_used)]

use serde_json::json;
use witgate_codegen::catalog::{Server, Tool};
use witgate_codegen::model::ToolModel;
use witgate_codegen::server::model_server;

use super::*;

fn model(input: Value) -> ToolModel {
    let tool = Tool {
        name: "t".into(),
        input_schema: input,
        ..Tool::default()
    };
    let server = Server {
        tools: vec![tool],
        ..Server::default()
    };
    model_server("s", &server).unwrap().tools.remove(0)
}

fn round_trip(schema: Value, value: &Value) -> Result<Value, Misfit> {
    let model = model(schema);
    let ty = model.input.as_ref().unwrap();
    let shapes = Shapes {
        defs: &model.defs,
        fits: &|_, _| true,
        steps: &Cell::new(STEPS),
    };
    let val = from_json(value, ty, shapes)?;
    to_json(&val, ty, &model.defs)
}

#[test]
fn absent_null_and_a_value_stay_three_things() {
    let schema = json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}});
    for value in [json!({}), json!({"a": null}), json!({"a": "x"})] {
        assert_eq!(round_trip(schema.clone(), &value).unwrap(), value);
    }
}

#[test]
fn wire_names_constants_and_enums_come_back() {
    let schema = json!({"type": "object", "required": ["kind", "orderBy", "order_by"], "properties": {
        "kind": {"const": "x"}, "orderBy": {"enum": ["created-at", "Updated At"]}, "order_by": {"type": "integer"}
    }});
    let value =
        json!({"kind": "x", "orderBy": "Updated At", "order_by": 9_007_199_254_740_993_i64});
    assert_eq!(round_trip(schema, &value).unwrap(), value);
}

#[test]
fn maps_lists_tuples_and_scalar_unions_come_back() {
    let schema = json!({"type": "object", "required": ["m", "l", "u"], "properties": {
        "m": {"type": "object", "additionalProperties": {"type": "number"}},
        "l": {"type": "array", "items": {"type": "array", "items": {"type": "boolean"}}},
        "u": {"type": ["string", "integer"]}
    }});
    for u in [json!("5"), json!(5)] {
        let value = json!({"m": {"a/b": 0.1, "": -2}, "l": [[true], []], "u": u});
        assert_eq!(round_trip(schema.clone(), &value).unwrap(), value);
    }
}

#[test]
fn integers_may_be_written_as_floats() {
    let schema =
        json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}});
    for (written, meant) in [
        (json!(1.0), json!(1)),
        (json!(-1e17), json!(-100_000_000_000_000_000_i64)),
    ] {
        let back = round_trip(schema.clone(), &json!({"a": written})).unwrap();
        assert_eq!(back, json!({"a": meant}));
    }
    for beyond in [json!(1e19), json!(u64::MAX), json!(0.5)] {
        assert!(round_trip(schema.clone(), &json!({"a": beyond})).is_err());
    }
}

#[test]
fn a_misfit_says_where() {
    let schema = json!({"type": "object", "required": ["a"], "properties": {
        "a": {"type": "array", "items": {"type": "object", "required": ["b/c"], "properties": {"b/c": {"type": "integer"}}}}
    }});
    let error = round_trip(schema, &json!({"a": [{"b/c": 1}, {"b/c": 1.5}]})).unwrap_err();
    assert_eq!(error.at, "/a/1/b~1c");
}
