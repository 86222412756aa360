//! Grants: what a person allows, as a TOML file or as `--allow SERVER/TOOL`. Read once into plain data; `check` holds the
//! conditions in it against the tools' schemas. Nothing is granted by default, and a key that is not known is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use globset::{Glob, GlobMatcher};
use serde_json::Value;

use crate::definitions::Definition;
use crate::gate::Denial;
use crate::labels::{Flow, LabelSet, Names};
use crate::sealed::{Class, SealRule};

pub mod condition;
mod error;
pub mod explain;
mod read;
pub mod suggest;

pub use error::GrantsError;
pub use read::{load, parse};

/// Every rule of a run.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Any of them may allow a call. Of those that fit it and have budget left, the one that asks least of a person decides,
    /// then the first.
    pub grants: Vec<Grant>,
    /// Which tools carry which labels.
    pub labels: Vec<Labelled>,
    /// Which combinations of labels are refused, need a person, or are allowed whatever else is said.
    pub flows: Vec<Flow>,
    /// What is sealed before a program sees it.
    pub seals: Vec<SealRule>,
    /// Named lists of texts, `context.sets.NAME` in conditions.
    pub sets: Arc<BTreeMap<String, Vec<String>>>,
    /// The labels that a run's input carries unless the run says otherwise; where nothing is said, every label that a flow
    /// rule speaks of.
    pub input: Option<LabelSet>,
    /// The names of all labels.
    pub names: Names,
    /// How approvals are asked for.
    pub approvals: ApprovalSettings,
    /// A whole organisation's policy: it must allow a call as well as a grant.
    pub policy: Option<Policy>,
}

impl From<Grant> for Grants {
    fn from(grant: Grant) -> Grants {
        Grants {
            grants: vec![grant],
            ..Grants::default()
        }
    }
}

/// One grant.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The tools it speaks of.
    pub tools: Pattern,
    /// Holds for a call or the grant does not allow it.
    pub when: Option<Condition>,
    /// Calls in total through this grant.
    pub max_calls: Option<u64>,
    /// Bytes of arguments and results in total through this grant, as JSON text.
    pub max_bytes: Option<u64>,
    /// Calls in a stretch of time.
    pub rate: Option<Rate>,
    /// In milliseconds since 1970; from then on it allows nothing.
    pub expires: Option<u64>,
    /// Whether a person is asked.
    pub approve: Approve,
    /// The classes of sealed values that the tool gets in clear.
    pub reveal: Vec<Class>,
    /// Whether the tool changes anything, as far as `--dry-run` is concerned.
    pub effect: Effect,
    /// Where it was written: `grants.toml:3` or `--allow github/list_issues`.
    pub origin: String,
}

/// Which tools a rule speaks of: globs for the server's and the tool's name.
#[derive(Debug, Clone)]
pub struct Pattern {
    server: GlobMatcher,
    tools: Vec<GlobMatcher>,
    /// Names that stand there as they are.
    named: Vec<String>,
}

/// A condition as a person wrote it: a Cedar expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Cedar.
    pub text: String,
    /// `grants.toml:7`, the line of its key.
    pub origin: String,
}

/// An organisation's policies: Cedar,.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Cedar policies.
    pub text: String,
    /// The file.
    pub origin: String,
}

/// At most so many calls in any stretch of time of that length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls.
    pub calls: u32,
    /// The stretch.
    pub per: Duration,
}

/// Whether a person is asked for calls through a grant. In the order of what they ask.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Approve {
    /// No.
    #[default]
    Never,
    /// Once for all calls that wait together.
    Batch,
    /// For each call.
    Each,
}

/// What a tool does, in a person's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It changes nothing: `--dry-run` calls it.
    Read,
    /// It may change something: `--dry-run` does not call it.
    #[default]
    Write,
}

/// Labels that a person gave to tools.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// Which tools.
    pub tools: Pattern,
    /// Which labels.
    pub labels: LabelSet,
    /// Where it was written.
    pub origin: String,
}

/// How approvals are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApprovalSettings {
    /// A batch is asked for when nothing has joined it for so long. Default 100 ms.
    pub quiet: Duration,
    /// A batch is asked for at the latest after so long. Default 2 s.
    pub window: Duration,
    /// Without an answer after so long, it is no. Default 5 min.
    pub timeout: Duration,
}

impl Default for ApprovalSettings {
    fn default() -> Self {
        ApprovalSettings {
            quiet: Duration::from_millis(100),
            window: Duration::from_secs(2),
            timeout: Duration::from_secs(300),
        }
    }
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
    let tools = Pattern::new(server, &[tool.to_owned()], &origin)?;
    Ok(Grant::new(tools, origin))
}

impl Grant {
    /// A grant without conditions or budgets.
    #[must_use]
    pub fn new(tools: Pattern, origin: String) -> Grant {
        Grant {
            tools,
            when: None,
            max_calls: None,
            max_bytes: None,
            rate: None,
            expires: None,
            approve: Approve::Never,
            reveal: Vec::new(),
            effect: Effect::Write,
            origin,
        }
    }

