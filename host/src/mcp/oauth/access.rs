//! The token of a connection's requests: taken from the store, renewed when it is over or refused, by one request for all.
//! Nobody is asked: what only a person can mend is left to a login.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rmcp::transport::auth::WWWAuthenticateParams;
use rmcp::transport::auth::{AuthError, ClientCredentialsConfig, OAuthClientConfig};
use tokio::time::sleep;

use super::discovery::Asked;
use super::{Credentials, LoginError, Tokens};
use crate::config::{GrantType, Oauth};

/// A token is renewed when it has less than this to live, in seconds.
const EARLY: u64 = 10;
/// How long another process may take to renew the same token: asked again after each.
const LOCKED: (u32, Duration) = (200, Duration::from_millis(100));
/// Longest challenge that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;
/// Most scopes that are noted for the next login, and the longest of them.
const WANTED: (usize, usize) = (50, 200);

/// With what a server refused a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// Its `WWW-Authenticate`.
    pub(crate) text: String,
    /// The token is good, but not for this.
    pub(crate) more: bool,
}

/// What a connection may show to its server.
pub(crate) struct Access {
    server: String,
    url: String,
    oauth: Oauth,
    /// Texts that must not appear in a message: of the configuration, and every token since.
    secrets: Mutex<Vec<String>>,
    tokens: Option<Tokens>,
    now: tokio::sync::Mutex<Option<Credentials>>,
    last: Mutex<Option<Challenge>>,
}

