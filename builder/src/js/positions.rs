//! Positions in the text that the engine sees, and where they stand in the author's file. A table of points: from one point
//! to the next on the same line, columns run in step; a line without a point stands where it stood.

use serde::{Deserialize, Serialize};

/// One point: `(line, column)` in the engine's text, `(line, column)` in the author's; all from 0, columns in characters.
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

/// The table of two steps, the later one first.
pub(crate) fn compose(later: &[Position], earlier: &[Position]) -> Vec<Position> {
    if earlier.is_empty() {
        return later.to_vec();
    }
    // Every point of either step is one of the whole.
    let mut whole: Vec<Position> = later
        .iter()
        .map(|p| {
            let (line, column) = locate(earlier, p.2, p.3);
            Position(p.0, p.1, line, column)
        })
        .collect();
    for p in earlier {
        // The later step inserts on a line but never moves one: shift the column by what was inserted before it.
        let shift: u32 = later
            .iter()
            .rfind(|l| l.2 == p.0 && l.3 <= p.1)
            .map_or(0, |l| l.1.saturating_sub(l.3));
        whole.push(Position(p.0, p.1 + shift, p.2, p.3));
    }
    whole.sort();
    whole.dedup_by_key(|p| (p.0, p.1));
    whole
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
}
