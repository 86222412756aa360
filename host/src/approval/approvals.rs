//! The approvals of one run: what waits is gathered, asked for, and answered. One task puts the questions, one at a time; it
//! ends with the run. What a question looks like to a person is the asker's matter.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use serde_json::Value;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use super::{Answer, Approval, Asker, Bounds, How, Item, Question, Refused};
use crate::grants::{ApprovalSettings, Approve};
use crate::journal;

/// Items in one question.
const MAX_ITEMS: usize = 1_000;
/// Items of a run that wait.
pub(super) const MAX_PENDING: usize = 10_000;

/// Whose calls they are.
#[derive(Debug, Clone)]
pub(crate) struct RunIdentity {
    pub(crate) run: String,
    /// The program's name.
    pub(crate) program: String,
    pub(crate) program_sha256: String,
}

/// Calls that a person approved before the run, by digest: each digest is good for so many calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct PreApproved(HashMap<String, u64>);

impl FromIterator<String> for PreApproved {
    fn from_iter<I: IntoIterator<Item = String>>(digests: I) -> PreApproved {
        let mut all = HashMap::new();
        for digest in digests {
            *all.entry(digest).or_insert(0) += 1;
        }
        PreApproved(all)
    }
}

/// The approvals of one run. When it is dropped, a question under way is withdrawn.
pub(crate) struct Approvals {
    shared: Arc<Shared>,
    /// Puts the questions, from the first that is needed on.
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    asker: Option<Arc<dyn Asker>>,
    settings: ApprovalSettings,
    who: RunIdentity,
    state: Mutex<State>,
    /// Something joined or left.
    changed: Notify,
    /// How many wait.
    pending: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    /// What was not asked for yet.
    waiting: VecDeque<Waiting>,
    pre_approved: PreApproved,
    /// What answers said yes to beyond their own items.
    leaves: Vec<Leave>,
    /// Time in which something waited, as far as that is over.
    waited: Duration,
    /// Since when something waits.
    since: Option<Instant>,
    questions: u64,
}

struct Waiting {
    item: Item,
    since: Instant,
    reply: oneshot::Sender<Result<Approval, Refused>>,
}

/// Further calls that an answer allows.
struct Leave {
    left: u64,
    server: String,
    tool: String,
    same: Vec<(String, Option<Value>)>,
    /// A call for which there is another reason to ask was not in the person's mind.
    reasons: Vec<String>,
}

impl Leave {
    fn new(item: &Item, bounds: &Bounds) -> Leave {
        let same = bounds.same.iter();
        Leave {
            left: bounds.calls,
            server: item.server.clone(),
            tool: item.tool.clone(),
            same: same
                .map(|name| (name.clone(), item.arguments.get(name).cloned()))
                .collect(),
            reasons: item.reasons.clone(),
        }
    }

    fn covers(&self, item: &Item) -> bool {
        self.left > 0
            && self.server == item.server
            && self.tool == item.tool
            && self
                .same
                .iter()
                .all(|(name, value)| item.arguments.get(name) == value.as_ref())
            && item.reasons.iter().all(|r| self.reasons.contains(r))
    }
}

impl State {
    /// An approval for which nobody needs to be asked.
    fn given(&mut self, item: &Item) -> Option<Approval> {
        let how = if let Some(left) = self.pre_approved.0.get_mut(&item.digest)
            && *left > 0
        {
            *left -= 1;
            How::Plan
        } else {
            let leave = self.leaves.iter_mut().find(|leave| leave.covers(item))?;
            leave.left -= 1;
            How::Within
        };
        Some(Approval {
            digest: item.digest.clone(),
            how,
        })
    }
}

/// Counts one waiting call, and wakes the task when it is gone.
struct Place<'a>(&'a Shared);

