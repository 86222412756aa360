//! Names: from what a server writes to what WIT, JavaScript and Rust accept. WIT names are kebab-case words that start
//! with a letter, and two names are the same when they differ only in case or hyphens.
//! Keywords are no matter here: WIT's `%` is put on where WIT is printed, Rust's `r#` where Rust is.

use std::collections::{HashMap, HashSet};

/// Longest name made from one piece of untrusted text, in bytes.
const LONGEST: usize = 64;

/// Names that each interface takes from the runtime, or that every generated module declares.
pub const RESERVED: &[&str] = &["json", "tool-error", "tool-error-kind", "json-value"];

/// Names in use in one scope.
#[derive(Debug, Clone, Default)]
pub struct Names {
    taken: HashSet<String>,
    next: HashMap<String, u32>,
}

impl Names {
    /// A scope in which these names are taken already.
    pub fn with(reserved: &[&str]) -> Names {
        Names {
            taken: reserved.iter().map(|name| key(name)).collect(),
            next: HashMap::new(),
        }
    }

    /// Takes the name, or the name with the first free number behind it.
    pub fn claim(&mut self, name: &str) -> String {
        let base = key(name);
        if self.taken.insert(base.clone()) {
            return name.to_string();
        }
        // The counter is kept for each name, so that many equal names stay linear.
        let next = self.next.entry(base.clone()).or_insert(2);
        loop {
            let number = *next;
            *next += 1;
            if self.taken.insert(format!("{base}{number}")) {
                return format!("{name}{number}");
            }
        }
    }

    /// Takes one name for each wish, in order. The first wish for a name gets it; a number that another wish
    /// already ends in is not used (`a`, `A`, `a2` become `a`, `a3`, `a2`).
    pub fn claim_all(&mut self, wishes: &[String]) -> Vec<String> {
        let first: Vec<bool> = wishes
            .iter()
            .map(|wish| self.taken.insert(key(wish)))
            .collect();
        wishes
            .iter()
            .zip(first)
            .map(|(wish, first)| {
                if first {
                    wish.clone()
                } else {
                    self.claim(wish)
                }
            })
            .collect()
    }
}

/// What two names have in common when WIT takes them for the same.
pub fn key(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Untrusted text as a kebab-case name, at most 64 bytes; `fallback` where no ASCII letter or digit is left.
///
/// Words break at other characters and where the case changes (`getHTTPInfo`, `userIDs`: `get-http-info`,
/// `user-ids`); a word of digits joins the word before it, and a leading digit gets an `n` in front.
pub fn kebab(text: &str, fallback: &str) -> String {
    let words = words(text);
    let mut out = String::new();
    for word in words {
        if out.len() + word.len() + 1 > LONGEST && !out.is_empty() {
            break;
        }
        let digit = word.starts_with(|c: char| c.is_ascii_digit());
        match (out.is_empty(), digit) {
            (true, true) => out.push('n'),
            (true, false) | (false, true) => {}
            (false, false) => out.push('-'),
        }
        out.extend(word.chars().take(LONGEST - 1));
    }
    if out.is_empty() {
        out.push_str(fallback);
    }
    out
}

fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut words = vec![String::new()];
    for (index, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
            continue;
        }
        if c.is_ascii_uppercase() && index > 0 {
            let before = chars[index - 1];
            let after = chars.get(index + 1).copied().unwrap_or(' ');
            let plural =
                after == 's' && !chars.get(index + 2).is_some_and(|c| c.is_ascii_lowercase());
            let starts = before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || (before.is_ascii_uppercase() && after.is_ascii_lowercase() && !plural);
            if starts {
                words.push(String::new());
            }
        }
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `list-issues` as `listIssues`.
pub fn camel_case(wit: &str) -> String {
    let mut out = String::new();
    for (index, word) in wit.split('-').enumerate() {
        if index == 0 {
            out.push_str(word);
        } else {
            push_capital(word, &mut out);
        }
    }
    out
}

/// `list-issues` as `ListIssues`.
pub fn pascal_case(wit: &str) -> String {
    let mut out = String::new();
    for word in wit.split('-') {
        push_capital(word, &mut out);
    }
    out
}

/// `list-issues` as `list_issues`.
pub fn snake_case(wit: &str) -> String {
    wit.replace('-', "_")
}

fn push_capital(word: &str, out: &mut String) {
    let mut chars = word.chars();
    if let Some(first) = chars.next() {
        out.push(first.to_ascii_uppercase());
        out.push_str(chars.as_str());
    }
}

/// Whether JavaScript takes the text as an identifier name (ASCII only; reserved words included).
pub fn is_js_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
}

