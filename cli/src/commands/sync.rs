//! `witgate sync`: what every server offers, pinned in `witgate.lock` and kept in the catalog; with `--check`, what is
//! different from what is pinned. How two definitions differ is decided in `witgate_codegen::drift`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use witgate_codegen::catalog::Catalog;
use witgate_codegen::drift::{ChangeKind, Difference};
use witgate_codegen::lock::{self, Change, Lock};
use witgate_codegen::server::model_catalog;
use witgate_host::mcp::ServerError;

use crate::failure::{Failure, Kind, chain};
use crate::workspace::Workspace;
use crate::{output, overrides, terminal, workspace};

/// Start every server, list its tools, and write `witgate.lock` and the catalog
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate sync && git diff witgate.lock
  witgate sync --check                         says what changed and what to do, writes nothing

`witgate run` refuses a program that imports a tool which is not what `witgate.lock` pins; `witgate sync` accepts all that
changed, and says what. `--check` ends with 0 when nothing changed, 3 when something did, 5 when a server does not answer.
A server that does not answer is reported, keeps what was pinned before, and does not stop the others.")]
pub(crate) struct Sync {
    /// Say what changed since the last sync, and write nothing
    #[arg(long)]
    check: bool,
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a sync found.
struct Found {
    /// The servers that answered, and those that did not as they were kept.
    catalog: Catalog,
    /// The same, pinned.
    lock: Lock,
    answered: Vec<String>,
    failed: Vec<(String, ServerError)>,
    /// Servers whose tools cannot be modelled, and why.
    unsound: Vec<(String, String)>,
    changes: Vec<Change>,
}

impl Sync {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let workspace = workspace::open(self.config.as_deref())?;
        let old = workspace.kept_lock()?;
        if self.check && old.is_none() {
            let message = format!("there is no `{}`", workspace.lock_path().display());
            return Err(Failure::new(Kind::Configuration, message)
                .hint("`witgate sync` writes it: what the servers offer now is then accepted"));
        }
        let found = find(&workspace, old.as_ref()).await?;
        if !self.check {
            output::write(&workspace.lock_path(), pretty(&found.lock)?.as_bytes())?;
            output::write(
                &workspace.catalog_path(),
                pretty(&found.catalog)?.as_bytes(),
            )?;
        }
        if self.json {
            terminal::data(&report(&found, &workspace).to_string());
        } else {
            self.tell(&found, &workspace);
        }
        self.verdict(&found)
    }

    fn tell(&self, found: &Found, workspace: &Workspace) {
        if self.check {
            for change in &found.changes {
                terminal::data(&describe(change));
            }
        } else {
            for name in &found.answered {
                let count = found.catalog.servers[name].tools.len();
                terminal::note(&format!("{name}: {count} tools"));
            }
            for change in &found.changes {
                terminal::note(&describe(change));
            }
        }
        for (name, why) in &found.unsound {
            terminal::warn(&format!("server `{name}` is left out: {why}"));
        }
        for (_, error) in &found.failed {
            terminal::warn(&chain(error));
            terminal::hint(&error.hint());
        }
        let path = workspace.lock_path();
        if !self.check {
            terminal::note(&format!("wrote {}", path.display()));
        } else if found.changes.is_empty() && found.failed.is_empty() && found.unsound.is_empty() {
            terminal::note(&format!("nothing changed since {}", path.display()));
        }
    }

    fn verdict(&self, found: &Found) -> Result<(), Failure> {
        let (kind, message) = if let Some((name, _)) = found.failed.first() {
            let message = format!("server `{name}` is not in this sync; the others are");
            (Kind::Unavailable, message)
        } else if !found.unsound.is_empty() {
            let message = "a server is left out of this sync; the others are in".to_owned();
            (Kind::Configuration, message)
        } else if self.check && !found.changes.is_empty() {
            let message = match found.changes.len() {
                1 => "1 change since `witgate.lock` was written".to_owned(),
                count => format!("{count} changes since `witgate.lock` was written"),
            };
            (Kind::Refused, message)
        } else {
            return Ok(());
        };
        Err(match (self.json, kind) {
            (true, _) => Failure::told(kind),
            (false, Kind::Refused) => {
                Failure::new(kind, message).hint("`witgate sync` accepts all of it")
            }
            (false, _) => Failure::new(kind, message),
        })
    }
}

