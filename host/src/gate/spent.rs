//! What a run has used up: of its own budgets, and of each grant's.

use std::collections::VecDeque;

use witgate_codegen::drift::ChangeKind;

use super::Call;
use crate::admission::Plan;
use crate::grants::Rate;
use crate::labels::LabelSet;

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
    pub(super) tools: Vec<u64>,
}

/// What went through one grant so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantSpent {
    /// Calls let through, or waiting for a person.
    pub calls: u64,
    /// Bytes of arguments and results, as JSON text.
    pub bytes: u64,
    /// When the latest calls were let through, where the grant has a rate; the earliest first, whatever the clock did.
    times: VecDeque<u64>,
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

    pub(super) fn book(&mut self, plan: &Plan, grant: usize, call: &Call) {
        let grants = plan.rules.grants().grants.len();
        self.grants.resize_with(grants, GrantSpent::default);
        self.tools.resize(plan.tools.len(), 0);
        self.calls = self.calls.saturating_add(1);
        self.bytes = self.bytes.saturating_add(call.bytes);
        if let Some(tool) = self.tools.get_mut(call.tool) {
            *tool = tool.saturating_add(1);
        }
        if let Some(used) = self.grants.get_mut(grant) {
            used.calls = used.calls.saturating_add(1);
            used.bytes = used.bytes.saturating_add(call.bytes);
            if let Some(rate) = plan.rules.grant(grant).and_then(|granted| granted.rate) {
                used.remember(rate, call.now);
            }
        }
    }

    /// Gives back what was booked. A rate's times stay: it is of what was attempted, not of what was made.
    pub(super) fn unbook(&mut self, tool: usize, grant: usize, bytes: u64) {
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

impl GrantSpent {
    /// How long a call has to wait for the rate, in milliseconds; `None` where it need not.
    pub(super) fn wait(&self, rate: Rate, now: u64) -> Option<u64> {
        let per = u64::try_from(rate.per.as_millis()).unwrap_or(u64::MAX);
        // A time that is yet to come, the clock having been set back, counts too.
        let recent = |time: &&u64| now.saturating_sub(**time) < per;
        let mut recent = self.times.iter().filter(recent).peekable();
        let oldest = recent.peek().map_or(now, |time| **time);
        let is_full = recent.count() >= rate.calls as usize;
        is_full.then(|| oldest.saturating_add(per).saturating_sub(now))
    }

    fn remember(&mut self, rate: Rate, now: u64) {
        let at = self.times.partition_point(|time| *time <= now);
        self.times.insert(at, now);
        while self.times.len() > rate.calls as usize {
            self.times.pop_front();
        }
    }
}
