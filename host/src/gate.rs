//! The gate: the one check between a call and a server. Pure and total: no clock, no IO. What it returns, a [`Permit`], is
//! the only thing `servers` takes, so no path reaches a server around it.

use serde_json::{Map, Value};

use crate::admission::Plan;

/// Leave to make one call, with the arguments it was given for. Consumed by the call.
#[derive(Debug)]
pub struct Permit {
    server: String,
    tool: String,
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
    pub(crate) fn for_tests(server: &str, tool: &str, arguments: Map<String, Value>) -> Permit {
        Permit {
            server: server.to_owned(),
            tool: tool.to_owned(),
            arguments,
        }
    }

    pub(crate) fn into_parts(self) -> (String, String, Map<String, Value>) {
        (self.server, self.tool, self.arguments)
    }
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
}

impl Denial {
    /// Whether a budget of the run, rather than a grant, stood in the way.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Denial::RunCalls { .. } | Denial::RunBytes { .. } | Denial::CallBytes { .. }
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
    if spent.bytes > plan.limits.total_bytes {
        return Err(Denial::RunBytes {
            limit: plan.limits.total_bytes,
        });
    }
    if let (Some(used), Some(grant)) = (spent.grants.get_mut(grant), plan.grants.get(grant)) {
        used.bytes = used.bytes.saturating_add(bytes);
        if let Some(limit) = grant.max_bytes
            && used.bytes > limit
        {
            return Err(Denial::GrantBytes {
                origin: grant.origin.clone(),
                limit,
            });
        }
    }
    Ok(())
}
