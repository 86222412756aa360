//! One tool call, from the arguments that the guest gave to the value it gets back: validate, gate, send, validate, book,
//! and one journal record whatever happens on the way.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use wasmtime::component::{ComponentType, Lift, Lower, Val};
use witgate_codegen::catalog::canonical;
use witgate_codegen::drift::{self, ChangeKind};
use witgate_codegen::model::{Origin, Type};

use crate::admission::Plan;
use crate::budget::Exceeded;
use crate::definitions::{Definition, Violation};
use crate::gate::{self, Call, Denial, Spent};
use crate::journal::recording::{Recorded, Recording};
use crate::journal::{self, Blame, Journal, Outcome, Record, Verdict};
use crate::mcp::{ServerError, ToolReply};
use crate::round_trip::read_exactly;
use crate::servers::{CallError, Servers};

/// Why a tool call failed, as the contract's `tool-error-kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum ToolErrorKind {
    /// The arguments break the tool's input schema; nothing was sent.
    #[component(name = "invalid-arguments")]
    InvalidArguments,
    /// The grants do not allow this call; nothing was sent.
    #[component(name = "denied")]
    Denied,
    /// A budget of the run is used up.
    #[component(name = "limit")]
    Limit,
    /// The tool ran and reported a failure.
    #[component(name = "tool-failed")]
    ToolFailed,
    /// The tool's result breaks its output schema.
    #[component(name = "invalid-result")]
    InvalidResult,
    /// The server could not be reached, died, or did not answer in time.
    #[component(name = "unavailable")]
    Unavailable,
}

impl ToolErrorKind {
    /// The contract's spelling.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ToolErrorKind::InvalidArguments => "invalid-arguments",
            ToolErrorKind::Denied => "denied",
            ToolErrorKind::Limit => "limit",
            ToolErrorKind::ToolFailed => "tool-failed",
            ToolErrorKind::InvalidResult => "invalid-result",
            ToolErrorKind::Unavailable => "unavailable",
        }
    }
}

/// A failed tool call, as the guest sees it: the contract's `tool-error`.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct ToolError {
    /// Why.
    pub kind: ToolErrorKind,
    /// `server/tool`.
    pub tool: String,
    /// For the program's author; names fields, never values.
    pub message: String,
    /// What the tool or the check reported, as JSON text.
    pub detail: Option<String>,
}

impl ToolError {
    pub(crate) fn to_val(&self) -> Val {
        Val::Record(vec![
            ("kind".into(), Val::Enum(self.kind.name().into())),
            ("tool".into(), Val::String(self.tool.clone())),
            ("message".into(), Val::String(self.message.clone())),
            (
                "detail".into(),
                Val::Option(self.detail.clone().map(|d| Box::new(Val::String(d)))),
            ),
        ])
    }
}

/// What the calls of one run share.
pub(crate) struct Calls {
    pub(crate) run: String,
    pub(crate) plan: Plan,
    pub(crate) definitions: Vec<Arc<Definition>>,
    pub(crate) spent: Mutex<Spent>,
    pub(crate) in_flight: Semaphore,
    pub(crate) sequence: AtomicU64,
    /// What failed so far, at most some: a program's uncaught `ToolError` is believed only if the host made it.
    pub(crate) failed: Mutex<Vec<(ToolErrorKind, String)>>,
    pub(crate) servers: Servers,
    pub(crate) journal: Arc<Journal>,
    pub(crate) recording: Option<Arc<Recording>>,
}

/// What a call gives the guest: a value, and the same as JSON text, written once.
pub(crate) struct Answer {
    pub(crate) value: Value,
    pub(crate) text: String,
}

/// Attempts beyond `Limits::calls` that a program may make, each denied and recorded, before its run is ended.
const DENIED_ATTEMPTS: u64 = 1_000;