impl<'a> Place<'a> {
    fn take(shared: &'a Shared, state: &mut State) -> Place<'a> {
        shared.pending.send_modify(|pending| *pending += 1);
        state.since.get_or_insert_with(Instant::now);
        Place(shared)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        // Under the lock, so that the time fits the count.
        self.0.pending.send_modify(|pending| *pending -= 1);
        if *self.0.pending.borrow() == 0
            && let Some(since) = state.since.take()
        {
            state.waited += since.elapsed();
        }
        drop(state);
        self.0.changed.notify_one();
    }
}

impl Approvals {
    /// The approvals of a run that asks `asker`; without one, only what is pre-approved goes through.
    pub(crate) fn new(
        asker: Option<Arc<dyn Asker>>,
        settings: ApprovalSettings,
        who: RunIdentity,
        plan: Option<PreApproved>,
    ) -> Approvals {
        let state = State {
            pre_approved: plan.unwrap_or_default(),
            ..State::default()
        };
        Approvals {
            shared: Arc::new(Shared {
                asker,
                settings,
                who,
                state: Mutex::new(state),
                changed: Notify::new(),
                pending: watch::Sender::new(0),
            }),
            task: Mutex::new(None),
        }
    }

    /// Pends until there is an answer. Dropping the future withdraws the item.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) async fn approve(&self, item: Item) -> Result<Approval, Refused> {
        let shared = &*self.shared;
        if let Some(approval) = shared.lock().given(&item) {
            return Ok(approval);
        }
        let Some(asker) = &shared.asker else {
            return Err(Refused::NobodyToAsk);
        };
        self.start(asker);
        let (_place, reply) = {
            let mut state = shared.lock();
            if *shared.pending.borrow() >= MAX_PENDING {
                return Err(Refused::TooMany);
            }
            let place = Place::take(shared, &mut state);
            let (sender, reply) = oneshot::channel();
            state.waiting.push_back(Waiting {
                item,
                since: Instant::now(),
                reply: sender,
            });
            (place, reply)
        };
        shared.changed.notify_one();
        // Where this is dropped, the reply goes before the place: the task, woken, sees that nobody waits for the answer.
        reply
            .await
            .unwrap_or_else(|_| Err(Refused::Ask("the run ends".to_owned())))
    }

    /// How many calls wait.
    #[cfg(test)]
    pub(crate) fn pending(&self) -> usize {
        *self.shared.pending.borrow()
    }

    /// Time so far in which at least one call waited.
    pub(crate) fn waited(&self) -> Duration {
        let state = self.shared.lock();
        state.waited + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Comes back when so much time has gone by since `started`, not counting time in which a call waited.
    pub(crate) async fn wall(&self, started: Instant, limit: Duration) {
        let mut pending = self.shared.pending.subscribe();
        loop {
            let waits = *pending.borrow_and_update() > 0;
            let left = (limit + self.waited()).saturating_sub(started.elapsed());
            if waits {
                // The sender lives as long as this.
                let _ = pending.wait_for(|pending| *pending == 0).await;
            } else if left.is_zero() {
                return;
            } else {
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    _ = pending.changed() => {}
                }
            }
        }
    }

    fn start(&self, asker: &Arc<dyn Asker>) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.is_none() {
            let (shared, asker) = (Arc::clone(&self.shared), Arc::clone(asker));
            *task = Some(tokio::spawn(async move { shared.ask_all(&*asker).await }));
        }
    }
}

impl Drop for Approvals {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

/// What to do next.
enum Next {
    Ask(Vec<Waiting>),
    Sleep(Duration),
    Wait,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask_all(&self, asker: &dyn Asker) {
        loop {
            let next = self.next();
            match next {
                Next::Ask(asked) => self.ask(asker, asked).await,
                Next::Sleep(time) => {
                    let _ = tokio::time::timeout(time, self.changed.notified()).await;
                }
                Next::Wait => self.changed.notified().await,
            }
        }
    }

