//! The HTTP client below rmcp's sessions: rmcp's own, but for the requests whose result is wanted as it was sent.
//! Sessions and streams stay rmcp's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream::{BoxStream, StreamExt};
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{ClientJsonRpcMessage, RequestId};
use rmcp::transport::auth::AuthError;
use rmcp::transport::streamable_http_client::{
    AuthRequiredError, HttpStatusError, InsufficientScopeError, SseError, StreamableHttpClient,
    StreamableHttpError, StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use serde_json::{Value, json};
use sse_stream::Sse;

use super::chain;
use super::changes::Changes;
use super::http;
use super::message;
use super::oauth::{Access, Challenge, LoginError};
use super::pipe::{answered, wants_raw};
use super::weigh::{Measure, has_more_values};

/// The longest answer to anything but `tools/list` and `tools/call`, in bytes.
pub(super) const HANDSHAKE: usize = 1024 * 1024;

/// How often a request is sent again with another token: one that somebody else left may be refused too.
const RENEWALS: usize = 2;

/// Results that came over HTTP, as they were sent, until the request that waits takes them.
#[derive(Clone, Default)]
pub(super) struct Raw(Arc<Mutex<HashMap<RequestId, Option<Stashed>>>>);

pub(super) enum Stashed {
    Result(Value),
    TooLarge(Measure),
}

impl Raw {
    fn expect(&self, id: &RequestId) {
        self.table().insert(id.clone(), None);
    }

    /// Keeps a result if somebody still waits for it.
    fn put(&self, id: &RequestId, stashed: Stashed) {
        if let Some(place) = self.table().get_mut(id) {
            *place = Some(stashed);
        }
    }

    pub(super) fn take(&self, id: &RequestId) -> Option<Stashed> {
        self.table().remove(id).flatten()
    }

    pub(super) fn forget(&self, id: &RequestId) {
        self.table().remove(id);
    }

    pub(super) fn table(&self) -> MutexGuard<'_, HashMap<RequestId, Option<Stashed>>> {
        // A panic elsewhere leaves the table whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the result that a message carries, and puts a small one in its place but where rmcp reads it itself.
    /// Returns whether the message was changed.
    fn keep(&self, message: &mut Value) -> bool {
        let Some(id) = answered(message).filter(|id| self.table().contains_key(id)) else {
            return false;
        };
        let Some(result) = message.get_mut("result").map(Value::take) else {
            return false;
        };
        // rmcp reads the schemas of `tools/list` for the headers of later calls.
        let read_by_rmcp = result.get("tools").is_some();
        message["result"] = if read_by_rmcp {
            result.clone()
        } else {
            json!({"content": []})
        };
        self.put(&id, Stashed::Result(result));
        !read_by_rmcp
    }

    /// Keeps that the answer to a request was too large, and returns a small one for rmcp.
    fn refuse(&self, id: &RequestId, measure: Measure) -> Value {
        self.put(id, Stashed::TooLarge(measure));
        json!({"jsonrpc": "2.0", "id": id, "result": {"content": []}})
    }

    /// An event with its result kept. `id` is the request that the stream answers, where it answers one: an event that is
    /// too large to be read is then that answer, and else left empty, which ends in the time-out of whoever waits.
    /// That the tools changed is counted here, and left out.
    fn tap(&self, mut event: Sse, id: Option<&RequestId>, watch: &Watch) -> Sse {
        let Some(data) = event.data.as_deref() else {
            return event;
        };
        if has_more_values(data.as_bytes(), watch.max_values) {
            event.data = id.map(|id| self.refuse(id, Measure::Values).to_string());
        } else if let Ok(mut message) = message::read(data.as_bytes()) {
            if watch.changes.note(&message) {
                event.data = None;
            } else if self.keep(&mut message) || message.get("error").is_some() {
                event.data = Some(message.to_string());
            }
        }
        event
    }
}

/// The HTTP client and the results that it keeps.
#[derive(Clone)]
pub(super) struct Tap {
    pub(super) http: reqwest::Client,
    pub(super) raw: Raw,
    pub(super) watch: Watch,
    /// `None` where the configuration says what is sent.
    pub(super) access: Option<Arc<Access>>,
}

/// What is looked for in every event.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) max_values: usize,
    pub(super) changes: Changes,
}

pub(super) type HttpError = StreamableHttpError<reqwest::Error>;
type Headers = HashMap<HeaderName, HeaderValue>;

impl Tap {
    /// Sends with the token that there is, and again with another where the server refuses that one.
    async fn with_access<T, F, Fut>(&self, given: Option<String>, send: F) -> Result<T, HttpError>
    where
        F: Fn(Option<String>) -> Fut,
        Fut: Future<Output = Result<T, HttpError>>,
    {
        let Some(access) = &self.access else {
            return send(given).await.map_err(plain_refusal);
        };
        let mut token = match given {
            Some(token) => Some(token),
            None => access.token().await.map_err(not_renewed)?,
        };
        let mut left = RENEWALS;
        loop {
            let error = match send(token.clone()).await.map_err(plain_refusal) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let challenge = match &error {
                StreamableHttpError::AuthRequired(refusal) => Challenge {
                    text: refusal.www_authenticate_header.clone(),
                    more: false,
                },
                StreamableHttpError::InsufficientScope(refusal) => Challenge {
                    text: refusal.www_authenticate_header.clone(),
                    more: true,
                },
                _ => return Err(error),
            };
            match access.renew(token.as_deref(), &challenge).await {
                Ok(Some(fresh)) if left > 0 => token = Some(fresh),
                Ok(_) => return Err(error),
                Err(error) => return Err(not_renewed(error)),
            }
            left -= 1;
        }
    }