/// Whether an identifier cannot name a function in a JavaScript or TypeScript module.
pub fn is_js_reserved(name: &str) -> bool {
    matches!(
        name,
        "arguments"
            | "async"
            | "await"
            | "break"
            | "case"
            | "catch"
            | "class"
            | "const"
            | "continue"
            | "debugger"
            | "declare"
            | "default"
            | "delete"
            | "do"
            | "else"
            | "enum"
            | "eval"
            | "export"
            | "extends"
            | "false"
            | "finally"
            | "for"
            | "function"
            | "if"
            | "implements"
            | "import"
            | "in"
            | "instanceof"
            | "interface"
            | "let"
            | "new"
            | "null"
            | "package"
            | "private"
            | "protected"
            | "public"
            | "return"
            | "static"
            | "super"
            | "switch"
            | "this"
            | "throw"
            | "true"
            | "try"
            | "typeof"
            | "undefined"
            | "var"
            | "void"
            | "while"
            | "with"
            | "yield"
    )
}

/// The candidates most like `name`, best first, at most `limit`; none that is not alike.
pub fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
    limit: usize,
) -> Vec<String> {
    let wanted = words(name).concat();
    let mut scored: Vec<(u32, &str)> = candidates
        .map(|candidate| {
            let have = words(candidate).concat();
            let mut score = strsim::jaro_winkler(&wanted, &have);
            if wanted.len() >= 3
                && (have.contains(&wanted) || wanted.contains(&have))
                && !have.is_empty()
            {
                score = score.max(0.85);
            }
            // As an integer, so that the order is total.
            ((score * 1000.0) as u32, candidate)
        })
        .filter(|(score, _)| *score >= 720)
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored
        .into_iter()
        .take(limit)
        .map(|(_, candidate)| candidate.to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kebab_of_what_servers_write() {
        for (text, wanted) in [
            ("list_issues", "list-issues"),
            ("getHTTPInfo", "get-http-info"),
            ("userIDs", "user-ids"),
            ("$vectorSearch", "vector-search"),
            ("StartTime>", "start-time"),
            ("v1_2_x", "v12-x"),
            ("2fa", "n2fa"),
            ("page2Size", "page2-size"),
            ("__proto__", "proto"),
            ("constructor", "constructor"),
            ("🦀", "field"),
            ("", "field"),
            ("日本-x", "x"),
            ("API-get--user", "api-get-user"),
        ] {
            assert_eq!(kebab(text, "field"), wanted, "{text}");
        }
        assert!(kebab(&"a".repeat(500), "field").len() <= LONGEST);
        assert!(kebab(&"ab ".repeat(500), "field").len() <= LONGEST);
    }

    #[test]
    fn collisions_ignore_case_and_hyphens() {
        let mut names = Names::with(RESERVED);
        assert_eq!(names.claim("user-id"), "user-id");
        assert_eq!(names.claim("userid"), "userid2");
        assert_eq!(names.claim("user-id"), "user-id3");
        assert_eq!(names.claim("json"), "json2");
        let wishes = ["a", "a", "a2"].map(str::to_string);
        assert_eq!(Names::default().claim_all(&wishes), ["a", "a3", "a2"]);
    }

    #[test]
    fn cases() {
        assert_eq!(camel_case("list-issues"), "listIssues");
        assert_eq!(pascal_case("list-issues2"), "ListIssues2");
        assert_eq!(snake_case("list-issues"), "list_issues");
        assert!(is_js_identifier("$x") && !is_js_identifier("a-b") && !is_js_identifier("1a"));
    }

    #[test]
    fn nearest_names() {
        let have = ["list_issues", "create_issue", "get_issue", "ping"];
        let near = nearest("listIssue", have.iter().copied(), 2);
        assert_eq!(near.first().map(String::as_str), Some("list_issues"));
        assert!(nearest("zzz", have.iter().copied(), 3).is_empty());
    }
}
