//! What the guests of a run hold: each a store of its own, all together the calls, the budgets and the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;
use wasmtime::component::InstancePre;
use wasmtime::{Engine, Store, UpdateDeadline};

use super::skills::{LinkedSkill, Request};
use super::{LogLevel, LogSink, PrepareError, ProgramError};
use crate::budget::{self, CpuClock, MemoryBudget};
use crate::call::Calls;
use crate::host::Host;
use crate::imports::ImportedTool;
use crate::limits::Limits;
use crate::link::{Part, link};
use crate::program::{Program, Script};

/// Bytes that may be copied between host and guest in one call, beside what `Limits` says.
const HOSTCALL_BYTES: usize = 96 << 20;

/// What all guests of one run share: the program, and the skills that it calls.
pub(crate) struct Running {
    pub(crate) calls: Calls,
    pub(super) engine: Engine,
    pub(super) started: Instant,
    pub(super) clock: Arc<CpuClock>,
    pub(super) memory: Arc<AtomicUsize>,
    pub(super) log: LogSink,
    /// Lines so far, those included that were dropped.
    pub(super) log_lines: AtomicU64,
    pub(crate) skills: Arc<[LinkedSkill]>,
    pub(super) requests: UnboundedSender<Request>,
    /// Bytes that are held for skills.
    pub(super) held: AtomicU64,
}

impl Running {
    pub(super) fn limits(&self) -> &Limits {
        &self.calls.plan.limits
    }

    fn log(&self, level: LogLevel, text: &str) {
        let limit = self.limits().log_lines;
        match self.log_lines.fetch_add(1, Ordering::Relaxed) {
            before if before < limit => (self.log)(level, text),
            before if before == limit => (self.log)(
                LogLevel::Warn,
                &format!("more than {limit} log lines; further ones are dropped"),
            ),
            _ => {}
        }
    }
}

/// A program or a skill, linked.
pub(crate) struct Linked {
    pub(super) pre: InstancePre<RunState>,
    pub(super) script: Option<Arc<Script>>,
}

/// What a store holds for its guest.
pub(crate) struct RunState {
    pub(crate) run: Arc<Running>,
    /// How many skills deep it runs: 0 is the program.
    pub(crate) depth: usize,
    /// The skill's name, where it is one.
    skill: Option<Arc<str>>,
    memory: MemoryBudget,
    script: Option<Arc<Script>>,
    pub(super) panic: Option<String>,
}

impl RunState {
    pub(crate) fn log(&mut self, level: LogLevel, message: &str) {
        let text = cut(message, self.run.limits().log_line_bytes);
        if level == LogLevel::Error && message.starts_with("panic at ") {
            self.panic = Some(text.clone());
        }
        let text = match &self.script {
            // A stack that the program tells leads to the author's source too.
            Some(script) if text.contains("componentize-qjs:") => script.locate_stack(&text),
            _ => text,
        };
        match &self.skill {
            Some(skill) => self.run.log(level, &format!("{skill}: {text}")),
            None => self.run.log(level, &text),
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

impl Linked {
    /// Links a component with its part of a plan: the tools and the skills that it imports.
    pub(super) fn new(
        host: &Host,
        program: &Program,
        tools: &[(ImportedTool, usize)],
        skills: &[(ImportedTool, usize)],
    ) -> Result<Linked, PrepareError> {
        let module = match program.engine_import(host) {
            Some(name) => {
                let module = host.module(&name);
                let module = module.ok_or_else(|| PrepareError::NoEngine { name: name.clone() })?;
                Some((name, module))
            }
            None => None,
        };
        let part = Part {
            component: &program.component,
            tools,
            skills,
            module,
        };
        let failed = |e: wasmtime::Error| PrepareError::Link {
            message: format!("{e:#}"),
        };
        let linker = link(&host.engine, &part).map_err(failed)?;
        let pre = linker.instantiate_pre(&program.component);
        Ok(Linked {
            pre: pre.map_err(failed)?,
            script: program.script.clone().map(Arc::new),
        })
    }

    /// A store for one guest, under the budgets of the run.
    pub(super) fn store(
        &self,
        run: &Arc<Running>,
        skill: Option<&Arc<str>>,
        depth: usize,
    ) -> Store<RunState> {
        let state = RunState {
            run: Arc::clone(run),
            depth,
            skill: skill.cloned(),
            memory: MemoryBudget::new(run.limits().memory, &run.memory),
            script: self.script.clone(),
            panic: None,
        };
        let mut store = Store::new(&run.engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(HOSTCALL_BYTES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            let run = &store.data().run;
            // A person may take their time.
            let waited = run.calls.approvals.waited();
            let elapsed = run.started.elapsed().saturating_sub(waited);
            budget::check_time(&run.clock, elapsed, run.limits()).map_err(wasmtime::Error::new)?;
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    /// Runs the guest once, with its input as JSON text.
    pub(super) async fn run(
        &self,
        store: &mut Store<RunState>,
        input: String,
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
                return Ok(Err(super::ended::load_error(&message)));
            }
        }
        let run = instance
            .get_typed_func::<(String,), (Result<String, ProgramError>,)>(&mut *store, "run")?;
        let (result,) = run.call_async(store, (input,)).await?;
        Ok(result)
    }

    /// Leads an error's stack back to the author's source, and takes a cause off that this run never had.
    pub(super) fn locate(&self, mut error: ProgramError, calls: &Calls) -> ProgramError {
        error.cause = error.cause.and_then(|cause| calls.made(&cause));
        if let (Some(script), Some(stack)) = (&self.script, &error.stack) {
            let stack = script.locate_stack(stack);
            error.stack = (!stack.is_empty()).then_some(stack);
        }
        error
    }
}
