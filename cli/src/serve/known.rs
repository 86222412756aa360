//! What is known of the tools at one moment, and the task that keeps it so: it lists the servers, lists those anew that say that
//! their tools changed, tries those again that do not answer, and holds the grants against what is there. Requests read the
//! last state and never wait for a server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use witgate_codegen::catalog::{Catalog, Server, Tool};
use witgate_codegen::lock::Lock;
use witgate_codegen::search::Index;
use witgate_host::{Definitions, Rules};

use super::grants::GrantsFile;
use super::{SKILLS, WORKSPACE, files};
use crate::failure::{Failure, Kind, chain};
use crate::skills::{Stamp, Store, Visible, one_line};
use crate::workspace::{Workspace, is_pinned, keep_sound};
use crate::{overrides, terminal};

/// How long the first requests wait for servers that are slow to start; those appear later.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long servers that follow each other closely are collected before all is put together anew.
const GATHER: Duration = Duration::from_millis(500);
/// How often servers are asked whether they said something, and how long one that failed is left alone.
const LOOK: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_secs(30);

/// Why a server has no tools yet, and the longest other reason, in characters.
const STARTING: &str = "it is still starting";
const WHY: usize = 200;

/// The tools at one moment. Plain data; never changed.
pub(crate) struct Known {
    /// Counts the states; what was made of one is not used with another.
    pub(crate) number: u64,
    pub(crate) definitions: Definitions,
    /// The same without skills.
    base: Definitions,
    pub(crate) index: Index,
    /// What is pinned, or why that cannot be read.
    pub(crate) lock: Result<Option<Lock>, Failure>,
    /// What a person allows, or why their file cannot be used.
    pub(crate) rules: Result<Rules, Failure>,
    /// Servers without tools, with the reason in one line.
    pub(crate) missing: BTreeMap<String, String>,
    /// About what all definitions together would cost a client that is given them, in bytes of JSON.
    pub(crate) definition_bytes: usize,
    /// The skills that programs may call.
    pub(crate) skills: Visible,
}

impl Known {
    /// The same with more skills, for the session that made them.
    pub(crate) fn with_skills(
        &self,
        skills: Visible,
        grants: &GrantsFile,
    ) -> Result<Known, Failure> {
        let definitions = self
            .base
            .with_server(SKILLS, &skills.server)
            .map_err(|e| Failure::host(chain(&e)))?;
        let grants = grants.read()?;
        Ok(Known {
            number: self.number,
            index: Index::new(&definitions.models),
            rules: grants.check(&definitions).map_err(Failure::from),
            definitions,
            base: self.base.clone(),
            lock: self.lock.clone(),
            missing: self.missing.clone(),
            definition_bytes: self.definition_bytes,
            skills,
        })
    }
}

/// What the keeper is told.
pub(crate) enum Tell {
    /// This server's tools are not what was known.
    Changed(String),
    /// Grants, skills or the lock may have changed on disk; answers when that has been looked at.
    Look(tokio::sync::oneshot::Sender<()>),
}

/// The way to what is known.
#[derive(Clone)]
pub(crate) struct Keeper {
    known: watch::Receiver<State>,
    tell: mpsc::Sender<Tell>,
}

impl Keeper {
    /// Starts the task. It ends when the last keeper is dropped.
    pub(crate) fn start(
        workspace: Arc<Workspace>,
        grants: Arc<GrantsFile>,
        skills: Arc<Store>,
    ) -> Keeper {
        let (known_in, known) = watch::channel(None);
        let (tell, told) = mpsc::channel(64);
        let keeping = Keeping {
            workspace,
            grants,
            skills,
            catalog: Catalog::default(),
            changes: BTreeMap::new(),
            missing: BTreeMap::new(),
            retry: BTreeMap::new(),
            number: 0,
            skills_seen: Stamp::new(),
            known: known_in,
        };
        tokio::spawn(keeping.keep(told));
        Keeper { known, tell }
    }

    /// The last state; waits for the first.
    pub(crate) async fn known(&self) -> Result<Arc<Known>, Failure> {
        let mut known = self.known.clone();
        let first = known.wait_for(Option::is_some).await;
        let first = first.ok().and_then(|known| known.clone());
        first.unwrap_or_else(|| Err(Failure::host("the list of tools is no longer kept")))
    }

    /// The state after what lies on disk was looked at again.
    pub(crate) async fn fresh(&self) -> Result<Arc<Known>, Failure> {
        let (done, wait) = tokio::sync::oneshot::channel();
        if self.tell.send(Tell::Look(done)).await.is_ok() {
            // It ends without an answer only where the task is gone, which `known` tells.
            let _ = wait.await;
        }
        self.known().await
    }

