//! Streamable HTTP: the address, who may ask, and an orderly end. Loopback by default; browsers of other sites are kept out by
//! `Host` and `Origin`; a bearer token, the person's own or of an authorization server, lets in from further away.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Front, IDLE, Server};
use crate::failure::{Failure, Kind};
use crate::terminal;

mod issuer;

pub(crate) use issuer::Issuer;

/// Where MCP is spoken, and where OAuth clients find out who issues tokens.
const PATH: &str = "/mcp";
const METADATA: &str = "/.well-known/oauth-protected-resource";

/// The header that names a session, and most of them.
const SESSION: &str = "mcp-session-id";
const SESSIONS: usize = 2_000;

/// Largest request: a program and its input.
const BODY: usize = 24 << 20;

/// How the server listens.
pub(crate) struct Http {
    pub(crate) listener: TcpListener,
    /// Names under which it is reached, beside those of loopback.
    pub(crate) hosts: Vec<String>,
    /// Sites whose pages may ask, beside those of loopback.
    pub(crate) origins: Vec<String>,
    /// A token that the person chose.
    pub(crate) token: Option<String>,
    /// Who else issues tokens.
    pub(crate) issuer: Option<Issuer>,
}

/// Who may ask.
struct Guard {
    /// The sessions that are open.
    sessions: Arc<LocalSessionManager>,
    token: Option<[u8; 32]>,
    issuer: Option<Issuer>,
}

/// Takes the address; who is there first has to be asked for its port.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|e| {
        Failure::new(
            Kind::Configuration,
            format!("cannot listen on `{address}`: {e}"),
        )
        .hint("name another port with `--http PORT`")
    })
}

/// Answers until `end` says so. A second `end` cuts short what the first one waits for.
pub(crate) async fn serve<End: Future<Output = ()>>(
    front: Arc<Front>,
    http: Http,
    end: impl Fn() -> End,
) -> Result<(), Failure> {
    let Http {
        listener,
        hosts: more_hosts,
        origins: more_origins,
        token,
        issuer,
    } = http;
    let address = listener
        .local_addr()
        .map_err(|e| Failure::host(e.to_string()))?;
    if token.is_none() && issuer.is_none() && !address.ip().is_loopback() {
        return Err(Failure::usage(format!("`{address}` is reached from other machines, and nobody has to say who they are"))
            .hint("set `WITGATE_TOKEN`, name an authorization server with `--authorization-server URL`, or listen on 127.0.0.1"));
    }
    let closing = CancellationToken::new();
    let mut hosts = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    hosts.extend(more_hosts);
    let mut origins: Vec<String> = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"]
        .map(str::to_owned)
        .to_vec();
    origins.extend(more_origins);
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts)
        .with_allowed_origins(origins)
        .with_max_request_body_bytes(BODY)
        // One message needs no stream, and clients bound the length of an event: a whole result may be longer.
        .with_json_response(true)
        .with_cancellation_token(closing.clone());
    let mut sessions = LocalSessionManager::default();
    // Its own five minutes are less than a person takes for a coffee; clients do not all begin anew by themselves.
    sessions.session_config.keep_alive = Some(IDLE);
    let sessions = Arc::new(sessions);
    let of_session = Arc::clone(&front);
    let service = StreamableHttpService::new(
        move || {
            Server::new(&of_session, true).map_err(|failure| std::io::Error::other(failure.message))
        },
        Arc::clone(&sessions),
        config,
    );
    let guard = Arc::new(Guard {
        sessions,
        token: token.map(|token| Sha256::digest(token).into()),
        issuer,
    });
    let app = Router::new()
        .nest_service(PATH, service)
        .layer(middleware::from_fn_with_state(Arc::clone(&guard), admit))
        .route(METADATA, axum::routing::get(metadata))
        .route(&format!("{METADATA}{PATH}"), axum::routing::get(metadata))
        .with_state(guard);
    terminal::note(&format!("listening on http://{address}{PATH}"));
    let stop = closing.clone();
    let server =
        axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await });
    let served = tokio::spawn(server.into_future());
    tokio::select! {
        () = end() => {}
        () = closing.cancelled() => {}
    }
    // Nothing new is begun; what runs may end; then every connection does.
    front.close_unless(end()).await;
    closing.cancel();
    // Clients that keep their connections open are not waited for longer.
    let _ = tokio::time::timeout(Duration::from_secs(2), served).await;
    Ok(())
}

async fn admit(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard
        .check(request.headers().get(header::AUTHORIZATION))
        .await
    {
        // Whoever has a session goes on with it.
        Ok(()) if request.headers().contains_key(SESSION) || guard.has_room().await => {
            next.run(request).await
        }
        Ok(()) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "too many sessions are open\n",
        )
            .into_response(),
        Err(why) => guard.refuse(why),
    }
}

impl Guard {
    async fn has_room(&self) -> bool {
        self.sessions.sessions.read().await.len() < SESSIONS
    }

    async fn check(&self, given: Option<&HeaderValue>) -> Result<(), &'static str> {
        if self.token.is_none() && self.issuer.is_none() {
            return Ok(());
        }
        let given = given
            .and_then(|value| value.to_str().ok())
            .and_then(|value| {
                let (scheme, token) = value.split_once(' ')?;
                scheme
                    .eq_ignore_ascii_case("bearer")
                    .then_some(token.trim())
            });
        let Some(given) = given else {
            return Err("");
        };
        // Digests are compared: how long that takes says nothing of the token.
        let digest: [u8; 32] = Sha256::digest(given).into();
        if self.token.is_some_and(|token| token == digest) {
            return Ok(());
        }
        match &self.issuer {
            Some(issuer) if issuer.accepts(given).await => Ok(()),
            _ => Err("invalid_token"),
        }
    }

    /// RFC 6750 and RFC 9728: what is wrong, and where to get a token.
    fn refuse(&self, why: &'static str) -> Response {
        let mut challenge = String::from("Bearer");
        let mut separator = ' ';
        let mut add = |name: &str, value: &str| {
            challenge.push(separator);
            challenge.push_str(&format!("{name}=\"{value}\""));
            separator = ',';
        };
        if !why.is_empty() {
            add("error", why);
        }
        if let Some(issuer) = &self.issuer {
            add("resource_metadata", &issuer.metadata_url(METADATA));
        }
        let mut response = (
            StatusCode::UNAUTHORIZED,
            "this server asks for a bearer token\n",
        )
            .into_response();
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// RFC 9728: who issues tokens for this server.
async fn metadata(State(guard): State<Arc<Guard>>) -> Response {
    let Some(issuer) = &guard.issuer else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let text = json!({
        "resource": issuer.resource,
        "authorization_servers": [issuer.url],
        "bearer_methods_supported": ["header"],
        "resource_name": "witgate",
    });
    let mut response = Response::new(Body::from(text.to_string()));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
