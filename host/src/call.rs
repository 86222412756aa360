//! One tool call, from the arguments that the guest gave to the value it gets back: open what is sealed, validate, gate, ask a
//! person, send, validate, book, seal, and one journal record whatever happens on the way.

mod answer;
mod attempt;
mod checks;
mod error;
mod pretend;
mod told;

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use witgate_codegen::catalog::canonical;
use witgate_codegen::drift::{self, ChangeKind};

use crate::admission::Plan;
use crate::approval::{Approvals, Item};
use crate::budget::Exceeded;
use crate::definitions::Definition;
use crate::dry_run::DryRun;
use crate::gate::{self, Call, Denial, Passed, Pending, Permit, Spent};
use crate::grants::Effect;
use crate::journal::recording::{Recorded, Recording};
use crate::journal::{self, Blame, Journal, Outcome, Record, Verdict};
use crate::labels::LabelSet;
use crate::mcp::ServerError;
use crate::round_trip::read_exactly;
use crate::sealed::{SealRule, Vault};
use crate::servers::{CallError, LocalReply, Servers};

use answer::{Form, normalise};
use attempt::Attempt;
use checks::{broken_result, check_arguments, check_result, describe, to_detail};

pub(crate) use answer::unwrap;
pub(crate) use checks::{result_detail, tool_error, unread, violated};
pub use error::{ToolError, ToolErrorKind};

/// What the calls of one run share.
pub(crate) struct Calls {
    pub(crate) run: String,
    pub(crate) plan: Arc<Plan>,
    pub(crate) definitions: Vec<Arc<Definition>>,
    pub(crate) spent: Mutex<Spent>,
    pub(crate) in_flight: Semaphore,
    pub(crate) sequence: AtomicU64,
    /// What failed so far, at most some: a program's uncaught `ToolError` is believed only if the host made it.
    pub(crate) failed: Mutex<Vec<ToolError>>,
    pub(crate) servers: Servers,
    pub(crate) journal: Arc<Journal>,
    pub(crate) recording: Option<Arc<Recording>>,
    pub(crate) approvals: Approvals,
    /// Bytes of arguments, as JSON text, that wait for a person.
    pub(crate) waiting: AtomicU64,
    /// The same of calls that wait for a place among those under way.
    pub(crate) queued: AtomicU64,
    /// Where anything is to be sealed.
    pub(crate) vault: Option<Vault>,
    /// What the person asked for, in their own words.
    pub(crate) request: Option<Arc<str>>,
    /// Where nothing is to be changed.
    pub(crate) dry_run: Option<Arc<DryRun>>,
}

/// Most bytes of arguments that wait for a person at the same time. As values they take many times that.
const WAITING: u64 = 32 << 20;

/// Bytes that are held in memory, counted as long as they are.
pub(crate) struct Held<'a>(&'a AtomicU64, u64);

