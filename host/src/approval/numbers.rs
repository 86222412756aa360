//! Lists of numbers as a person writes them: `1,4-6`.

use std::collections::BTreeSet;

/// Positions, from 0, of the items that a list names by numbers from 1, in a question of `count` items.
///
/// # Errors
/// What is wrong with the list, for a person: it is none, is empty, or names an item that is not there.
pub fn parse(list: &str, count: usize) -> Result<BTreeSet<usize>, String> {
    let number = |text: &str| -> Result<usize, String> {
        let text = text.trim();
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<usize>() {
            Ok(n) if digits && (1..=count).contains(&n) => Ok(n),
            _ if digits => Err(format!("there is no item {text}, only 1 to {count}")),
            _ => Err("numbers look like 1,4-6".to_owned()),
        }
    };
    let mut found = BTreeSet::new();
    for part in list.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        if first > last {
            return Err(format!("{first}-{last} is the wrong way round"));
        }
        found.extend(first - 1..last);
    }
    Ok(found)
}

/// Positions from 0 as a list of numbers from 1, as short as it gets.
#[must_use]
pub fn write(positions: &BTreeSet<usize>) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for number in positions.iter().map(|p| p + 1) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let text = |(first, last): (usize, usize)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    };
    runs.into_iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_written() {
        assert_eq!(parse("1, 4-6,5", 6).unwrap(), [0, 3, 4, 5].into());
        assert_eq!(write(&[0, 3, 4, 5].into()), "1,4-6");
        for wrong in [
            "",
            "0",
            "7",
            "1,",
            "2-1",
            "x",
            "1-",
            "+1",
            "-1",
            "1--2",
            "99999999999999999999",
        ] {
            assert!(parse(wrong, 6).is_err(), "{wrong}");
        }
    }
}
