//! Schemas made to be too large: what is read and typed of them is bounded.

use serde_json::{Value, json};

use super::*;

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
    assert_eq!(reads(&tool(json!({}))), READS_ANYWAY + READS);
    assert_eq!(reads(&tool(json!(vec![0; 100_000]))), READS_AT_MOST);
}
