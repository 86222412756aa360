//! One test for each construct: the schema, and the types and losses that come of it.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

mod bounds;
mod fidelity;
mod suggested;

use super::*;
use crate::model::CaseTest;
use crate::overrides::effective;

fn typed(input: Value) -> ToolTypes {
    let tool = Tool {
        name: "t".to_string(),
        input_schema: input,
        ..Tool::default()
    };
    type_tool("s", &tool, &effective(&tool, None))
}

fn output(schema: Value) -> ToolTypes {
    let tool = Tool {
        name: "t".to_string(),
        input_schema: json!({"type": "object"}),
        output_schema: Some(schema),
        ..Tool::default()
    };
    type_tool("s", &tool, &effective(&tool, None))
}

/// The type of property `x`, as text that names definitions by their shape.
fn property(schema: Value) -> String {
    let types =
        typed(json!({"type": "object", "properties": {"x": schema, "y": {"type": "string"}}}));
    show(&first_field(&types), &types)
}

fn first_field(types: &ToolTypes) -> Type {
    let Some(Type::Def(index)) = types.input else {
        panic!("no record: {types:?}")
    };
    let TypeKind::Record { fields, .. } = &types.defs[index].kind else {
        panic!("no record")
    };
    fields[0].ty.clone()
}

fn show(ty: &Type, types: &ToolTypes) -> String {
    match ty {
        Type::List(inner) => format!("list<{}>", show(inner, types)),
        Type::Map(inner) => format!("map<{}>", show(inner, types)),
        Type::Nullable(inner) => format!("nullable<{}>", show(inner, types)),
        Type::Tuple(all) => {
            format!(
                "tuple<{}>",
                all.iter()
                    .map(|ty| show(ty, types))
                    .collect::<Vec<_>>()
                    .join(",")
            )
        }
        Type::Def(index) => match &types.defs[*index].kind {
            TypeKind::Record {
                fields,
                constants,
                rest,
            } => {
                let mut parts: Vec<String> = fields
                    .iter()
                    .map(|field| {
                        let mark = if field.required { "" } else { "?" };
                        format!("{}{mark}:{}", field.wire, show(&field.ty, types))
                    })
                    .collect();
                parts.extend(
                    constants
                        .iter()
                        .map(|(wire, value)| format!("{wire}={value}")),
                );
                // Open because nothing is said of it is the rule.
                match rest {
                    None => parts.push("!".to_string()),
                    Some(rest) if rest.stated => {
                        parts.push(format!("...{}", show(&rest.ty, types)));
                    }
                    Some(_) => {}
                }
                format!("{{{}}}", parts.join(","))
            }
            TypeKind::Enum(cases) => {
                format!(
                    "enum<{}>",
                    cases
                        .iter()
                        .map(|case| case.wit.clone())
                        .collect::<Vec<_>>()
                        .join(",")
                )
            }
            TypeKind::Variant(cases) => {
                let show_case = |case: &crate::model::Case| {
                    let test = match &case.test {
                        CaseTest::Tag { wire, value } => format!("{wire}={value}"),
                        CaseTest::Json(json) => format!("{json:?}"),
                        CaseTest::Try { .. } => "try".to_string(),
                    };
                    format!("{}[{test}]:{}", case.wit, show(&case.ty, types))
                };
                format!(
                    "variant<{}>",
                    cases.iter().map(show_case).collect::<Vec<_>>().join(",")
                )
            }
        },
        plain => format!("{plain:?}").to_lowercase(),
    }
}

fn keywords(types: &ToolTypes) -> Vec<&str> {
    types
        .losses
        .iter()
        .map(|loss| loss.keyword.as_str())
        .collect()
}

#[test]
fn scalars() {
    for (schema, wanted) in [
        (json!({"type": "boolean"}), "bool"),
        (json!({"type": "integer"}), "integer"),
        (json!({"type": "number"}), "number"),
        (json!({"type": "string"}), "string"),
        (json!({"type": ["integer", "number"]}), "number"),
        (json!({"type": ["string", "text"]}), "json"),
        (json!({}), "json"),
        (json!(true), "json"),
        (json!({"type": "object"}), "json"),
        (
            json!({"type": "object", "additionalProperties": true}),
            "json",
        ),
        (json!({"type": "null"}), "json"),
        (json!({"minLength": 1}), "string"),
        (json!({"minimum": 1}), "number"),
    ] {
        assert_eq!(property(schema.clone()), wanted, "{schema}");
    }
}

