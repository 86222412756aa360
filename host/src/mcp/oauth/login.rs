//! One login: from a server's challenge to the address that a person opens, and from what came back to credentials. The
//! browser and the listener that it comes back to are the caller's.

use std::fmt;

use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use rmcp::transport::auth::{AuthError, OAuthClientConfig};
use serde_json::Value;

use super::discovery::{Asked, Found, quoted};
use super::{Credentials, LoginError, Tokens};
use crate::config::{GrantType, Oauth, ServerConfig, Transport};
use crate::mcp::{ClientLimits, client};

/// What a client that registers itself is called.
const NAME: &str = "witgate";
/// The scope that asks for a refresh token.
const OFFLINE: &str = "offline_access";

/// How to log in.
#[derive(Debug, Clone)]
pub struct LoginOptions {
    /// Where the browser is sent back to: `http://127.0.0.1:PORT/callback`, where the caller listens.
    pub redirect: String,
    /// Where the caller publishes the metadata of its client, an `https://` address: the client's id at authorization
    /// servers that take such a document.
    pub client_metadata_url: Option<String>,
    /// Whether the server may lead to addresses of a private network, without being at one by its own address.
    pub allow_private: bool,
    /// Bounds on asking the server.
    pub limits: ClientLimits,
}

/// A login under way: a person has to open its address.
pub struct Login {
    server: String,
    /// The server's address.
    at: String,
    secrets: Vec<String>,
    tokens: Tokens,
    found: Found,
    /// What the client registered here got.
    client_secret: Option<String>,
    challenge: Option<String>,
    allow_private: bool,
    redirect: Url,
    state: String,
    url: Url,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Login {
    /// Asks the server for its challenge, finds out where to log in, and introduces this client there: as the one that the
    /// configuration names, else by its published metadata, else by registering it.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn start(
        server: &str,
        config: &ServerConfig,
        tokens: &Tokens,
        options: &LoginOptions,
    ) -> Result<Login, LoginError> {
        let name = || server.to_owned();
        let Transport::Http {
            url,
            headers,
            oauth,
        } = &config.transport
        else {
            return Err(LoginError::NotHttp { server: name() });
        };
        if headers.keys().any(|key| AUTHORIZATION == key.as_str()) {
            return Err(LoginError::Header { server: name() });
        }
        if oauth.grant_type == GrantType::ClientCredentials {
            return Err(LoginError::ByItself { server: name() });
        }
        let challenge = client::challenge(server, config, &options.limits).await?;
        let (of, at) = (name(), url.clone());
        // What cannot be read is replaced by this login.
        let kept = tokens.with(move |store| store.load(&of, &at)).await;
        let kept = kept.ok().flatten();
        let kept_challenge = kept.as_ref().and_then(|kept| kept.challenge.clone());
        let challenge = challenge.or(kept_challenge);
        let asked = Asked {
            server,
            url,
            secrets: &config.secrets,
            challenge: challenge.as_deref(),
            allow_private: options.allow_private,
        };
        let mut found = asked.discover().await?;
        if found.guessed && challenge.is_none() {
            return Err(LoginError::NotAsked { server: name() });
        }
        let scopes = scopes(&found, oauth, kept.as_ref()).await;
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let client_secret = introduce(&mut found, oauth, options, &scopes)
            .await
            .map_err(|error| LoginError::Registration {
                server: name(),
                reason: asked.told(&error),
                redirect: options.redirect.clone(),
            })?;
        let unusable = |reason: String| LoginError::Discovery {
            server: name(),
            reason,
            private: false,
        };
        let url = found.manager.get_authorization_url(&scopes).await;
        let opened = url.map_err(|error| unusable(asked.told(&error)))?;
        let opened = Url::parse(&opened).map_err(|error| unusable(error.to_string()))?;
        let state = only(&opened, "state").ok().flatten();
        let redirect = Url::parse(&options.redirect);
        let (Some(state), Ok(redirect)) = (state, redirect) else {
            return Err(unusable("the address to come back to is none".to_owned()));
        };
        let mut secrets = config.secrets.clone();
        secrets.extend(client_secret.clone());
        Ok(Login {
            server: name(),
            at: asked.url.to_owned(),
            secrets,
            tokens: tokens.clone(),
            found,
            client_secret,
            allow_private: options.allow_private,
            redirect,
            state,
            url: opened,
            challenge,
        })
    }

    /// What the person has to open.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Whether a request to the listener is the answer to this login: `target` is its path and query. Anybody on this
    /// machine can send others.
    pub fn is_answered_by(&self, target: &str) -> bool {
        let Ok(answer) = self.redirect.join(target) else {
            return false;
        };
        answer.origin() == self.redirect.origin()
            && answer.path() == self.redirect.path()
            && only(&answer, "state") == Ok(Some(self.state.clone()))
    }

