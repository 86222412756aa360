//! `oauth` of a server that is reached over HTTP, as Claude Code, VS Code and Gemini write it, and Cursor's `auth`: what a
//! person registered with the authorization server by hand. All of it may be absent; how a login goes is not known here.

use std::fmt;

use serde_json::{Map, Value};

use super::texts::Texts;
use super::{ConfigError, secrets};

/// What is known of a login before it is made.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Oauth {
    /// The client that was registered by hand; without it, one is registered at the login.
    pub client_id: Option<String>,
    /// Its secret, if it has one.
    pub client_secret: Option<String>,
    /// The scopes to ask for; without any, those that the server asks for.
    pub scopes: Vec<String>,
    /// The loopback address that was registered, with its port; without it, one on a free port.
    pub redirect_uri: Option<String>,
    /// Who logs in.
    pub grant_type: GrantType,
}

impl fmt::Debug for Oauth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oauth")
            .field("scopes", &self.scopes)
            .field("grant_type", &self.grant_type)
            .finish_non_exhaustive()
    }
}

/// Who logs in, by the names of OAuth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GrantType {
    /// A person, in a browser.
    #[default]
    AuthorizationCode,
    /// The client itself, with its secret, as often as it needs to.
    ClientCredentials,
}

const KEYS: [&str; 6] = [
    "clientId",
    "clientSecret",
    "scopes",
    "callbackPort",
    "redirectUri",
    "grantType",
];
/// Says again what a server's answer says.
const NO_OPS: [&str; 1] = ["enabled"];
/// Where to log in is the server's to say, and what it says is checked against itself.
const UNSUPPORTED: [&str; 6] = [
    "authServerMetadataUrl",
    "authorizationUrl",
    "tokenUrl",
    "registrationUrl",
    "issuer",
    "audiences",
];
const CURSOR_KEYS: [&str; 3] = ["CLIENT_ID", "CLIENT_SECRET", "scopes"];

/// Reads `oauth`, or Cursor's `auth`, of the entry; what has no effect is added to `notices`.
pub(super) fn read(
    texts: &mut Texts<'_>,
    entry: &Map<String, Value>,
    notices: &mut Vec<String>,
) -> Result<Oauth, ConfigError> {
    let (key, value) = match (entry.get("oauth"), entry.get("auth")) {
        (None, None) => return Ok(Oauth::default()),
        (Some(value), None) => ("oauth", value),
        (None, Some(value)) => ("auth", value),
        (Some(_), Some(_)) => {
            return Err(texts.wrong("auth", "says `oauth` again", "keep `oauth`"));
        }
    };
    let place = format!("server `{}`, `{key}`", texts.server);
    let source = texts.source;
    let login = source.object(value, &place, "it")?;
    let known: &[&'static str] = if key == "oauth" { &KEYS } else { &CURSOR_KEYS };
    for name in login.keys().map(String::as_str) {
        if NO_OPS.contains(&name) {
            notices.push(format!("{place}: `{name}` has no effect here"));
        } else if UNSUPPORTED.contains(&name) {
            let hint = "leave it out: the server is asked where to log in";
            return Err(source.invalid(&place, &format!("`{name}` is not supported"), hint));
        } else if !known.contains(&name) {
            let hint = format!("known keys: {}", known.join(", "));
            return Err(source.invalid(&place, &format!("unknown key `{name}`"), &hint));
        }
    }
    let mut text = |name: &str| {
        let value = login.get(name);
        let text = value.map(|value| texts.text(value, &format!("{key}.{name}")));
        text.transpose()
    };
    let cursor = key == "auth";
    let client_id = text(if cursor { "CLIENT_ID" } else { "clientId" })?;
    let client_secret = text(if cursor {
        "CLIENT_SECRET"
    } else {
        "clientSecret"
    })?;
    let redirect_uri = text("redirectUri")?;
    let grant_type = match text("grantType")?.as_deref() {
        None | Some("authorization_code") => GrantType::AuthorizationCode,
        Some("client_credentials") => GrantType::ClientCredentials,
        Some(_) => {
            let hint = "write `authorization_code` or `client_credentials`";
            return Err(source.invalid(&place, "`grantType` is unknown", hint));
        }
    };
    if let Some(secret) = &client_secret {
        secrets::add_value(secret, &mut texts.secrets);
    }
    let needs_both = grant_type == GrantType::ClientCredentials || client_secret.is_some();
    if needs_both && (client_id.is_none() || client_secret.is_none()) {
        let message = "`clientId` and `clientSecret` go together here";
        return Err(source.invalid(&place, message, "write both"));
    }
    let scopes = match login.get("scopes") {
        None => Vec::new(),
        Some(Value::Array(_)) => texts.list(login, "scopes")?,
        Some(value) => {
            let text = texts.text(value, &format!("{key}.scopes"))?;
            text.split_whitespace().map(str::to_owned).collect()
        }
    };
    let redirect_uri = match (login.get("callbackPort"), redirect_uri) {
        (None, None) => None,
        (Some(_), Some(_)) => {
            let message = "`callbackPort` and `redirectUri` say the same";
            return Err(source.invalid(&place, message, "keep one of them"));
        }
        // What Claude Code tells people to register.
        (Some(port), None) => match port.as_u64().and_then(|port| u16::try_from(port).ok()) {
            Some(port) if port > 0 => Some(format!("http://localhost:{port}/callback")),
            _ => {
                let message = "`callbackPort` is no port";
                return Err(source.invalid(&place, message, "write a number from 1 to 65535"));
            }
        },
        (None, Some(uri)) if is_loopback(&uri) => Some(uri),
        (None, Some(_)) => {
            let message = "`redirectUri` is no address of this machine with a port";
            let hint = "write `http://127.0.0.1:PORT/callback`, and register the same";
            return Err(source.invalid(&place, message, hint));
        }
    };
    Ok(Oauth {
        client_id,
        client_secret,
        scopes,
        redirect_uri,
        grant_type,
    })
}

/// Whether a listener on this machine can wait there: nobody else may get what is sent to it.
fn is_loopback(uri: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(uri) else {
        return false;
    };
    let here = ["127.0.0.1", "localhost", "[::1]"];
    url.scheme() == "http"
        && url.host_str().is_some_and(|host| here.contains(&host))
        && url.port().is_some_and(|port| port > 0)
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests;
