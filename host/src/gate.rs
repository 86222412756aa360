//! The gate: the one check between a call and a server. Pure and total: no clock, no IO. What it returns, a [`Permit`], is
//! the only thing `servers` takes, so no path reaches a server around it. A call that needs a person's yes gets a
//! [`Pending`] instead, whose budget is booked, and which only an approval of exactly that call turns into a permit.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};
use witgate_codegen::drift::ChangeKind;

use crate::admission::{Plan, PlannedTool};
use crate::approval::{self, Approval};
use crate::grants::{Approve, Grant};
use crate::labels::LabelSet;
use crate::sealed::Class;

mod asking;
mod denial;
mod spent;

/// Bytes of stack below which conditions are decided on another, and of that one.
const STACK_LEFT: usize = 1 << 20;
const STACK: usize = 2 << 20;

use asking::Asking;
pub use denial::{Combination, Denial};
pub use spent::{GrantSpent, Spent};

/// Leave to make one call, with the arguments it was given for. Consumed by the call.
///
/// Whoever has one can read it:
/// ```
/// fn tool(permit: &witgate_host::gate::Permit) -> &str {
///     permit.tool()
/// }
/// ```
/// Nobody but the gate makes one:
/// ```compile_fail
/// fn forged() -> witgate_host::gate::Permit {
///     let text = String::new;
///     witgate_host::gate::Permit { server: text(), tool: text(), definition: text(), arguments: Default::default(), read: Default::default() }
/// }
/// ```
/// And nobody uses one twice:
/// ```compile_fail
/// fn twice(permit: &witgate_host::gate::Permit) -> witgate_host::gate::Permit {
///     permit.clone()
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    server: String,
    tool: String,
    definition: String,
    arguments: Map<String, Value>,
    read: LabelSet,
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
            read: LabelSet::default(),
        }
    }

    pub(crate) fn into_parts(self) -> PermitParts {
        PermitParts {
            server: self.server,
            tool: self.tool,
            definition: self.definition,
            arguments: self.arguments,
            read: self.read,
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
    /// The labels of everything that the run had read when the call was checked: what is in the arguments may be of that.
    pub(crate) read: LabelSet,
}

/// A call that a program wants to make.
#[derive(Debug)]
pub struct Call {
    /// Index into [`Plan::tools`].
    pub tool: usize,
    /// As they will be sent.
    pub arguments: Map<String, Value>,
    /// As they are shown, where that is not the same: sealed values stay sealed.
    pub shown: Option<Value>,
    /// The classes of sealed values that stand in `arguments` in clear.
    pub opened: BTreeSet<Class>,
    /// Size of the arguments as JSON text, in bytes.
    pub bytes: u64,
    /// Milliseconds since 1970.
    pub now: u64,
    /// What the person asked for, in their own words, where the run was given that.
    pub request: Option<Arc<str>>,
}

impl Call {
    /// The arguments as a person may see them.
    #[must_use]
    pub fn as_shown(&self) -> Value {
        let clear = || Value::Object(self.arguments.clone());
        self.shown.clone().unwrap_or_else(clear)
    }
}

/// What the gate says to a call that it does not deny.
#[derive(Debug)]
pub enum Passed {
    /// Go. With the index of the grant that paid.
    Permitted(Permit, usize),
    /// A person is to be asked.
    Ask(Box<Pending>),
}

/// A call that waits for a person. What it costs is booked.
#[derive(Debug)]
pub struct Pending {
    permit: Permit,
    shown: Value,
    opened: BTreeSet<Class>,
    digest: String,
    tool: usize,
    grant: usize,
    bytes: u64,
    approve: Approve,
    reasons: Vec<String>,
    by_grant: bool,
    by_flow: Option<Combination>,
}

impl Pending {
    /// The denial of the call where nobody says yes to it.
    #[must_use]
    pub fn refused(&self, why: String) -> Denial {
        Denial::Approval {
            why,
            by_grant: self.by_grant,
            by_flow: self.by_flow.clone(),
        }
    }

    /// SHA-256 hex of the tool, its definition and the arguments as they are shown: what an approval is bound to.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The arguments as a person is to see them.
    #[must_use]
    pub fn shown(&self) -> &Value {
        &self.shown
    }

    /// The classes of sealed values among its arguments.
    #[must_use]
    pub fn opened(&self) -> &BTreeSet<Class> {
        &self.opened
    }

    /// Alone, or with others.
    #[must_use]
    pub fn approve(&self) -> Approve {
        self.approve
    }

    /// Why a person is asked.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// The grant that pays, as an index into the grants.
    #[must_use]
    pub fn grant(&self) -> usize {
        self.grant
    }
}

/// Checks one call and, where it passes, books it and takes its arguments.
///
/// # Errors
/// The reason against the call; `spent` and `call` are then unchanged.
pub fn check(plan: &Plan, spent: &mut Spent, call: &mut Call) -> Result<Passed, Denial> {
    let planned = plan.tools.get(call.tool).ok_or(Denial::NotGranted)?;
    match has_conditions(plan, planned) {
        // Cedar looks at how much of the thread's stack is left, and a guest calls from a stack of its own.
        true => stacker::maybe_grow(STACK_LEFT, STACK, || examine(plan, planned, spent, call)),
        false => examine(plan, planned, spent, call),
    }
}

fn has_conditions(plan: &Plan, planned: &PlannedTool) -> bool {
    planned.rules.schema.is_some() || plan.rules.policy.is_some()
}

/// Whether a call of the tool would be decided on a stack made for it, which takes longer than deciding. A caller that can
/// come back on its thread's own stack does so first.
pub(crate) fn is_cramped(plan: &Plan, tool: usize) -> bool {
    let planned = plan.tools.get(tool);
    planned.is_some_and(|planned| has_conditions(plan, planned))
        && stacker::remaining_stack().is_none_or(|left| left < STACK_LEFT)
}

fn examine(
    plan: &Plan,
    planned: &PlannedTool,
    spent: &mut Spent,
    call: &mut Call,
) -> Result<Passed, Denial> {
    within_run(plan, spent, call)?;
    let asking = Asking {
        plan,
        planned,
        spent,
        call,
        request: OnceCell::new(),
    };
    let (grant, mut approve) = asking.grant()?;
    let mut reasons = Vec::new();
    if approve != Approve::Never
        && let Some(granted) = plan.rules.grant(grant)
    {
        let word = match approve {
            Approve::Each => "each",
            Approve::Never | Approve::Batch => "batch",
        };
        reasons.push(format!("{} says `approve = \"{word}\"`", granted.origin));
    }
    let by_grant = approve != Approve::Never;
    let by_flow = asking.flow()?.map(|(origin, flow)| {
        reasons.push(format!(
            "{origin} asks before a `{}` tool is called after `{}` was read",
            flow.call.join("`, `"),
            flow.after.join("`, `"),
        ));
        approve = approve.max(Approve::Batch);
        flow
    });
    asking.policy()?;

    spent.book(plan, grant, call);
    let (tool, bytes) = (call.tool, call.bytes);
    let shown = (approve != Approve::Never).then(|| call.as_shown());
    let permit = Permit {
        server: planned.server.clone(),
        tool: planned.tool.clone(),
        definition: planned.definition.clone(),
        arguments: std::mem::take(&mut call.arguments),
        read: spent.read,
    };
    let Some(shown) = shown else {
        return Ok(Passed::Permitted(permit, grant));
    };
    Ok(Passed::Ask(Box::new(Pending {
        digest: digest(planned, &shown),
        permit,
        shown,
        opened: call.opened.clone(),
        tool,
        grant,
        bytes,
        approve,
        reasons,
        by_grant,
        by_flow,
    })))
}

/// Whether some grant of a tool gives it sealed values of all these classes in clear.
///
/// # Errors
/// [`Denial::Sealed`].
pub fn reveals(plan: &Plan, tool: usize, classes: &BTreeSet<Class>) -> Result<(), Denial> {
    let planned = plan.tools.get(tool).ok_or(Denial::NotGranted)?;
    let mut denial = Denial::NotGranted;
    for (index, _) in &planned.rules.grants {
        let Some(grant) = plan.rules.grant(*index) else {
            continue;
        };
        match classes.iter().find(|class| !grant.reveal.contains(class)) {
            None => return Ok(()),
            Some(class) => {
                denial = Denial::Sealed {
                    origin: grant.origin.clone(),
                    class: class.clone(),
                }
            }
        }
    }
    Err(denial)
}

/// Turns a call that waited into a permit, with the index of the grant that paid: what was approved is what is sent.
///
/// # Errors
/// When the approval is of another call, or the tool changed or the grant expired meanwhile. What was booked is given back.
pub fn approve(
    plan: &Plan,
    spent: &mut Spent,
    pending: Pending,
    approval: Approval,
    now: u64,
) -> Result<(Permit, usize), Denial> {
    let changed = spent.changed.iter().find(|(tool, _)| *tool == pending.tool);
    let against = if approval.digest() != pending.digest {
        Some(Denial::OtherApproval)
    } else if let Some((_, kind)) = changed {
        Some(Denial::Changed(*kind))
    } else {
        let grant = plan.rules.grant(pending.grant);
        grant.filter(|grant| is_over(grant, now)).map(expired)
    };
    if let Some(denial) = against {
        give_back(spent, &pending);
        return Err(denial);
    }
    Ok((pending.permit, pending.grant))
}

/// Gives back what was booked for a call that waited and is not made.
pub fn give_back(spent: &mut Spent, pending: &Pending) {
    spent.unbook(pending.tool, pending.grant, pending.bytes);
}

/// Books what a run has read by calling a tool, whatever came back; `labels` are those of the answer itself.
pub fn read(plan: &Plan, spent: &mut Spent, tool: usize, labels: LabelSet) {
    spent.read = spent.read.with(labels);
    if let Some(planned) = plan.tools.get(tool) {
        spent.read = spent.read.with(planned.rules.labels);
    }
}

/// What an approval of a call is bound to.
#[must_use]
pub fn digest(planned: &PlannedTool, shown: &Value) -> String {
    approval::digest(&planned.server, &planned.tool, &planned.definition, shown)
}

/// The budgets that are the run's own, and tools that changed.
fn within_run(plan: &Plan, spent: &Spent, call: &Call) -> Result<(), Denial> {
    let limits = &plan.limits;
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
    Ok(())
}

fn is_over(grant: &Grant, now: u64) -> bool {
    grant.expires.is_some_and(|expires| now >= expires)
}

fn expired(grant: &Grant) -> Denial {
    Denial::Expired {
        origin: grant.origin.clone(),
    }
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
    if let (Some(paid), Some(grant)) = (paid, plan.rules.grant(grant))
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
    spent.unbook(tool, grant, bytes);
    if !spent.changed.iter().any(|(known, _)| *known == tool) {
        spent.changed.push((tool, kind));
    }
    Denial::Changed(kind)
}

#[cfg(test)]
pub(crate) mod tests;
