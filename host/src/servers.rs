//! All configured servers: started when first needed, in parallel, shared by the runs of a host, started again after a
//! death, closed together. A call costs a `Permit`; what a permit allows is not known here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use indexmap::IndexMap;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::timeout_at;
use witgate_codegen::catalog::{Catalog, Server, Tool};

use crate::config::{Config, ServerConfig};
use crate::gate::{Permit, PermitParts};
use crate::mcp::{Client, ClientLimits, ServerError, ToolReply};

/// Bounds on all servers.
#[derive(Debug, Clone)]
pub struct ServersLimits {
    /// Calls under way at one server; more wait. 64 by default.
    pub calls_per_server: usize,
    /// How long a server that failed is left alone: doubled with each failure in a row, from here. 500 ms by default.
    pub backoff_min: Duration,
    /// The longest time that it is left alone; 30 s by default. A server that lived longer starts over.
    pub backoff_max: Duration,
    /// Bounds on each connection.
    pub client: ClientLimits,
}

impl Default for ServersLimits {
    fn default() -> Self {
        ServersLimits {
            calls_per_server: 64,
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            client: ClientLimits::default(),
        }
    }
}

/// Why a permitted call was not made, or has no reply.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nothing was sent: the server has another definition of the tool than the one that the permit is for.
    #[error("the definition of `{tool}` of server `{server}` changed")]
    Changed {
        /// The server's name in the configuration.
        server: String,
        /// The tool's name on the wire.
        tool: String,
        /// The tool as the server lists it now; `None` where it does no more.
        now: Option<Box<Tool>>,
    },
    /// The server failed.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// The servers of one configuration. Clones share them; when the last one is dropped, all processes are killed.
#[derive(Clone)]
pub struct Servers {
    inner: Arc<Inner>,
}

struct Inner {
    slots: IndexMap<String, Slot>,
    limits: ServersLimits,
    /// Set once, at shutdown: starts under way are given up and no new ones begin.
    closing: watch::Sender<bool>,
}

struct Slot {
    config: ServerConfig,
    calls: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    client: Option<Arc<Client>>,
    started: Option<Instant>,
    /// Failures in a row: starts that did not succeed, and deaths soon after one.
    failures: u32,
    failed: Option<Failure>,
}

/// The last failure, told again until the server may be started again.
struct Failure {
    error: ServerError,
    until: Instant,
}

impl Servers {
    /// Knows the servers of `config`; starts none.
    pub fn new(config: &Config, limits: ServersLimits) -> Servers {
        let slot = |config: &ServerConfig| Slot {
            config: config.clone(),
            calls: Semaphore::new(limits.calls_per_server.clamp(1, Semaphore::MAX_PERMITS)),
            state: Mutex::default(),
        };
        let slots = config
            .servers
            .iter()
            .map(|(name, config)| (name.clone(), slot(config)))
            .collect();
        Servers {
            inner: Arc::new(Inner {
                slots,
                limits,
                closing: watch::Sender::new(false),
            }),
        }
    }