    /// Whether this grant speaks of the tool; conditions and budgets are the gate's matter.
    #[must_use]
    pub fn allows(&self, server: &str, tool: &str) -> bool {
        self.tools.matches(server, tool)
    }
}

impl Pattern {
    /// Globs for one server name and any number of tool names. `origin` is for messages.
    ///
    /// # Errors
    /// [`GrantsError::Pattern`].
    pub fn new(server: &str, tools: &[String], origin: &str) -> Result<Pattern, GrantsError> {
        let is_name = |tool: &&String| globset::escape(tool) == **tool;
        let named = tools.iter().filter(is_name).cloned().collect();
        let tools = tools.iter().map(|tool| glob(tool, origin));
        Ok(Pattern {
            server: glob(server, origin)?,
            tools: tools.collect::<Result<_, _>>()?,
            named,
        })
    }

    /// Whether it speaks of tools of the server.
    #[must_use]
    pub fn matches_server(&self, server: &str) -> bool {
        self.server.is_match(server)
    }

    /// Whether it names the tool itself, and not only tools like it.
    #[must_use]
    pub fn names(&self, tool: &str) -> bool {
        self.named.iter().any(|named| named == tool)
    }

    /// Whether it speaks of the tool.
    #[must_use]
    pub fn matches(&self, server: &str, tool: &str) -> bool {
        self.server.is_match(server) && self.tools.iter().any(|t| t.is_match(tool))
    }
}

fn glob(text: &str, origin: &str) -> Result<GlobMatcher, GrantsError> {
    Glob::new(text)
        .map(|g| g.compile_matcher())
        .map_err(|e| GrantsError::Pattern {
            pattern: text.to_owned(),
            origin: origin.to_owned(),
            message: e.kind().to_string(),
        })
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

impl Grants {
    /// The lines that would take a combination of labels out of the flow rules, for the person to paste.
    #[must_use]
    pub fn lines_that_let_flow(&self, after: LabelSet, call: LabelSet) -> String {
        let list = |set| -> toml::Value {
            let names = self
                .names
                .of(set)
                .map(|name| toml::Value::String(name.to_owned()));
            toml::Value::Array(names.collect())
        };
        format!(
            "[[flow]]\nafter = {}\ncall = {}\nthen = \"allow\"",
            list(after),
            list(call)
        )
    }
}

/// What a person would paste into the grants file so that a denied call is allowed: with these arguments, or with sealed
/// values of these classes among them.
#[must_use]
pub fn hint(
    denial: &Denial,
    definition: &Definition,
    shown: &Value,
    opened: &BTreeSet<Class>,
    grants: &Grants,
) -> Option<String> {
    let (server, tool) = (definition.server.as_str(), definition.tool.name.as_str());
    let revealing = |classes: &BTreeSet<Class>| {
        let names = classes.iter().map(|class| class.name().into());
        let names = toml::Value::Array(names.collect());
        format!("{}\nreveal = {names}", lines_that_allow(server, tool))
    };
    // What a tool must not see does not belong in a grant either.
    let exactly = || match shown {
        _ if !opened.is_empty() => revealing(opened),
        Value::Object(arguments) => suggest::lines_for_call(server, tool, definition, arguments),
        _ => lines_that_allow(server, tool),
    };
    let let_flow = |after: &[String], call: &[String]| {
        let of = |names: &[String]| {
            let sets = names.iter().filter_map(|name| grants.names.get(name));
            sets.fold(LabelSet::default(), LabelSet::with)
        };
        grants.lines_that_let_flow(of(after), of(call))
    };
    match denial {
        Denial::NotGranted
        | Denial::Condition { .. }
        | Denial::Undecided { .. }
        | Denial::Expired { .. }
        | Denial::Rate { .. }
        | Denial::GrantCalls { .. }
        | Denial::GrantBytes { .. } => Some(exactly()),
        Denial::Sealed { .. } => Some(revealing(opened)),
        Denial::Flow { after, call, .. } => Some(let_flow(after, call)),
        Denial::Approval {
            by_grant, by_flow, ..
        } => {
            let flow = by_flow
                .as_ref()
                .map(|flow| let_flow(&flow.after, &flow.call));
            let grant = by_grant.then(exactly);
            let lines: Vec<String> = grant.into_iter().chain(flow).collect();
            (!lines.is_empty()).then(|| lines.join("\n\n"))
        }
        _ => None,
    }
}

/// The text as a TOML string whose glob characters stand for themselves.
fn quoted(text: &str) -> String {
    toml::Value::String(escaped(text)).to_string()
}

/// The glob that matches this text alone.
#[must_use]
pub fn escaped(text: &str) -> String {
    let parts = text.split('\\').map(globset::escape);
    parts.collect::<Vec<_>>().join(r"[\]")
}

#[cfg(test)]
mod tests;
