//! JSON text to values, where serde_json alone would fail or change something: schemas nest deeper than it reads, and
//! integers beyond 64 bits become floats. Fractions are read as the nearest float, as everywhere. When two values are one,
//! and the parts of JSON pointers, which are escaped here only.

use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

/// Deepest nesting of objects and arrays that is read: a schema of a hundred levels takes two each. All that walks over
/// values by recursion, this crate and those it calls, must bear as much on a small stack.
pub const DEPTH: usize = 256;

/// Digits that always fit into 64 bits.
const SAFE_DIGITS: usize = 18;

/// Why a text is not read.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It is no JSON.
    #[error("not JSON: {0}")]
    Syntax(#[source] serde_json::Error),
    /// Objects and arrays lie too deep in each other.
    #[error("nested deeper than {DEPTH} levels")]
    Depth,
}

/// Reads a JSON text of at most [`DEPTH`] levels.
///
/// # Errors
/// [`JsonError`].
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    read(text)
}

/// Reads a JSON text of at most [`DEPTH`] levels into a type of its own, which sees keys that stand twice.
///
/// # Errors
/// [`JsonError`]; also a text of another form is [`JsonError::Syntax`].
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, JsonError> {
    if nesting(text) > DEPTH {
        return Err(JsonError::Depth);
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    reader.disable_recursion_limit();
    let value = T::deserialize(&mut reader).map_err(JsonError::Syntax)?;
    reader.end().map_err(JsonError::Syntax)?;
    Ok(value)
}

/// Whether two values are one in JSON Schema: numbers are what they count, so that `1.0` is `1`, but no two integers are
/// one because a float cannot tell them apart.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (whole(a), whole(b)) {
            (None, None) => a.as_f64() == b.as_f64(),
            (a, b) => a == b,
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let has = |(key, value)| b.get(key).is_some_and(|other| same(value, other));
            a.len() == b.len() && a.iter().all(has)
        }
        (a, b) => a == b,
    }
}

/// The integer that a number is, up to a size beyond which all integers that can be read are floats.
fn whole(number: &Number) -> Option<i128> {
    const LARGE: f64 = 1e30;
    let exact = number.as_i64().map(i128::from);
    exact
        .or_else(|| number.as_u64().map(i128::from))
        .or_else(|| {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && float.abs() < LARGE).then_some(float as i128)
        })
}

