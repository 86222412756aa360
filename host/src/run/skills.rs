//! Calls of skills. A skill is a guest of its own: it has a store of its own, and of the run its calls, its budgets and its log.
//! An import only leaves a request and waits; the skill runs beside its caller, on the thread's own stack, within the future
//! whose CPU time is the run's.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::ended::{explain, parse_result};
use super::state::{Linked, Running};
use super::{ProgramError, RunError};
use crate::budget::Exceeded;
use crate::call::{Answer, Held, ToolError, ToolErrorKind, shorten, tool_error, unread, violated};
use crate::definitions::{Definition, Violation};
use crate::gate::Denial;
use crate::round_trip::read_exactly;
use crate::skills::DEPTH;

/// Skills of one depth that run at the same time; further ones wait. None waits for one of its own depth, so all come to
/// their turn.
const LIVE: usize = 16;

/// Bytes that are held for skills that run or wait: their arguments as JSON text, and for each as much as it takes itself.
const HELD: u64 = 64 << 20;
const EACH: u64 = 4 << 10;

/// A skill, linked.
pub(crate) struct LinkedSkill {
    pub(super) name: Arc<str>,
    pub(super) linked: Linked,
    pub(crate) definition: Arc<Definition>,
}

/// A skill that a guest called.
pub(crate) struct Request {
    skill: usize,
    /// From 1.
    depth: usize,
    /// As JSON text.
    arguments: String,
    reply: oneshot::Sender<Result<Answer, ToolError>>,
}

impl Running {
    /// Calls a skill from a guest that runs so deep, with arguments as JSON text.
    ///
    /// # Errors
    /// The outer error only where the run ends; the inner one is the guest's.
    pub(crate) async fn call_skill(
        &self,
        skill: usize,
        caller: usize,
        arguments: String,
    ) -> wasmtime::Result<Result<Answer, ToolError>> {
        let bytes = arguments.len() as u64;
        let limit = self.limits().call_bytes;
        if bytes > limit {
            let denial = Denial::CallBytes { bytes, limit };
            return Ok(Err(self.refused(
                skill,
                ToolErrorKind::Limit,
                denial.to_string(),
            )));
        }
        let Some(_held) = Held::new(&self.held, bytes.saturating_add(EACH), HELD) else {
            let message = "too many skills are under way, or with too large arguments; wait for some before calling more".to_owned();
            return Ok(Err(self.refused(skill, ToolErrorKind::Limit, message)));
        };
        if caller >= DEPTH {
            // Admission saw to it that there is no such skill.
            let message = format!("skills call one another more than {DEPTH} deep");
            return Ok(Err(self.refused(skill, ToolErrorKind::Limit, message)));
        }
        let (reply, answer) = oneshot::channel();
        let request = Request {
            skill,
            depth: caller + 1,
            arguments,
            reply,
        };
        // Where nobody takes it, nobody waits for this guest either.
        let _ = self.requests.send(request);
        answer
            .await
            .map_err(|_| wasmtime::Error::msg("the run is over"))
    }

    /// The guest's error for a skill that did not run.
    pub(crate) fn refused(&self, skill: usize, kind: ToolErrorKind, message: String) -> ToolError {
        let error = tool_error(&self.skills[skill].definition, kind, message, None);
        self.calls.remember(&error);
        error
    }

    /// Runs a skill that was called, unless its caller no longer waits; returns its depth. What ends the whole run is an error.
    async fn answer(self: &Arc<Self>, request: Request) -> Result<usize, RunError> {
        let Request {
            skill,
            depth,
            arguments,
            mut reply,
        } = request;
        let answered = tokio::select! {
            answered = self.run_skill(skill, depth, &arguments) => answered?,
            () = reply.closed() => return Ok(depth),
        };
        if let Err(error) = &answered {
            self.calls.remember(error);
        }
        let _ = reply.send(answered);
        Ok(depth)
    }

