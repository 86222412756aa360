//! What a run would have changed, as data: the calls that were not made, in order, held together by a digest. A person looks
//! at it, and a run that is given it needs no further leave for exactly these calls of exactly that program.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use witgate_codegen::catalog::{canonical, hash};
use witgate_codegen::json;

/// The form of plans that is written and read here.
pub const PLAN_VERSION: u32 = 1;

/// Most calls of a plan.
pub const EFFECTS: usize = 10_000;

/// Most bytes of arguments that a plan holds, as JSON text.
const BYTES: usize = 64 << 20;

/// What a run would have changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectPlan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// The program's name, for people.
    pub program: String,
    /// SHA-256 hex of the program.
    pub program_sha256: String,
    /// The calls, in their order.
    pub effects: Vec<PlannedCall>,
    /// SHA-256 hex of the program's digest and of each call's server, tool, digest and arguments in order.
    pub plan_sha256: String,
}

/// A call that was not made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedCall {
    /// The server's name in the configuration.
    pub server: String,
    /// The tool's name on the wire.
    pub tool: String,
    /// As a person may see them: what is sealed stays sealed.
    pub arguments: Value,
    /// SHA-256 hex of the tool, its definition and the arguments as they would have been sent.
    pub digest: String,
    /// Where the result came from that the program got.
    pub answered: super::Answered,
    /// Whether a person would have been asked.
    pub needs_approval: bool,
    /// Why a person would have been asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// Why a text is no plan that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is no JSON, or has another form.
    #[error("it is no plan of `witgate run --dry-run`")]
    Form(#[source] json::JsonError),
    /// Another version of witgate wrote it.
    #[error("it has version {found}, and {PLAN_VERSION} is known here")]
    Version {
        /// Its `version`.
        found: u64,
    },
    /// It has more calls than a run can have planned.
    #[error("it has more than {EFFECTS} calls")]
    TooMany,
    /// It is not as it was written.
    #[error("its calls are not those that it was written with")]
    Changed,
}

impl PlanError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            PlanError::Version { .. } => {
                "write it again with this witgate: `witgate run PROGRAM --dry-run`"
            }
            _ => {
                "a plan is used as it was written; write it again: `witgate run PROGRAM --dry-run`"
            }
        }
    }
}

impl EffectPlan {
    /// A plan of these calls.
    #[must_use]
    pub fn new(program: String, program_sha256: String, effects: Vec<PlannedCall>) -> EffectPlan {
        let plan_sha256 = digest(&program_sha256, &effects);
        EffectPlan {
            version: PLAN_VERSION,
            program,
            program_sha256,
            effects,
            plan_sha256,
        }
    }

    /// Reads a plan as it was written.
    ///
    /// # Errors
    /// [`PlanError`]; a plan whose calls were changed is none.
    pub fn read(text: &str) -> Result<EffectPlan, PlanError> {
        let value = json::parse(text.as_bytes()).map_err(PlanError::Form)?;
        if let Some(found) = value.get("version").and_then(Value::as_u64)
            && found != u64::from(PLAN_VERSION)
        {
            return Err(PlanError::Version { found });
        }
        // From the text again: values would not see keys that stand twice.
        let plan: EffectPlan = json::read(text.as_bytes()).map_err(PlanError::Form)?;
        if plan.effects.len() > EFFECTS {
            return Err(PlanError::TooMany);
        }
        match plan.plan_sha256 == digest(&plan.program_sha256, &plan.effects) {
            true => Ok(plan),
            false => Err(PlanError::Changed),
        }
    }

    /// How often each tool would have been called, in the order of the first calls.
    #[must_use]
    pub fn counts(&self) -> Vec<(&str, &str, usize)> {
        let mut counts: indexmap::IndexMap<(&str, &str), usize> = indexmap::IndexMap::new();
        for call in &self.effects {
            *counts.entry((&call.server, &call.tool)).or_default() += 1;
        }
        counts
            .into_iter()
            .map(|((server, tool), count)| (server, tool, count))
            .collect()
    }
}

fn digest(program_sha256: &str, effects: &[PlannedCall]) -> String {
    let calls: Vec<Value> = effects
        .iter()
        .map(|call| json!([call.server, call.tool, call.digest, call.arguments]))
        .collect();
    hash(&canonical(&json!([PLAN_VERSION, program_sha256, calls])))
}

