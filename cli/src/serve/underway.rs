//! A run that has started: followed by the request that started it, or parked under a token until another request comes for it.
//! Dropping one ends its run, and with it the calls under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use witgate_host::Rules;
use witgate_host::approval::elicit::{Elicit, Elicited, Eliciting};
use witgate_host::approval::queue::Queue;
use witgate_host::approval::{AskError, Asker, Asking, Question};
use witgate_host::run::{Finished, LogLevel};

use super::ledger::Ledger;
use super::program::Ready;
use super::session::Session;

/// Log lines of one run that are kept for its answer: the first, and the last.
const FIRST: usize = 20;
const LAST: usize = 20;

/// Most runs that wait for somebody to come back, and how long a finished one does.
const PARKED: usize = 1_000;
const PARKED_OF_SESSION: usize = 64;
const CLAIM: Duration = Duration::from_secs(600);

/// What a run wants of whoever follows it.
pub(crate) enum Event {
    /// A form to be shown. The answer goes back; where that is dropped, the form is withdrawn.
    Elicit {
        message: String,
        schema: Value,
        answer: oneshot::Sender<Result<Elicited, String>>,
    },
    /// A question was left for `witgate approvals`.
    Posted { id: String, calls: usize },
    /// It has been answered, or given up.
    Settled,
}

/// A form that was shown and waits for its answer.
pub(crate) struct Shown {
    pub(crate) message: String,
    pub(crate) schema: Value,
    pub(crate) answer: oneshot::Sender<Result<Elicited, String>>,
}

/// A run that has started.
pub(crate) struct Underway {
    pub(crate) task: Task,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) ready: Arc<Ready>,
    /// What a person allowed when it started.
    pub(crate) rules: Rules,
    pub(crate) ledger: Ledger,
    pub(crate) log: Log,
    pub(crate) started: Instant,
    /// The name under which the program is kept if it works, and its text.
    pub(crate) keep: Option<Keep>,
    pub(crate) input: Value,
    /// Longest answer, in bytes.
    pub(crate) answer: usize,
    pub(crate) shown: Option<Shown>,
    /// The question that was left for `witgate approvals`, and how many calls it is about.
    pub(crate) posted: Option<(String, usize)>,
}

/// A program to be kept.
#[derive(Clone)]
pub(crate) struct Keep {
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) language: super::program::Language,
}

/// The task of a run, ended when dropped.
pub(crate) struct Task(pub(crate) JoinHandle<Finished>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Log lines, the middle of many left out.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    first: Vec<String>,
    last: std::collections::VecDeque<String>,
    between: usize,
}

impl Log {
    pub(crate) fn add(&self, level: LogLevel, text: &str) {
        let line = match level {
            LogLevel::Debug | LogLevel::Info => text.to_owned(),
            LogLevel::Warn => format!("warning: {text}"),
            LogLevel::Error => format!("error: {text}"),
        };
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.first.len() < FIRST {
            lines.first.push(line);
            return;
        }
        lines.last.push_back(line);
        if lines.last.len() > LAST {
            lines.last.pop_front();
            lines.between += 1;
        }
    }

    /// The kept lines, each cut to a length that suits an answer.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = lines.first.clone();
        if lines.between > 0 {
            all.push(format!("({} lines left out)", lines.between));
        }
        all.extend(lines.last.iter().cloned());
        for line in &mut all {
            if let Some((end, _)) = line.char_indices().nth(LINE) {
                line.truncate(end);
                line.push_str(" ...");
            }
        }
        all
    }

    pub(crate) fn last(&self) -> Option<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.last.back().or(lines.first.last()).cloned()
    }
}

/// Longest log line in an answer, in characters.
const LINE: usize = 300;

/// Runs that wait for somebody to come back, by their sessions' ids and their tokens.
#[derive(Default)]
pub(crate) struct Parked(Mutex<HashMap<(String, String), (Instant, Underway)>>);

impl Parked {
    /// Parks a run; returns its token, which is good in its session alone. `None` where too many wait.
    pub(crate) fn park(&self, session: &Session, underway: Underway) -> Option<String> {
        let token = session.token();
        self.forget();
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if parked.len() >= PARKED {
            return None;
        }
        parked.insert(
            (session.id.clone(), token.clone()),
            (Instant::now(), underway),
        );
        Some(token)
    }