    /// Changes the answer for tokens and keeps them.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn finish(self, target: &str) -> Result<Credentials, LoginError> {
        let server = || self.server.clone();
        let callback = |reason: String| LoginError::Callback {
            server: server(),
            reason,
        };
        if !self.is_answered_by(target) {
            return Err(callback("it is not for this login".to_owned()));
        }
        let answer = self.redirect.join(target);
        let answer = answer.map_err(|error| callback(error.to_string()))?;
        let text = |name| only(&answer, name).map_err(callback);
        let issuer = text("iss")?;
        if let Some(error) = text("error")? {
            let known = self.found.metadata.issuer.as_ref();
            if issuer.is_some() && issuer.as_ref() != known {
                return Err(callback("another authorization server made it".to_owned()));
            }
            let more = text("error_description")?.map(|more| format!(": {more}"));
            let said = format!("{error}{}", more.unwrap_or_default());
            return Err(LoginError::Refused {
                server: server(),
                reason: quoted(&said, &self.secrets),
            });
        }
        let code = text("code")?.ok_or_else(|| callback("it has no code".to_owned()))?;
        let mut secrets = self.secrets.clone();
        secrets.push(code.clone());
        let told = |error: &AuthError| quoted(&crate::mcp::chain(error), &secrets);
        let manager = &self.found.manager;
        let exchanged =
            manager.exchange_code_for_token_with_issuer(&code, &self.state, issuer.as_deref());
        exchanged.await.map_err(|error| match error {
            AuthError::AuthorizationServerMismatch { .. }
            | AuthError::AuthorizationServerMissingIssuer { .. }
            | AuthError::AuthorizationFailed(_) => callback(told(&error)),
            _ => LoginError::Token {
                server: server(),
                reason: told(&error),
            },
        })?;
        let given = self.found.credentials().await;
        let given = given.map_err(|reason| LoginError::Token {
            server: server(),
            reason,
        })?;
        let credentials = Credentials {
            client_secret: self.client_secret.clone(),
            challenge: self.challenge.clone(),
            allow_private: self.allow_private,
            ..given
        };
        let (of, at, kept) = (server(), self.at.clone(), credentials.clone());
        let saved = self.tokens.with(move |store| store.save(&of, &at, &kept));
        saved.await.map_err(|source| LoginError::Store {
            server: server(),
            source,
        })?;
        Ok(credentials)
    }
}

/// What to ask for: what the configuration says, else what the server says; and what a login before was good for, where it
/// did not reach.
async fn scopes(found: &Found, oauth: &Oauth, kept: Option<&Credentials>) -> Vec<String> {
    let mut scopes = match oauth.scopes.as_slice() {
        [] => found.manager.select_initial_scopes(&[]).await,
        scopes => scopes.to_vec(),
    };
    if let Some(kept) = kept.filter(|kept| !kept.wanted.is_empty()) {
        scopes.extend(kept.scopes.iter().chain(&kept.wanted).cloned());
    }
    let supported = found.metadata.scopes_supported.as_deref();
    if !scopes.is_empty() && supported.unwrap_or_default().iter().any(|s| s == OFFLINE) {
        scopes.push(OFFLINE.to_owned());
    }
    let mut seen = std::collections::HashSet::new();
    scopes.retain(|scope| seen.insert(scope.clone()));
    scopes
}

/// Tells the manager which client this is; the secret of one that was registered now.
async fn introduce(
    found: &mut Found,
    oauth: &Oauth,
    options: &LoginOptions,
    scopes: &[&str],
) -> Result<Option<String>, AuthError> {
    let takes_documents = found
        .metadata
        .additional_fields
        .get("client_id_metadata_document_supported")
        == Some(&Value::Bool(true));
    let document = options.client_metadata_url.as_ref();
    let known = match (&oauth.client_id, document.filter(|_| takes_documents)) {
        (Some(id), _) => Some((id, oauth.client_secret.as_ref())),
        (None, Some(document)) => Some((document, None)),
        (None, None) => None,
    };
    match known {
        Some((id, secret)) => {
            let mut client = OAuthClientConfig::new(id, &options.redirect);
            if let Some(secret) = secret {
                client = client.with_client_secret(secret);
            }
            found.manager.configure_client(client)?;
            Ok(None)
        }
        None => {
            let register = found
                .manager
                .register_client(NAME, &options.redirect, scopes);
            Ok(register.await?.client_secret)
        }
    }
}

/// The one value of a query's key.
///
/// # Errors
/// It stands twice: nobody knows which is meant.
fn only(url: &Url, key: &str) -> Result<Option<String>, String> {
    let mut values = url.query_pairs().filter(|(name, _)| name == key);
    let value = values.next().map(|(_, value)| value.into_owned());
    match values.next() {
        Some(_) => Err(format!("`{key}` stands there twice")),
        None => Ok(value),
    }
}
