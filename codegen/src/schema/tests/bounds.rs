//! Schemas made to be too large: what is read and typed of them is bounded.

use serde_json::{Value, json};

use super::*;
use crate::overrides::ToolOverride;

#[test]
fn hostile_sizes_end() {
    // Each level doubles: 2^40 places if they were followed one by one.
    let mut defs = serde_json::Map::new();
    for level in 0..40 {
        let next = json!({"$ref": format!("#/$defs/n{}", level + 1)});
        defs.insert(
            format!("n{level}"),
            json!({"allOf": [next, next], "properties": {"a": next, "b": next}}),
        );
    }
    let types = typed(
        json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/n0"}}, "$defs": defs}),
    );
    assert!(!types.losses.is_empty());
    let mut deep = json!({"type": "string"});
    for _ in 0..100 {
        deep = json!({"type": "array", "items": deep});
    }
    assert!(property(deep).ends_with(&format!("json{}", ">".repeat(DEPTH))));
    let many: Vec<String> = (0..2_000).map(|index| format!("v{index}")).collect();
    assert_eq!(property(json!({"enum": many})), "string");
    let tagged: Vec<Value> = many
        .iter()
        .map(|tag| json!({"properties": {"kind": {"const": tag}}, "required": ["kind"]}))
        .collect();
    assert_eq!(property(json!({"oneOf": tagged})), "json");
}

#[test]
fn what_is_read_grows_with_the_schema_and_not_with_its_references() {
    let part = json!({"properties": {"a": {"$ref": "#/properties/x"}}});
    let bomb = json!({"type": "object", "properties": {"x": {"allOf": [part, part, {"allOf": [part, part]}]}}});
    let types = typed(bomb);
    assert!(types.losses.len() < 100, "{} losses", types.losses.len());
    let tool = |schema: Value| Tool {
        input_schema: schema,
        ..Tool::default()
    };
    let reads = |schema: Value| reads(&effective(&tool(schema), None));
    assert_eq!(reads(json!({})), READS_ANYWAY + READS);
    assert_eq!(reads(json!(vec![0; 100_000])), READS_AT_MOST);
}

#[test]
fn the_bounds_and_the_draft_are_those_of_the_schemas_in_use() {
    let tool = |schema: Value| Tool {
        input_schema: schema.clone(),
        output_schema: Some(schema),
        ..Tool::default()
    };
    // Far more than what is read of any schema.
    let mut large = serde_json::Map::new();
    for at in 0..900 {
        let item = json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}});
        large.insert(format!("k{at}"), json!({"type": "array", "items": item}));
    }
    let large = json!({"type": "object", "properties": large});
    // In draft-07, which a list of `items` tells, other keywords beside a reference are not there.
    let old = json!({"type": "object", "properties": {
        "x": {"$ref": "#/definitions/x", "type": "integer"}, "y": {"items": [{"type": "string"}]}},
        "definitions": {"x": {"type": "string"}}});
    for schema in [large, old] {
        let server = tool(json!({"type": "object"}));
        let entry = ToolOverride {
            input_schema: Some(schema.clone()),
            output_schema: Some(schema.clone()),
            inferred: None,
        };
        let overridden = type_tool("s", &server, &effective(&server, Some(&entry)));
        let declared = tool(schema);
        assert_eq!(
            overridden,
            type_tool("s", &declared, &effective(&declared, None))
        );
        assert!(
            overridden
                .losses
                .iter()
                .all(|loss| !loss.consequence.contains("too large")),
            "{:?}",
            overridden.losses.first()
        );
    }
}

#[test]
fn a_listed_number_that_a_float_cannot_hold_is_told() {
    let said = |schema: Value| {
        let types = typed(json!({"type": "object", "properties": {"x": schema}}));
        let mut losses = types.losses.iter();
        losses.any(|loss| loss.consequence.contains("need the JSON view"))
    };
    let list = |item: Value| json!({"type": "array", "items": item});
    assert!(said(list(json!({"const": u64::MAX}))));
    assert!(said(list(json!({"enum": [0.5, (1_u64 << 53) + 1]}))));
    assert!(!said(list(json!({"enum": [0.5, 1_u64 << 53, 1e300]}))));
}

#[test]
fn a_member_that_is_not_read_to_its_end_may_fit_anything() {
    let types = typed(
        json!({"type": "object", "properties": {"x": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/d"}]}},
        "$defs": {"d": {"$ref": "#/$defs/d", "minItems": 1}}}),
    );
    assert_eq!(first_field(&types), Type::Json);
}
