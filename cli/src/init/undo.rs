//! Takes `init` back: every file as it was, byte for byte where nobody touched it since. Where somebody did, only what `init`
//! did is taken back, and what contradicts that is a person's to decide.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use witgate_codegen::text::shown;

use super::backup::{self, Manifest, Role, Touched};
use super::client::Format;
use super::document::Document;
use super::files::{self, Change};
use super::places::{List, Scope, Surroundings, is_same};
use super::trust::check_own_file;
use crate::digest::sha256;
use crate::failure::{Failure, Kind};
use crate::terminal;

/// What is written, and what is said about it.
#[derive(Debug)]
pub(crate) struct Undo {
    pub(crate) changes: Vec<Change>,
    /// Folders that `init` made; those that are empty go.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) report: Report,
}

/// What is said.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    files: Vec<Line>,
    /// Where the files are that were overwritten although somebody had changed them.
    kept: Option<PathBuf>,
}

#[derive(Debug, Clone, Serialize)]
struct Line {
    path: PathBuf,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
enum What {
    /// As it was, byte for byte.
    Restored,
    /// `init` had made it.
    Removed,
    /// It is as it was already.
    Unchanged,
    /// The servers are back; the rest is as somebody left it.
    Merged { servers: Vec<String> },
    /// Somebody went on with it: it stays.
    Left,
    /// As it was; what it was in between is among those that are kept.
    Forced,
    /// A person has to decide; `servers` are there again, with other values.
    Conflict { servers: Vec<String>, why: String },
}

/// A file on its way back through the runs.
struct State {
    now: Option<Vec<u8>>,
    what: What,
}

/// Decides. With `force`, what somebody changed since is overwritten, and kept.
pub(crate) fn undo(
    surroundings: &Surroundings,
    configuration: &Path,
    force: bool,
) -> Result<Undo, Failure> {
    let Some((manifest, manifest_bytes)) = backup::read(configuration)? else {
        let message = format!(
            "nothing to undo: there is no `{}`",
            backup::path(configuration).display()
        );
        return Err(Failure::usage(message).hint(
            "run it where `witgate init` was run, with the same `--user` or `--config FILE`",
        ));
    };
    let mut manifest = manifest;
    let (base, folder) = (backup::base(configuration), backup::folder(configuration));
    for run in &mut manifest.runs {
        run.folders
            .iter_mut()
            .for_each(|made| *made = base.join(&*made));
        for file in &mut run.files {
            file.path = base.join(&file.path);
            check(surroundings, configuration, file)?;
        }
    }
    let mut states: BTreeMap<PathBuf, State> = BTreeMap::new();
    let mut order = Vec::new();
    for run in manifest.runs.iter().rev() {
        for file in run.files.iter().rev() {
            if !states.contains_key(&file.path) {
                let now = files::read(&file.path)?;
                states.insert(
                    file.path.clone(),
                    State {
                        now,
                        what: What::Unchanged,
                    },
                );
                order.push(file.path.clone());
            }
            if let Some(state) = states.get_mut(&file.path) {
                step(file, &folder, force, state)?;
            }
        }
    }
    order.reverse();
    let mut undo = Undo {
        changes: Vec::new(),
        folders: manifest
            .runs
            .iter()
            .flat_map(|run| run.folders.clone())
            .collect(),
        report: Report::default(),
    };
    let mut kept = Vec::new();
    for path in order {
        let Some(state) = states.remove(&path) else {
            continue;
        };
        let before = files::read(&path)?;
        if state.what == What::Forced
            && let Some(bytes) = &before
        {
            kept.push((path.clone(), bytes.clone()));
        }
        let what = if before == state.now && state.what != What::Left {
            unchanged(state.what)
        } else {
            state.what
        };
        undo.report.files.push(Line {
            path: path.clone(),
            what,
        });
        if before != state.now {
            undo.changes.push(Change {
                path,
                before,
                after: state.now,
                private: true,
            });
        }
    }
    if let Some(failure) = undo.report.conflicts(&folder, &manifest) {
        return Err(failure);
    }
    files::check(&undo.changes)?;
    undo.keep(&folder, kept)?;
    undo.forget(&folder, &manifest, manifest_bytes, configuration)?;
    Ok(undo)
}

/// Refuses to touch what `init` would not have touched here: a manifest may come with a folder from somewhere else.
fn check(surroundings: &Surroundings, configuration: &Path, file: &Touched) -> Result<(), Failure> {
    let grants = configuration.with_file_name("grants.toml");
    let is_own = file.role == Role::Own && (file.path == configuration || file.path == grants);
    let fits = |keys: &[String], key: &str, list: List| match (list, keys) {
        (List::Top, [only]) => only == key,
        (List::OfFolder, [projects, folder, last]) => {
            // A project that was moved is still known by its old place.
            let folder = Path::new(folder);
            projects == "projects"
                && last == key
                && (is_same(folder, &surroundings.here) || !folder.exists())
        }
        _ => false,
    };
    let places = [Scope::Project, Scope::User].map(|scope| surroundings.places(scope));
    let is_clients = file.role != Role::Own
        && file.lists.iter().all(|list| {
            places.iter().flatten().any(|place| {
                is_same(&place.path, &file.path) && fits(&list.keys, place.client.key(), place.list)
            })
        })
        && places
            .iter()
            .flatten()
            .any(|place| is_same(&place.path, &file.path));
    if is_own || is_clients {
        return Ok(());
    }
    let message = format!(
        "`{}` names `{}`, which `init` does not touch here; nothing was changed",
        backup::path(configuration).display(),
        file.path.display()
    );
    Err(Failure::new(Kind::Configuration, message).hint(
        "run it where `witgate init` was run; if the file came with this folder, take it away",
    ))
}

/// A conflict is one although nothing is written.
fn unchanged(what: What) -> What {
    match what {
        What::Conflict { .. } => what,
        _ => What::Unchanged,
    }
}

/// Takes one change back.
fn step(file: &Touched, folder: &Path, force: bool, state: &mut State) -> Result<(), Failure> {
    let before = copy(file, folder)?;
    // What a person has to decide about a later run stands in the way of an earlier one.
    if state.now == before || matches!(state.what, What::Conflict { .. }) {
        return Ok(());
    }
    let is_ours = state
        .now
        .as_deref()
        .is_some_and(|now| sha256(now) == file.after);
    if is_ours {
        state.become_whole(before);
        return Ok(());
    }
    let Some(now) = state.now.clone() else {
        // Somebody took the file away. A client's is wanted back, with what it held.
        if file.role != Role::Own {
            state.become_whole(before);
        }
        return Ok(());
    };
    let merged = match file.role {
        Role::Own => Err(What::Left),
        role => merge(file, role, &now, before.as_deref()),
    };
    match merged {
        Ok((bytes, servers)) => {
            state.now = Some(bytes);
            match &mut state.what {
                What::Merged { servers: all } => all.extend(servers),
                What::Forced => {}
                what => *what = What::Merged { servers },
            }
        }
        Err(_) if force => (state.now, state.what) = (before, What::Forced),
        Err(what) => state.what = what,
    }
    Ok(())
}

impl State {
    /// As it was before a run; what was said of later ones is still true where they did not go as smoothly.
    fn become_whole(&mut self, before: Option<Vec<u8>>) {
        if matches!(self.what, What::Unchanged | What::Restored | What::Removed) {
            self.what = if before.is_some() {
                What::Restored
            } else {
                What::Removed
            };
        }
        self.now = before;
    }
}

/// The file as it was before a run; `None` for one that the run made.
fn copy(file: &Touched, folder: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let Some(kept) = &file.before else {
        return Ok(None);
    };
    let path = folder.join(&kept.backup);
    check_own_file(&path, folder)?;
    let bytes = files::read(&path)?;
    let bytes = bytes
        .filter(|bytes| sha256(bytes) == kept.sha256)
        .ok_or_else(|| {
            let message = format!(
                "the copy of `{}` is gone or was changed: `{}`",
                file.path.display(),
                path.display()
            );
            Failure::new(Kind::Configuration, message)
                .hint("put the file back by hand; nothing was changed")
        })?;
    Ok(Some(bytes))
}

/// What somebody made of a client's file, with the servers back and witgate's entry gone; or the conflict.
fn merge(
    file: &Touched,
    role: Role,
    now: &[u8],
    before: Option<&[u8]>,
) -> Result<(Vec<u8>, Vec<String>), What> {
    let format = if role == Role::Toml {
        Format::Toml
    } else {
        Format::Json
    };
    let conflict = |servers: Vec<String>, why: &str| What::Conflict {
        servers,
        why: why.to_owned(),
    };
    let parse = |bytes| Document::parse(&file.path, bytes, format);
    let read = parse(now).and_then(|document| {
        // Whether the lists are still lists.
        file.lists
            .iter()
            .try_for_each(|list| document.servers(&file.path, &list.keys).map(drop))?;
        Ok(document)
    });
    let (Ok(mut document), Ok(old)) = (read, parse(before.unwrap_or_default())) else {
        return Err(conflict(
            Vec::new(),
            "it was changed since, and cannot be read",
        ));
    };
    let (mut back, mut conflicts) = (Vec::new(), Vec::new());
    for list in &file.lists {
        let untouched = sha256(document.list_text(&list.keys).as_bytes()) == list.after;
        let done = document.put_back(
            &old,
            &list.keys,
            untouched,
            &list.removed,
            list.entry.as_deref(),
        );
        back.extend(done.back);
        conflicts.extend(done.conflicts);
    }
    if conflicts.is_empty() {
        Ok((document.bytes(), back))
    } else {
        Err(conflict(
            conflicts,
            "it was changed since: a server is there again, with other values",
        ))
    }
}

impl Undo {
    /// Keeps what is overwritten by force.
    fn keep(&mut self, folder: &Path, kept: Vec<(PathBuf, Vec<u8>)>) -> Result<(), Failure> {
        if kept.is_empty() {
            return Ok(());
        }
        // One folder for each undo: an earlier one's are not overwritten.
        let place = (1_u32..)
            .map(|n| folder.join("init-undone").join(n.to_string()))
            .find(|place| !place.exists())
            .unwrap_or_else(|| folder.join("init-undone"));
        let ignore = folder.join("init-undone").join(".gitignore");
        let mut copies = vec![(ignore.clone(), b"*\n".to_vec())];
        for (i, (path, bytes)) in kept.into_iter().enumerate() {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            copies.push((place.join(format!("{}-{name}", i + 1)), bytes));
        }
        let mut changes = Vec::new();
        for (path, bytes) in copies {
            let before = files::read(&path)?;
            if before.as_ref() != Some(&bytes) {
                changes.push(Change {
                    path,
                    before,
                    after: Some(bytes),
                    private: true,
                });
            }
        }
        changes.append(&mut self.changes);
        self.changes = changes;
        self.report.kept = Some(place);
        Ok(())
    }

