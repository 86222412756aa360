//! What went wrong, for a model: what, where in its source, and the next step, which is one of the tools here or a word to the
//! person. Texts of programs and servers are theirs: they stand on lines of their own.

use witgate_host::Exceeded;
use witgate_host::call::ToolErrorKind;
use witgate_host::run::RunError;

use crate::failure::{Failure, Kind};
use crate::terminal::clean;

/// Longest text, in characters: an error that fills the context helps nobody.
const LONGEST: usize = 4_000;

/// Command-line advice -> what a model can do instead.
const INSTEAD: [(&str, &str); 8] = [
    (
        "`witgate tools` lists the tools of",
        "`search` lists the tools of",
    ),
    (", or raise it with `--max-cpu SECONDS`", ""),
    (
        "; raise it with `--max-time SECONDS`",
        "; raise it with `limits.seconds`",
    ),
    (", or raise it with `--max-memory MIB`", ""),
    (", or raise it with `--max-calls N`", ""),
    (", or raise `--max-calls N`", ""),
    (
        "to learn from this result too: run again with `--record`, then",
        "the person can record a run with `witgate run --record`, then",
    ),
    (
        "start the server by hand to see what it says, or try again",
        "try again later, or do without it",
    ),
];

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
        lines.push(format!("next: {}", clean(&instead(hint))));
    }
    shorten(lines.join("\n"))
}

/// The answer for a run that did not end well.
pub(crate) fn run(error: RunError, grants: Option<&std::path::Path>) -> String {
    let advice = match &error {
        RunError::Limit(Exceeded::Result(_)) => Some("return the few values that matter, or write the rest to the workspace (`mcp:workspace`)".to_owned()),
        RunError::Program(error) => error.cause.as_ref().and_then(|cause| match cause.kind {
            ToolErrorKind::InvalidArguments => Some(format!("`describe` [\"{}\"] shows its arguments", cause.tool)),
            ToolErrorKind::ToolFailed => Some("mend the arguments, or catch the error to go on".to_owned()),
            ToolErrorKind::Denied | ToolErrorKind::Limit | ToolErrorKind::InvalidResult | ToolErrorKind::Unavailable => None,
        }),
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

fn instead(hint: &str) -> String {
    INSTEAD.iter().fold(hint.to_owned(), |hint, (here, there)| {
        hint.replace(here, there)
    })
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}
