//! `witgate sync`: what every server offers, pinned in `witgate.lock` and kept in the catalog.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use witgate_codegen::lock::{self, Change, ChangeKind};
use witgate_codegen::server::model_catalog;

use crate::failure::{Failure, Kind, chain};
use crate::{overrides, terminal, workspace};

/// Start every server, list its tools, and write `witgate.lock` and the catalog
#[derive(Args)]
#[command(after_help = "\
Example:
  witgate sync && git diff witgate.lock

A server that does not answer is reported, keeps what was pinned before, and does not stop the others.")]
pub(crate) struct Sync {
    /// The MCP servers; else `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Sync {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let workspace = workspace::open(self.config.as_deref())?;
        let (mut catalog, failed) = workspace.sync_all().await;
        workspace.servers.shutdown().await;
        overrides::apply(&workspace, &mut catalog)?;
        overrides::warn_of_strangers(&workspace);
        let unsound = workspace::keep_sound(&mut catalog);
        let models =
            model_catalog(&catalog).map_err(|e| Failure::new(Kind::Configuration, chain(&e)))?;

        let old = workspace.kept_lock()?;
        let mut new = lock::lock(&catalog, &models);
        let answered: Vec<String> = catalog.servers.keys().cloned().collect();
        if let Some(old) = &old {
            // A server that is configured but silent today keeps what was pinned.
            for (name, server) in &old.servers {
                if !new.servers.contains_key(name) && workspace.config.servers.contains_key(name) {
                    new.servers.insert(name.clone(), server.clone());
                }
            }
        }
        let changes = old
            .as_ref()
            .map(|old| lock::diff(old, &new))
            .unwrap_or_default();
        super::write(&workspace.lock_path(), pretty(&new)?.as_bytes())?;
        super::write(&workspace.catalog_path(), pretty(&catalog)?.as_bytes())?;

        if self.json {
            let report = json!({
                "servers": answered.iter().map(|name| (name.clone(), json!(catalog.servers[name].tools.len()))).collect::<serde_json::Map<_, _>>(),
                "failed": failed.iter().map(|(name, e)| json!({"server": name, "message": chain(e), "hint": e.hint()}))
                    .chain(unsound.iter().map(|(name, why)| json!({"server": name, "message": why}))).collect::<Vec<_>>(),
                "changes": changes.iter().map(|c| json!({"server": c.server, "tool": c.tool, "change": word(c.kind)})).collect::<Vec<_>>(),
                "lock": workspace.lock_path(),
            });
            terminal::data(&report.to_string());
        } else {
            for name in &answered {
                terminal::note(&format!(
                    "{name}: {} tools",
                    catalog.servers[name].tools.len()
                ));
            }
            for change in &changes {
                terminal::note(&format!("  {}", describe(change)));
            }
            for (name, why) in &unsound {
                terminal::warn(&format!("server `{name}` is left out: {why}"));
            }
            for (_, error) in &failed {
                terminal::warn(&chain(error));
                terminal::hint(&error.hint());
            }
            terminal::note(&format!("wrote {}", workspace.lock_path().display()));
        }
        match failed.into_iter().next() {
            Some(_) if self.json => Err(Failure::told(Kind::Unavailable)),
            Some((name, _)) => Err(Failure::new(
                Kind::Unavailable,
                format!("server `{name}` is not in this sync; the others are"),
            )),
            None if unsound.is_empty() => Ok(()),
            None if self.json => Err(Failure::told(Kind::Configuration)),
            None => Err(Failure::new(
                Kind::Configuration,
                "a server is left out of this sync; the others are in",
            )),
        }
    }
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Failure::host(format!("cannot write what was synced: {e}")))?;
    Ok(text + "\n")
}

fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Definition => "definition changed, same types",
        ChangeKind::Shape => "types changed: build again",
        ChangeKind::Package => "package renamed: build again",
    }
}

fn describe(change: &Change) -> String {
    match &change.tool {
        Some(tool) => format!("{}/{tool}: {}", change.server, word(change.kind)),
        None => format!("{}: {}", change.server, word(change.kind)),
    }
}
