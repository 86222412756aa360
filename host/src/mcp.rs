//! The session with one MCP server, over a child process or streamable HTTP. Only this file, `pipe`, `web`, `tap`,
//! `changes` and `oauth` know rmcp.
//!
//! Results of `tools/list` and `tools/call` are taken as they were sent, before rmcp types them: a definition hash must
//! cover every key, and a large result of a child process is parsed once. What is in a result is not read here: see `client`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientCapabilities, ClientConfig, ClientRequest,
    CustomResult, ErrorData, Implementation, ListRootsRequestMethod, ListToolsRequest,
    PaginatedRequestParams, ProtocolVersion, RequestId, ServerResult,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, NotificationContext, Peer, PeerRequestOptions,
    RequestContext, RequestHandle, RunningService, ServiceError, serve_client_with_lifecycle,
};
use rmcp::transport::streamable_http_client::StreamableHttpError;
use rmcp::{ClientHandler, RoleClient};
use serde_json::{Map, Value};
use tokio::task::JoinSet;
use tokio::time::{timeout, timeout_at};
use witgate_codegen::catalog::ServerInfo;

use crate::config::{ServerConfig, Transport, excerpt, redact};

mod changes;
mod child;
mod client;
#[cfg(test)]
mod elicit;
mod error;
mod http;
mod message;
pub mod oauth;
mod pipe;
mod spawn;
mod tap;
mod web;
mod weigh;

pub use client::{Client, ClientLimits, ListedTool, LogHook, LogLine, ToolReply};
pub use error::ServerError;
pub use weigh::Measure;
pub(crate) use weigh::has_more_values;

use changes::Changes;
use oauth::Access;
use pipe::Pipe;
use tap::{HttpError, Raw, Stashed};

/// An HTTP client as servers are reached with: rustls with ring, the system's certificates, and no redirect to another origin.
///
/// # Errors
/// When the system's certificates cannot be read.
pub fn http_client(url: &str) -> Result<reqwest::Client, reqwest::Error> {
    http::client(url)
}

/// A session under way. Dropping it kills the server's process group.
struct Session {
    server: String,
    limits: ClientLimits,
    secrets: Vec<String>,
    access: Option<Arc<Access>>,
    peer: Peer<RoleClient>,
    running: tokio::sync::Mutex<RunningService<RoleClient, Quiet>>,
    child: Option<child::Child>,
    raw: Raw,
    changes: Changes,
    /// The server no longer knows it.
    expired: AtomicBool,
    /// Ends with the session.
    _listening: JoinSet<()>,
}

impl Session {
    async fn connect(
        server: &str,
        config: &ServerConfig,
        limits: &ClientLimits,
        access: Option<Arc<Access>>,
    ) -> Result<Session, ServerError> {
        let deadline = tokio::time::Instant::now() + limits.connect;
        let changes = Changes::default();
        let quiet = || Quiet {
            changes: changes.clone(),
        };
        let session = async |running: RunningService<RoleClient, Quiet>, child, raw| {
            let peer = running.peer().clone();
            Session {
                server: server.to_owned(),
                limits: limits.clone(),
                secrets: config.secrets.clone(),
                access: access.clone(),
                _listening: changes::listen(&peer, &changes).await,
                peer,
                running: tokio::sync::Mutex::new(running),
                child,
                raw,
                changes: changes.clone(),
                expired: AtomicBool::new(false),
            }
        };
        let late = |stderr_tail| ServerError::Timeout {
            server: server.to_owned(),
            doing: "start".to_owned(),
            after: limits.connect,
            stderr_tail,
        };
        let refused = |error: ClientInitializeError| {
            handshake_error(server, config, limits, access.as_deref(), &error)
        };
        match &config.transport {
            Transport::Stdio {
                command,
                args,
                env,
                cwd,
            } => {
                let launch = child::Launch {
                    command,
                    args,
                    env,
                    cwd,
                    secrets: &config.secrets,
                };
                // A server that quits over the unknown `server/discover`, or answers it with anything, gets a second
                // start, without it.
                let mut modes = vec![ClientLifecycleMode::Initialize, auto()];
                loop {
                    let (child, ends) = child::spawn(server, &launch, limits).await?;
                    let mode = modes.pop().unwrap_or(ClientLifecycleMode::Initialize);
                    let pipe = Pipe::new(ends, changes.clone());
                    let served = serve_client_with_lifecycle(quiet(), pipe, mode);
                    match timeout_at(deadline, served).await {
                        Ok(Ok(running)) => {
                            return Ok(session(running, Some(child), Raw::default()).await);
                        }
                        Ok(Err(error)) => match child.why_gone().await {
                            Some(ServerError::Closed { .. }) if !modes.is_empty() => {}
                            None if is_odd(&error) && !modes.is_empty() => {}
                            gone => return Err(gone.unwrap_or_else(|| refused(error))),
                        },
                        Err(_) => return Err(late(child.tail())),
                    }
                }
            }
            Transport::Http { url, headers, .. } => {
                let mut modes = vec![ClientLifecycleMode::Initialize, auto()];
                loop {
                    let (transport, raw) =
                        web::transport(server, url, headers, limits, &changes, access.clone())?;
                    let mode = modes.pop().unwrap_or(ClientLifecycleMode::Initialize);
                    let served = serve_client_with_lifecycle(quiet(), transport, mode);
                    match timeout_at(deadline, served).await {
                        Ok(Ok(running)) => return Ok(session(running, None, raw).await),
                        Ok(Err(error)) if is_odd(&error) && !modes.is_empty() => {}
                        Ok(Err(error)) => return Err(refused(error)),
                        Err(_) => return Err(late(String::new())),
                    }
                }
            }
        }
    }

