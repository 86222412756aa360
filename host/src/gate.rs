//! The gate: the one check between a call and a server. Pure and total: no clock, no IO. What it returns, a [`Permit`], is
//! the only thing `servers` takes, so no path reaches a server around it.

use serde_json::{Map, Value};
use witgate_codegen::drift::ChangeKind;

use crate::admission::{ACCEPT, Plan};

/// Leave to make one call, with the arguments it was given for. Consumed by the call.
#[derive(Debug)]
pub struct Permit {
    server: String,
    tool: String,
    definition: String,
    arguments: Map<String, Value>,
}

impl Permit {
    /// The server's name in the configuration.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The tool's name on the wire.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// A permit that nothing was checked for.
    #[cfg(test)]
    pub(crate) fn for_tests(
        server: &str,
        tool: &str,
        definition: &str,
        arguments: Map<String, Value>,
    ) -> Permit {
        Permit {
            server: server.to_owned(),
            tool: tool.to_owned(),
            definition: definition.to_owned(),
            arguments,
        }
    }

    pub(crate) fn into_parts(self) -> PermitParts {
        PermitParts {
            server: self.server,
            tool: self.tool,
            definition: self.definition,
            arguments: self.arguments,
        }
    }
}

/// A permit that is being used.
pub(crate) struct PermitParts {
    pub(crate) server: String,
    pub(crate) tool: String,
    /// Hash of the only definition for which the permit is good.
    pub(crate) definition: String,
    pub(crate) arguments: Map<String, Value>,
}

/// A call that a program wants to make.
#[derive(Debug)]
pub struct Call {
    /// Index into [`Plan::tools`].
    pub tool: usize,
    /// As they will be sent.
    pub arguments: Map<String, Value>,
    /// Size of the arguments as JSON text, in bytes.
    pub bytes: u64,
}

/// What a run has used up so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls let through.
    pub calls: u64,
    /// Bytes of arguments and results, as JSON text.
    pub bytes: u64,
    /// The same per grant, in the order of [`Plan::grants`].
    pub grants: Vec<GrantSpent>,
    /// Tools whose definition changed since admission, as indices into [`Plan::tools`]: they are not called any more.
    pub changed: Vec<(usize, ChangeKind)>,
}

/// What went through one grant so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GrantSpent {
    /// Calls let through.
    pub calls: u64,
    /// Bytes of arguments and results, as JSON text.
    pub bytes: u64,
}

/// Why a call was not let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The tool is not in the plan.
    #[error("no grant allows it")]
    NotGranted,
    /// The server has another definition of the tool than the one that was admitted.
    #[error("since the program was admitted, {}; {ACCEPT}, then run again", .0.what())]
    Changed(ChangeKind),
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
}

/// Checks one call and, where it passes, books it. The permit names the grant that paid by its index into [`Plan::grants`].
///
/// # Errors
/// The first reason against the call; `spent` is then unchanged.
pub fn check(plan: &Plan, spent: &mut Spent, call: Call) -> Result<(Permit, usize), Denial> {
    let limits = &plan.limits;
    let planned = plan.tools.get(call.tool).ok_or(Denial::NotGranted)?;
    if let Some((_, kind)) = spent.changed.iter().find(|(tool, _)| *tool == call.tool) {
        return Err(Denial::Changed(*kind));
    }
    if call.bytes > limits.call_bytes {
        return Err(Denial::CallBytes {
            bytes: call.bytes,
            limit: limits.call_bytes,
        });
    }
    if spent.calls >= limits.calls {
        return Err(Denial::RunCalls {
            limit: limits.calls,
        });
    }
    if spent.bytes.saturating_add(call.bytes) > limits.total_bytes {
        return Err(Denial::RunBytes {
            limit: limits.total_bytes,
        });
    }
    spent
        .grants
        .resize(plan.grants.len(), GrantSpent::default());
    let mut denial = Denial::NotGranted;
    for &index in &planned.grants {
        let (Some(grant), Some(used)) = (plan.grants.get(index), spent.grants.get_mut(index))
        else {
            continue;
        };
        if let Some(limit) = grant.max_calls
            && used.calls >= limit
        {
            denial = Denial::GrantCalls {
                origin: grant.origin.clone(),
                limit,
            };
        } else if let Some(limit) = grant.max_bytes
            && used.bytes.saturating_add(call.bytes) > limit
        {
            denial = Denial::GrantBytes {
                origin: grant.origin.clone(),
                limit,
            };
        } else {
            used.calls += 1;
            used.bytes += call.bytes;
            spent.calls += 1;
            spent.bytes += call.bytes;
            let permit = Permit {
                server: planned.server.clone(),
                tool: planned.tool.clone(),
                definition: planned.definition.clone(),
                arguments: call.arguments,
            };
            return Ok((permit, index));
        }
    }
    Err(denial)
}

