//! One POST of streamable HTTP whose answer is wanted as it was sent, within a size limit. Sessions, headers of the
//! protocol and reconnection are not here: the caller passes headers in and gets a session id out.

use std::sync::Once;

use futures::stream::{BoxStream, StreamExt};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use sse_stream::{Sse, SseStream};
use thiserror::Error;

use super::message;
use super::weigh::{Measure, has_more_values};

/// The header that carries a session's id.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// How much of an error page is read to find a JSON-RPC error in it.
const ERROR_PAGE: usize = 64 * 1024;

/// What a POST was answered with.
pub(super) enum Answer {
    /// Taken, without an answer.
    Accepted,
    /// One JSON-RPC message.
    Json(Value, Option<String>),
    /// Server-sent events.
    Events(
        BoxStream<'static, Result<Sse, sse_stream::Error>>,
        Option<String>,
    ),
    /// The session is unknown to the server.
    SessionGone,
    /// The server asks for authorization, with its challenge.
    Unauthorized(String),
    /// Any other HTTP status.
    Status(u16),
    /// Another content type, or no JSON.
    NotJson,
    /// The body was larger than the limit.
    TooLarge(Measure),
}

/// How large an answer may be.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    pub(super) values: usize,
}

/// An event or body was longer than the limit, or the connection broke.
#[derive(Debug, Error)]
pub(super) enum StreamError {
    #[error("an event is longer than the limit")]
    TooLarge,
    #[error("the connection broke")]
    Broken(#[source] reqwest::Error),
}

/// An HTTP client for `url`; rustls with ring, the system's certificates.
pub(super) fn client(url: &str) -> Result<reqwest::Client, reqwest::Error> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // It fails only where an embedding program has chosen a provider before: then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut builder = reqwest::Client::builder()
        // A pooled connection whose last body was not read to the end stalls for 40 ms (delayed ACK).
        .pool_max_idle_per_host(0)
        .redirect(Policy::custom(|attempt| {
            let keeps_body = matches!(
                attempt.status(),
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
            );
            // Another origin must not see the headers, which may hold credentials.
            let same_origin = attempt
                .previous()
                .last()
                .is_some_and(|last| last.origin() == attempt.url().origin());
            if keeps_body && same_origin && attempt.previous().len() < 10 {
                attempt.follow()
            } else {
                attempt.stop()
            }
        }));
    if url.starts_with("http://") {
        // No certificate is needed, so a machine without any can still reach a local server.
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

/// Posts `body` and reads the answer, bounded: JSON bodies in all, single events in their bytes.
pub(super) async fn post(
    client: &reqwest::Client,
    url: &str,
    session: Option<&str>,
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    body: Vec<u8>,
    max: Bounds,
) -> Result<Answer, reqwest::Error> {
    let mut request = client.post(url).body(body);
    request = request
        .header(ACCEPT, "application/json, text/event-stream")
        .header(CONTENT_TYPE, "application/json");
    if let Some(session) = session {
        request = request.header(SESSION, session);
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = request.send().await.map_err(reqwest::Error::without_url)?;
    let status = response.status();
    if matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT) {
        return Ok(Answer::Accepted);
    }
    if status == StatusCode::NOT_FOUND && session.is_some() {
        return Ok(Answer::SessionGone);
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Ok(Answer::Unauthorized(
            text(response.headers(), &WWW_AUTHENTICATE).unwrap_or_default(),
        ));
    }
    let session = text(response.headers(), &SESSION);
    let kind = text(response.headers(), &CONTENT_TYPE)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
    if !status.is_success() {
        // A failed request may still carry its JSON-RPC error.
        let error = if kind == "application/json" {
            let small = Bounds {
                bytes: ERROR_PAGE,
                ..max
            };
            read_json(response, small).await?
        } else {
            Answer::NotJson
        };
        return Ok(match error {
            Answer::Json(message, _) if message.get("error").is_some() => {
                Answer::Json(message, session)
            }
            _ => Answer::Status(status.as_u16()),
        });
    }
    match kind.as_str() {
        "application/json" => Ok(match read_json(response, max).await? {
            Answer::Json(message, _) => Answer::Json(message, session),
            other => other,
        }),
        "text/event-stream" => Ok(Answer::Events(events(response, max.bytes), session)),
        _ => Ok(Answer::NotJson),
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

async fn read_json(response: Response, max: Bounds) -> Result<Answer, reqwest::Error> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(reqwest::Error::without_url)?;
        if body.len() + chunk.len() > max.bytes {
            return Ok(Answer::TooLarge(Measure::Bytes));
        }
        body.extend_from_slice(&chunk);
    }
    if has_more_values(&body, max.values) {
        return Ok(Answer::TooLarge(Measure::Values));
    }
    Ok(message::read(&body).map_or(Answer::NotJson, |message| Answer::Json(message, None)))
}

fn events(response: Response, max: usize) -> BoxStream<'static, Result<Sse, sse_stream::Error>> {
    let mut event = EventSize::default();
    let chunks = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|error| StreamError::Broken(error.without_url()))?;
        if event.longest(&chunk) > max {
            Err(StreamError::TooLarge)
        } else {
            Ok(chunk)
        }
    });
    SseStream::from_bytes_stream(chunks).boxed()
}

/// Counts the bytes of the event that is being received; an empty line ends it.
#[derive(Default)]
struct EventSize {
    bytes: usize,
    in_line: bool,
}

impl EventSize {
    /// The size of the longest event of which `chunk` is a part, as far as it is known.
    fn longest(&mut self, chunk: &[u8]) -> usize {
        let mut longest = 0;
        for byte in chunk {
            self.bytes += 1;
            match byte {
                b'\n' if !self.in_line => self.bytes = 0,
                b'\n' => self.in_line = false,
                b'\r' => {}
                _ => self.in_line = true,
            }
            longest = longest.max(self.bytes);
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_counted_across_chunks_and_ends_at_an_empty_line() {
        let mut event = EventSize::default();
        assert_eq!(event.longest(b"data: a"), 7);
        assert_eq!(event.longest(b"b\r\n"), 10);
        assert_eq!(event.longest(b"\r\ndata"), 11);
        assert_eq!(event.longest(b": c"), 7);
    }
}
