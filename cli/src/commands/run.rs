//! `witgate run`: from a program on disk to its result on stdout.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use witgate_codegen::json::inexact_integer;
use witgate_host::journal::recording::RECORDING_BYTES;
use witgate_host::run::LogLevel;
use witgate_host::{Journal, Limits, Prepared, Recording, RunOptions, admit};

use super::GrantArguments;
use crate::consent::ConsentArguments;
use crate::failure::{Failure, Kind};
use crate::source::{self, Source};
use crate::terminal;
use crate::workspace::{self, Workspace};

/// Build a program, link it to the live servers under its grants, and print its result
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate run count.js --allow github/list_issues --input '{\"label\":\"bug\"}'
  witgate run report.rs --grants grants.toml --input @query.json
  echo '[1,2]' | witgate run sum.wasm --input - --json
  witgate run close.js --grants grants.toml --dry-run --json > plan.json
  witgate run close.js --grants grants.toml --plan plan.json
  witgate run pay.js --grants grants.toml --request 'Pay 12.50 to Ann' --ask queue")]
pub(crate) struct Run {
    /// A program (.js, .ts, .rs) or a component (.wasm)
    program: PathBuf,
    /// The program's input: JSON, @FILE, or - for stdin
    #[arg(
        long,
        value_name = "JSON|@FILE|-",
        default_value = "null",
        hide_default_value = true
    )]
    input: String,
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    grants: GrantArguments,
    #[command(flatten)]
    consent: ConsentArguments,
    /// Append one record per attempted call to this file; else `.witgate/journal.jsonl` beside the configuration
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Keep every call's arguments and result, IN CLEAR, in `.witgate/recordings` beside the configuration, for `witgate
    /// learn`; at most 64 MiB a run. Whoever can read the folder can read them; delete it when you have learned
    #[arg(long)]
    record: bool,
    /// CPU time for the program; waiting for tools does not count
    #[arg(long, value_name = "SECONDS")]
    max_cpu: Option<f64>,
    /// Time for the whole run
    #[arg(long, value_name = "SECONDS")]
    max_time: Option<f64>,
    /// Memory for the program
    #[arg(long, value_name = "MIB")]
    max_memory: Option<usize>,
    /// Tool calls in total
    #[arg(long, value_name = "N")]
    max_calls: Option<u64>,
    /// Print errors as one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

fn tell_recording(recording: &Recording, folder: &Path) {
    let (calls, end) = recording.state();
    let plural = if calls == 1 { "" } else { "s" };
    terminal::note(&format!(
        "recorded {calls} call{plural} in {}; `witgate learn` infers types from them",
        folder.display()
    ));
    if let Some(why) = end {
        terminal::warn(&format!("the recording ended before the run: {why}"));
    }
}

