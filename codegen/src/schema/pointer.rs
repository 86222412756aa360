//! Places in a schema: JSON pointers, and references that stay in the document. Nothing is ever fetched.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::Value;

use crate::json::{escape, unescape};

/// The named places of a document: pointer and schema.
pub(super) type Anchors<'a> = HashMap<&'a str, (String, &'a Value)>;

/// How deep anchors are looked for.
const DEPTH: usize = 64;

/// Follows a local reference: its pointer from the root, normalised, and the schema there. The anchors of the document are
/// gathered at the first reference to one.
pub(super) fn resolve<'a>(
    root: &'a Value,
    anchors: &OnceCell<Anchors<'a>>,
    reference: &str,
) -> Option<(String, &'a Value)> {
    let fragment = match reference.strip_prefix('#') {
        Some(fragment) => fragment,
        None => {
            let id = root.get("$id")?.as_str()?.trim_end_matches('#');
            let rest = reference.strip_prefix(id)?;
            if rest.is_empty() {
                ""
            } else {
                rest.strip_prefix('#')?
            }
        }
    };
    let pointer = percent_decode(fragment)?;
    if pointer.is_empty() {
        return Some((String::new(), root));
    }
    if pointer.starts_with('/') {
        return root.pointer(&pointer).map(|schema| (pointer, schema));
    }
    let anchors = anchors.get_or_init(|| {
        let mut found = Anchors::new();
        find_anchors(root, &mut Vec::new(), &mut found);
        found
    });
    anchors.get(pointer.as_str()).cloned()
}

/// Every `$anchor`, and draft-07's `$id` of a fragment; the first of a name counts.
fn find_anchors<'a>(value: &'a Value, at: &mut Vec<String>, found: &mut Anchors<'a>) {
    if at.len() > DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            let fragment = |id: &'a str| id.strip_prefix('#');
            let anchor = map.get("$anchor").and_then(Value::as_str);
            let id = map.get("$id").and_then(Value::as_str).and_then(fragment);
            for name in anchor.into_iter().chain(id) {
                let place = || (at.iter().map(|key| format!("/{key}")).collect(), value);
                found.entry(name).or_insert_with(place);
            }
            for (key, inner) in map {
                at.push(escape(key));
                find_anchors(inner, at, found);
                at.pop();
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                at.push(index.to_string());
                find_anchors(inner, at, found);
                at.pop();
            }
        }
        _ => {}
    }
}

fn percent_decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_string());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(rest.next()?).to_digit(16)?;
        let low = char::from(rest.next()?).to_digit(16)?;
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).ok()
}

/// What a pointer's target is called: its last part, where that is a name of the schema's author.
pub(super) fn name_of(pointer: &str) -> Option<String> {
    let (before, last) = pointer.rsplit_once('/')?;
    let holder = before.rsplit('/').next()?;
    matches!(holder, "properties" | "$defs" | "definitions" | "schemas").then(|| unescape(last))
}