    async fn post_once(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
        mut limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let id = match &message {
            ClientJsonRpcMessage::Request(request) if wants_raw(&request.request) => {
                request.id.clone()
            }
            _ => {
                limits.max_json_response_size = limits.max_json_response_size.min(HANDSHAKE);
                limits.max_sse_event_size = limits.max_sse_event_size.min(HANDSHAKE);
                let post = self.http.post_message_with_response_limits(
                    uri, message, session, token, headers, limits,
                );
                return post.await;
            }
        };
        self.raw.expect(&id);
        let (body, max) = (serde_json::to_vec(&message)?, limits.max_json_response_size);
        let unexpected =
            |text: String| Err(StreamableHttpError::UnexpectedServerResponse(text.into()));
        let bounds = http::Bounds {
            bytes: max,
            values: self.watch.max_values,
        };
        let (session, token) = (session.as_deref(), token.as_deref());
        match http::post(&self.http, &uri, session, token, headers, body, bounds).await? {
            http::Answer::Accepted => Ok(StreamableHttpPostResponse::Accepted),
            http::Answer::Json(mut message, session) => {
                self.raw.keep(&mut message);
                Ok(StreamableHttpPostResponse::Json(
                    serde_json::from_value(message)?,
                    session,
                ))
            }
            http::Answer::Events(events, session) => {
                let (raw, watch) = (self.raw.clone(), self.watch.clone());
                let events = events.map(move |event| match event {
                    // rmcp would ask again for the rest of the stream; the answer to this request is an error.
                    Err(SseError::Body(error)) if is_too_large(error.as_ref()) => {
                        Ok(Sse::default().data(raw.refuse(&id, Measure::Bytes).to_string()))
                    }
                    event => event.map(|event| raw.tap(event, Some(&id), &watch)),
                });
                Ok(StreamableHttpPostResponse::Sse(events.boxed(), session))
            }
            http::Answer::SessionGone => Err(StreamableHttpError::SessionExpired),
            http::Answer::Unauthorized(challenge) => Err(StreamableHttpError::AuthRequired(
                AuthRequiredError::new(challenge),
            )),
            http::Answer::MoreScope(challenge) => Err(StreamableHttpError::InsufficientScope(
                InsufficientScopeError::new(challenge, None),
            )),
            http::Answer::Status(status @ (429 | 500..)) => {
                Err(HttpStatusError::new(status, None).into())
            }
            http::Answer::Status(status) => unexpected(format!("HTTP {status}")),
            http::Answer::NotJson => {
                unexpected("the answer is neither JSON nor an event stream".to_owned())
            }
            http::Answer::TooLarge(measure) => {
                let refusal = self.raw.refuse(&id, measure);
                Ok(StreamableHttpPostResponse::Json(
                    serde_json::from_value(refusal)?,
                    session.map(str::to_owned),
                ))
            }
        }
    }
}

/// rmcp tells only in words that there was a 401 without a challenge.
fn plain_refusal(error: HttpError) -> HttpError {
    match error {
        StreamableHttpError::UnexpectedServerResponse(text) if text.starts_with("HTTP 401") => {
            StreamableHttpError::AuthRequired(AuthRequiredError::new(String::new()))
        }
        error => error,
    }
}

fn not_renewed(error: LoginError) -> HttpError {
    let reason = match error {
        LoginError::Token { reason, .. } | LoginError::Discovery { reason, .. } => {
            format!("the login could not be renewed: {reason}")
        }
        error => chain(&error),
    };
    StreamableHttpError::Auth(AuthError::OAuthError(reason))
}

impl StreamableHttpClient for Tap {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session, token, headers, limits)
            .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let send = |token| {
            let (uri, message) = (uri.clone(), message.clone());
            self.post_once(
                uri,
                message,
                session.clone(),
                token,
                headers.clone(),
                limits,
            )
        };
        self.with_access(token, send).await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<(), HttpError> {
        let send = |token| {
            let (uri, session) = (uri.clone(), session.clone());
            self.http
                .delete_session(uri, session, token, headers.clone())
        };
        self.with_access(token, send).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, HttpError> {
        let max = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(uri, session, last_event, token, headers, max)
            .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: Headers,
        max: usize,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, HttpError> {
        let send = |token| {
            let (uri, session, last_event) = (uri.clone(), session.clone(), last_event.clone());
            let headers = headers.clone();
            self.http
                .get_stream_with_max_sse_event_size(uri, session, last_event, token, headers, max)
        };
        let events = self.with_access(token, send).await?;
        let (raw, watch) = (self.raw.clone(), self.watch.clone());
        Ok(events
            .map(move |event| event.map(|event| raw.tap(event, None, &watch)))
            .boxed())
    }
}

fn is_too_large(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(http::StreamError::TooLarge))
}
