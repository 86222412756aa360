//! A call under examination: which grant pays for it, and what the flow rules and the organisation's policy say to it.

use std::cell::OnceCell;

use super::{Call, Combination, Denial, GrantSpent, Spent, expired, is_over};
use crate::admission::{Plan, PlannedTool};
use crate::grants::condition::{Facts, Request};
use crate::grants::{Approve, Grant};
use crate::labels::Then;

/// A call under examination. Nothing is booked.
pub(super) struct Asking<'a> {
    pub(super) plan: &'a Plan,
    pub(super) planned: &'a PlannedTool,
    pub(super) spent: &'a Spent,
    pub(super) call: &'a Call,
    pub(super) request: OnceCell<Option<Request>>,
}

impl Asking<'_> {
    /// Of the grants that fit the call and have budget left, the one that asks least of a person.
    pub(super) fn grant(&self) -> Result<(usize, Approve), Denial> {
        let mut best: Option<(usize, Approve)> = None;
        let mut denial = Denial::NotGranted;
        let unused = GrantSpent::default();
        for (index, when) in &self.planned.rules.grants {
            let Some(grant) = self.plan.rules.grant(*index) else {
                continue;
            };
            let used = self.spent.grants.get(*index).unwrap_or(&unused);
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
        if let Some(rate) = grant.rate
            && let Some(wait_ms) = used.wait(rate, call.now)
        {
            return Err(Denial::Rate {
                origin: origin(),
                calls: rate.calls,
                seconds: rate.per.as_secs(),
                wait_ms,
            });
        }
        Ok(())
    }

    /// What the flow rules say: nothing, or which asks a person: where it was written, and what of the call it speaks of.
    pub(super) fn flow(&self) -> Result<Option<(String, Combination)>, Denial> {
        let (mut refused, mut asks) = (None, None);
        let labels = self.planned.rules.labels;
        for (index, unless) in &self.planned.rules.flows {
            let Some(flow) = self.plan.rules.flow(*index) else {
                continue;
            };
            // What a person looked at before the run is not asked again.
            let is_settled = flow.then == Then::Approve
                && self
                    .plan
                    .start
                    .iter()
                    .any(|asked| asked.flow == *index && asked.tools.contains(&self.call.tool));
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
            let (after, call) = (names(flow.after), names(flow.call.and(labels)));
            (flow.origin.clone(), Combination { after, call })
        });
        Ok(asks)
    }

    pub(super) fn policy(&self) -> Result<(), Denial> {
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
