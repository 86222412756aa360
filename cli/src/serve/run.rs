//! `run`: starts a program, follows it until it ends, asks a person, or takes longer than a client waits, and answers. A request
//! that is cancelled ends its run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, CallToolResult, ContentBlock, ElicitRequestParams, ElicitationSchema,
    InputRequiredResult, ProgressNotificationParam, ProgressToken, ProtocolVersion,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};
use tokio::sync::{AcquireError, mpsc};
use witgate_host::approval::Asker;
use witgate_host::approval::elicit::{ElicitAsker, Elicited};
use witgate_host::approval::queue::Queue;
use witgate_host::{Finished, Limits, RunOptions};

use super::ledger::Ledger;
use super::program::Language;
use super::session::Session;
use super::underway::{
    Event, Forms, Keep, Log, Nobody, Place, Posts, Shown, Task, Underway, Yielding,
};
use super::{Front, answer, told};
use crate::commands::approvals;
use crate::failure::{Failure, chain};
use crate::source::{Source, SourceKind};

/// How long a request without progress is answered late: clients give up after a minute.
const PATIENCE: Duration = Duration::from_secs(45);
/// How often progress is told.
const PROGRESS: Duration = Duration::from_millis(500);
/// Longest wait for a place to run.
const QUEUE: Duration = Duration::from_secs(40);

/// What `run` is asked.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    pub(crate) code: Option<String>,
    pub(crate) language: Option<Language>,
    #[serde(default)]
    pub(crate) input: Value,
    pub(crate) keep: Option<String>,
    pub(crate) resume: Option<String>,
    #[serde(default)]
    pub(crate) limits: Asked,
}

/// Limits below the most that the person allows.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Asked {
    seconds: Option<f64>,
    calls: Option<u64>,
    answer: Option<usize>,
}

impl Asked {
    fn below(&self, most: &Limits) -> Result<Limits, Failure> {
        let mut limits = most.clone();
        if let Some(seconds) = self.seconds {
            let asked = Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|time| !time.is_zero());
            let asked = asked.ok_or_else(|| Failure::usage("`limits.seconds` is no time"))?;
            limits.wall = limits.wall.min(asked);
        }
        limits.calls = limits.calls.min(self.calls.unwrap_or(u64::MAX));
        Ok(limits)
    }

    /// Longest answer, in bytes.
    fn answer(&self, front: &Front) -> usize {
        self.answer.unwrap_or(front.answer).clamp(200, 1 << 20)
    }
}

/// Who asks a person, as far as this client can.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Forming {
    /// By a request while the call is under way.
    Request,
    /// By ending the call with a form, and another call.
    Round,
    /// Not at all: `witgate approvals`.
    None,
}

fn forming(context: &RequestContext<RoleServer>) -> Forming {
    let elicits = context
        .client_capabilities()
        .and_then(|can| can.elicitation);
    // One that names only the other kind, by address, shows no forms.
    let elicits = elicits.is_some_and(|can| can.form.is_some() || can.url.is_none());
    match (elicits, is_rounds(context)) {
        (true, true) => Forming::Round,
        (true, false) => Forming::Request,
        (false, _) => Forming::None,
    }
}