    fn secrets(&self) -> Vec<String> {
        secrets(&self.secrets, self.access.as_deref())
    }

    fn protocol(&self) -> String {
        self.peer
            .peer_info()
            .map(|info| info.protocol_version.to_string())
            .unwrap_or_default()
    }

    fn info(&self) -> Option<ServerInfo> {
        let peer = self.peer.peer_info()?;
        peer.server_info.as_ref().map(|info| ServerInfo {
            name: info.name.clone(),
            version: info.version.clone(),
        })
    }

    fn offers_tools(&self) -> bool {
        self.peer
            .peer_info()
            .is_none_or(|peer| peer.capabilities.tools.is_some())
    }

    fn list_changes(&self) -> u64 {
        self.changes.count()
    }

    fn changed_since(&self, changes: u64) -> bool {
        self.changes.since(changes)
    }

    fn is_alive(&self) -> bool {
        !self.expired.load(Ordering::Acquire)
            && !self.peer.is_transport_closed()
            && self.child.as_ref().is_none_or(child::Child::is_alive)
    }

    /// One page of `tools/list`, as it was sent.
    async fn list_tools(
        &self,
        cursor: Option<String>,
        deadline: Instant,
    ) -> Result<Value, ServerError> {
        let params = PaginatedRequestParams::default().with_cursor(cursor);
        let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
        self.request(request, deadline, "list its tools").await
    }

    /// The result of `tools/call`, as it was sent.
    async fn call_tool(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
        deadline: Instant,
    ) -> Result<Value, ServerError> {
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        self.request(request, deadline, &format!("answer `{tool}`"))
            .await
    }

    async fn close(&self) {
        let mut running = self.running.lock().await;
        // For a child process this closes its stdin; over HTTP, it tells the server. What is not closed by then is ended
        // below.
        let patience = if self.child.is_some() { 500 } else { 1_500 };
        let _ = running
            .close_with_timeout(Duration::from_millis(patience))
            .await;
        if let Some(child) = &self.child {
            child.close().await;
        }
    }

