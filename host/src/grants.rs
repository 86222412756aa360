//! Grants: which tools a person allows, as a TOML file or as `--allow SERVER/TOOL`. Parsed once into small values with
//! `allows`. Nothing is granted by default, and a key that is not known is an error.

use globset::{Glob, GlobMatcher};
use serde::Deserialize;
use toml::Spanned;

/// Every grant of a run, in the order given.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Any of them may allow a call; the first that has budget left pays for it.
    pub grants: Vec<Grant>,
}

impl From<Grant> for Grants {
    fn from(grant: Grant) -> Grants {
        Grants {
            grants: vec![grant],
        }
    }
}

/// One grant.
#[derive(Debug, Clone)]
pub struct Grant {
    server: GlobMatcher,
    tools: Vec<GlobMatcher>,
    /// Calls in total through this grant.
    pub max_calls: Option<u64>,
    /// Bytes of arguments and results in total through this grant, as JSON text.
    pub max_bytes: Option<u64>,
    /// Where it was written: `grants.toml:3` or `--allow github/list_issues`.
    pub origin: String,
}

/// Why grants could not be read.
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
    /// `--allow` without a slash.
    #[error("`--allow {given}` does not name a server and a tool")]
    AllowForm {
        /// As given.
        given: String,
    },
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
            GrantsError::AllowForm { .. } => {
                "write `--allow SERVER/TOOL`, for example `--allow github/list_issues` or `--allow 'github/*'`".into()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    grant: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    server: String,
    tools: Vec<String>,
    max_calls: Option<u64>,
    max_bytes: Option<u64>,
}

/// Reads a grants file's text; `origin` names it in messages.
///
/// # Errors
/// [`GrantsError`], with line and column.
pub fn parse(text: &str, origin: &str) -> Result<Grants, GrantsError> {
    let file: File = toml::from_str(text).map_err(|e| GrantsError::Syntax {
        origin: origin.to_owned(),
        message: e.to_string().trim_end().to_owned(),
    })?;
    let mut grants = Vec::new();
    for entry in file.grant {
        let line = text[..entry.span().start].lines().count().max(1);
        let origin = format!("{origin}:{line}");
        let entry = entry.into_inner();
        grants.push(Grant {
            server: pattern(&entry.server, &origin)?,
            tools: entry
                .tools
                .iter()
                .map(|t| pattern(t, &origin))
                .collect::<Result<_, _>>()?,
            max_calls: entry.max_calls,
            max_bytes: entry.max_bytes,
            origin,
        });
    }
    Ok(Grants { grants })
}

/// Reads a grants file.
///
/// # Errors
/// [`GrantsError`].
pub fn load(path: &std::path::Path) -> Result<Grants, GrantsError> {
    let text = std::fs::read_to_string(path).map_err(|source| GrantsError::Read {
        path: path.display().to_string(),
        source,
    })?;
    parse(&text, &path.display().to_string())
}

/// One `--allow SERVER/TOOL`; both sides may be globs.
///
/// # Errors
/// [`GrantsError::AllowForm`] or [`GrantsError::Pattern`].
pub fn allow(given: &str) -> Result<Grant, GrantsError> {
    let form = || GrantsError::AllowForm {
        given: given.to_owned(),
    };
    let (server, tool) = given.split_once('/').ok_or_else(form)?;
    if server.is_empty() || tool.is_empty() {
        return Err(form());
    }
    let origin = format!("--allow {given}");
    Ok(Grant {
        server: pattern(server, &origin)?,
        tools: vec![pattern(tool, &origin)?],
        max_calls: None,
        max_bytes: None,
        origin,
    })
}

fn pattern(text: &str, origin: &str) -> Result<GlobMatcher, GrantsError> {
    Glob::new(text)
        .map(|g| g.compile_matcher())
        .map_err(|e| GrantsError::Pattern {
            pattern: text.to_owned(),
            origin: origin.to_owned(),
            message: e.kind().to_string(),
        })
}

impl Grant {
    /// Whether this grant speaks of the tool; budgets are the gate's matter.
    #[must_use]
    pub fn allows(&self, server: &str, tool: &str) -> bool {
        self.server.is_match(server) && self.tools.iter().any(|t| t.is_match(tool))
    }
}

/// The lines that would allow a tool, for the person to paste.
#[must_use]
pub fn lines_that_allow(server: &str, tool: &str) -> String {
    format!(
        "[[grant]]\nserver = {}\ntools = [{}]",
        quoted(server),
        quoted(tool)
    )
}

/// The text as a TOML string whose glob characters stand for themselves.
fn quoted(text: &str) -> String {
    toml::Value::String(globset::escape(text)).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_allows_what_its_patterns_say_and_nothing_else() {
        let grants = parse(
            "[[grant]]\nserver = \"git*\"\ntools = [\"list_*\", \"get_issue\"]\nmax_calls = 3\n",
            "grants.toml",
        )
        .unwrap();
        let grant = &grants.grants[0];
        assert!(grant.allows("github", "list_issues"));
        assert!(grant.allows("gitlab", "get_issue"));
        assert!(!grant.allows("github", "get_issues"));
        assert!(!grant.allows("slack", "list_issues"));
        assert_eq!(grant.max_calls, Some(3));
        assert_eq!(grant.origin, "grants.toml:1");
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let error = parse(
            "[[grant]]\nserver = \"a\"\ntools = []\nmax_call = 1\n",
            "g.toml",
        )
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("max_call") && error.contains("line 4"),
            "{error}"
        );
    }

    #[test]
    fn the_suggested_lines_allow_exactly_that_tool() {
        let text = lines_that_allow("my \"server\"", "weird*tool");
        let grants = parse(&text, "g").unwrap();
        assert!(grants.grants[0].allows("my \"server\"", "weird*tool"));
        assert!(!grants.grants[0].allows("my \"server\"", "weird-other-tool"));
    }

    #[test]
    fn allow_needs_a_server_and_a_tool() {
        for bad in ["github", "/x", "x/", ""] {
            assert!(allow(bad).is_err(), "{bad}");
        }
        assert!(allow("github/*").unwrap().allows("github", "x"));
    }
}
