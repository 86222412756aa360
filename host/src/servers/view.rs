//! Who shares a connection, and when it ends. A host has one view of its servers, each session one below it, each run one
//! below that; a connection belongs to the view that its server's scope names, and ends with it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures::future::{join_all, select_all};
use tokio::sync::{Semaphore, watch};

use super::ServersLimits;
use crate::config::ServerConfig;
use crate::mcp::{Client, ServerError};

/// Longest wait for connections that are being ended when everything is shut down; each takes two seconds at most.
const ENDING: Duration = Duration::from_secs(3);

/// The connections that end together, and those of the views below.
pub(super) struct View {
    above: Option<Arc<View>>,
    /// Set once, at shutdown: starts under way are given up and no new ones begin.
    closing: watch::Sender<bool>,
    started: Mutex<Vec<Weak<Connection>>>,
    /// Sessions with servers that are not over yet, those included that are just being ended.
    open: watch::Sender<usize>,
}

/// What all views know of one server.
pub(super) struct Known {
    pub(super) config: ServerConfig,
    /// Places for calls, whichever connection they take.
    pub(super) calls: Semaphore,
    limits: Arc<ServersLimits>,
    starts: Mutex<Starts>,
}

/// Starts that failed, in a row. A server that does not start for one session does not for the next.
#[derive(Default)]
struct Starts {
    failures: u32,
    failed: Option<Failure>,
}

/// The one connection of a view to a server.
pub(super) struct Connection {
    pub(super) known: Arc<Known>,
    server: String,
    view: Arc<View>,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    /// Deaths in a row, each soon after a start.
    deaths: u32,
    died: Option<Failure>,
}

struct Live {
    client: Arc<Client>,
    started: Instant,
    open: Open,
}

/// The last failure, told again until the server may be started again.
struct Failure {
    error: ServerError,
    until: Instant,
}

impl Failure {
    fn after(failures: u32, error: ServerError, limits: &ServersLimits) -> Failure {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        let wait = limits.backoff_min.saturating_mul(factor);
        Failure {
            error,
            until: Instant::now() + wait.min(limits.backoff_max),
        }
    }

    fn stands(failed: Option<&Failure>) -> Option<ServerError> {
        let failed = failed.filter(|failure| Instant::now() < failure.until);
        failed.map(|failure| failure.error.clone())
    }
}

impl Known {
    pub(super) fn new(config: &ServerConfig, limits: &Arc<ServersLimits>) -> Arc<Known> {
        Arc::new(Known {
            config: config.clone(),
            calls: limits.places(),
            limits: Arc::clone(limits),
            starts: Mutex::default(),
        })
    }

    /// Takes down whether a start failed.
    fn started(&self, failed: Option<&ServerError>) {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        match failed {
            None => *starts = Starts::default(),
            Some(error) => {
                starts.failures += 1;
                starts.failed = Some(Failure::after(starts.failures, error.clone(), &self.limits));
            }
        }
    }

    fn does_not_start(&self) -> Option<ServerError> {
        let starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        Failure::stands(starts.failed.as_ref())
    }
}

impl Connection {
    pub(super) fn new(server: &str, known: &Arc<Known>, view: &Arc<View>) -> Arc<Connection> {
        Arc::new(Connection {
            known: Arc::clone(known),
            server: server.to_owned(),
            view: Arc::clone(view),
            state: tokio::sync::Mutex::default(),
        })
    }

    /// The same server for another view.
    pub(super) fn again(&self, view: &Arc<View>) -> Arc<Connection> {
        Connection::new(&self.server, &self.known, view)
    }