    /// Sends a request; its result as it was sent.
    async fn request(
        &self,
        request: ClientRequest,
        deadline: Instant,
        doing: &str,
    ) -> Result<Value, ServerError> {
        let started = Instant::now();
        let deadline = tokio::time::Instant::from_std(deadline);
        let late = || ServerError::Timeout {
            server: self.server.clone(),
            doing: doing.to_owned(),
            after: started.elapsed(),
            stderr_tail: self
                .child
                .as_ref()
                .map(child::Child::tail)
                .unwrap_or_default(),
        };
        let sent = self
            .peer
            .send_cancellable_request(request, PeerRequestOptions::no_options());
        let handle = match timeout_at(deadline, sent).await {
            Ok(Ok(handle)) => handle,
            Ok(Err(error)) => return Err(self.service_error(error).await),
            Err(_) => return Err(late()),
        };
        let id = handle.id.clone();
        let mut pending = Pending {
            id: id.clone(),
            handle: Some(handle),
            raw: self.raw.clone(),
        };
        let answer = match pending.handle.as_mut() {
            Some(handle) => timeout_at(deadline, &mut handle.rx).await,
            None => Ok(Ok(Err(ServiceError::TransportClosed))),
        };
        let Ok(answer) = answer else {
            return Err(late());
        };
        pending.handle = None;
        let result = match answer.unwrap_or(Err(ServiceError::TransportClosed)) {
            Ok(result) => result,
            Err(error) => return Err(self.service_error(error).await),
        };
        let result = match (self.raw.take(&id), result) {
            (Some(Stashed::Result(value)), ServerResult::ListToolsResult(listed)) => {
                self.without_refused(value, &listed.tools)
            }
            (Some(Stashed::Result(value)), _)
            | (None, ServerResult::CustomResult(CustomResult(value))) => value,
            (Some(Stashed::TooLarge(measure)), _) => return Err(self.too_large(measure)),
            (None, _) => {
                return Err(self.protocol_error("its result has an unknown form".to_owned()));
            }
        };
        match result.get("resultType").and_then(Value::as_str) {
            None | Some("complete") if result.is_object() => Ok(result),
            None | Some("complete") => {
                Err(self.protocol_error("its result is no object".to_owned()))
            }
            // Neither was offered in the handshake, so the server must not answer with it.
            Some(_) => Err(self.protocol_error(
                "it wants more input, or answers later, instead of a result".to_owned(),
            )),
        }
    }

    /// A page of `tools/list` without the tools that rmcp left out, as it must: their calls would need headers that HTTP does
    /// not allow.
    fn without_refused(&self, mut page: Value, kept: &[rmcp::model::Tool]) -> Value {
        if let Some(Value::Array(tools)) = page.get_mut("tools")
            && tools.len() != kept.len()
        {
            tools.retain(|tool| {
                let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
                let is_kept = kept.iter().any(|kept| kept.name == name);
                if let Some(hook) = self.limits.notices.as_ref().filter(|_| !is_kept) {
                    let name = excerpt(name.as_bytes(), true, 200, &[]);
                    let line =
                        format!("the tool `{name}` is left out: its `x-mcp-header` is not allowed");
                    (hook.0)(&self.server, &line);
                }
                is_kept
            });
        }
        page
    }

    async fn service_error(&self, error: ServiceError) -> ServerError {
        match error {
            ServiceError::McpError(error) => {
                return ServerError::Rpc {
                    server: self.server.clone(),
                    code: error.code.0,
                    message: error.message.into_owned(),
                };
            }
            ServiceError::TransportSend(error) if self.child.is_none() => {
                let error = error.error;
                if let Some(error) =
                    web::unauthorized(&self.server, self.access.is_some(), error.as_ref())
                {
                    return error;
                }
                let status = match error.downcast_ref::<HttpError>() {
                    Some(StreamableHttpError::ResponseBodyTooLarge { .. }) => {
                        return self.too_large(Measure::Bytes);
                    }
                    Some(StreamableHttpError::SessionExpired) => {
                        self.expired.store(true, Ordering::Release);
                        "its session ended before this request, and nothing was done".to_owned()
                    }
                    _ => web::reason(error.as_ref()),
                };
                return ServerError::Closed {
                    server: self.server.clone(),
                    status,
                    stderr_tail: String::new(),
                };
            }
            _ => {}
        }
        let gone = match &self.child {
            Some(child) => child.why_gone().await,
            None => None,
        };
        gone.unwrap_or_else(|| ServerError::Closed {
            server: self.server.clone(),
            status: "the connection was closed".to_owned(),
            stderr_tail: self
                .child
                .as_ref()
                .map(child::Child::tail)
                .unwrap_or_default(),
        })
    }

