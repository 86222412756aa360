//! Small damage to a valid value: one change at one place, most of which the schema forbids.

use fastrand::Rng;
use serde_json::Value;

use crate::instances::of_another_type;
use crate::refs::{escape, places};
use crate::texts;

/// A changed value.
pub(crate) struct Mutation {
    /// JSON pointer of what was changed, added or taken away.
    pub(crate) at: String,
    /// What was done.
    pub(crate) what: &'static str,
    pub(crate) value: Value,
}

/// Changes one thing; `None` where the draw changes nothing.
pub(crate) fn mutate(original: &Value, rng: &mut Rng) -> Option<Mutation> {
    let all: Vec<String> = places(original).into_keys().collect();
    let at = rng.choice(all)?;
    let mut value = original.clone();
    let place = value.pointer_mut(&at)?;
    if rng.u8(0..4) == 0 {
        *place = of_another_type(place, rng);
        return Some(Mutation {
            at,
            what: "another type",
            value,
        });
    }
    let mut at = at;
    let what = match place {
        Value::Object(map) => {
            let key = rng.choice(map.keys().cloned().collect::<Vec<_>>());
            match (key, rng.u8(0..3)) {
                (Some(key), 0) => {
                    map.shift_remove(&key);
                    at = format!("{at}/{}", escape(&key));
                    "a key less"
                }
                (Some(key), 1) => {
                    let other = texts::lookalike(&key, rng);
                    if map.contains_key(&other) {
                        return None;
                    }
                    map.insert(other.clone(), Value::from(1));
                    at = format!("{at}/{}", escape(&other));
                    "a key that looks like another"
                }
                _ => {
                    let key = texts::key(rng);
                    map.insert(key.clone(), Value::from("more"));
                    at = format!("{at}/{}", escape(&key));
                    "a key more"
                }
            }
        }
        Value::Array(items) => match items.first().cloned() {
            None => {
                items.push(Value::Null);
                at.push_str("/0");
                "an element more"
            }
            Some(_) if rng.bool() => {
                items.clear();
                "no elements"
            }
            Some(first) => {
                items.resize(items.len() + 60, first);
                "many elements"
            }
        },
        Value::String(text) => {
            *text = match rng.u8(0..3) {
                0 => String::new(),
                1 => format!("{text} {}", "x".repeat(300)),
                _ => texts::lookalike(text, rng),
            };
            "another text"
        }
        Value::Number(number) => {
            let x = number.as_f64().unwrap_or(0.0);
            let other = [x + 0.5, -x - 1.0, 1e17, -1e17];
            *place = Value::from(rng.choice(other)?);
            "another number"
        }
        Value::Bool(_) | Value::Null => {
            *place = Value::from("no");
            "another type"
        }
    };
    Some(Mutation { at, what, value })
}
