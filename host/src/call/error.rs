//! A failed tool call, as the contract spells it.

use wasmtime::component::{ComponentType, Lift, Lower, Val};

use crate::skills::SKILLS;

/// Why a tool call failed, as the contract's `tool-error-kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum ToolErrorKind {
    /// The arguments break the tool's input schema; nothing was sent.
    #[component(name = "invalid-arguments")]
    InvalidArguments,
    /// The grants do not allow this call; nothing was sent.
    #[component(name = "denied")]
    Denied,
    /// A budget of the run is used up.
    #[component(name = "limit")]
    Limit,
    /// The tool ran and reported a failure.
    #[component(name = "tool-failed")]
    ToolFailed,
    /// The tool's result breaks its output schema.
    #[component(name = "invalid-result")]
    InvalidResult,
    /// The server could not be reached, died, or did not answer in time.
    #[component(name = "unavailable")]
    Unavailable,
}

impl ToolErrorKind {
    /// The contract's spelling.
    #[must_use]
    pub fn name(self) -> &'static str {
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

/// A failed tool call, as the guest sees it: the contract's `tool-error`.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct ToolError {
    /// Why.
    pub kind: ToolErrorKind,
    /// `server/tool`.
    pub tool: String,
    /// For the program's author; names fields, never values.
    pub message: String,
    /// What the tool or the check reported, as JSON text.
    pub detail: Option<String>,
}

impl ToolError {
    /// Whether it is of a skill.
    pub(crate) fn is_of_a_skill(&self) -> bool {
        let name = self
            .tool
            .strip_prefix(SKILLS)
            .and_then(|rest| rest.strip_prefix('/'));
        name.is_some_and(|name| !name.contains('/'))
    }

    pub(crate) fn to_val(&self) -> Val {
        Val::Record(vec![
            ("kind".into(), Val::Enum(self.kind.name().into())),
            ("tool".into(), Val::String(self.tool.clone())),
            ("message".into(), Val::String(self.message.clone())),
            (
                "detail".into(),
                Val::Option(self.detail.clone().map(|d| Box::new(Val::String(d)))),
            ),
        ])
    }
}
