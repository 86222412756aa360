//! Refuses programs that are nested deeper than any person writes: what walks the tree after this may go down level by level,
//! and some of it costs the square of the depth.

use oxc::ast::AstKind;
use oxc::ast::ast::Program;
use oxc::ast_visit::Visit;
use oxc::span::GetSpan;

use super::JsError;
use super::positions::line_column;

/// Deepest nesting that is read, in nodes of the syntax tree; a call in a function in a call is about six.
const MAX_DEPTH: usize = 4_000;

/// Checks a program's depth.
///
/// # Errors
/// [`JsError::Source`] at the first place that is too deep.
pub(super) fn check_nesting(program: &Program<'_>, text: &str, file: &str) -> Result<(), JsError> {
    let mut depth = Depth::default();
    depth.visit_program(program);
    let Some(offset) = depth.too_deep else {
        return Ok(());
    };
    let (line, column) = line_column(text, offset as usize);
    Err(JsError::Source {
        file: file.to_owned(),
        line: line + 1,
        column: column + 1,
        message: "the program is nested too deeply".into(),
        hint: Some("keep data out of the program and give it as input".into()),
    })
}

#[derive(Default)]
struct Depth {
    now: usize,
    too_deep: Option<u32>,
}

impl<'a> Visit<'a> for Depth {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        self.now += 1;
        if self.now > MAX_DEPTH && self.too_deep.is_none() {
            self.too_deep = Some(kind.span().start);
        }
    }

    fn leave_node(&mut self, _: AstKind<'a>) {
        self.now -= 1;
    }
}
