//! Phone numbers: international ones that exist, national ones only in a shape that says so.

use std::sync::LazyLock;

use regex::Regex;

use super::detect::{Place, digits, split_words, stands_alone};

/// Most digits of a number with its country.
const LONGEST: usize = 15;

/// Phone numbers in a text, or the text itself where its key says what it is.
pub(super) fn find(text: &str, key: &str) -> Vec<Place> {
    let found = candidates(text);
    let whole = text.trim();
    if found.is_empty() && is_key(key) && is_dialled(whole) {
        let start = text.len() - text.trim_start().len();
        return vec![(start, start + whole.len())];
    }
    found
}

/// Whether a key says that its value is a phone number.
pub(super) fn is_key(key: &str) -> bool {
    let words = split_words(key);
    let counts = ["id", "ids", "count", "type", "total", "at", "bytes"];
    let phones = [
        "phone",
        "phones",
        "telephone",
        "mobile",
        "tel",
        "telefon",
        "fax",
        "msisdn",
        "whatsapp",
        "cell",
        "cellphone",
        "landline",
        "sms",
        "handy",
    ];
    let is_one = |word: &String, of: &[&str]| of.contains(&word.as_str());
    words.iter().any(|w| is_one(w, &phones)) && !words.iter().any(|w| is_one(w, &counts))
}

/// Whether digits are a phone number with its country.
pub(super) fn is_number(digits: &str) -> bool {
    let length = (7..=LONGEST).contains(&digits.len());
    length
        && !digits.starts_with('0')
        && phonenumber::parse(None, format!("+{digits}"))
            .is_ok_and(|number| phonenumber::is_valid(&number))
}

/// What a person would dial, where it is known to be a phone number.
fn is_dialled(text: &str) -> bool {
    let only = text
        .chars()
        .all(|c| c.is_ascii_digit() || " +()-./".contains(c));
    only && text.len() <= 40 && (7..=LONGEST).contains(&digits(text).len())
}

fn candidates(text: &str) -> Vec<Place> {
    // Country, `(0)` and all; an area in brackets; one that begins with 0; the North American form.
    static SHAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?P<country>(?:\+|(?-u:\b)00)[ ]?[1-9](?:[ \u{a0}./()-]{0,3}[0-9]){6,17})",
            r"|(?P<area>\([0-9]{2,6}\)[ \u{a0}]?[0-9]{2,8}(?:[ /-][0-9]{2,6}){0,3})",
            r"|(?P<trunk>(?-u:\b)0[1-9][0-9]{0,4}(?:[ ]?[/-][ ]?[0-9]{2,8}|[ .][0-9]{2,8})(?:[ .-][0-9]{2,6}){0,4})",
            r"|(?P<america>(?-u:\b)(?:1[-.])?[2-9][0-9]{2}[-.][2-9][0-9]{2}[-.][0-9]{4})",
        ))
        .ok()
    });
    let mut found = Vec::new();
    for captures in SHAPES.iter().flat_map(|shapes| shapes.captures_iter(text)) {
        let Some(all) = captures.get(0) else { continue };
        let place = if captures.name("country").is_some() {
            with_country(text, all.start(), all.end())
        } else {
            let place = (all.start(), all.end());
            is_national(all.as_str(), captures.name("trunk").is_some()).then_some(place)
        };
        found.extend(place.filter(|place| stands_alone(text, *place)));
    }
    found
}

/// The longest part up to a separator that is a number with its country.
fn with_country(text: &str, start: usize, end: usize) -> Option<Place> {
    let shape = text[start..end].trim_end_matches(|c: char| !c.is_ascii_digit());
    // `00` alone begins many numbers.
    if shape.starts_with("00") && !shape.contains(|c: char| !c.is_ascii_digit()) {
        return None;
    }
    let mut part = shape;
    for _ in 0..6 {
        let plain = part.replacen("(0)", "", 1);
        let plain = plain.trim_start_matches("00");
        let next = text[start + part.len()..].chars().next();
        if !next.is_some_and(|c| c.is_ascii_digit()) && is_number(&digits(plain)) {
            return Some((start, start + part.len()));
        }
        let cut = part.rfind(|c: char| !c.is_ascii_digit() && c != '+')?;
        part = part[..cut].trim_end_matches(|c: char| !c.is_ascii_digit());
    }
    None
}

/// Whether a number without country is none of dates, addresses of machines and years.
fn is_national(text: &str, has_trunk: bool) -> bool {
    let groups: Vec<&str> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|group| !group.is_empty())
        .collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_date = matches!(lengths[..], [1 | 2, 1 | 2, 2 | 4, ..]) && lengths.len() < 5;
    let is_address = text.matches('.').count() == 3 && lengths.iter().all(|length| *length <= 3);
    let is_month = matches!(lengths[..], [2, 4]);
    let total: usize = lengths.iter().sum();
    let enough = if has_trunk { 8..=13 } else { 7..=13 };
    enough.contains(&total) && !(has_trunk && (is_date || is_address || is_month))
}
