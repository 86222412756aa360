//! How a server can fail, as one error with three parts: which server, what happened, what the person can do.
//! No message holds a secret of the configuration: `Client` lets an error out only through `redacted`.

use std::time::Duration;

use thiserror::Error;

use super::weigh::Measure;
use crate::config::redact;

/// Why a server could not be started, asked or called.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServerError {
    /// No server of the configuration has this name.
    #[error("server `{server}` is not in the configuration")]
    Unknown {
        /// The name that was asked for.
        server: String,
        /// The configured name that is spelt most like it.
        nearest: Option<String>,
    },
    /// The command is neither in `PATH` nor a file.
    #[error("server `{server}`: the command `{command}` was not found")]
    NotFound {
        /// The server's name in the configuration.
        server: String,
        /// The command.
        command: String,
    },
    /// The process or the HTTP client could not be made.
    #[error("server `{server}` could not be started: {reason}")]
    Spawn {
        /// The server's name in the configuration.
        server: String,
        /// What the system said.
        reason: String,
    },
    /// The server was reached, but no session came about.
    #[error("server `{server}`: the MCP handshake failed: {reason}")]
    Handshake {
        /// The server's name in the configuration.
        server: String,
        /// What went wrong.
        reason: String,
    },
    /// The server wants a login, or a better one: nothing was done.
    #[error("server `{server}` asks for authorization: {reason}")]
    Unauthorized {
        /// The server's name in the configuration.
        server: String,
        /// What is wrong with the login that there is.
        reason: String,
    },
    /// No answer in time.
    #[error("server `{server}` did not {doing} within {} ms", after.as_millis())]
    Timeout {
        /// The server's name in the configuration.
        server: String,
        /// `start`, `list its tools`, "answer `tool`".
        doing: String,
        /// How long it was waited for.
        after: Duration,
        /// The last lines of the server's stderr.
        stderr_tail: String,
    },
    /// The process ended or the connection broke.
    #[error("server `{server}` is gone ({status})")]
    Closed {
        /// The server's name in the configuration.
        server: String,
        /// The exit status, or how the connection ended.
        status: String,
        /// The last lines of the server's stderr.
        stderr_tail: String,
    },
    /// The server sent what MCP does not allow.
    #[error("server `{server}` broke the protocol: {reason}")]
    Protocol {
        /// The server's name in the configuration.
        server: String,
        /// What it sent, described and not quoted.
        reason: String,
    },
    /// One message was larger than the limit; it was not kept.
    #[error("server `{server}` sent a message of more than {limit} {measure}")]
    TooLarge {
        /// The server's name in the configuration.
        server: String,
        /// The limit.
        limit: usize,
        /// What it limits.
        measure: Measure,
    },
    /// The server answered with a JSON-RPC error.
    #[error("server `{server}` answered with error {code}: {message}")]
    Rpc {
        /// The server's name in the configuration.
        server: String,
        /// JSON-RPC's code.
        code: i32,
        /// The server's own text.
        message: String,
    },
}

impl ServerError {
    /// The server's name in the configuration.
    pub fn server(&self) -> &str {
        match self {
            ServerError::Unknown { server, .. }
            | ServerError::NotFound { server, .. }
            | ServerError::Spawn { server, .. }
            | ServerError::Handshake { server, .. }
            | ServerError::Unauthorized { server, .. }
            | ServerError::Timeout { server, .. }
            | ServerError::Closed { server, .. }
            | ServerError::Protocol { server, .. }
            | ServerError::TooLarge { server, .. }
            | ServerError::Rpc { server, .. } => server,
        }
    }

    /// The same without the secrets of the configuration.
    pub(super) fn redacted(mut self, secrets: &[String]) -> ServerError {
        let (text, more) = match &mut self {
            ServerError::Unknown { .. } | ServerError::TooLarge { .. } => return self,
            ServerError::NotFound { command, .. } => (command, None),
            ServerError::Spawn { reason, .. }
            | ServerError::Handshake { reason, .. }
            | ServerError::Unauthorized { reason, .. }
            | ServerError::Protocol { reason, .. } => (reason, None),
            ServerError::Timeout {
                doing, stderr_tail, ..
            } => (doing, Some(stderr_tail)),
            ServerError::Closed {
                status,
                stderr_tail,
                ..
            } => (status, Some(stderr_tail)),
            ServerError::Rpc { message, .. } => (message, None),
        };
        *text = redact(text, secrets);
        if let Some(more) = more {
            *more = redact(more, secrets);
        }
        self
    }

    /// Whether the server itself is at fault; a JSON-RPC error is an answer, and the server lives on.
    pub fn is_unavailable(&self) -> bool {
        !matches!(self, ServerError::Rpc { .. })
    }

    /// What the person can do; the end of the server's stderr where there is any.
    pub fn hint(&self) -> String {
        let (advice, tail) = match self {
            ServerError::Unknown {
                nearest: Some(nearest),
                ..
            } => (format!("did you mean `{nearest}`?"), ""),
            ServerError::Unknown {
                server,
                nearest: None,
            } => (format!("add `{server}` under `mcpServers`"), ""),
            ServerError::NotFound { command, .. } => (
                format!("install `{command}`, or write its full path under `command`"),
                "",
            ),
            ServerError::Spawn { .. } => ("check `command` and `cwd` of the server".to_owned(), ""),
            ServerError::Unauthorized { server, .. } => (
                format!(
                    "log in with `witgate login {server}`, or add `\"headers\": {{\"Authorization\": \"Bearer ${{TOKEN}}\"}}` to the server"
                ),
                "",
            ),
            ServerError::Handshake { .. } => (
                "check that the server speaks MCP at that command or address".to_owned(),
                "",
            ),
            ServerError::Timeout { stderr_tail, .. } => (
                "start the server by hand to see what it waits for".to_owned(),
                stderr_tail.as_str(),
            ),
            ServerError::Closed { stderr_tail, .. } => (
                "start the server by hand to see why it ends".to_owned(),
                stderr_tail.as_str(),
            ),
            ServerError::Protocol { .. } => (
                "a server's stdout carries JSON-RPC only; its logs belong on stderr".to_owned(),
                "",
            ),
            ServerError::TooLarge { .. } => (
                "ask the tool for less at once: a page, a filter, fewer fields".to_owned(),
                "",
            ),
            ServerError::Rpc { .. } => (
                "check the tool's name and arguments against `witgate tools`".to_owned(),
                "",
            ),
        };
        if tail.is_empty() {
            advice
        } else {
            // Set in, so that no line of it can pass for one of ours.
            let tail = tail.replace('\n', "\n  ");
            format!("{advice}; its stderr ends with:\n  {tail}")
        }
    }
}
