//! Refuses what would make the compiler read files or variables of the machine that builds, and what is more than one
//! file. By tokens, so that nothing hides in a macro; what was read is checked once more after the compilation.

use proc_macro2::{Delimiter, Span};

use super::RustError;
use super::scan::{At, Problem, ProblemKind};
use super::tokens::{Kind, Token, ident, is};

/// What is said of a program without `program!`.
pub(super) const NO_ENTRY: &str = "the program has no entry: `program!(run);` is missing";

/// Refuses a first line that `rustc` skips before it reads tokens, and that the scan would take for tokens: whatever such
/// a line opens (a string, say) would hide the program from the scan. An inner attribute `#![..]` is none.
pub(super) fn refuse_start(source: &str, file_name: &str) -> Result<(), RustError> {
    let at = At {
        file: file_name.into(),
        line: 1,
        column: 1,
    };
    let refused = |at, message: &str| {
        let message = message.into();
        Err(RustError::Refused { at, message })
    };
    // Both lexers drop one byte order mark; nothing is hidden by it.
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    if text.starts_with("#!") && !text.starts_with("#![") {
        return refused(at, "a program has no `#!` line: `witgate run` starts it");
    }
    // Rust's whitespace has two marks of direction that Unicode's property does not have.
    let space = |c: char| c.is_whitespace() || matches!(c, '\u{200e}' | '\u{200f}');
    let start = text.trim_start_matches(space);
    if start.starts_with('-') {
        let line = text[..text.len() - start.len()].matches('\n').count() + 1;
        return refused(At { line, ..at }, "a program does not begin with `-`");
    }
    Ok(())
}

/// Refuses what reads files or variables of the machine that builds, and what is more than one file.
pub(super) fn refuse(tokens: &[Token]) -> Result<(), Problem> {
    let refused = |token: &Token, message: String| {
        Err(Problem {
            span: token.span,
            kind: ProblemKind::Refused(message),
        })
    };
    // A macro of the program can put a name before a `!` that stands elsewhere in the source.
    let macros = tokens
        .iter()
        .any(|token| ident(Some(token)) == Some("macro_rules"));
    let mut program = false;
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        if is(Some(token), &Kind::Punct('#')) {
            refuse_attribute(&tokens[index + 1..])?;
        }
        let Kind::Ident(name) = &token.kind else {
            continue;
        };
        let bang = is(next, &Kind::Punct('!'))
            && matches!(tokens.get(index + 2).map(|t| &t.kind), Some(Kind::Open(_)));
        let renamed = ident(next) == Some("as");
        match name.as_str() {
            "program" if bang => program = true,
            "include_str" | "include_bytes" | "option_env" => {
                return refused(
                    token,
                    format!(
                        "`{name}!` would read from the machine that builds; a program has its input only"
                    ),
                );
            }
            "include" | "env" if bang || renamed => {
                return refused(
                    token,
                    format!(
                        "`{name}!` would read from the machine that builds; a program has its input only"
                    ),
                );
            }
            "include" | "env"
                if macros && !is(next, &Kind::PathSep) && !is(next, &Kind::Punct(':')) =>
            {
                return refused(
                    token,
                    format!("the name `{name}` is not allowed in a program that defines macros"),
                );
            }
            "mod" => {
                let body = if is(next, &Kind::Punct('$')) {
                    index + 3
                } else {
                    index + 2
                };
                if !is(tokens.get(body), &Kind::Open(Delimiter::Brace)) {
                    return refused(
                        token,
                        "a program is one file: write the module's body here".into(),
                    );
                }
            }
            _ => {}
        }
    }
    if program {
        return Ok(());
    }
    let start = Problem {
        span: Span::call_site(),
        kind: ProblemKind::Refused(NO_ENTRY.into()),
    };
    Err(start)
}

/// Places that print to where nobody looks: this target has no stdout and no stderr, and the standard library drops what
/// is written there. The plain macros are others, which log.
pub(super) fn unseen(tokens: &[Token]) -> Vec<(Span, String)> {
    let mut found = Vec::new();
    let path = |index: usize| match index.checked_sub(2) {
        Some(before) if is(tokens.get(index - 1), &Kind::PathSep) => ident(tokens.get(before)),
        _ => None,
    };
    for (index, token) in tokens.iter().enumerate() {
        let Kind::Ident(name) = &token.kind else {
            continue;
        };
        let next = tokens.get(index + 1);
        match name.as_str() {
            "print" | "println" | "eprint" | "eprintln" | "dbg"
                if path(index) == Some("std") && is(next, &Kind::Punct('!')) =>
            {
                let message = format!("`std::{name}!` is not seen here: write `{name}!`");
                found.push((token.span, message));
            }
            "stdout" | "stderr"
                if matches!(path(index), Some("io") | None)
                    && is(next, &Kind::Open(Delimiter::Parenthesis))
                    && index.checked_sub(1).and_then(|i| ident(tokens.get(i))) != Some("fn")
                    && !index.checked_sub(1).is_some_and(|i| is(tokens.get(i), &Kind::Punct('.')))
                    // There is nothing to flush, and nothing is lost by it.
                    && ident(tokens.get(index + 4)) != Some("flush") =>
            {
                let write = if name == "stdout" {
                    "println!"
                } else {
                    "eprintln!"
                };
                let message = format!(
                    "what is written to `{name}()` is not seen here: write `{write}` or `console::info(..)`"
                );
                found.push((token.span, message));
            }
            _ => {}
        }
    }
    found
}

/// Refuses `#[path = ...]` and `#[link(...)]`, also inside `cfg_attr`. `tokens` begin after the `#`.
fn refuse_attribute(tokens: &[Token]) -> Result<(), Problem> {
    let start = usize::from(is(tokens.first(), &Kind::Punct('!')));
    if !is(tokens.get(start), &Kind::Open(Delimiter::Bracket)) {
        return Ok(());
    }
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match &token.kind {
            Kind::Open(_) => depth += 1,
            Kind::Close(_) => depth -= 1,
            Kind::Ident(name) if name == "path" && is(tokens.get(index + 1), &Kind::Punct('=')) => {
                let message = "`#[path]` would read another file; a program is one file".into();
                return Err(Problem {
                    span: token.span,
                    kind: ProblemKind::Refused(message),
                });
            }
            Kind::Ident(name) if name == "link" => {
                let message =
                    "`#[link]` would link a library of the machine that builds; a program has none"
                        .into();
                return Err(Problem {
                    span: token.span,
                    kind: ProblemKind::Refused(message),
                });
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    Ok(())
}