    /// The servers' names, in the order of the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.slots.keys().map(String::as_str)
    }

    /// The live connection to a server; starts it where there is none. A server that failed a moment ago is not
    /// started again before its back-off is over: until then the same error is told.
    pub async fn get_or_start(&self, server: &str) -> Result<Arc<Client>, ServerError> {
        let slot = self.slot(server)?;
        let limits = &self.inner.limits;
        let mut closing = self.inner.closing.subscribe();
        let mut state = slot.state.lock().await;
        if let Some(client) = state.client.clone() {
            if client.is_alive() {
                return Ok(client);
            }
            state.client = None;
            // The first death after a long life costs no wait.
            let lived = state
                .started
                .is_some_and(|started| started.elapsed() > limits.backoff_max);
            state.failures = if lived { 0 } else { state.failures + 1 };
            if state.failures > 1 {
                let error = ServerError::Closed {
                    server: server.to_owned(),
                    status: "it ended again soon after its start".to_owned(),
                    stderr_tail: String::new(),
                };
                state.failed = Some(Failure {
                    error,
                    until: Instant::now() + backoff(limits, state.failures),
                });
            }
        }
        if *closing.borrow() {
            return Err(closed(server));
        }
        if let Some(failure) = &state.failed
            && Instant::now() < failure.until
        {
            return Err(failure.error.clone());
        }
        let connected = tokio::select! {
            connected = Client::connect(server, &slot.config, &limits.client) => connected,
            _ = closing.wait_for(|closing| *closing) => Err(closed(server)),
        };
        match connected {
            Ok(client) => {
                let client = Arc::new(client);
                state.client = Some(client.clone());
                state.failed = None;
                state.started = Some(Instant::now());
                Ok(client)
            }
            Err(error) => {
                state.failures += 1;
                let until = Instant::now() + backoff(limits, state.failures);
                state.failed = Some(Failure {
                    error: error.clone(),
                    until,
                });
                Err(error)
            }
        }
    }

    /// Calls the tool that the permit names, if the server still defines it as it did when the permit's program was
    /// admitted: its tools are listed once per connection, and again when it says that they changed. Waiting for a free
    /// place at the server, for its start and its list counts towards the deadline. A call is never sent twice: the caller
    /// cannot know what a broken one has done.
    pub async fn call(&self, permit: Permit, deadline: Instant) -> Result<ToolReply, CallError> {
        let started = Instant::now();
        let PermitParts {
            server,
            tool,
            definition,
            arguments,
        } = permit.into_parts();
        let slot = self.slot(&server)?;
        let ready = async {
            // The semaphore is never closed, and then nothing would be waiting.
            let place = slot.calls.acquire().await.map_err(|_| closed(&server))?;
            let client = self.get_or_start(&server).await?;
            let listed = client.listed_tool(&tool).await?;
            Ok::<_, ServerError>((place, client, listed))
        };
        let (_place, client, listed) = match timeout_at(deadline.into(), ready).await {
            Ok(ready) => ready?,
            Err(_) => {
                let doing = format!("get ready to answer `{tool}`");
                let after = started.elapsed();
                return Err(CallError::Server(ServerError::Timeout {
                    server,
                    doing,
                    after,
                    stderr_tail: String::new(),
                }));
            }
        };
        match listed {
            Some(listed) if listed.definition() == definition => {}
            other => {
                let now = other.map(|listed| Box::new(listed.tool.clone()));
                return Err(CallError::Changed { server, tool, now });
            }
        }
        // On the connection that was asked: after a death, another process would have to be asked again.
        Ok(client.call(&tool, arguments, deadline).await?)
    }

    /// Starts all servers, or the named ones, in parallel and lists their tools. A server that fails is in the second
    /// list and stops no other; unknown names are there too.
    pub async fn sync(&self, names: Option<&[String]>) -> (Catalog, Vec<(String, ServerError)>) {
        let names = match names {
            Some(names) => names.to_vec(),
            None => self.names().map(str::to_owned).collect(),
        };
        let listed = join_all(names.iter().map(|name| self.tools(name))).await;
        let (mut catalog, mut failed) = (Catalog::default(), Vec::new());
        for (name, listed) in names.into_iter().zip(listed) {
            match listed {
                Ok(server) => {
                    catalog.servers.insert(name, server);
                }
                Err(error) => failed.push((name, error)),
            }
        }
        (catalog, failed)
    }

    /// Lists the tools of one server; starts it where needed.
    pub async fn tools(&self, server: &str) -> Result<Server, ServerError> {
        self.get_or_start(server).await?.tools().await
    }

    /// Closes all servers, in parallel, and starts none again. Returns when their processes are gone, within two seconds
    /// however they behave; calls under way end with an error.
    pub async fn shutdown(&self) {
        self.inner.closing.send_replace(true);
        join_all(self.inner.slots.values().map(async |slot| {
            let client = slot.state.lock().await.client.take();
            if let Some(client) = client {
                client.close().await;
            }
        }))
        .await;
    }

    fn slot(&self, server: &str) -> Result<&Slot, ServerError> {
        self.inner.slots.get(server).ok_or_else(|| {
            let near = self
                .names()
                .map(|name| (strsim::damerau_levenshtein(server, name), name));
            let nearest = near
                .min()
                .filter(|(distance, _)| *distance <= 3)
                .map(|(_, name)| name.to_owned());
            ServerError::Unknown {
                server: server.to_owned(),
                nearest,
            }
        })
    }
}

fn backoff(limits: &ServersLimits, failures: u32) -> Duration {
    let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
    limits
        .backoff_min
        .saturating_mul(factor)
        .min(limits.backoff_max)
}

fn closed(server: &str) -> ServerError {
    ServerError::Closed {
        server: server.to_owned(),
        status: "the host is shutting down".to_owned(),
        stderr_tail: String::new(),
    }
}

#[cfg(test)]
mod tests;