    async fn run_skill(
        self: &Arc<Self>,
        skill: usize,
        depth: usize,
        arguments: &str,
    ) -> Result<Result<Answer, ToolError>, RunError> {
        let LinkedSkill {
            name,
            linked,
            definition,
        } = &self.skills[skill];
        let error = |kind, message| Ok(Err(tool_error(definition, kind, message, None)));
        let input = match read_exactly(arguments) {
            Ok(input) => input,
            Err(violation) => {
                return error(ToolErrorKind::InvalidArguments, unread(&violation));
            }
        };
        let checked = match input.is_object() {
            true => definition.check_arguments(&input).await,
            false => Err(Violation {
                at: String::new(),
                why: "must be an object".to_owned(),
            }),
        };
        if let Err(violation) = self.unless_sealed(checked, &input) {
            let kind = ToolErrorKind::InvalidArguments;
            return Ok(Err(violated(definition, kind, "", &violation)));
        }
        let text = input.to_string();
        // It takes many times as much as its text, and may be long out of use before the skill is done.
        drop(input);
        let mut store = linked.store(self, Some(name), depth);
        let text = match linked.run(&mut store, text).await {
            Ok(Ok(text)) => text,
            Ok(Err(failed)) => {
                let failed = linked.locate(failed, &self.calls);
                return Ok(Err(failure(definition, &failed)));
            }
            Err(trap) => {
                return match explain(trap, store.data()) {
                    RunError::Program(failed) => Ok(Err(failure(definition, &failed))),
                    RunError::Limit(exceeded) => Err(RunError::Limit(exceeded)),
                    RunError::Host(why) => error(ToolErrorKind::Unavailable, why),
                    broken => error(ToolErrorKind::ToolFailed, in_a_skill(&broken)),
                };
            }
        };
        drop(store);
        let limits = self.limits();
        let (bytes, limit) = (text.len() as u64, limits.call_bytes);
        if bytes > limit {
            let denial = Denial::ResultBytes { bytes, limit };
            return error(ToolErrorKind::Limit, denial.to_string());
        }
        let mut value = match parse_result(&text, limits) {
            Ok(value) => value,
            Err(RunError::Limit(Exceeded::Result(limit))) => {
                let denial = Denial::ResultBytes {
                    bytes,
                    limit: limit as u64,
                };
                return error(ToolErrorKind::Limit, denial.to_string());
            }
            Err(broken) => return error(ToolErrorKind::InvalidResult, in_a_skill(&broken)),
        };
        let checked = definition.check_result(&value).await;
        if let Err(violation) = self.unless_sealed(checked, &value) {
            let kind = ToolErrorKind::InvalidResult;
            let whose = "the skill's result breaks its own output schema: ";
            return Ok(Err(violated(definition, kind, whose, &violation)));
        }
        crate::call::unwrap(&mut value, definition);
        let text = value.to_string();
        Ok(Ok(Answer { value, text }))
    }

    /// A schema is of values, not of what stands for a sealed one.
    fn unless_sealed(
        &self,
        checked: Result<(), Violation>,
        value: &Value,
    ) -> Result<(), Violation> {
        let is_sealed = || {
            let vault = self.calls.vault.as_ref();
            vault.is_some_and(
                |vault| matches!(vault.needed(value), Ok(classes) if !classes.is_empty()),
            )
        };
        checked.or_else(|violation| match is_sealed() {
            true => Ok(()),
            false => Err(violation),
        })
    }
}

/// Runs a guest and, beside it, the skills that are called, until the guest is done or something ends the run.
pub(super) async fn drive<T>(
    run: &Arc<Running>,
    guest: impl Future<Output = T>,
    mut requests: UnboundedReceiver<Request>,
) -> Result<T, RunError> {
    let mut guest = std::pin::pin!(guest);
    let mut skills = FuturesUnordered::new();
    // By depth: how many run, and what waits.
    let mut live = [0; DEPTH + 1];
    let mut waiting: [VecDeque<Request>; DEPTH + 1] = Default::default();
    loop {
        let depth = tokio::select! {
            done = &mut guest => return Ok(done),
            Some(request) = requests.recv() => {
                let depth = request.depth;
                waiting[depth].push_back(request);
                depth
            }
            Some(answered) = skills.next(), if !skills.is_empty() => {
                let depth: usize = answered?;
                live[depth] -= 1;
                depth
            }
        };
        while live[depth] < LIVE
            && let Some(request) = waiting[depth].pop_front()
        {
            if !request.reply.is_closed() {
                live[depth] += 1;
                skills.push(run.answer(request));
            }
        }
    }
}

/// A skill that failed, as the error of a call.
fn failure(definition: &Definition, failed: &ProgramError) -> ToolError {
    let mut detail = json!({"name": failed.name, "message": failed.message});
    if let Some(stack) = &failed.stack {
        detail["stack"] = stack.as_str().into();
    }
    if let Some(cause) = &failed.cause {
        let told = cause.detail.as_deref();
        let told: Value = told
            .and_then(|d| serde_json::from_str(d).ok())
            .unwrap_or_default();
        // What would allow the call that it did not handle is of use to whoever called it. A server's words are no such hint.
        let is_ours = cause.kind == ToolErrorKind::Denied || cause.is_of_a_skill();
        if let Some(hint) = told.get("hint").filter(|_| is_ours) {
            detail["hint"] = hint.clone();
        }
        detail["cause"] = json!({
            "kind": cause.kind.name(),
            "tool": cause.tool,
            "message": cause.message,
            "detail": told,
        });
    }
    let message = shorten(&format!("{}: {}", failed.name, failed.message));
    tool_error(definition, ToolErrorKind::ToolFailed, message, Some(detail))
}

fn in_a_skill(broken: &RunError) -> String {
    match broken {
        RunError::Broken { message } => format!("the skill broke: {message}"),
        RunError::Deadlock => {
            "the skill waits forever: a promise or future is never settled".to_owned()
        }
        other => other.to_string(),
    }
}
