//! The gate: the one check between a call and a server. Pure and total: no clock, no IO. What it returns, a [`Permit`], is
//! the only thing `servers` takes, so no path reaches a server around it. A call that needs a person's yes gets a
//! [`Pending`] instead, whose budget is booked, and which only an approval of exactly that call turns into a permit.

use std::cell::OnceCell;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value};
use witgate_codegen::drift::ChangeKind;

use crate::admission::{Plan, PlannedTool};
use crate::approval::{self, Approval};
use crate::grants::condition::{Facts, Request};
use crate::grants::{Approve, Grant};
use crate::labels::{LabelSet, Then};
use crate::sealed::Class;

mod denial;

/// Bytes of stack below which conditions are decided on another, and of that one.
const STACK_LEFT: usize = 1 << 20;
const STACK: usize = 2 << 20;

pub use denial::Denial;

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
    is_sealed: bool,
    digest: String,
    tool: usize,
    grant: usize,
    bytes: u64,
    approve: Approve,
    reasons: Vec<String>,
    by_grant: bool,
    by_flow: Option<(Vec<String>, Vec<String>)>,
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

    /// The same, where nothing in it is sealed.
    #[must_use]
    pub fn as_clear(&self) -> Option<&Value> {
        (!self.is_sealed).then_some(&self.shown)
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

/// What a run has used up so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls let through, or waiting for a person.
    pub calls: u64,
    /// Bytes of arguments and results, as JSON text.
    pub bytes: u64,
    /// The same per grant, in the order of the grants.
    pub grants: Vec<GrantSpent>,
    /// The labels of everything that the run has read.
    pub read: LabelSet,
    /// Tools whose definition changed since admission, as indices into [`Plan::tools`]: they are not called any more.
    pub changed: Vec<(usize, ChangeKind)>,
    /// Calls per tool, in the order of [`Plan::tools`].
    tools: Vec<u64>,
}

/// What went through one grant so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantSpent {
    /// Calls let through, or waiting for a person.
    pub calls: u64,
    /// Bytes of arguments and results, as JSON text.
    pub bytes: u64,
    /// When the latest calls were let through, where the grant has a rate.
    times: VecDeque<u64>,
}

/// Checks one call and, where it passes, books it and takes its arguments.
///
/// # Errors
/// The reason against the call; `spent` and `call` are then unchanged.
pub fn check(plan: &Plan, spent: &mut Spent, call: &mut Call) -> Result<Passed, Denial> {
    let planned = plan.tools.get(call.tool).ok_or(Denial::NotGranted)?;
    match planned.rules.schema.is_some() || plan.rules.policy.is_some() {
        // Cedar looks at how much of the thread's stack is left, and a guest calls from a stack of its own.
        true => stacker::maybe_grow(STACK_LEFT, STACK, || examine(plan, planned, spent, call)),
        false => examine(plan, planned, spent, call),
    }
}

