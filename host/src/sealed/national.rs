//! Numbers that states give to people. Where such a number has no check of its own or looks like any other, a word nearby must
//! say what it is.

use std::sync::LazyLock;

use regex::Regex;

use super::detect::{Place, apart, digits, is_labelled, luhn, stands_alone, weighted};

/// A kind of number: what it looks like, and whether a text of that look is one. The check gets the text as written, and
/// whether one of the words stands nearby.
struct Kind {
    shape: &'static str,
    words: &'static [&'static str],
    is_one: fn(&str, bool) -> bool,
}

const KINDS: [Kind; 10] = [
    // United States: social security number.
    Kind {
        shape: r"[0-9]{3}([- ]?)[0-9]{2}[- ]?[0-9]{4}",
        words: &["ssn", "social security", "social"],
        is_one: ssn,
    },
    // United Kingdom: national insurance number.
    Kind {
        shape: r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]",
        words: &[],
        is_one: nino,
    },
    // Germany: tax number of a person.
    Kind {
        shape: r"[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        words: &[],
        is_one: steuer_id,
    },
    // France: number of the social insurance.
    Kind {
        shape: r"[12] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[ABab]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        words: &[],
        is_one: nir,
    },
    // Spain: DNI and NIE.
    Kind {
        shape: r"(?:[0-9]{8}|[XYZxyz]-?[0-9]{7})[- ]?[A-Za-z]",
        words: &[],
        is_one: dni,
    },
    // Italy.
    Kind {
        shape: r"(?i)[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
        words: &[],
        is_one: codice_fiscale,
    },
    // The Netherlands.
    Kind {
        shape: r"[0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{2,3}",
        words: &["bsn", "burgerservicenummer", "sofinummer"],
        is_one: bsn,
    },
    // Poland.
    Kind {
        shape: r"[0-9]{11}",
        words: &["pesel"],
        is_one: pesel,
    },
    // Sweden.
    Kind {
        shape: r"(?:[0-9]{2})?[0-9]{6}[-+]?[0-9]{4}",
        words: &["personnummer", "pnr", "personal identity number"],
        is_one: personnummer,
    },
    // Germany: number of the pension insurance.
    Kind {
        shape: r"[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}",
        words: &[],
        is_one: pension,
    },
];

/// National numbers in a text, in order and apart.
pub(super) fn find(text: &str, key: &str) -> Vec<Place> {
    static SHAPES: LazyLock<Vec<(Regex, &Kind)>> = LazyLock::new(|| {
        let read = |kind: &'static Kind| Some((Regex::new(kind.shape).ok()?, kind));
        KINDS.iter().filter_map(read).collect()
    });
    let mut found: Vec<Place> = Vec::new();
    for (shape, kind) in SHAPES.iter() {
        let mut from = 0;
        while let Some(hit) = shape.find_at(text, from) {
            let place = (hit.start(), hit.end());
            let alone = stands_alone(text, place);
            let is_one = alone && {
                let labelled = is_labelled(text, hit.start(), key, kind.words);
                (kind.is_one)(hit.as_str(), labelled)
            };
            if is_one {
                found.push(place);
                from = hit.end();
            } else {
                // Of groups that do not belong together the next may begin one. All that a shape begins with is ASCII.
                from = hit.start() + 1;
            }
        }
    }
    apart(found)
}

fn compact(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_uppercase()).collect()
}

/// The number that a few digits write.
fn value(digits: &str) -> u64 {
    digits.bytes().fold(0, |n, b| n * 10 + u64::from(b - b'0'))
}

fn is_day(month: u64, day: u64) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

fn ssn(text: &str, labelled: bool) -> bool {
    let hyphens = text.matches('-').count();
    let spaces = text.matches(' ').count();
    let has_shape = match (hyphens, spaces) {
        (2, 0) => true,
        (0, 0 | 2) => labelled,
        _ => false,
    };
    let number = digits(text);
    let (area, group, serial) = (&number[..3], &number[3..5], &number[5..]);
    // Never given out, the last two for having been printed in advertisements.
    let is_void = matches!(area, "000" | "666") || area.starts_with('9');
    let is_known = matches!(number.as_str(), "078051120" | "219099999");
    has_shape && !is_void && !is_known && group != "00" && serial != "0000"
}

