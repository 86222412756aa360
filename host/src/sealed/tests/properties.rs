//! For random values and rules: what was sealed stands nowhere, and opens again to what it was.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{rule, seal};
use crate::sealed::Vault;

/// A generator that needs no crate: splitmix64. Keys are texts too, or too short to be an echo.
struct Random(u64, bool);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    /// Of few letters, so that texts overlap; none that a token has, so that tokens hold none of them.
    fn text(&mut self, longest: u64) -> String {
        let letters = ['A', 'B', 'Ä', '💡', ' ', '0'];
        let length = self.below(longest);
        (0..length)
            .map(|_| letters[self.below(6) as usize])
            .collect()
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(1_000_000 + self.below(1_000_000)),
            3 => json!(self.below(1_000) as f64 + 0.25),
            4 | 5 => json!(self.text(10)),
            6 | 7 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let mut map = Map::new();
                for _ in 0..self.below(5) {
                    let key = match self.below(4) {
                        0 if self.1 => self.text(8),
                        n => format!("k{n}"),
                    };
                    map.insert(key, self.value(depth - 1));
                }
                Value::Object(map)
            }
        }
    }

    fn pointer(&mut self) -> String {
        (0..=self.below(3))
            .map(|_| match self.below(5) {
                0 | 1 => "/*".to_owned(),
                n => format!("/k{}", n - 1),
            })
            .collect()
    }
}

/// Every text, also of numbers and keys.
fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(map) => {
            for (key, value) in map {
                out.push(key.clone());
                texts(value, out);
            }
        }
        _ => {}
    }
}

fn leaves(value: &Value, at: &str, pointer: &[&str], below: bool, out: &mut BTreeSet<String>) {
    let here = below || pointer.is_empty();
    let rest = pointer.get(1..).unwrap_or_default();
    let leads = |key: &str| here || pointer[0] == "*" || pointer[0] == key;
    match value {
        Value::String(text) if here => drop(out.insert(text.clone())),
        Value::Number(number) if here => drop(out.insert(number.to_string())),
        Value::Array(items) => {
            for (index, item) in items
                .iter()
                .enumerate()
                .filter(|(i, _)| leads(&i.to_string()))
            {
                leaves(item, &format!("{at}/{index}"), rest, here, out);
            }
        }
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| leads(key)) {
                leaves(value, &format!("{at}/{key}"), rest, here, out);
            }
        }
        _ => {}
    }
}

#[test]
fn nothing_sealed_is_left() {
    let mut random = Random(7, true);
    let mut checked = 0;
    for _ in 0..1_500 {
        let vault = Vault::new().unwrap();
        let mut sealed_before = BTreeSet::new();
        for _ in 0..4 {
            let value = random.value(4);
            let pointers: Vec<String> = (0..=random.below(3)).map(|_| random.pointer()).collect();
            for pointer in &pointers {
                let parts: Vec<&str> = pointer.split('/').skip(1).collect();
                leaves(&value, "", &parts, false, &mut sealed_before);
            }
            let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
            let sealed = seal(&vault, &rule(&pointers, None, &["email"]), value.clone());
            let mut left = Vec::new();
            texts(&sealed, &mut left);
            let serialised = sealed.to_string();
            for text in sealed_before
                .iter()
                .filter(|text| text.chars().count() >= 4)
            {
                checked += 1;
                assert!(
                    !left.iter().any(|l| l.contains(text)),
                    "{text:?} of {value} in {sealed}"
                );
                assert!(
                    !serialised.contains(text),
                    "{text:?} of {value} in {sealed}"
                );
            }
        }
    }
    assert!(checked > 1_000, "{checked}");
}

#[test]
fn what_is_sealed_whole_opens_to_what_it_was() {
    let mut random = Random(11, false);
    for _ in 0..1_500 {
        let vault = Vault::new().unwrap();
        let value = random.value(4);
        let mut sealed = seal(&vault, &rule(&[""], None, &[]), value.clone());
        vault.open(&mut sealed, 1 << 30).unwrap();
        assert_eq!(sealed, value);
    }
}