    /// Says that a server has other tools than those that are known.
    pub(crate) fn changed(&self, server: &str) {
        // Where so much waits already, that server is among it or is seen at the next look.
        let _ = self.tell.try_send(Tell::Changed(server.to_owned()));
    }
}

struct Keeping {
    workspace: Arc<Workspace>,
    grants: Arc<GrantsFile>,
    skills: Arc<Store>,
    /// As the servers sent it.
    catalog: Catalog,
    /// How often each server had said that its tools changed when it was listed.
    changes: BTreeMap<String, u64>,
    missing: BTreeMap<String, String>,
    retry: BTreeMap<String, Instant>,
    number: u64,
    /// How the skills were when they were taken in.
    skills_seen: Stamp,
    known: watch::Sender<State>,
}

/// Nothing before the first state; a failure where the last could not be put together.
type State = Option<Result<Arc<Known>, Failure>>;

/// A server, and what it answered.
type Listed = (String, Result<Server, Failure>);

impl Keeping {
    async fn keep(mut self, mut told: mpsc::Receiver<Tell>) {
        let mut listing: JoinSet<Listed> = JoinSet::new();
        let mut under_way: BTreeSet<String> = BTreeSet::new();
        let names: Vec<String> = self.workspace.config.servers.keys().cloned().collect();
        for name in self.take_kept(names) {
            self.list(&name, &mut listing, &mut under_way);
        }
        let mut publish = under_way
            .is_empty()
            .then(Instant::now)
            .or(Some(Instant::now() + PATIENCE));
        let mut look = tokio::time::interval(LOOK);
        loop {
            let at = publish.unwrap_or_else(|| Instant::now() + AGAIN);
            tokio::select! {
                Some(Ok((name, listed))) = listing.join_next() => {
                    under_way.remove(&name);
                    let is_new = self.take(name, listed);
                    if self.number > 0 && !is_new {
                        continue;
                    }
                    let soon = Instant::now() + if under_way.is_empty() { Duration::ZERO } else { GATHER };
                    publish = match publish {
                        // Before the first state, all that start are waited for.
                        Some(at) if self.number == 0 && !under_way.is_empty() => Some(at),
                        Some(at) => Some(at.min(soon)),
                        None => Some(soon),
                    };
                }
                tell = told.recv() => match tell {
                    Some(Tell::Changed(name)) => self.list(&name, &mut listing, &mut under_way),
                    Some(Tell::Look(done)) => {
                        if self.number > 0 && self.has_changed_on_disk() {
                            self.publish(&under_way).await;
                        }
                        let _ = done.send(());
                    }
                    None => return,
                },
                () = sleep_until(at), if publish.is_some() => {
                    publish = None;
                    self.publish(&under_way).await;
                }
                _ = look.tick(), if self.number > 0 => {
                    for name in self.outdated() {
                        self.list(&name, &mut listing, &mut under_way);
                    }
                }
            }
        }
    }

    /// Takes what `witgate sync` wrote down of servers that the lock pins to the same; returns the others.
    fn take_kept(&mut self, names: Vec<String>) -> Vec<String> {
        let (Ok(Some(mut kept)), Ok(Some(lock))) =
            (self.workspace.kept_catalog(), self.workspace.kept_lock())
        else {
            return names;
        };
        let mut others = Vec::new();
        for name in names {
            match kept.servers.shift_remove(&name) {
                Some(server) if is_pinned(&server, &name, Some(&lock)) => {
                    self.catalog.servers.insert(name, server);
                }
                _ => others.push(name),
            }
        }
        others
    }

    fn list(
        &mut self,
        name: &str,
        listing: &mut JoinSet<Listed>,
        under_way: &mut BTreeSet<String>,
    ) {
        if !self.workspace.config.servers.contains_key(name) || !under_way.insert(name.to_owned()) {
            return;
        }
        let (name, servers) = (name.to_owned(), self.workspace.servers.clone());
        listing.spawn(async move {
            let listed = servers.tools(&name).await.map_err(Failure::from);
            (name, listed)
        });
    }

    /// Takes down what a server answered; whether that is anything new.
    fn take(&mut self, name: String, listed: Result<Server, Failure>) -> bool {
        if let Some(changes) = self.workspace.servers.list_changes(&name) {
            self.changes.insert(name.clone(), changes);
        }
        match listed {
            Ok(server) => {
                let was_missing = self.missing.remove(&name).is_some();
                self.retry.remove(&name);
                let before = self.catalog.servers.insert(name, server.clone());
                was_missing || before.is_none_or(|before| before != server)
            }
            Err(failure) => {
                if !self.missing.contains_key(&name) {
                    terminal::warn(&failure.message);
                }
                self.retry.insert(name.clone(), Instant::now() + AGAIN);
                // It is told to models, and is a server's own text in part.
                let why = one_line(&failure.message, WHY);
                let before = self.missing.insert(name, why.clone());
                before.is_none_or(|before| before != why)
            }
        }
    }

