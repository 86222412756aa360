//! Schemas with slips, and schemas made to hang or to overflow.
#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_slip_in_a_schema_takes_nothing_but_itself_away() {
    for (slip, at) in [
        (
            json!({"type": "string", "required": true}),
            "/properties/a/required",
        ),
        (json!({"type": "any"}), "/properties/a/type"),
        (
            json!({"type": "string", "minLength": "3"}),
            "/properties/a/minLength",
        ),
        (
            json!({"type": "string", "pattern": "[a-"}),
            "/properties/a/pattern",
        ),
        (json!({"anyOf": []}), "/properties/a/anyOf"),
        (json!({"$ref": "#/$defs/none"}), "/properties/a"),
        (
            json!({"$ref": "https://example.com/a.json"}),
            "/properties/a",
        ),
        (json!({"type": ["string", "text"]}), "/properties/a/type"),
    ] {
        let schema = json!({"type": "object", "properties": {"a": slip, "b": {"type": "integer"}}});
        let compiled = compile(&schema);
        assert_eq!(compiled.validator.as_ref().err(), None, "{schema}");
        assert_eq!(compiled.left_out, [at], "{schema}");
        let good = json!({"a": "x", "b": 1});
        assert_eq!(compiled.check(&schema, &good).await, Ok(()), "{schema}");
        let bad = compiled.check(&schema, &json!({"a": "x", "b": "y"})).await;
        assert_eq!(bad.unwrap_err().at, "/b", "{schema}");
    }
    for sound in [
        json!({"type": "object", "required": ["x", "x"]}),
        json!({"type": "object", "required": ["x"], "$schema": "https://spec.openapis.org/oas/3.1/dialect/base"}),
        json!({"type": "object", "required": ["x"], "$id": "foo bar"}),
        json!({"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#/definitions/Foo<Bar>"}},
                "definitions": {"Foo<Bar>": {"type": "integer"}}}),
        json!({"type": "object", "required": ["x"], "properties": {"x": {"minimum": 0, "exclusiveMinimum": true}}}),
    ] {
        let compiled = compile(&sound);
        assert_eq!(compiled.validator.as_ref().err(), None, "{sound}");
        assert!(
            compiled.left_out.is_empty(),
            "{sound}: {:?}",
            compiled.left_out
        );
        assert!(compiled.check(&sound, &json!({})).await.is_err(), "{sound}");
        assert_eq!(
            compiled.check(&sound, &json!({"x": 1})).await,
            Ok(()),
            "{sound}"
        );
    }
    let sound = json!({"type": "object", "properties": {"required": {"type": "boolean"}}});
    assert!(compile(&sound).left_out.is_empty());
}

#[tokio::test]
async fn a_slip_makes_no_new_schema_old() {
    let schema =
        json!({"const": false, "properties": {"a": {"$ref": "https://example.com/a.json"}}});
    assert!(compile(&schema).check(&schema, &json!(null)).await.is_err());
    let schema = json!({"type": "array", "prefixItems": [{"type": "string"}, {"$ref": "https://example.com/a.json"}]});
    let compiled = compile(&schema);
    let at = compiled.check(&schema, &json!([1])).await.unwrap_err().at;
    assert_eq!(at, "/0");
}

#[tokio::test]
async fn the_place_of_a_violation_is_a_pointer_however_deep() {
    let mut schema = json!({"type": "integer"});
    let mut value = json!("x");
    for _ in 0..40 {
        let key = "a key of forty characters, and some more";
        schema = json!({"type": "object", "properties": {key: schema}});
        value = json!({key: value});
    }
    let violation = compile(&schema).check(&schema, &value).await.unwrap_err();
    assert!(value.pointer(&violation.at).is_some(), "{}", violation.at);
    assert!(violation.at.len() > 900);
}