/// Whether the client speaks the protocol in which servers send no requests.
pub(crate) fn is_rounds(context: &RequestContext<RoleServer>) -> bool {
    let version = context.protocol_version();
    version.is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// What is to run.
pub(crate) struct Start {
    pub(crate) source: Source,
    pub(crate) input: Value,
    pub(crate) keep: Option<Keep>,
    pub(crate) limits: Asked,
}

impl Start {
    /// What `run` with code asks for.
    pub(crate) fn of(arguments: Arguments) -> Result<Start, Failure> {
        let Some(code) = arguments.code else {
            return Err(Failure::usage("`code` is missing").hint(
                "give a program as `code`, or `resume` with the token of an earlier answer",
            ));
        };
        let language = arguments.language.unwrap_or_else(|| guess(&code));
        let keep = match arguments.keep {
            Some(_) if !matches!(arguments.input, Value::Object(_) | Value::Null) => {
                return Err(Failure::usage("a skill's input is one object")
                    .hint("put the values under names: {\"label\": \"bug\"}"));
            }
            keep => keep.map(|name| Keep {
                name,
                source: code.clone(),
                language,
            }),
        };
        let kind = match language {
            Language::Js => SourceKind::Js(code),
            Language::Rust => SourceKind::Rust(code),
        };
        Ok(Start {
            source: Source {
                name: language.file().to_owned(),
                kind,
            },
            input: arguments.input,
            keep,
            limits: arguments.limits,
        })
    }
}

/// A program that says no language is Rust only where it ends as Rust programs do.
fn guess(code: &str) -> Language {
    match code.contains("program!(") && !code.contains("export default") {
        true => Language::Rust,
        false => Language::Js,
    }
}

/// Starts a run, and follows it.
pub(crate) async fn start(
    front: &Arc<Front>,
    session: &Arc<Session>,
    start: Start,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    match underway(front, session, start, context).await {
        Ok(underway) => follow(front, session, underway, context).await,
        Err(failure) => Ok(error(told::failure(&failure, front.grants.path()))),
    }
}

async fn underway(
    front: &Arc<Front>,
    session: &Arc<Session>,
    start: Start,
    context: &RequestContext<RoleServer>,
) -> Result<Underway, Failure> {
    let known = session.known(true).await?;
    let limits = start.limits.below(&front.limits)?;
    let Start {
        source,
        input,
        keep,
        limits: asked,
    } = start;
    let seed = session.seed();
    let name = source.name.clone();
    let building = front.programs.ready(&known, &seed, source, &limits);
    let ready = tokio::select! {
        ready = building => ready?,
        () = context.ct.cancelled() => return Err(cancelled()),
    };
    let rules = known.rules.clone()?;
    let names = &rules.grants().names;
    if !front.parked.has_room(session) {
        return Err(Failure::host("too many runs of this session wait already")
            .hint("go on with them: `run` with resume and their tokens"));
    }
    // Half of the places are for others.
    let places = async {
        let own = Arc::clone(&session.running).acquire_owned().await?;
        Ok::<_, AcquireError>((own, Arc::clone(&front.running).acquire_owned().await?))
    };
    let place = tokio::select! {
        place = tokio::time::timeout(QUEUE, places) => place,
        () = context.ct.cancelled() => return Err(cancelled()),
    };
    let Ok(Ok((own, place))) = place else {
        return Err(Failure::host("too many programs run at present").hint("try again in a while"));
    };
    let (events_in, events) = mpsc::channel(16);
    let asker: Arc<dyn Asker> = match forming(context) {
        Forming::Request | Forming::Round => Arc::new(ElicitAsker(Forms(events_in))),
        Forming::None => match approvals::folder(None)
            .and_then(|folder| Queue::open(&folder).map_err(|e| Failure::host(chain(&e))))
        {
            Ok(queue) => Arc::new(Posts {
                queue,
                events: events_in,
            }),
            Err(failure) => Arc::new(Nobody(failure.message)),
        },
    };
    let place = Place::new(&front.running, place);
    let asker = Arc::new(Yielding {
        asker,
        place: Arc::clone(&place),
    });
    let mut labels = session.read(names);
    if !input.is_null() {
        labels = labels.with(rules.input_labels());
    }
    let (ledger, log) = (Ledger::default(), Log::default());
    let lines = log.clone();
    let options = RunOptions {
        name,
        journal: Arc::new(front.journal.watched(ledger.watch())),
        asker: Some(asker),
        log: Arc::new(move |level, text| lines.add(level, text)),
        labels: Some(labels),
        ..RunOptions::new(&session.servers_for(names))
    };
    let (runs, given, on) = (Arc::clone(&ready), input.clone(), Arc::clone(front));
    let task = Task(tokio::spawn(async move {
        let _places = (own, place);
        runs.prepared.run(on.programs.host(), &given, options).await
    }));
    Ok(Underway {
        task,
        events,
        ready,
        rules,
        ledger,
        log,
        started: Instant::now(),
        keep,
        input,
        answer: asked.answer(front),
        shown: None,
        posted: None,
    })
}

/// Goes on with a run that was parked, or with a result that was too long.
pub(crate) async fn resume(
    front: &Arc<Front>,
    session: &Arc<Session>,
    arguments: Arguments,
    token: &str,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    if let Some(underway) = front.parked.take(session, token) {
        // A form that is shown is for the client to answer, not for whoever writes its requests.
        if underway
            .shown
            .as_ref()
            .is_some_and(|shown| !shown.answer.is_closed())
        {
            front.parked.park_again(session, token, underway);
            return Ok(success(
                "The run waits for the answer to the form that the client shows.".to_owned(),
            ));
        }
        return follow(front, session, underway, context).await;
    }
    let Some(whole) = session.result(token) else {
        let gone = "error: nothing waits under this token: it was resumed already, is too old, or belongs to another session\nnext: run the program again";
        return Ok(error(gone.to_owned()));
    };
    let bytes = arguments.limits.answer(front);
    let pointer = arguments.input.as_str().unwrap_or("");
    let whole: Value = serde_json::from_str(&whole).unwrap_or_default();
    Ok(match answer::part(&whole, pointer, bytes) {
        Ok(text) => success(text),
        Err(why) => error(format!(
            "error: {why}\nnext: give a JSON pointer as input, for example \"/items/20..40\""
        )),
    })
}

/// The second half of a round: the same call again, with the answer to the form.
pub(crate) async fn answered(
    front: &Arc<Front>,
    session: &Arc<Session>,
    token: &str,
    responses: &Value,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let Some(mut underway) = front.parked.take(session, token) else {
        return Err(ErrorData::invalid_params(
            "`requestState` is none that waits here",
            None,
        ));
    };
    if let Some(shown) = underway.shown.take() {
        // Where the question timed out meanwhile, nobody waits for its answer.
        match responses.get(FORM) {
            // A client that came back without an answer is asked again.
            None if !shown.answer.is_closed() => {
                return park_for_round(front, session, underway, shown);
            }
            None => {}
            Some(response) => {
                let elicited = serde_json::from_value::<Elicited>(response.clone())
                    .map_err(|_| "the answer is no result of `elicitation/create`".to_owned());
                let _ = shown.answer.send(elicited);
            }
        }
    }
    follow(front, session, underway, context).await
}

/// The name of the one form of a round.
const FORM: &str = "approval";

/// Follows a run until there is something to answer.
async fn follow(
    front: &Arc<Front>,
    session: &Arc<Session>,
    mut underway: Underway,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let since = Instant::now();
    let mut progress = Progress {
        token: context.meta.get_progress_token(),
        told: 0,
    };
    let mut tick = tokio::time::interval(PROGRESS);
    tick.tick().await;
    loop {
        tokio::select! {
            biased;
            finished = &mut underway.task.0 => {
                let Ok(finished) = finished else {
                    return Ok(error("error: the run broke, and ended\nnext: try again; if it happens again, the program breaks the host".to_owned()));
                };
                tell_changes(front, &underway, &finished);
                return Ok(answer::finished(front, session, &underway, finished).into());
            }
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("cancelled", None)),
            () = front.ending.cancelled() => return Err(ErrorData::internal_error("cancelled: the server ends", None)),
            Some(event) = underway.events.recv() => match (event, forming(context)) {
                (Event::Elicit { message, schema, answer }, Forming::Request) => {
                    elicit(front, message, schema, answer, &mut progress, context).await;
                }
                (Event::Elicit { message, schema, answer }, Forming::Round) => {
                    let shown = Shown { message, schema, answer };
                    return park_for_round(front, session, underway, shown);
                }
                (Event::Elicit { answer, .. }, Forming::None) => {
                    // Only a client that comes back without what it had said it can do.
                    let _ = answer.send(Err("this client shows no forms".to_owned()));
                }
                (Event::Posted { id, calls }, _) => {
                    underway.posted = Some((id, calls));
                    return Ok(park_for_person(front, session, underway));
                }
                (Event::Settled, _) => underway.posted = None,
            },
            _ = tick.tick() => match &progress.token {
                Some(_) => {
                    let calls = underway.ledger.calls();
                    let last = underway.log.last().map(|line| format!("; {line}")).unwrap_or_default();
                    let message = format!("{:.1} s, {calls} calls{last}", underway.started.elapsed().as_secs_f32());
                    progress.tell(message, front, context).await;
                }
                None if since.elapsed() > PATIENCE => return Ok(match underway.posted {
                    Some(_) => park_for_person(front, session, underway),
                    None => park_while_running(front, session, underway),
                }),
                None => {}
            }
        }
    }
}