impl Access {
    pub(crate) fn new(
        server: &str,
        url: &str,
        oauth: &Oauth,
        secrets: &[String],
        tokens: Option<Tokens>,
    ) -> Access {
        Access {
            server: server.to_owned(),
            url: url.to_owned(),
            oauth: oauth.clone(),
            secrets: Mutex::new(secrets.to_vec()),
            // What a secret buys can be bought again.
            tokens: tokens.filter(|_| oauth.grant_type == GrantType::AuthorizationCode),
            now: tokio::sync::Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// What must not be shown of this connection.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let secrets = self.secrets.lock();
        secrets.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the server said last, when it refused a request.
    pub(crate) fn last_challenge(&self) -> Option<Challenge> {
        let last = self.last.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The token to send, if there is any.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) async fn token(self: &Arc<Self>) -> Result<Option<String>, LoginError> {
        let mut now = self.now.lock().await;
        if now.is_none() {
            self.adopt(&mut now, self.load().await?);
        }
        let Some(credentials) = now.as_ref() else {
            return Ok(None);
        };
        let (sent, over) = (credentials.access_token.clone(), is_over(credentials));
        drop(now);
        if !over {
            return Ok(Some(sent));
        }
        // Where that fails, the server has the last word: this clock may be wrong.
        let renewed = self.to_the_end(Some(sent.clone()), None).await;
        Ok(renewed.ok().flatten().or(Some(sent)))
    }

    /// Another token than the one that was refused; `None` where only a login helps.
    ///
    /// # Errors
    /// [`LoginError`]; to try again may help.
    pub(crate) async fn renew(
        self: &Arc<Self>,
        sent: Option<&str>,
        challenge: &Challenge,
    ) -> Result<Option<String>, LoginError> {
        let mut challenge = challenge.clone();
        if challenge.text.len() > LONGEST {
            challenge.text.clear();
        }
        if let Ok(mut last) = self.last.lock() {
            *last = Some(challenge.clone());
        }
        self.to_the_end(sent.map(str::to_owned), Some(challenge))
            .await
    }

    /// Renews, whoever stops waiting for it: a refresh token is good once, and what it bought must be kept.
    async fn to_the_end(
        self: &Arc<Self>,
        sent: Option<String>,
        challenge: Option<Challenge>,
    ) -> Result<Option<String>, LoginError> {
        let access = self.clone();
        let renewing = tokio::spawn(async move {
            let mut now = access.now.lock().await;
            let current = now.as_ref().map(|now| &now.access_token);
            if current.is_some() && current != sent.as_ref() {
                return Ok(current.cloned());
            }
            let sent = sent.as_deref();
            access.renewed(&mut now, sent, challenge.as_ref()).await
        });
        let renewed = renewing.await;
        renewed.unwrap_or_else(|error| Err(self.not_kept(std::io::Error::other(error))))
    }

    /// What a login, another process, or the authorization server has for us.
    async fn renewed(
        &self,
        now: &mut Option<Credentials>,
        sent: Option<&str>,
        challenge: Option<&Challenge>,
    ) -> Result<Option<String>, LoginError> {
        let newer = |kept: &Credentials| sent != Some(kept.access_token.as_str());
        if let Some(kept) = self.load().await?.filter(newer) {
            return Ok(self.adopt(now, Some(kept)));
        }
        if self.oauth.grant_type == GrantType::ClientCredentials {
            let fresh = self.exchange(now.as_ref(), challenge).await?;
            return Ok(self.adopt(now, fresh));
        }
        let more = challenge.filter(|challenge| challenge.more);
        let Some(mut held) = now.clone() else {
            return Ok(None);
        };
        if more.is_none() && held.refresh_token.is_none() {
            return Ok(None);
        }
        let _lock = self.lock().await?;
        match self.load().await? {
            Some(kept) if newer(&kept) => return Ok(self.adopt(now, Some(kept))),
            Some(_) => {}
            // A person logged out.
            None => {
                *now = None;
                return Ok(None);
            }
        }
        if let Some(more) = more {
            held.wanted = self.wanted(more, &held);
            self.save(&held).await?;
            *now = Some(held);
            return Ok(None);
        }
        let fresh = self.refresh(&held, challenge).await?;
        match &fresh {
            Some(fresh) => self.save(fresh).await?,
            None => {
                // It is worth nothing any more: whoever comes next need not find that out again.
                held.refresh_token = None;
                self.save(&held).await?;
                *now = Some(held);
            }
        }
        Ok(self.adopt(now, fresh))
    }

    /// Spends the refresh token; `None` where it is worth nothing.
    async fn refresh(
        &self,
        held: &Credentials,
        challenge: Option<&Challenge>,
    ) -> Result<Option<Credentials>, LoginError> {
        let secrets = self.secrets();
        let words = challenge.map(|challenge| challenge.text.as_str());
        let asked = Asked {
            server: &self.server,
            url: &self.url,
            secrets: &secrets,
            challenge: words
                .filter(|words| !words.is_empty())
                .or(held.challenge.as_deref()),
            allow_private: held.allow_private,
        };
        let mut found = asked.discover().await?;
        let same_client = match &self.oauth.client_id {
            Some(id) => *id == held.client_id,
            None => true,
        };
        if found.metadata.issuer != held.issuer || !same_client {
            return Ok(None);
        }
        let failed = |error: AuthError| LoginError::Token {
            server: self.server.clone(),
            reason: asked.told(&error),
        };
        // Nobody is sent anywhere: any address does.
        let mut client = OAuthClientConfig::new(&held.client_id, "http://127.0.0.1/callback");
        let own = self
            .oauth
            .client_id
            .as_ref()
            .and(self.oauth.client_secret.as_ref());
        if let Some(secret) = own.or(held.client_secret.as_ref()) {
            client = client.with_client_secret(secret);
        }
        found.manager.configure_client(client).map_err(failed)?;
        found.put(held).await.map_err(failed)?;
        match found.manager.refresh_token().await {
            Ok(_) => {}
            Err(AuthError::TokenRefreshRejected(_) | AuthError::AuthorizationRequired) => {
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        }
        let fresh = found.credentials().await;
        let fresh = fresh.map_err(|reason| LoginError::Token {
            server: self.server.clone(),
            reason,
        })?;
        Ok(Some(Credentials {
            client_secret: held.client_secret.clone(),
            wanted: held.wanted.clone(),
            challenge: held.challenge.clone(),
            allow_private: held.allow_private,
            ..fresh
        }))
    }

    /// Logs in with the secret of the configuration; `None` where that was done and does not reach.
    async fn exchange(
        &self,
        held: Option<&Credentials>,
        challenge: Option<&Challenge>,
    ) -> Result<Option<Credentials>, LoginError> {
        let (Some(client_id), Some(client_secret)) =
            (&self.oauth.client_id, &self.oauth.client_secret)
        else {
            return Ok(None);
        };
        let wanted = match (held, challenge.filter(|challenge| challenge.more)) {
            (Some(held), Some(more)) => {
                let wanted = self.wanted(more, held);
                if wanted.iter().all(|scope| held.wanted.contains(scope)) {
                    return Ok(None);
                }
                wanted
            }
            (held, _) => held.map(|held| held.wanted.clone()).unwrap_or_default(),
        };
        let secrets = self.secrets();
        let asked = Asked {
            server: &self.server,
            url: &self.url,
            secrets: &secrets,
            challenge: challenge
                .map(|challenge| challenge.text.as_str())
                .filter(|words| !words.is_empty()),
            allow_private: false,
        };
        let mut found = asked.discover().await?;
        let mut scopes = match (self.oauth.scopes.as_slice(), held) {
            ([], Some(held)) if !held.scopes.is_empty() => held.scopes.clone(),
            ([], _) => found.manager.select_initial_scopes(&[]).await,
            (scopes, _) => scopes.to_vec(),
        };
        for scope in &wanted {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        let failed = |error: AuthError| LoginError::Token {
            server: self.server.clone(),
            reason: asked.told(&error),
        };
        let config = |resource| ClientCredentialsConfig::ClientSecret {
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            scopes: scopes.clone(),
            resource,
        };
        let manager = &mut found.manager;
        let client = manager.configure_client_credentials(&config(None));
        client.map_err(failed)?;
        // The server's own word for itself, which rmcp only tells this way.
        let url = manager.get_authorization_url(&[]).await.map_err(failed)?;
        let resource = reqwest::Url::parse(&url).ok().and_then(|url| {
            let mut pairs = url.query_pairs();
            Some(pairs.find(|(key, _)| key == "resource")?.1.into_owned())
        });
        let config = config(resource);
        let supported = manager.validate_client_credentials_metadata(&config);
        supported.map_err(failed)?;
        let exchanged = manager.exchange_client_credentials(&config).await;
        exchanged.map_err(failed)?;
        let given = found.credentials().await;
        let given = given.map_err(|reason| LoginError::Token {
            server: self.server.clone(),
            reason,
        })?;
        Ok(Some(Credentials { wanted, ..given }))
    }

    /// What the next login has to ask for besides.
    fn wanted(&self, challenge: &Challenge, held: &Credentials) -> Vec<String> {
        let mut wanted = held.wanted.clone();
        let base = reqwest::Url::parse(&self.url).ok();
        let scope =
            base.and_then(|base| WWWAuthenticateParams::parse(&challenge.text, &base).scope);
        for scope in scope.iter().flat_map(|scope| scope.split_whitespace()) {
            let fits = wanted.len() < WANTED.0 && scope.len() <= WANTED.1;
            if fits && !wanted.iter().any(|known| known == scope) {
                wanted.push(scope.to_owned());
            }
        }
        wanted
    }

    /// Uses what was found from here on; its token.
    fn adopt(&self, now: &mut Option<Credentials>, found: Option<Credentials>) -> Option<String> {
        let found = found?;
        let token = found.access_token.clone();
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in found.secrets() {
            if !secrets.contains(secret) {
                secrets.push(secret.clone());
            }
        }
        drop(secrets);
        *now = Some(found);
        Some(token)
    }

    async fn load(&self) -> Result<Option<Credentials>, LoginError> {
        let Some(tokens) = &self.tokens else {
            return Ok(None);
        };
        let (server, url) = (self.server.clone(), self.url.clone());
        let loaded = tokens.with(move |store| store.load(&server, &url)).await;
        loaded.map_err(|source| self.not_kept(source))
    }

    async fn save(&self, credentials: &Credentials) -> Result<(), LoginError> {
        let Some(tokens) = &self.tokens else {
            return Ok(());
        };
        let (server, url) = (self.server.clone(), self.url.clone());
        let kept = credentials.clone();
        let saved = tokens.with(move |store| store.save(&server, &url, &kept));
        saved.await.map_err(|source| self.not_kept(source))
    }

    async fn lock(&self) -> Result<Option<Box<dyn Send>>, LoginError> {
        let Some(tokens) = &self.tokens else {
            return Ok(None);
        };
        for _ in 0..LOCKED.0 {
            let (server, url) = (self.server.clone(), self.url.clone());
            let locked = tokens
                .with(move |store| store.try_lock(&server, &url))
                .await;
            if let Some(lock) = locked.map_err(|source| self.not_kept(source))? {
                return Ok(Some(lock));
            }
            sleep(LOCKED.1).await;
        }
        let stuck = "another process has been renewing it for too long";
        Err(self.not_kept(std::io::Error::other(stuck)))
    }

    fn not_kept(&self, source: std::io::Error) -> LoginError {
        LoginError::Store {
            server: self.server.clone(),
            source,
        }
    }
}

fn is_over(credentials: &Credentials) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    credentials
        .expires
        .is_some_and(|expires| now.saturating_add(EARLY) >= expires)
}
