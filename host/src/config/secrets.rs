//! The texts that must not be shown: collected from a configuration, and taken out of messages. Found are
//! - values of `env` and `headers`, whole, and what follows a header's scheme (`Bearer ...`);
//! - values and defaults of `${VAR}`; credentials of the environment that a child process inherits, known by their names;
//! - user, password and query values of every address, as written and decoded;
//! - of `args`: what follows a name like `--token` or `API_KEY=`, and long texts that look random, which are taken of
//!   every other value and of the paths of addresses too.
//!
//! Not found: a literal password that stands alone among `args`, and what a server has encoded anew.

use std::borrow::Cow;
use std::ffi::OsString;

use serde_json::Value;

/// Shorter texts (`1`, `debug`) are left: they hide nothing, and would make every message unreadable.
const SHORTEST: usize = 6;
/// Of secrets with several lines, those of at least this length are secrets too: a log shows them one by one.
const SHORTEST_LINE: usize = 8;
/// Random texts of this length are taken for secrets.
const RANDOM: usize = 20;
/// How much of a line is looked through before it is cut.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;
/// Parts of names that say that the value is a credential.
const CREDENTIALS: [&str; 7] = [
    "token",
    "key",
    "secret",
    "passw",
    "auth",
    "credential",
    "bearer",
];

/// `text` with `***` in place of every secret, of every line of one, and of its form inside a JSON string. Secrets under
/// six bytes are left.
pub fn redact(text: &str, secrets: &[String]) -> String {
    cover(text, &forms(secrets)).into_owned()
}

/// A JSON value with every string and key redacted as by [`redact`].
pub fn redact_value(value: Value, secrets: &[String]) -> Value {
    let forms = forms(secrets);
    if forms.is_empty() {
        return value;
    }
    cover_value(value, &forms)
}

/// The beginning of a line, at most `max` bytes, redacted before it is cut, and without characters that steer a terminal.
/// `is_whole` says whether the line ends where `line` does: else it may end amid a secret.
pub(crate) fn excerpt(line: &[u8], is_whole: bool, max: usize, secrets: &[String]) -> String {
    let kept = &line[..line.len().min(LONGEST_LINE)];
    let text = String::from_utf8_lossy(kept);
    let forms = forms(secrets);
    let mut text = cover(text.trim_end(), &forms).into_owned();
    if !is_whole || kept.len() < line.len() {
        let longest = forms.iter().map(|form| form.len()).max().unwrap_or(0);
        text.truncate(text.floor_char_boundary(text.len().saturating_sub(longest)));
    }
    text.truncate(text.floor_char_boundary(max));
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if witgate_codegen::text::is_hidden(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// Every text to look for.
fn forms(secrets: &[String]) -> Vec<Cow<'_, str>> {
    let mut forms: Vec<Cow<'_, str>> = Vec::new();
    for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST) {
        forms.push(secret.as_str().into());
        // Keys are often given in one line, with `\n` written out.
        let lines = secret
            .split(['\n', '\r'])
            .flat_map(|line| line.split("\\n"));
        let lines = lines
            .map(str::trim)
            .filter(|line| line.len() >= SHORTEST_LINE);
        forms.extend(lines.filter(|line| *line != secret).map(Cow::from));
        let quoted = Value::from(secret.as_str()).to_string();
        let inner = &quoted[1..quoted.len() - 1];
        if inner != secret {
            forms.push(inner.to_owned().into());
        }
    }
    forms
}

