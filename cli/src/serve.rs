//! The MCP server in front of all others: four tools whose texts never depend on what is behind. Programs that a model sends are
//! compiled, admitted and run here as `witgate run` does it, under the grants that a person wrote; nothing reaches a server
//! otherwise. `surface` is what a model reads, `server` the protocol, `known` what is behind, `session` what belongs to one
//! client, `program` and `run` the way from a text to an answer.

mod answer;
mod cut;
mod files;
mod find;
mod grants;
pub(crate) mod http;
mod known;
mod ledger;
mod program;
mod resources;
mod run;
mod server;
mod session;
mod skills;
pub(crate) mod stdio;
mod surface;
mod told;
mod underway;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit, watch};
use tokio_util::sync::CancellationToken;
use witgate_host::{Journal, Limits};

use crate::commands::GrantArguments;
use crate::failure::{Failure, Kind};
use crate::skills::Store;
use crate::source;
use crate::workspace::Workspace;

use grants::GrantsFile;
use known::Keeper;
use program::Programs;
use session::Session;
use underway::Parked;

use server::Server;

/// The names of the servers that are part of this process.
pub(crate) const WORKSPACE: &str = "workspace";
pub(crate) const SKILLS: &str = witgate_host::SKILLS;

/// How long a session without a connection of its own is kept after its last request, and how many are.
const IDLE: Duration = Duration::from_secs(3_600);
const SESSIONS: usize = 1_000;

/// How often sessions and runs are looked for that nobody came back for.
const FORGET: Duration = Duration::from_secs(60);

/// Bytes of results that all sessions keep together.
const RESULTS: usize = 256 << 20;

/// How long the runs under way may take to end when the server does, their answers after that to be made, and those to be written.
const FAREWELL: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(2);
const WRITE: Duration = Duration::from_millis(200);

/// How the server is set up.
pub(crate) struct Settings {
    pub(crate) grants: GrantArguments,
    /// The most that any run may ask for.
    pub(crate) limits: Limits,
    /// Runs at the same time; more wait.
    pub(crate) runs: usize,
    /// Longest answer in bytes, where a request does not say.
    pub(crate) answer: usize,
}

/// What all sessions share.
pub(crate) struct Front {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) grants: Arc<GrantsFile>,
    pub(crate) skills: Arc<Store>,
    pub(crate) keeper: Keeper,
    pub(crate) programs: Programs,
    pub(crate) journal: Journal,
    pub(crate) limits: Limits,
    pub(crate) answer: usize,
    pub(crate) parked: Parked,
    /// Places for runs, and how many there are.
    running: Arc<Semaphore>,
    runs: usize,
    /// Calls that are being answered.
    answering: watch::Sender<usize>,
    /// The process ends.
    pub(crate) ending: CancellationToken,
    /// Sessions of clients that speak without one, by their tokens, the last used last.
    sessions: Mutex<IndexMap<String, (Instant, Arc<Session>)>>,
}

impl Front {
    /// Sets everything up and starts to list the servers.
    pub(crate) async fn start(
        workspace: Workspace,
        settings: Settings,
    ) -> Result<Arc<Front>, Failure> {
        for name in [WORKSPACE, SKILLS] {
            if workspace.config.servers.contains_key(name) {
                let taken =
                    format!("a server is named `{name}`, which `witgate serve` uses for its own");
                return Err(Failure::new(Kind::Configuration, taken).hint(format!(
                    "rename it in `{}`",
                    workspace.config.path.display()
                )));
            }
        }
        let path = workspace.journal_path();
        let journal = Journal::append_to(&path).map_err(|e| {
            Failure::new(
                Kind::Configuration,
                format!("cannot write the journal `{}`: {e}", path.display()),
            )
        })?;
        let skills = Arc::new(Store::beside(workspace.folder()));
        let grants = Arc::new(GrantsFile::new(
            settings.grants,
            workspace.folder().join("grants.toml"),
        ));
        // A slip in the file is told now; one that is made later is told at the next run.
        grants.read()?;
        let pool = u32::try_from(settings.runs)
            .unwrap_or(u32::MAX)
            .saturating_mul(INSTANCES);
        let host = tokio::task::spawn_blocking(move || source::start_host(true, Some(pool))).await;
        let host =
            host.map_err(|e| Failure::host(format!("the engine broke at its start: {e}")))??;
        let workspace = Arc::new(workspace);
        let front = Arc::new(Front {
            keeper: Keeper::start(
                Arc::clone(&workspace),
                Arc::clone(&grants),
                Arc::clone(&skills),
            ),
            programs: Programs::new(Arc::new(host), Arc::clone(&skills)),
            workspace,
            grants,
            skills,
            journal,
            limits: settings.limits,
            answer: settings.answer,
            parked: Parked::default(),
            running: Arc::new(Semaphore::new(settings.runs)),
            runs: settings.runs,
            answering: watch::Sender::new(0),
            ending: CancellationToken::new(),
            sessions: Mutex::default(),
        });
        tokio::spawn(forget(Arc::downgrade(&front)));
        Ok(front)
    }

