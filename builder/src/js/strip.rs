//! TypeScript -> JavaScript, in process. Types are taken off, not checked; the way back to the author's positions is kept.
//! JavaScript passes through untouched.

use std::path::Path;

use oxc::allocator::Allocator;
use oxc::codegen::{Codegen, CodegenOptions};
use oxc::diagnostics::OxcDiagnostic;
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::SourceType;
use oxc::transformer::{TransformOptions, Transformer};

use super::JsError;
use super::nesting::check_nesting;
use super::positions::{Position, characters, line_column, locate};

/// A program without types.
pub(crate) struct Stripped {
    pub(crate) text: String,
    /// Empty where nothing moved.
    pub(crate) positions: Vec<Position>,
}

impl Stripped {
    /// An error found in the stripped text, at the author's position.
    pub(crate) fn locate(&self, error: JsError) -> JsError {
        match error {
            JsError::Source {
                file,
                line,
                column,
                message,
                hint,
            } => {
                let (line, column) = locate(&self.positions, line - 1, column - 1);
                JsError::Source {
                    file,
                    line: line + 1,
                    column: column + 1,
                    message,
                    hint,
                }
            }
            other => other,
        }
    }
}

/// Takes the types off, where the file's name says that there are any.
pub(crate) fn strip_types(source: &str, file: &str) -> Result<Stripped, JsError> {
    let path = Path::new(file);
    if !is_typed(path) {
        return Ok(Stripped {
            text: source.to_owned(),
            positions: Vec::new(),
        });
    }
    let allocator = Allocator::default();
    let kind = SourceType::ts().with_module(true);
    let parsed = Parser::new(&allocator, source, kind).parse();
    first_error(&parsed.diagnostics, source, file)?;
    let mut program = parsed.program;
    check_nesting(&program, source, file)?;
    let scoping = SemanticBuilder::new()
        .with_enum_eval(true)
        .build(&program)
        .semantic
        .into_scoping();
    let options = TransformOptions::default();
    let transformed =
        Transformer::new(&allocator, path, &options).build_with_scoping(scoping, &mut program);
    first_error(&transformed.diagnostics, source, file)?;
    let printed = Codegen::new()
        .with_options(CodegenOptions {
            source_map_path: Some(path.to_path_buf()),
            ..CodegenOptions::default()
        })
        .build(&program);
    let (from, to): (Vec<&str>, Vec<&str>) = (
        source.split('\n').collect(),
        printed.code.split('\n').collect(),
    );
    let column = |lines: &[&str], line: u32, utf16: u32| match lines.get(line as usize) {
        Some(line) if !line.is_ascii() => characters(line, utf16),
        _ => utf16,
    };
    let positions = printed.map.map_or_else(Vec::new, |map| {
        map.get_tokens()
            .map(|t| {
                let (line, at) = (t.get_dst_line(), t.get_src_line());
                Position(
                    line,
                    column(&to, line, t.get_dst_col()),
                    at,
                    column(&from, at, t.get_src_col()),
                )
            })
            .collect()
    });
    Ok(Stripped {
        text: printed.code,
        positions,
    })
}

fn is_typed(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str());
    matches!(ending, Some("ts" | "mts" | "cts"))
}

/// Whether a program that is no JavaScript, and does not claim to be more, would be TypeScript.
pub(super) fn is_typescript(source: &str, file: &str) -> bool {
    let allocator = Allocator::default();
    let kind = SourceType::ts().with_module(true);
    !is_typed(Path::new(file))
        && Parser::new(&allocator, source, kind)
            .parse()
            .diagnostics
            .is_empty()
}

/// The first error of a list as the program's.
pub(super) fn first_error(
    diagnostics: &[OxcDiagnostic],
    source: &str,
    file: &str,
) -> Result<(), JsError> {
    let Some(error) = diagnostics
        .iter()
        .find(|d| d.severity == oxc::diagnostics::Severity::Error)
    else {
        return Ok(());
    };
    // Of a name that is declared twice, the second place is the wrong one.
    let label = if error.message.contains("already been declared") {
        error.labels.last()
    } else {
        error.labels.first()
    };
    let offset = label.map_or(0, |label| label.offset());
    let (line, column) = line_column(source, offset as usize);
    Err(JsError::Source {
        file: file.to_owned(),
        line: line + 1,
        column: column + 1,
        message: error.message.to_string(),
        hint: error.help.as_ref().map(ToString::to_string),
    })
}