/// Lists the tools of all servers and holds them against what was pinned.
async fn find(workspace: &Workspace, old: Option<&Lock>) -> Result<Found, Failure> {
    let kept = workspace.kept_catalog()?;
    let (mut catalog, failed) = workspace.sync_all().await;
    workspace.servers.shutdown().await;
    overrides::apply(workspace, &mut catalog)?;
    overrides::warn_of_strangers(workspace);
    let unsound = workspace::keep_sound(&mut catalog);
    let answered: Vec<String> = catalog.servers.keys().cloned().collect();
    // Packages are named beside all others, also those that are silent today.
    let mut catalog = workspace.complete(catalog);
    let models =
        model_catalog(&catalog).map_err(|e| Failure::new(Kind::Configuration, chain(&e)))?;
    let mut new = lock::lock(&catalog, &models);
    for name in workspace.config.servers.keys() {
        if answered.contains(name) {
            continue;
        }
        new.servers.shift_remove(name);
        catalog.servers.shift_remove(name);
        // A server that is configured but silent today keeps what was pinned.
        if let Some(pinned) = old.and_then(|old| old.servers.get(name)) {
            new.servers.insert(name.clone(), pinned.clone());
        }
        if let Some(server) = kept.as_ref().and_then(|kept| kept.servers.get(name)) {
            catalog.servers.insert(name.clone(), server.clone());
        }
    }
    let catalogs = kept.as_ref().map(|kept| (kept, &catalog));
    let changes = old.map(|old| lock::diff(old, &new, catalogs));
    Ok(Found {
        changes: changes.unwrap_or_default(),
        lock: new,
        catalog,
        answered,
        failed,
        unsound,
    })
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Failure::host(format!("cannot write what was synced: {e}")))?;
    Ok(text + "\n")
}

fn report(found: &Found, workspace: &Workspace) -> Value {
    let servers = found.answered.iter().map(|name| {
        let count = found.catalog.servers[name].tools.len();
        (name.clone(), json!(count))
    });
    let failed = found
        .failed
        .iter()
        .map(|(name, e)| json!({"server": name, "message": chain(e), "hint": e.hint()}));
    let unsound = found
        .unsound
        .iter()
        .map(|(name, why)| json!({"server": name, "message": why}));
    let changes = found.changes.iter().map(|change| {
        json!({
            "server": change.server,
            "tool": change.tool,
            "change": change.kind,
            "message": change.kind.what(),
            "todo": todo(change),
            "differences": change.differences,
        })
    });
    json!({
        "servers": servers.collect::<serde_json::Map<_, _>>(),
        "failed": failed.chain(unsound).collect::<Vec<_>>(),
        "changes": changes.collect::<Vec<_>>(),
        "lock": workspace.lock_path(),
    })
}

/// A change as lines: what, where, what to do.
fn describe(change: &Change) -> String {
    let name = match &change.tool {
        Some(tool) => format!("{}/{tool}", change.server),
        None => change.server.clone(),
    };
    let mut text = terminal::clean(&format!("{name}: {}", change.kind.what()));
    for Difference { at, before, now } in &change.differences {
        let line = match (before, now) {
            (Some(before), Some(now)) => format!("{at}: {before} -> {now}"),
            (None, Some(now)) => format!("{at} is new: {now}"),
            (before, None) => format!("{at} is gone: {}", before.as_deref().unwrap_or("")),
        };
        text.push_str(&format!("\n    {}", terminal::clean(&line)));
    }
    text.push_str(&format!("\n  {}", todo(change)));
    text
}

/// What to do about a change, once it is accepted with `witgate sync`.
fn todo(change: &Change) -> &'static str {
    match change.kind {
        ChangeKind::Added => "nothing to do: no program imports it yet",
        ChangeKind::Removed => "take it out of the programs that import it",
        ChangeKind::Renamed => {
            "import it by its new name (`witgate gen` shows it), and build components again"
        }
        ChangeKind::Retyped => "build components that import it again",
        ChangeKind::Description | ChangeKind::Compatible if !change.shape => {
            "read it; pin components that import it again: `witgate build OUT.wasm -o OUT.wasm`"
        }
        ChangeKind::Description | ChangeKind::Compatible => {
            "read it; build components that import it again, their programs still fit"
        }
        ChangeKind::Incompatible => {
            "look through the programs that import it, and build components again"
        }
    }
}
