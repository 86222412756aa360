//! Where to log in to a server, as rmcp finds it out, and what its tokens become. Login and renewal begin here.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationMetadata, AuthorizationMetadataSource,
    CredentialStore as _, InMemoryCredentialStore,
};
use serde_json::Value;
use tokio::time::timeout;

use super::address::{NotAllowed, Objection};
use super::fetch::{Fetch, FetchError};
use super::{Credentials, LoginError};
use crate::config::excerpt;

/// Longest time to find out.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest text of an authorization server in a message, in bytes.
const SHOWN: usize = 300;

/// What stays the same over one login or renewal.
pub(super) struct Asked<'a> {
    pub(super) server: &'a str,
    pub(super) url: &'a str,
    /// Texts that must not appear in a message.
    pub(super) secrets: &'a [String],
    pub(super) challenge: Option<&'a str>,
    pub(super) allow_private: bool,
}

/// Where to log in.
pub(super) struct Found {
    pub(super) manager: AuthorizationManager,
    pub(super) metadata: AuthorizationMetadata,
    /// Nobody said it: the endpoints are those of MCP 2025-03-26.
    pub(super) guessed: bool,
    /// Where the manager leaves what it was given.
    given: InMemoryCredentialStore,
}

impl Asked<'_> {
    pub(super) async fn discover(&self) -> Result<Found, LoginError> {
        let mut url = Url::parse(self.url).map_err(|_| self.unusable("its `url` is no address"))?;
        if !super::is_safe(self.url) {
            return Err(LoginError::Plain {
                server: self.server.to_owned(),
            });
        }
        // The address names the server to others; what else is in it may be secret.
        url.set_query(None);
        url.set_fragment(None);
        let plain = url.set_username("").and(url.set_password(None));
        plain.map_err(|()| self.unusable("its `url` is no address"))?;
        let fetch = Fetch::new(&url, self.allow_private);
        let fetch = Arc::new(fetch.map_err(|error| self.unusable(&told(&error, self.secrets)))?);
        let manager = AuthorizationManager::new_with_oauth_http_client(url, fetch.clone()).await;
        let mut manager = manager.map_err(|error| self.failed(&error))?;
        let given = InMemoryCredentialStore::new();
        manager.set_credential_store(given.clone());
        let resolved = manager.resolve_metadata_from_challenge(self.challenge);
        let resolved = timeout(PATIENCE, resolved).await;
        let resolved = resolved.map_err(|_| self.unusable("it takes too long"))?;
        let resolved = resolved.map_err(|error| self.failed(&error))?;
        self.check(&fetch, &resolved.metadata)?;
        manager.set_metadata(resolved.metadata.clone());
        Ok(Found {
            manager,
            metadata: resolved.metadata,
            guessed: resolved.source == AuthorizationMetadataSource::LegacyEndpointFallback,
            given,
        })
    }

    /// Before a client is registered, a person sent anywhere, or a code shown.
    fn check(&self, fetch: &Fetch, metadata: &AuthorizationMetadata) -> Result<(), LoginError> {
        let endpoints = [
            (
                "authorization_endpoint",
                Some(&metadata.authorization_endpoint),
            ),
            ("token_endpoint", Some(&metadata.token_endpoint)),
            (
                "registration_endpoint",
                metadata.registration_endpoint.as_ref(),
            ),
        ];
        for (name, endpoint) in endpoints {
            let Some(endpoint) = endpoint else { continue };
            let url = Url::parse(endpoint)
                .map_err(|_| self.unusable(&format!("its `{name}` is no address")))?;
            fetch.check(&url).map_err(|objection| {
                let reason = quoted(&format!("its `{name}`: {objection}"), self.secrets);
                LoginError::Discovery {
                    server: self.server.to_owned(),
                    reason,
                    private: matches!(objection, Objection::Private(_)),
                }
            })?;
        }
        Ok(())
    }

    /// What a text of somebody else looks like in a message.
    pub(super) fn told(&self, error: &AuthError) -> String {
        told(error, self.secrets)
    }

    fn unusable(&self, reason: &str) -> LoginError {
        LoginError::Discovery {
            server: self.server.to_owned(),
            reason: reason.to_owned(),
            private: false,
        }
    }

    fn failed(&self, error: &AuthError) -> LoginError {
        LoginError::Discovery {
            server: self.server.to_owned(),
            reason: self.told(error),
            private: is_private(error),
        }
    }
}

impl Found {
    /// What the last exchange gave, for this client.
    pub(super) async fn credentials(&self) -> Result<Credentials, String> {
        let stored = self.given.load().await.map_err(|error| error.to_string())?;
        let stored = stored.ok_or("there is none")?;
        let response = serde_json::to_value(&stored.token_response).map_err(|e| e.to_string())?;
        let text = |key: &str| response.get(key).and_then(Value::as_str).map(str::to_owned);
        let kind = text("token_type").unwrap_or_default();
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err("it is no bearer token".to_owned());
        }
        let lasts = response.get("expires_in").and_then(Value::as_u64);
        Ok(Credentials {
            issuer: stored.issuer,
            client_id: stored.client_id,
            client_secret: None,
            access_token: text("access_token").ok_or("there is none")?,
            refresh_token: text("refresh_token").filter(|token| !token.is_empty()),
            expires: lasts
                .zip(stored.token_received_at)
                .map(|(lasts, at)| at.saturating_add(lasts)),
            scopes: stored.granted_scopes,
            wanted: Vec::new(),
            challenge: None,
            allow_private: false,
        })
    }

    /// What the manager is to renew.
    pub(super) async fn put(&self, kept: &Credentials) -> Result<(), AuthError> {
        let stored = serde_json::json!({
            "client_id": kept.client_id,
            "token_response": {
                "access_token": kept.access_token,
                "refresh_token": kept.refresh_token,
                "token_type": "bearer",
            },
            "granted_scopes": kept.scopes,
            "issuer": kept.issuer,
        });
        let stored = serde_json::from_value(stored);
        let stored = stored.map_err(|error| AuthError::InternalError(error.to_string()))?;
        self.given.save(stored).await
    }
}

/// An error of rmcp in one short line.
fn told(error: &(dyn Error + 'static), secrets: &[String]) -> String {
    excerpt(crate::mcp::chain(error).as_bytes(), true, SHOWN, secrets)
}

/// A text of an authorization server in one short line.
pub(super) fn quoted(text: &str, secrets: &[String]) -> String {
    excerpt(text.as_bytes(), true, SHOWN, secrets)
}

fn is_private(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let refused = error.downcast_ref::<FetchError>();
        let is_literal = matches!(refused, Some(FetchError::NotAllowed(Objection::Private(_))));
        if is_literal || error.is::<NotAllowed>() {
            return true;
        }
        cause = error.source();
    }
    false
}