/// A run would change more than a person could look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a dry run holds at most {EFFECTS} calls that are not made, and 64 MiB of their arguments")]
pub struct TooManyEffects;

/// Where the calls of one run gather that are not made. Concurrent calls share it.
#[derive(Debug, Default)]
pub struct Effects {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<(u64, PlannedCall)>,
    bytes: usize,
}

impl Effects {
    /// Takes in a call that was not made; `sequence` is its place among the run's attempts.
    ///
    /// # Errors
    /// [`TooManyEffects`]; the call is then not taken in.
    pub fn record(&self, sequence: u64, call: PlannedCall) -> Result<(), TooManyEffects> {
        let bytes = call.arguments.to_string().len();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.calls.len() >= EFFECTS || state.bytes.saturating_add(bytes) > BYTES {
            return Err(TooManyEffects);
        }
        state.bytes += bytes;
        state.calls.push((sequence, call));
        Ok(())
    }

    /// The plan so far.
    #[must_use]
    pub fn plan(&self, program: &str, program_sha256: &str) -> EffectPlan {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut calls = state.calls.clone();
        drop(state);
        calls.sort_by_key(|(sequence, _)| *sequence);
        let calls = calls.into_iter().map(|(_, call)| call).collect();
        EffectPlan::new(program.to_owned(), program_sha256.to_owned(), calls)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::dry_run::Answered;

    fn call(tool: &str, digest: &str) -> PlannedCall {
        PlannedCall {
            server: "crm".into(),
            tool: tool.into(),
            arguments: json!({"name": "A"}),
            digest: digest.into(),
            answered: Answered::Sampled,
            needs_approval: false,
            reasons: Vec::new(),
        }
    }

    #[test]
    fn a_plan_is_in_the_order_of_the_calls_and_read_back() {
        let effects = Effects::default();
        effects.record(2, call("create", "b")).unwrap();
        effects.record(0, call("create", "a")).unwrap();
        effects.record(1, call("delete", "a")).unwrap();
        let plan = effects.plan("x.js", "p");
        let order: Vec<&str> = plan.effects.iter().map(|c| c.digest.as_str()).collect();
        assert_eq!(order, ["a", "a", "b"]);
        assert_eq!(plan.counts(), [("crm", "create", 2), ("crm", "delete", 1)]);
        let text = serde_json::to_string_pretty(&plan).unwrap();
        assert_eq!(EffectPlan::read(&text).unwrap(), plan);
    }

    #[test]
    fn a_plan_that_was_changed_is_none() {
        let plan = EffectPlan::new(
            "x.js".into(),
            "p".into(),
            vec![call("create", "a"), call("delete", "b")],
        );
        let right = serde_json::to_value(&plan).unwrap();
        let read = |change: &dyn Fn(&mut Value)| {
            let mut value = right.clone();
            change(&mut value);
            EffectPlan::read(&value.to_string()).unwrap_err()
        };
        let changes: [&dyn Fn(&mut Value); 4] = [
            &|v| v["program_sha256"] = "q".into(),
            &|v| v["effects"][0]["tool"] = "delete".into(),
            &|v| v["effects"][0]["digest"] = "b".into(),
            &|v| v["effects"].as_array_mut().unwrap().reverse(),
        ];
        for change in changes {
            assert!(matches!(read(change), PlanError::Changed));
        }
        assert!(matches!(
            read(&|v| v["version"] = 2.into()),
            PlanError::Version { found: 2 }
        ));
        assert!(matches!(
            read(&|v| v["effects"][0]["more"] = 2.into()),
            PlanError::Form(_)
        ));
        assert!(matches!(EffectPlan::read("{"), Err(PlanError::Form(_))));
    }

    #[test]
    fn a_run_cannot_fill_the_memory() {
        let effects = Effects::default();
        for at in 0..EFFECTS {
            effects.record(at as u64, call("t", "d")).unwrap();
        }
        assert_eq!(effects.record(0, call("t", "d")), Err(TooManyEffects));
        let effects = Effects::default();
        let large = PlannedCall {
            arguments: "x".repeat(BYTES / 2).into(),
            ..call("t", "d")
        };
        effects.record(0, large.clone()).unwrap();
        assert_eq!(effects.record(1, large), Err(TooManyEffects));
    }
}