    /// Begins no more runs, ends those that nobody follows, and waits a while for the others and for their answers.
    pub(crate) async fn close(&self) {
        self.parked.clear();
        // Places that are taken here are given to no run; those that wait for one are told.
        let _places = tokio::time::timeout(FAREWELL, self.all_places()).await;
        self.running.close();
        let mut answering = self.answering.subscribe();
        let answered = answering.wait_for(|calls| *calls == 0);
        if tokio::time::timeout(ANSWER, answered).await.is_ok() {
            // The transport has the last answer, and says nothing when it has sent it.
            tokio::time::sleep(WRITE).await;
        }
    }

    /// The same, cut short by `again`.
    pub(crate) async fn close_unless(&self, again: impl Future<Output = ()>) {
        tokio::select! {
            () = self.close() => {}
            () = again => {}
        }
    }

    /// Ends what still runs, before the servers that it calls are ended: its calls were cancelled, and no server is to blame.
    pub(crate) async fn end(&self) {
        self.ending.cancel();
        self.parked.clear();
        // Their tasks are dropped soon; a program that computes is interrupted first.
        let _places = tokio::time::timeout(ANSWER, self.all_places()).await;
        self.running.close();
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    async fn all_places(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        let all = u32::try_from(self.runs).unwrap_or(u32::MAX);
        self.running.acquire_many(all).await
    }

    /// Counts a call until it has its answer.
    pub(crate) fn answering(&self) -> Answering<'_> {
        self.answering.send_modify(|calls| *calls += 1);
        Answering(&self.answering)
    }

    /// The session that a token stands for.
    pub(crate) fn session(&self, token: &str) -> Option<Arc<Session>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, session) = sessions.shift_remove(token)?;
        sessions.insert(token.to_owned(), (Instant::now(), Arc::clone(&session)));
        Some(session)
    }

    fn forget_idle(&self) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, (used, _)| used.elapsed() < IDLE);
    }

    /// Keeps the session of a client that has no connection of its own, so that it can come back with the session's id.
    pub(crate) fn keep(&self, session: &Arc<Session>) {
        self.forget_idle();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.shift_remove(&session.id);
        while sessions.len() >= SESSIONS {
            // Those that hold a result and no more go first.
            let light = sessions
                .values()
                .position(|(_, session)| !session.is_precious());
            sessions.shift_remove_index(light.unwrap_or(0));
        }
        sessions.insert(session.id.clone(), (Instant::now(), Arc::clone(session)));
        let held = sessions.values().map(|(_, session)| session.result_bytes());
        let mut bytes: usize = held.sum();
        for (_, session) in sessions.values() {
            if bytes <= RESULTS {
                break;
            }
            bytes -= session.result_bytes();
            session.forget_results();
        }
    }
}

/// Sessions and runs that nobody came back for, and with them the servers that are theirs.
async fn forget(front: Weak<Front>) {
    loop {
        tokio::time::sleep(FORGET).await;
        let Some(front) = front.upgrade() else {
            return;
        };
        front.forget_idle();
        front.parked.forget();
    }
}

/// A call that is being answered.
pub(crate) struct Answering<'a>(&'a watch::Sender<usize>);

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls -= 1);
    }
}

/// Instances that one run may need at a time: its own, and those of skills.
const INSTANCES: u32 = 4;

/// 128 bits that nobody can guess, as hex; `None` where the system has none to give.
fn token() -> Option<String> {
    let mut bytes = [0; 16];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
