//! A failed tool call (`ToolError`) and the error with which a program ends (`Error`). Any standard error becomes an
//! `Error` by `?`; a `ToolError` stays recognisable in it, so that the host can tell which call failed.

use std::fmt;

use serde_json::Value;

use crate::bindings::witgate::runtime::types as host;
pub use crate::bindings::witgate::runtime::types::ToolErrorKind;

/// `Result` with [`Error`] unless told otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a tool call failed. Its text is `server/tool: message`.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolError {
    /// The class of the failure.
    pub kind: ToolErrorKind,
    /// `server/tool`, as the server spells it.
    pub tool: String,
    /// One or more sentences.
    pub message: String,
    /// What the tool or the check reported.
    pub detail: Option<Value>,
}

/// The error with which a program ends: a class name, a message, and the tool call behind it, if one was.
pub struct Error {
    name: String,
    message: String,
    tool: Option<Box<ToolError>>,
}

/// Puts what was being done before an error's message.
pub trait Context<T> {
    /// `context: message`; the text is made in any case.
    fn context(self, context: impl fmt::Display) -> Result<T>;
    /// `context: message`; the text is made only where there is an error.
    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T>;
}

impl Error {
    /// An error of class `Error` with this message.
    pub fn msg(message: impl fmt::Display) -> Self {
        Error {
            name: "Error".into(),
            message: message.to_string(),
            tool: None,
        }
    }

    /// Another class name, which the person sees before the message.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// `context: message`, everything else as it was.
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// The failed tool call that this error comes from.
    pub fn tool_error(&self) -> Option<&ToolError> {
        self.tool.as_deref()
    }

    pub(crate) fn into_raw(self) -> host::ProgramError {
        host::ProgramError {
            name: self.name,
            message: self.message,
            stack: None,
            cause: self.tool.map(|tool| tool.into_raw()),
        }
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Some errors already print their cause.
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = cause.source();
        }
        let name = class_name(std::any::type_name::<E>());
        let error: Box<dyn std::error::Error> = Box::new(error);
        let tool = error.downcast::<ToolError>().ok();
        Error {
            name,
            message,
            tool,
        }
    }
}

/// The last word of a type's path, without its parameters.
fn class_name(path: &str) -> String {
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path).to_owned()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(context))
    }

    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.map_err(|error| error.into().context(context()))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::msg(context))
    }

    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.ok_or_else(|| Error::msg(context()))
    }
}

impl ToolError {
    pub(crate) fn from_raw(raw: host::ToolError) -> Self {
        // A detail that is no JSON, or too deep to read, is still shown, as text.
        let detail = raw
            .detail
            .map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)));
        ToolError {
            kind: raw.kind,
            tool: raw.tool,
            message: raw.message,
            detail,
        }
    }

    fn into_raw(self) -> host::ToolError {
        host::ToolError {
            kind: self.kind,
            tool: self.tool,
            message: self.message,
            detail: self
                .detail
                .map(|detail| crate::json::text(&detail).unwrap_or_default()),
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.tool, self.message)
    }
}

impl std::error::Error for ToolError {}

impl ToolErrorKind {
    /// The name as in WIT and in JavaScript: `invalid-arguments`, `denied` ...
    pub fn as_str(self) -> &'static str {
        match self {
            ToolErrorKind::InvalidArguments => "invalid-arguments",
            ToolErrorKind::Denied => "denied",
            ToolErrorKind::Limit => "limit",
            ToolErrorKind::ToolFailed => "tool-failed",
            ToolErrorKind::InvalidResult => "invalid-result",
            ToolErrorKind::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for ToolErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
