//! All configured servers, and those that are a part of this process: started when first needed, in parallel, shared by the
//! runs of a host, of a session or not at all, started again after a death, closed together. A call costs a `Permit`; what a
//! permit allows is not known here.

mod local;
mod view;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use indexmap::IndexMap;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;
use witgate_codegen::catalog::{Catalog, Server, Tool};

use crate::config::{Config, Scope};
use crate::gate::{Permit, PermitParts};
use crate::mcp::{Client, ClientLimits, ServerError};

use view::{Connection, Known, View, closed};

pub use local::{LocalCall, LocalReply, LocalServer};

/// Bounds on all servers.
#[derive(Debug, Clone)]
pub struct ServersLimits {
    /// Calls under way at one server, over all its connections; more wait. 64 by default.
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

impl ServersLimits {
    fn places(&self) -> Semaphore {
        Semaphore::new(self.calls_per_server.clamp(1, Semaphore::MAX_PERMITS))
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

/// The servers of one configuration, as one host, session or run sees them. Clones share them; when the last one is dropped,
/// the connections that are this view's own are ended.
#[derive(Clone)]
pub struct Servers {
    inner: Arc<Inner>,
}

struct Inner {
    slots: IndexMap<String, Slot>,
    limits: Arc<ServersLimits>,
    view: Arc<View>,
}

#[derive(Clone)]
enum Slot {
    Remote(Arc<Connection>),
    Local(Arc<Local>),
}

struct Local {
    server: Arc<dyn LocalServer>,
    calls: Semaphore,
}

impl Slot {
    /// A free place for a call. The semaphores are never closed, and then nothing would be waiting.
    async fn place(&self, server: &str) -> Result<SemaphorePermit<'_>, ServerError> {
        let calls = match self {
            Slot::Remote(connection) => &connection.known.calls,
            Slot::Local(local) => &local.calls,
        };
        calls.acquire().await.map_err(|_| closed(server))
    }
}

impl Servers {
    /// Knows the servers of `config`; starts none.
    pub fn new(config: &Config, limits: ServersLimits) -> Servers {
        let (limits, view) = (Arc::new(limits), View::below(None));
        let slots = config.servers.iter().map(|(name, config)| {
            let connection = Connection::new(name, &Known::new(config, &limits), &view);
            (name.clone(), Slot::Remote(connection))
        });
        Servers {
            inner: Arc::new(Inner {
                slots: slots.collect(),
                limits: Arc::clone(&limits),
                view,
            }),
        }
    }

    /// The same with one more server, a part of this process. All others are shared, with their connections. Where the
    /// configuration has a server of that name, it is not to be reached here.
    #[must_use]
    pub fn with_local(&self, name: &str, server: Arc<dyn LocalServer>) -> Servers {
        let mut slots = self.inner.slots.clone();
        let calls = self.inner.limits.places();
        let local = Slot::Local(Arc::new(Local { server, calls }));
        slots.insert(name.to_owned(), local);
        self.with(slots, Arc::clone(&self.inner.view))
    }

    /// The servers as a session sees them: connections of its own to those whose scope is `session`, started when first
    /// needed, and all others shared. What is its own is ended when the last clone is dropped, in the background; `shutdown`
    /// waits for that, and `shutdown` of the view that this was made of ends it too.
    #[must_use]
    pub fn session(&self) -> Servers {
        self.view(Scope::Session)
    }

    /// The same for one run and the servers whose scope is `run`.
    pub(crate) fn one_run(&self) -> Servers {
        let mut slots = self.inner.slots.values();
        let is_own = |slot: &Slot| matches!(slot, Slot::Remote(shared) if shared.known.config.scope == Scope::Run);
        match slots.any(is_own) {
            true => self.view(Scope::Run),
            false => self.clone(),
        }
    }

    fn view(&self, scope: Scope) -> Servers {
        let view = View::below(Some(&self.inner.view));
        let slots = self.inner.slots.iter().map(|(name, slot)| {
            let slot = match slot {
                Slot::Remote(shared) if shared.known.config.scope == scope => {
                    Slot::Remote(shared.again(&view))
                }
                slot => slot.clone(),
            };
            (name.clone(), slot)
        });
        self.with(slots.collect(), view)
    }

