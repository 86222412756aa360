//! What can be recognised in texts without being told where it stands. Each detector is one pass over the text and prefers to
//! miss what only might be: a number that could as well be an order's is none. What a detector finds has its name as class.

use std::sync::LazyLock;

use regex::Regex;

use super::{Class, national, phone, secrets};

/// A shape that is looked for, the most certain first: where two overlap, the first wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detector {
    ApiKey,
    Email,
    Iban,
    NationalId,
    Card,
    Phone,
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) detector: Detector,
}

/// Start and end of what was found, in bytes.
pub(super) type Place = (usize, usize);

/// What was found, in order, the longest of those that begin together, and none over another.
pub(super) fn apart(mut found: Vec<Place>) -> Vec<Place> {
    found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut end = 0;
    found.retain(|place| {
        let is_free = place.0 >= end;
        end = if is_free { place.1 } else { end };
        is_free
    });
    found
}

impl Detector {
    pub(super) const ALL: [Detector; 6] = [
        Detector::Email,
        Detector::Phone,
        Detector::Card,
        Detector::Iban,
        Detector::NationalId,
        Detector::ApiKey,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Detector::Email => "email",
            Detector::Phone => "phone",
            Detector::Card => "card",
            Detector::Iban => "iban",
            Detector::NationalId => "national-id",
            Detector::ApiKey => "api-key",
        }
    }

    /// `email, phone, ...`
    pub(super) fn names() -> String {
        Detector::ALL.map(Detector::name).join(", ")
    }

    pub(super) fn named(name: &str) -> Option<Detector> {
        Detector::ALL.into_iter().find(|d| d.name() == name)
    }

    pub(super) fn class(self) -> Class {
        Class(self.name().to_owned())
    }
}

/// What the detectors find in a text, in order and apart. `key` is the key that the text stands under, or empty.
pub(super) fn find(detectors: &[Detector], text: &str, key: &str) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    for &detector in detectors {
        let found = match detector {
            Detector::ApiKey => secrets::find(text, key),
            Detector::Email => emails(text),
            Detector::Iban => ibans(text),
            Detector::NationalId => national::find(text, key),
            Detector::Card => cards(text),
            Detector::Phone => phone::find(text, key),
        };
        if found.is_empty() {
            continue;
        }
        let mut taken = hits.iter().peekable();
        let mut free: Vec<Hit> = Vec::new();
        for (start, end) in found {
            while taken.next_if(|other| other.end <= start).is_some() {}
            if taken.peek().is_none_or(|other| other.start >= end) {
                free.push(Hit {
                    start,
                    end,
                    detector,
                });
            }
        }
        hits.extend(free);
        hits.sort_by_key(|hit| hit.start);
    }
    hits
}

/// Whether a number is something that is looked for, by its text and the key that it stands under.
pub(super) fn number(detectors: &[Detector], text: &str, key: &str) -> Option<Detector> {
    if !text.bytes().all(|b| b.is_ascii_digit()) || !(7..=19).contains(&text.len()) {
        return None;
    }
    detectors.iter().copied().find(|detector| match detector {
        Detector::ApiKey | Detector::Email | Detector::Iban => false,
        Detector::NationalId => national::find(text, key) == [(0, text.len())],
        Detector::Card => is_card(text),
        Detector::Phone => phone::is_key(key) && phone::is_number(text),
    })
}

/// Whether nothing around a part makes it a part of something longer: a letter, a digit, or digits behind `-`, `.`, `/`.
pub(super) fn stands_alone(text: &str, (start, end): Place) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let joins = |c: char| matches!(c, '-' | '.' | '/' | ',' | ':');
    let is_cut = |near: Option<char>, far: Option<char>| match (near, far) {
        (Some(near), _) if is_word(near) => true,
        (Some(near), Some(far)) => joins(near) && far.is_ascii_digit(),
        _ => false,
    };
    let mut before = text[..start].chars().rev();
    let mut after = text[end..].chars();
    !is_cut(before.next(), before.next()) && !is_cut(after.next(), after.next())
}

