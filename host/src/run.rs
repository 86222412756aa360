//! An admitted program and an input -> a result. The run owns its store, its budgets and its calls; when it ends, for
//! whatever reason, calls under way are cancelled and nothing of it is left.

mod ended;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Semaphore;
use wasmtime::component::{ComponentType, InstancePre, Lift, Lower};
use wasmtime::{Store, UpdateDeadline};

use crate::admission::Plan;
use crate::approval::{Approvals, Asker, Item, PreApproved, RunIdentity};
use crate::budget::{self, CpuClock, Exceeded, MemoryBudget, Metered};
use crate::call::Calls;
use crate::definitions::Definitions;
use crate::dry_run::{DryRun, EffectPlan, PlannedCall};
use crate::gate::{self, Spent};
use crate::grants::Approve;
use crate::host::Host;
use crate::journal::{Journal, Recording};
use crate::labels::LabelSet;
use crate::limits::Limits;
use crate::link;
use crate::program::{Program, Script, digest};
use crate::sealed::Vault;
use crate::servers::Servers;

use ended::{explain, load_error, parse_result};

pub use ended::{PrepareError, ProgramError, RunError};

/// Bytes that may be copied between host and guest in one call, beside what `Limits` says.
const HOSTCALL_BYTES: usize = 96 << 20;

/// A level of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum LogLevel {
    /// For whoever looks for a fault.
    #[component(name = "debug")]
    Debug,
    /// What `console.log` and `println!` write.
    #[component(name = "info")]
    Info,
    /// Worth a look.
    #[component(name = "warn")]
    Warn,
    /// Something failed.
    #[component(name = "error")]
    Error,
}

/// Takes a program's log lines: level and text, cleaned of control characters.
pub type LogSink = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// A program linked with its plan, ready to run any number of times, also at once.
pub struct Prepared {
    pre: InstancePre<RunState>,
    plan: Plan,
    script: Option<Arc<Script>>,
    definitions: Vec<Arc<crate::definitions::Definition>>,
}

/// What a run needs beside its program.
#[derive(Clone)]
pub struct RunOptions {
    /// Where its calls go.
    pub servers: Servers,
    /// Where its attempts are recorded.
    pub journal: Arc<Journal>,
    /// Where arguments and results are kept in clear; nowhere by default.
    pub recording: Option<Arc<Recording>>,
    /// Where its log lines go.
    pub log: LogSink,
    /// What the program is called where a person is asked.
    pub name: String,
    /// Who is asked for what a person has to approve; nobody by default, and it is then denied.
    pub asker: Option<Arc<dyn Asker>>,
    /// Calls that a person approved beforehand, as a dry run of the same program foresaw them.
    pub approved: Option<EffectPlan>,
    /// What the person asked for, in their own words: conditions can ask whether an argument stands in it.
    pub request: Option<Arc<str>>,
    /// The labels that the input and the program carry; where nothing is said, what the grants say of a run's input, if
    /// there is one.
    pub labels: Option<LabelSet>,
    /// Makes no call that may change something, and notes it here.
    pub dry_run: Option<Arc<DryRun>>,
}

impl RunOptions {
    /// These servers, no journal, no recording, and log lines on stderr.
    #[must_use]
    pub fn new(servers: &Servers) -> RunOptions {
        RunOptions {
            servers: servers.clone(),
            journal: Arc::new(Journal::none()),
            recording: None,
            log: Arc::new(|level, line| eprintln!("{level:?}: {line}")),
            name: "a program".to_owned(),
            asker: None,
            approved: None,
            request: None,
            labels: None,
            dry_run: None,
        }
    }
}

/// How a run ended, and what it used.
#[derive(Debug)]
pub struct Finished {
    /// The program's result, or why there is none.
    pub result: Result<Value, RunError>,
    /// What it used.
    pub used: Used,
}

/// What a run used.
#[derive(Debug, Clone, Default)]
pub struct Used {
    /// Calls and bytes, as the gate booked them.
    pub spent: Spent,
    /// Time the guest computed.
    pub cpu: Duration,
    /// From start to result.
    pub wall: Duration,
    /// Log lines that were dropped.
    pub log_lines_dropped: u64,
}

/// What a store holds for its guest.
pub(crate) struct RunState {
    calls: Arc<Calls>,
    memory: MemoryBudget,
    log: LogSink,
    log_lines: u64,
    limits: Limits,
    panic: Option<String>,
    script: Option<Arc<Script>>,
}

impl RunState {
    pub(crate) fn calls(&self) -> Arc<Calls> {
        Arc::clone(&self.calls)
    }

