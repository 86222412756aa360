//! Approval: some granted calls need a person's yes. A call that does stays pending while other calls go on; calls that wait
//! together are asked for together, as one [`Question`] to an [`Asker`]. A yes is an [`Approval`], made here alone and good
//! for exactly the call that was shown. Which calls need one is the grants' and the gate's matter.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use witgate_codegen::catalog::canonical;

use crate::grants::Approve;
use crate::journal;

mod approvals;
mod callback;
pub mod elicit;
pub mod numbers;
pub mod queue;
pub mod show;

pub(crate) use approvals::{Approvals, PreApproved, RunIdentity};
pub use callback::Callback;

/// One call that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The attempt's number within its run, as in the journal.
    pub sequence: u64,
    /// The server's name in the configuration.
    pub server: String,
    /// The tool's name on the wire.
    pub tool: String,
    /// As they are shown: sealed values stay sealed.
    pub arguments: Value,
    /// What a yes is bound to, from [`digest`].
    pub digest: String,
    /// Why a person is asked, for example `grants.toml:3 says approve = "batch"`.
    pub reasons: Vec<String>,
    /// Whether it may be asked for together with others.
    pub approve: Approve,
}

/// Calls of one run that are asked for together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Twelve hexadecimal digits that no other question has.
    pub id: String,
    /// The run's id.
    pub run: String,
    /// The program's name.
    pub program: String,
    /// SHA-256 of the program, hex.
    pub program_sha256: String,
    /// At least one, at most 1,000, in the order in which they were made.
    pub items: Vec<Item>,
    /// When it was asked, in milliseconds since 1970.
    pub asked: u64,
    /// Without an answer after so long, it is no.
    #[serde(rename = "timeout_ms", with = "milliseconds")]
    pub timeout: Duration,
}

/// A person's answer for one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// This call.
    Yes,
    /// This call, and others like it in the same run.
    YesWithin(Bounds),
    /// Not this call.
    No {
        /// For the program's author; may be empty.
        #[serde(default)]
        reason: String,
    },
}

/// What else a yes is good for: further calls of the same tool in the same run, as long as no reason to ask is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// So many further calls.
    pub calls: u64,
    /// Top-level arguments that have to be those of the approved call, or absent as there.
    #[serde(default)]
    pub same: Vec<String>,
}

/// What [`Asker::ask`] returns.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Vec<Answer>, AskError>> + Send + 'a>>;

/// Puts a question to a person.
pub trait Asker: Send + Sync {
    /// One answer for each item, in their order. When the future is dropped, the question is withdrawn: nobody waits for
    /// its answer any more.
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a>;
}

/// Why there is no answer. All items of the question are then denied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The way to the person is broken.
    #[error("{0}")]
    Unavailable(String),
    /// What came back does not answer the question.
    #[error("the answer does not fit the question: {0}")]
    Unfit(String),
}

/// Proof that a person said yes to the call with this digest. Made in this module alone and consumed by the gate.
#[derive(Debug)]
pub struct Approval {
    digest: String,
    how: How,
}

/// How a call was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// A person was asked for it.
    Asked,
    /// It is within what a person said yes to when asked for an earlier call of the run.
    Within,
    /// A person approved it before the run.
    Plan,
}

impl How {
    /// As in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            How::Asked => "asked",
            How::Within => "within",
            How::Plan => "plan",
        }
    }
}

impl Approval {
    /// The only call that it is good for.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How it came about.
    #[must_use]
    pub fn how(&self) -> How {
        self.how
    }

    /// An approval that nobody gave.
    #[cfg(test)]
    pub(crate) fn for_tests(digest: &str) -> Approval {
        Approval {
            digest: digest.to_owned(),
            how: How::Asked,
        }
    }
}

/// Why a call was not approved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A person said no.
    #[error("a person said no{}", because(.reason))]
    No {
        /// Why; may be empty.
        reason: String,
    },
    /// Nobody answered in time.
    #[error("a person was asked, and nobody answered within {} seconds", .after.as_secs())]
    TimedOut {
        /// The time that was given.
        after: Duration,
    },
    /// The run has no way to ask.
    #[error("a person has to approve it, and this run has nobody to ask")]
    NobodyToAsk,
    /// The asker failed.
    #[error("a person has to approve it, and could not be asked: {0}")]
    Ask(String),
    /// Too many calls of the run wait already.
    #[error(
        "a person has to approve it, and {} calls of this run wait for that already",
        approvals::MAX_PENDING
    )]
    TooMany,
}

fn because(reason: &str) -> String {
    match reason.trim() {
        "" => String::new(),
        reason => format!(": {reason}"),
    }
}

/// What a yes is bound to: SHA-256 hex over the tool, the hash of its definition, and the arguments as they are shown.
#[must_use]
pub fn digest(server: &str, tool: &str, definition: &str, arguments: &Value) -> String {
    // As one JSON value, so that no two different calls give the same text.
    let call = serde_json::json!([server, tool, definition, arguments]);
    journal::digest(&canonical(&call))
}

mod milliseconds {
    //! Durations as whole milliseconds.
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[cfg(test)]
pub(crate) mod tests;
