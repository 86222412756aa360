//! Types that are suggested and not stated: a union never follows a suggestion in silence, and no suggestion stands against
//! what is stated.

use serde_json::json;

use super::*;

/// The pointers at which a type is taken from other keywords.
fn guesses(types: &ToolTypes) -> Vec<&str> {
    let guessed = |loss: &&Loss| loss.consequence.starts_with("not stated");
    let pointers = types.losses.iter().filter(guessed);
    pointers.map(|loss| loss.pointer.as_str()).collect()
}

#[test]
fn a_suggestion_that_a_union_follows_is_a_loss() {
    for (schema, wanted, places) in [
        (
            json!({"anyOf": [{"type": "integer"}, {"pattern": "a"}]}),
            "variant<integer[Integer]:integer,string[String]:string>",
            &["/anyOf/1"][..],
        ),
        (
            json!({"pattern": "a", "anyOf": [{"minLength": 1}, {"maxLength": 5}]}),
            "string",
            &[""],
        ),
        (
            json!({"required": ["a"], "anyOf": [{"deprecated": true}, {"const": "x"}]}),
            "variant<string[String]:enum<x>,object[Object]:{a:json}>",
            &[""],
        ),
        // What is stated beside it leaves nothing to guess.
        (
            json!({"type": "string", "anyOf": [{"minLength": 1}, {"pattern": "a"}]}),
            "string",
            &[],
        ),
    ] {
        let types = output(schema.clone());
        assert_eq!(show(&types.output, &types), wanted, "{schema}");
        let mut found = guesses(&types);
        let mut places: Vec<String> = places
            .iter()
            .map(|at| format!("/outputSchema{at}"))
            .collect();
        found.sort_unstable();
        places.sort_unstable();
        assert_eq!(found, places, "{schema}");
    }
}

#[test]
fn a_suggestion_gives_way_to_what_is_stated() {
    let object = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let (record, keyed) = (
        "{a?:string}",
        json!({"properties": {"b": {"type": "string"}}}),
    );
    for (schema, wanted) in [
        (
            json!({"pattern": "a", "oneOf": [object]}),
            record.to_string(),
        ),
        (
            json!({"pattern": "a", "oneOf": [object, {"type": "integer"}]}),
            format!("variant<integer[Integer]:integer,object[Object]:{record}>"),
        ),
        (
            json!({"properties": {}, "anyOf": [{"type": "null"}, {"type": "string"}]}),
            "nullable<string>".to_string(),
        ),
        // By a union inside.
        (
            json!({"anyOf": [{"const": "x"}, {"pattern": "a", "oneOf": [object, object], "anyOf": [object, false]}]}),
            "json".to_string(),
        ),
        // By what stands beside the union: the suggestion is of no member.
        (
            json!({"type": "object", "anyOf": [{"pattern": "a"}, keyed]}),
            "variant<object[try]:{b?:string},object2[try]:json>".to_string(),
        ),
        // By another suggestion.
        (
            json!({"properties": {"a": {"type": "string"}}, "anyOf": [{"items": {"type": "string"}}, {"required": ["b"]}]}),
            "json".to_string(),
        ),
    ] {
        let types = output(schema.clone());
        assert_eq!(show(&types.output, &types), wanted, "{schema}");
    }
    // Arguments are an object, whatever is suggested: any alternative may leave a key open.
    let types = typed(json!({"type": "object", "anyOf": [object, {"pattern": "a"}]}));
    let open = |loss: &Loss| loss.consequence.contains("leaves the key open");
    assert!(types.losses.iter().any(open), "{:?}", types.losses);
}