    pub(crate) fn log(&mut self, level: LogLevel, message: &str) {
        self.log_lines += 1;
        if level == LogLevel::Error && message.starts_with("panic at ") {
            self.panic = Some(cut(message, self.limits.log_line_bytes));
        }
        if self.log_lines <= self.limits.log_lines {
            let text = cut(message, self.limits.log_line_bytes);
            match &self.script {
                // A stack that the program tells leads to the author's source too.
                Some(script) if text.contains("componentize-qjs:") => {
                    (self.log)(level, &script.locate_stack(&text));
                }
                _ => (self.log)(level, &text),
            }
        } else if self.log_lines == self.limits.log_lines + 1 {
            let limit = self.limits.log_lines;
            (self.log)(
                LogLevel::Warn,
                &format!("more than {limit} log lines; further ones are dropped"),
            );
        }
    }
}

/// Cuts a line to a size and makes what could steer a terminal visible.
fn cut(message: &str, bytes: usize) -> String {
    let mut end = message.len().min(bytes);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let mut text: String = message[..end]
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() || witgate_codegen::text::is_hidden(c) => '\u{fffd}',
            c => c,
        })
        .collect();
    if end < message.len() {
        text.push_str(" ...");
    }
    text
}

impl Prepared {
    /// Links a program with its plan.
    ///
    /// # Errors
    /// [`PrepareError`].
    pub fn new(
        host: &Host,
        program: &Program,
        plan: Plan,
        definitions: &Definitions,
    ) -> Result<Prepared, PrepareError> {
        let engine_name = program.imports(host, definitions).engine;
        let module = match &engine_name {
            Some(name) => Some(
                host.module(name)
                    .ok_or_else(|| PrepareError::NoEngine { name: name.clone() })?,
            ),
            None => None,
        };
        let failed = |e: wasmtime::Error| PrepareError::Link {
            message: format!("{e:#}"),
        };
        let linker = link::link(
            &host.engine,
            &program.component,
            &plan,
            engine_name.as_deref().zip(module.as_ref()),
        )
        .map_err(failed)?;
        let pre = linker.instantiate_pre(&program.component).map_err(failed)?;
        let definitions = plan
            .tools
            .iter()
            .map(|t| {
                definitions.get(&t.server, &t.tool).cloned().ok_or_else(|| {
                    PrepareError::OtherCatalog {
                        tool: format!("{}/{}", t.server, t.tool),
                    }
                })
            })
            .collect::<Result<_, _>>()?;
        let mut plan = plan;
        plan.program.clone_from(&program.digest);
        Ok(Prepared {
            pre,
            plan,
            script: program.script.clone().map(Arc::new),
            definitions,
        })
    }

    /// Runs the program once.
    pub async fn run(&self, host: &Host, input: &Value, options: RunOptions) -> Finished {
        let started = Instant::now();
        let limits = self.plan.limits.clone();
        let run = run_id();
        let labels = options.labels.unwrap_or_else(|| match input {
            Value::Null => LabelSet::default(),
            _ => self.plan.rules.input_labels(),
        });
        let who = RunIdentity {
            run: run.clone(),
            program: options.name,
            program_sha256: self.plan.program.clone(),
        };
        let settings = self.plan.rules.grants().approvals;
        // A plan of another program is good for nothing here.
        let approved = options
            .approved
            .filter(|plan| plan.program_sha256 == self.plan.program);
        // What a plan shows is what it approves: a digest of anything else counts for nothing.
        let is_as_shown = |call: &PlannedCall| {
            let mut tools = self.plan.tools.iter();
            let planned = tools.find(|t| t.server == call.server && t.tool == call.tool);
            planned.is_some_and(|planned| gate::digest(planned, &call.arguments) == call.digest)
        };
        let calls_of = |plan: EffectPlan| -> PreApproved {
            let calls = plan.effects.into_iter().filter(is_as_shown);
            calls.map(|call| call.digest).collect()
        };
        let seals = !self.plan.rules.grants().seals.is_empty();
        let vault = match seals.then(Vault::new).transpose() {
            Ok(vault) => vault,
            Err(error) => {
                let why = format!("the system gives no random bytes for sealed values: {error}");
                return Finished {
                    result: Err(RunError::Host(why)),
                    used: Used::default(),
                };
            }
        };
        let calls = Arc::new(Calls {
            run,
            plan: self.plan.clone(),
            definitions: self.definitions.clone(),
            spent: Mutex::new(Spent::reading(labels)),
            in_flight: Semaphore::new(limits.in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            sequence: AtomicU64::new(0),
            failed: Mutex::default(),
            servers: options.servers,
            journal: options.journal,
            recording: options.recording,
            approvals: Approvals::new(options.asker, settings, who, approved.map(calls_of)),
            waiting: AtomicU64::new(0),
            vault,
            request: options.request,
            dry_run: options.dry_run,
        });
        let mut store = Store::new(
            &host.engine,
            RunState {
                calls: Arc::clone(&calls),
                memory: MemoryBudget {
                    limit: limits.memory,
                    used: 0,
                },
                log: options.log,
                log_lines: 0,
                limits: limits.clone(),
                panic: None,
                script: self.script.clone(),
            },
        );
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(HOSTCALL_BYTES);
        let clock = Arc::new(CpuClock::default());
        let (ticking, epoch_limits) = (Arc::clone(&clock), limits.clone());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |store| {
            // A person may take their time.
            let waited = store.data().calls.approvals.waited();
            let elapsed = started.elapsed().saturating_sub(waited);
            budget::check_time(&ticking, elapsed, &epoch_limits).map_err(wasmtime::Error::new)?;
            Ok(UpdateDeadline::Yield(1))
        });

        let active = host.ticker.activate();
        let ran = {
            let guest = Metered {
                clock: Arc::clone(&clock),
                future: Box::pin(self.run_guest(&mut store, input)),
            };
            let run = async {
                self.ask_first(&calls).await?;
                Ok(guest.await)
            };
            tokio::select! {
                ran = run => Some(ran),
                () = calls.approvals.wall(started, limits.wall) => None,
            }
        };
        drop(active);

        let state = store.data();
        let result = match ran {
            None => Err(RunError::Limit(Exceeded::Wall(limits.wall))),
            Some(Err(disapproved)) => Err(disapproved),
            Some(Ok(Err(trap))) => Err(explain(trap, state)),
            Some(Ok(Ok(Err(error)))) => {
                Err(RunError::Program(Box::new(self.locate(error, &calls))))
            }
            Some(Ok(Ok(Ok(text)))) => parse_result(&text, &limits),
        };
        let used = Used {
            spent: calls.spent().clone(),
            cpu: clock.spent(),
            wall: started.elapsed(),
            log_lines_dropped: state.log_lines.saturating_sub(limits.log_lines),
        };
        Finished { result, used }
    }