/// Failures remembered.
const FAILURES: usize = 1_000;

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
            let denial = Denial::CallBytes { bytes, limit };
            return self.refused(index, denied(&denial), Blame::Program, denial.to_string());
        }
        // A waiting call holds its text, not its value.
        let _place = self.in_flight.acquire().await.ok();
        match read_exactly(arguments) {
            Ok(arguments) => self.call_in_place(index, arguments).await,
            Err(Violation { at, why }) => {
                let kind = ToolErrorKind::InvalidArguments;
                let message = match at.as_str() {
                    "" => format!("the arguments are {why}"),
                    at => format!("`{at}` is {why}"),
                };
                self.refused(index, kind, Blame::Program, message)
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
        // The semaphore is never closed; were it, the call would go on without waiting.
        let _place = self.in_flight.acquire().await.ok();
        self.call_in_place(index, arguments).await
    }

    /// The value is the structured result where there is one, else the normalised content.
    async fn call_in_place(
        &self,
        index: usize,
        arguments: Value,
    ) -> Result<Result<Answer, ToolError>, Exceeded> {
        let mut attempt = self.attempt(index, &arguments)?;
        let result = self.attempt_call(index, arguments, &mut attempt).await;
        if let Err(error) = &result {
            self.remember(error);
        }
        Ok(result)
    }

    async fn attempt_call(
        &self,
        index: usize,
        arguments: Value,
        attempt: &mut Attempt<'_>,
    ) -> Result<Answer, ToolError> {
        let definition = &self.definitions[index];
        let error = |kind, message: String, detail: Option<Value>| ToolError {
            kind,
            tool: name(definition),
            message,
            detail: detail.map(|d| d.to_string()),
        };

        let arguments = match check_arguments(definition, arguments).await {
            Ok(arguments) => arguments,
            Err(violation) => {
                let message = describe(&violation);
                attempt.refuse(Verdict::Invalid, Blame::Program, &message);
                let detail = Some(to_detail(&violation));
                return Err(error(ToolErrorKind::InvalidArguments, message, detail));
            }
        };
        if let Some(why) = self.journal.failure() {
            let message = format!(
                "the journal cannot be written ({why}), and no call is made without a record"
            );
            attempt.refuse(Verdict::Denied, Blame::Host, &message);
            return Err(error(ToolErrorKind::Denied, message, None));
        }
        let sent = self
            .recording
            .as_ref()
            .map(|_| Value::Object(arguments.clone()));
        let call = Call {
            tool: index,
            arguments,
            bytes: attempt.record.arguments_bytes,
        };
        let checked = gate::check(&self.plan, &mut self.spent(), call);
        let (permit, grant) = match checked {
            Ok(permitted) => permitted,
            Err(denial) => {
                let (blame, detail) = match &denial {
                    Denial::Changed(kind) => {
                        (Blame::Server, Some(serde_json::json!({"changed": kind})))
                    }
                    _ => (Blame::Grant, None),
                };
                attempt.refuse(Verdict::Denied, blame, &denial.to_string());
                return Err(error(denied(&denial), denial.to_string(), detail));
            }
        };
        attempt.permit(&self.plan.grants[grant].origin);

        let deadline = Instant::now() + self.plan.limits.call_time;
        let reply = match self.servers.call(permit, deadline).await {
            Ok(reply) => reply,
            Err(CallError::Changed { now, .. }) => {
                let kind = match now {
                    Some(now) => drift::judge(&definition.tool, &now),
                    None => Some(ChangeKind::Removed),
                };
                let kind = kind.unwrap_or(ChangeKind::Incompatible);
                let bytes = attempt.record.arguments_bytes;
                let denial = gate::take_back(&mut self.spent(), index, grant, bytes, kind);
                attempt.refuse(Verdict::Denied, Blame::Server, &denial.to_string());
                let detail = Some(serde_json::json!({"changed": kind}));
                return Err(error(denied(&denial), denial.to_string(), detail));
            }
            // The server answered, with an error of its protocol: the tool could not be run that way.
            Err(CallError::Server(ServerError::Rpc { code, message, .. })) => {
                attempt.end(Outcome::ToolFailed, Some(Blame::Server), None);
                let detail = Some(serde_json::json!({"code": code}));
                return Err(error(ToolErrorKind::ToolFailed, shorten(&message), detail));
            }
            Err(failed) => {
                attempt.end(Outcome::Unavailable, Some(Blame::Server), None);
                return Err(error(ToolErrorKind::Unavailable, failed.to_string(), None));
            }
        };

        let is_error = reply.is_error;
        let structured = reply.structured.is_some();
        let value = normalise(reply, definition);
        let text = value.to_string();
        let bytes = text.len() as u64;
        attempt.result(&text);
        let booked = gate::book_result(&self.plan, &mut self.spent(), grant, bytes);
        if let Err(denial) = booked {
            attempt.end(Outcome::InvalidResult, Some(Blame::Grant), Some(bytes));
            return Err(error(denied(&denial), denial.to_string(), None));
        }
        if let (Some(recording), Some(sent)) = (&self.recording, &sent) {
            recording.record(&Recorded {
                run: Cow::Borrowed(&self.run),
                sequence: attempt.record.sequence,
                server: Cow::Borrowed(&definition.server),
                tool: Cow::Borrowed(&definition.tool.name),
                arguments: Cow::Borrowed(sent),
                result: Cow::Borrowed(&value),
                structured,
                failed: is_error,
            });
        }
        if is_error {
            attempt.end(Outcome::ToolFailed, Some(Blame::Server), Some(bytes));
            let message = match &value {
                Value::String(text) => shorten(text),
                _ => "the tool reported a failure".to_owned(),
            };
            return Err(error(ToolErrorKind::ToolFailed, message, Some(value)));
        }
        if let Err(violation) = check_result(definition, structured, &value).await {
            attempt.end(Outcome::InvalidResult, Some(Blame::Server), Some(bytes));
            let message = broken_result(definition, &describe(&violation));
            let detail = Some(result_detail(definition, &violation));
            return Err(error(ToolErrorKind::InvalidResult, message, detail));
        }
        attempt.end(Outcome::Ok, None, Some(bytes));
        Ok(unwrap(Answer { value, text }, definition))
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
        let error = ToolError {
            kind,
            tool: name(&self.definitions[index]),
            message,
            detail: None,
        };
        self.remember(&error);
        Ok(Err(error))
    }

    /// Whether the host itself made such an error in this run.
    pub(crate) fn made(&self, error: &ToolError) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed
            .iter()
            .any(|(kind, tool)| *kind == error.kind && *tool == error.tool)
    }

    pub(crate) fn remember(&self, error: &ToolError) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let new = (error.kind, error.tool.clone());
        if failed.len() < FAILURES && !failed.contains(&new) {
            failed.push(new);
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
        })
    }
}

