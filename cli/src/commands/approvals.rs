//! `witgate approvals`: answers, from another process, what runs with `--ask queue` ask. The folder is the host's
//! `approval::queue`.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use witgate_host::approval::queue::{Posted, Queue, QueueError, State};
use witgate_host::approval::show::{self, Extent};
use witgate_host::approval::{Answer, Question, numbers};

use crate::ask::{calls, within};
use crate::failure::{Failure, Kind, chain};
use crate::terminal;

/// See and answer the calls that wait for a person's yes
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  witgate run close.js --grants grants.toml --ask queue    in another terminal: it waits
  witgate approvals list
  witgate approvals show a1b2                  every call of the question, whole
  witgate approvals approve a1b2
  witgate approvals approve a1b2 --only 1,4-6  and deny the others
  witgate approvals deny a1b2 --only 2 --reason 'not this repository'

An id may be shortened as long as it is clear. Questions are files in `$WITGATE_STATE/approvals`,
else `$XDG_STATE_HOME/witgate/approvals`, else `~/.local/state/witgate/approvals`: whoever can write
there can approve.")]
pub(crate) enum Approvals {
    /// List the questions that wait
    List(List),
    /// Show every call of a question
    Show(Show),
    /// Say yes to the calls of a question
    Approve(Approve),
    /// Say no to the calls of a question
    Deny(Deny),
}

