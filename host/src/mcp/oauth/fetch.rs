//! Every request of a login or a renewal: to addresses that are allowed, encrypted, without redirects, and bounded in number,
//! time and size. What a server's metadata says is the server's word: it may be endless, or lead anywhere.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientFuture, OAuthHttpRequest};
use thiserror::Error;

use super::address::{self, Allowed, Objection};
use crate::mcp::http;

/// Longest answer, in bytes.
const LONGEST: usize = 256 * 1024;
/// Longest time of one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most requests of one login: a list of a thousand authorization servers is not tried out.
const REQUESTS: usize = 32;

/// Why a request of a login has no answer.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    NotAllowed(#[from] Objection),
    #[error("the answer has more than {LONGEST} bytes")]
    TooLarge,
    #[error("it leads to more than {REQUESTS} requests")]
    TooMany,
    #[error("`{host}` cannot be asked")]
    Failed {
        host: String,
        #[source]
        source: reqwest::Error,
    },
}

/// The HTTP client of one login or renewal.
pub(super) struct Fetch {
    http: reqwest::Client,
    allowed: Allowed,
    left: AtomicUsize,
}

impl Fetch {
    /// What may be asked for the sake of the server at `url`.
    pub(super) fn new(url: &Url, allow_private: bool) -> Result<Fetch, reqwest::Error> {
        let allowed = Allowed::by(url, allow_private);
        let proxies = address::proxies();
        let client = |url: &str| {
            let resolver = address::Resolver {
                allowed,
                proxies: proxies.clone(),
            };
            http::builder(url)
                // rmcp follows those that stay at the same origin, each as a request of its own.
                .redirect(Policy::none())
                .dns_resolver(resolver)
                .timeout(PATIENCE)
                .build()
        };
        // A server on this machine may have its logins elsewhere.
        let http = client("https://").or_else(|_| client(url.as_str()))?;
        Ok(Fetch {
            http,
            allowed,
            left: AtomicUsize::new(REQUESTS),
        })
    }

    /// Whether a browser may be sent to an address.
    pub(super) fn check(&self, url: &Url) -> Result<(), Objection> {
        self.allowed.check(url)
    }

    async fn answer(&self, request: reqwest::Request) -> Result<Answer, FetchError> {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        left.map_err(|_| FetchError::TooMany)?;
        self.allowed.check(request.url())?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let failed = |error: reqwest::Error| FetchError::Failed {
            host: host.clone(),
            // Its path and query may hold a code.
            source: error.without_url(),
        };
        let response = self.http.execute(request).await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        // rmcp looks at how the server itself answers a GET: with events that never end, perhaps.
        let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let endless = kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"));
        let (mut body, mut chunks) = (Vec::new(), response.bytes_stream());
        while !endless && let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(failed)?;
            if body.len() + chunk.len() > LONGEST {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = Answer::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

impl OAuthHttpClient for Fetch {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            let request = reqwest::Request::try_from(request.request)?;
            Ok(self.answer(request).await?)
        })
    }
}

/// `http::Response<Vec<u8>>`, which rmcp names by a crate that is not ours.
type Answer = <<OAuthHttpClientFuture<'static> as Future>::Output as Fine>::Value;

trait Fine {
    type Value;
}

impl<T, E> Fine for Result<T, E> {
    type Value = T;
}