/// What a client is told meanwhile, where it asked for that.
struct Progress {
    token: Option<ProgressToken>,
    told: u32,
}

impl Progress {
    async fn tell(&mut self, message: String, front: &Front, context: &RequestContext<RoleServer>) {
        let Some(token) = &self.token else {
            return;
        };
        self.told += 1;
        let progress = ProgressNotificationParam::new(token.clone(), f64::from(self.told));
        tokio::select! {
            // A client that cannot be told still gets the answer; one that hung up is never told.
            _ = context.peer.notify_progress(progress.with_message(message)) => {}
            () = context.ct.cancelled() => {}
            () = front.ending.cancelled() => {}
        }
    }
}

/// A call that found another definition than the one that is known: the servers are listed again before the next run.
fn tell_changes(front: &Front, underway: &Underway, finished: &Finished) {
    for (tool, _) in &finished.used.spent.changed {
        if let Some(server) = underway.ready.servers.get(*tool) {
            front.keeper.changed(server);
        }
    }
}

async fn elicit(
    front: &Front,
    message: String,
    schema: Value,
    answer: tokio::sync::oneshot::Sender<Result<Elicited, String>>,
    progress: &mut Progress,
    context: &RequestContext<RoleServer>,
) {
    let mut answer = answer;
    let Ok(requested_schema) = serde_json::from_value::<ElicitationSchema>(schema) else {
        let _ = answer.send(Err(
            "the form is none that this version of the protocol has".to_owned(),
        ));
        return;
    };
    let form = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema,
    };
    let eliciting = context.peer.create_elicitation(form);
    tokio::pin!(eliciting);
    let since = Instant::now();
    let elicited = loop {
        tokio::select! {
            elicited = &mut eliciting => break elicited,
            // The question timed out, or the run ended.
            () = answer.closed() => return,
            () = context.ct.cancelled() => return,
            () = front.ending.cancelled() => return,
            // A person takes longer than clients wait for an answer without a word.
            () = tokio::time::sleep(PROGRESS) => {
                let message = format!("waits for the person, {} s", since.elapsed().as_secs());
                progress.tell(message, front, context).await;
            }
        }
    };
    let elicited = elicited.map_err(|error| format!("the client could not show the form: {error}"));
    let elicited = elicited.and_then(|result| {
        serde_json::to_value(&result)
            .and_then(serde_json::from_value::<Elicited>)
            .map_err(|error| error.to_string())
    });
    let _ = answer.send(elicited);
}