    fn protocol_error(&self, reason: String) -> ServerError {
        ServerError::Protocol {
            server: self.server.clone(),
            reason: shortened(&reason, &self.secrets()),
        }
    }

    fn too_large(&self, measure: Measure) -> ServerError {
        ServerError::TooLarge {
            server: self.server.clone(),
            limit: match measure {
                Measure::Bytes => self.limits.max_message,
                Measure::Values => self.limits.max_values,
            },
            measure,
        }
    }
}

/// Redacted before it is cut, so that no half of a secret is left.
fn shortened(reason: &str, secrets: &[String]) -> String {
    redact(reason, secrets).chars().take(500).collect()
}

fn auto() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
    }
}

/// Whether a server answered what it does not know: `server/discover`, with an empty result.
fn is_odd(error: &ClientInitializeError) -> bool {
    matches!(error, ClientInitializeError::ExpectedInitResult(_))
}

/// What must not be shown of a connection: the configuration's secrets, and the tokens of now.
fn secrets(config: &[String], access: Option<&Access>) -> Vec<String> {
    access.map_or_else(|| config.to_vec(), Access::secrets)
}

fn handshake_error(
    server: &str,
    config: &ServerConfig,
    limits: &ClientLimits,
    access: Option<&Access>,
    error: &ClientInitializeError,
) -> ServerError {
    let server = server.to_owned();
    let reason = match error {
        // What rmcp shows of these are whole messages.
        ClientInitializeError::ExpectedInitResult(_)
        | ClientInitializeError::ExpectedInitResponse(_) => {
            "the answer to `initialize` has an unknown form".to_owned()
        }
        ClientInitializeError::TransportError { error, .. } => {
            if let Some(error) = web::unauthorized(&server, access.is_some(), error.error.as_ref())
            {
                return error;
            }
            web::reason(error.error.as_ref())
        }
        ClientInitializeError::JsonRpcError(error) => {
            format!("error {}: {}", error.code.0, error.message)
        }
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => {
            return handshake_error(&server, config, limits, access, fallback);
        }
        error => chain(error),
    };
    if reason.contains("exceeded the maximum size") {
        return ServerError::TooLarge {
            server,
            limit: limits.max_message.min(tap::HANDSHAKE),
            measure: Measure::Bytes,
        };
    }
    let reason = shortened(&reason, &secrets(&config.secrets, access));
    ServerError::Handshake { server, reason }
}

/// An error and its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        cause = error.source();
    }
    text
}

/// A request under way. Dropped before its answer, it is cancelled at the server.
struct Pending {
    id: RequestId,
    handle: Option<RequestHandle<RoleClient>>,
    raw: Raw,
}

impl Drop for Pending {
    fn drop(&mut self) {
        // However it ended: a result that comes after an error would be kept for as long as the session lives.
        self.raw.forget(&self.id);
        let (Some(handle), Ok(runtime)) =
            (self.handle.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        runtime.spawn(async move {
            // Best effort: a server that cannot be told ends by its own deadline.
            let cancelled = handle.cancel(Some("the caller no longer waits".to_owned()));
            let _ = timeout(Duration::from_secs(5), cancelled).await;
        });
    }
}

/// Our side of what a server may ask: nothing is offered, so everything is declined.
struct Quiet {
    changes: Changes,
}

impl ClientHandler for Quiet {
    fn get_info(&self) -> ClientConfig {
        let us = Implementation::new("witgate", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), us)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    // Sampling and elicitation are declined by rmcp's defaults; roots would be answered with an empty list.
    #[expect(
        deprecated,
        reason = "servers of the older protocol versions still ask for roots"
    )]
    async fn list_roots(
        &self,
        _context: RequestContext<RoleClient>,
    ) -> Result<rmcp::model::ListRootsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListRootsRequestMethod>())
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.changes.add();
    }
}

/// What the tests of other modules need to start small servers.
#[cfg(test)]
pub(crate) mod testing {
    pub(crate) use super::tests::{
        http_config, is_gone_soon, is_running, marker, stdio_config, web,
    };
}

#[cfg(test)]
mod tests;
