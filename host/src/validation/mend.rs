//! Schemas as servers write them -> schemas that a validator takes: read as the draft that fits, written as they have to be,
//! and without what is no JSON Schema.

use jsonschema::{Draft, Validator};
use serde_json::Value;
use witgate_codegen::json::{self, escape, unescape};
use witgate_codegen::references::References;

use super::words::clip;

/// Most places of a schema that are left out before it is given up.
const BLEMISHES: usize = 100;

/// How a schema is read.
pub(super) fn options(draft: Option<Draft>) -> jsonschema::ValidationOptions<'static> {
    match draft {
        Some(draft) => jsonschema::options().with_draft(draft),
        None => jsonschema::options(),
    }
}

/// A schema read as one draft.
pub(super) struct Mended {
    pub(super) built: Result<Validator, String>,
    pub(super) draft: Option<Draft>,
    pub(super) left_out: Vec<String>,
    /// The schema as it was read, where that is not the one that was sent.
    pub(super) copy: Option<Value>,
}

/// Reads a schema as a draft, or as the one that it names; what is no JSON Schema is left out.
pub(super) fn mend(schema: &Value, draft: Option<Draft>) -> Mended {
    let mut built = options(draft).build(schema);
    let (mut copy, mut left_out) = (None, Vec::new());
    if built.is_err() {
        let mut mended = schema.clone();
        tidy(&mut mended, draft.is_some(), 0);
        built = options(draft).build(&mended);
        while let Err(error) = &built
            && left_out.len() < BLEMISHES
            && let Some(at) = leave_out(&mut mended, error)
        {
            left_out.push(at);
            built = options(draft).build(&mended);
        }
        copy = Some(mended);
    }
    Mended {
        built: built.map_err(|error| fault(&error)),
        draft,
        left_out,
        copy,
    }
}

/// Writes what is meant the way it has to be written: references as URIs, lists without repetition. `$schema` and `$id` that
/// name nothing known are dropped.
fn tidy(schema: &mut Value, no_draft: bool, depth: usize) {
    match schema {
        Value::Object(map) if depth <= json::DEPTH => {
            if no_draft {
                map.shift_remove("$schema");
            }
            let is_uri = |id: &str| {
                as_fragment(id.strip_prefix('#').unwrap_or(id)) == id.trim_start_matches('#')
            };
            if map
                .get("$id")
                .and_then(Value::as_str)
                .is_some_and(|id| !is_uri(id))
            {
                map.shift_remove("$id");
            }
            if let Some(Value::String(reference)) = map.get_mut("$ref")
                && let Some(pointer) = reference.strip_prefix('#')
            {
                *reference = format!("#{}", as_fragment(pointer));
            }
            for key in ["required", "type", "enum"] {
                if let Some(Value::Array(items)) = map.get_mut(key) {
                    let all = std::mem::take(items);
                    for item in all {
                        if items.len() > 1_000 || !items.contains(&item) {
                            items.push(item);
                        }
                    }
                }
            }
            map.values_mut()
                .for_each(|inner| tidy(inner, no_draft, depth + 1));
        }
        Value::Array(items) if depth <= json::DEPTH => {
            items
                .iter_mut()
                .for_each(|inner| tidy(inner, no_draft, depth + 1));
        }
        _ => {}
    }
}

/// A pointer as the fragment of a URI; what is encoded already stays.
fn as_fragment(pointer: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in pointer.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            _ if b"-._~!$&'()*+,;=:@/?%".contains(&byte) => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Takes the keyword that an error is about out of a schema, or the references that lead nowhere; returns where.
fn leave_out(schema: &mut Value, error: &jsonschema::ValidationError<'_>) -> Option<String> {
    use jsonschema::error::ValidationErrorKind as K;
    if let K::Referencing(_) = error.kind() {
        let at = dangling(&References::new(schema), schema, schema, String::new(), 0)?;
        let holder = schema.pointer_mut(&at)?.as_object_mut()?;
        holder.retain(|key, _| !key.ends_with("ef") || !key.starts_with('$'));
        return Some(at);
    }
    // The instance is the schema, held against what schemas must be.
    let at = error.instance_path().to_string();
    let (holder, key) = at.rsplit_once('/')?;
    let key = unescape(key);
    match schema.pointer_mut(holder)? {
        Value::Object(map) => drop(map.shift_remove(&key)?),
        Value::Array(items) => {
            let index: usize = key.parse().ok().filter(|index| *index < items.len())?;
            items.remove(index);
        }
        _ => return None,
    }
    Some(at)
}

/// The first place with a reference to what is not in the schema. Pointers count from the nearest schema above with an `$id`.
fn dangling<'a>(
    references: &References<'a>,
    base: &'a Value,
    schema: &'a Value,
    at: String,
    depth: usize,
) -> Option<String> {
    if depth > json::DEPTH {
        return None;
    }
    match schema {
        Value::Object(map) => {
            let base = if has_id(schema) { schema } else { base };
            let leads_nowhere = |key: &str| {
                let reference = map.get(key).and_then(Value::as_str);
                reference.is_some_and(|reference| match reference.starts_with("#/") {
                    true => References::new(base).resolve(reference).is_none(),
                    false => references.resolve(reference).is_none(),
                })
            };
            if ["$ref", "$dynamicRef", "$recursiveRef"]
                .into_iter()
                .any(leads_nowhere)
            {
                return Some(at);
            }
            map.iter().find_map(|(key, inner)| {
                let key = escape(key);
                let at = format!("{at}/{key}");
                dangling(references, base, inner, at, depth + 1)
            })
        }
        Value::Array(items) => items.iter().enumerate().find_map(|(index, inner)| {
            let at = format!("{at}/{index}");
            dangling(references, base, inner, at, depth + 1)
        }),
        _ => None,
    }
}

/// Whether a schema is a document of its own to the references in it.
pub(super) fn has_id(schema: &Value) -> bool {
    let id = schema.get("$id").or_else(|| schema.get("id"));
    id.and_then(Value::as_str)
        .is_some_and(|id| !id.starts_with('#'))
}

fn fault(error: &jsonschema::ValidationError<'_>) -> String {
    use jsonschema::error::ValidationErrorKind as K;
    match error.kind() {
        K::Referencing(_) => "the tool's schema refers to a place that is not in it".to_owned(),
        // The instance is the schema, held against what schemas must be.
        _ => format!(
            "the tool's schema is not valid at `{}`",
            clip(&error.instance_path().to_string())
        ),
    }
}