/// One attempt under way. Its record is written when it is dropped, so that none is ever missing: a call that the end of
/// the run cuts off is recorded as cancelled.
struct Attempt<'a> {
    journal: &'a Journal,
    started: Instant,
    record: Record,
}

impl Attempt<'_> {
    fn refuse(&mut self, verdict: Verdict, blame: Blame, reason: &str) {
        self.record.verdict = verdict;
        self.record.blame = Some(blame);
        self.record.reason = Some(reason.to_owned());
        // It may have been permitted a moment ago.
        self.record.grant = None;
        self.record.outcome = None;
    }

    fn permit(&mut self, grant: &str) {
        self.record.verdict = Verdict::Permitted;
        self.record.grant = Some(grant.to_owned());
        self.record.outcome = Some(Outcome::Cancelled);
        self.started = Instant::now();
    }

    fn result(&mut self, text: &str) {
        self.record.result_sha256 = Some(journal::digest(text));
    }

    fn end(&mut self, outcome: Outcome, blame: Option<Blame>, bytes: Option<u64>) {
        self.record.outcome = Some(outcome);
        self.record.blame = blame;
        self.record.result_bytes = bytes;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.record.verdict == Verdict::Permitted {
            self.record.milliseconds = Some(self.started.elapsed().as_secs_f64() * 1000.0);
        }
        if let Err(error) = self.journal.record(&self.record) {
            self.journal.fail(&error);
        }
    }
}

