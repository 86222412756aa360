//! What went wrong, for a model: what, where in its source, and the next step, which is one of the tools here or a word to the
//! person. Texts of programs and servers are theirs: they stand on lines of their own.

use witgate_host::Exceeded;
use witgate_host::call::{ToolError, ToolErrorKind};
use witgate_host::run::RunError;

use crate::failure::{Failure, Kind};
use crate::terminal::clean;

/// Longest text, in characters: an error that fills the context helps nobody.
const LONGEST: usize = 4_000;

/// The answer for a failure before or around the run. `grants` is where a person writes what is allowed.
pub(crate) fn failure(failure: &Failure, grants: Option<&std::path::Path>) -> String {
    let mut lines = vec![format!("error: {}", clean(&failure.message))];
    if let Some(at) = failure
        .at
        .as_ref()
        .filter(|at| !failure.message.contains(at.as_str()))
    {
        lines.push(format!("at {}", clean(at)));
    }
    if let Some(stack) = &failure.stack {
        lines.extend(
            stack
                .lines()
                .take(8)
                .map(|line| format!("  {}", clean(line.trim()))),
        );
    }
    let mut to_allow = Vec::new();
    for reason in &failure.reasons {
        lines.push(format!(
            "- {}: {}",
            clean(&reason.import),
            clean(&reason.message)
        ));
        to_allow.extend(reason.grant.clone());
    }
    if !to_allow.is_empty() {
        let place = grants.map_or_else(
            || "grants.toml".to_owned(),
            |path| path.display().to_string(),
        );
        lines.push(format!(
            "Only the person can allow this, by adding to {place}:\n{}",
            to_allow.join("\n\n")
        ));
    }
    if let Some(hint) = &failure.hint {
        // A program is compiled by a library that knows the commands, not the tools here.
        let hint = hint.replace("`witgate tools` lists", "`search` lists");
        lines.push(format!("next: {}", clean(&hint)));
    }
    shorten(lines.join("\n"))
}

/// The answer for a run that did not end well.
pub(crate) fn run(error: RunError, grants: Option<&std::path::Path>) -> String {
    let advice = match &error {
        RunError::Limit(exceeded) => Some(raise(exceeded)),
        RunError::Program(error) => error.cause.as_ref().and_then(about_call),
        _ => None,
    };
    let mut told = Failure::from(error);
    if let Some(advice) = advice {
        told.hint = Some(advice);
    }
    if told.kind == Kind::Refused
        && let (Some(hint), Some(path)) = (&told.hint, grants)
    {
        let hint = hint.replace(
            "in a grants file (`--grants FILE`)",
            &format!("in {} (only the person can write it)", path.display()),
        );
        told.hint = Some(hint);
    }
    failure(&told, grants)
}

/// What to do about a budget that ran out. Only the person raises those that no request can ask for.
fn raise(exceeded: &Exceeded) -> String {
    let hint = exceeded.hint();
    match exceeded {
        Exceeded::Wall(_) => format!("{hint}; raise it with `limits.seconds`"),
        Exceeded::Calls(_) => format!("{hint}, or raise it with `limits.calls`"),
        Exceeded::Result(_) => {
            format!("{hint}, or write the rest to the workspace (`mcp:workspace`)")
        }
        Exceeded::Cpu(_) | Exceeded::Memory(_) | Exceeded::Handles => hint.to_owned(),
    }
}

/// What to do about a failed call, where that is something else than at the command line.
fn about_call(cause: &ToolError) -> Option<String> {
    match cause.kind {
        ToolErrorKind::InvalidArguments => Some(format!(
            "`describe` [\"{}\"] shows its arguments",
            cause.tool
        )),
        ToolErrorKind::ToolFailed => {
            Some("mend the arguments, or catch the error to go on".to_owned())
        }
        ToolErrorKind::Limit => Some("ask for more per call".to_owned()),
        ToolErrorKind::Unavailable => Some("try again later, or do without it".to_owned()),
        ToolErrorKind::Denied | ToolErrorKind::InvalidResult => None,
    }
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}