    /// The first in the queue decides: alone and at once, or with the others that may be asked for together.
    fn next(&self) -> Next {
        let mut state = self.lock();
        state.waiting.retain(|waiting| !waiting.reply.is_closed());
        let Some(first) = state.waiting.front() else {
            return Next::Wait;
        };
        if first.item.approve == Approve::Each {
            return Next::Ask(state.waiting.pop_front().into_iter().collect());
        }
        let is_batch = |waiting: &&Waiting| waiting.item.approve != Approve::Each;
        let batch = state.waiting.iter().filter(is_batch);
        let last = batch.clone().next_back().unwrap_or(first);
        let gathered = (self.settings.window).saturating_sub(first.since.elapsed());
        let quiet = (self.settings.quiet).saturating_sub(last.since.elapsed());
        let left = gathered.min(quiet);
        if !left.is_zero() && batch.count() < MAX_ITEMS {
            return Next::Sleep(left);
        }
        let mut asked = Vec::new();
        for waiting in std::mem::take(&mut state.waiting) {
            if asked.len() < MAX_ITEMS && is_batch(&&waiting) {
                asked.push(waiting);
            } else {
                state.waiting.push_back(waiting);
            }
        }
        Next::Ask(asked)
    }

    async fn ask(&self, asker: &dyn Asker, asked: Vec<Waiting>) {
        let timeout = self.settings.timeout;
        let question = self.question(&asked);
        let answers = async {
            // An asker that panics must not leave the run waiting.
            match AssertUnwindSafe(async { asker.ask(&question).await })
                .catch_unwind()
                .await
            {
                Ok(Ok(answers)) if answers.len() == asked.len() => Ok(answers),
                Ok(Ok(answers)) => Err(Refused::Ask(format!(
                    "{} answers came for {} calls",
                    answers.len(),
                    asked.len()
                ))),
                Ok(Err(error)) => Err(Refused::Ask(error.to_string())),
                Err(_) => Err(Refused::Ask("the asker broke".to_owned())),
            }
        };
        let withdrawn = async {
            while !asked.iter().all(|waiting| waiting.reply.is_closed()) {
                self.changed.notified().await;
            }
        };
        let answers = tokio::select! {
            answers = tokio::time::timeout(timeout, answers) =>
                answers.unwrap_or(Err(Refused::TimedOut { after: timeout })),
            () = withdrawn => return,
        };
        self.answer(asked, answers);
    }

    fn question(&self, asked: &[Waiting]) -> Question {
        let number = {
            let mut state = self.lock();
            state.questions += 1;
            state.questions
        };
        let time = crate::call::now();
        let mut id = journal::digest(&format!("{} {number} {time}", self.who.run));
        id.truncate(12);
        Question {
            id,
            run: self.who.run.clone(),
            program: self.who.program.clone(),
            program_sha256: self.who.program_sha256.clone(),
            items: asked.iter().map(|waiting| waiting.item.clone()).collect(),
            asked: time,
            timeout: self.settings.timeout,
        }
    }

    fn answer(&self, asked: Vec<Waiting>, answers: Result<Vec<Answer>, Refused>) {
        let mut answers = answers.map(Vec::into_iter);
        let mut state = self.lock();
        for Waiting { item, reply, .. } in asked {
            let approved = match answers.as_mut().map(|left| left.next()) {
                Err(refused) => Err(refused.clone()),
                Ok(Some(Answer::Yes)) => Ok(()),
                Ok(Some(Answer::YesWithin(bounds))) => {
                    state.leaves.push(Leave::new(&item, &bounds));
                    Ok(())
                }
                Ok(Some(Answer::No { reason })) => Err(Refused::No { reason }),
                Ok(None) => Err(Refused::Ask("no answer came for it".to_owned())),
            };
            // Nobody may wait for it any more.
            let _ = reply.send(approved.map(|()| Approval {
                digest: item.digest,
                how: How::Asked,
            }));
        }
        // What joined meanwhile may be within what the person said.
        for waiting in std::mem::take(&mut state.waiting) {
            if waiting.reply.is_closed() {
                continue;
            }
            match state.given(&waiting.item) {
                Some(approval) => drop(waiting.reply.send(Ok(approval))),
                None => state.waiting.push_back(waiting),
            }
        }
    }
}