/// Whether one of the words stands shortly before a place, or in its key.
pub(super) fn is_labelled(text: &str, start: usize, key: &str, words: &[&str]) -> bool {
    let near = text[text.floor_char_boundary(start.saturating_sub(40))..start].to_lowercase();
    let key = split_words(key);
    words.iter().any(|word| {
        let parts: Vec<&str> = word.split(' ').collect();
        let in_key = key.windows(parts.len()).any(|window| window == parts);
        let in_text = near.match_indices(word).any(|(at, _)| {
            let before = near[..at].chars().next_back();
            let after = near[at + word.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        });
        in_key || in_text
    })
}

/// `phoneNumber`, `phone_number` and `phone-number` as words.
pub(super) fn split_words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in key.chars() {
        let is_new = !c.is_alphanumeric() || (c.is_uppercase() && was_lower);
        was_lower = c.is_lowercase();
        if is_new {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

pub(super) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// From each `@`, outwards: linear, whatever stands around.
fn emails(text: &str) -> Vec<Place> {
    const LONGEST_NAME: usize = 64;
    const LONGEST_DOMAIN: usize = 253;
    static AT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("@|%40").ok());
    let beyond_ascii = |c: char| {
        let is_mark = matches!(c, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}');
        !c.is_ascii()
            && !c.is_whitespace()
            && !c.is_control()
            && !is_mark
            && !"«»“”‘’¿¡·".contains(c)
    };
    let mut found = Vec::new();
    let mut from = 0;
    for at in AT.iter().flat_map(|at| at.find_iter(text)) {
        if at.start() < from {
            continue;
        }
        let in_name =
            |c: &char| c.is_ascii_alphanumeric() || "._%+-'".contains(*c) || beyond_ascii(*c);
        let name = text[from..at.start()].chars().rev();
        let name: usize = name
            .take(LONGEST_NAME)
            .take_while(in_name)
            .map(char::len_utf8)
            .sum();
        let name = text[at.start() - name..at.start()].trim_start_matches(['.', '-', '\'', '%']);
        let in_domain =
            |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-') || beyond_ascii(*c);
        let domain = text[at.end()..].chars();
        let domain: usize = domain
            .take(LONGEST_DOMAIN)
            .take_while(in_domain)
            .map(char::len_utf8)
            .sum();
        let domain = domain_length(&text[at.end()..at.end() + domain]);
        if let (false, Some(domain)) = (name.is_empty(), domain) {
            from = at.end() + domain;
            found.push((at.start() - name.len(), from));
        }
    }
    found
}

/// How much of a text is a domain: labels of letters and digits, at least two, the last one a word.
fn domain_length(text: &str) -> Option<usize> {
    let mut length = 0;
    let mut best = None;
    for (index, label) in text.split('.').enumerate() {
        let is_name = |l: &str| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-');
        let is_punycode = label.len() > 4 && label.starts_with("xn--") && is_name(label);
        // `a@b.de-` and `a@b.de2` are followed by something, not ended by it.
        let word = label.find(|c: char| c.is_ascii() && !c.is_ascii_alphabetic());
        let word = match is_punycode {
            true => label.len(),
            false => word.unwrap_or(label.len()),
        };
        if index > 0 && label[..word].chars().count() >= 2 {
            best = Some(length + word);
        }
        if !is_name(label) {
            break;
        }
        length += label.len() + 1;
    }
    best
}

/// Card numbers: one group of digits, or groups with the same space or hyphen between.
fn cards(text: &str) -> Vec<Place> {
    let mut found = Vec::new();
    for run in digit_groups(text) {
        let mut first = 0;
        while first < run.len() {
            let mut next = first + 1;
            // The longest that is one.
            for last in (first..run.len().min(first + 6)).rev() {
                let place = (run[first].0, run[last].1);
                let groups = &run[first..=last];
                let has_shape = groups.len() == 1
                    || (groups[0].1 - groups[0].0 == 4
                        && groups.iter().all(|(s, e)| (2..=7).contains(&(e - s))));
                let number = &text[place.0..place.1];
                let one_separator = !(number.contains(' ') && number.contains('-'));
                if has_shape
                    && one_separator
                    && is_card(&digits(number))
                    && stands_alone(text, place)
                {
                    found.push(place);
                    next = last + 1;
                    break;
                }
            }
            first = next;
        }
    }
    found
}

/// Runs of groups of digits with one space or hyphen between; groups longer than any number are left out.
fn digit_groups(text: &str) -> Vec<Vec<Place>> {
    static GROUP: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("[0-9]+").ok());
    let mut runs: Vec<Vec<Place>> = Vec::new();
    for group in GROUP.iter().flat_map(|group| group.find_iter(text)) {
        let place = (group.start(), group.end());
        let joins = |last: &Place| matches!(&text[last.1..place.0], " " | "-");
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(joins) => run.push(place),
            _ => runs.push(vec![place]),
        }
    }
    runs
}

fn is_card(digits: &str) -> bool {
    // 13 digits are more often an article, which has a check digit too, or a phone, than a card of the last century.
    let is_other = digits.len() == 13
        && (weighted(digits, &[1, 3]).is_multiple_of(10) || phone::is_number(digits));
    (13..=19).contains(&digits.len())
        && !is_other
        && luhn(digits)
        && card_validate::Validate::from(digits).is_ok()
        && !digits.bytes().skip(1).all(|b| b == b'0')
}

/// Whether the digits end with the check digit of Luhn.
pub(super) fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte - b'0') << (index % 2);
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The sum of the digits, each by its weight; the weights begin again where they end.
pub(super) fn weighted(digits: &str, weights: &[u32]) -> u32 {
    let digits = digits.bytes().map(|byte| u32::from(byte - b'0'));
    digits.zip(weights.iter().cycle()).map(|(d, w)| d * w).sum()
}

/// IBANs with or without spaces, in either case.
fn ibans(text: &str) -> Vec<Place> {
    static HEAD: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new("[A-Za-z]{2}[0-9]{2}[ A-Za-z0-9]").ok());
    const LONGEST: usize = 34;
    let mut found = Vec::new();
    let mut from = 0;
    for head in HEAD.iter().flat_map(|head| head.find_iter(text)) {
        let start = head.start();
        if start < from || text[..start].ends_with(|c: char| c.is_alphanumeric()) {
            continue;
        }
        // Where a group ends, the number may end.
        let mut number = String::new();
        let mut ends = Vec::new();
        let bytes = text[start..].bytes().take(LONGEST + 12).enumerate();
        let mut was_space = false;
        for (index, byte) in bytes {
            match byte {
                b' ' if was_space => break,
                b' ' => was_space = true,
                byte if byte.is_ascii_alphanumeric() => {
                    was_space = false;
                    number.push(char::from(byte.to_ascii_uppercase()));
                    let next = text.as_bytes().get(start + index + 1);
                    if !next.is_some_and(u8::is_ascii_alphanumeric) {
                        ends.push((start + index + 1, number.len()));
                    }
                }
                _ => break,
            }
        }
        let end = ends.into_iter().rev().find(|(_, length)| {
            (15..=LONGEST).contains(length) && number[..*length].parse::<iban::Iban>().is_ok()
        });
        if let Some((end, _)) = end {
            found.push((start, end));
            from = end;
        }
    }
    found
}
