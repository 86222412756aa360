//! A value that is too long for an answer -> the same shape with less in it, and what was left out. Pure: where the whole is
//! kept is not known here.

use indexmap::IndexMap;
use serde_json::{Map, Value};

/// What an answer holds of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cut {
    /// The value as compact JSON, within the size if anything could be left out.
    pub(crate) text: String,
    /// What was left out, one short phrase for each place; empty where it is whole.
    pub(crate) left_out: Vec<String>,
}

/// How much of each level is kept.
#[derive(Clone, Copy)]
struct Measure {
    items: usize,
    characters: usize,
    keys: usize,
    depth: usize,
}

/// From generous to stingy: the first whose result fits is taken.
const MEASURES: [Measure; 10] = [
    measure(200, 4_000, 400, 32),
    measure(100, 2_000, 200, 32),
    measure(50, 1_000, 100, 32),
    measure(20, 500, 60, 24),
    measure(10, 200, 40, 16),
    measure(5, 100, 30, 12),
    measure(3, 60, 20, 8),
    measure(2, 40, 12, 6),
    measure(1, 30, 8, 4),
    measure(1, 20, 4, 2),
];

const fn measure(items: usize, characters: usize, keys: usize, depth: usize) -> Measure {
    Measure {
        items,
        characters,
        keys,
        depth,
    }
}

/// Most places that are told.
const PLACES: usize = 6;

/// Cuts a value to about `bytes` of JSON text. Arrays lose their last elements, objects their last keys, texts their ends, and
/// what lies too deep is emptied: every type stays what it was.
pub(crate) fn cut(value: &Value, bytes: usize) -> Cut {
    // Most answers are short, and their length is known for the price of writing them.
    let whole = value.to_string();
    if whole.len() <= bytes {
        return Cut {
            text: whole,
            left_out: Vec::new(),
        };
    }
    let mut shortest = None;
    for measure in MEASURES {
        let mut losses = Losses::default();
        let text = keep(value, measure, &mut String::new(), 0, &mut losses).to_string();
        let fits = text.len() <= bytes;
        shortest = Some(Cut {
            text,
            left_out: losses.told(),
        });
        if fits {
            break;
        }
    }
    shortest.unwrap_or(Cut {
        text: whole,
        left_out: Vec::new(),
    })
}

