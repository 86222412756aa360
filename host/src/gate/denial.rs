//! Why a call was not let through, in words for a program's author and for a person.

use witgate_codegen::drift::ChangeKind;

use crate::admission::ACCEPT;
use crate::sealed::Class;

/// What a flow rule speaks of, by the names of the labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combination {
    /// The run has read all of these.
    pub after: Vec<String>,
    /// The tool has these.
    pub call: Vec<String>,
}

/// Why a call was not let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The tool is not in the plan, or no grant speaks of it.
    #[error("no grant allows it")]
    NotGranted,
    /// The server has another definition of the tool than the one that was admitted.
    #[error("since the program was admitted, {}; {ACCEPT}, then run again", .0.what())]
    Changed(ChangeKind),
    /// The condition of every grant that speaks of the tool stands against this call.
    #[error("the condition of the grant at {origin} does not hold: `{condition}`")]
    Condition {
        /// Where the condition was written.
        origin: String,
        /// As it was written.
        condition: String,
    },
    /// A condition cannot be decided for this call.
    #[error("the condition of the grant at {origin} cannot be decided: {why}")]
    Undecided {
        /// Where the condition was written.
        origin: String,
        /// What is in the way.
        why: String,
    },
    /// The grant is of the past.
    #[error("the grant at {origin} has expired")]
    Expired {
        /// Where the grant was written.
        origin: String,
    },
    /// Too many calls in too short a time.
    #[error(
        "the grant at {origin} allows {calls} calls in {seconds} s and these are made; wait {wait_ms} ms"
    )]
    Rate {
        /// Where the grant was written.
        origin: String,
        /// Calls.
        calls: u32,
        /// The stretch of time, in seconds.
        seconds: u64,
        /// From when on another call is allowed, in milliseconds from now.
        wait_ms: u64,
    },
    /// An argument is a sealed value that the tool must not see.
    #[error("an argument is a sealed value of class `{}`, which the grant at {origin} does not reveal", class.name())]
    Sealed {
        /// Where the grant was written.
        origin: String,
        /// The value's class.
        class: Class,
    },
    /// Every grant that allows the tool has made its calls.
    #[error("the grant at {origin} allows {limit} calls and all are made")]
    GrantCalls {
        /// Where the grant was written.
        origin: String,
        /// Its `max_calls`.
        limit: u64,
    },
    /// Every grant that allows the tool has moved its bytes.
    #[error("the grant at {origin} allows {limit} bytes and they are used up")]
    GrantBytes {
        /// Where the grant was written.
        origin: String,
        /// Its `max_bytes`.
        limit: u64,
    },
    /// A flow rule stands against it.
    #[error(
        "the flow rule at {origin} refuses {} tools after {} ones were read",
        words(call),
        words(after)
    )]
    Flow {
        /// Where the rule was written.
        origin: String,
        /// The labels of which the run has read all.
        after: Vec<String>,
        /// The labels of the tool that the rule speaks of.
        call: Vec<String>,
    },
    /// The organisation's policy stands against it.
    #[error("the policy in {origin} does not allow it: {why}")]
    Policy {
        /// The policy file.
        origin: String,
        /// Which of its policies, or that none permits it.
        why: String,
    },
    /// A person said no, or nobody said yes.
    #[error("{why}")]
    Approval {
        /// Which of the two.
        why: String,
        /// Whether it is the grant that wants a yes.
        by_grant: bool,
        /// What the flow rule speaks of that wants one.
        by_flow: Option<Combination>,
    },
    /// What was approved is not this call.
    #[error("the approval is of another call")]
    OtherApproval,
    /// The run has made its calls.
    #[error("the run may make {limit} calls and all are made")]
    RunCalls {
        /// `Limits::calls`.
        limit: u64,
    },
    /// The run has moved its bytes.
    #[error("the run may move {limit} bytes and they are used up")]
    RunBytes {
        /// `Limits::total_bytes`.
        limit: u64,
    },
    /// One call's arguments are too large.
    #[error("the arguments are {bytes} bytes, at most {limit} are allowed")]
    CallBytes {
        /// Their size.
        bytes: u64,
        /// `Limits::call_bytes`.
        limit: u64,
    },
    /// One call's result is too large.
    #[error("the result is {bytes} bytes, at most {limit} are allowed; ask for less per call")]
    ResultBytes {
        /// Its size.
        bytes: u64,
        /// `Limits::call_bytes`.
        limit: u64,
    },
}

fn words(labels: &[String]) -> String {
    let quoted: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
    quoted.join(" and ")
}

impl Denial {
    /// Whether a budget of the run, rather than a grant, stood in the way.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Denial::RunCalls { .. }
                | Denial::RunBytes { .. }
                | Denial::CallBytes { .. }
                | Denial::ResultBytes { .. }
        )
    }

    /// How near the call came to being allowed: of several grants' denials, the nearest is told.
    pub(super) fn nearness(&self) -> u8 {
        match self {
            Denial::NotGranted => 0,
            Denial::Expired { .. } => 1,
            Denial::Condition { .. } => 2,
            Denial::Undecided { .. } => 3,
            Denial::Sealed { .. } => 4,
            _ => 5,
        }
    }
}
