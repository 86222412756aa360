//! How a login can fail, with what the person can do. What authorization servers write is told shortened and cleaned, and no
//! message holds a token, a code or a secret.

use std::io;

use thiserror::Error;

use crate::mcp::ServerError;

/// Why a login was not made.
#[derive(Debug, Error)]
pub enum LoginError {
    /// It is not reached over HTTP.
    #[error("server `{server}` is a child process: it asks for no login")]
    NotHttp {
        /// The server's name in the configuration.
        server: String,
    },
    /// The configuration says what is sent.
    #[error("server `{server}` gets the `Authorization` that stands under `headers`")]
    Header {
        /// The server's name in the configuration.
        server: String,
    },
    /// Its `grantType` is `client_credentials`.
    #[error("server `{server}` is logged in to with `clientSecret`, whenever that is needed")]
    ByItself {
        /// The server's name in the configuration.
        server: String,
    },
    /// It answers whoever asks, and says nothing of a login.
    #[error("server `{server}` asks for no login")]
    NotAsked {
        /// The server's name in the configuration.
        server: String,
    },
    /// Tokens would travel readable.
    #[error("server `{server}` is reached without encryption: its tokens could be read on the way")]
    Plain {
        /// The server's name in the configuration.
        server: String,
    },
    /// Its metadata, or its authorization server's, cannot be used.
    #[error("server `{server}` does not say where to log in: {reason}")]
    Discovery {
        /// The server's name in the configuration.
        server: String,
        /// What is wrong with it.
        reason: String,
        /// It led into a private network.
        private: bool,
    },
    /// The authorization server does not take this client.
    #[error("server `{server}`: no client could be registered: {reason}")]
    Registration {
        /// The server's name in the configuration.
        server: String,
        /// What the authorization server said.
        reason: String,
        /// What a client that is registered by hand has to be sent back to.
        redirect: String,
    },
    /// What came back from the browser is not the answer to this login.
    #[error("server `{server}`: the answer from the browser is not used: {reason}")]
    Callback {
        /// The server's name in the configuration.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The person or the authorization server said no.
    #[error("server `{server}`: the login was refused: {reason}")]
    Refused {
        /// The server's name in the configuration.
        server: String,
        /// What the authorization server said.
        reason: String,
    },
    /// No token came of it.
    #[error("server `{server}`: no token was given: {reason}")]
    Token {
        /// The server's name in the configuration.
        server: String,
        /// What the authorization server said.
        reason: String,
    },
    /// The credentials cannot be read or kept.
    #[error("the login to server `{server}` cannot be kept or read")]
    Store {
        /// The server's name in the configuration.
        server: String,
        /// What the store said.
        source: io::Error,
    },
    /// The server could not be asked whether it wants a login.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl LoginError {
    /// The server's name in the configuration.
    pub fn server(&self) -> &str {
        match self {
            LoginError::NotHttp { server }
            | LoginError::Header { server }
            | LoginError::ByItself { server }
            | LoginError::NotAsked { server }
            | LoginError::Plain { server }
            | LoginError::Discovery { server, .. }
            | LoginError::Registration { server, .. }
            | LoginError::Callback { server, .. }
            | LoginError::Refused { server, .. }
            | LoginError::Token { server, .. }
            | LoginError::Store { server, .. } => server,
            LoginError::Server(error) => error.server(),
        }
    }

    /// What the person can do.
    pub fn hint(&self) -> String {
        let text = match self {
            LoginError::NotHttp { .. } => {
                "write what it needs under `env` of the server, with `${VAR}` for secrets"
            }
            LoginError::Header { .. } => "take it out of `headers` to log in instead",
            LoginError::ByItself { .. } => {
                "check `clientId` and `clientSecret` under `oauth` of the server"
            }
            LoginError::NotAsked { .. } => "use it as it is",
            LoginError::Plain { .. } => "write `https://` in its `url`",
            LoginError::Discovery { private: true, .. } => {
                "if this is your own network, say so with `--allow-private`"
            }
            LoginError::Discovery { .. } => {
                "ask whoever runs the server, or write a token under `headers`: \"Authorization\": \"Bearer ${TOKEN}\""
            }
            LoginError::Registration { redirect, .. } => {
                return format!(
                    "register a client by hand where you log in, to be sent back to `{redirect}`, and write under the server: \"oauth\": {{\"clientId\": \"...\", \"redirectUri\": \"{redirect}\"}}"
                );
            }
            LoginError::Callback { server, .. }
            | LoginError::Refused { server, .. }
            | LoginError::Token { server, .. } => {
                return format!("try again: `witgate login {server}`");
            }
            LoginError::Store { .. } => "make its folder writable, or delete the file",
            LoginError::Server(error) => return error.hint(),
        };
        text.to_owned()
    }
}
