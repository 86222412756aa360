//! What a login leaves, and the trait of what keeps it. Where that is, is not known here: see `folder` for the one of
//! the command line.

use std::fmt;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a login to one server left. Its `Debug` shows no token and no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Who issued the tokens: they are good for nobody else.
    pub issuer: Option<String>,
    /// The client that they were issued to.
    pub client_id: String,
    /// Its secret, if it was registered at the login and got one. A secret of the configuration stays there.
    pub client_secret: Option<String>,
    /// Sent with every request.
    pub access_token: String,
    /// Buys the next access token.
    pub refresh_token: Option<String>,
    /// When the access token is over, in seconds since 1970; `None` where nobody said.
    pub expires: Option<u64>,
    /// What the tokens are good for, as far as it was said.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What the server asked for besides: the next login asks for it too.
    #[serde(default)]
    pub wanted: Vec<String>,
    /// With which words the server asked for a login; they may say where its metadata is.
    pub challenge: Option<String>,
    /// The person allowed addresses of a private network at this login.
    #[serde(default)]
    pub allow_private: bool,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("issuer", &self.issuer)
            .field("scopes", &self.scopes)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// What must not be shown.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &String> {
        let more = [&self.refresh_token, &self.client_secret];
        std::iter::once(&self.access_token).chain(more.into_iter().flatten())
    }
}

/// Keeps credentials, by the server's name in the configuration and its address: neither a server of another address under
/// the same name gets them, nor one of the same address under another. Called from threads that may block.
pub trait TokenStore: Send + Sync {
    /// What is kept for a server.
    ///
    /// # Errors
    /// It is there and cannot be read.
    fn load(&self, server: &str, url: &str) -> io::Result<Option<Credentials>>;

    /// Keeps them in place of what was there.
    ///
    /// # Errors
    /// They cannot be kept.
    fn save(&self, server: &str, url: &str, credentials: &Credentials) -> io::Result<()>;

    /// Forgets them; `false` where there were none.
    ///
    /// # Errors
    /// They are still there.
    fn remove(&self, server: &str, url: &str) -> io::Result<bool>;

    /// Held while they are renewed, so that two processes do not spend the same refresh token; `None` while somebody else
    /// holds it. A store of one process needs none.
    ///
    /// # Errors
    /// The lock cannot be made.
    fn try_lock(&self, _server: &str, _url: &str) -> io::Result<Option<Box<dyn Send>>> {
        Ok(Some(Box::new(())))
    }
}

/// A store that connections share.
#[derive(Clone)]
pub struct Tokens(pub Arc<dyn TokenStore>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// Calls the store where it may block.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn TokenStore) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let store = self.0.clone();
        let called = tokio::task::spawn_blocking(move || call(store.as_ref())).await;
        called.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}
