//! Refuses what would make the compiler read files or variables of the machine that builds, and what is more than one
//! file. By tokens, so that nothing hides in a macro; what was read is checked once more after the compilation.

use proc_macro2::{Delimiter, Span};

use super::RustError;
use super::scan::{At, Problem, ProblemKind};
use super::tokens::{Kind, Token, ident, is};

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
        kind: ProblemKind::Refused("the program has no entry: `program!(run);` is missing".into()),
    };
    Err(start)
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
