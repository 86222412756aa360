//! Edits of a program's text: what is taken out and put in, applied at once, with the table that leads back. No edit moves a
//! line; what an edit should say is decided elsewhere.

use oxc::span::Span;

use super::positions::{Position, advance, advance_bytes, points_within};

/// Edits of one text, in any order.
#[derive(Debug, Default)]
pub(crate) struct Edits(Vec<Edit>);

#[derive(Debug)]
struct Edit {
    at: usize,
    remove: usize,
    insert: String,
}

/// The text for the engine.
#[derive(Debug)]
pub(crate) struct Edited {
    pub(crate) text: String,
    pub(crate) positions: Vec<Position>,
}

impl Edits {
    /// Replaces a span by spaces; line breaks stay.
    pub(crate) fn blank(&mut self, text: &str, span: Span) {
        let removed = &text[span.start as usize..span.end as usize];
        let blank = |c: char| if c == '\n' || c == '\r' { c } else { ' ' };
        self.push(span, removed.chars().map(blank).collect());
    }

    /// Replaces a span by its line breaks and a text.
    pub(crate) fn replace(&mut self, text: &str, span: Span, by: &str) {
        let removed = &text[span.start as usize..span.end as usize];
        let breaks = removed.chars().filter(|c| *c == '\n');
        self.push(span, breaks.chain(by.chars()).collect());
    }

    /// Puts a text in.
    pub(crate) fn insert(&mut self, at: u32, text: &str) {
        self.push(Span::new(at, at), text.to_owned());
    }

    /// Puts a call of `function` around a span. Of two calls around the same span, the first is the outer one.
    pub(crate) fn wrap(&mut self, span: Span, function: &str) {
        self.insert(span.start, &format!("{function}("));
        self.insert(span.end, ")");
    }

    fn push(&mut self, span: Span, insert: String) {
        self.0.push(Edit {
            at: span.start as usize,
            remove: (span.end - span.start) as usize,
            insert,
        });
    }

    /// Applies them to the text they were made for, after a header on its first line.
    pub(crate) fn apply(mut self, text: &str, header: &str) -> Edited {
        let mut out = String::with_capacity(header.len() + text.len() + 256);
        out.push_str(header);
        let mut end = advance_bytes((0, 0), header);
        let mut author = (0, 0);
        let mut positions = vec![Position(end.0, end.1, 0, 0)];
        // Where two edits meet, what closes comes before what opens.
        self.0.sort_by_key(|e| (e.at, e.insert != ")"));
        let mut from = 0;
        for edit in &self.0 {
            // What stands inside a part that is taken out goes with it.
            if edit.at < from {
                continue;
            }
            let kept = &text[from..edit.at];
            points_within(kept, end, author, &mut positions);
            out.push_str(kept);
            out.push_str(&edit.insert);
            end = advance_bytes(advance_bytes(end, kept), &edit.insert);
            from = edit.at + edit.remove;
            author = advance(advance(author, kept), &text[edit.at..from]);
            positions.push(Position(end.0, end.1, author.0, author.1));
        }
        points_within(&text[from..], end, author, &mut positions);
        out.push_str(&text[from..]);
        // Of edits that meet, the last one says where the text goes on.
        positions.reverse();
        positions.sort_by_key(|p| (p.0, p.1));
        positions.dedup_by_key(|p| (p.0, p.1));
        Edited {
            text: out,
            positions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::positions::{advance_bytes, line_column, locate};
    use super::*;

    #[test]
    fn every_kept_character_leads_back_to_its_own_place() {
        let text = "import {\n  a } from 'x'; await f(1);\r\nexport default /* é😀 */ async () => g(h());\nlast()";
        let mut edits = Edits::default();
        edits.blank(text, Span::new(0, 23));
        let at = |part: &str| text.find(part).map_or(0, |i| i as u32);
        edits.wrap(Span::new(at("f(1)"), at("f(1)") + 4), "wait");
        edits.replace(
            text,
            Span::new(at("export"), at("async")),
            "$witgate.main = ",
        );
        edits.wrap(Span::new(at("g(h"), at("g(h") + 6), "outer");
        edits.wrap(Span::new(at("g(h"), at("g(h") + 6), "inner");
        edits.wrap(Span::new(at("last"), at("last") + 6), "drop");
        let edited = edits.apply(text, "const x=1;");
        assert!(
            edited
                .text
                .contains("$witgate.main = async () => outer(inner(g(h())));\n"),
            "{}",
            edited.text
        );
        assert_eq!(edited.text.lines().count(), text.lines().count());
        for part in ["f(1)", "async ()", "g(h", "h()", "last()"] {
            let before = &edited.text[..edited.text.find(part).unwrap_or(0)];
            let engine = advance_bytes((0, 0), before);
            let author = line_column(text, text.find(part).unwrap_or(0));
            assert_eq!(
                locate(&edited.positions, engine.0, engine.1),
                author,
                "{part}"
            );
        }
    }
}
