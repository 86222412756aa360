//! The JSON of a configuration file as people write it: comments are allowed, a key that stands twice is not.
//! What the keys mean is not known here.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads JSON with comments. The error's line and column are those of `text`.
pub(super) fn read(text: &str) -> Result<Value, serde_json::Error> {
    let Unique(value) = serde_json::from_str(&blank_comments(text))?;
    Ok(value)
}

/// `//` and `/* */` comments, which VS Code allows, become blanks: lines and columns stay.
fn blank_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        let comment = !in_string && (rest.starts_with("//") || rest.starts_with("/*"));
        if comment && rest.starts_with("//") {
            length = rest.find('\n').unwrap_or(rest.len());
        } else if comment {
            // An unclosed comment stays, for the parser to point at.
            match rest[2..].find("*/") {
                Some(end) => length = end + 4,
                None => return out + rest,
            }
        } else if in_string && c == '\\' {
            length += rest[1..].chars().next().map_or(0, char::len_utf8);
        } else if c == '"' {
            in_string = !in_string;
        }
        let (piece, after) = rest.split_at(length);
        if comment {
            out.extend(
                piece
                    .bytes()
                    .map(|byte| if byte == b'\n' { '\n' } else { ' ' }),
            );
        } else {
            out.push_str(piece);
        }
        rest = after;
    }
    out
}

/// A JSON value none of whose objects has a key twice.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Node;
        impl<'de> Visitor<'de> for Node {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_str<E>(self, value: &str) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_unit<E>(self) -> Result<Unique, E> {
                Ok(Unique(Value::Null))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
                let mut list = Vec::new();
                while let Some(Unique(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Unique(Value::Array(list)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Unique, A::Error> {
                let mut map = Map::new();
                while let Some(key) = entries.next_key::<String>()? {
                    if map.contains_key(&key) {
                        return Err(de::Error::custom(format!("the key `{key}` stands twice")));
                    }
                    let Unique(value) = entries.next_value()?;
                    map.insert(key, value);
                }
                Ok(Unique(Value::Object(map)))
            }
        }
        deserializer.deserialize_any(Node)
    }
}
