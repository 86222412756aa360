//! Strings and keys: odd ones, ones that match a pattern, ones of a format. Whether they fit is for the caller to check.

use fastrand::Rng;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Strings that conversions stumble over.
const ODD: [&str; 16] = [
    "",
    "a",
    "null",
    "true",
    "0",
    " leading and trailing ",
    "line\nbreak\ttab\r",
    "quote\"back\\slash",
    "\u{0}\u{1f}\u{7f}",
    "Grüße, 日本 🦀",
    "e\u{301}\u{200b}\u{202e}",
    "\u{10ffff}\u{fffd}",
    "{\"json\": [1]}",
    "a/b~c~0~1",
    "__proto__",
    "😀😀",
];

/// Keys that conversions stumble over.
const ODD_KEYS: [&str; 14] = [
    "",
    "__proto__",
    "constructor",
    "a/b~c",
    "~1",
    "with space",
    "Ünïcödé 🦀",
    "0",
    "$ref",
    "additional-properties",
    "additionalProperties",
    "\u{0}",
    "\"",
    "result",
];

/// Any string.
pub(crate) fn any(rng: &mut Rng) -> String {
    match rng.u8(0..100) {
        0 => "long ".repeat(rng.usize(100..2_000)),
        1..60 => rng.choice(ODD).unwrap_or_default().to_owned(),
        _ => word(rng),
    }
}

/// A plain word.
pub(crate) fn word(rng: &mut Rng) -> String {
    let length = rng.usize(1..12);
    (0..length).map(|_| rng.lowercase()).collect()
}

/// Any key.
pub(crate) fn key(rng: &mut Rng) -> String {
    if rng.u8(0..3) == 0 {
        word(rng)
    } else {
        rng.choice(ODD_KEYS).unwrap_or_default().to_owned()
    }
}

/// A key that a careless comparison takes for this one.
pub(crate) fn lookalike(key: &str, rng: &mut Rng) -> String {
    match rng.u8(0..6) {
        0 => key.to_uppercase(),
        1 => key.to_lowercase(),
        2 => key.replace('_', "-"),
        3 => key.replace(['-', '_'], ""),
        4 => format!("{key}_"),
        _ => {
            let mut out = String::new();
            for letter in key.chars() {
                if letter.is_uppercase() {
                    out.push('_');
                }
                out.extend(letter.to_lowercase());
            }
            out
        }
    }
}

/// Makes the string as long as the bounds say, in characters.
pub(crate) fn fit(text: String, least: usize, most: usize, rng: &mut Rng) -> String {
    let mut letters: Vec<char> = text.chars().take(most).collect();
    while letters.len() < least {
        letters.push(rng.alphanumeric());
    }
    letters.into_iter().collect()
}

/// A string of the format; any string for a format that is not known.
pub(crate) fn of_format(format: &str, rng: &mut Rng) -> String {
    let mut number = |from: u32, to: u32| rng.u32(from..=to);
    let date = format!(
        "{:04}-{:02}-{:02}",
        number(1900, 2100),
        number(1, 12),
        number(1, 28)
    );
    let time = format!(
        "{:02}:{:02}:{:02}",
        number(0, 23),
        number(0, 59),
        number(0, 59)
    );
    let zone = ["Z", ".123456+01:00", "-23:59"][number(0, 2) as usize];
    let end = word(rng);
    match format {
        "date-time" => format!("{date}T{time}{zone}"),
        "date" => date,
        "time" => format!("{time}{zone}"),
        "duration" => format!("P{}DT{}H", rng.u8(..), rng.u8(..)),
        "uri" | "url" | "iri" if rng.u8(0..4) == 0 => format!("urn:example:{end}"),
        "uri" | "url" | "iri" => format!("https://example.com/{end}?a=b%20c#d"),
        "uri-reference" | "iri-reference" => format!("../{end}#b"),
        "uri-template" => format!("https://example.com/{{{end}}}"),
        "email" | "idn-email" => format!("{end}.a+tag@sub.example.org"),
        "hostname" | "idn-hostname" => format!("{end}.example.com"),
        "ipv4" => format!("{}.0.{}.255", rng.u8(..), rng.u8(..)),
        "ipv6" => format!("2001:db8::{:x}", rng.u16(..)),
        "uuid" => format!("{:08x}-e89b-42d3-a456-{:012x}", rng.u32(..), rng.u32(..)),
        "json-pointer" => format!("/{end}/b~1c"),
        "relative-json-pointer" => format!("{}/{end}", rng.u8(..)),
        "regex" => format!("^{end}[0-9]+$"),
        _ => any(rng),
    }
}

/// A string that likely matches an ECMAScript pattern, about `stretch` repetitions long; `None` where the pattern is not read.
pub(crate) fn matching(pattern: &str, stretch: u32, rng: &mut Rng) -> Option<String> {
    let plain = without_lookaround(pattern);
    let hir = regex_syntax::parse(&plain).ok()?;
    let mut out = String::new();
    write_match(&hir, stretch, rng, &mut out)?;
    Some(out)
}

/// Looking ahead and back constrains, it makes nothing.
fn without_lookaround(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(found) = ["(?!", "(?=", "(?<!", "(?<="]
        .iter()
        .filter_map(|opening| rest.find(opening))
        .min()
    {
        out.push_str(&rest[..found]);
        let mut depth = 0;
        let mut escaped = false;
        let end = rest[found..].char_indices().find_map(|(at, letter)| {
            match letter {
                _ if escaped => {
                    escaped = false;
                    return None;
                }
                '\\' => escaped = true,
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(found + at + 1)
        });
        rest = end.map_or("", |end| &rest[end..]);
    }
    out + rest
}

fn write_match(hir: &Hir, stretch: u32, rng: &mut Rng, out: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges: Vec<(char, char)> = class
                .iter()
                .map(|range| (range.start(), range.end()))
                .collect();
            // What tools print is wanted; the rest of Unicode now and then.
            let plain: Vec<(char, char)> = ranges
                .iter()
                .map(|(start, end)| ((*start).max(' '), (*end).min('~')))
                .filter(|(start, end)| start <= end)
                .collect();
            let ranges = if plain.is_empty() || rng.u8(0..20) == 0 {
                &ranges
            } else {
                &plain
            };
            let (start, end) = *rng.choice(ranges)?;
            out.push(rng.char(start..=end));
        }
        HirKind::Class(Class::Bytes(class)) => {
            let range = class.iter().next()?;
            out.push(char::from(range.start()));
        }
        HirKind::Repetition(repetition) => {
            let most = repetition
                .max
                .unwrap_or(u32::MAX)
                .min(repetition.min.saturating_add(stretch));
            for _ in 0..rng
                .u32(repetition.min..=most.max(repetition.min))
                .min(5_000)
            {
                write_match(&repetition.sub, stretch, rng, out)?;
            }
        }
        HirKind::Capture(capture) => write_match(&capture.sub, stretch, rng, out)?,
        HirKind::Concat(all) => {
            for part in all {
                write_match(part, stretch, rng, out)?;
            }
        }
        HirKind::Alternation(all) => write_match(rng.choice(all)?, stretch, rng, out)?,
    }
    Some(())
}
