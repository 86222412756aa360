//! Untrusted text (descriptions) made fit to print in comments: nothing hidden, nothing endless, nothing that could end
//! the comment. What a description *says* is not judged here.

/// Longest description of a tool, in characters.
pub const TOOL_LIMIT: usize = 4_000;
/// Longest description of a type or field, in characters.
pub const FIELD_LIMIT: usize = 1_000;
/// Longest line, in characters; longer ones are broken at a space.
const LINE: usize = 240;

/// Text without control, bidirectional, zero-width, filler, tag and private-use characters; line ends as `\n`, at most
/// one blank line in a row, long lines broken, cut at `limit` characters with `…`. `None` where nothing is left.
pub fn clean(text: &str, limit: usize) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut left = limit;
    let text = text.replace("\r\n", "\n");
    for line in text.split([
        '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
    ]) {
        let visible: String = line
            .chars()
            .map(|c| if c == '\t' { ' ' } else { c })
            .filter(|c| !is_hidden(*c))
            .take(left + 1)
            .collect();
        let visible = visible.trim_end();
        if visible.is_empty() {
            if lines.last().is_some_and(|last| !last.is_empty()) {
                lines.push(String::new());
            }
            continue;
        }
        let count = visible.chars().count();
        if count > left {
            let mut cut: String = visible.chars().take(left).collect();
            cut.truncate(cut.trim_end().len());
            cut.push('…');
            wrap(&cut, &mut lines);
            break;
        }
        left -= count;
        wrap(visible, &mut lines);
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What the first paragraph of a clean text says, on one line: as many whole sentences as fit, `sentences` at most, else the
/// first one cut at a word with `…`.
pub(crate) fn brief(text: &str, limit: usize, sentences: usize) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let ends = line.char_indices().take(limit);
    let ends = ends.filter(|(at, c)| ends_sentence(&line, *at, *c));
    let last = ends.take(sentences).last();
    let end = last.map_or(0, |(at, c)| at + c.len_utf8());
    if end == 0 && line.chars().count() > limit {
        let cut: String = line.chars().take(limit).collect();
        let at = cut.rfind(' ').filter(|at| *at > 0).unwrap_or(cut.len());
        return format!("{}…", cut[..at].trim_end_matches([' ', ',', ';', ':']));
    }
    match end {
        0 => line,
        end => line[..end].to_string(),
    }
}

/// Whether a sentence ends with the character at this place.
fn ends_sentence(line: &str, at: usize, c: char) -> bool {
    let mut rest = line[at + c.len_utf8()..].chars();
    match (c, rest.next()) {
        ('。' | '！' | '？', _) => true,
        ('.' | '!' | '?', None) => true,
        // `e.g. this` and `1. That` go on.
        ('.' | '!' | '?', Some(' ')) => {
            let word = line[..at].rsplit(' ').next().unwrap_or_default();
            let short = word.chars().count() < 2 || word.contains('.') || word == "etc";
            !short && !rest.next().is_some_and(char::is_lowercase)
        }
        _ => false,
    }
}

/// A name, or what a parser says of it, for a message or a comment of one line: clean, at most 100 characters.
pub fn shown(name: &str) -> String {
    clean(name, 100).unwrap_or_default().replace('\n', " ")
}

fn wrap(line: &str, lines: &mut Vec<String>) {
    let mut rest = line;
    while let Some((end, _)) = rest.char_indices().nth(LINE) {
        let at = rest[..end]
            .rfind(' ')
            .filter(|at| !rest[..*at].trim().is_empty())
            .unwrap_or(end);
        lines.push(rest[..at].trim_end().to_string());
        rest = rest[at..].trim_start();
    }
    if !rest.is_empty() {
        lines.push(rest.to_string());
    }
}

/// Untrusted text as one line of code in a comment.
pub(crate) fn code(text: &str) -> String {
    let shown = clean(text, 200)
        .unwrap_or_default()
        .replace(['`', '\n'], " ");
    format!("`{shown}`")
}

/// Whether a character shows nothing, or changes how its neighbours are shown.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{149}' | '\u{673}' | '\u{f77}' | '\u{f79}'
            | '\u{17a3}' | '\u{17a4}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2329}' | '\u{232a}' | '\u{3164}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// Each line behind `prefix` (`///`, `//`), every line ended: for WIT and Rust. The text must be clean.
pub fn line_comment(text: &str, prefix: &str, indent: &str, out: &mut String) {
    for line in text.lines() {
        out.push_str(indent);
        out.push_str(prefix);
        if !line.is_empty() {
            out.push(' ');
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// A `/** ... */` comment, on one line where it fits. The text must be clean.
pub fn block_comment(text: &str, indent: &str, out: &mut String) {
    let text = text.replace("*/", "*\\/");
    if !text.contains('\n') {
        out.push_str(&format!("{indent}/** {text} */\n"));
        return;
    }
    out.push_str(indent);
    out.push_str("/**\n");
    line_comment(&text, " *", indent, out);
    out.push_str(indent);
    out.push_str(" */\n");
}

/// A JSON / JavaScript string literal in which no hidden or non-ASCII-space character stands unescaped.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_hidden(c) || (c.is_whitespace() && c != ' ') => {
                let mut units = [0u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hidden_characters_go() {
        let dirty = "a\u{202e}b\u{200b}c\u{e0041}d\u{7}e\tf\u{2028}g\r\nh\u{feff}\u{fe0f}";
        assert_eq!(clean(dirty, 100).unwrap(), "abcde f\ng\nh");
        assert_eq!(clean("\u{200b}\n \t", 100), None);
    }

    #[test]
    fn length_is_bounded() {
        let text = clean(&"word ".repeat(10_000), 1000).unwrap();
        assert!(text.chars().count() <= 1010 && text.ends_with('…'));
        assert!(text.lines().all(|line| line.chars().count() <= LINE));
        assert!(clean(&"é".repeat(900), 1000).unwrap().lines().count() == 4);
    }

    #[test]
    fn names_are_shown_on_one_line() {
        assert_eq!(shown("a\u{202e}\nb"), "a b");
        assert!(shown(&"name ".repeat(1_000)).chars().count() <= 101);
    }

    #[test]
    fn a_brief_text_ends_where_a_sentence_does() {
        for (text, wanted) in [
            ("One. Two. Three.", "One. Two."),
            ("One is said. And then two, which is long.", "One is said."),
            ("Words e.g. these. Others follow here.", "Words e.g. these."),
            ("a line\nand another\n\nand more", "a line and another"),
            ("no end in these words at all", "no end in these words at…"),
            (
                "abcdefghijklmnopqrstuvwxyz0123456789",
                "abcdefghijklmnopqrstuvwxy…",
            ),
            (
                "查询天气。再见，这是第二句话，它太长了，不能全部显示出来。",
                "查询天气。",
            ),
            ("", ""),
        ] {
            assert_eq!(brief(text, 25, 2), wanted, "{text}");
        }
    }

    #[test]
    fn no_comment_closes_early() {
        let mut out = String::new();
        block_comment("x */ y\nz **/ w", "", &mut out);
        assert_eq!(out.matches("*/").count(), 1);
        out.clear();
        line_comment("a\n\nb", "///", "  ", &mut out);
        assert_eq!(out, "  /// a\n  ///\n  /// b\n");
    }

    #[test]
    fn literals_show_what_is_hidden() {
        assert_eq!(
            literal("a\u{202e}\"\u{e0041}"),
            "\"a\\u202e\\\"\\udb40\\udc41\""
        );
    }
}