fn park_for_round(
    front: &Arc<Front>,
    session: &Arc<Session>,
    mut underway: Underway,
    shown: Shown,
) -> Result<CallToolResponse, ErrorData> {
    let form = json!({ "method": "elicitation/create", "params": { "mode": "form", "message": shown.message, "requestedSchema": shown.schema } });
    underway.shown = Some(shown);
    let Some(token) = front.parked.park(session, underway) else {
        return Ok(busy());
    };
    let required = json!({ "resultType": "input_required", "inputRequests": { FORM: form }, "requestState": token });
    let required: InputRequiredResult = serde_json::from_value(required)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    Ok(required.into())
}

fn park_for_person(
    front: &Arc<Front>,
    session: &Arc<Session>,
    underway: Underway,
) -> CallToolResponse {
    let (id, calls) = underway.posted.clone().unwrap_or_default();
    let Some(token) = front.parked.park(session, underway) else {
        return busy();
    };
    let calls = match calls {
        1 => "one call".to_owned(),
        calls => format!("{calls} calls"),
    };
    success(format!(
        "The run waits: the person has to approve {calls}. Ask them to run `witgate approvals show {id}`, then `witgate approvals approve {id}` or `deny {id}`. Afterwards call `run` with resume \"{token}\"."
    ))
}

fn park_while_running(
    front: &Arc<Front>,
    session: &Arc<Session>,
    underway: Underway,
) -> CallToolResponse {
    let (seconds, calls) = (
        underway.started.elapsed().as_secs(),
        underway.ledger.calls(),
    );
    match front.parked.park(session, underway) {
        Some(token) => success(format!(
            "Still running after {seconds} s, {calls} calls so far. Call `run` with resume \"{token}\" to go on waiting."
        )),
        None => busy(),
    }
}

fn busy() -> CallToolResponse {
    error("error: too many runs wait for an answer\nnext: try again later".to_owned())
}

fn cancelled() -> Failure {
    Failure::host("cancelled")
}

pub(crate) fn success(text: String) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}

pub(crate) fn error(text: String) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(text)]).into()
}