fn nino(text: &str, _: bool) -> bool {
    !["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].contains(&&text[..2])
}

/// One digit of the first ten stands twice or three times, all others once at most; the last is ISO 7064 MOD 11, 10.
fn steuer_id(text: &str, _: bool) -> bool {
    let number = digits(text);
    let spaces = text.matches(' ').count();
    let mut counts = [0u32; 10];
    number[..10]
        .bytes()
        .for_each(|b| counts[usize::from(b - b'0')] += 1);
    let twice = counts.iter().filter(|count| **count > 1).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    let mut product = 10;
    for byte in number[..10].bytes() {
        let sum = match (u32::from(byte - b'0') + product) % 10 {
            0 => 10,
            sum => sum,
        };
        product = sum * 2 % 11;
    }
    let check = (11 - product) % 10;
    matches!(spaces, 0 | 3)
        && twice == 1
        && most <= 3
        && check == u32::from(number.as_bytes()[10] - b'0')
}

fn nir(text: &str, _: bool) -> bool {
    let number = compact(text);
    let month = value(&digits(&number[3..5]));
    // Corsica's departments count as 19 and 18.
    let plain = match &number[5..7] {
        "2A" => number.replacen("2A", "19", 1),
        "2B" => number.replacen("2B", "18", 1),
        _ => number.clone(),
    };
    let is_month = matches!(month, 1..=12 | 20 | 30..=42 | 50..=99);
    is_month && digits(&plain).len() == 15 && 97 - value(&plain[..13]) % 97 == value(&plain[13..])
}

fn dni(text: &str, _: bool) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let number = compact(text);
    let lead = match number.as_bytes()[0] {
        b'X' => "0",
        b'Y' => "1",
        b'Z' => "2",
        _ => "",
    };
    let whole = format!("{lead}{}", digits(&number));
    let letter = number.as_bytes()[number.len() - 1];
    LETTERS[(value(&whole) % 23) as usize] == letter && value(&whole) > 0
}

fn codice_fiscale(text: &str, _: bool) -> bool {
    /// What a character counts in the first, third, fifth place; digits count as the letters from A on.
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let number = compact(text);
    let sum: u32 = number[..15]
        .bytes()
        .enumerate()
        .map(|(index, byte)| {
            let rank = match byte {
                b'0'..=b'9' => byte - b'0',
                _ => byte - b'A',
            };
            match index % 2 {
                0 => ODD[usize::from(rank)],
                _ => u32::from(rank),
            }
        })
        .sum();
    u32::from(number.as_bytes()[15] - b'A') == sum % 26
}

/// The test of eleven; every tenth number passes it, so that a word must say what it is.
fn bsn(text: &str, labelled: bool) -> bool {
    let number = digits(text);
    let number = format!("{number:0>9}");
    let sum = weighted(&number[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
    let last = u32::from(number.as_bytes()[8] - b'0');
    labelled && sum > 0 && sum % 11 == last
}

fn pesel(text: &str, _: bool) -> bool {
    // The month says the century too.
    let is_date = is_day(value(&text[2..4]) % 20, value(&text[4..6])) && value(&text[2..4]) <= 92;
    is_date && weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Without a hyphen, or with the century of a recent year, it looks like the time of some event: then a word must say it.
fn personnummer(text: &str, labelled: bool) -> bool {
    let number = digits(text);
    let (century, short) = number.split_at(number.len() - 10);
    let is_year = match century {
        "" => true,
        _ => {
            let year = value(&number[..4]);
            (1900..2012).contains(&year) || (labelled && (1900..2100).contains(&year))
        }
    };
    // Numbers for those without one have 60 added to the day.
    let day = value(&short[4..6]);
    let is_date =
        is_day(value(&short[2..4]), day) || is_day(value(&short[2..4]), day.saturating_sub(60));
    let has_hyphen = text.contains(['-', '+']);
    (has_hyphen || labelled) && is_year && is_date && luhn(short)
}

/// The letter counts as two digits; of each product the digits are added.
fn pension(text: &str, _: bool) -> bool {
    let number = compact(text);
    let letter = number.as_bytes()[8] - b'A' + 1;
    let plain = format!("{}{letter:02}{}", &number[..8], &number[9..11]);
    let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u32 = plain
        .bytes()
        .zip(weights)
        .map(|(byte, weight)| {
            let product = u32::from(byte - b'0') * weight;
            product / 10 + product % 10
        })
        .sum();
    let day = value(&number[2..4]);
    let is_date = is_day(value(&number[4..6]), day) || (51..=81).contains(&day);
    is_date && sum % 10 == u32::from(number.as_bytes()[11] - b'0')
}
