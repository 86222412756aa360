//! What a person says beside the grants: what they asked for, who is asked for a yes, and what was approved beforehand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use witgate_host::approval::Asker;
use witgate_host::approval::queue::Queue;
use witgate_host::dry_run::{DryRun, EffectPlan, Recordings};
use witgate_host::journal::recording::read_folder;
use witgate_host::labels::LabelSet;
use witgate_host::{Grants, RunOptions};

use crate::ask::Terminal;
use crate::commands::approvals;
use crate::effects;
use crate::failure::{Failure, Kind, chain};
use crate::terminal;

/// Where a person's yes comes from.
#[derive(Args)]
pub(crate) struct ConsentArguments {
    /// What you asked for, in your own words: `context.stated.ARGUMENT` in a condition says whether an argument stands in it
    #[arg(long, value_name = "TEXT|@FILE")]
    request: Option<String>,
    /// Labels that the input and the program carry already, with commas between them, or none (`--labels ''`); else what
    /// `[input]` in the grants file says, else every label that a flow rule asks after
    #[arg(long, value_name = "LABELS")]
    labels: Option<String>,
    /// Who is asked for calls that need a yes; the terminal where there is one, else nobody
    #[arg(long, value_name = "WHOM")]
    ask: Option<Whom>,
    /// The folder of questions for `--ask queue`; else the one that `witgate approvals` looks into
    #[arg(long, value_name = "FOLDER")]
    queue: Option<PathBuf>,
    /// Make only calls whose grant says `effect = "read"`: answer the others with a plausible value, and print what would be
    /// called
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take exactly the calls of this plan as approved, as `--dry-run --json` printed it; others are asked for as ever
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    plan: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Whom {
    /// Whoever sits at the terminal
    Terminal,
    /// Whoever answers with `witgate approvals`
    Queue,
    /// Nobody: such calls are denied
    Nobody,
}

impl ConsentArguments {
    /// Says it to a run of the program with this digest. `recordings` is where results of earlier runs are.
    pub(crate) fn apply(
        &self,
        options: &mut RunOptions,
        grants: &Grants,
        program_sha256: &str,
        recordings: &Path,
    ) -> Result<(), Failure> {
        options.request = self.read_request()?.map(Into::into);
        options.labels = self.read_labels(grants)?;
        options.asker = self.asker()?;
        options.approved = self.read_plan(program_sha256)?;
        if self.dry_run {
            let mut recorded = Recordings::default();
            read_folder(recordings, &mut |call| recorded.add(call)).map_err(|e| {
                Failure::new(
                    Kind::Configuration,
                    format!("cannot read `{}`: {e}", recordings.display()),
                )
            })?;
            options.dry_run = Some(Arc::new(DryRun {
                recordings: recorded,
                ..DryRun::default()
            }));
        }
        Ok(())
    }

    /// Prints what a dry run would have changed.
    pub(crate) fn tell(
        &self,
        dry_run: &DryRun,
        name: &str,
        program: &Path,
        sha256: &str,
        json: bool,
    ) {
        let plan = dry_run.effects.plan(name, sha256);
        if json {
            // Texts, numbers and JSON values always serialise.
            terminal::data(&serde_json::to_string(&plan).unwrap_or_default());
        } else {
            let program = program.display().to_string();
            terminal::data(effects::describe(&plan, &program, "plan.json").trim_end());
        }
    }

    fn read_request(&self) -> Result<Option<String>, Failure> {
        let Some(given) = &self.request else {
            return Ok(None);
        };
        let Some(file) = given.strip_prefix('@') else {
            return Ok(Some(given.clone()));
        };
        let text = std::fs::read_to_string(file);
        text.map(Some)
            .map_err(|e| Failure::usage(format!("cannot read the request from `{file}`: {e}")))
    }

    fn read_labels(&self, grants: &Grants) -> Result<Option<LabelSet>, Failure> {
        let Some(given) = &self.labels else {
            return Ok(None);
        };
        let mut all = LabelSet::default();
        for name in given
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let set = grants.names.get(name).ok_or_else(|| {
                let failure =
                    Failure::usage(format!("`--labels`: the grants have no label `{name}`"));
                match grants.names.all() {
                    [] => failure.hint("a grants file gives labels to tools with `[[label]]`"),
                    known => failure.hint(format!("they have `{}`", known.join("`, `"))),
                }
            })?;
            all = all.with(set);
        }
        Ok(Some(all))
    }

    fn asker(&self) -> Result<Option<Arc<dyn Asker>>, Failure> {
        if self.queue.is_some() && self.ask != Some(Whom::Queue) {
            return Err(Failure::usage("`--queue` goes with `--ask queue`"));
        }
        match self.ask {
            Some(Whom::Nobody) => Ok(None),
            Some(Whom::Queue) => {
                let folder = approvals::folder(self.queue.as_deref())?;
                let queue = Queue::open(&folder)
                    .map_err(|e| Failure::new(Kind::Configuration, chain(&e)).hint(e.hint()))?;
                Ok(Some(Arc::new(queue)))
            }
            Some(Whom::Terminal) => match Terminal::open() {
                Some(terminal) => Ok(Some(Arc::new(terminal))),
                None => Err(Failure::usage("`--ask terminal`: there is no terminal")
                    .hint("`--ask queue` leaves the questions to `witgate approvals`")),
            },
            None => Ok(Terminal::open().map(|terminal| Arc::new(terminal) as Arc<dyn Asker>)),
        }
    }

    fn read_plan(&self, program_sha256: &str) -> Result<Option<EffectPlan>, Failure> {
        let Some(path) = &self.plan else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path).map_err(|e| {
            Failure::usage(format!("cannot read the plan `{}`: {e}", path.display()))
        })?;
        let plan = EffectPlan::read(&text).map_err(|e| {
            Failure::new(
                Kind::Configuration,
                format!("`{}`: {}", path.display(), chain(&e)),
            )
            .hint(e.hint())
        })?;
        if plan.program_sha256 != program_sha256 {
            return Err(Failure::new(
                Kind::Refused,
                format!("the plan `{}` is of another program", path.display()),
            )
            .hint("make it again: `witgate run PROGRAM --dry-run --json`"));
        }
        Ok(Some(plan))
    }
}