/// Books a result's bytes on the run and on the grant that paid for its call.
///
/// # Errors
/// When the bytes go over a budget. They are booked all the same, so that further calls are denied too.
pub fn book_result(plan: &Plan, spent: &mut Spent, grant: usize, bytes: u64) -> Result<(), Denial> {
    spent.bytes = spent.bytes.saturating_add(bytes);
    let paid = spent.grants.get_mut(grant).map(|used| {
        used.bytes = used.bytes.saturating_add(bytes);
        used.bytes
    });
    if bytes > plan.limits.call_bytes {
        return Err(Denial::ResultBytes {
            bytes,
            limit: plan.limits.call_bytes,
        });
    }
    if spent.bytes > plan.limits.total_bytes {
        return Err(Denial::RunBytes {
            limit: plan.limits.total_bytes,
        });
    }
    if let (Some(paid), Some(grant)) = (paid, plan.grants.get(grant))
        && let Some(limit) = grant.max_bytes
        && paid > limit
    {
        return Err(Denial::GrantBytes {
            origin: grant.origin.clone(),
            limit,
        });
    }
    Ok(())
}

/// Takes back what was booked for a call that was not made, its server having another definition of the tool by now. From
/// here on the tool is denied, whatever the server says next.
pub fn take_back(
    spent: &mut Spent,
    tool: usize,
    grant: usize,
    bytes: u64,
    kind: ChangeKind,
) -> Denial {
    spent.calls = spent.calls.saturating_sub(1);
    spent.bytes = spent.bytes.saturating_sub(bytes);
    if let Some(used) = spent.grants.get_mut(grant) {
        used.calls = used.calls.saturating_sub(1);
        used.bytes = used.bytes.saturating_sub(bytes);
    }
    if !spent.changed.iter().any(|(known, _)| *known == tool) {
        spent.changed.push((tool, kind));
    }
    Denial::Changed(kind)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::admission::PlannedTool;
    use crate::grants::{self, Grants};
    use crate::limits::Limits;

    fn plan(grants: &str, limits: Limits) -> Plan {
        let Grants { grants } = grants::parse(grants, "grants.toml").unwrap();
        let tools = ["read", "write"].map(|tool| PlannedTool {
            server: "s".into(),
            tool: tool.into(),
            definition: String::new(),
            grants: (0..grants.len())
                .filter(|&g| grants[g].allows("s", tool))
                .collect(),
        });
        Plan {
            tools: tools.into(),
            imports: Vec::new(),
            grants,
            limits,
        }
    }

    fn call(tool: usize, bytes: u64) -> Call {
        Call {
            tool,
            arguments: Map::new(),
            bytes,
        }
    }

    #[test]
    fn no_permit_without_a_grant_for_that_tool() {
        let plan = plan("[[grant]]\nserver='s'\ntools=['read']", Limits::default());
        let mut spent = Spent::default();
        let (permit, grant) = check(&plan, &mut spent, call(0, 1)).unwrap();
        assert_eq!((permit.server(), permit.tool(), grant), ("s", "read", 0));
        assert_eq!(
            check(&plan, &mut spent, call(1, 1)).unwrap_err(),
            Denial::NotGranted
        );
        assert_eq!(
            check(&plan, &mut spent, call(9, 1)).unwrap_err(),
            Denial::NotGranted
        );
        assert_eq!(spent.calls, 1);
    }

    #[test]
    fn a_second_grant_pays_when_the_first_is_used_up() {
        let text = "[[grant]]\nserver='s'\ntools=['read']\nmax_calls=1\n[[grant]]\nserver='s'\ntools=['*']\nmax_bytes=10";
        let plan = plan(text, Limits::default());
        let mut spent = Spent::default();
        assert_eq!(check(&plan, &mut spent, call(0, 4)).unwrap().1, 0);
        assert_eq!(check(&plan, &mut spent, call(0, 4)).unwrap().1, 1);
        let denial = check(&plan, &mut spent, call(0, 7)).unwrap_err();
        assert!(
            matches!(denial, Denial::GrantBytes { limit: 10, .. }),
            "{denial}"
        );
        assert!(!denial.is_limit());
    }

    #[test]
    fn a_denied_call_changes_nothing_and_a_result_is_booked() {
        let limits = Limits {
            calls: 2,
            total_bytes: 100,
            call_bytes: 50,
            ..Limits::default()
        };
        let plan = plan("[[grant]]\nserver='s'\ntools=['*']", limits);
        let mut spent = Spent::default();
        assert!(
            check(&plan, &mut spent, call(0, 51))
                .unwrap_err()
                .is_limit()
        );
        assert_eq!(spent, Spent::default());
        let (_, grant) = check(&plan, &mut spent, call(0, 40)).unwrap();
        assert_eq!(
            book_result(&plan, &mut spent, grant, 51).unwrap_err(),
            Denial::ResultBytes {
                bytes: 51,
                limit: 50
            }
        );
        assert_eq!(
            book_result(&plan, &mut spent, grant, 10).unwrap_err(),
            Denial::RunBytes { limit: 100 }
        );
        assert_eq!(
            check(&plan, &mut spent, call(0, 1)).unwrap_err(),
            Denial::RunBytes { limit: 100 }
        );
    }

    #[test]
    fn a_tool_that_changed_is_denied_from_then_on_and_costs_nothing() {
        let plan = plan(
            "[[grant]]\nserver='s'\ntools=['*']\nmax_calls=2",
            Limits::default(),
        );
        let mut spent = Spent::default();
        let (permit, grant) = check(&plan, &mut spent, call(0, 5)).unwrap();
        drop(permit);
        let denial = take_back(&mut spent, 0, grant, 5, ChangeKind::Removed);
        assert!(!denial.is_limit());
        assert_eq!((spent.calls, spent.bytes), (0, 0));
        assert_eq!(spent.grants, [GrantSpent::default()]);
        assert_eq!(check(&plan, &mut spent, call(0, 1)).unwrap_err(), denial);
        check(&plan, &mut spent, call(1, 1)).unwrap();
        check(&plan, &mut spent, call(1, 1)).unwrap();
    }

    /// Every order of many small steps: budgets are never exceeded, whatever is asked.
    #[test]
    fn budgets_hold_for_any_sequence_of_calls() {
        let mut state = 7_u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..300 {
            let (calls, bytes, run_calls) = (next(6), next(200), next(10));
            let text = format!(
                "[[grant]]\nserver='s'\ntools=['read']\nmax_calls={calls}\nmax_bytes={bytes}"
            );
            let plan = plan(
                &text,
                Limits {
                    calls: run_calls,
                    ..Limits::default()
                },
            );
            let mut spent = Spent::default();
            let mut permits = 0;
            for _ in 0..40 {
                let tool = next(3) as usize;
                if check(&plan, &mut spent, call(tool, next(60))).is_ok() {
                    permits += 1;
                    assert_eq!(tool, 0);
                }
            }
            assert!(permits <= calls.min(run_calls));
            assert_eq!(permits, spent.calls);
            assert!(spent.bytes <= bytes);
        }
    }

    #[test]
    fn a_thousand_concurrent_calls_get_ten_permits() {
        let plan = plan(
            "[[grant]]\nserver='s'\ntools=['read']\nmax_calls=10",
            Limits::default(),
        );
        let spent = Mutex::new(Spent::default());
        let permits: usize = std::thread::scope(|scope| {
            let work = || {
                (0..250)
                    .filter(|_| check(&plan, &mut spent.lock().unwrap(), call(0, 1)).is_ok())
                    .count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!(permits, 10);
    }
}
