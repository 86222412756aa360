//! Places in a schema: JSON pointers, and references that stay in the document. Nothing is ever fetched.

use serde_json::Value;

/// Follows a local reference: its pointer from the root, normalised, and the schema there.
pub(super) fn resolve<'a>(root: &'a Value, reference: &str) -> Option<(String, &'a Value)> {
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
    find_anchor(root, &pointer, String::new(), 0)
}

fn find_anchor<'a>(
    value: &'a Value,
    anchor: &str,
    at: String,
    depth: usize,
) -> Option<(String, &'a Value)> {
    if depth > 64 {
        return None;
    }
    match value {
        Value::Object(map) => {
            let named = map.get("$anchor").and_then(Value::as_str) == Some(anchor)
                || map
                    .get("$id")
                    .and_then(Value::as_str)
                    .and_then(|id| id.strip_prefix('#'))
                    == Some(anchor);
            if named {
                return Some((at, value));
            }
            map.iter().find_map(|(key, inner)| {
                find_anchor(inner, anchor, format!("{at}/{}", escape(key)), depth + 1)
            })
        }
        Value::Array(items) => items.iter().enumerate().find_map(|(index, inner)| {
            find_anchor(inner, anchor, format!("{at}/{index}"), depth + 1)
        }),
        _ => None,
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

/// A key as a part of a JSON pointer.
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// What a pointer's target is called: its last part, where that is a name of the schema's author.
pub(super) fn name_of(pointer: &str) -> Option<String> {
    let (before, last) = pointer.rsplit_once('/')?;
    let holder = before.rsplit('/').next()?;
    matches!(holder, "properties" | "$defs" | "definitions" | "schemas")
        .then(|| last.replace("~1", "/").replace("~0", "~"))
}