#[derive(Args)]
struct Place {
    /// The folder of the questions
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Show {
    /// The question's id, or its start
    id: String,
    #[command(flatten)]
    place: Place,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate approvals approve a1b2
  witgate approvals approve a1b2 --only 1,3
  witgate approvals approve a1b2 --calls 20")]
pub(crate) struct Approve {
    /// The question's id, or its start
    id: String,
    /// Approve only the calls with these numbers, as `show` gives them, and deny the others
    #[arg(long, value_name = "1,4-6")]
    only: Option<String>,
    /// In this run, let up to N further calls of each of these tools through without asking
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    calls: Option<u64>,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate approvals deny a1b2
  witgate approvals deny a1b2 --only 2,5 --reason 'these are duplicates'")]
pub(crate) struct Deny {
    /// The question's id, or its start
    id: String,
    /// Deny only the calls with these numbers, as `show` gives them, and approve the others
    #[arg(long, value_name = "2,5")]
    only: Option<String>,
    /// Why; the program is told
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    #[command(flatten)]
    place: Place,
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Failure {
        let kind = match error {
            QueueError::Unsafe { .. } | QueueError::Io { .. } => Kind::Configuration,
            _ => Kind::Usage,
        };
        Failure::new(kind, chain(&error)).hint(error.hint())
    }
}

/// Where questions are kept unless a folder is given.
pub(crate) fn folder(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    given
        .map(Path::to_owned)
        .or_else(|| set("WITGATE_STATE").map(|s| s.join("approvals")))
        .or_else(|| set("XDG_STATE_HOME").map(|s| s.join("witgate/approvals")))
        .or_else(|| set("HOME").map(|h| h.join(".local/state/witgate/approvals")))
        .ok_or_else(|| {
            Failure::new(
                Kind::Configuration,
                "there is no folder for approvals: `HOME` is not set",
            )
            .hint("name a folder of your own with `--folder DIR`, or in `WITGATE_STATE`")
        })
}

impl Place {
    /// None where nobody ever asked.
    fn open(&self) -> Result<Option<Queue>, Failure> {
        let folder = folder(self.folder.as_deref())?;
        match folder.symlink_metadata() {
            Ok(_) => Ok(Some(Queue::open(&folder)?)),
            Err(_) => Ok(None),
        }
    }

    fn find(&self, id: &str) -> Result<(Queue, Posted), Failure> {
        let Some(queue) = self.open()? else {
            let id = id.to_owned();
            return Err(QueueError::Unknown { id }.into());
        };
        let posted = queue.find(id)?;
        Ok((queue, posted))
    }
}

impl Approvals {
    pub(crate) fn exec(&self) -> Result<(), Failure> {
        match self {
            Approvals::List(command) => command.exec(),
            Approvals::Show(command) => command.exec(),
            Approvals::Approve(command) => command.exec(),
            Approvals::Deny(command) => command.exec(),
        }
    }

    /// Whether failures are to be told to a machine.
    pub(crate) fn json(&self) -> bool {
        match self {
            Approvals::List(command) => command.json,
            Approvals::Show(command) => command.json,
            Approvals::Approve(_) | Approvals::Deny(_) => false,
        }
    }
}

impl List {
    fn exec(&self) -> Result<(), Failure> {
        let (found, faults) = match self.place.open()? {
            Some(queue) => queue.list()?,
            None => Default::default(),
        };
        for fault in faults {
            terminal::warn(&chain(&fault));
        }
        if self.json {
            let found: Vec<_> = found.iter().map(machine).collect();
            terminal::data(&json!({ "questions": found }).to_string());
            return Ok(());
        }
        if found.is_empty() {
            terminal::note("no question waits");
        }
        for Posted { question, state } in &found {
            terminal::data(&format!(
                "{}  {} wants {}: {}",
                terminal::emphasis(&show::name(&question.id)),
                show::name(&question.program),
                calls(question.items.len()),
                told(question, state),
            ));
            for (tool, times) in tools(question) {
                terminal::data(&format!("    {times} x {tool}"));
            }
        }
        Ok(())
    }
}

impl Show {
    fn exec(&self) -> Result<(), Failure> {
        let (_, posted) = self.place.find(&self.id)?;
        if self.json {
            terminal::data(&machine(&posted).to_string());
            return Ok(());
        }
        let extent = Extent {
            items: usize::MAX,
            characters: usize::MAX,
            rest: "",
            whole: &|_| String::new(),
        };
        let Posted { question, state } = &posted;
        let mut lines = show::question(question, &extent);
        lines.push(String::new());
        lines.push(format!(
            "Question {}: {}",
            show::name(&question.id),
            told(question, state)
        ));
        terminal::data(&lines.join("\n"));
        Ok(())
    }
}

impl Approve {
    fn exec(&self) -> Result<(), Failure> {
        let (queue, posted) = self.place.find(&self.id)?;
        let question = &posted.question;
        let approved = match &self.only {
            Some(list) => named(list, question)?,
            None => (0..question.items.len()).collect(),
        };
        let yes = match self.calls {
            Some(more) => within(question, approved.iter().copied(), more),
            None => vec![Answer::Yes; approved.len()],
        };
        let reason = "only others of these calls were approved";
        let answers = answers(question, &approved, yes, reason);
        queue.answer(&posted, answers)?;
        say(question, &approved);
        if let Some(more) = self.calls {
            terminal::note(&format!("and up to {more} more of each tool in this run"));
        }
        Ok(())
    }
}

impl Deny {
    fn exec(&self) -> Result<(), Failure> {
        let (queue, posted) = self.place.find(&self.id)?;
        let question = &posted.question;
        let all: BTreeSet<usize> = (0..question.items.len()).collect();
        let denied = match &self.only {
            Some(list) => named(list, question)?,
            None => all.clone(),
        };
        let approved: BTreeSet<usize> = all.difference(&denied).copied().collect();
        let yes = vec![Answer::Yes; approved.len()];
        let answers = answers(question, &approved, yes, &self.reason);
        queue.answer(&posted, answers)?;
        say(question, &approved);
        Ok(())
    }
}

fn named(list: &str, question: &Question) -> Result<BTreeSet<usize>, Failure> {
    numbers::parse(list, question.items.len()).map_err(|why| {
        Failure::usage(format!("`--only {list}`: {why}")).hint(format!(
            "`witgate approvals show {}` shows the numbers",
            question.id
        ))
    })
}

/// One answer for each item: of `yes` for those that are approved, in order, else no.
fn answers(
    question: &Question,
    approved: &BTreeSet<usize>,
    yes: Vec<Answer>,
    reason: &str,
) -> Vec<Answer> {
    let mut yes: HashMap<usize, Answer> = approved.iter().copied().zip(yes).collect();
    let no = Answer::No {
        reason: reason.to_owned(),
    };
    (0..question.items.len())
        .map(|position| yes.remove(&position).unwrap_or_else(|| no.clone()))
        .collect()
}

fn say(question: &Question, approved: &BTreeSet<usize>) {
    let count = question.items.len();
    let denied: BTreeSet<usize> = (0..count).filter(|p| !approved.contains(p)).collect();
    let program = show::name(&question.program);
    terminal::note(&match (approved.len(), denied.len()) {
        (_, 0) => format!("approved {} of {program}", calls(count)),
        (0, _) => format!("denied {} of {program}", calls(count)),
        _ => format!(
            "of {program}, approved {}; denied {}",
            numbers::write(approved),
            numbers::write(&denied)
        ),
    });
}

fn told(question: &Question, state: &State) -> String {
    match state {
        State::Waiting => {
            let now = std::time::SystemTime::now();
            let now = now
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default();
            let waits = now.as_secs().saturating_sub(question.asked / 1000);
            let left = question.timeout.as_secs().saturating_sub(waits);
            format!("waits for {waits} s, {left} s left")
        }
        State::Answered => "answered".to_owned(),
        State::Stale { why } => format!("stale and removed, {why}"),
    }
}

/// Its tools in the order of their first calls, and how often each is called.
fn tools(question: &Question) -> Vec<(String, usize)> {
    let mut all: Vec<(String, usize)> = Vec::new();
    for item in &question.items {
        let tool = show::tool(item);
        match all.iter_mut().find(|(known, _)| *known == tool) {
            Some((_, times)) => *times += 1,
            None => all.push((tool, 1)),
        }
    }
    all
}

fn machine(posted: &Posted) -> serde_json::Value {
    let state = match &posted.state {
        State::Waiting => "waiting",
        State::Answered => "answered",
        State::Stale { .. } => "stale",
    };
    json!({ "state": state, "question": posted.question })
}
