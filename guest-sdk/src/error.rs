//! A failed tool call (`ToolError`) and the error with which a program ends (`Error`). It is the standard library's boxed
//! error, for only that one takes any error and plain strings by `?`; a `ToolError` stays recognisable in it, so that the
//! host can tell which call failed.

use std::fmt;

use serde_json::Value;

use crate::bindings::witgate::runtime::types as host;
pub use crate::bindings::witgate::runtime::types::ToolErrorKind;

/// The error with which a program ends. Any standard error, `&str` and `String` become one by `?` or `.into()`.
pub type Error = Box<dyn std::error::Error>;

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

/// An error of a program's own making, or another error with what was being done and a class name.
struct Told {
    name: Option<String>,
    /// What was being done, the outermost first.
    contexts: Vec<String>,
    cause: Error,
}

/// Puts what was being done before an error's message.
pub trait Context<T> {
    /// `context: message`; the text is made in any case.
    fn context(self, context: impl fmt::Display) -> Result<T>;
    /// `context: message`; the text is made only where there is an error.
    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T>;
}

/// What an [`Error`] can do beside the methods of the standard library's.
pub trait ErrorExt: Sized {
    /// An error with this message.
    fn msg(message: impl fmt::Display) -> Self;
    /// Another class name, which the person sees before the message.
    fn named(self, name: impl Into<String>) -> Self;
    /// `context: message`, everything else as it was.
    fn context(self, context: impl fmt::Display) -> Self;
    /// The failed tool call that this error comes from.
    fn tool_error(&self) -> Option<&ToolError>;
}

impl ErrorExt for Error {
    fn msg(message: impl fmt::Display) -> Self {
        message.to_string().into()
    }

    fn named(self, name: impl Into<String>) -> Self {
        let mut told = told(self);
        told.name = Some(name.into());
        Box::new(told)
    }

    fn context(self, context: impl fmt::Display) -> Self {
        let mut told = told(self);
        told.contexts.insert(0, context.to_string());
        Box::new(told)
    }

    fn tool_error(&self) -> Option<&ToolError> {
        match self.downcast_ref::<Told>() {
            Some(told) => told.cause.downcast_ref(),
            None => self.downcast_ref(),
        }
    }
}

fn told(error: Error) -> Told {
    match error.downcast::<Told>() {
        Ok(told) => *told,
        Err(cause) => Told {
            name: None,
            contexts: Vec::new(),
            cause,
        },
    }
}

/// An error of the type that a program's entry has: if it is a type of the program's own, it gives the class its name.
pub(crate) fn from_own<E: Into<Error>>(error: E) -> Error {
    let path = std::any::type_name::<E>();
    let plain = path.split('<').next().unwrap_or(path);
    let error = error.into();
    // Text and boxes of the standard library have no name that tells anything.
    if plain.starts_with(['&', '(']) || plain.starts_with("alloc::") {
        return error;
    }
    error.named(plain.rsplit("::").next().unwrap_or(plain))
}

/// An error as the host reports it. The tool is told beside the message there, so the message does not repeat it.
pub(crate) fn into_raw(error: Error) -> host::ProgramError {
    let Told {
        name,
        contexts,
        cause,
    } = told(error);
    let name = name.unwrap_or_else(|| class_name(&cause));
    let (message, cause) = match cause.downcast::<ToolError>() {
        Ok(tool) => (tool.message.clone(), Some(tool.into_raw())),
        Err(cause) => (text(&*cause), None),
    };
    host::ProgramError {
        name,
        message: with_contexts(&contexts, message),
        stack: None,
        cause,
    }
}

fn with_contexts(contexts: &[String], message: String) -> String {
    let mut parts = contexts.to_vec();
    parts.push(message);
    parts.join(": ")
}

/// An error's message and those of its causes.
fn text(error: &dyn std::error::Error) -> String {
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
    message
}

/// An error's class: the type's name, as far as its `Debug` begins with it, for the type itself is no longer known.
fn class_name(error: &Error) -> String {
    let debug = format!("{error:?}");
    let end = debug.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let word = &debug[..end.unwrap_or(debug.len())];
    // A bare string's is quoted; what is followed by a sentence is no name.
    let rest = &debug[word.len()..];
    let is_name = word.starts_with(|c: char| c.is_ascii_uppercase())
        && (rest.is_empty() || rest.starts_with([' ', '(', '{', ':']))
        && (!rest.starts_with(' ') || rest.starts_with(" {"));
    if is_name { word } else { "Error" }.to_owned()
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_contexts(&self.contexts, text(&*self.cause)))
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}: {self}"),
            None => write!(f, "{}: {self}", class_name(&self.cause)),
        }
    }
}

impl std::error::Error for Told {}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn tool_error() -> ToolError {
        ToolError {
            kind: ToolErrorKind::ToolFailed,
            tool: "demo/fail".into(),
            message: "on purpose".into(),
            detail: None,
        }
    }

    #[test]
    fn a_tool_error_is_told_once() {
        let error: Error = tool_error().into();
        let error = error.context("inside").context("outside");
        assert_eq!(error.to_string(), "outside: inside: demo/fail: on purpose");
        assert_eq!(error.tool_error(), Some(&tool_error()));
        let raw = into_raw(error);
        assert_eq!(
            (raw.name.as_str(), raw.message.as_str()),
            ("ToolError", "outside: inside: on purpose")
        );
        assert_eq!(raw.cause.unwrap().tool, "demo/fail");
    }

    #[test]
    fn texts_and_common_errors_are_errors() {
        let text = || -> Result<()> { Err("plain")? };
        let owned = || -> Result<()> { Err("plain".to_owned().into()) };
        let missing = || -> Result<i32> { Ok(None.ok_or("plain")?) };
        let said = |error: Error| {
            let raw = into_raw(error);
            format!("{}: {}", raw.name, raw.message)
        };
        assert_eq!(said(text().unwrap_err()), "Error: plain");
        assert_eq!(said(owned().unwrap_err()), "Error: plain");
        assert_eq!(said(missing().unwrap_err()), "Error: plain");
        assert_eq!(said(from_own("plain".to_owned())), "Error: plain");
        let number = "x".parse::<i32>().context("the count").unwrap_err();
        assert_eq!(
            said(number),
            "ParseIntError: the count: invalid digit found in string"
        );
        let own = from_own(std::fmt::Error);
        assert!(said(own).starts_with("Error: "));
        assert_eq!(
            said(crate::anyhow!("n is {}", 1).named("Mine")),
            "Mine: n is 1"
        );
    }
}