#[test]
fn null_is_kept_apart_from_absent() {
    for (schema, wanted) in [
        (json!({"type": ["string", "null"]}), "nullable<string>"),
        (
            json!({"type": "string", "nullable": true}),
            "nullable<string>",
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            "nullable<string>",
        ),
        (
            json!({"anyOf": [{"type": ["integer", "null"]}, {"type": "string"}]}),
            "nullable<variant<integer[Integer]:integer,string[String]:string>>",
        ),
        (json!({"enum": ["a", "b", null]}), "nullable<enum<a,b>>"),
        (
            json!({"oneOf": [{"type": "array", "items": {"type": "number"}}, {"const": null}]}),
            "nullable<list<number>>",
        ),
        (json!({"anyOf": [{}, {"type": "null"}]}), "json"),
    ] {
        assert_eq!(property(schema.clone()), wanted, "{schema}");
    }
    let types = typed(json!({"properties": {"x": {"type": ["string", "null"]}}}));
    let Type::Def(index) = types.input.clone().unwrap() else {
        panic!()
    };
    let TypeKind::Record { fields, .. } = &types.defs[index].kind else {
        panic!()
    };
    assert!(!fields[0].required && matches!(fields[0].ty, Type::Nullable(_)));
}

#[test]
fn enums() {
    for (schema, wanted) in [
        (
            json!({"enum": ["open", "in progress", "1h"]}),
            "enum<open,in-progress,n1h>",
        ),
        (
            json!({"type": "integer", "enum": [1, -1, 0]}),
            "enum<n1,minus1,n0>",
        ),
        (json!({"type": "string", "enum": ["a", "A"]}), "string"),
        (json!({"type": "string", "enum": ["<", ">"]}), "string"),
        (json!({"type": "string", "enum": ["a", "a"]}), "enum<a>"),
        (json!({"enum": [1.5, 2]}), "number"),
        (json!({"enum": [true, false]}), "bool"),
        (
            json!({"enum": ["a", 1]}),
            "variant<integer[Integer]:integer,string[String]:string>",
        ),
        (json!({"enum": [{"a": 1}]}), "json"),
        (json!({"type": "integer", "enum": [1.0, 2.5]}), "number"),
        (json!({"type": "array", "enum": ["a"]}), "list<json>"),
        (
            json!({"anyOf": [{"const": "a"}, {"const": "b"}, {"enum": ["c"]}]}),
            "enum<a,b,c>",
        ),
        (
            json!({"anyOf": [{"enum": ["a"]}, {"type": "string"}]}),
            "string",
        ),
    ] {
        assert_eq!(property(schema.clone()), wanted, "{schema}");
    }
    let types = typed(json!({"properties": {"x": {"enum": ["a", "A"], "description": "Which."}}}));
    assert_eq!(keywords(&types), ["type", "enum"]);
    let Some(Type::Def(index)) = types.input else {
        panic!()
    };
    let TypeKind::Record { fields, .. } = &types.defs[index].kind else {
        panic!()
    };
    assert_eq!(
        fields[0].doc.as_deref(),
        Some("Which.\nOne of `\"a\"`, `\"A\"`.")
    );
}

