//! Whether a person named a value: word for word in the request text of the run. Text against text, no meaning.

use serde_json::Value;

use super::shape::Shape;

/// A request text, ready to be searched.
#[derive(Debug)]
pub(super) struct Said {
    /// As the person wrote it.
    pub(super) request: String,
    text: String,
    numbers: Vec<String>,
}

impl Said {
    pub(super) fn new(request: &str) -> Said {
        Said {
            request: request.to_owned(),
            text: request.to_lowercase(),
            numbers: numbers(request),
        }
    }

    /// Whether every text and every number in the value was said. What holds neither claims nothing.
    pub(super) fn covers(&self, value: &Value, shape: &Shape) -> bool {
        leaves(value, shape).all(|leaf| match leaf {
            Leaf::Text(text) => self.says(text),
            Leaf::Number(number) => self.numbers.contains(&number),
        })
    }

    fn says(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        // No text, one letter and mere punctuation stand in almost every request.
        let long = text.chars().nth(1).is_some();
        let digit = text.starts_with(|c: char| c.is_ascii_digit());
        if !(long || digit) || !text.contains(char::is_alphanumeric) {
            return false;
        }
        let mut rest = self.text.as_str();
        let mut from = 0;
        while let Some(at) = rest.find(&text) {
            let (start, end) = (from + at, from + at + text.len());
            let (before, after) = (self.text.get(..start), self.text.get(end..));
            let goes_on =
                is_part(before.unwrap_or("").chars().rev()) || is_part(after.unwrap_or("").chars());
            if !goes_on {
                return true;
            }
            // On by one character, since what follows may overlap with what was found.
            let step = self.text.get(start..).and_then(|t| t.chars().next());
            from = start + step.map_or(1, char::len_utf8);
            rest = self.text.get(from..).unwrap_or("");
        }
        false
    }
}

/// Whether a word goes on with these characters: `/home/me` in `/home/me/old`, `corp.com` in `corp.com.example`.
fn is_part(mut onward: impl Iterator<Item = char>) -> bool {
    let (next, beyond) = (onward.next(), onward.next());
    let joins = |c: char| "/\\.@-_:+#~".contains(c);
    next.is_some_and(char::is_alphanumeric)
        || next.is_some_and(joins) && beyond.is_some_and(|c| c.is_alphanumeric() || joins(c))
}

/// Whether nothing in the value would have to be said.
pub(super) fn claims_nothing(value: &Value, shape: &Shape) -> bool {
    leaves(value, shape).next().is_none()
}

enum Leaf<'a> {
    Text(&'a str),
    Number(String),
}

/// Texts and numbers in a value, and the keys of objects that the model does not name, since those are data too.
fn leaves<'a>(value: &'a Value, shape: &'a Shape) -> impl Iterator<Item = Leaf<'a>> {
    enum Next<'a> {
        Key(&'a str),
        Value(&'a Value, Vec<&'a Shape>),
    }
    let mut waiting = vec![Next::Value(value, vec![shape])];
    std::iter::from_fn(move || {
        loop {
            let (value, shapes) = match waiting.pop()? {
                Next::Key(key) => return Some(Leaf::Text(key)),
                Next::Value(value, shapes) => (value, cases(shapes)),
            };
            match value {
                Value::Null | Value::Bool(_) => {}
                Value::String(text) => return Some(Leaf::Text(text)),
                Value::Number(number) => return Some(Leaf::Number(plain(&text_of(number)))),
                Value::Array(items) => {
                    let inner = shapes.iter().filter_map(|shape| match shape {
                        Shape::Set(inner) => Some(&**inner),
                        _ => None,
                    });
                    let inner: Vec<&Shape> = inner.collect();
                    waiting.extend(items.iter().map(|item| Next::Value(item, inner.clone())));
                }
                Value::Object(map) => {
                    for (key, value) in map {
                        let slots = shapes.iter().flat_map(|shape| shape.slots());
                        let named: Vec<&Shape> = slots
                            .filter(|slot| slot.name == *key)
                            .map(|slot| &slot.shape)
                            .collect();
                        if named.is_empty() {
                            waiting.push(Next::Key(key));
                        }
                        waiting.push(Next::Value(value, named));
                    }
                }
            }
        }
    })
}

/// The shapes that a value may have, unions opened.
fn cases(shapes: Vec<&Shape>) -> Vec<&Shape> {
    let mut waiting = shapes;
    let mut out = Vec::new();
    while let Some(shape) = waiting.pop() {
        match shape {
            Shape::Union(cases) => waiting.extend(cases.iter().map(|case| &case.shape)),
            other => out.push(other),
        }
    }
    out
}

/// A number without an exponent.
pub(super) fn text_of(number: &serde_json::Number) -> String {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(n), _, _) => n.to_string(),
        (_, Some(n), _) => n.to_string(),
        (_, _, Some(x)) => x.to_string(),
        _ => number.to_string(),
    }
}

/// One spelling for one number: `010.00` is `10`.
fn plain(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    match fraction.trim_end_matches('0') {
        "" if whole == "0" => "0".to_owned(),
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

/// The numbers in a text: `10`, `10.00`, `-3.5`; none that is a part of a word, a date or a longer number.
fn numbers(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | ',' | '_');
    text.split(|c: char| !is_part(c))
        .map(|token| token.trim_end_matches(['.', ',']))
        .filter(|token| {
            let digits = token.strip_prefix('-').unwrap_or(token);
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
            let all = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
            all(whole) && all(fraction)
        })
        .map(plain)
        .collect()
}
