//! How a command fails: one shape for all, told to a person on stderr or to a machine as one JSON object on stdout.

use std::process::ExitCode;

use serde::Serialize;
use witgate_builder::js::JsError;
use witgate_builder::module::ModuleError;
use witgate_builder::rust::RustError;
use witgate_host::Exceeded;
use witgate_host::admission::{Reason, Refusal};
use witgate_host::call::{ToolError, ToolErrorKind};
use witgate_host::config::ConfigError;
use witgate_host::grants::GrantsError;
use witgate_host::mcp::ServerError;
use witgate_host::mcp::oauth::LoginError;
use witgate_host::program::LoadError;
use witgate_host::run::{PrepareError, ProgramError, RunError};

use crate::terminal;

/// Who failed; also the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// 1: the program.
    Program,
    /// 2: the command line.
    Usage,
    /// 2: a configuration file.
    Configuration,
    /// 3: the grants stand against it.
    Refused,
    /// 4: a budget ran out.
    Limit,
    /// 5: an MCP server.
    Unavailable,
    /// 1: this program itself.
    Host,
    /// 130: Ctrl-C, or another signal that asks for an end.
    Interrupted,
}

/// A failure, ready to be told.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    /// The next step.
    pub(crate) hint: Option<String>,
    /// Where: `file:line:column`, an import, or a tool.
    pub(crate) at: Option<String>,
    /// Every reason of a refusal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<Reason>,
    /// The program's own stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stack: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            message: message.into(),
            hint: None,
            at: None,
            reasons: Vec::new(),
            stack: None,
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Usage, message)
    }

    pub(crate) fn host(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Host, message)
    }

    /// A failure whose report is on stdout already: only the exit code is left to say.
    pub(crate) fn told(kind: Kind) -> Failure {
        Failure::new(kind, "")
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn at(mut self, at: impl Into<String>) -> Failure {
        self.at = Some(at.into());
        self
    }

    /// Tells it and returns the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if self.message.is_empty() {
            // Told already.
        } else if json {
            // Strings and lists of strings always serialise.
            let text = serde_json::to_string(self).unwrap_or_default();
            terminal::data(&text);
        } else {
            self.tell();
        }
        ExitCode::from(match self.kind {
            Kind::Program | Kind::Host => 1,
            Kind::Usage | Kind::Configuration => 2,
            Kind::Refused => 3,
            Kind::Limit => 4,
            Kind::Unavailable => 5,
            Kind::Interrupted => 130,
        })
    }

    fn tell(&self) {
        terminal::error(&self.message);
        if let Some(stack) = &self.stack {
            terminal::note(&format!("  {}", terminal::clean(stack)));
        }
        for reason in &self.reasons {
            let line = format!("{}: {}", reason.import, reason.message);
            terminal::note(&format!("  {}", terminal::clean(&line)));
            if let Some(allow) = &reason.allow {
                terminal::note(&format!("      {}", terminal::clean(allow)));
            }
        }
        let grants: Vec<&str> = self
            .reasons
            .iter()
            .filter_map(|r| r.grant.as_deref())
            .collect();
        if !grants.is_empty() {
            // Only a tool that nothing grants can be allowed on the command line.
            let how = match self.reasons.iter().any(|r| r.allow.is_some()) {
                true => {
                    "allow them on the command line as above, or in a grants file (`--grants FILE`)"
                }
                false => "this would allow it, in a grants file (`--grants FILE`)",
            };
            terminal::hint(&format!("{how}:\n{}", grants.join("\n\n")));
        }
        if let Some(hint) = &self.hint {
            terminal::hint(hint);
        }
    }
}

/// A wrong command line, `--help` and `--version`, as clap tells them.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args().any(|a| a == "--json") {
        // The text is clap's, several lines: what is wrong, then how it is used.
        let text = error.render().to_string();
        let (message, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
        let message = message.trim_start_matches("error: ");
        return Failure::usage(message).hint(rest.trim()).report(true);
    }
    // Nobody is left to tell when printing fails.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        let mut failure = Failure::new(Kind::Configuration, chain(&error)).hint(error.hint());
        if let ConfigError::Malformed {
            path, line, column, ..
        } = &error
        {
            failure.at = Some(format!("{}:{line}:{column}", path.display()));
        }
        failure
    }
}