#[test]
fn arrays_and_maps() {
    for (schema, wanted) in [
        (
            json!({"type": "array", "items": {"type": "string"}}),
            "list<string>",
        ),
        (json!({"type": "array"}), "list<json>"),
        (json!({"items": {"type": "string"}}), "list<string>"),
        (
            json!({"prefixItems": [{"type": "string"}, {"type": "number"}], "minItems": 2, "maxItems": 2}),
            "tuple<string,number>",
        ),
        (
            json!({"items": [{"type": "string"}, {"type": "number"}], "additionalItems": false, "minItems": 2}),
            "tuple<string,number>",
        ),
        (
            json!({"items": [{"type": "number"}, {"type": "number"}]}),
            "list<number>",
        ),
        (
            json!({"prefixItems": [{"type": "string"}, {"type": "number"}], "maxItems": 2}),
            "list<json>",
        ),
        (
            json!({"prefixItems": [{"type": "string"}], "items": {"type": "string"}}),
            "list<string>",
        ),
        (
            json!({"prefixItems": [{"type": "string"}], "items": {"type": "number"}}),
            "list<json>",
        ),
        (
            json!({"additionalProperties": {"type": "integer"}}),
            "map<integer>",
        ),
        (
            json!({"type": "object", "properties": {}, "additionalProperties": {"type": ["string", "null"]}}),
            "map<nullable<string>>",
        ),
        (
            json!({"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": false}),
            "map<string>",
        ),
        (
            json!({"patternProperties": {"^a": {"type": "string"}}}),
            "map<string>",
        ),
        (
            json!({"type": "object", "additionalProperties": {}}),
            "json",
        ),
    ] {
        assert_eq!(property(schema.clone()), wanted, "{schema}");
    }
}

