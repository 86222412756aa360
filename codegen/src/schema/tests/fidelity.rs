//! Schemas that say one thing in a roundabout way: the type and its words are those of the plain way.

use serde_json::{Value, json};

use super::*;

/// The fields of the arguments, with the types.
fn fields(schema: Value) -> (Vec<crate::model::Field>, ToolTypes) {
    let types = typed(schema);
    let Some(Type::Def(index)) = types.input else {
        panic!("no record: {types:?}")
    };
    let TypeKind::Record { fields, .. } = types.defs[index].kind.clone() else {
        panic!("no record")
    };
    (fields, types)
}

#[test]
fn a_reference_with_annotations_is_the_type_itself() {
    let (fields, types) = fields(json!({"type": "object",
        "properties": {
            "a": {"$ref": "#/$defs/P"},
            "b": {"allOf": [{"$ref": "#/$defs/P"}], "description": "Of b.", "default": {}},
            "c": {"$ref": "#/$defs/P", "x-own": 1, "example": {}, "readOnly": true, "nullable": false},
            "d": {"allOf": [{"$ref": "#/$defs/P", "x-in": 1}]},
            "e": {"allOf": [{"$ref": "#/$defs/P"}], "nullable": true}
        },
        "$defs": {"P": {"type": "object", "description": "A point.", "properties": {"q": {"type": "string"}}}}}));
    for field in &fields[1..4] {
        assert_eq!(field.ty, fields[0].ty, "{}", field.wire);
    }
    assert!(matches!(fields[4].ty, Type::Nullable(_)));
    let Type::Def(index) = fields[0].ty else {
        panic!("no record")
    };
    assert_eq!(types.defs[index].doc.as_deref(), Some("A point."));
    assert_eq!(fields[1].doc.as_deref(), Some("Of b."));
    let losses: Vec<(&str, &str)> = types
        .losses
        .iter()
        .map(|loss| (loss.pointer.as_str(), loss.keyword.as_str()))
        .collect();
    let at = "/inputSchema/properties";
    for (place, keyword) in [("c", "x-own"), ("c", "readOnly"), ("d/allOf/0", "x-in")] {
        assert!(
            losses.contains(&(format!("{at}/{place}").as_str(), keyword)),
            "{losses:?}"
        );
    }
}
