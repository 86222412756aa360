//! JSON text as JavaScript writes it, so that one task solved in both languages gives the same bytes: `1.0` is `1`,
//! `1e21` is `1e+21`. Integers are exact at any size.

use std::fmt::{Display, LowerExp};
use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// JSON text without spaces. An error where the value has no JSON form (an object key that is no string).
pub fn text<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::with_capacity(128);
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes,
        JavaScriptNumbers,
    ))?;
    // The serializer writes UTF-8 only; the check is cheap next to the writing.
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

struct JavaScriptNumbers;

impl Formatter for JavaScriptNumbers {
    fn write_f32<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        write_number(writer, value, value == 0.0)
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        write_number(writer, value, value == 0.0)
    }
}

/// Rust and JavaScript agree on the shortest digits and differ in where an exponent begins. The value is finite: the
/// serializer writes `null` for others.
fn write_number<W, N>(writer: &mut W, value: N, zero: bool) -> io::Result<()>
where
    W: ?Sized + io::Write,
    N: Display + LowerExp,
{
    if zero {
        return writer.write_all(b"0");
    }
    let scientific = format!("{value:e}");
    let exponent = scientific
        .split_once('e')
        .and_then(|(digits, e)| Some((digits, e.parse::<i32>().ok()?)));
    match exponent {
        Some((digits, e)) if e > 20 => write!(writer, "{digits}e+{e}"),
        Some((_, e)) if e < -6 => writer.write_all(scientific.as_bytes()),
        _ => write!(writer, "{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn numbers_as_in_javascript() {
        for (value, expected) in [
            (1.0, "1"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000001, "0.000001"),
            (1e-7, "1e-7"),
            (-1234.5, "-1234.5"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "null"),
        ] {
            assert_eq!(text(&value).unwrap(), expected);
        }
        assert_eq!(text(&u64::MAX).unwrap(), "18446744073709551615");
    }
}
