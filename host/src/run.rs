//! An admitted program and an input -> a result. The run owns its stores, its budgets and its calls; when it ends, for
//! whatever reason, calls under way are cancelled and nothing of it is left.

mod ended;
mod skills;
mod state;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::admission::{Plan, PlannedSkill};
use crate::approval::{Approvals, Asker, Item, PreApproved, RunIdentity};
use crate::budget::{CpuClock, Exceeded, Metered};
use crate::call::Calls;
use crate::definitions::{Definition, Definitions};
use crate::dry_run::{DryRun, EffectPlan, PlannedCall};
use crate::gate::{self, Spent};
use crate::grants::Approve;
use crate::host::Host;
use crate::journal::{Journal, Recording};
use crate::labels::LabelSet;
use crate::program::{Program, digest};
use crate::sealed::Vault;
use crate::servers::Servers;
use crate::skills::SKILLS;

use ended::{explain, parse_result};
use skills::LinkedSkill;
use state::Linked;

pub(crate) use state::{RunState, Running};

pub use ended::{PrepareError, ProgramError, RunError};

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

/// A program linked with its plan and its skills, ready to run any number of times, also at once.
pub struct Prepared {
    linked: Linked,
    skills: Arc<[LinkedSkill]>,
    plan: Arc<Plan>,
    definitions: Vec<Arc<Definition>>,
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

impl Prepared {
    /// Links a program with its plan, and the skills of the plan with it.
    ///
    /// # Errors
    /// [`PrepareError`].
    pub fn new(
        host: &Host,
        program: &Program,
        mut plan: Plan,
        definitions: &Definitions,
    ) -> Result<Prepared, PrepareError> {
        let define = |server: &str, tool: &str| {
            let other = || PrepareError::OtherCatalog {
                tool: format!("{server}/{tool}"),
            };
            definitions.get(server, tool).cloned().ok_or_else(other)
        };
        let mut skills = Vec::new();
        for skill in &plan.skills {
            skills.push(LinkedSkill {
                name: skill.name.as_str().into(),
                linked: Linked::new(host, &skill.program, &skill.imports, &skill.calls)?,
                definition: define(SKILLS, &skill.name)?,
            });
        }
        let tools = plan.tools.iter();
        let definitions = tools.map(|tool| define(&tool.server, &tool.tool));
        plan.program = whole(program, &plan.skills);
        Ok(Prepared {
            linked: Linked::new(host, program, &plan.imports, &plan.calls)?,
            skills: skills.into(),
            definitions: definitions.collect::<Result<_, _>>()?,
            plan: Arc::new(plan),
        })
    }

    /// SHA-256 hex of what runs: the program's own digest where it calls no skills, else one over all of them. A plan of
    /// effects, an approval and a condition on the program are bound to it.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.plan.program
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
        let (requests, requested) = mpsc::unbounded_channel();
        let calls = Calls {
            run,
            plan: Arc::clone(&self.plan),
            definitions: self.definitions.clone(),
            spent: Mutex::new(Spent::reading(labels)),
            in_flight: Semaphore::new(limits.in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            sequence: AtomicU64::new(0),
            failed: Mutex::default(),
            servers: options.servers.one_run(),
            journal: options.journal,
            recording: options.recording,
            approvals: Approvals::new(options.asker, settings, who, approved.map(calls_of)),
            waiting: AtomicU64::new(0),
            queued: AtomicU64::new(0),
            vault,
            request: options.request,
            dry_run: options.dry_run,
        };
        let clock = Arc::new(CpuClock::default());
        let running = Arc::new(Running {
            calls,
            engine: host.engine.clone(),
            started,
            clock: Arc::clone(&clock),
            memory: Arc::default(),
            log: options.log,
            log_lines: AtomicU64::new(0),
            skills: Arc::clone(&self.skills),
            requests,
            held: AtomicU64::new(0),
        });
        let calls = &running.calls;
        let mut store = self.linked.store(&running, None, 0);
        let active = host.ticker.activate();
        let ran = {
            let guest = self.linked.run(&mut store, input.to_string());
            let guest = Metered {
                clock: Arc::clone(&clock),
                future: Box::pin(skills::drive(&running, guest, requested)),
            };
            let run = async {
                self.ask_first(calls).await?;
                guest.await
            };
            tokio::select! {
                ran = run => Some(ran),
                () = calls.approvals.wall(started, limits.wall) => None,
            }
        };
        drop(active);

        let result = match ran {
            None => Err(RunError::Limit(Exceeded::Wall(limits.wall))),
            Some(Err(ended)) => Err(ended),
            Some(Ok(Err(trap))) => Err(explain(trap, store.data())),
            Some(Ok(Ok(Err(error)))) => Err(RunError::Program(Box::new(
                self.linked.locate(error, calls),
            ))),
            Some(Ok(Ok(Ok(text)))) => parse_result(&text, &limits),
        };
        let lines = running.log_lines.load(Ordering::Relaxed);
        let used = Used {
            spent: calls.spent().clone(),
            cpu: clock.spent(),
            wall: started.elapsed(),
            log_lines_dropped: lines.saturating_sub(limits.log_lines),
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
}

/// SHA-256 hex of a program together with its skills.
fn whole(program: &Program, skills: &[PlannedSkill]) -> String {
    if skills.is_empty() {
        return program.digest.clone();
    }
    let mut all = vec![format!("program {}", program.digest)];
    let mut skills: Vec<String> = skills
        .iter()
        .map(|skill| format!("{} {}", skill.name, skill.program.digest))
        .collect();
    skills.sort();
    all.append(&mut skills);
    digest(all.join("\n").as_bytes())
}

/// An id that no other run has: time, process and a counter.
fn run_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{next:x}", crate::call::now(), std::process::id())
}