/// All occurrences at once, so that of two secrets that overlap, or one in the other, no piece is left.
fn cover<'t>(text: &'t str, forms: &[Cow<'_, str>]) -> Cow<'t, str> {
    let found = forms
        .iter()
        .flat_map(|form| text.match_indices(form.as_ref()));
    let mut spans: Vec<(usize, usize)> = found.map(|(at, form)| (at, at + form.len())).collect();
    if spans.is_empty() {
        return text.into();
    }
    spans.sort_unstable();
    let (mut out, mut end) = (String::new(), 0);
    for (from, to) in spans {
        if from >= end {
            out.push_str(&text[end..from]);
            out.push_str("***");
        }
        end = end.max(to);
    }
    out.push_str(&text[end..]);
    out.into()
}

fn cover_value(value: Value, forms: &[Cow<'_, str>]) -> Value {
    match value {
        Value::String(text) => Value::String(cover(&text, forms).into_owned()),
        Value::Array(items) => items
            .into_iter()
            .map(|item| cover_value(item, forms))
            .collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (cover(&key, forms).into_owned(), cover_value(value, forms)))
            .collect(),
        other => other,
    }
}

/// A value that is a secret as a whole: one of `env` or `headers`, or of a variable.
pub(super) fn add_value(value: &str, secrets: &mut Vec<String>) {
    add(value, secrets);
    if let Some((_, credential)) = value
        .split_once(' ')
        .filter(|(_, rest)| !rest.contains(' '))
    {
        add(credential, secrets);
    }
    add_parts(value, secrets);
}

/// What is secret in a text that is not so as a whole: an address, or something random.
pub(super) fn add_parts(text: &str, secrets: &mut Vec<String>) {
    add_address(text, secrets);
    let is_token = |c: char| c.is_ascii_alphanumeric() || "_-+=~".contains(c);
    for piece in text
        .split(|c| !is_token(c))
        .filter(|piece| is_random(piece))
    {
        add(piece, secrets);
    }
}

/// What is secret in a command line.
pub(super) fn add_arguments(arguments: &[String], secrets: &mut Vec<String>) {
    let mut named = false;
    for argument in arguments {
        add_parts(argument, secrets);
        if named && !argument.starts_with('-') {
            add_value(argument, secrets);
        }
        // `--token VALUE`, `--token=VALUE`, `-e TOKEN=VALUE`, `--header "Authorization: Bearer VALUE"`.
        named = argument.starts_with('-') && names_credential(argument);
        if let Some((name, value)) = argument.split_once(['=', ':'])
            && names_credential(name)
        {
            add_value(value.trim(), secrets);
            named = false;
        }
    }
}

/// Credentials among the variables that a child process inherits.
pub(super) fn add_environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
    secrets: &mut Vec<String>,
) {
    for (name, value) in variables {
        let value = value.to_string_lossy();
        if names_credential(&name.to_string_lossy()) && value.len() >= SHORTEST_LINE {
            add(&value, secrets);
        }
    }
}

fn add(text: &str, secrets: &mut Vec<String>) {
    if text.len() >= SHORTEST && !secrets.iter().any(|known| known == text) {
        secrets.push(text.to_owned());
    }
}

/// Read by hand, since it must not fail: an address that is wrong is told about in an error.
fn add_address(text: &str, secrets: &mut Vec<String>) {
    let Some((_, rest)) = text.split_once("://") else {
        return;
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let values = query
        .split('&')
        .map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    for value in [user, password].into_iter().chain(values) {
        add(value, secrets);
        add(&decode(value), secrets);
    }
}

/// `%41` as `A`; what is no such code stays.
fn decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(if first == b'+' { b' ' } else { first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn names_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    CREDENTIALS.iter().any(|part| name.contains(part))
}

/// Long, with letters and digits, and changing between small letters, capitals and digits more often than words do.
fn is_random(text: &str) -> bool {
    let kind = |c: u8| match c {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let bytes = text.as_bytes();
    let changes = bytes
        .windows(2)
        .filter(|pair| {
            let (left, right) = (kind(pair[0]), kind(pair[1]));
            left != right && left < 3 && right < 3
        })
        .count();
    bytes.len() >= RANDOM
        && bytes.iter().any(u8::is_ascii_digit)
        && bytes.iter().any(u8::is_ascii_alphabetic)
        && changes * 4 >= bytes.len()
}