    /// Servers that said that their tools changed, and those that failed a while ago.
    fn outdated(&mut self) -> Vec<String> {
        let now = Instant::now();
        let mut names: Vec<String> = self
            .retry
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(name, _)| name.clone())
            .collect();
        for name in self.catalog.servers.keys() {
            let Some(changes) = self.workspace.servers.list_changes(name) else {
                continue;
            };
            match self.changes.get(name) {
                Some(known) if *known == changes => {}
                // A server that was kept has been started by a call since, and its permit said what it lists.
                None => {
                    self.changes.insert(name.clone(), changes);
                }
                Some(_) => names.push(name.clone()),
            }
        }
        names
    }

    fn has_changed_on_disk(&mut self) -> bool {
        let known = self.last();
        let lock = self.workspace.kept_lock();
        let lock_changed = known.is_none_or(|known| match (&known.lock, &lock) {
            (Ok(known), Ok(lock)) => known != lock,
            (Err(known), Err(lock)) => known.message != lock.message,
            _ => true,
        });
        let skills_changed = self.skills.stamp() != self.skills_seen;
        // The file of grants remembers what was seen of it, so it is asked in any case.
        self.grants.has_changed() || lock_changed || skills_changed
    }

    /// Puts the next state together. What is told of the servers that are still listed for the first time is that.
    async fn publish(&mut self, under_way: &BTreeSet<String>) {
        self.number += 1;
        self.skills_seen = self.skills.stamp();
        let mut catalog = self.workspace.complete(self.catalog.clone());
        if let Err(failure) = overrides::apply(&self.workspace, &mut catalog) {
            terminal::warn(&failure.message);
        }
        let mut missing = self.missing.clone();
        for name in under_way {
            if !self.catalog.servers.contains_key(name) {
                missing.insert(name.clone(), STARTING.to_owned());
            }
        }
        for (name, why) in keep_sound(&mut catalog) {
            missing.insert(name, one_line(&why, WHY));
        }
        catalog
            .servers
            .insert(WORKSPACE.to_owned(), files::server());
        let skills = Visible::of(&self.skills, |skill| skill.reviewed);
        let lock = self.workspace.kept_lock();
        let (number, grants) = (self.number, self.grants.read());
        // Thousands of tools take a while to model; requests go on meanwhile.
        let made = tokio::task::spawn_blocking(move || {
            let definition_bytes = definition_bytes(&catalog);
            let base = Definitions::new(&catalog)
                .map_err(|e| Failure::new(Kind::Configuration, chain(&e)))?;
            let definitions = base
                .with_server(SKILLS, &skills.server)
                .map_err(|e| Failure::host(chain(&e)))?;
            let rules = grants.and_then(|grants| grants.check(&definitions).map_err(Failure::from));
            Ok::<_, Failure>(Known {
                number,
                index: Index::new(&definitions.models),
                definitions,
                base,
                lock,
                rules,
                missing,
                definition_bytes,
                skills,
            })
        });
        match made.await {
            Ok(Ok(known)) => {
                self.known.send_replace(Some(Ok(Arc::new(known))));
            }
            Ok(Err(failure)) => self.fail(failure),
            // The process ends.
            Err(error) if error.is_cancelled() => {}
            Err(_) => self.fail(Failure::host(
                "the tools cannot be put together: a definition breaks the modelling",
            )),
        }
    }

    fn last(&self) -> Option<Arc<Known>> {
        self.known.borrow().as_ref()?.as_ref().ok().cloned()
    }

    /// What was known is no longer what a person allows: every request is told the failure.
    fn fail(&self, failure: Failure) {
        terminal::warn(&failure.message);
        self.known.send_replace(Some(Err(failure)));
    }
}

/// What a client is given of the tools of these servers, in bytes of JSON: name, description, arguments.
fn definition_bytes(catalog: &Catalog) -> usize {
    let given = catalog
        .servers
        .iter()
        .filter(|(name, _)| *name != WORKSPACE);
    let tools = given.flat_map(|(_, server)| &server.tools);
    let bytes = |tool: &Tool| {
        json!([tool.name, tool.description, tool.input_schema])
            .to_string()
            .len()
    };
    tools.map(bytes).sum()
}