/// A key as a part of a JSON pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A part of a JSON pointer as the key it names.
pub fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// The deepest nesting of brackets outside of strings.
fn nesting(text: &[u8]) -> usize {
    let (mut open, mut deepest): (usize, usize) = (0, 0);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Goes past the closing quote.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

/// The JSON pointer of the first integer that neither 64 bits nor a float holds, so that reading would make it another
/// number. The text must be JSON.
pub fn inexact_integer(text: &[u8]) -> Option<String> {
    if !has_long_digits(text) {
        return None;
    }
    let mut path: Vec<Step> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' => path.push(Step::Key(String::new())),
            b'[' => path.push(Step::Index(0)),
            b'}' | b']' => drop(path.pop()),
            b',' => {
                if let Some(Step::Index(index)) = path.last_mut() {
                    *index += 1;
                }
            }
            b'"' => {
                let mut rest = text[at + 1..].iter();
                skip_string(&mut rest);
                let end = text.len() - rest.len();
                let is_key = text[end..]
                    .iter()
                    .find(|byte| !byte.is_ascii_whitespace())
                    .is_some_and(|byte| *byte == b':');
                if let (true, Some(Step::Key(key))) = (is_key, path.last_mut()) {
                    *key = serde_json::from_slice(&text[at..end]).unwrap_or_default();
                }
                at = end;
                continue;
            }
            b'-' | b'0'..=b'9' => {
                let literal = text[at..]
                    .iter()
                    .take_while(|byte| {
                        byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
                    })
                    .count();
                if is_inexact(&text[at..at + literal]) {
                    return Some(path.iter().map(Step::pointer).collect());
                }
                at += literal;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

enum Step {
    Key(String),
    Index(usize),
}

impl Step {
    fn pointer(&self) -> String {
        match self {
            Step::Key(key) => format!("/{}", escape(key)),
            Step::Index(index) => format!("/{index}"),
        }
    }
}

/// Whether there is a run of more digits than are always safe, wherever. Most texts have none, and are not read for it
/// byte by byte: a run that long has a digit at one of these places.
fn has_long_digits(text: &[u8]) -> bool {
    let step = SAFE_DIGITS + 1;
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    (0..text.len()).step_by(step).any(|at| {
        digit(at) && {
            let before = (0..at).rev().take(step).take_while(|at| digit(*at)).count();
            let after = (at + 1..at + step).take_while(|at| digit(*at)).count();
            before + after >= SAFE_DIGITS
        }
    })
}

fn is_inexact(literal: &[u8]) -> bool {
    literal.len() > SAFE_DIGITS
        && std::str::from_utf8(literal).is_ok_and(|literal| {
            let is_integer = !literal.contains(['.', 'e', 'E']);
            // JavaScript writes floats below 1e21 as integers: as many digits as tell the float apart, then zeros.
            let is_float = |x: f64| format!("{x:.0}") == literal || format!("{x}") == literal;
            is_integer
                && literal.parse::<i64>().is_err()
                && literal.parse::<u64>().is_err()
                && !literal.parse().is_ok_and(is_float)
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn deep_texts_are_read_up_to_the_bound() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(DEPTH).as_bytes()).is_ok());
        assert!(matches!(
            parse(nested(DEPTH + 1).as_bytes()),
            Err(JsonError::Depth)
        ));
        assert!(matches!(
            parse(&b"[".repeat(1_000_000)),
            Err(JsonError::Depth)
        ));
        assert!(parse(format!("[\"{}\"]", "[".repeat(1_000)).as_bytes()).is_ok());
        for broken in ["", "1 2", "{", "[\"\\", "\"[[["] {
            assert!(matches!(
                parse(broken.as_bytes()),
                Err(JsonError::Syntax(_))
            ));
        }
    }

    #[test]
    fn one_value_is_written_in_several_ways() {
        for (a, b, wanted) in [
            ("1", "1.0", true),
            ("-0.0", "0", true),
            (
                r#"{"a": [1.0], "b": null}"#,
                r#"{"b": null, "a": [1]}"#,
                true,
            ),
            ("1e300", "1e300", true),
            ("18446744073709551616", "18446744073709551616.0", true),
            ("9007199254740993", "9007199254740992", false),
            ("9007199254740993", "9007199254740992.0", false),
            ("18446744073709551615", "18446744073709551616", false),
            ("1", "\"1\"", false),
            ("1", "1.5", false),
            ("0", "false", false),
            (r#"{"a": 1}"#, r#"{"a": 1, "b": 1}"#, false),
            ("[1]", "[1, 1]", false),
        ] {
            let (one, other) = (parse(a.as_bytes()).unwrap(), parse(b.as_bytes()).unwrap());
            assert_eq!(same(&one, &other), wanted, "{a} {b}");
            assert_eq!(same(&other, &one), wanted, "{b} {a}");
        }
    }

    #[test]
    fn a_part_of_a_pointer_leads_to_its_key() {
        for key in ["", "a", "a/b", "~", "~1", "~01", "/~0/", "a~/b"] {
            let document = serde_json::json!({ key: 1 });
            let pointer = format!("/{}", escape(key));
            assert!(document.pointer(&pointer).is_some(), "{key}");
            assert_eq!(unescape(&escape(key)), key);
        }
    }

    #[test]
    fn integers_beyond_64_bits_are_found_where_they_are() {
        for (text, wanted) in [
            (
                r#"{"a/b": [1, {"c": 123456789012345678901}]}"#,
                Some("/a~1b/1/c"),
            ),
            ("18446744073709551617", Some("")),
            // 2^64, and floats as JavaScript writes them.
            (
                "[18446744073709551616, 100000000000000000000, 123456789012345680000]",
                None,
            ),
            ("[-9223372036854775809]", Some("/0")),
            (
                "[18446744073709551615, -9223372036854775808, 9007199254740993]",
                None,
            ),
            (
                "[0.1234567890123456789012, 1e300, 123456789012345678901.5]",
                None,
            ),
            (r#"{"x": "123456789012345678901234"}"#, None),
            (
                r#"{"123456789012345678901234": "\"", "y": 123456789012345678901234}"#,
                Some("/y"),
            ),
        ] {
            assert_eq!(
                inexact_integer(text.as_bytes()).as_deref(),
                wanted,
                "{text}"
            );
        }
    }
}
