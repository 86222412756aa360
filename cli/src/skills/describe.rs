//! What a program says it does: the comment at its head, or above its `run`. Lines are read, no program is parsed: at worst a
//! description is missed. What it says is not believed.

use witgate_codegen::text::{TOOL_LIMIT, clean};

use super::Language;

/// How far a description is looked for, in bytes.
const FAR: usize = 64 << 10;

/// The comment that says what a program does: `/** */`, `/* */` or `//` lines at its head or right above `export default` in
/// JavaScript and TypeScript; `//!` at its head or `///` above `run` in Rust. Cleaned and bounded, paragraphs apart.
pub(crate) fn description_of(source: &str, language: Language) -> Option<String> {
    let end = (0..=FAR.min(source.len()))
        .rev()
        .find(|at| source.is_char_boundary(*at))?;
    let source = source.get(..end)?;
    let lines: Vec<&str> = source.trim_start_matches('\u{feff}').lines().collect();
    let text = match language {
        Language::JavaScript | Language::TypeScript => script(&lines),
        Language::Rust => rust(&lines),
        Language::Component => None,
    }?;
    clean(&paragraphs(&text), TOOL_LIMIT)
}

fn script(lines: &[&str]) -> Option<Vec<String>> {
    // The first line of a script that a shell can start, and what is said to tools only.
    let directive = |line: &str| {
        let said = line
            .trim_start_matches("//")
            .trim_start_matches("/*")
            .trim_start();
        line.starts_with("#!")
            || line.starts_with("///")
            || ["@ts-", "eslint", "prettier-", "jshint", "biome-", "deno-"]
                .iter()
                .any(|tool| said.starts_with(tool))
            || ["\"use strict\"", "'use strict'"]
                .iter()
                .any(|strict| line.starts_with(strict))
    };
    let skipped = |line: &str| line.trim().is_empty() || directive(line.trim());
    let head = lines.iter().position(|line| !skipped(line))?;
    comment(&lines[head..], "//").or_else(|| {
        let at = lines
            .iter()
            .position(|line| line.starts_with("export default"))?;
        above(&lines[..at], "//")
    })
}

fn rust(lines: &[&str]) -> Option<Vec<String>> {
    let head = lines.iter().position(|line| !line.trim().is_empty())?;
    comment(&lines[head..], "//!").or_else(|| {
        let is_run = |line: &&str| -> bool {
            let line = line
                .trim_start()
                .trim_start_matches("pub ")
                .trim_start_matches("async ");
            line.starts_with("fn run(")
        };
        let at = lines.iter().position(is_run)?;
        let attributes = lines[..at].iter().rev();
        let attributes = attributes
            .take_while(|line| line.trim_start().starts_with("#["))
            .count();
        above(&lines[..at - attributes], "///")
    })
}

/// The comment with which the lines begin: `mark` on each line, or a block; of Rust, a block of the same kind.
fn comment(lines: &[&str], mark: &str) -> Option<Vec<String>> {
    let first = lines.first()?.trim_start();
    if first.starts_with(mark) {
        let marked = lines
            .iter()
            .map_while(|line| line.trim_start().strip_prefix(mark));
        return Some(
            marked
                .map(|line| line.trim_start_matches('/').trim().to_owned())
                .collect(),
        );
    }
    let opened = match mark {
        "//!" => first.strip_prefix("/*!")?,
        "///" => first.strip_prefix("/**")?,
        _ => first.strip_prefix("/*")?,
    };
    let mut text = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let line = if at == 0 { opened } else { line };
        let (line, closed) = match line.split_once("*/") {
            Some((before, _)) => (before, true),
            None => (line, false),
        };
        text.push(line.trim().trim_start_matches('*').trim().to_owned());
        if closed {
            return Some(text);
        }
    }
    // It never ends: whatever this is, it describes nothing.
    None
}

/// The comment that ends with the last of the lines.
fn above(lines: &[&str], mark: &str) -> Option<Vec<String>> {
    let last = lines.last()?.trim();
    let start = if last.starts_with(mark) {
        let marked = lines
            .iter()
            .rev()
            .take_while(|line| line.trim_start().starts_with(mark));
        lines.len() - marked.count()
    } else if last.ends_with("*/") {
        lines
            .iter()
            .rposition(|line| line.trim_start().starts_with("/*"))?
    } else {
        return None;
    };
    comment(&lines[start..], mark)
}

/// Lines joined to paragraphs; what `@param` and the like say is for other readers.
fn paragraphs(lines: &[String]) -> String {
    let mut out = String::new();
    for line in lines.iter().take_while(|line| !line.starts_with('@')) {
        if line.is_empty() {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push_str("\n\n");
            }
        } else {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push(' ');
            }
            out.push_str(line);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{JavaScript, Rust, TypeScript};

    #[test]
    fn the_comment_at_the_head_of_a_script() {
        for source in [
            "// Counts open\n// issues.\nimport { a } from \"mcp:s\";",
            "/** Counts open issues. */\nexport default () => 1;",
            "\n\n/**\n * Counts open\n * issues.\n */\n",
            "#!/usr/bin/env node\n// @ts-check\n/* eslint-disable */\n'use strict';\n/* Counts open issues. */",
            "\u{feff}/** Counts\n    open issues.\n\n    @param {object} input what to count\n*/",
            "import { a } from \"mcp:s\";\n\n/** Counts open issues. */\nexport default async function (input) {}",
            "import { a } from \"mcp:s\";\n// no\n\n// Counts\n// open issues.\nexport default 1;",
        ] {
            for language in [JavaScript, TypeScript] {
                assert_eq!(
                    description_of(source, language).as_deref(),
                    Some("Counts open issues."),
                    "{source}"
                );
            }
            assert_eq!(description_of(source, Language::Component), None);
        }
    }

    #[test]
    fn the_comment_of_a_rust_program() {
        for source in [
            "//! Counts open\n//! issues.\nuse a::b;",
            "/*! Counts open issues. */\nuse a::b;",
            "use a::b;\n\n/// no\nfn other() {}\n\n/// Counts open\n/// issues.\n#[inline]\nasync fn run(input: Value) {}",
            "use a::b;\n/** Counts open issues. */\nfn run(input: Value) {}",
        ] {
            assert_eq!(
                description_of(source, Rust).as_deref(),
                Some("Counts open issues."),
                "{source}"
            );
        }
    }

    #[test]
    fn paragraphs_stay_apart() {
        let source = "//! One\n//! two.\n//!\n//!\n//! Three.\n";
        assert_eq!(
            description_of(source, Rust).as_deref(),
            Some("One two.\n\nThree.")
        );
    }

    #[test]
    fn where_nothing_is_said_there_is_no_description() {
        for source in [
            "",
            "\n",
            "export default 1;",
            "/* never closed\n",
            "//\n//\n",
            "let a = 1; // no\nexport default 1;",
            "#!x",
        ] {
            assert_eq!(description_of(source, JavaScript), None, "{source}");
        }
        for source in [
            "",
            "// a remark\nfn run() {}",
            "fn run() {}",
            "#[inline]\nfn run() {}",
            "/// of others\nfn walk() {}",
        ] {
            assert_eq!(description_of(source, Rust), None, "{source}");
        }
    }

    #[test]
    fn it_hides_nothing_and_ends() {
        let hostile = format!("// a\u{202e}b\u{1b}[0m {}", "é".repeat(100_000));
        let text = description_of(&hostile, JavaScript).unwrap_or_default();
        assert!(
            text.starts_with("ab[0m") && text.chars().count() < TOOL_LIMIT + 100,
            "{text}"
        );
    }
}