async fn check_arguments(
    definition: &Definition,
    arguments: Value,
) -> Result<Map<String, Value>, Violation> {
    definition.check_arguments(&arguments).await?;
    match arguments {
        Value::Object(map) => Ok(map),
        _ => Err(Violation {
            at: String::new(),
            why: "must be an object".into(),
        }),
    }
}

async fn check_result(
    definition: &Definition,
    structured: bool,
    value: &Value,
) -> Result<(), Violation> {
    let is_declared =
        definition.model.output_origin == Origin::Server && definition.output_schema().is_some();
    if is_declared && !structured {
        return Err(Violation {
            at: String::new(),
            why: "the tool declares one but sent no structured content".into(),
        });
    }
    definition.check_result(value).await
}

/// Says that a result is not as it should be, whose schema that is, and how to mend it.
fn broken_result(definition: &Definition, why: &str) -> String {
    match definition.model.output_origin {
        Origin::Server => {
            format!("the server's result breaks the tool's own output schema: {why}")
        }
        Origin::Override => format!(
            "the server's result breaks the output schema that overrides the server's: {why}"
        ),
        Origin::Inferred { results } => format!(
            "the server's result breaks the output schema that was inferred from {results} earlier ones: {why} \
             (`witgate run --record`, then `witgate learn {}`, takes this one in)",
            name(definition)
        ),
    }
}

/// As for arguments, and whose schema it is where it is not the server's.
pub(crate) fn result_detail(definition: &Definition, violation: &Violation) -> Value {
    let mut detail = to_detail(violation);
    let schema = match definition.model.output_origin {
        Origin::Server => return detail,
        Origin::Override => "override",
        Origin::Inferred { .. } => "inferred",
    };
    detail[0]["schema"] = schema.into();
    detail
}

fn name(definition: &Definition) -> String {
    format!("{}/{}", definition.server, definition.tool.name)
}

fn denied(denial: &Denial) -> ToolErrorKind {
    if denial.is_limit() {
        ToolErrorKind::Limit
    } else {
        ToolErrorKind::Denied
    }
}

fn describe(violation: &Violation) -> String {
    match violation.at.as_str() {
        "" => violation.why.clone(),
        at => format!("`{at}` {}", violation.why),
    }
}

fn to_detail(violation: &Violation) -> Value {
    serde_json::json!([{"at": violation.at, "why": violation.why}])
}

/// Structured content if there is any, else one text block (parsed where it is JSON, else the string), else the blocks.
/// Where a person says that the output is text, it is not parsed.
fn normalise(reply: ToolReply, definition: &Definition) -> Value {
    if let Some(structured) = reply.structured {
        return structured;
    }
    match reply.content.as_slice() {
        [block] if block.get("type").and_then(Value::as_str) == Some("text") => {
            let text = block.get("text").and_then(Value::as_str).unwrap_or("");
            let model = &definition.model;
            if model.output == Type::String && model.output_origin != Origin::Server {
                return Value::String(text.to_owned());
            }
            // What would be changed by reading it stays text.
            read_exactly(text).unwrap_or_else(|_| Value::String(text.to_owned()))
        }
        _ => Value::Array(reply.content),
    }
}

fn unwrap(answer: Answer, definition: &Definition) -> Answer {
    match answer.value {
        Value::Object(mut map) if definition.model.unwrap_result && map.len() == 1 => {
            let value = map.remove("result").unwrap_or(Value::Object(map));
            let text = value.to_string();
            Answer { value, text }
        }
        value => Answer { value, ..answer },
    }
}

fn shorten(text: &str) -> String {
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
