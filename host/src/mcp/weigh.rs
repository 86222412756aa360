//! How much memory a message would take once it is read, told from its text: `[0,0,...]` grows more than thirtyfold. Whether
//! it is JSON at all is not known here.

use std::fmt;

/// What a message has too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Its length.
    Bytes,
    /// The values in it, each list and object counted too.
    Values,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Measure::Bytes => "bytes",
            Measure::Values => "JSON values",
        })
    }
}

/// Whether a JSON text holds more than `max` values: commas and opening brackets outside of strings.
pub(crate) fn has_more_values(json: &[u8], max: usize) -> bool {
    // Each takes a byte at least.
    if json.len() <= max {
        return false;
    }
    let (mut values, mut in_string, mut escaped) = (0, false, false);
    for byte in json {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else {
            match byte {
                b',' | b'[' | b'{' => values += 1,
                b'"' => in_string = true,
                _ => {}
            }
        }
    }
    values > max
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_string_is_no_value() {
        let count = |json: &str| (0..).find(|max| !has_more_values(json.as_bytes(), *max));
        assert_eq!(count("[0,0,0]   "), Some(3));
        assert_eq!(count(r#"{"a":[[],{}]}  "#), Some(5));
        assert_eq!(count(r#"["[,,{\",,\\",",,"]"#), Some(2));
    }
}
