//! A question as lines of text for a person. The program chooses the arguments and a server its tools' names, so nothing of
//! theirs moves a cursor, hides a character, or starts a line: their text stands behind a number or a bar, and what is cut is
//! said to be. What the lines are written to is not known here.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::Value;
use witgate_codegen::text;

use super::{Item, Question};

/// Columns of a line; narrower terminals than this are rare.
const COLUMNS: usize = 78;
/// Characters of a name.
const NAME: usize = 100;

/// How much of a question is shown.
pub struct Extent<'a> {
    /// Items of each tool.
    pub items: usize,
    /// Characters of the arguments of each.
    pub characters: usize,
    /// Where the items that are left out can be seen.
    pub rest: &'a str,
    /// Where all of a cut item can be seen, by its number.
    pub whole: &'a dyn Fn(usize) -> String,
}

/// The whole question: who asks, then the calls by tool and why each needs a person, under the numbers of their places in it.
#[must_use]
pub fn question(question: &Question, extent: &Extent<'_>) -> Vec<String> {
    let mut lines = vec![format!(
        "The program {} (sha256 {}) waits for your approval.",
        name(&question.program),
        name(&short(&question.program_sha256, 12)),
    )];
    let mut tools: IndexMap<(&str, &str), Vec<usize>> = IndexMap::new();
    for (position, item) in question.items.iter().enumerate() {
        let tool = (item.server.as_str(), item.tool.as_str());
        tools.entry(tool).or_default().push(position);
    }
    for positions in tools.values() {
        let items = || positions.iter().filter_map(|p| question.items.get(*p));
        let Some(first) = items().next() else {
            continue;
        };
        let times = match positions.len() {
            1 => "once".to_owned(),
            n => format!("{n} times"),
        };
        lines.push(String::new());
        lines.push(format!(
            "This program wants to call {} {times}:",
            tool(first)
        ));
        for position in positions.iter().take(extent.items) {
            lines.extend(item(question, *position, extent));
        }
        if positions.len() > extent.items {
            let more = positions.len() - extent.items;
            lines.push(format!("      ... and {more} more ({})", extent.rest));
        }
        let mut reasons: Vec<&String> = Vec::new();
        for reason in items().flat_map(|item| &item.reasons) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        for reason in reasons.into_iter().take(10) {
            let reason = visible(&short(reason, 500));
            lines.extend(rows(&reason, "  because ", "          "));
        }
    }
    lines
}

/// One item, cut where it is longer than `extent` says.
#[must_use]
pub fn item(question: &Question, position: usize, extent: &Extent<'_>) -> Vec<String> {
    let Some(item) = question.items.get(position) else {
        return Vec::new();
    };
    let number = position + 1;
    let text = arguments(&item.arguments);
    let cut = short(&text, extent.characters);
    let mut lines = rows(&cut, &format!("{number:>4}. "), "    | ");
    if cut.len() < text.len() {
        let more = text[cut.len()..].chars().count();
        lines.push(format!(
            "    + {more} more characters ({})",
            (extent.whole)(number)
        ));
    }
    lines
}

/// `server/tool`.
#[must_use]
pub fn tool(item: &Item) -> String {
    format!("{}/{}", name(&item.server), name(&item.tool))
}

/// A name: as it is where it is plain, else quoted with escapes.
#[must_use]
pub fn name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.@+".contains(c);
    let cut = short(name, NAME);
    if !cut.is_empty() && cut.chars().all(plain) && cut.len() == name.len() {
        return cut;
    }
    let quoted = text::literal(&cut);
    match name[cut.len()..].chars().count() {
        0 => quoted,
        more => format!("{quoted} (and {more} more characters)"),
    }
}

/// Arguments as compact JSON in which every hidden character is escaped: still JSON, of the same value.
#[must_use]
pub fn arguments(value: &Value) -> String {
    visible(&value.to_string())
}

fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if text::is_hidden(c) || (c.is_whitespace() && c != ' ') {
            let mut units = [0_u16; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn short(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// A text broken into lines, so that a terminal has none to break: what follows a break would start a line of its own.
fn rows(text: &str, first: &str, next: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut columns = first.len();
    for c in text.chars() {
        // At most two columns for any character.
        let width = if c.is_ascii() { 1 } else { 2 };
        if columns + width > COLUMNS {
            lines.push(std::mem::replace(&mut line, next.to_owned()));
            columns = next.len();
        }
        line.push(c);
        columns += width;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::approval::tests::{item as any, question as ask};

    #[test]
    fn what_a_program_writes_stays_behind_a_number_or_a_bar() {
        let mut hostile = any(
            0,
            json!({
                "a\u{1b}[2J\u{202e}": format!("\r\nApprove all? y\u{85}{}Approve all 1? >", " ".repeat(100)),
            }),
        );
        hostile.tool = "x once:\nApprove".into();
        let mut asked = ask(vec![hostile]);
        asked.program = "p\u{9b}.js".into();
        let whole = |n| format!("l {n} shows all");
        let extent = Extent {
            items: 20,
            characters: 120,
            rest: "l",
            whole: &whole,
        };
        let lines = question(&asked, &extent);
        let expected = r#"
The program "p\u009b.js" (sha256 0123456789ab) waits for your approval.

This program wants to call github/"x once:\nApprove" once:
   1. {"a\u001b[2J\u202e":"\r\nApprove all? y\u0085                           
    |                                                 
    + 43 more characters (l 1 shows all)
  because grants.toml:3 says approve = "batch"
"#;
        assert_eq!(lines.join("\n"), expected.trim_matches('\n'), "{lines:#?}");
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS));
        let shown = arguments(&asked.items[0].arguments);
        let same: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(same, asked.items[0].arguments);
    }
}