fn examine(
    plan: &Plan,
    planned: &PlannedTool,
    spent: &mut Spent,
    call: &mut Call,
) -> Result<Passed, Denial> {
    within_run(plan, spent, call)?;
    let grants = plan.rules.grants().grants.len();
    spent.grants.resize(grants, GrantSpent::default());
    spent.tools.resize(plan.tools.len(), 0);

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
    let by_flow = asking.flow()?.map(|(origin, after, call)| {
        reasons.push(format!(
            "{origin} asks before a `{}` tool is called after `{}` was read",
            call.join("`, `"),
            after.join("`, `"),
        ));
        approve = approve.max(Approve::Batch);
        (after, call)
    });
    asking.policy()?;

    spent.book(grant, plan.rules.grant(grant), call);
    let (tool, bytes) = (call.tool, call.bytes);
    let shown = (approve != Approve::Never).then(|| call.as_shown());
    let permit = Permit {
        server: planned.server.clone(),
        tool: planned.tool.clone(),
        definition: planned.definition.clone(),
        arguments: std::mem::take(&mut call.arguments),
    };
    let Some(shown) = shown else {
        return Ok(Passed::Permitted(permit, grant));
    };
    Ok(Passed::Ask(Box::new(Pending {
        digest: digest(planned, &shown),
        permit,
        shown,
        is_sealed: !call.opened.is_empty(),
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

/// Books what a run has read by calling a tool, whatever came back.
pub fn read(plan: &Plan, spent: &mut Spent, tool: usize) {
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

/// A call under examination. Nothing is booked.
struct Asking<'a> {
    plan: &'a Plan,
    planned: &'a PlannedTool,
    spent: &'a Spent,
    call: &'a Call,
    request: OnceCell<Option<Request>>,
}

impl Asking<'_> {
    /// Of the grants that fit the call and have budget left, the one that asks least of a person.
    fn grant(&self) -> Result<(usize, Approve), Denial> {
        let mut best: Option<(usize, Approve)> = None;
        let mut denial = Denial::NotGranted;
        for (index, when) in &self.planned.rules.grants {
            let (Some(grant), Some(used)) =
                (self.plan.rules.grant(*index), self.spent.grants.get(*index))
            else {
                continue;
            };
            if best.is_some_and(|(_, approve)| approve <= grant.approve) {
                continue;
            }
            let against = self.against(grant, used).err().or_else(|| {
                let when = when.as_ref()?;
                let condition = grant.when.as_ref()?;
                match self.request().map(|request| when.holds(request)) {
                    Some(Ok(true)) => None,
                    Some(Ok(false)) => Some(Denial::Condition {
                        origin: condition.origin.clone(),
                        condition: condition.text.clone(),
                    }),
                    other => Some(Denial::Undecided {
                        origin: condition.origin.clone(),
                        why: other.and_then(Result::err).unwrap_or_default(),
                    }),
                }
            });
            match against {
                None if grant.approve == Approve::Never => return Ok((*index, Approve::Never)),
                None => best = Some((*index, grant.approve)),
                Some(against) if against.nearness() >= denial.nearness() => denial = against,
                Some(_) => {}
            }
        }
        best.ok_or(denial)
    }

    /// What stands against a grant but its condition, which costs more to ask.
    fn against(&self, grant: &Grant, used: &GrantSpent) -> Result<(), Denial> {
        let (call, origin) = (self.call, || grant.origin.clone());
        if is_over(grant, call.now) {
            return Err(expired(grant));
        }
        if let Some(class) = call.opened.iter().find(|c| !grant.reveal.contains(c)) {
            return Err(Denial::Sealed {
                origin: origin(),
                class: class.clone(),
                all: call.opened.clone(),
            });
        }
        if let Some(limit) = grant.max_calls.filter(|limit| used.calls >= *limit) {
            return Err(Denial::GrantCalls {
                origin: origin(),
                limit,
            });
        }
        let bytes = used.bytes.saturating_add(call.bytes);
        if let Some(limit) = grant.max_bytes.filter(|limit| bytes > *limit) {
            return Err(Denial::GrantBytes {
                origin: origin(),
                limit,
            });
        }
        if let Some(rate) = grant.rate {
            let per = rate.per.as_millis() as u64;
            let since = call.now.saturating_sub(per);
            let recent = used.times.iter().filter(|time| **time > since);
            let oldest = recent.clone().next().copied().unwrap_or(call.now);
            if recent.count() >= rate.calls as usize {
                return Err(Denial::Rate {
                    origin: origin(),
                    calls: rate.calls,
                    seconds: rate.per.as_secs(),
                    wait_ms: (oldest + per).saturating_sub(call.now),
                });
            }
        }
        Ok(())
    }

    /// What the flow rules say: nothing, or which asks a person: where it was written, after what, and of which call.
    fn flow(&self) -> Result<Option<(String, Vec<String>, Vec<String>)>, Denial> {
        let (mut refused, mut asks) = (None, None);
        let labels = self.planned.rules.labels;
        for (index, unless) in &self.planned.rules.flows {
            let Some(flow) = self.plan.rules.flow(*index) else {
                continue;
            };
            let is_settled = flow.then == Then::Approve && self.was_shown(*index);
            if is_settled || !flow.concerns(self.spent.read, labels) {
                continue;
            }
            // A rule whose exception cannot be decided stands, unless it is a leave.
            let excepted = match unless {
                None => false,
                Some(unless) => match self.request().map(|request| unless.holds(request)) {
                    Some(Ok(holds)) => holds,
                    _ => flow.then == Then::Allow,
                },
            };
            match flow.then {
                _ if excepted => {}
                Then::Allow => return Ok(None),
                Then::Refuse => refused = refused.or(Some(flow)),
                Then::Approve => asks = asks.or(Some(flow)),
            }
        }
        let names = |set| -> Vec<String> {
            let names = &self.plan.rules.grants().names;
            names.of(set).map(str::to_owned).collect()
        };
        if let Some(flow) = refused {
            return Err(Denial::Flow {
                origin: flow.origin.clone(),
                after: names(flow.after),
                call: names(flow.call.and(labels)),
            });
        }
        let asks = asks.map(|flow| {
            let call = names(flow.call.and(labels));
            (flow.origin.clone(), names(flow.after), call)
        });
        Ok(asks)
    }

    /// Whether a person looked at this tool under this rule before the run: that is not asked again.
    fn was_shown(&self, flow: usize) -> bool {
        let tool = format!("{}/{}", self.planned.server, self.planned.tool);
        let mut start = self.plan.start.iter();
        start.any(|asked| asked.flow == flow && asked.calls.contains(&tool))
    }

    fn policy(&self) -> Result<(), Denial> {
        let Some(policy) = &self.plan.rules.policy else {
            return Ok(());
        };
        let origin = self.plan.rules.grants().policy.as_ref();
        let (server, tool) = (&self.planned.server, &self.planned.tool);
        policy
            .allows(server, tool, &self.facts())
            .map_err(|denied| Denial::Policy {
                origin: origin.map_or_else(String::new, |policy| policy.origin.clone()),
                why: denied.why,
            })
    }

    /// The call as conditions see it, made at the first one.
    fn request(&self) -> Option<&Request> {
        let make = || {
            let schema = self.planned.rules.schema.as_ref()?;
            Some(schema.request(&self.facts()))
        };
        self.request.get_or_init(make).as_ref()
    }

    fn facts(&self) -> Facts<'_> {
        let grants = self.plan.rules.grants();
        Facts {
            arguments: &self.call.arguments,
            request: self.call.request.as_deref(),
            read: grants.names.of(self.spent.read).collect(),
            calls: self.spent.tools.get(self.call.tool).copied().unwrap_or(0),
            now: self.call.now,
            program: &self.plan.program,
        }
    }
}

fn is_over(grant: &Grant, now: u64) -> bool {
    grant.expires.is_some_and(|expires| now >= expires)
}

fn expired(grant: &Grant) -> Denial {
    Denial::Expired {
        origin: grant.origin.clone(),
    }
}

impl Spent {
    /// Nothing, in a run that begins with having read these.
    #[must_use]
    pub fn reading(labels: LabelSet) -> Spent {
        Spent {
            read: labels,
            ..Spent::default()
        }
    }

    fn book(&mut self, grant: usize, granted: Option<&Grant>, call: &Call) {
        self.calls += 1;
        self.bytes += call.bytes;
        if let Some(tool) = self.tools.get_mut(call.tool) {
            *tool += 1;
        }
        if let Some(used) = self.grants.get_mut(grant) {
            used.calls += 1;
            used.bytes += call.bytes;
            if let Some(rate) = granted.and_then(|granted| granted.rate) {
                used.times.push_back(call.now);
                while used.times.len() > rate.calls as usize {
                    used.times.pop_front();
                }
            }
        }
    }

    fn unbook(&mut self, tool: usize, grant: usize, bytes: u64) {
        self.calls = self.calls.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(tool) = self.tools.get_mut(tool) {
            *tool = tool.saturating_sub(1);
        }
        if let Some(used) = self.grants.get_mut(grant) {
            used.calls = used.calls.saturating_sub(1);
            used.bytes = used.bytes.saturating_sub(bytes);
        }
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
mod tests;
