//! One schema and where it stands, what it refers to where it says no more than that, and what is lost beside a reference.
//! What it says is read in `facts`.

use serde_json::Value;

use super::Walk;
use super::facts::{BOTH_WAYS, NO_EFFECT, OLD_DRAFT};

/// A schema and where it stands in the tool's definition.
#[derive(Debug, Clone)]
pub(super) struct Source<'a> {
    pub(super) schema: &'a Value,
    /// JSON pointer into the tool's definition.
    pub(super) at: String,
    /// Its `anyOf` and `oneOf` are not looked at, being taken apart already.
    pub(super) bare: bool,
    /// Where there are any, one of these fits too: a union that stands nowhere in the document.
    pub(super) any_of: Vec<Source<'a>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(schema: &'a Value, at: String) -> Source<'a> {
        Source {
            schema,
            at,
            bare: false,
            any_of: Vec::new(),
        }
    }

    pub(super) fn child(&self, schema: &'a Value, keyword: &str) -> Source<'a> {
        Source::new(schema, format!("{}/{keyword}", self.at))
    }

    /// The `$ref`, alone or as the only part of `allOf`, where nothing beside it changes the type.
    pub(super) fn pure_reference(&self) -> Option<&'a str> {
        let map = self.schema.as_object()?;
        let reference = match map.get("allOf") {
            None => map.get("$ref")?.as_str()?,
            Some(Value::Array(parts)) if parts.len() == 1 && !map.contains_key("$ref") => {
                let part = parts[0].as_object()?;
                part.iter()
                    .all(|(key, value)| key == "$ref" || is_annotation(key, value))
                    .then(|| part.get("$ref")?.as_str())??
            }
            Some(_) => return None,
        };
        map.iter()
            .all(|(key, value)| {
                matches!(key.as_str(), "$ref" | "allOf") || is_annotation(key, value)
            })
            .then_some(reference)
    }

    /// The members, where the schema is nothing but one `anyOf` or `oneOf`.
    pub(super) fn only_union(&self) -> Option<Vec<Source<'a>>> {
        let map = self.schema.as_object()?;
        let (keyword, list) = match (map.get("anyOf"), map.get("oneOf")) {
            (Some(Value::Array(list)), None) => ("anyOf", list),
            (None, Some(Value::Array(list))) => ("oneOf", list),
            _ => return None,
        };
        let nothing_else = map.iter().all(|(key, value)| {
            key == keyword || key == "discriminator" || is_annotation(key, value)
        });
        let members = list.iter().enumerate();
        nothing_else.then(|| {
            members
                .map(|(index, schema)| self.child(schema, &format!("{keyword}/{index}")))
                .collect()
        })
    }
}

/// Whether a key counts for nothing beside a `$ref` in any draft.
pub(super) fn says_nothing_beside_reference(key: &str) -> bool {
    matches!(
        key,
        "$ref"
            | "title"
            | "description"
            | "default"
            | "examples"
            | "deprecated"
            | "$comment"
            | "$defs"
            | "definitions"
            | "$schema"
            | "$id"
    )
}

/// Whether a key changes no type, though it may be a loss.
pub(super) fn is_annotation(key: &str, value: &Value) -> bool {
    (key != "$ref" && says_nothing_beside_reference(key))
        || matches!(key, "example" | "readOnly" | "writeOnly")
        || (key == "nullable" && value == &Value::Bool(false))
        || key.starts_with("x-")
}

impl<'a> Walk<'a> {
    /// Records the losses of annotations at a place whose type stands elsewhere.
    pub(super) fn lose_annotations(&mut self, source: &Source<'a>) {
        let Value::Object(map) = source.schema else {
            return;
        };
        let old = self.old_draft && map.contains_key("$ref");
        let notes = map.iter().filter(|(key, value)| is_annotation(key, value));
        for (key, _) in notes {
            match key.as_str() {
                key if old && !says_nothing_beside_reference(key) => {
                    self.lose(&source.at, key, OLD_DRAFT)
                }
                "readOnly" | "writeOnly" => self.lose(&source.at, key, BOTH_WAYS),
                key if key.starts_with("x-") => self.lose(&source.at, key, NO_EFFECT),
                _ => {}
            }
        }
        if let Some(Value::Array(parts)) = map.get("allOf") {
            for (index, part) in parts.iter().enumerate() {
                self.lose_annotations(&source.child(part, &format!("allOf/{index}")));
            }
        }
    }
}
