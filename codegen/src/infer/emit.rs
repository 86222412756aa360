//! What was seen as a JSON Schema, and the form that `earlier` reads back. Decides at last whether an object's keys are
//! names or data.

use serde_json::{Map, Value, json};

use super::{CUT, Object, Shape};

pub(super) fn schema(shape: &Shape) -> Value {
    let mut out = shape.notes.clone();
    let unsayable = shape
        .number
        .is_some_and(|number| number.beyond || (number.float && number.wide));
    if shape.any || unsayable {
        return Value::Object(out);
    }
    let mut kinds: Vec<Map<String, Value>> = Vec::new();
    let mut kind = |name: &str, rest: Map<String, Value>| {
        let mut map = Map::new();
        map.insert("type".to_owned(), json!(name));
        map.extend(rest);
        kinds.push(map);
    };
    if shape.boolean {
        kind("boolean", Map::new());
    }
    if let Some(number) = shape.number {
        kind(if number.float { "number" } else { "integer" }, Map::new());
    }
    if shape.string {
        kind("string", Map::new());
    }
    if let Some(items) = &shape.array {
        let mut rest = Map::new();
        // Without `items`, no item was ever seen.
        if **items != Shape::default() {
            rest.insert("items".to_owned(), schema(items));
        }
        kind("array", rest);
    }
    if let Some(object) = &shape.object {
        kind("object", members(object));
    }
    match (kinds.len(), shape.null) {
        (0, false) => {}
        (0, true) => drop(out.insert("type".to_owned(), json!("null"))),
        (1, null) => {
            let mut only = kinds.remove(0);
            if null && let Some(name) = only.get_mut("type") {
                *name = json!([name.take(), "null"]);
            }
            out.extend(only);
        }
        (_, null) => {
            if null {
                kinds.push(Map::from_iter([("type".to_owned(), json!("null"))]));
            }
            out.insert(
                "anyOf".to_owned(),
                kinds.into_iter().map(Value::Object).collect(),
            );
        }
    }
    Value::Object(out)
}

fn members(object: &Object) -> Map<String, Value> {
    let mut out = Map::new();
    if object.map.is_some() || object.has_data_keys() {
        let mut object = object.clone();
        out.insert("additionalProperties".to_owned(), schema(object.make_map()));
        return out;
    }
    if object.cut {
        out.insert("$comment".to_owned(), json!(CUT));
    }
    if object.keys.is_empty() {
        return out;
    }
    let properties = object
        .keys
        .iter()
        .map(|(name, key)| (name.clone(), schema(&key.shape)));
    out.insert("properties".to_owned(), Value::Object(properties.collect()));
    let required: Vec<&String> = object
        .keys
        .iter()
        .filter(|(_, key)| object.is_required(key))
        .map(|(name, _)| name)
        .collect();
    if !required.is_empty() {
        out.insert("required".to_owned(), json!(required));
    }
    out
}
