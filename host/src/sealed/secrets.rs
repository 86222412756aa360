//! Keys of services, by the shapes that their makers gave them so that they can be found. No guessing by disorder: a hash of a
//! commit is no secret.

use std::sync::LazyLock;

use regex::Regex;

use super::detect::{Place, apart, split_words};

/// How keys of a maker begin, how long they are in all, and what they are made of besides.
struct Shape {
    head: &'static str,
    length: (usize, usize),
    is_made_of: fn(u8) -> bool,
}

const MANY: usize = 4_096;

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

const fn shape(head: &'static str, length: (usize, usize), is_made_of: fn(u8) -> bool) -> Shape {
    Shape {
        head,
        length,
        is_made_of,
    }
}

const SHAPES: [Shape; 27] = [
    shape("AKIA", (20, 20), upper),
    shape("ASIA", (20, 20), upper),
    shape("ghp_", (40, 255), plain),
    shape("gho_", (40, 255), plain),
    shape("ghu_", (40, 255), plain),
    shape("ghs_", (40, 255), plain),
    shape("ghr_", (40, 255), plain),
    shape("github_pat_", (33, 255), word),
    shape("glpat-", (26, 255), word),
    shape("gldt-", (25, 255), word),
    shape("glrt-", (25, 255), word),
    shape("xoxa-", (20, 255), word),
    shape("xoxb-", (20, 255), word),
    shape("xoxe-", (20, 255), word),
    shape("xoxp-", (20, 255), word),
    shape("xoxr-", (20, 255), word),
    shape("xoxs-", (20, 255), word),
    shape("xapp-", (20, 255), word),
    // Longer ones of several makers begin alike.
    shape("sk-", (23, 300), word),
    shape("AIza", (39, 39), word),
    shape("sk_live_", (24, 255), plain),
    shape("rk_live_", (24, 255), plain),
    shape("sk_test_", (24, 255), plain),
    shape("whsec_", (30, 255), plain),
    shape("npm_", (40, 40), plain),
    shape("pypi-", (40, MANY), word),
    shape("hf_", (37, 37), plain),
];

/// Keys of services in a text, in order and apart.
pub(super) fn find(text: &str, key: &str) -> Vec<Place> {
    let mut found = shaped(text);
    found.extend(pem(text));
    found.extend(named(text, key));
    apart(found)
}

/// Run by run of the characters that keys are made of, so that it is linear whatever the runs are.
fn shaped(text: &str) -> Vec<Place> {
    let mut found: Vec<Place> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !word(bytes[at]) {
            at += 1;
            continue;
        }
        let end = run_end(bytes, at);
        let run = &text[at..end];
        let trimmed = run.trim_matches('-');
        let start = at + (run.len() - run.trim_start_matches('-').len());
        let is_key = SHAPES.iter().any(|shape| {
            trimmed.strip_prefix(shape.head).is_some_and(|rest| {
                (shape.length.0..=shape.length.1).contains(&trimmed.len())
                    && rest.bytes().all(shape.is_made_of)
                    && is_random(rest)
            })
        });
        if is_key {
            found.push((start, start + trimmed.len()));
        } else if let Some(end) = jwt_end(text, at, end) {
            found.push((at, end));
            at = end;
            continue;
        }
        at = end;
    }
    found
}

fn run_end(bytes: &[u8], at: usize) -> usize {
    let length = bytes[at..].iter().take_while(|b| word(**b)).count();
    at + length
}

/// Words joined by hyphens are no key.
fn is_random(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let capitals = text.bytes().filter(u8::is_ascii_uppercase).count();
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    letters > 0 && (digits >= 2 || capitals >= 4) && text.bytes().any(|b| b != text.as_bytes()[0])
}

/// Three parts, of which the first two are JSON in base64url: `{"` is `eyJ`.
fn jwt_end(text: &str, start: usize, end: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_part = |from: usize, to: usize| to - from >= 10 && text[from..].starts_with("eyJ");
    if !is_part(start, end) || bytes.get(end) != Some(&b'.') {
        return None;
    }
    let second = run_end(bytes, end + 1);
    if !is_part(end + 1, second) || bytes.get(second) != Some(&b'.') {
        return None;
    }
    let third = run_end(bytes, second + 1);
    (third > second + 1).then_some(third)
}

/// Private keys in PEM. One that is cut off is sealed to the end of the text.
fn pem(text: &str) -> Vec<Place> {
    const HEAD: &str = "-----BEGIN ";
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find(HEAD).map(|at| from + at) {
        let name = start + HEAD.len();
        let line = &text[name..text.floor_char_boundary(name + 64)];
        let dashes = line.find("-----").unwrap_or(0);
        if !line[..dashes].contains("PRIVATE KEY") {
            from = name;
            continue;
        }
        let body = name + dashes + 5;
        let end = text[body..].find("-----END ").map(|at| body + at + 9);
        let end = end.and_then(|at| Some(at + text[at..].find("-----")? + 5));
        let end = end.unwrap_or(text.len());
        found.push((start, end));
        from = end;
    }
    found
}

/// What a word before it, or its key, says to be a secret.
fn named(text: &str, key: &str) -> Vec<Place> {
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r#"(?-u:\b)(?i:aws|secret)[A-Za-z0-9_ .-]{0,30}["']?[ ]{0,3}[:=][ ]{0,3}["']?(?P<aws>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
            r"|(?i:bearer)[ \t]{1,4}(?P<bearer>[A-Za-z0-9._~+/-]{16,}={0,2})",
        ))
        .ok()
    });
    let mut found = Vec::new();
    for captures in NAMED.iter().flat_map(|named| named.captures_iter(text)) {
        let part = captures.name("aws").or_else(|| captures.name("bearer"));
        if let Some(part) = part.filter(|part| is_random(part.as_str())) {
            found.push((part.start(), part.end()));
        }
    }
    let words = split_words(key);
    let has = |word: &str| words.iter().any(|w| w == word);
    let is_aws = text.len() == 40
        && text.bytes().all(|b| plain(b) || matches!(b, b'/' | b'+'))
        && (has("secret") || has("secretaccesskey"))
        && is_random(text);
    if is_aws {
        found.push((0, text.len()));
    }
    found
}
