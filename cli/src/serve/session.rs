//! What belongs to one client's session: its connections to servers of its own scope, its workspace, the skills that it made, the
//! results that were too long for an answer. Sessions see nothing of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use tokio::sync::Semaphore;
use witgate_host::Servers;
use witgate_host::labels::{LabelSet, Names};

use super::files::{Files, RunFiles};
use super::known::Known;
use super::{Front, WORKSPACE, token};
use crate::failure::Failure;
use crate::skills::{Skill, Visible};

/// Bytes of results that one session keeps; the oldest go first.
const RESULTS: usize = 32 << 20;

/// Most skills that one session makes.
const SKILLS: usize = 50;

/// One client's session.
pub(crate) struct Session {
    front: Arc<Front>,
    /// Nobody can guess it.
    pub(crate) id: String,
    pub(crate) servers: Servers,
    pub(crate) files: Arc<Files>,
    /// Its places among those that run.
    pub(crate) running: Arc<Semaphore>,
    made: Mutex<Made>,
    /// What is known, with the skills that it made.
    own: Mutex<Option<Arc<Known>>>,
    /// As JSON text, by their tokens, the oldest first.
    results: Mutex<IndexMap<String, Arc<str>>>,
    /// The names of the labels that its client has read in answers: what it writes next may be of that.
    read: Mutex<BTreeSet<String>>,
    tokens: AtomicU64,
    /// The client has no connection of its own, and needs the session's id to find it again.
    passing: AtomicBool,
}

/// The skills that a session made, by their names and digests: another session may have put another one there since. And how
/// often it made one.
#[derive(Default, Clone)]
struct Made {
    digests: BTreeMap<String, String>,
    times: u64,
}

impl Made {
    fn has(&self, skill: &Skill) -> bool {
        self.digests.get(&skill.manifest.name) == Some(&skill.sha256)
    }
}

impl Session {
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn new(front: &Arc<Front>) -> Result<Session, Failure> {
        let id = token().ok_or_else(|| Failure::host("the system gives no random bytes"))?;
        Ok(Session {
            front: Arc::clone(front),
            id,
            servers: front.workspace.servers.session(),
            files: Arc::default(),
            running: Arc::new(Semaphore::new(front.runs.div_ceil(2))),
            made: Mutex::default(),
            own: Mutex::default(),
            results: Mutex::default(),
            read: Mutex::default(),
            tokens: AtomicU64::new(1),
            passing: AtomicBool::new(false),
        })
    }

    /// Says that its client has no connection of its own.
    pub(crate) fn mark_passing(&self) {
        self.passing.store(true, Ordering::Relaxed);
    }

    /// A name for something that the client may come back for. Only this session knows what it stands for; where nothing else
    /// says which session a request belongs to, its id stands before it.
    pub(crate) fn token(&self) -> String {
        let number = self.tokens.fetch_add(1, Ordering::Relaxed);
        match self.passing.load(Ordering::Relaxed) {
            true => format!("{}.{number}", self.id),
            false => format!("r{number}"),
        }
    }

    /// Whether its client, without a connection of its own, may come back.
    pub(crate) fn has_handed_out(&self) -> bool {
        let is_named = self.tokens.load(Ordering::Relaxed) > 1 || self.way_back().is_some();
        self.passing.load(Ordering::Relaxed) && is_named
    }

    /// What a client has to send with its next run to find its workspace and skills again, if it needs to.
    pub(crate) fn way_back(&self) -> Option<String> {
        let needed = self.passing.load(Ordering::Relaxed)
            && (!self.files.is_empty() || self.made().times > 0);
        needed.then(|| format!("{}.0", self.id))
    }

    /// What this session knows: what all do, and the skills that it made.
    pub(crate) async fn known(&self, fresh: bool) -> Result<Arc<Known>, Failure> {
        let known = match fresh {
            true => self.front.keeper.fresh().await?,
            false => self.front.keeper.known().await?,
        };
        let made = self.made();
        if made.digests.is_empty() {
            return Ok(known);
        }
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = own.as_ref().filter(|own| own.number == known.number) {
            return Ok(Arc::clone(own));
        }
        let skills = Visible::of(&self.front.skills, |skill| {
            skill.reviewed || made.has(skill)
        });
        let with_own = Arc::new(known.with_skills(skills, &self.front.grants)?);
        *own = Some(Arc::clone(&with_own));
        Ok(with_own)
    }

    /// What tells its programs from those of others, and from its own of earlier: a name may mean another skill.
    pub(crate) fn seed(&self) -> String {
        match self.made().times {
            0 => String::new(),
            times => format!("{} {times}", self.id),
        }
    }

    fn made(&self) -> Made {
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether it made the skill, as it is now.
    pub(crate) fn made_it(&self, skill: &Skill) -> bool {
        self.made().has(skill)
    }

    /// Whether it may make one more.
    pub(crate) fn may_make(&self) -> bool {
        self.made().digests.len() < SKILLS
    }

    /// Sees a skill from here on that it has just made.
    pub(crate) fn has_made(&self, skill: &Skill) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.digests
            .insert(skill.manifest.name.clone(), skill.sha256.clone());
        made.times += 1;
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Its servers as one run reaches them, with the workspace under the run's own label names.
    pub(crate) fn servers_for(&self, names: &Names) -> Servers {
        let files = RunFiles {
            files: Arc::clone(&self.files),
            names: names.clone(),
        };
        self.servers.with_local(WORKSPACE, Arc::new(files))
    }

    /// The labels that its client has read, under these names. One that the grants no longer have is asked after by no rule.
    pub(crate) fn read(&self, names: &Names) -> LabelSet {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let sets = read.iter().filter_map(|label| names.get(label));
        sets.fold(LabelSet::default(), LabelSet::with)
    }

    /// Takes down what an answer is made of.
    pub(crate) fn has_read(&self, labels: impl IntoIterator<Item = String>) {
        self.read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(labels);
    }

    /// Keeps a result that is too long for an answer, as JSON text; returns its token.
    pub(crate) fn keep(&self, text: String) -> String {
        let token = self.token();
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.insert(token.clone(), text.into());
        while results.len() > 1 && results.values().map(|text| text.len()).sum::<usize>() > RESULTS
        {
            results.shift_remove_index(0);
        }
        token
    }

    pub(crate) fn result(&self, token: &str) -> Option<Arc<str>> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.get(token).cloned()
    }

    /// Tokens and sizes, the oldest first.
    pub(crate) fn results(&self) -> Vec<(String, usize)> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results
            .iter()
            .map(|(token, text)| (token.clone(), text.len()))
            .collect()
    }

    /// The bytes of all of them.
    pub(crate) fn result_bytes(&self) -> usize {
        self.results().iter().map(|(_, bytes)| bytes).sum()
    }

    /// Gives up its results, for the room that they take.
    pub(crate) fn forget_results(&self) {
        self.results
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Whether more than a result would be lost with it.
    pub(crate) fn is_precious(&self) -> bool {
        !self.files.is_empty() || self.made().times > 0 || self.front.parked.of(self) > 0
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.front.parked.end(&self.id);
    }
}
