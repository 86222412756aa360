//! Why grants cannot be used: always with the place, and what to write instead.

use super::condition::ConditionError;

/// Why grants could not be read or checked.
#[derive(Debug, thiserror::Error)]
pub enum GrantsError {
    /// The file does not open.
    #[error("cannot read the grants in `{path}`")]
    Read {
        /// As given.
        path: String,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The text is no TOML, or has a wrong or unknown key.
    #[error("`{origin}` is not a valid grants file: {message}")]
    Syntax {
        /// The file.
        origin: String,
        /// The parser's message with line, column and the line itself.
        message: String,
    },
    /// A pattern is no glob.
    #[error("`{pattern}` in {origin} is not a valid pattern: {message}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Where it was written.
        origin: String,
        /// What is wrong with it.
        message: String,
    },
    /// A value of a key means nothing.
    #[error("`{key} = {given}` in {origin} {message}")]
    Value {
        /// The key.
        key: &'static str,
        /// What was given.
        given: String,
        /// Where it was written.
        origin: String,
        /// What is wrong with it.
        message: String,
        /// What to write instead.
        hint: String,
    },
    /// `--allow` without a slash.
    #[error("`--allow {given}` does not name a server and a tool")]
    AllowForm {
        /// As given.
        given: String,
    },
    /// Conditions that do not hold together with the tools' schemas: all of them.
    #[error("{}", list(.0))]
    Conditions(Vec<ConditionError>),
}

fn list(errors: &[ConditionError]) -> String {
    let line = |error: &ConditionError| match &error.hint {
        Some(hint) => format!("{error}: {hint}"),
        None => error.to_string(),
    };
    let lines: Vec<String> = errors.iter().map(line).collect();
    lines.join("\n")
}

impl GrantsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            GrantsError::Read { .. } => "give an existing file with `--grants FILE`".into(),
            GrantsError::Syntax { .. } => {
                "a grant looks like this:\n[[grant]]\nserver = \"github\"\ntools = [\"list_*\"]\nmax_calls = 100".into()
            }
            GrantsError::Pattern { .. } => "`*` stands for any text, `?` for one character".into(),
            GrantsError::Value { hint, .. } => hint.clone(),
            GrantsError::AllowForm { .. } => {
                "write `--allow SERVER/TOOL`, for example `--allow github/list_issues` or `--allow 'github/*'`".into()
            }
            GrantsError::Conditions(_) => {
                "`witgate tools SERVER/TOOL` shows a tool's arguments; a condition is a Cedar expression over them, for example `context.args.title == \"Draft\"`".into()
            }
        }
    }
}