    /// Takes copies and manifest away, last.
    fn forget(
        &mut self,
        folder: &Path,
        manifest: &Manifest,
        bytes: Vec<u8>,
        configuration: &Path,
    ) -> Result<(), Failure> {
        let copies = manifest
            .runs
            .iter()
            .flat_map(|run| &run.files)
            .filter_map(|file| file.before.as_ref());
        let mut paths: Vec<PathBuf> = copies.map(|kept| folder.join(&kept.backup)).collect();
        paths.push(folder.join("init-backup").join(".gitignore"));
        for path in paths {
            if let Some(before) = files::read(&path)? {
                self.changes.push(Change {
                    path,
                    before: Some(before),
                    after: None,
                    private: true,
                });
            }
        }
        let path = backup::path(configuration);
        self.changes.push(Change {
            path,
            before: Some(bytes),
            after: None,
            private: true,
        });
        Ok(())
    }

    /// Writes it.
    pub(crate) fn apply(&self) -> Result<(), Failure> {
        files::apply(&self.changes)?;
        files::remove_empty(&self.folders);
        Ok(())
    }
}

impl Report {
    fn conflicts(&self, folder: &Path, manifest: &Manifest) -> Option<Failure> {
        let mut lines = Vec::new();
        for line in &self.files {
            let What::Conflict { servers, why } = &line.what else {
                continue;
            };
            let names: Vec<String> = servers
                .iter()
                .map(|name| format!("`{}`", shown(name)))
                .collect();
            let names = if names.is_empty() {
                String::new()
            } else {
                format!(": {}", names.join(", "))
            };
            let files = manifest.runs.iter().flat_map(|run| &run.files);
            let copy = files
                .filter(|file| file.path == line.path)
                .find_map(|file| file.before.as_ref());
            let copy =
                copy.map(|kept| format!("; it was `{}`", folder.join(&kept.backup).display()));
            lines.push(format!(
                "`{}`: {why}{names}{}",
                line.path.display(),
                copy.unwrap_or_default()
            ));
        }
        if lines.is_empty() {
            return None;
        }
        let message = format!("nothing was changed: {}", lines.join("\n"));
        Some(Failure::new(Kind::Configuration, message).hint(
            "take those servers out of the file and undo again, or compare it with the copy and correct it by hand; \
             `--force` puts the copy back and keeps what is there now in `.witgate/init-undone`",
        ))
    }

