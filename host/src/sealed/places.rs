//! Where in a result: JSON pointers whose part `*` stands for any key or index.

use serde_json::Value;
use witgate_codegen::json::unescape;

/// A pointer of a rule, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Any,
    Key(String),
}

/// What is still to go of a place, from some value on.
pub(super) struct Rest<'a, C> {
    parts: &'a [Part],
    pub(super) class: &'a C,
}

impl Place {
    /// Reads a pointer; an empty one names the whole result.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub(super) fn read(text: &str) -> Result<Place, (&'static str, String)> {
        if text.is_empty() {
            return Ok(Place(Vec::new()));
        }
        let Some(inside) = text.strip_prefix('/') else {
            let hint = if text.starts_with('$') {
                "write keys and indexes behind slashes, for example \"/people/*/email\"".to_owned()
            } else {
                format!("write \"/{}\"", text.replace('.', "/"))
            };
            return Err(("is no JSON pointer: it starts with no slash", hint));
        };
        inside
            .split('/')
            .map(|part| match part {
                "*" => Ok(Part::Any),
                "**" => Err((
                    "is no place: `**` is not known",
                    "`*` stands for one key or index; write one pointer for each depth, or use `detect`".to_owned(),
                )),
                part => match part.split('~').skip(1).all(|s| s.starts_with(['0', '1'])) {
                    true => Ok(Part::Key(unescape(part))),
                    false => Err((
                        "is no JSON pointer: `~` is followed by neither 0 nor 1",
                        "in a key, write `~0` for `~` and `~1` for `/`".to_owned(),
                    )),
                },
            })
            .collect::<Result<_, _>>()
            .map(Place)
    }

    pub(super) fn rest<'a, C>(&'a self, class: &'a C) -> Rest<'a, C> {
        Rest {
            parts: &self.0,
            class,
        }
    }
}

impl<'a, C> Rest<'a, C> {
    /// Whether the place is here.
    pub(super) fn is_here(&self) -> bool {
        self.parts.is_empty()
    }

    /// What is to go from the child with that key or index on, if the place is below it.
    fn below(&self, key: &str) -> Option<Rest<'a, C>> {
        let (first, parts) = self.parts.split_first()?;
        let leads = match first {
            Part::Any => true,
            Part::Key(wanted) => wanted == key,
        };
        leads.then_some(Rest {
            parts,
            class: self.class,
        })
    }
}

/// Calls `named` for every value that a place names, with the class of the first such place. Below it no place counts.
pub(super) fn each_named<C>(
    value: &mut Value,
    places: &[Rest<'_, C>],
    named: &mut impl FnMut(&mut Value, &C),
) {
    if let Some(here) = places.iter().find(|place| place.is_here()) {
        return named(value, here.class);
    }
    if places.is_empty() {
        return;
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                let index = index.to_string();
                let below: Vec<_> = places.iter().filter_map(|p| p.below(&index)).collect();
                each_named(item, &below, named);
            }
        }
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                let below: Vec<_> = places.iter().filter_map(|p| p.below(key)).collect();
                each_named(value, &below, named);
            }
        }
        _ => {}
    }
}