/// What was left out at the places of one form (`/*/body`).
#[derive(Default)]
struct Losses(IndexMap<(String, &'static str), Loss>);

struct Loss {
    kept: usize,
    of: usize,
    places: usize,
}

impl Losses {
    fn add(&mut self, at: &str, what: &'static str, kept: usize, of: usize) {
        let loss = self.0.entry((at.to_owned(), what)).or_insert(Loss {
            kept,
            of,
            places: 0,
        });
        loss.places += 1;
        loss.of = loss.of.max(of);
    }

    fn told(&self) -> Vec<String> {
        let line = |((at, what), loss): (&(String, &'static str), &Loss)| {
            let at = match at.as_str() {
                "" => "the value",
                at => at,
            };
            let (kept, of) = (loss.kept, loss.of);
            match loss.places {
                1 => format!("{at}: {kept} of {of} {what}"),
                places => format!("{at}: {kept} of up to {of} {what}, {places} times"),
            }
        };
        let mut told: Vec<String> = self.0.iter().take(PLACES).map(line).collect();
        if self.0.len() > PLACES {
            told.push(format!("{} more places", self.0.len() - PLACES));
        }
        told
    }
}

/// Longest key that stands in a value that is cut, in bytes.
const LONGEST_KEY: usize = 256;

/// Longest key that stands in the name of a place.
const KEY: usize = 40;

fn keep(value: &Value, to: Measure, at: &mut String, depth: usize, losses: &mut Losses) -> Value {
    match value {
        Value::String(text) => {
            let end = text.char_indices().nth(to.characters).map(|(end, _)| end);
            match end {
                None => value.clone(),
                Some(end) => {
                    losses.add(at, "characters", to.characters, text.chars().count());
                    Value::String(text[..end].to_owned())
                }
            }
        }
        Value::Array(items) => {
            let count = if depth >= to.depth { 0 } else { to.items };
            if items.len() > count {
                losses.add(at, "items", count, items.len());
            }
            let length = at.len();
            at.push_str("/*");
            let kept = items
                .iter()
                .take(count)
                .map(|item| keep(item, to, at, depth + 1, losses))
                .collect();
            at.truncate(length);
            Value::Array(kept)
        }
        Value::Object(map) => {
            let count = if depth >= to.depth { 0 } else { to.keys };
            if map.len() > count {
                losses.add(at, "keys", count, map.len());
            }
            let mut kept = Map::new();
            // A key is never cut: it would be another one.
            let short = map.iter().filter(|(key, _)| key.len() <= LONGEST_KEY);
            let long = map.len() - short.clone().count();
            if long > 0 {
                losses.add(
                    at,
                    "keys that are not too long",
                    map.len() - long,
                    map.len(),
                );
            }
            for (key, item) in short.take(count) {
                let length = at.len();
                at.push('/');
                at.extend(
                    key.chars()
                        .take(KEY)
                        .filter(|c| c.is_alphanumeric() || "_-.$@".contains(*c)),
                );
                kept.insert(key.clone(), keep(item, to, at, depth + 1, losses));
                at.truncate(length);
            }
            Value::Object(kept)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn same_shape(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => {
                a.len() <= b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b))
            }
            (Value::Object(a), Value::Object(b)) => a
                .iter()
                .all(|(key, value)| b.get(key).is_some_and(|other| same_shape(value, other))),
            (Value::String(a), Value::String(b)) => b.starts_with(a.as_str()),
            (a, b) => a == b,
        }
    }

    #[test]
    fn a_short_value_is_whole() {
        let value = json!({"a": [1, "x"]});
        let cut = cut(&value, 100);
        assert_eq!(cut.text, r#"{"a":[1,"x"]}"#);
        assert!(cut.left_out.is_empty());
    }

    #[test]
    fn a_long_one_keeps_its_shape_and_says_what_is_missing() {
        let issue =
            |n: usize| json!({"number": n, "body": "text ".repeat(n % 7 * 300), "labels": ["bug"]});
        let value = json!({"issues": (0..10_000).map(issue).collect::<Vec<_>>(), "next": null});
        for bytes in [300, 2_000, 8_000, 60_000] {
            let cut = cut(&value, bytes);
            assert!(cut.text.len() <= bytes, "{} of {bytes}", cut.text.len());
            let kept: Value = serde_json::from_str(&cut.text).unwrap_or_default();
            assert!(same_shape(&kept, &value), "{}", cut.text);
            assert!(kept["issues"].is_array() && kept.get("next").is_some());
            assert!(
                cut.left_out[0].starts_with("/issues: "),
                "{:?}",
                cut.left_out
            );
            assert!(
                cut.left_out[0].ends_with(" of 10000 items"),
                "{:?}",
                cut.left_out
            );
        }
        let cut = cut(&value, 60_000);
        assert!(
            cut.left_out
                .iter()
                .any(|line| line.starts_with("/issues/*/body: "))
        );
    }

    #[test]
    fn what_is_deep_or_wide_or_one_text_is_cut_too() {
        let mut deep = json!("x".repeat(100));
        for _ in 0..60 {
            deep = json!([deep, deep.to_string().len()]);
        }
        assert!(cut(&deep, 200).text.len() <= 200);
        let wide: Map<String, Value> = (0..5_000).map(|n| (format!("key {n}"), json!(n))).collect();
        let cut_wide = cut(&Value::Object(wide), 500);
        assert!(cut_wide.text.len() <= 500);
        assert_eq!(cut_wide.left_out, ["the value: 40 of 5000 keys"]);
        let keys = json!({"x".repeat(5_000): 1, "a": 2});
        assert_eq!(cut(&keys, 1_000).text, r#"{"a":2}"#);
        let text = cut(&json!("ü".repeat(9_000)), 1_000);
        assert!(text.text.len() <= 1_000 && text.left_out.len() == 1);
    }
}