impl From<GrantsError> for Failure {
    fn from(error: GrantsError) -> Failure {
        Failure::new(Kind::Configuration, chain(&error)).hint(error.hint())
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Failure {
        Failure::new(Kind::Unavailable, chain(&error))
            .hint(error.hint())
            .at(error.server().to_owned())
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Failure {
        let kind = match &error {
            LoginError::NotHttp { .. }
            | LoginError::Header { .. }
            | LoginError::ByItself { .. }
            | LoginError::NotAsked { .. }
            | LoginError::Plain { .. } => Kind::Configuration,
            LoginError::Store { .. } => Kind::Host,
            _ => Kind::Unavailable,
        };
        Failure::new(kind, chain(&error))
            .hint(error.hint())
            .at(error.server().to_owned())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Failure {
        let kind = match error {
            LoadError::Cache(_) => Kind::Host,
            _ => Kind::Program,
        };
        Failure::new(kind, chain(&error)).hint(error.hint())
    }
}

impl From<ModuleError> for Failure {
    fn from(error: ModuleError) -> Failure {
        Failure::new(Kind::Program, error.to_string()).hint(error.hint())
    }
}

impl From<JsError> for Failure {
    fn from(error: JsError) -> Failure {
        let mut failure = Failure::new(Kind::Program, error.to_string());
        failure.hint = error.hint();
        if let JsError::Source {
            file, line, column, ..
        } = &error
        {
            failure.at = Some(format!("{file}:{line}:{column}"));
        }
        failure
    }
}

impl From<RustError> for Failure {
    fn from(error: RustError) -> Failure {
        let mut failure = match &error {
            RustError::Toolchain(_) => Failure::new(Kind::Configuration, chain(&error)),
            RustError::Limit(_) => Failure::new(Kind::Limit, chain(&error)),
            RustError::Io { .. } | RustError::Bindings { .. } => Failure::host(chain(&error)),
            _ => Failure::new(Kind::Program, error.to_string()),
        };
        failure.hint = error.hint();
        if let RustError::Syntax { at, .. }
        | RustError::Refused { at, .. }
        | RustError::Unknown { at, .. } = &error
        {
            failure.at = Some(at.to_string());
        }
        failure
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let count = refusal.reasons.len();
        let plural = if count == 1 { "" } else { "s" };
        let mut failure = Failure::new(
            Kind::Refused,
            format!("the program is refused for {count} reason{plural}"),
        );
        let mut hints: Vec<String> = Vec::new();
        for hint in refusal.reasons.iter().filter_map(|r| r.hint.clone()) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        failure.hint = (!hints.is_empty()).then(|| hints.join("\n"));
        failure.reasons = refusal.reasons;
        failure
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        let message = error.to_string();
        match error {
            RunError::Program(error) => program(*error),
            RunError::Limit(exceeded) => Failure::new(Kind::Limit, message).hint(raise(&exceeded)),
            RunError::Deadlock => Failure::new(Kind::Program, message)
                .hint("look for an `await` on something that never comes"),
            RunError::Broken { .. } => Failure::new(Kind::Program, message),
            RunError::Host(_) => Failure::host(message),
            RunError::Disapproved { hint, .. } => {
                let mut failure = Failure::new(Kind::Refused, message);
                failure.hint = hint.as_deref().map(to_paste);
                failure
            }
        }
    }
}

/// What to do about a budget that ran out, with the flag that raises it.
fn raise(exceeded: &Exceeded) -> String {
    let hint = exceeded.hint();
    match exceeded {
        Exceeded::Cpu(_) => format!("{hint}, or raise it with `--max-cpu SECONDS`"),
        Exceeded::Wall(_) => format!("{hint}; raise it with `--max-time SECONDS`"),
        Exceeded::Memory(_) => format!("{hint}, or raise it with `--max-memory MIB`"),
        Exceeded::Calls(_) => format!("{hint}, or raise it with `--max-calls N`"),
        Exceeded::Result(_) | Exceeded::Handles => hint.to_owned(),
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Failure {
        Failure::new(Kind::Program, error.to_string())
            .hint("it was built with another version of witgate; build it again")
    }
}

fn program(error: ProgramError) -> Failure {
    let (kind, message) = match &error.cause {
        Some(cause) => {
            let kind = match cause.kind {
                ToolErrorKind::Denied => Kind::Refused,
                ToolErrorKind::Limit => Kind::Limit,
                ToolErrorKind::Unavailable => Kind::Unavailable,
                _ => Kind::Program,
            };
            (
                kind,
                format!("{} ({}): {}", cause.tool, cause.kind.name(), error.message),
            )
        }
        None => (Kind::Program, format!("{}: {}", error.name, error.message)),
    };
    let mut failure = Failure::new(kind, message);
    failure.hint = error.cause.as_ref().map(|cause| match cause.kind {
        ToolErrorKind::InvalidArguments => format!(
            "`witgate tools {}` shows it; `witgate gen` writes its declaration",
            cause.tool
        ),
        ToolErrorKind::Denied if has_changed(cause) => {
            "the server changed the tool while the program ran: see what changed with `witgate sync --check`, accept it with `witgate sync`, and run again".to_owned()
        }
        ToolErrorKind::Denied => match hint_of(cause) {
            Some(lines) => to_paste(&lines),
            None => "ask whoever wrote the policy".to_owned(),
        },
        ToolErrorKind::Limit => "ask for more per call, or raise `--max-calls N`".to_owned(),
        ToolErrorKind::ToolFailed => "catch it to go on, or look at its `detail`".to_owned(),
        ToolErrorKind::InvalidResult => match schema_of(cause) {
            Some("inferred") => format!(
                "to learn from this result too: run again with `--record`, then `witgate learn {}`",
                cause.tool
            ),
            Some(_) => "correct the tool's entry in `witgate/overrides`".to_owned(),
            None => "the server breaks its own schema; tell its makers, or correct it in `witgate/overrides`".to_owned(),
        },
        ToolErrorKind::Unavailable if cause.message.contains("` asks for authorization: ") => {
            let server = cause.tool.split('/').next().unwrap_or_default();
            format!("log in with `witgate login {server}`, and run again")
        }
        ToolErrorKind::Unavailable => {
            "start the server by hand to see what it says, or try again".to_owned()
        }
    });
    failure.at = error
        .stack
        .as_deref()
        .and_then(first_place)
        .or(error.cause.map(|c| c.tool));
    failure.stack = error.stack;
    failure
}

/// The lines that would allow a denied call.
fn hint_of(cause: &ToolError) -> Option<String> {
    let detail: serde_json::Value = serde_json::from_str(cause.detail.as_deref()?).ok()?;
    Some(detail["hint"].as_str()?.to_owned())
}

fn to_paste(lines: &str) -> String {
    format!("this would allow it, in a grants file (`--grants FILE`):\n{lines}")
}

/// Whose schema a result breaks, where it is not the server's.
fn schema_of(cause: &ToolError) -> Option<&'static str> {
    let detail: serde_json::Value = serde_json::from_str(cause.detail.as_deref()?).ok()?;
    let word = detail[0]["schema"].as_str()?;
    ["inferred", "override"]
        .into_iter()
        .find(|known| *known == word)
}

/// Whether a denial is for a definition that changed.
fn has_changed(error: &ToolError) -> bool {
    let detail = error.detail.as_deref().map(serde_json::from_str);
    matches!(detail, Some(Ok(serde_json::Value::Object(detail))) if detail.contains_key("changed"))
}

/// `file:line:column` of the first frame of a stack.
fn first_place(stack: &str) -> Option<String> {
    let frame = stack.lines().next()?.trim();
    let place = match frame.rsplit_once('(') {
        Some((_, place)) => place.trim_end_matches(')'),
        None => frame.strip_prefix("at ")?,
    };
    Some(place.to_owned())
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
