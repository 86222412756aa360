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

/// The type of property `x`, with definitions to refer to.
fn with_defs(x: Value, defs: Value) -> String {
    let (fields, types) = fields(json!({"type": "object", "properties": {"x": x}, "$defs": defs}));
    show(&fields[0].ty, &types)
}

#[test]
fn a_union_in_a_union_is_one_union() {
    let defs = json!({
        "Id": {"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "An id."},
        "Shape": {"oneOf": [
            {"properties": {"k": {"const": "a"}}, "required": ["k"]},
            {"properties": {"k": {"const": "b"}}, "required": ["k"]}],
            "discriminator": {"propertyName": "k"}, "x-own": 1},
        "Loop": {"anyOf": [{"$ref": "#/$defs/Pool"}, {"type": "string"}]},
        "Pool": {"anyOf": [{"$ref": "#/$defs/Loop"}, {"type": "boolean"}]}});
    let shapes = "a[k=\"a\"]:{k:enum<a>},b[k=\"b\"]:{k:enum<b>}";
    for (schema, wanted) in [
        (
            json!({"anyOf": [{"$ref": "#/$defs/Shape"}, {"type": "string"}]}),
            format!("variant<string[String]:string,{shapes}>"),
        ),
        (
            json!({"anyOf": [{"allOf": [{"$ref": "#/$defs/Shape"}]}, {"type": "null"}]}),
            format!("nullable<variant<{shapes}>>"),
        ),
        (
            json!({"anyOf": [{"$ref": "#/$defs/Id"}, {"type": "array", "items": {"$ref": "#/$defs/Id"}}]}),
            "variant<integer[Integer]:integer,string[String]:string,\
                array[Array]:list<variant<integer[Integer]:integer,string[String]:string>>>"
                .to_string(),
        ),
        (
            json!({"anyOf": [{"discriminator": {"propertyName": "k"}, "deprecated": true, "oneOf": [
                {"type": "boolean"}, {"type": "integer"}]}, {"type": "string"}]}),
            "variant<boolean[Boolean]:bool,integer[Integer]:integer,string[String]:string>"
                .to_string(),
        ),
        (
            json!({"anyOf": [{"$ref": "#/$defs/Loop"}, {"type": "integer"}]}),
            "json".to_string(),
        ),
    ] {
        assert_eq!(with_defs(schema.clone(), defs.clone()), wanted, "{schema}");
    }
}

#[test]
fn what_stands_beside_a_union_holds_for_each_member() {
    let s = json!({"type": "string"});
    for (schema, wanted) in [
        (
            json!({"type": "string", "anyOf": [{"format": "date"}, {"format": "time"}]}),
            "string",
        ),
        (
            json!({"type": "string", "anyOf": [{"format": "date"}]}),
            "string",
        ),
        (
            json!({"type": ["string", "null"], "anyOf": [{"format": "date"}, {"type": "null"}]}),
            "nullable<string>",
        ),
        (
            json!({"type": "array", "items": s, "anyOf": [{"minItems": 1}, {"maxItems": 3}]}),
            "list<string>",
        ),
        (
            json!({"items": s, "anyOf": [{"minItems": 1}, {"maxItems": 3}]}),
            "list<string>",
        ),
        (
            json!({"additionalProperties": s, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
            "map<string>",
        ),
        (
            json!({"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
            "variant<object[try]:{a:json},object2[try]:{b:json}>",
        ),
    ] {
        assert_eq!(with_defs(schema.clone(), json!({})), wanted, "{schema}");
    }
    let (fields, _) = fields(json!({"properties": {
        "a": {"$ref": "#/$defs/P"},
        "b": {"type": ["object", "null"], "anyOf": [{"$ref": "#/$defs/P"}, {"type": "null"}]}},
        "$defs": {"P": {"type": "object", "properties": {"q": {"type": "string"}}}}}));
    assert_eq!(fields[1].ty, Type::Nullable(Box::new(fields[0].ty.clone())));
}

#[test]
fn arguments_of_any_name_are_a_record_of_the_rest() {
    for (schema, wanted) in [
        (
            json!({"type": "object", "additionalProperties": {"type": "integer"}}),
            "{...integer}",
        ),
        (
            json!({"type": "object", "patternProperties": {"^a": {"type": "string"}}, "additionalProperties": false}),
            "{...string}",
        ),
        (
            json!({"type": "object", "patternProperties": {"^a": {"type": "string"}, "^b": {"type": "integer"}}}),
            "json",
        ),
    ] {
        let types = typed(schema.clone());
        let shown = show(&types.input.clone().unwrap(), &types);
        assert_eq!(shown, wanted, "{schema}");
    }
}

#[test]
fn keys_of_one_type_are_a_map() {
    let s = json!({"type": "string"});
    let record =
        |words: &str| json!({"properties": {"q": {"type": "string", "description": words}}});
    for (schema, wanted) in [
        (
            json!({"patternProperties": {"^a": s, "^b": {"type": "string", "minLength": 1}}, "additionalProperties": false}),
            "map<string>",
        ),
        (
            json!({"patternProperties": {"^a": s}, "additionalProperties": s}),
            "map<string>",
        ),
        (
            json!({"patternProperties": {"^a": record("A.")}, "additionalProperties": record("B.")}),
            "map<{q?:string}>",
        ),
        (
            json!({"patternProperties": {"^a": s}, "additionalProperties": true}),
            "json",
        ),
        (
            json!({"patternProperties": {"^a": s, "^b": {"type": "integer"}}, "additionalProperties": false}),
            "json",
        ),
        (
            json!({"properties": {"k": s}, "patternProperties": {"^a": s}, "additionalProperties": s}),
            "{k?:string,...string}",
        ),
    ] {
        assert_eq!(with_defs(schema.clone(), json!({})), wanted, "{schema}");
    }
}

#[test]
fn a_key_of_alternative_arguments_has_all_its_types() {
    let member = |kind: &str, key: Value, value: Value| {
        json!({"properties": {"kind": {"const": kind}, "k": key, "v": value}, "required": ["kind"],
            "additionalProperties": false})
    };
    let same = |words: &str| json!({"type": "object", "description": words, "properties": {"q": {"type": "string"}}});
    let types = typed(json!({"type": "object", "oneOf": [
        member("a", same("A."), json!({"type": "string"})),
        member("b", same("B."), json!({"type": "integer"})),
        member("c", same("C."), json!(false))]}));
    assert_eq!(
        show(&types.input.clone().unwrap(), &types),
        "{kind:enum<a,b,c>,k?:{q?:string},v?:variant<integer[Integer]:integer,string[String]:string>}"
    );
}

#[test]
fn words_inside_of_a_schema_reach_the_documentation() {
    let s = |words: &str| json!({"type": "string", "description": words});
    for (schema, wanted) in [
        (json!({"anyOf": [s("D."), {"type": "null"}]}), "D."),
        (
            json!({"anyOf": [{"$ref": "#/$defs/Id"}, {"type": "null"}], "description": "Own."}),
            "Own.",
        ),
        (
            json!({"allOf": [{"description": "In."}], "type": "string"}),
            "In.",
        ),
        (json!({"type": "array", "items": s("D.")}), "Items: D."),
        (json!({"additionalProperties": s("D.")}), "Values: D."),
        (
            json!({"prefixItems": [s("A."), s("B.")], "minItems": 2, "maxItems": 2}),
            "Element 0: A.\nElement 1: B.",
        ),
        (
            json!({"anyOf": [s("A."), {"type": "string", "description": "B.\nC."}]}),
            "string: A.\nstring: B. C.",
        ),
        (
            json!({"anyOf": [{"enum": ["+", "-"]}, {"type": "null"}]}),
            "One of `\"+\"`, `\"-\"`.",
        ),
        (
            json!({"anyOf": [{"enum": ["a", "b"]}, {"type": "string"}]}),
            "string: One of `\"a\"`, `\"b\"`.",
        ),
    ] {
        let (fields, _) = fields(
            json!({"type": "object", "properties": {"x": schema}, "$defs": {"Id": s("Id.")}}),
        );
        let doc = fields[0].doc.clone().unwrap_or_default();
        let told: Vec<&str> = doc
            .lines()
            .filter(|line| !line.starts_with("Not typed") && !line.starts_with("Checked"))
            .collect();
        assert_eq!(told.join("\n"), wanted, "{schema}");
    }
    for (schema, wanted) in [
        (
            json!({"oneOf": [{"const": "a", "description": "A."}, {"const": "b", "description": "B."}]}),
            "`\"a\"`: A.\n`\"b\"`: B.",
        ),
        (
            json!({"anyOf": [s("S."), {"type": "integer", "description": "I."}]}),
            "string: S.\ninteger: I.",
        ),
        (json!({"enum": ["a", 1]}), "One of `\"a\"`, `1`."),
        (
            json!({"anyOf": [{"enum": [1, 2]}, {"type": "string"}]}),
            "integer: One of `1`, `2`.",
        ),
    ] {
        let (fields, types) = fields(json!({"type": "object", "properties": {"x": schema}}));
        let Type::Def(index) = fields[0].ty else {
            panic!("no named type: {schema}")
        };
        let doc = types.defs[index].doc.clone().unwrap_or_default();
        let told: Vec<&str> = doc
            .lines()
            .filter(|line| !line.starts_with("Not typed"))
            .collect();
        assert_eq!(told.join("\n"), wanted, "{schema}");
    }
}

#[test]
fn numbers_in_lists_are_what_they_count_not_how_they_are_written() {
    for (schema, wanted) in [
        (
            json!({"allOf": [{"enum": [1.0, 2]}, {"enum": [1, 2, 3]}]}),
            "number",
        ),
        (
            json!({"allOf": [{"enum": [1, 2]}, {"const": 2.0}]}),
            "enum<n2>",
        ),
        (json!({"enum": [1, 1.0, 2]}), "enum<n1,n2>"),
    ] {
        assert_eq!(with_defs(schema.clone(), json!({})), wanted, "{schema}");
    }
}
