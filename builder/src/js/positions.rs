//! Positions in the text that the engine sees, and where they stand in the author's file. A table of points: from one point
//! to the next on the same line, columns run in step; a line without a point stands where it stood.

use serde::{Deserialize, Serialize};

/// One point: `(line, column)` in the engine's text, `(line, column)` in the author's; all from 0. The engine counts its
/// columns in bytes, the author's are in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position(pub u32, pub u32, pub u32, pub u32);

/// The author's position of an engine's position; both from 0.
pub(crate) fn locate(points: &[Position], line: u32, column: u32) -> (u32, u32) {
    let after = points.partition_point(|p| (p.0, p.1) <= (line, column));
    match after.checked_sub(1).and_then(|i| points.get(i)) {
        Some(p) if p.0 == line => (p.2, p.3 + (column - p.1)),
        _ => (line, column),
    }
}

/// The table of two steps, the later one first. Between the steps, columns are in characters.
pub(crate) fn compose(later: &[Position], earlier: &[Position]) -> Vec<Position> {
    if earlier.is_empty() {
        return later.to_vec();
    }
    // Every point of either step is one of the whole; where both have one, the later step's counts.
    let through = later.iter().map(|p| {
        let (line, column) = locate(earlier, p.2, p.3);
        Position(p.0, p.1, line, column)
    });
    let mut whole: Vec<Position> = through.collect();
    // The later step moves nothing past anything, so its points are in order on its side towards the earlier one too.
    for p in earlier {
        let before = later.partition_point(|l| (l.2, l.3) <= (p.0, p.1));
        let point = match before.checked_sub(1).and_then(|i| later.get(i)) {
            Some(l) if l.2 == p.0 => Position(l.0, l.1 + (p.1 - l.3), p.2, p.3),
            _ => *p,
        };
        whole.push(point);
    }
    whole.sort_by_key(|p| (p.0, p.1));
    whole.dedup_by_key(|p| (p.0, p.1));
    whole
}

/// Where a text ends that starts here, columns in bytes.
pub(crate) fn advance_bytes(from: (u32, u32), text: &str) -> (u32, u32) {
    match text.rfind('\n') {
        None => (from.0, from.1 + text.len() as u32),
        Some(last) => {
            let lines = text.bytes().filter(|b| *b == b'\n').count();
            (from.0 + lines as u32, (text.len() - last - 1) as u32)
        }
    }
}

/// Where a text ends that starts here, columns in characters.
pub(crate) fn advance(from: (u32, u32), text: &str) -> (u32, u32) {
    let (lines, column) = line_column(text, text.len());
    match lines {
        0 => (from.0, from.1 + column),
        _ => (from.0 + lines, column),
    }
}

/// A point after every character of a kept text that is more than one byte: there the two counts part.
pub(crate) fn points_within(
    text: &str,
    mut engine: (u32, u32),
    mut author: (u32, u32),
    points: &mut Vec<Position>,
) {
    if text.is_ascii() {
        return;
    }
    for c in text.chars() {
        if c == '\n' {
            (engine, author) = ((engine.0 + 1, 0), (author.0 + 1, 0));
            continue;
        }
        engine.1 += c.len_utf8() as u32;
        author.1 += 1;
        if c.len_utf8() > 1 {
            points.push(Position(engine.0, engine.1, author.0, author.1));
        }
    }
}

/// The column in characters of a column in UTF-16 units, in which source maps count.
pub(crate) fn characters(line: &str, utf16: u32) -> u32 {
    let mut units = 0;
    let before = line.chars().take_while(|c| {
        units += c.len_utf16() as u32;
        units <= utf16
    });
    before.count() as u32
}

/// Line and column of a byte offset, both from 0, the column in characters.
pub(crate) fn line_column(text: &str, offset: usize) -> (u32, u32) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line = before.bytes().filter(|b| *b == b'\n').count();
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (line as u32, before[start..].chars().count() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_point_stands_where_it_stood() {
        assert_eq!(locate(&[Position(0, 10, 0, 0)], 3, 4), (3, 4));
        assert_eq!(locate(&[Position(0, 10, 0, 0)], 0, 14), (0, 4));
    }

    #[test]
    fn two_steps_compose() {
        // The types' removal moved line 5 to line 2; the edit then put 7 characters before column 4 of line 2.
        let earlier = [Position(2, 0, 5, 0)];
        let later = [Position(2, 11, 2, 4)];
        let whole = compose(&later, &earlier);
        assert_eq!(locate(&whole, 2, 13), (5, 6));
        assert_eq!(locate(&whole, 2, 1), (5, 1));
    }

    #[test]
    fn points_of_the_earlier_step_survive_between_edits() {
        // `f(g(x))` stood at columns 8, 12 and 20 of the author's line 1; the edit put 5 bytes before and after `f(`.
        let earlier = [
            Position(0, 0, 1, 8),
            Position(0, 2, 1, 12),
            Position(0, 4, 1, 20),
        ];
        let later = [Position(0, 5, 0, 0), Position(0, 12, 0, 2)];
        let whole = compose(&later, &earlier);
        assert_eq!(locate(&whole, 0, 5), (1, 8));
        assert_eq!(locate(&whole, 0, 12), (1, 12));
        assert_eq!(locate(&whole, 0, 14), (1, 20));
    }

    #[test]
    fn bytes_units_and_characters_are_told_apart() {
        let line = "a é 😀 b";
        let mut points = vec![Position(0, 10, 0, 0)];
        points_within(line, (0, 10), (0, 0), &mut points);
        let b = line.find('b').unwrap_or(0) as u32;
        assert_eq!(locate(&points, 0, 10 + b), (0, 6));
        assert_eq!(characters(line, 7), 6);
        assert_eq!(advance_bytes((0, 3), line), (0, 3 + line.len() as u32));
        assert_eq!(advance((0, 3), "x\né"), (1, 1));
    }
}