    /// Tells it.
    pub(crate) fn tell(&self, dry_run: bool, json: bool) {
        if json {
            let mut value = serde_json::to_value(self).unwrap_or_default();
            value["dryRun"] = dry_run.into();
            return terminal::data(&value.to_string());
        }
        for line in &self.files {
            let what = match &line.what {
                What::Restored => "as it was before".to_owned(),
                What::Removed => "removed".to_owned(),
                What::Unchanged => "is as it was already".to_owned(),
                What::Merged { servers } if servers.is_empty() => {
                    "witgate is out; what was changed since stays".to_owned()
                }
                What::Merged { servers } => {
                    let names: Vec<String> = servers.iter().map(|name| shown(name)).collect();
                    format!("back: {}; what was changed since stays", names.join(", "))
                }
                What::Left => "stays: it was changed since".to_owned(),
                What::Forced => "as it was before; what was changed since is kept aside".to_owned(),
                What::Conflict { why, .. } => why.clone(),
            };
            let line = format!("{}  {what}", line.path.display());
            terminal::data(&terminal::clean(&line));
        }
        if dry_run {
            return terminal::note("nothing was written");
        }
        if let Some(kept) = &self.kept {
            terminal::note(&format!("what was there is in {}", kept.display()));
        }
        terminal::hint("start the clients anew: they read their files when they start");
    }
}
