//! Places in a schema, written here a second time and not taken from the code under test, so that a mistake there cannot
//! hide itself: local references, and the schemas that govern a place in a value. Nothing is validated.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A local reference: the pointer it stands for and the schema there.
pub(crate) fn resolve<'a>(root: &'a Value, reference: &str) -> Option<(String, &'a Value)> {
    let fragment = reference.strip_prefix('#')?;
    let pointer = decode(fragment);
    if pointer.is_empty() || pointer.starts_with('/') {
        return root.pointer(&pointer).map(|schema| (pointer, schema));
    }
    anchor(root, &pointer, String::new())
}

fn anchor<'a>(value: &'a Value, name: &str, at: String) -> Option<(String, &'a Value)> {
    match value {
        Value::Object(map) => {
            if map.get("$anchor").and_then(Value::as_str) == Some(name) {
                return Some((at, value));
            }
            map.iter()
                .find_map(|(key, inner)| anchor(inner, name, format!("{at}/{}", escape(key))))
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, inner)| anchor(inner, name, format!("{at}/{index}"))),
        _ => None,
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A key as a part of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The parts of a JSON pointer, unescaped.
pub(crate) fn parts(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// The schemas that may speak about each place on the way to `at`, as pointers into `root`: the whole value's first, the
/// place's own last. Every member of a union counts.
pub(crate) fn governing(root: &Value, at: &str) -> Vec<BTreeSet<String>> {
    let mut level = closure(root, [String::new()]);
    let mut levels = vec![level.clone()];
    for part in parts(at) {
        let mut next = Vec::new();
        for place in &level {
            below(root, place, &part, &mut next);
        }
        level = closure(root, next);
        levels.push(level.clone());
    }
    levels
}

/// What else holds where these schemas hold.
fn closure(root: &Value, places: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = places.into_iter().collect();
    while let Some(place) = open.pop() {
        let Some(schema) = root.pointer(&place) else {
            continue;
        };
        if !found.insert(place.clone()) || found.len() > 5_000 {
            continue;
        }
        for key in ["$ref", "$dynamicRef", "$recursiveRef"] {
            let target = schema.get(key).and_then(Value::as_str);
            open.extend(target.and_then(|target| Some(resolve(root, target)?.0)));
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            let members = schema
                .get(key)
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            open.extend((0..members).map(|index| format!("{place}/{key}/{index}")));
        }
        for key in ["if", "then", "else", "not"] {
            if schema.get(key).is_some() {
                open.push(format!("{place}/{key}"));
            }
        }
        for key in ["dependentSchemas", "dependencies"] {
            let names = schema.get(key).and_then(Value::as_object);
            let names = names.into_iter().flat_map(|map| map.keys());
            open.extend(names.map(|name| format!("{place}/{key}/{}", escape(name))));
        }
    }
    found
}

/// The schemas that one schema has for a key or an element.
fn below(root: &Value, place: &str, part: &str, out: &mut Vec<String>) {
    let Some(schema) = root.pointer(place) else {
        return;
    };
    for key in ["properties", "prefixItems", "items"] {
        let own = format!("{place}/{key}/{}", escape(part));
        let holds = schema
            .get(key)
            .is_some_and(|holder| key == "properties" || holder.is_array());
        if holds && root.pointer(&own).is_some() {
            out.push(own);
        }
    }
    for key in [
        "additionalProperties",
        "unevaluatedProperties",
        "propertyNames",
        "items",
        "additionalItems",
        "unevaluatedItems",
        "contains",
    ] {
        if schema.get(key).is_some_and(|inner| !inner.is_array()) {
            out.push(format!("{place}/{key}"));
        }
    }
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let patterns = patterns.into_iter().flat_map(|map| map.keys());
    out.extend(patterns.map(|name| format!("{place}/patternProperties/{}", escape(name))));
}

/// Every place in a value with what stands there, the whole first.
pub(crate) fn places(value: &Value) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), value)];
    while let Some((at, value)) = open.pop() {
        match value {
            Value::Array(items) => open.extend(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| (format!("{at}/{index}"), item)),
            ),
            Value::Object(map) => open.extend(
                map.iter()
                    .map(|(key, item)| (format!("{at}/{}", escape(key)), item)),
            ),
            _ => {}
        }
        found.insert(at, value);
    }
    found
}
