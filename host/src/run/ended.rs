//! How a run ends without a result, and what is read of the one that it has.

use serde_json::Value;
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{PoolConcurrencyLimitError, Trap};

use super::RunState;
use crate::budget::Exceeded;
use crate::call::ToolError;
use crate::definitions::Violation;
use crate::limits::Limits;
use crate::round_trip::read_exactly;

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The program ended with an error of its own.
    #[error("{}: {}", .0.name, .0.message)]
    Program(Box<ProgramError>),
    /// The program broke: it panicked, overflowed its stack, or executed what it must not.
    #[error("the program broke: {message}")]
    Broken {
        /// What the engine says of it.
        message: String,
    },
    /// The program waits for something that cannot happen.
    #[error("the program waits forever: a promise or future is never settled")]
    Deadlock,
    /// A budget ran out.
    #[error(transparent)]
    Limit(Exceeded),
    /// The host cannot run it.
    #[error("the run cannot start: {0}")]
    Host(String),
    /// A person did not say yes to the run.
    #[error("{origin} wants a person to approve this program, and {why}")]
    Disapproved {
        /// Where the flow rule was written.
        origin: String,
        /// The answer, or why there is none.
        why: String,
        /// The lines that would take the combination out of the rule.
        hint: Option<String>,
    },
}

/// Why an admitted program could not be linked.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The program asks for an engine that this host was not given.
    #[error("the program needs `{name}`, which this host does not have")]
    NoEngine {
        /// The module's import name.
        name: String,
    },
    /// The plan is of another catalog.
    #[error("`{tool}` is in the plan but not in these definitions")]
    OtherCatalog {
        /// `server/tool`.
        tool: String,
    },
    /// The engine does not link it.
    #[error("the program cannot be linked: {message}")]
    Link {
        /// The engine's message.
        message: String,
    },
}

/// An error of the program itself: the contract's `program-error`.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct ProgramError {
    /// The class of the error.
    pub name: String,
    /// Its message.
    pub message: String,
    /// The program's own stack, innermost first.
    pub stack: Option<String>,
    /// The failed call that the program did not handle.
    pub cause: Option<ToolError>,
}

/// The engine reports a failed start as one text: what it was doing, `Class: message`, and the stack.
pub(super) fn load_error(text: &str) -> ProgramError {
    let (head, stack) = match text.split_once("\n    at ") {
        Some((head, stack)) => (head, Some(format!("    at {stack}"))),
        None => (text, None),
    };
    let mut parts: Vec<&str> = head.trim().split(": ").collect();
    let name = parts
        .iter()
        .position(|p| p.ends_with("Error") && !p.contains(' '));
    match name {
        Some(index) => {
            let rest = parts.split_off(index);
            ProgramError {
                name: rest[0].to_owned(),
                message: rest[1..].join(": "),
                stack,
                cause: None,
            }
        }
        None => ProgramError {
            name: "Error".into(),
            message: head.trim().to_owned(),
            stack,
            cause: None,
        },
    }
}

pub(super) fn explain(trap: wasmtime::Error, state: &RunState) -> RunError {
    if let Some(exceeded) = trap.downcast_ref::<Exceeded>() {
        return RunError::Limit(exceeded.clone());
    }
    if trap.is::<PoolConcurrencyLimitError>() {
        let why = "all places that the host reserved for programs are taken";
        return RunError::Host(why.to_owned());
    }
    if let Some(panic) = &state.panic {
        return RunError::Program(Box::new(ProgramError {
            name: "panic".into(),
            message: panic.clone(),
            stack: None,
            cause: None,
        }));
    }
    match trap.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => too_deep(),
        // A guest's own stack lies at the bottom of its memory: growing over its end leaves the memory. Nothing else that
        // safe Rust or JavaScript does can.
        Some(Trap::MemoryOutOfBounds) => too_deep(),
        Some(Trap::AsyncDeadlock) => RunError::Deadlock,
        Some(trap) => RunError::Broken {
            message: trap.to_string(),
        },
        None => {
            let text = format!("{:#}", trap.root_cause());
            if text.contains("handle") && text.contains("limit") {
                return RunError::Limit(Exceeded::Handles);
            }
            RunError::Broken { message: text }
        }
    }
}

fn too_deep() -> RunError {
    RunError::Program(Box::new(ProgramError {
        name: "stack overflow".into(),
        message: "the program calls itself too deeply and ran out of stack".into(),
        stack: None,
        cause: None,
    }))
}

pub(super) fn parse_result(text: &str, limits: &Limits) -> Result<Value, RunError> {
    if text.len() > limits.result_bytes {
        return Err(RunError::Limit(Exceeded::Result(limits.result_bytes)));
    }
    let mut value = read_exactly(text).map_err(|Violation { at, why }| RunError::Broken {
        message: match at.as_str() {
            "" => format!("its result is {why}"),
            at => format!("its result is no JSON that can be passed on: `{at}` is {why}"),
        },
    })?;
    integral(&mut value);
    Ok(value)
}

/// Writes integral numbers without a fraction, as JavaScript does, so that a result does not tell its language.
fn integral(value: &mut Value) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(n) if n.is_f64() => {
            if let Some(x) = n.as_f64()
                && x.fract() == 0.0
                && x.abs() <= EXACT
            {
                *n = (x as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(integral),
        Value::Object(map) => map.values_mut().for_each(integral),
        _ => {}
    }
}