impl Run {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let limits = self.limits()?;
        let input = self.read_input()?;
        let source = source::read(&self.program)?;
        let grants = self.grants.read()?;
        let workspace = workspace::open(self.config.as_deref())?;
        let ran = self.run(source, &workspace, &grants, limits, &input).await;
        workspace.servers.shutdown().await;
        let result = ran?;
        if self.consent.dry_run {
            terminal::note(&format!(
                "the program would return: {}",
                terminal::clean(&result.to_string())
            ));
        } else {
            terminal::data(&result.to_string());
        }
        Ok(())
    }

    async fn run(
        &self,
        source: Source,
        workspace: &Workspace,
        grants: &witgate_host::Grants,
        limits: Limits,
        input: &Value,
    ) -> Result<Value, Failure> {
        let name = source.name.clone();
        let (host, loaded) = source::load(source, workspace, false).await?;
        let imports = loaded.imports(&host);
        let rules = grants.check(&loaded.definitions)?;
        let plan = admit(&imports, &rules, &limits, loaded.lock.as_ref())?;
        for tool in &plan.tools {
            let Some(definition) = loaded.definitions.get(&tool.server, &tool.tool) else {
                continue;
            };
            let name = format!("{}/{}", tool.server, tool.tool);
            let place = match definition.overridden.is_some() {
                true => "; look at its entry in `witgate/overrides`",
                false => "",
            };
            if let Some(why) = definition.schema_fault() {
                terminal::warn(&format!("`{name}` cannot be called: {why}{place}"));
            }
            for at in definition.schema_blemishes() {
                let at = terminal::clean(&at);
                terminal::warn(&format!(
                    "`{name}`: {at} is no JSON Schema, and is not checked{place}"
                ));
            }
        }
        let prepared = Prepared::new(&host, &loaded.program, plan, &loaded.definitions)?;
        let path = self
            .journal
            .clone()
            .unwrap_or_else(|| workspace.journal_path());
        let journal = Journal::append_to(&path).map_err(|e| {
            Failure::new(
                Kind::Configuration,
                format!("cannot write the journal `{}`: {e}", path.display()),
            )
            .hint("name another file with `--journal FILE`")
        })?;
        let folder = workspace.recordings_path();
        let recording = self
            .record
            .then(|| Arc::new(Recording::into_folder(&folder, RECORDING_BYTES)));
        let mut options = RunOptions {
            name: name.clone(),
            journal: Arc::new(journal),
            recording: recording.clone(),
            log: Arc::new(|level, text| {
                terminal::log(
                    match level {
                        LogLevel::Debug => "debug",
                        LogLevel::Info => "info",
                        LogLevel::Warn => "warn",
                        LogLevel::Error => "error",
                    },
                    text,
                );
            }),
            ..RunOptions::new(&workspace.servers)
        };
        let sha256 = &loaded.program.digest;
        self.consent.apply(&mut options, grants, sha256, &folder)?;
        let dry_run = options.dry_run.clone();
        // A question and a moving line do not go together.
        let progress = options
            .asker
            .is_none()
            .then(|| terminal::progress(format!("running {name}")));
        let finished = prepared.run(&host, input, options).await;
        drop(progress);
        // Of a run that failed, a plan is half a plan: a person may look at it, a machine gets the failure.
        if let Some(dry_run) = dry_run.filter(|_| finished.result.is_ok() || !self.json) {
            self.consent
                .tell(&dry_run, &name, &self.program, sha256, self.json);
        }
        if let Some(recording) = recording {
            tell_recording(&recording, &folder);
        }
        Ok(finished.result?)
    }

    fn limits(&self) -> Result<Limits, Failure> {
        let mut limits = Limits::default();
        let seconds = |value: f64, flag: &str| {
            Duration::try_from_secs_f64(value)
                .ok()
                .filter(|d| !d.is_zero())
                .ok_or_else(|| {
                    Failure::usage(format!("`{flag} {value}` is no time"))
                        .hint("give seconds, for example 2.5")
                })
        };
        if let Some(value) = self.max_cpu {
            limits.cpu = seconds(value, "--max-cpu")?;
        }
        if let Some(value) = self.max_time {
            limits.wall = seconds(value, "--max-time")?;
        }
        if let Some(mib) = self.max_memory {
            limits.memory = mib.saturating_mul(1 << 20);
        }
        if let Some(calls) = self.max_calls {
            limits.calls = calls;
        }
        Ok(limits)
    }

    fn read_input(&self) -> Result<Value, Failure> {
        let (text, place) = match self.input.as_str() {
            "-" => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).map_err(|e| {
                    Failure::usage(format!("cannot read the input from stdin: {e}"))
                })?;
                (text, "stdin".to_owned())
            }
            given => match given.strip_prefix('@') {
                Some(file) => {
                    let text = std::fs::read_to_string(file).map_err(|e| {
                        Failure::usage(format!("cannot read the input from `{file}`: {e}"))
                    })?;
                    (text, file.to_owned())
                }
                None => (given.to_owned(), "--input".to_owned()),
            },
        };
        if let Some(at) = inexact_integer(text.as_bytes()) {
            return Err(Failure::usage(format!(
                "the input holds an integer of more than 64 bits at `{at}`"
            ))
            .at(place)
            .hint("give it as a string"));
        }
        serde_json::from_str(&text).map_err(|e| {
            Failure::usage(format!("the input is not JSON: {e}"))
                .at(format!("{place}:{}:{}", e.line(), e.column()))
                .hint("give any JSON value, for example --input '{\"label\":\"bug\"}' or --input @input.json")
        })
    }
}
