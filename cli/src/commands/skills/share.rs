//! `witgate skills push` and `pull`: a skill goes to a registry of OCI artifacts and comes from one. What comes is checked
//! before it is kept, and is reviewed by nobody yet.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use witgate_host::outline::outline;
use witgate_host::{Host, HostOptions, Program, sections};

use super::{Beside, calls};
use crate::failure::{Failure, Kind, chain};
use crate::skills::registry::{Artifact, Place, Pulled, key as keys};
use crate::skills::{Language, Manifest, asked, asked_of, is_name};
use crate::{source, terminal, workspace};

#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate skills push triage registry.example.com/skills/triage:1.0 --key team.key
  witgate skills push triage localhost:5000/triage --insecure --key team.key

The component goes there as a Wasm OCI artifact, which `wkg` and `oras` read as well; its source does not, except
that the component of a JavaScript program holds it. The signature is one that `cosign verify --key` knows.
Credentials are those of `docker login`.")]
pub(crate) struct Push {
    /// Its name
    name: String,
    /// HOST/REPOSITORY:TAG
    reference: String,
    /// Sign it with this private key, as `witgate skills keygen` makes one
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Speak plain HTTP, to a registry on this machine
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    beside: Beside,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate skills pull registry.example.com/skills/triage:1.0 --key team.pub
  witgate skills pull registry.example.com/skills/triage@sha256:... --key team.pub --name their-triage
  witgate skills pull localhost:5000/triage --insecure --unsigned

It is kept only if the key signed it for this repository. A tag may lead back to an older skill that was signed as
well; a digest leads to one only.")]
pub(crate) struct Pull {
    /// HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST
    reference: String,
    /// The public key of whoever signed it
    #[arg(long, value_name = "PUBLIC.pem")]
    key: Option<PathBuf>,
    /// Take it from whoever can write to the registry
    #[arg(long, conflicts_with = "key")]
    unsigned: bool,
    /// What to call it; else what it calls itself
    #[arg(long)]
    name: Option<String>,
    /// Speak plain HTTP, to a registry on this machine
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    beside: Beside,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl Push {
    pub(super) async fn exec(&self) -> Result<(), Failure> {
        let place = Place::parse(&self.reference, self.insecure)?;
        let key = self.key.as_deref().map(keys::private_key).transpose()?;
        let skill = self.beside.store()?.get(&self.name)?;
        let artifact = Artifact {
            name: &skill.manifest.name,
            description: &skill.manifest.description,
            component: &skill.component,
            imports: skill
                .outline
                .imports
                .iter()
                .map(|import| import.name.as_str())
                .collect(),
            exports: skill.outline.exports.iter().map(String::as_str).collect(),
        };
        let pushed = {
            let _progress = terminal::progress(format!("pushing {}", skill.manifest.name));
            place.push(&artifact, key.as_ref()).await?
        };
        let signed = key.map(|key| key.public().fingerprint());
        if self.json {
            let report =
                json!({ "reference": pushed.pinned, "sha256": skill.sha256, "key": signed });
            terminal::data(&report.to_string());
        } else {
            terminal::data(&pushed.pinned);
        }
        match signed {
            Some(fingerprint) => terminal::note(&format!("signed by {fingerprint}")),
            None => terminal::warn(
                "it is not signed: `witgate skills pull` takes it with `--unsigned` only",
            ),
        }
        if !asked(&skill).is_as_said() {
            terminal::warn(&format!(
                "its component does not import what it says: `witgate skills show {}`",
                self.name
            ));
        }
        Ok(())
    }
}

impl Pull {
    pub(super) async fn exec(&self) -> Result<(), Failure> {
        let place = Place::parse(&self.reference, self.insecure)?;
        let key = self.key.as_deref().map(keys::public_key).transpose()?;
        if key.is_none() && !self.unsigned {
            return Err(Failure::usage("whose skill it should be is not said").hint(
                "give the public key of whoever made it: `--key PUBLIC.pem`; `--unsigned` takes it from whoever can write to the registry",
            ));
        }
        let store = self.beside.store()?;
        if key.is_none() {
            terminal::warn(
                "no signature is asked for: this is from whoever can write to the registry, and may be anything",
            );
        }
        let pulled = {
            let _progress = terminal::progress(format!("pulling {}", self.reference));
            place.pull(key.as_ref()).await?
        };
        let (component, pinned) = (pulled.component.clone(), pulled.pinned.clone());
        source::bounded(move || loads(&component)).await?;
        let manifest = self.manifest(&place, &pulled)?;
        let skill = store.keep(&manifest, &pulled.component, None)?;
        let name = &skill.manifest.name;
        let fingerprint = key.map(|key| key.fingerprint());
        let asked = asked(&skill);
        if self.json {
            let report = json!({
                "name": name,
                "reference": pinned,
                "sha256": skill.sha256,
                "key": fingerprint,
                "reviewed": skill.reviewed,
                "tools": asked.tools,
                "component": store.component(name).display().to_string(),
            });
            terminal::data(&report.to_string());
        } else {
            terminal::data(name);
        }
        let by = fingerprint.map_or("not signed".to_owned(), |key| format!("signed by {key}"));
        terminal::note(&format!("{pinned}, {by}"));
        for line in calls(&asked) {
            terminal::note(&format!("  {line}"));
        }
        if !skill.reviewed {
            terminal::note(&format!(
                "not yet reviewed: `witgate skills show {name}`, then `witgate skills approve {name}`"
            ));
        }
        Ok(())
    }

    /// What the component says of itself, under the name that was given; what can be known, where it says nothing.
    fn manifest(&self, place: &Place, pulled: &Pulled) -> Result<Manifest, Failure> {
        let mut manifest = match sections::skill(&pulled.component)? {
            Some(said) => Manifest::parse(&said).map_err(|e| {
                let message = format!("what was pulled says wrongly what it is: {e}");
                Failure::new(Kind::Program, message).hint("ask whoever pushed it; nothing was kept")
            })?,
            None => Manifest {
                name: place.last_part().to_owned(),
                description: pulled.description.clone().unwrap_or_default(),
                language: Language::Component,
                tools: asked_of(&pulled.component, &outline(&pulled.component)?, &[]).tools,
                input: None,
                output: None,
            },
        };
        if let Some(name) = &self.name {
            manifest.name.clone_from(name);
        }
        if !is_name(&manifest.name) {
            return Err(Failure::usage(format!(
                "`{}` is no name for a skill",
                terminal::clean(&manifest.name)
            ))
            .hint("give one: `--name top-issues`"));
        }
        Ok(manifest)
    }
}

/// Whether it is a program that this host takes: compiled, never run.
fn loads(component: &[u8]) -> Result<(), Failure> {
    let options = HostOptions {
        cache: Some(workspace::cache_folder()?.join("code")),
        pooled_instances: None,
    };
    let host = Host::new(options).map_err(|e| Failure::host(chain(&e)))?;
    Program::load(&host, component)?;
    Ok(())
}