impl Held<'_> {
    /// `None` where all would then be more than the limit.
    pub(crate) fn new(all: &AtomicU64, bytes: u64, limit: u64) -> Option<Held<'_>> {
        let before = all.fetch_add(bytes, Ordering::Relaxed);
        let held = Held(all, bytes);
        (before.saturating_add(bytes) <= limit).then_some(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// A place among the calls under way. Given back while a call waits for a person, so that it blocks no other.
type Place<'a> = Option<SemaphorePermit<'a>>;

/// What a call gives the guest: a value, and the same as JSON text, written once.
pub(crate) struct Answer {
    pub(crate) value: Value,
    pub(crate) text: String,
}

/// Attempts beyond `Limits::calls` that a program may make, each denied and recorded, before its run is ended.
const DENIED_ATTEMPTS: u64 = 1_000;

/// Failures remembered, and bytes of the longest detail that is remembered with one.
const FAILURES: usize = 1_000;
const DETAIL: usize = 16 << 10;

impl Calls {
    /// Calls a tool of the plan with arguments as JSON text.
    ///
    /// # Errors
    /// The outer error ends the run; the inner one is the guest's.
    pub(crate) async fn call_text(
        &self,
        index: usize,
        arguments: &str,
    ) -> Result<Result<Answer, ToolError>, Exceeded> {
        let limit = self.plan.limits.call_bytes;
        if arguments.len() as u64 > limit {
            let bytes = arguments.len() as u64;
            return self.over(index, &Denial::CallBytes { bytes, limit });
        }
        // A waiting call holds its text, not its value.
        let mut place = match self.place(|| arguments.len() as u64).await {
            Ok(place) => place,
            Err(full) => return self.over(index, &full),
        };
        match read_exactly(arguments) {
            Ok(arguments) => self.call_in_place(index, arguments, &mut place).await,
            Err(violation) => {
                let kind = ToolErrorKind::InvalidArguments;
                self.refused(index, kind, Blame::Program, unread(&violation))
            }
        }
    }

    /// Calls a tool of the plan with arguments as a value.
    ///
    /// # Errors
    /// As `call_text`.
    pub(crate) async fn call_value(
        &self,
        index: usize,
        arguments: Value,
    ) -> Result<Result<Answer, ToolError>, Exceeded> {
        let mut place = match self.place(|| arguments.to_string().len() as u64).await {
            Ok(place) => place,
            Err(full) => return self.over(index, &full),
        };
        self.call_in_place(index, arguments, &mut place).await
    }

    /// A place among the calls under way. What waits for one is kept in memory, and is no more than the run may still move.
    async fn place(&self, bytes: impl FnOnce() -> u64) -> Result<Place<'_>, Denial> {
        if let Ok(place) = self.in_flight.try_acquire() {
            return Ok(Some(place));
        }
        let limit = self.plan.limits.total_bytes;
        let left = limit.saturating_sub(self.spent().bytes);
        let waiting = Held::new(&self.queued, bytes(), left);
        let _waiting = waiting.ok_or(Denial::RunBytes { limit })?;
        // The semaphore is never closed; were it, the call would go on without waiting.
        Ok(self.in_flight.acquire().await.ok())
    }

    /// The value is the structured result where there is one, else the normalised content.
    async fn call_in_place<'a>(
        &'a self,
        index: usize,
        arguments: Value,
        place: &mut Place<'a>,
    ) -> Result<Result<Answer, ToolError>, Exceeded> {
        let mut attempt = self.attempt(index, &arguments)?;
        let result = self
            .attempt_call(index, arguments, &mut attempt, place)
            .await;
        let result = result.map_err(|error| self.sealed(index, error));
        if let Err(error) = &result {
            self.remember(error);
        }
        Ok(result)
    }

    async fn attempt_call<'a>(
        &'a self,
        index: usize,
        arguments: Value,
        attempt: &mut Attempt<'_>,
        place: &mut Place<'a>,
    ) -> Result<Answer, ToolError> {
        let definition = &self.definitions[index];
        let call = self.examine(index, arguments, attempt).await?;
        let kept = (self.recording.is_some() || self.dry_run.is_some()).then(|| call.as_shown());
        let (permit, grant) = self.pass(index, call, attempt, place).await?;
        let is_pretended = permit.is_none();
        match is_pretended {
            true => attempt.pretend(self.origin(grant)),
            false => attempt.permit(self.origin(grant)),
        }

        let (mut value, is_error, form) = match (permit, &self.dry_run, &kept) {
            (Some(permit), ..) => self.send(index, permit, grant, attempt).await?,
            (None, Some(dry_run), Some(shown)) => {
                let value = self.pretend(dry_run, index, shown, attempt).await?;
                (value, false, Form::Structured)
            }
            (None, ..) => {
                let message = "the call has no permit".to_owned();
                return Err(self.error(index, ToolErrorKind::Denied, message, None));
            }
        };
        let mut text = value.to_string();
        let bytes = text.len() as u64;
        let booked = gate::book_result(&self.plan, &mut self.spent(), grant, bytes);
        if let Err(denial) = booked {
            self.seal(index, &mut value, form, is_error);
            attempt.result(&value.to_string());
            attempt.end(Outcome::InvalidResult, Some(Blame::Grant), Some(bytes));
            return Err(self.denied(index, &denial, None));
        }
        // The schema is of what the server says, not of what stands for it.
        let checked = match is_error || is_pretended {
            true => Ok(()),
            false => check_result(definition, form == Form::Structured, &value).await,
        };
        let is_wrapped = unwrap(&mut value, definition);
        let is_sealed = self.seal(index, &mut value, form, is_error);
        if is_wrapped || is_sealed {
            text = value.to_string();
        }
        attempt.result(&text);
        if let (Some(recording), Some(shown), None) = (&self.recording, &kept, &self.dry_run) {
            recording.record(&Recorded {
                run: Cow::Borrowed(&self.run),
                sequence: attempt.record.sequence,
                server: Cow::Borrowed(&definition.server),
                tool: Cow::Borrowed(&definition.tool.name),
                arguments: Cow::Borrowed(shown),
                result: match is_wrapped {
                    true => Cow::Owned(serde_json::json!({"result": value})),
                    false => Cow::Borrowed(&value),
                },
                structured: form == Form::Structured,
                failed: is_error,
            });
        }
        if is_error {
            attempt.end(Outcome::ToolFailed, Some(Blame::Server), Some(bytes));
            let message = match &value {
                Value::String(text) => shorten(text),
                _ => "the tool reported a failure".to_owned(),
            };
            return Err(self.error(index, ToolErrorKind::ToolFailed, message, Some(value)));
        }
        if let Err(violation) = checked {
            attempt.end(Outcome::InvalidResult, Some(Blame::Server), Some(bytes));
            let message = broken_result(definition, &describe(&violation));
            let detail = Some(result_detail(definition, &violation));
            return Err(self.error(index, ToolErrorKind::InvalidResult, message, detail));
        }
        attempt.end(Outcome::Ok, None, Some(bytes));
        Ok(Answer { value, text })
    }

    /// Opens what is sealed in the arguments and holds them against the schema: a call that can be shown to the gate.
    async fn examine(
        &self,
        index: usize,
        mut arguments: Value,
        attempt: &mut Attempt<'_>,
    ) -> Result<Call, ToolError> {
        let definition = &self.definitions[index];
        let mut bytes = attempt.record.arguments_bytes;
        let mut shown = None;
        let needed = match self
            .vault
            .as_ref()
            .map(|v| v.needed(&arguments))
            .transpose()
        {
            Ok(needed) => needed.unwrap_or_default(),
            Err(wrong) => return Err(self.unopened(index, &wrong, attempt)),
        };
        if let (false, Some(vault)) = (needed.is_empty(), &self.vault) {
            // What no grant reveals is not even held against the schema, whose answer would say something of it.
            if let Err(denial) = gate::reveals(&self.plan, index, &needed) {
                attempt.refuse(Verdict::Denied, Blame::Grant, &denial.to_string());
                return Err(self.denied(index, &denial, Some((&arguments, &needed))));
            }
            shown = Some(arguments.clone());
            if let Err(wrong) = vault.open(&mut arguments, self.plan.limits.call_bytes) {
                return Err(self.unopened(index, &wrong, attempt));
            }
            bytes = arguments.to_string().len() as u64;
        }
        let arguments = match check_arguments(definition, arguments).await {
            Ok(arguments) => arguments,
            Err(violation) => {
                let message = describe(&violation);
                attempt.refuse(Verdict::Invalid, Blame::Program, &message);
                let detail = Some(to_detail(&violation));
                return Err(self.error(index, ToolErrorKind::InvalidArguments, message, detail));
            }
        };
        if let Some(why) = self.journal.failure() {
            let message = format!(
                "the journal cannot be written ({why}), and no call is made without a record"
            );
            attempt.refuse(Verdict::Denied, Blame::Host, &message);
            return Err(self.error(index, ToolErrorKind::Denied, message, None));
        }
        Ok(Call {
            tool: index,
            arguments,
            shown,
            opened: needed,
            bytes,
            now: now(),
            request: self.request.clone(),
        })
    }

    /// Through the gate, and past a person where the gate says so. Without a permit the call is not to be made, only noted.
    async fn pass<'a>(
        &'a self,
        index: usize,
        mut call: Call,
        attempt: &mut Attempt<'_>,
        place: &mut Place<'a>,
    ) -> Result<(Option<Permit>, usize), ToolError> {
        if gate::is_cramped(&self.plan, index) {
            off_the_guest_stack().await;
        }
        let checked = gate::check(&self.plan, &mut self.spent(), &mut call);
        let (passed, shown, opened) = match checked {
            Ok(Passed::Permitted(_, grant)) if self.is_pretended(grant) => {
                return Ok((None, grant));
            }
            Ok(Passed::Permitted(permit, grant)) => return Ok((Some(permit), grant)),
            // What is not done needs no leave; the plan says that it would.
            Ok(Passed::Ask(pending)) if self.is_pretended(pending.grant()) => {
                attempt.reasons = pending.reasons().to_vec();
                return Ok((None, pending.grant()));
            }
            Ok(Passed::Ask(pending)) => {
                let (shown, opened) = (pending.shown().clone(), pending.opened().clone());
                *place = None;
                let passed = self.ask(index, *pending, attempt).await;
                *place = self.in_flight.acquire().await.ok();
                (passed, shown, opened)
            }
            Err(denial) => (Err(denial), call.as_shown(), call.opened),
        };
        match passed {
            Ok((permit, grant)) => Ok((Some(permit), grant)),
            Err(denial) => {
                let blame = match &denial {
                    Denial::Changed(_) => Blame::Server,
                    _ => Blame::Grant,
                };
                attempt.refuse(Verdict::Denied, blame, &denial.to_string());
                Err(self.denied(index, &denial, Some((&shown, &opened))))
            }
        }
    }

    /// Waits for a person. Whatever is said, the budget is right afterwards, also where nobody waits for it any more.
    async fn ask(
        &self,
        index: usize,
        pending: Pending,
        attempt: &mut Attempt<'_>,
    ) -> Result<(Permit, usize), Denial> {
        let definition = &self.definitions[index];
        let bytes = attempt.record.arguments_bytes;
        let Some(_waiting) = Held::new(&self.waiting, bytes, WAITING) else {
            gate::give_back(&mut self.spent(), &pending);
            let why = "a person has to approve it, and too much waits for that already";
            return Err(pending.refused(why.to_owned()));
        };
        let item = Item {
            sequence: attempt.record.sequence,
            server: definition.server.clone(),
            tool: definition.tool.name.clone(),
            arguments: pending.shown().clone(),
            digest: pending.digest().to_owned(),
            reasons: pending.reasons().to_vec(),
            approve: pending.approve(),
        };
        match self.approvals.approve(item).await {
            Ok(approval) => {
                attempt.record.approval = Some(approval.how());
                gate::approve(&self.plan, &mut self.spent(), pending, approval, now())
            }
            Err(refused) => {
                gate::give_back(&mut self.spent(), &pending);
                Err(pending.refused(refused.to_string()))
            }
        }
    }

    /// Sends the call. What comes back is a value, whether the tool reported a failure, and what it was made of.
    async fn send(
        &self,
        index: usize,
        permit: Permit,
        grant: usize,
        attempt: &mut Attempt<'_>,
    ) -> Result<(Value, bool, Form), ToolError> {
        let definition = &self.definitions[index];
        let deadline = Instant::now() + self.plan.limits.call_time;
        let reply = self.servers.call(permit, deadline).await;
        let labels = match &reply {
            Ok(reply) => Some(reply.labels),
            // Nothing was sent.
            Err(CallError::Changed { .. }) => None,
            Err(CallError::Server(_)) => Some(LabelSet::default()),
        };
        if let Some(labels) = labels {
            gate::read(&self.plan, &mut self.spent(), index, labels);
        }
        match reply {
            Ok(LocalReply { reply, .. }) => {
                let is_error = reply.is_error;
                let (value, form) = normalise(reply, definition);
                Ok((value, is_error, form))
            }
            Err(CallError::Changed { now, .. }) => {
                let kind = match now {
                    Some(now) => drift::judge(&definition.tool, &now),
                    None => Some(ChangeKind::Removed),
                };
                let kind = kind.unwrap_or(ChangeKind::Incompatible);
                let bytes = attempt.record.arguments_bytes;
                let denial = gate::take_back(&mut self.spent(), index, grant, bytes, kind);
                attempt.refuse(Verdict::Denied, Blame::Server, &denial.to_string());
                Err(self.denied(index, &denial, None))
            }
            // The server answered, with an error of its protocol: the tool could not be run that way.
            Err(CallError::Server(ServerError::Rpc { code, message, .. })) => {
                attempt.end(Outcome::ToolFailed, Some(Blame::Server), None);
                let detail = Some(serde_json::json!({"code": code}));
                // What is cut in two is not recognised.
                let message = shorten(&self.seal_text(index, &message));
                Err(self.error(index, ToolErrorKind::ToolFailed, message, detail))
            }
            Err(failed) => {
                attempt.end(Outcome::Unavailable, Some(Blame::Server), None);
                Err(self.error(index, ToolErrorKind::Unavailable, failed.to_string(), None))
            }
        }
    }

    /// Whether calls through a grant are only noted.
    fn is_pretended(&self, grant: usize) -> bool {
        let grant = self.plan.rules.grant(grant);
        self.dry_run.is_some() && grant.is_none_or(|grant| grant.effect == Effect::Write)
    }

    fn origin(&self, grant: usize) -> &str {
        self.plan
            .rules
            .grant(grant)
            .map_or("", |grant| &grant.origin)
    }

    pub(super) fn seals(&self, index: usize) -> Vec<&SealRule> {
        self.plan.rules.seals(&self.plan.tools[index].rules)
    }

    /// Records an attempt that went no further than its arguments, and returns the guest's error.
    ///
    /// # Errors
    /// As `call_text`.
    pub(crate) fn refused(
        &self,
        index: usize,
        kind: ToolErrorKind,
        blame: Blame,
        message: String,
    ) -> Result<Result<Answer, ToolError>, Exceeded> {
        self.attempt(index, &Value::Null)?
            .refuse(Verdict::Invalid, blame, &message);
        let error = self.error(index, kind, message, None);
        self.remember(&error);
        Ok(Err(error))
    }

    /// The same for an attempt whose arguments are too large to be looked at.
    fn over(&self, index: usize, denial: &Denial) -> Result<Result<Answer, ToolError>, Exceeded> {
        let message = denial.to_string();
        self.refused(index, ToolErrorKind::Limit, Blame::Program, message)
    }

    /// The error of this run that a program says it did not handle, in the host's own words: what it says to a person is
    /// not for the program to choose.
    pub(crate) fn made(&self, error: &ToolError) -> Option<ToolError> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |made: &&ToolError| made.kind == error.kind && made.tool == error.tool;
        let word_for_word = |made: &&ToolError| same(made) && made.message == error.message;
        let made = failed.iter().find(word_for_word);
        made.or_else(|| failed.iter().rev().find(same)).cloned()
    }

    pub(crate) fn remember(&self, error: &ToolError) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut error = error.clone();
        error.detail = error.detail.filter(|detail| detail.len() <= DETAIL);
        if failed.len() < FAILURES && !failed.contains(&error) {
            failed.push(error);
        }
    }

    pub(crate) fn spent(&self) -> std::sync::MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempt(&self, index: usize, arguments: &Value) -> Result<Attempt<'_>, Exceeded> {
        let definition = &self.definitions[index];
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let limit = self.plan.limits.calls;
        if sequence >= limit.saturating_add(DENIED_ATTEMPTS) {
            return Err(Exceeded::Calls(limit));
        }
        let record = Record {
            run: self.run.clone(),
            sequence,
            time: now(),
            server: definition.server.clone(),
            tool: definition.tool.name.clone(),
            verdict: Verdict::Denied,
            reason: None,
            grant: None,
            arguments_sha256: journal::digest(&canonical(arguments)),
            arguments_bytes: arguments.to_string().len() as u64,
            approval: None,
            outcome: None,
            blame: None,
            result_sha256: None,
            result_bytes: None,
            milliseconds: None,
        };
        Ok(Attempt {
            journal: &self.journal,
            started: Instant::now(),
            record,
            reasons: Vec::new(),
        })
    }
}

/// An import is first polled on the guest's stack; an asynchronous one that waits is polled again outside of it.
async fn off_the_guest_stack() {
    let mut has_waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(2_000).collect();
    if short.len() < text.len() {
        short.push_str(" ...");
    }
    short
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as u64)
}
