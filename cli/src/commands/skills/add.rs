//! `witgate skills add`: a program from disk becomes a skill. It is built as `witgate build` does; nothing runs.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use witgate_builder::stamp::stamp;
use witgate_codegen::names::kebab;
use witgate_host::imports::built_now;
use witgate_host::sections;

use crate::failure::{Failure, Kind};
use crate::skills::{Language, Manifest, Store, asked, description_of, is_name};
use crate::source::{self, SourceKind};
use crate::{terminal, workspace};

#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate skills add triage.js
  witgate skills add examples/03-two-servers/program.rs --name open-deals
  witgate skills add triage.wasm --name triage --description 'Closes stale issues'

What it does is taken from the comment at its head: `/** ... */` or `//` lines in JavaScript, `//!` in Rust.")]
pub(crate) struct Add {
    /// A program (.js, .ts, .rs) or a component (.wasm)
    program: PathBuf,
    /// What to call it: lower-case words joined by hyphens; else the name of the file
    #[arg(long)]
    name: Option<String>,
    /// What it does; else the comment at its head
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards. Skills lie beside it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl Add {
    pub(super) async fn exec(&self) -> Result<(), Failure> {
        let source = source::read(&self.program)?;
        let (language, text) = match &source.kind {
            SourceKind::Js(text) if is_typescript(&source.name) => {
                (Language::TypeScript, Some(text.clone()))
            }
            SourceKind::Js(text) => (Language::JavaScript, Some(text.clone())),
            SourceKind::Rust(text) => (Language::Rust, Some(text.clone())),
            SourceKind::Component(_) => (Language::Component, None),
        };
        let earlier = match &source.kind {
            SourceKind::Component(bytes) => sections::skill(bytes)?,
            _ => None,
        };
        // What a component says of itself is good enough to begin with.
        let earlier = earlier.and_then(|said| Manifest::parse(&said).ok());
        let name = match (&self.name, &earlier) {
            (Some(name), _) => name.clone(),
            (None, Some(earlier)) => earlier.name.clone(),
            (None, None) => named_after(&source.name)?,
        };
        let described = self
            .description
            .clone()
            .or_else(|| description_of(text.as_deref()?, language));
        let workspace = workspace::open(self.config.as_deref())?;
        let store = Store::beside(workspace.folder());
        let loaded = source::load(source, &workspace, true).await;
        workspace.servers.shutdown().await;
        let (host, loaded) = loaded?;
        let imports = loaded.program.imports(&host, &loaded.definitions);
        let mut component = sections::without_built(&loaded.bytes)?;
        stamp(&mut component, &built_now(&imports)).map_err(|e| {
            Failure::new(Kind::Program, e.to_string())
                .hint("import fewer tools, or split the program")
        })?;
        let mut tools: Vec<String> = imports
            .tools
            .iter()
            .map(|t| format!("{}/{}", t.server, t.tool))
            .collect();
        tools.sort();
        tools.dedup();
        let manifest = match earlier {
            Some(earlier) => Manifest {
                name,
                description: described.unwrap_or(earlier.description),
                tools,
                ..earlier
            },
            None => Manifest {
                name,
                description: described.unwrap_or_default(),
                language,
                tools,
                input: None,
                output: None,
            },
        };
        let skill = store.keep(&manifest, &component, text.as_deref())?;
        let name = &skill.manifest.name;
        let path = store.component(name).display().to_string();
        if self.json {
            let kept = json!({ "name": name, "sha256": skill.sha256, "component": path, "reviewed": skill.reviewed });
            terminal::data(&kept.to_string());
        } else {
            terminal::data(&terminal::clean(&path));
        }
        if skill.manifest.description.is_empty() {
            terminal::warn(&format!(
                "`{name}` does not say what it does, so it is found by its name only: begin the program with a comment, or give `--description`"
            ));
        }
        for import in &asked(&skill).foreign {
            terminal::warn(&format!(
                "`{name}` imports `{import}`, which no host gives it"
            ));
        }
        if !skill.reviewed {
            terminal::note(&format!(
                "kept, not yet reviewed: `witgate skills approve {name}`"
            ));
        }
        Ok(())
    }
}

fn is_typescript(file: &str) -> bool {
    [".ts", ".mts"].iter().any(|ending| file.ends_with(ending))
}

/// The file's name as that of a skill.
fn named_after(file: &str) -> Result<String, Failure> {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let name = kebab(stem, "");
    match is_name(&name) {
        true => Ok(name),
        false => Err(Failure::usage(format!("`{file}` says no name for a skill"))
            .hint("give one: `--name top-issues`")),
    }
}
