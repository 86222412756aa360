//! `witgate skills show` and `approve`: what a person looks at before a skill is given to every session. A skill's texts are
//! others': cleaned, and indented so that none passes for ours. What is proven by the component is told apart from what only
//! lies beside it.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::json;

use super::{Beside, calls, clean_path, machine, state};
use crate::failure::{Failure, Kind, chain};
use crate::skills::{Review, Skill, Store, asked, declaration, program, skill_md};
use crate::terminal;

#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate skills show triage
  witgate skills show triage --json | jq -r .declaration")]
pub(crate) struct Show {
    /// Its name
    name: String,
    #[command(flatten)]
    beside: Beside,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate skills approve triage
  witgate skills approve triage --yes --sha256 $SHA256     in a script, for the bytes that were looked at

An approval is of the component's bytes: when they change, the skill is not reviewed any more. It grants
nothing: what a skill calls needs a grant as ever.")]
pub(crate) struct Approve {
    /// Its name
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Approve it only if its component has this SHA-256
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    #[command(flatten)]
    beside: Beside,
}

impl Show {
    pub(super) fn exec(&self) -> Result<(), Failure> {
        let store = self.beside.store()?;
        let skill = store.get(&self.name)?;
        let program = program(&skill)?;
        let text = skill_md(&skill.manifest, &declaration(&skill.manifest));
        if self.json {
            let mut all = machine(&skill);
            all["component"] = store.component(&self.name).display().to_string().into();
            all["input"] = json!(skill.manifest.input);
            all["output"] = json!(skill.manifest.output);
            all["declaration"] = declaration(&skill.manifest).into();
            all["skillMd"] = text.into();
            all["program"] = json!(program.as_ref().map(|program| &program.text));
            all["foreignPrelude"] = json!(program.and_then(|program| program.foreign_prelude));
            all["source"] = json!(skill.source);
            terminal::data(&all.to_string());
            return Ok(());
        }
        summary(&store, &skill, terminal::data);
        section("SKILL.md", &text);
        match (program, &skill.source) {
            (Some(program), _) => {
                section("the program, as the component runs it", &program.text);
                if let Some(prelude) = program.foreign_prelude {
                    section("the prelude that the component runs it in", &prelude);
                    terminal::warn(
                        "the prelude is not one that this witgate writes: it decides what the program's words mean. Another version may have written it; keep the skill anew from its source to have this one's",
                    );
                }
            }
            (None, Some(source)) => {
                section("the source that lies beside the component", source);
                terminal::note(
                    "whether the component was made of this source shows only a build of it: compare what `witgate skills add` makes of it under another name",
                );
            }
            (None, None) => terminal::note("there is no source: only what it imports is known"),
        }
        if let Some(difference) = store.text_differs(&skill) {
            terminal::warn(&difference);
        }
        Ok(())
    }
}

impl Approve {
    pub(super) async fn exec(&self) -> Result<(), Failure> {
        let store = self.beside.store()?;
        let skill = store.get(&self.name)?;
        if let Some(wanted) = &self.sha256
            && *wanted != skill.sha256
        {
            // Told with the SHA-256 that it has.
            store.approve(&self.name, wanted)?;
        }
        summary(&store, &skill, terminal::note);
        if skill.reviewed {
            terminal::note("it is reviewed already");
            return Ok(());
        }
        if !self.yes {
            if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
                return Err(Failure::usage("there is no terminal to ask at").hint(format!(
                    "look at it with `witgate skills show {0}`, then: witgate skills approve {0} --yes --sha256 {1}",
                    self.name, skill.sha256
                )));
            }
            terminal::note(
                "\nEvery session will find it and may run it, under its own grants. Approve it? [y]es  [n]o",
            );
            if !yes().await? {
                return Err(Failure::new(Kind::Refused, "it is not approved").hint(format!(
                    "`witgate skills show {0}` shows all of it, `witgate skills remove {0}` removes it",
                    self.name
                )));
            }
        }
        // What was shown, or nothing.
        store.approve(&self.name, &skill.sha256)?;
        terminal::note(&format!("approved {}", self.name));
        Ok(())
    }
}

/// Reads one line; nothing but a clear yes is one.
async fn yes() -> Result<bool, Failure> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = read
        .await
        .map_err(|e| Failure::host(chain(&e)))?
        .map_err(|e| Failure::host(format!("cannot read the answer: {e}")))?;
    Ok(matches!(
        line.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

/// What matters of a skill, a line each.
fn summary(store: &Store, skill: &Skill, tell: impl Fn(&str)) {
    let asked = asked(skill);
    let path = clean_path(&store.component(&skill.manifest.name));
    tell(&terminal::emphasis(&skill.manifest.name));
    tell(&format!("  state      {}", long_state(skill)));
    tell(&format!("  sha256     {}", skill.sha256));
    tell(&format!(
        "  component  {path}, {} bytes",
        skill.component.len()
    ));
    tell(&format!("  language   {}", skill.manifest.language.name()));
    for line in calls(&asked) {
        tell(&format!("  {line}"));
    }
}

fn long_state(skill: &Skill) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    match &skill.review {
        Review::Approved(at) => {
            let days = (now.as_millis().saturating_sub(u128::from(*at))) / (24 * 60 * 60 * 1_000);
            match days {
                0 => "reviewed today".to_owned(),
                1 => "reviewed yesterday".to_owned(),
                days => format!("reviewed {days} days ago"),
            }
        }
        Review::Changed => "not reviewed: it changed since it was".to_owned(),
        Review::Unreadable(why) => format!("not reviewed: {}", terminal::clean(why)),
        Review::None => state(skill).to_owned(),
    }
}

/// Text of others under a heading of ours, each line behind two spaces.
fn section(heading: &str, text: &str) {
    terminal::data(&format!("\n{heading}\n  {}", terminal::clean(text)));
}