    /// The live connection; started where there is none.
    pub(super) async fn client(self: &Arc<Self>) -> Result<Arc<Client>, ServerError> {
        let limits = &self.known.limits;
        let mut state = self.state.lock().await;
        if let Some(live) = &state.live {
            if live.client.is_alive() {
                return Ok(Arc::clone(&live.client));
            }
            // The first death after a long life costs no wait.
            let lived = live.started.elapsed() > limits.backoff_max;
            state.live = None;
            state.deaths = if lived { 0 } else { state.deaths + 1 };
            if state.deaths > 1 {
                let status = "it ended again soon after its start";
                let error = gone(&self.server, status);
                state.died = Some(Failure::after(state.deaths, error, limits));
            }
        }
        self.view.note(self);
        if self.view.is_closing() {
            return Err(closed(&self.server));
        }
        let failed = Failure::stands(state.died.as_ref()).or_else(|| self.known.does_not_start());
        if let Some(error) = failed {
            return Err(error);
        }
        let open = Open::new(&self.view);
        let connected = tokio::select! {
            connected = Client::connect(&self.server, &self.known.config, &limits.client) => connected,
            () = self.view.closes() => return Err(closed(&self.server)),
        };
        self.known.started(connected.as_ref().err());
        let client = Arc::new(connected?);
        state.died = None;
        state.live = Some(Live {
            client: Arc::clone(&client),
            started: Instant::now(),
            open,
        });
        Ok(client)
    }

    /// What `Client::list_changes` says; `None` where nothing is connected, or is just being connected.
    pub(super) fn list_changes(&self) -> Option<u64> {
        let state = self.state.try_lock().ok()?;
        state.live.as_ref().map(|live| live.client.list_changes())
    }

    async fn close(&self) {
        let live = self.state.lock().await.live.take();
        if let Some(live) = live {
            live.end().await;
        }
    }
}

impl Live {
    async fn end(self) {
        self.client.close().await;
        drop(self.open);
    }
}

/// A session or a run is over: its servers may tidy up, and are ended. Nobody waits for it but who shuts everything down.
impl Drop for Connection {
    fn drop(&mut self) {
        if self.view.above.is_none() {
            return;
        }
        if let Some(live) = self.state.get_mut().live.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(live.end());
        }
    }
}

/// One session with a server, counted as long as it is not over.
struct Open(Arc<View>);

impl Open {
    fn new(view: &Arc<View>) -> Open {
        for view in view.upwards() {
            view.open.send_modify(|open| *open += 1);
        }
        Open(Arc::clone(view))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        for view in self.0.upwards() {
            view.open.send_modify(|open| *open -= 1);
        }
    }
}

impl View {
    pub(super) fn below(above: Option<&Arc<View>>) -> Arc<View> {
        Arc::new(View {
            above: above.cloned(),
            closing: watch::Sender::new(false),
            started: Mutex::default(),
            open: watch::Sender::new(0),
        })
    }

    /// It and those above it.
    fn upwards(&self) -> impl Iterator<Item = &View> {
        std::iter::successors(Some(self), |view| view.above.as_deref())
    }

    fn is_closing(&self) -> bool {
        self.upwards().any(|view| *view.closing.borrow())
    }

    async fn closes(&self) {
        let closing = self.upwards().map(|view| {
            Box::pin(async {
                // The sender lives as long as the view.
                let _ = view.closing.subscribe().wait_for(|closing| *closing).await;
            })
        });
        select_all(closing).await;
    }

    /// Who starts a connection notes it first, then asks whether that is still wanted: a shutdown that it does not see, sees it.
    fn note(&self, connection: &Arc<Connection>) {
        let this = Arc::downgrade(connection);
        for view in self.upwards() {
            let mut started = view.started.lock().unwrap_or_else(PoisonError::into_inner);
            started.retain(|known| known.strong_count() > 0 && !known.ptr_eq(&this));
            started.push(Weak::clone(&this));
        }
    }

    /// Ends all connections of this view and of those below, and starts none again.
    pub(super) async fn shutdown(&self) {
        self.closing.send_replace(true);
        let started: Vec<_> = {
            let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
            started.iter().filter_map(Weak::upgrade).collect()
        };
        join_all(started.iter().map(|connection| connection.close())).await;
        let mut open = self.open.subscribe();
        let over = open.wait_for(|open| *open == 0);
        // However a server behaves: its own end is bounded, and the process that lives on is not ours to wait for.
        let _ = tokio::time::timeout(ENDING, over).await;
    }
}

pub(super) fn closed(server: &str) -> ServerError {
    gone(server, "the host is shutting down")
}

fn gone(server: &str, status: &str) -> ServerError {
    ServerError::Closed {
        server: server.to_owned(),
        status: status.to_owned(),
        stderr_tail: String::new(),
    }
}
