//! `witgate skills`: the programs that were kept. Listing, removing and making keys are here; looking and approving are
//! `review`, keeping a program is `add`, registries are `share`. The folder is the store's.

mod add;
mod review;
mod share;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::failure::Failure;
use crate::skills::registry::key;
use crate::skills::{Asked, Review, Skill, Store, asked, one_line};
use crate::{terminal, workspace};

/// How much of a description a line of the list shows, in characters.
const LINE: usize = 100;

/// See, review and share programs that were kept
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  witgate skills add triage.js --name triage
  witgate skills list
  witgate skills show triage                   what it says, what it imports, its program
  witgate skills approve triage                from then on every session of `witgate serve` has it
  witgate run .witgate/skills/triage/skill.wasm --allow github/list_issues
  witgate skills keygen -o team
  witgate skills push triage registry.example.com/skills/triage:1.0 --key team.key
  witgate skills pull registry.example.com/skills/triage:1.0 --key team.pub

Skills lie in `.witgate/skills` beside the configuration. What counts of a skill is its component: what it imports
is all that it can call, and an approval is of its bytes.")]
pub(crate) enum Skills {
    /// List them
    List(List),
    /// Show what one says, what it imports, and its program
    Show(review::Show),
    /// Approve one: its bytes as they are now
    Approve(review::Approve),
    /// Keep a program from disk as a skill
    Add(add::Add),
    /// Remove one
    Remove(Remove),
    /// Push one to a registry of OCI artifacts
    Push(share::Push),
    /// Pull one from a registry of OCI artifacts
    Pull(share::Pull),
    /// Make a pair of keys: one to sign with, one to check with
    Keygen(Keygen),
}

/// Where skills lie.
#[derive(Args)]
struct Beside {
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards. Skills lie beside it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Beside {
    fn store(&self) -> Result<Store, Failure> {
        let workspace = workspace::open(self.config.as_deref())?;
        Ok(Store::beside(workspace.folder()))
    }
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate skills list
  witgate skills list --json")]
pub(crate) struct List {
    #[command(flatten)]
    beside: Beside,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  witgate skills remove triage")]
pub(crate) struct Remove {
    /// Its name
    name: String,
    #[command(flatten)]
    beside: Beside,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate skills keygen -o team          team.key signs and stays with you, team.pub is for everybody
  witgate skills push triage registry.example.com/skills/triage:1.0 --key team.key
  witgate skills pull registry.example.com/skills/triage:1.0 --key team.pub

The keys are P-256 in PEM, as openssl and cosign read them; the private one is not encrypted.")]
pub(crate) struct Keygen {
    /// Where they go: NAME.key and NAME.pub
    #[arg(short, long, value_name = "NAME")]
    output: PathBuf,
}

impl Skills {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        match self {
            Skills::List(command) => command.exec(),
            Skills::Show(command) => command.exec(),
            Skills::Approve(command) => command.exec().await,
            Skills::Add(command) => command.exec().await,
            Skills::Remove(command) => command.exec(),
            Skills::Push(command) => command.exec().await,
            Skills::Pull(command) => command.exec().await,
            Skills::Keygen(command) => command.exec(),
        }
    }

    /// Whether failures are to be told to a machine.
    pub(crate) fn json(&self) -> bool {
        match self {
            Skills::List(command) => command.json,
            Skills::Show(command) => command.json,
            Skills::Add(command) => command.json,
            Skills::Push(command) => command.json,
            Skills::Pull(command) => command.json,
            Skills::Approve(_) | Skills::Remove(_) | Skills::Keygen(_) => false,
        }
    }
}

impl List {
    fn exec(&self) -> Result<(), Failure> {
        let (skills, faults) = self.beside.store()?.list();
        if self.json {
            let skills: Vec<_> = skills.iter().map(machine).collect();
            terminal::data(&json!({ "skills": skills, "faults": faults }).to_string());
            return Ok(());
        }
        let width = skills.iter().map(|skill| skill.manifest.name.len()).max();
        let width = width.unwrap_or_default();
        for skill in &skills {
            let name = format!("{:width$}", skill.manifest.name);
            let what = one_line(&terminal::clean(&skill.manifest.description), LINE);
            let line = format!("{}  {:13}  {what}", terminal::emphasis(&name), state(skill));
            terminal::data(line.trim_end());
            for line in calls(&asked(skill)) {
                terminal::data(&format!("    {line}"));
            }
        }
        for fault in &faults {
            terminal::warn(fault);
        }
        if skills.is_empty() && faults.is_empty() {
            terminal::note("no skill is kept here");
        }
        Ok(())
    }
}

impl Remove {
    fn exec(&self) -> Result<(), Failure> {
        self.beside.store()?.remove(&self.name)?;
        terminal::note(&format!("removed {}", self.name));
        Ok(())
    }
}

impl Keygen {
    fn exec(&self) -> Result<(), Failure> {
        let (private, public, made) = key::generate(&self.output)?;
        terminal::data(&made.fingerprint());
        terminal::note(&format!(
            "{} signs: keep it to yourself. {} is for those who pull.",
            clean_path(&private),
            clean_path(&public)
        ));
        Ok(())
    }
}

/// What a person said of it, in few words.
fn state(skill: &Skill) -> &'static str {
    match skill.review {
        Review::Approved(_) => "reviewed",
        Review::None => "not reviewed",
        Review::Changed => "changed since",
        Review::Unreadable(_) => "not reviewed",
    }
}

/// What it really calls, and where that is not what it says.
fn calls(asked: &Asked) -> Vec<String> {
    let list = |tools: &[String]| terminal::clean(&tools.join(", "));
    let mut lines = vec![match asked.tools.as_slice() {
        [] => "calls no tools".to_owned(),
        tools => format!("calls {}", list(tools)),
    }];
    for (what, tools) in [
        ("does not say that it calls", &asked.unsaid),
        ("says that it calls, and does not:", &asked.unused),
        ("imports what no host gives it:", &asked.foreign),
    ] {
        if !tools.is_empty() {
            lines.push(format!("{what} {}", list(tools)));
        }
    }
    lines
}

/// A skill for a machine, without what is long.
fn machine(skill: &Skill) -> serde_json::Value {
    let asked = asked(skill);
    let manifest = &skill.manifest;
    let at = match skill.review {
        Review::Approved(at) => Some(at),
        _ => None,
    };
    json!({
        "name": manifest.name,
        "description": manifest.description,
        "language": manifest.language.name(),
        "sha256": skill.sha256,
        "reviewed": skill.reviewed,
        "reviewedAt": at,
        "state": state(skill),
        "tools": asked.tools,
        "foreign": asked.foreign,
        "unsaid": asked.unsaid,
        "unused": asked.unused,
    })
}

fn clean_path(path: &Path) -> String {
    terminal::clean(&path.display().to_string())
}