#[tokio::test]
async fn references_within_references_end() {
    let chained = |length: usize| {
        let defs = (0..length).map(|n| {
            (
                format!("a{n}"),
                json!({"$ref": format!("#/$defs/a{}", n + 1)}),
            )
        });
        let mut defs: serde_json::Map<String, Value> = defs.collect();
        defs.insert(format!("a{length}"), json!({"type": "string"}));
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/a0"}}, "$defs": defs})
    };
    let value = json!({"a": 1});
    let short = chained(CHAIN - 1);
    assert_eq!(
        compile(&short).check(&short, &value).await.unwrap_err().at,
        "/a"
    );
    let long = chained(20_000);
    let refused = compile(&long).check(&long, &value).await.unwrap_err();
    assert!(refused.why.contains("too deeply"), "{}", refused.why);
    // A type that contains itself is no chain.
    let tree = json!({"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}});
    let mut deep = json!({"next": 1});
    for _ in 0..100 {
        deep = json!({"next": deep});
    }
    let refused = compile(&tree).check(&tree, &deep).await.unwrap_err();
    assert!(refused.why.contains("alternatives"), "{}", refused.why);
}

#[tokio::test]
async fn a_value_that_fits_no_alternative_is_told_of_the_nearest() {
    let schema = json!({"type": "object", "properties": {"s": {"oneOf": [
            {"type": "object", "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}}, "required": ["kind", "r"]},
            {"type": "object", "properties": {"kind": {"const": "square"}, "side": {"type": "number"}}, "required": ["kind", "side"]},
            {"type": "string"}]}}});
    let compiled = compile(&schema);
    let violation = async |value| compiled.check(&schema, &value).await.unwrap_err();
    let wrong = violation(json!({"s": {"kind": "square"}})).await;
    assert_eq!(
        (wrong.at.as_str(), wrong.why.as_str()),
        ("/s", "`side` is missing")
    );
    let wrong = violation(json!({"s": {"kind": "circle", "r": "1"}})).await;
    assert_eq!(
        (wrong.at.as_str(), wrong.why.as_str()),
        ("/s/r", "must be a number")
    );
    let wrong = violation(json!({"s": 5})).await;
    assert_eq!(wrong.why, "fits none of 3 alternatives");
}

#[tokio::test]
async fn references_by_name_are_bounded_as_those_by_pointer() {
    let named = |kind: &str, n: usize| match kind {
        "anchor" => (format!("#a{n}"), json!({"$anchor": format!("a{n}")})),
        "id" => (format!("a{n}"), json!({"$id": format!("a{n}")})),
        _ => (format!("#/$defs/%61{n}"), json!({})),
    };
    let chained = |kind: &str, length: usize, link: &dyn Fn(Value) -> Value| {
        let mut defs = serde_json::Map::new();
        for n in 0..=length {
            let mut def = named(kind, n).1;
            let next = json!({"$ref": named(kind, n + 1).0});
            def["anyOf"] = match n == length {
                true => json!([{"type": "integer"}]),
                false => link(next),
            };
            defs.insert(format!("a{n}"), def);
        }
        let first = json!({"$ref": named(kind, 0).0});
        json!({"type": "object", "properties": {"a": first}, "$defs": defs})
    };
    for kind in ["anchor", "id", "encoded pointer"] {
        let short = chained(kind, 3, &|next| json!([next]));
        let compiled = compile(&short);
        assert!(compiled.left_out.is_empty() && compiled.size.is_some());
        assert_eq!(compiled.check(&short, &json!({"a": 1})).await, Ok(()));
        assert!(compiled.check(&short, &json!({"a": "x"})).await.is_err());
        let long = chained(kind, 5_000, &|next| json!([next]));
        let refused = compile(&long).check(&long, &json!({"a": 1})).await;
        let why = refused.unwrap_err().why;
        assert!(why.contains("too deeply"), "{kind}: {why}");
        let wide = chained(kind, 30, &|next| json!([next, next]));
        assert_eq!(compile(&wide).size, None, "{kind}");
    }
}

#[tokio::test]
async fn the_reference_that_leads_nowhere_is_left_out_and_no_other() {
    let schema = json!({"type": "object", "properties": {"a": {"$ref": "Foo"}, "b": {"$ref": "#x"}},
        "$defs": {"m": {"type": "string"},
            "f": {"$id": "Foo", "properties": {"c": {"$ref": "#/$defs/m"}, "d": {"type": "integer"}}}}});
    let compiled = compile(&schema);
    assert_eq!(compiled.validator.as_ref().err(), None);
    // Below an `$id`, pointers count from there.
    let wanted = ["/properties/b", "/$defs/f/properties/c"];
    assert_eq!(compiled.left_out, wanted);
    let refused = compiled.check(&schema, &json!({"a": {"d": "x"}})).await;
    assert_eq!(refused.unwrap_err().at, "/a/d");
}