    /// Asks a person about the combinations of tools that flow rules want looked at before anything runs.
    async fn ask_first(&self, calls: &Calls) -> Result<(), RunError> {
        // A dry run does nothing that a person would have to approve.
        let questions = match calls.dry_run {
            Some(_) => &[][..],
            None => self.plan.start.as_slice(),
        };
        for question in questions {
            let tools = serde_json::json!({"reads": question.reads, "calls": question.calls});
            let (server, tool) = question
                .calls
                .first()
                .and_then(|c| c.split_once('/'))
                .unwrap_or(("", ""));
            let item = Item {
                sequence: 0,
                server: server.to_owned(),
                tool: tool.to_owned(),
                digest: digest(format!("{} {tools}", self.plan.program).as_bytes()),
                arguments: tools,
                reasons: vec![format!(
                    "{} asks before a program starts that combines these tools",
                    question.origin
                )],
                approve: Approve::Each,
            };
            if let Err(refused) = calls.approvals.approve(item).await {
                let grants = self.plan.rules.grants();
                let flow = grants.flows.get(question.flow);
                return Err(RunError::Disapproved {
                    origin: question.origin.clone(),
                    why: refused.to_string(),
                    hint: flow.map(|flow| grants.lines_that_let_flow(flow.after, flow.call)),
                });
            }
        }
        Ok(())
    }

    /// Leads an error's stack back to the author's source, and takes a cause off that this run never had.
    fn locate(&self, mut error: ProgramError, calls: &Calls) -> ProgramError {
        error.cause = error.cause.and_then(|cause| calls.made(&cause));
        if let (Some(script), Some(stack)) = (&self.script, &error.stack) {
            let stack = script.locate_stack(stack);
            error.stack = (!stack.is_empty()).then_some(stack);
        }
        error
    }

    async fn run_guest(
        &self,
        store: &mut Store<RunState>,
        input: &Value,
    ) -> wasmtime::Result<Result<String, ProgramError>> {
        type Init<'a> = (&'a str, &'a str, Option<&'a str>, bool);
        let instance = self.pre.instantiate_async(&mut *store).await?;
        if let Some(script) = &self.script {
            let init =
                instance.get_typed_func::<Init<'_>, (Result<(), String>,)>(&mut *store, "init")?;
            let (loaded,) = init
                .call_async(&mut *store, (&script.shim, &script.source, None, false))
                .await?;
            if let Err(message) = loaded {
                return Ok(Err(load_error(&message)));
            }
        }
        let run = instance
            .get_typed_func::<(String,), (Result<String, ProgramError>,)>(&mut *store, "run")?;
        let (result,) = run.call_async(store, (input.to_string(),)).await?;
        Ok(result)
    }
}

/// An id that no other run has: time, process and a counter.
fn run_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{next:x}", crate::call::now(), std::process::id())
}
