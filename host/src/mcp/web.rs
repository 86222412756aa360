//! The way to a server over HTTP: its headers, its limits, and what its refusals mean.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{AuthError, WWWAuthenticateParams};
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransportConfig, StreamableHttpError,
};

use super::changes::Changes;
use super::oauth::Access;
use super::tap::{HttpError, Raw, Tap, Watch};
use super::{ClientLimits, ServerError, chain, http};
use crate::config::excerpt;

/// Longest list of scopes in a message, in bytes.
const SCOPES: usize = 200;

/// The transport for rmcp, and where results are kept as they were sent.
pub(super) fn transport(
    server: &str,
    url: &str,
    headers: &IndexMap<String, String>,
    limits: &ClientLimits,
    changes: &Changes,
    access: Option<Arc<Access>>,
) -> Result<(StreamableHttpClientTransport<Tap>, Raw), ServerError> {
    let failed = |reason: String| ServerError::Spawn {
        server: server.to_owned(),
        reason,
    };
    let http = http::client(url).map_err(|error| failed(chain(&error.without_url())))?;
    let tap = Tap {
        http,
        raw: Raw::default(),
        watch: Watch {
            max_values: limits.max_values,
            changes: changes.clone(),
        },
        access,
    };
    let mut fields = HashMap::new();
    for (name, value) in headers {
        let wrong = || {
            failed(format!(
                "the header `{name}` has a name or value that HTTP does not allow"
            ))
        };
        let mut text = HeaderValue::from_str(value).map_err(|_| wrong())?;
        text.set_sensitive(true);
        fields.insert(
            HeaderName::try_from(name.as_str()).map_err(|_| wrong())?,
            text,
        );
    }
    let raw = tap.raw.clone();
    let options = StreamableHttpClientTransportConfig::with_uri(url)
        .custom_headers(fields)
        // rmcp would repeat a call in a new session, where the tool may be another: `servers` connects anew,
        // lists and compares.
        .reinit_on_expired_session(false)
        .max_concurrent_requests(64)
        .max_sse_event_size(limits.max_message)
        .max_json_response_size(limits.max_message);
    Ok((
        StreamableHttpClientTransport::with_client(tap, options),
        raw,
    ))
}

/// The error of a server that wants a login, or a better one; `access` says whether one would be used.
pub(super) fn unauthorized(
    server: &str,
    access: bool,
    error: &(dyn std::error::Error + Send + Sync + 'static),
) -> Option<ServerError> {
    let reason = match error.downcast_ref::<HttpError>()? {
        StreamableHttpError::AuthRequired(_) if access => {
            "there is no login, or it is over".to_owned()
        }
        StreamableHttpError::AuthRequired(_) => {
            "it does not take what the configuration sends".to_owned()
        }
        StreamableHttpError::InsufficientScope(refusal) => {
            let words = &refusal.www_authenticate_header;
            // Only a relative address in it would need one.
            let base = reqwest::Url::parse("https://unknown.invalid/").ok()?;
            let said = WWWAuthenticateParams::parse(words, &base);
            match said
                .scope
                .filter(|_| said.error.as_deref() == Some("insufficient_scope"))
            {
                Some(scope) => {
                    let scope = excerpt(scope.as_bytes(), true, SCOPES, &[]);
                    format!("the login is not good for `{scope}`")
                }
                None => "the login is not good for this".to_owned(),
            }
        }
        StreamableHttpError::Auth(AuthError::OAuthError(reason)) => reason.clone(),
        StreamableHttpError::Auth(error) => chain(error),
        _ => return None,
    };
    Some(ServerError::Unauthorized {
        server: server.to_owned(),
        reason,
    })
}

/// Why HTTP failed, without the address: its path and query may hold credentials.
pub(super) fn reason(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    let text = match error.downcast_ref::<HttpError>() {
        // rmcp does not tell the cause of this one.
        Some(StreamableHttpError::Client(error)) => chain(error),
        _ => chain(error),
    };
    let address = text
        .split_once(" for url (")
        .and_then(|(head, rest)| Some((head, rest.split_once(')')?.1)));
    match address {
        Some((head, rest)) => format!("{head}{rest}"),
        None => text,
    }
}
