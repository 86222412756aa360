//! The HTTP client below rmcp's sessions: rmcp's own, but for the requests whose result is wanted as it was sent.
//! Sessions, retries and streams stay rmcp's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream::{BoxStream, StreamExt};
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{ClientJsonRpcMessage, RequestId};
use rmcp::transport::streamable_http_client::{
    AuthRequiredError, HttpStatusError, SseError, StreamableHttpClient, StreamableHttpError,
    StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use serde_json::{Value, json};
use sse_stream::Sse;

use super::http;
use super::pipe::{answered, wants_raw};

/// Results that came over HTTP, as they were sent, until the request that waits takes them.
#[derive(Clone, Default)]
pub(super) struct Raw(Arc<Mutex<HashMap<RequestId, Option<Stashed>>>>);

pub(super) enum Stashed {
    Result(Value),
    TooLarge,
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

    fn table(&self) -> MutexGuard<'_, HashMap<RequestId, Option<Stashed>>> {
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

    fn tap(&self, mut event: Sse) -> Sse {
        let data = event
            .data
            .as_deref()
            .and_then(|data| serde_json::from_str::<Value>(data).ok());
        if let Some(mut message) = data
            && self.keep(&mut message)
        {
            event.data = Some(message.to_string());
        }
        event
    }

    fn tap_all(
        &self,
        events: BoxStream<'static, Result<Sse, SseError>>,
    ) -> BoxStream<'static, Result<Sse, SseError>> {
        let raw = self.clone();
        events
            .map(move |event| event.map(|event| raw.tap(event)))
            .boxed()
    }
}

/// The HTTP client and the results that it keeps.
#[derive(Clone)]
pub(super) struct Tap {
    pub(super) http: reqwest::Client,
    pub(super) raw: Raw,
}

pub(super) type HttpError = StreamableHttpError<reqwest::Error>;
type Headers = HashMap<HeaderName, HeaderValue>;

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
        let id = match &message {
            ClientJsonRpcMessage::Request(request) if wants_raw(&request.request) => {
                request.id.clone()
            }
            _ => {
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
        match http::post(&self.http, &uri, session.as_deref(), headers, body, max).await? {
            http::Answer::Accepted => Ok(StreamableHttpPostResponse::Accepted),
            http::Answer::Json(mut message, session) => {
                self.raw.keep(&mut message);
                Ok(StreamableHttpPostResponse::Json(
                    serde_json::from_value(message)?,
                    session,
                ))
            }
            http::Answer::Events(events, session) => {
                let raw = self.raw.clone();
                let events = events.map(move |event| match event {
                    // rmcp would ask again for the rest of the stream; the answer to this request is an error.
                    Err(SseError::Body(error)) if is_too_large(error.as_ref()) => {
                        raw.put(&id, Stashed::TooLarge);
                        let refusal =
                            json!({"jsonrpc": "2.0", "id": id, "result": {"content": []}});
                        Ok(Sse::default().data(refusal.to_string()))
                    }
                    event => event.map(|event| raw.tap(event)),
                });
                Ok(StreamableHttpPostResponse::Sse(events.boxed(), session))
            }
            http::Answer::SessionGone => Err(StreamableHttpError::SessionExpired),
            http::Answer::Unauthorized(challenge) => Err(StreamableHttpError::AuthRequired(
                AuthRequiredError::new(challenge),
            )),
            http::Answer::Status(status @ (429 | 500..)) => {
                Err(HttpStatusError::new(status, None).into())
            }
            http::Answer::Status(status) => unexpected(format!("HTTP {status}")),
            http::Answer::NotJson => {
                unexpected("the answer is neither JSON nor an event stream".to_owned())
            }
            http::Answer::TooLarge => {
                Err(StreamableHttpError::ResponseBodyTooLarge { max_size: max })
            }
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<(), HttpError> {
        self.http.delete_session(uri, session, token, headers).await
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
        let events = self
            .http
            .get_stream_with_max_sse_event_size(uri, session, last_event, token, headers, max);
        Ok(self.raw.tap_all(events.await?))
    }
}

fn is_too_large(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(http::StreamError::TooLarge))
}