    /// How many of a session's runs wait.
    pub(crate) fn of(&self, session: &Session) -> usize {
        let parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parked.keys().filter(|(of, _)| *of == session.id).count()
    }

    /// Whether one more run may have to wait: what cannot is not started.
    pub(crate) fn has_room(&self, session: &Session) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.of(session) < PARKED_OF_SESSION && all + 64 < PARKED
    }

    /// Parks a run again under the token that its client has.
    pub(crate) fn park_again(&self, session: &Session, token: &str, underway: Underway) {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parked.insert(
            (session.id.clone(), token.to_owned()),
            (Instant::now(), underway),
        );
    }

    /// Gives up those that nobody came back for.
    pub(crate) fn forget(&self) {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that still asks a person goes by the time that its question has.
        parked.retain(|_, (since, underway)| {
            since.elapsed() < CLAIM || !underway.task.0.is_finished()
        });
    }

    /// Takes a run back; only the session that started it can.
    pub(crate) fn take(&self, session: &Session, token: &str) -> Option<Underway> {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, underway) = parked.remove(&(session.id.clone(), token.to_owned()))?;
        Some(underway)
    }

    /// Ends all.
    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Ends the runs of a session that is over.
    pub(crate) fn end(&self, session: &str) {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parked.retain(|(of, _), _| of != session);
    }
}

/// Shows forms through whatever request follows the run.
pub(crate) struct Forms(pub(crate) mpsc::Sender<Event>);

impl Elicit for Forms {
    fn elicit(&self, message: String, schema: Value) -> Eliciting<'_> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let form = Event::Elicit {
                message,
                schema,
                answer,
            };
            let gone = |_| "nobody follows the run any more".to_owned();
            self.0.send(form).await.map_err(|_| gone(()))?;
            answered.await.map_err(|_| gone(()))?
        })
    }
}

/// Leaves questions for `witgate approvals`, and says so to whoever follows the run.
pub(crate) struct Posts {
    pub(crate) queue: Queue,
    pub(crate) events: mpsc::Sender<Event>,
}

impl Asker for Posts {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        Box::pin(async move {
            let posted = Event::Posted {
                id: question.id.clone(),
                calls: question.items.len(),
            };
            // Where nobody follows, or far behind, the person still sees it.
            let _ = self.events.try_send(posted);
            let answers = self.queue.ask(question).await;
            let _ = self.events.try_send(Event::Settled);
            answers
        })
    }
}

/// Nobody can be asked, and why.
pub(crate) struct Nobody(pub(crate) String);

impl Asker for Nobody {
    fn ask<'a>(&'a self, _: &'a Question) -> Asking<'a> {
        Box::pin(async move { Err(AskError::Unavailable(self.0.clone())) })
    }
}

/// A run's place among those that run. Given back while a person is asked: whoever waits for one keeps no other from running.
pub(crate) struct Place {
    all: Arc<Semaphore>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    permit: Option<OwnedSemaphorePermit>,
    /// Questions that are open.
    asking: usize,
}

impl Place {
    pub(crate) fn new(all: &Arc<Semaphore>, permit: OwnedSemaphorePermit) -> Arc<Place> {
        Arc::new(Place {
            all: Arc::clone(all),
            held: Mutex::new(Held {
                permit: Some(permit),
                asking: 0,
            }),
        })
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks without a place.
pub(crate) struct Yielding {
    pub(crate) asker: Arc<dyn Asker>,
    pub(crate) place: Arc<Place>,
}

/// One open question; closed also where the question is withdrawn.
struct Open<'a>(&'a Place);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.held().asking -= 1;
    }
}

impl Asker for Yielding {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        Box::pin(async move {
            let open = {
                let mut held = self.place.held();
                held.asking += 1;
                held.permit = None;
                Open(&self.place)
            };
            let answers = self.asker.ask(question).await;
            drop(open);
            let is_last = self.place.held().asking == 0;
            if is_last && let Ok(permit) = Arc::clone(&self.place.all).acquire_owned().await {
                self.place.held().permit = Some(permit);
            }
            answers
        })
    }
}
