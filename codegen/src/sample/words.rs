//! Plausible texts: by format, by pattern, else by what the property is called.

use serde_json::{Map, Value};

use super::numbers::distinct;
use super::{least_of, most, pattern};

/// Longest text that is made to reach a `minLength`.
const LONGEST: u64 = 10_000;

/// The words of a property's name, in lower case: `issueId` and `issue_id` are `issue` and `id`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut before = ' ';
    for c in name.chars().take(100) {
        let starts = c.is_uppercase() && before.is_lowercase();
        if (starts || !c.is_alphanumeric()) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_among(name: &str, all: &[&str]) -> bool {
    words(name).iter().any(|word| all.contains(&word.as_str()))
}

fn ends_with(name: &str, all: &[&str]) -> bool {
    words(name)
        .last()
        .is_some_and(|word| all.contains(&word.as_str()))
}

/// Whether different things have different values there.
pub(super) fn is_id(name: &str) -> bool {
    ends_with(
        name,
        &[
            "id", "ids", "uuid", "guid", "key", "sha", "hash", "ref", "number", "iid",
        ],
    )
}

/// Whether a value there says that there is more, or that something went wrong: a program that goes on until it is gone
/// would never end.
pub(super) fn is_end(name: &str) -> bool {
    is_among(name, &["next", "cursor", "error", "continuation"])
}

/// Whether it counts or lists what went wrong.
pub(super) fn is_fault(name: &str) -> bool {
    is_among(
        name,
        &[
            "error", "errors", "warning", "warnings", "failed", "failures", "skipped", "missing",
        ],
    )
}

/// Whether a flag is likely set: what was asked for was done, and there is no more.
pub(super) fn is_true(name: &str) -> bool {
    is_among(
        name,
        &[
            "ok",
            "success",
            "successful",
            "succeeded",
            "done",
            "created",
            "updated",
            "deleted",
            "saved",
            "sent",
            "found",
            "valid",
            "exists",
            "enabled",
            "active",
            "completed",
        ],
    )
}

/// Another value of the same form: the last digits of a text are the number's.
pub(super) fn vary(shown: Value, number: u64) -> Value {
    match shown {
        Value::Number(n) if n.is_u64() && number > 0 => number.into(),
        Value::String(text) => {
            let is_digit = |c: char| c.is_ascii_digit();
            let Some(last) = text.rfind(is_digit) else {
                return format!("{text}-{number}").into();
            };
            let start = text[..last].rfind(|c| !is_digit(c)).map_or(0, |at| {
                at + text[at..].chars().next().map_or(1, char::len_utf8)
            });
            let width = last + 1 - start;
            let digits = format!("{number:0width$}");
            // What is too long loses the digits that differ least.
            let digits = &digits[digits.len().saturating_sub(width.max(1))..];
            format!("{}{digits}{}", &text[..start], &text[last + 1..]).into()
        }
        other => other,
    }
}

/// A text that fits the layers.
pub(super) fn text(
    layers: &[&Map<String, Value>],
    name: &str,
    number: u64,
    pick: usize,
) -> Option<String> {
    let shortest = most(layers, "minLength");
    let longest = least_of(layers, "maxLength");
    if shortest > LONGEST || shortest > longest {
        return None;
    }
    let number = distinct(number, pick);
    let pattern = layers
        .iter()
        .find_map(|layer| layer.get("pattern")?.as_str());
    let format = layers
        .iter()
        .find_map(|layer| layer.get("format")?.as_str());
    let named = format.and_then(|format| of_format(format, number));
    // A pattern that is not understood may still match what is usual.
    let matching = pattern.and_then(|p| pattern::text(p, number, shortest as usize, longest));
    if matching.is_some() {
        return matching;
    }
    let is_exact = named.is_some();
    let mut text = match named {
        Some(text) => text,
        None if is_end(name) => String::new(),
        None => of_name(name, number),
    };
    let length = text.chars().count() as u64;
    if length > longest {
        // The end tells it from others.
        text = text.chars().skip((length - longest) as usize).collect();
    }
    if length < shortest && !is_exact {
        text.extend(std::iter::repeat_n('x', (shortest - length) as usize));
    }
    Some(text)
}

/// A text of a format, where that says how it looks.
fn of_format(format: &str, number: u64) -> Option<String> {
    let small = number % 250 + 1;
    Some(match format {
        "date-time" => "2026-01-01T00:00:00Z".to_owned(),
        "date" => "2026-01-01".to_owned(),
        "time" => "00:00:00Z".to_owned(),
        "duration" => "PT1H".to_owned(),
        "email" | "idn-email" => format!("user-{number}@example.com"),
        "uri" | "url" | "iri" | "uri-reference" | "iri-reference" | "uri-template" => {
            format!("https://example.com/{number}")
        }
        "uuid" | "guid" => format!("00000000-0000-4000-8000-{:012x}", number & 0xffff_ffff_ffff),
        "ipv4" | "ip" => format!("192.0.2.{small}"),
        "ipv6" => format!("2001:db8::{small:x}"),
        "hostname" | "idn-hostname" => "example.com".to_owned(),
        "json-pointer" => "/example".to_owned(),
        "relative-json-pointer" => "0".to_owned(),
        "regex" => ".*".to_owned(),
        "byte" | "base64" => "ZXhhbXBsZQ==".to_owned(),
        _ => return None,
    })
}

/// A text by the name of its property.
fn of_name(name: &str, number: u64) -> String {
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    let timed = last == "at" || words.iter().any(|word| word == "timestamp");
    match last {
        _ if is_id(name) => format!("example-{number}"),
        _ if timed => "2026-01-01T00:00:00Z".to_owned(),
        "datetime" | "created" | "updated" | "modified" | "expires" => {
            "2026-01-01T00:00:00Z".to_owned()
        }
        "date" | "day" | "since" | "until" => "2026-01-01".to_owned(),
        "time" => "00:00:00".to_owned(),
        "url" | "uri" | "link" | "href" | "website" => format!("https://example.com/{number}"),
        "email" | "mail" => format!("user-{number}@example.com"),
        "path" | "file" | "filename" | "filepath" => format!("/example/{number}.txt"),
        "title" | "subject" | "summary" | "label" => format!("Example {number}"),
        "description" | "content" | "text" | "body" | "message" | "comment" => {
            "Example text".to_owned()
        }
        "status" | "result" => "ok".to_owned(),
        "state" => "open".to_owned(),
        "version" => "1.0.0".to_owned(),
        "currency" => "EUR".to_owned(),
        "phone" => "+15550100".to_owned(),
        "language" | "locale" | "lang" => "en".to_owned(),
        "timezone" => "UTC".to_owned(),
        "count" | "total" | "size" => "1".to_owned(),
        _ => format!("example-{number}"),
    }
}
