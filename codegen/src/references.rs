//! Places in a schema: references that stay in the document, by pointer, by anchor and by `$id`. Nothing is ever fetched, and
//! URIs are compared, not joined.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::Value;

use crate::json::{DEPTH, escape, unescape};

/// How many places of one name are kept.
pub const NAMESAKES: usize = 8;

/// A place of a document: its pointer from the root, and the schema there.
pub type Place<'a> = (String, &'a Value);

/// Places by their name; several can have the same.
type Named<'a> = HashMap<&'a str, Vec<Place<'a>>>;

/// A document whose references are followed. What its names mean is gathered at the first reference by name.
#[derive(Debug)]
pub struct References<'a> {
    root: &'a Value,
    names: OnceCell<Names<'a>>,
}

#[derive(Debug, Default)]
struct Names<'a> {
    anchors: Named<'a>,
    ids: Named<'a>,
}

impl<'a> References<'a> {
    /// The references of a document.
    #[must_use]
    pub fn new(root: &'a Value) -> References<'a> {
        References {
            root,
            names: OnceCell::new(),
        }
    }

    /// Follows a local reference: its pointer from the root, normalised, and the schema there. The first of a name counts.
    #[must_use]
    pub fn resolve(&self, reference: &str) -> Option<Place<'a>> {
        self.candidates(reference).into_iter().next()
    }

    /// The places that a reference may mean: several where a name stands for several, and at most [`NAMESAKES`].
    #[must_use]
    pub fn candidates(&self, reference: &str) -> Vec<Place<'a>> {
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let Some(pointer) = percent_decode(fragment) else {
            return Vec::new();
        };
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return named(&self.names().anchors, &pointer).to_vec();
        }
        let id = self.root.get("$id").and_then(Value::as_str);
        let whole = [(String::new(), self.root)];
        let holders = match document {
            "" => &whole[..],
            _ if id.is_some_and(|id| id.trim_end_matches('#') == document) => &whole[..],
            _ => named(&self.names().ids, document),
        };
        let inner = |(at, holder): &Place<'a>| {
            let found = holder.pointer(&pointer)?;
            Some((format!("{at}{pointer}"), found))
        };
        holders.iter().filter_map(inner).collect()
    }

    fn names(&self) -> &Names<'a> {
        self.names.get_or_init(|| {
            let mut found = Names::default();
            gather(self.root, &mut Vec::new(), &mut found);
            found
        })
    }
}

fn named<'n, 'a>(names: &'n Named<'a>, name: &str) -> &'n [Place<'a>] {
    names.get(name).map_or(&[], Vec::as_slice)
}

/// Every anchor, every `$id`, and draft-07's `$id` of a fragment, which is an anchor.
fn gather<'a>(value: &'a Value, at: &mut Vec<String>, found: &mut Names<'a>) {
    if at.len() > DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str);
            let place =
                || -> Place<'a> { (at.iter().map(|key| format!("/{key}")).collect(), value) };
            let id = text("$id");
            let fragment = id.and_then(|id| id.strip_prefix('#'));
            let anchors = [text("$anchor"), text("$dynamicAnchor"), fragment];
            let keep = |named: &mut Named<'a>, name: &'a str| {
                let places = named.entry(name).or_default();
                if places.len() < NAMESAKES {
                    places.push(place());
                }
            };
            for name in anchors.into_iter().flatten() {
                keep(&mut found.anchors, name);
            }
            if let Some(id) = id.filter(|_| fragment.is_none()) {
                keep(&mut found.ids, id.trim_end_matches('#'));
            }
            for (key, inner) in map {
                at.push(escape(key));
                gather(inner, at, found);
                at.pop();
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                at.push(index.to_string());
                gather(inner, at, found);
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
pub(crate) fn name_of(pointer: &str) -> Option<String> {
    let (before, last) = pointer.rsplit_once('/')?;
    let holder = before.rsplit('/').next()?;
    matches!(holder, "properties" | "$defs" | "definitions" | "schemas").then(|| unescape(last))
}