#[test]
fn records() {
    for (schema, wanted) in [
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["b"]}),
            "{a?:string,b:integer}",
        ),
        (
            json!({"properties": {"a": {"type": "string"}, "k": {"const": 7}}, "required": ["k"]}),
            "{a?:string,k=7}",
        ),
        (
            json!({"properties": {"a": {"type": "string"}, "k": {"const": "v"}}}),
            "{a?:string,k?:enum<v>}",
        ),
        (
            json!({"properties": {"a": {"type": "string"}, "k": {"const": "v", "default": "v"}}}),
            "{a?:string,k?:enum<v>}",
        ),
        (
            json!({"properties": {"k": {"const": "v"}}, "required": ["k"]}),
            "{k:enum<v>}",
        ),
        (
            json!({"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "number"}}, "required": ["a"]}]}),
            "{a:string,b?:number}",
        ),
        (
            json!({"properties": {"a": {"type": "string"}, "p": {"type": "object", "properties": {}, "additionalProperties": false}}, "required": ["p"]}),
            "{a?:string,p={}}",
        ),
        (
            json!({"properties": {"a": {"type": "number"}}, "allOf": [{"properties": {"a": {"type": "integer"}}}]}),
            "{a?:integer}",
        ),
        (
            json!({"properties": {"a": {"type": "string"}}, "additionalProperties": false}),
            "{a?:string,!}",
        ),
        (
            json!({"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "string"}}}], "unevaluatedProperties": false}),
            "{a?:string,b?:string,!}",
        ),
        (
            json!({"properties": {"a": {"type": "string"}}, "if": {"required": ["a"]}, "then": {"properties": {"b": {}}}, "unevaluatedProperties": false}),
            "{a?:string}",
        ),
        (
            json!({"properties": {"a": {"type": "string"}}, "additionalProperties": true}),
            "{a?:string,...json}",
        ),
        (
            json!({"properties": {"a": {"type": "string"}}, "required": ["b"], "additionalProperties": {"type": "integer"}}),
            "{a?:string,b:integer,...integer}",
        ),
        (
            json!({"properties": {"a": {"type": "string"}}, "patternProperties": {"^x": {"type": "boolean"}}, "additionalProperties": false}),
            "{a?:string,...bool}",
        ),
        (
            json!({"properties": {"a": {"type": "string"}}, "patternProperties": {"^x": {"type": "boolean"}}}),
            "{a?:string,...json}",
        ),
        (json!({"required": ["z"]}), "{z:json}"),
        (
            json!({"properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
            "{a?:string,b?:string}",
        ),
    ] {
        assert_eq!(property(schema.clone()), wanted, "{schema}");
    }
}

#[test]
fn unions() {
    let tagged = |tag: &str, key: &str| json!({"type": "object", "properties": {"type": {"const": tag}, key: {"type": "string"}}, "required": ["type"]});
    for (schema, wanted) in [
        (
            json!({"type": ["string", "number"]}),
            "variant<number[Number]:number,string[String]:string>",
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
            "variant<string[String]:string,array[Array]:list<string>>",
        ),
        (
            json!({"oneOf": [tagged("a", "x"), tagged("b-c", "y")]}),
            "variant<a[type=\"a\"]:{x?:string,type=\"a\"},b-c[type=\"b-c\"]:{y?:string,type=\"b-c\"}>",
        ),
        (
            json!({"anyOf": [{"title": "One", "properties": {"a": {"type": "string"}}, "required": ["a"]},
                          {"properties": {"b": {"type": "string"}}}, {"type": "object"}]}),
            "variant<one[try]:{a:string},object[try]:{b?:string},object2[try]:json>",
        ),
        (
            json!({"anyOf": [{"properties": {"$limit": {"type": "integer"}}, "required": ["$limit"]},
                          {"properties": {"$skip": {"type": "integer"}}, "required": ["$skip"]}]}),
            "variant<limit[try]:{$limit:integer},skip[try]:{$skip:integer}>",
        ),
        (
            json!({"anyOf": [{"type": "string", "format": "uri"}, {"type": "string", "format": "date"}]}),
            "string",
        ),
        (
            json!({"anyOf": [{"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "boolean"}]}),
            "nullable<variant<boolean[Boolean]:bool,string[String]:string>>",
        ),
        (
            json!({"properties": {"id": {"type": "string"}}, "required": ["id"],
                "oneOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "string"}}}]}),
            "variant<object[try]:{id:string,a?:string},object2[try]:{id:string,b?:string}>",
        ),
        (json!({"anyOf": [{"type": "string"}, {}]}), "json"),
    ] {
        assert_eq!(property(schema.clone()), wanted, "{schema}");
    }
}

#[test]
fn references() {
    let with_defs = |x: Value, defs: Value| {
        typed(
            json!({"type": "object", "properties": {"x": x, "y": {"type": "object", "properties": {"a": {"type": "string"}}}},
            "$defs": defs}),
        )
    };
    let types = with_defs(
        json!({"$ref": "#/$defs/A%20b", "description": "d"}),
        json!({"A b": {"type": "integer"}}),
    );
    assert_eq!(first_field(&types), Type::Integer);
    let types = with_defs(json!({"$ref": "#/properties/y"}), json!({}));
    let Some(Type::Def(index)) = types.input else {
        panic!()
    };
    let TypeKind::Record { fields, .. } = &types.defs[index].kind else {
        panic!()
    };
    assert_eq!(fields[0].ty, fields[1].ty, "one place is one type");
    let types = with_defs(
        json!({"$ref": "#anchored"}),
        json!({"q": {"$anchor": "anchored", "type": "string"}}),
    );
    assert_eq!(first_field(&types), Type::String);
    let types = with_defs(json!({"$ref": "https://example.com/x.json"}), json!({}));
    assert_eq!(
        (first_field(&types), keywords(&types)),
        (Type::Json, vec!["$ref"])
    );
    let types = with_defs(
        json!({"$ref": "#/$defs/loop"}),
        json!({"loop": {"$ref": "#/$defs/loop"}}),
    );
    assert_eq!(first_field(&types), Type::Json);
}

#[test]
fn recursion_becomes_json() {
    let types = typed(
        json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/Node"}}, "$defs": {"Node":
        {"properties": {"v": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}}}}}),
    );
    assert_eq!(show(&first_field(&types), &types), "{v?:string,next?:json}");
    assert!(keywords(&types).contains(&"$ref"));
    let types = typed(json!({"type": "object", "properties": {"x": {"$ref": "#"}}}));
    assert_eq!(first_field(&types), Type::Json);
}

#[test]
fn anchors_are_found_wherever_they_are() {
    let types = typed(json!({"type": "object",
        "properties": {"x": {"$ref": "#b"}, "y": {"$ref": "#a"}, "z": {"$ref": "#none"}},
        "$defs": {"o/p": {"$anchor": "a", "type": "integer"}, "q": [{"$id": "#b", "type": "boolean"}],
            "again": {"$anchor": "a", "type": "string"}}}));
    let Some(Type::Def(index)) = types.input else {
        panic!("no record")
    };
    let TypeKind::Record { fields, .. } = &types.defs[index].kind else {
        panic!("no record")
    };
    let found: Vec<String> = fields.iter().map(|field| show(&field.ty, &types)).collect();
    assert_eq!(found, ["bool", "integer", "json"]);
}

#[test]
fn arguments() {
    assert_eq!(typed(json!({"type": "object"})).input, None);
    assert_eq!(
        typed(json!({"type": "object", "properties": {}, "additionalProperties": false})).input,
        None
    );
    assert_eq!(
        typed(json!({"type": "object", "additionalProperties": true})).input,
        Some(Type::Json)
    );
    assert_eq!(typed(json!({"type": "string"})).input, Some(Type::Json));
    assert_eq!(typed(json!(null)).input, Some(Type::Json));
    let types = typed(json!({"type": "object", "oneOf": [
        {"properties": {"a": {"type": "string"}, "c": {"type": "string"}}, "required": ["a", "c"]},
        {"properties": {"b": {"type": "string"}, "c": {"type": "string"}}, "required": ["b", "c"]}]}));
    let root = types.input.clone().unwrap();
    assert_eq!(show(&root, &types), "{a?:string,c:string,b?:string}");
    assert!(keywords(&types).contains(&"oneOf"));
}

#[test]
fn a_type_that_one_alternative_gives_a_key_is_a_loss_where_another_leaves_it_open() {
    let losses = |closed: bool| {
        let member = |name: &str| json!({"properties": {name: {"type": "string"}}, "additionalProperties": !closed});
        let types = typed(json!({"type": "object", "anyOf": [member("a"), member("b")]}));
        let open = |loss: &&Loss| loss.consequence.contains("leaves the key open");
        let found = types.losses.iter().filter(open);
        found.map(|loss| loss.pointer.clone()).collect::<Vec<_>>()
    };
    assert_eq!(losses(true), Vec::<String>::new());
    assert_eq!(
        losses(false),
        [
            "/inputSchema/anyOf/0/properties/a",
            "/inputSchema/anyOf/1/properties/b"
        ]
    );
}

#[test]
fn drafts_differ_in_tuples_and_beside_references() {
    let schema = |draft: &str| {
        json!({"$schema": draft, "type": "object", "properties": {
            "x": {"type": "array", "prefixItems": [{"type": "string"}], "minItems": 1, "maxItems": 1},
            "y": {"$ref": "#/definitions/d", "type": "string"}
        }, "unevaluatedProperties": false, "definitions": {"d": {}}})
    };
    let (old, new) = (
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    );
    for (draft, wanted) in [
        (old, "{x?:list<json>,y?:json}"),
        (new, "{x?:tuple<string>,y?:string,!}"),
    ] {
        let types = typed(schema(draft));
        let shown = show(&types.input.clone().unwrap(), &types);
        assert_eq!(shown, wanted);
    }
    let types = typed(schema(old));
    assert_eq!(
        keywords(&types)[..2],
        ["unevaluatedProperties", "prefixItems"]
    );
}

#[test]
fn results() {
    let types = output(
        json!({"type": "object", "properties": {"result": {"type": "array", "items": {"type": "string"}}},
        "required": ["result"], "x-fastmcp-wrap-result": true}),
    );
    assert!(types.unwrap_result);
    assert_eq!(types.output, Type::List(Box::new(Type::String)));
    let types = output(json!({"type": "object", "properties": {"result": {"type": "string"}}}));
    assert!(
        !types.unwrap_result,
        "a wrapper only where the schema says so"
    );
    assert_eq!(output(json!({"type": "object"})).output, Type::Json);
}

#[test]
fn every_keyword_without_a_type_is_a_loss() {
    let types = typed(
        json!({"type": "object", "properties": {"x": {"type": "string", "pattern": "a", "format": "uri",
        "maxLength": 3, "not": {}, "if": {}, "x-own": 1, "title": "t", "$comment": "c"}}}),
    );
    assert_eq!(
        keywords(&types),
        ["pattern", "format", "maxLength", "not", "if", "x-own"]
    );
    assert_eq!(types.losses[0].pointer, "/inputSchema/properties/x");
}

#[test]
fn unused_definitions_go() {
    // The union ends up as `json`, so the record typed on the way is not needed.
    let types = typed(json!({"type": "object", "properties": {
        "x": {"prefixItems": [{"properties": {"a": {"type": "string"}}}, {"type": "string"}], "items": {"type": "number"}}}}));
    assert_eq!(types.defs.len(), 1);
    assert_eq!(types.input, Some(Type::Def(0)));
}