    fn with(&self, slots: IndexMap<String, Slot>, view: Arc<View>) -> Servers {
        let limits = Arc::clone(&self.inner.limits);
        Servers {
            inner: Arc::new(Inner {
                slots,
                limits,
                view,
            }),
        }
    }

    /// The servers' names, in the order of the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.slots.keys().map(String::as_str)
    }

    /// The live connection to a server; starts it where there is none. A server that failed a moment ago is not
    /// started again before its back-off is over: until then the same error is told.
    ///
    /// # Errors
    /// [`ServerError`]; a server inside the process has no connection.
    pub async fn get_or_start(&self, server: &str) -> Result<Arc<Client>, ServerError> {
        match self.slot(server)? {
            Slot::Remote(connection) => connection.client().await,
            Slot::Local(_) => Err(ServerError::Spawn {
                server: server.to_owned(),
                reason: "it is a part of this process and has no connection".to_owned(),
            }),
        }
    }

    /// Calls the tool that the permit names, if the server still defines it as it did when the permit's program was
    /// admitted: its tools are listed once per connection, and again when it says that they changed. Waiting for a free
    /// place at the server, for its start and its list counts towards the deadline. A call is never sent twice: the caller
    /// cannot know what a broken one has done.
    pub async fn call(&self, permit: Permit, deadline: Instant) -> Result<LocalReply, CallError> {
        let started = Instant::now();
        let PermitParts {
            server,
            tool,
            definition,
            arguments,
            read,
        } = permit.into_parts();
        let late = |server: String, doing: &str| {
            CallError::Server(ServerError::Timeout {
                server,
                doing: format!("{doing} `{tool}`"),
                after: started.elapsed(),
                stderr_tail: String::new(),
            })
        };
        let slot = self.slot(&server)?;
        let ready = async {
            let place = slot.place(&server).await?;
            let ready = match slot {
                Slot::Remote(connection) => {
                    let client = connection.client().await?;
                    let listed = client.listed_tool(&tool).await?;
                    let is_same = listed
                        .as_ref()
                        .is_some_and(|l| l.definition() == definition);
                    let now = listed.map(|listed| listed.tool.clone());
                    (Reached::Remote(client), is_same, now)
                }
                Slot::Local(local) => {
                    let mut tools = local.server.server().tools.into_iter();
                    let now = tools.find(|listed| listed.name == tool);
                    let is_same = now
                        .as_ref()
                        .is_some_and(|now| now.definition_hash() == definition);
                    (Reached::Local(&*local.server), is_same, now)
                }
            };
            Ok::<_, ServerError>((place, ready))
        };
        let ready = timeout_at(deadline.into(), ready).await;
        let (_place, (reached, is_same, now)) = match ready {
            Ok(ready) => ready?,
            Err(_) => return Err(late(server, "get ready to answer")),
        };
        if !is_same {
            let now = now.map(Box::new);
            return Err(CallError::Changed { server, tool, now });
        }
        match reached {
            // On the connection that was asked: after a death, another process would have to be asked again.
            Reached::Remote(client) => Ok(client.call(&tool, arguments, deadline).await?.into()),
            Reached::Local(local) => {
                let reply = local.call(&tool, arguments, read);
                let reply = timeout_at(deadline.into(), reply).await;
                reply.map_err(|_| late(server, "answer"))
            }
        }
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

    /// How often a server has said that its tools changed; `None` where there is no connection to it at present. Starts none.
    #[must_use]
    pub fn list_changes(&self, server: &str) -> Option<u64> {
        match self.inner.slots.get(server)? {
            Slot::Remote(connection) => connection.list_changes(),
            Slot::Local(_) => None,
        }
    }

    /// Lists the tools of one server; starts it where needed.
    pub async fn tools(&self, server: &str) -> Result<Server, ServerError> {
        match self.slot(server)? {
            Slot::Remote(connection) => connection.client().await?.tools().await,
            Slot::Local(local) => Ok(local.server.server()),
        }
    }

    /// Closes the connections that are this view's own, and those of all views that were made of it, in parallel, and starts
    /// none of them again. Returns when their processes are gone, within two seconds however they behave; calls under way
    /// end with an error.
    pub async fn shutdown(&self) {
        self.inner.view.shutdown().await;
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

/// Where a call goes.
enum Reached<'a> {
    Remote(Arc<Client>),
    Local(&'a dyn LocalServer),
}

#[cfg(test)]
mod tests;
