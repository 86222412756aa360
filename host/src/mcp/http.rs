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
    /// It asks for more of it, with its challenge.
    MoreScope(String),
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
    let redirect = Policy::custom(|attempt| {
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
    });
    builder(url).redirect(redirect).build()
}

/// What all our HTTP clients have in common.
pub(super) fn builder(url: &str) -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // It fails only where an embedding program has chosen a provider before: then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = reqwest::Client::builder()
        // A pooled connection whose last body was not read to the end stalls for 40 ms (delayed ACK).
        .pool_max_idle_per_host(0);
    if url.starts_with("http://") {
        // No certificate is needed, so a machine without any can still reach a local server.
        builder.tls_certs_only([])
    } else {
        builder
    }
}

/// Posts `body` and reads the answer, bounded: JSON bodies in all, single events in their bytes.
pub(super) async fn post(
    client: &reqwest::Client,
    url: &str,
    session: Option<&str>,
    token: Option<&str>,
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
    if let Some(token) = token {
        request = request.bearer_auth(token);
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
    match (status, challenge(response.headers())) {
        (StatusCode::UNAUTHORIZED, challenge) => {
            return Ok(Answer::Unauthorized(challenge.unwrap_or_default()));
        }
        (StatusCode::FORBIDDEN, Some(challenge)) => return Ok(Answer::MoreScope(challenge)),
        _ => {}
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

/// What a server asks for: a bearer token, where it leaves a choice.
fn challenge(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(WWW_AUTHENTICATE).iter();
    let mut all = all.filter_map(|value| value.to_str().ok()).peekable();
    let first = all.peek().copied();
    let is_bearer = |value: &&str| {
        let scheme = value.split(' ').next().unwrap_or_default();
        scheme.eq_ignore_ascii_case("bearer")
    };
    all.find(is_bearer).or(first).map(str::to_owned)
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
    fn of_several_challenges_the_bearer_one_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(challenge(&headers), None);
        for (value, expected) in [
            ("Basic realm=x", "Basic realm=x"),
            ("bearer scope=y", "bearer scope=y"),
            ("Bearer scope=z", "bearer scope=y"),
        ] {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
            assert_eq!(challenge(&headers).as_deref(), Some(expected));
        }
    }

    #[test]
    fn an_event_is_counted_across_chunks_and_ends_at_an_empty_line() {
        let mut event = EventSize::default();
        assert_eq!(event.longest(b"data: a"), 7);
        assert_eq!(event.longest(b"b\r\n"), 10);
        assert_eq!(event.longest(b"\r\ndata"), 11);
        assert_eq!(event.longest(b": c"), 7);
    }
}
