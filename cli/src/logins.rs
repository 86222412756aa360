//! Where logins to servers are kept: the person's own folder, never the project's. Every connection takes them from here.

use std::sync::Arc;

use witgate_host::config::{Oauth, ServerConfig, Transport};
use witgate_host::mcp::oauth::{LoginError, TokenFolder, Tokens};
use witgate_host::mcp::{LogHook, ServerError};
use witgate_host::servers::ServersLimits;

use crate::failure::{Failure, Kind};
use crate::terminal;
use crate::workspace::{Workspace, own_folder};

/// The store; `None` where there is no home folder.
pub(crate) fn tokens() -> Option<Tokens> {
    let data = own_folder("WITGATE_DATA", "XDG_DATA_HOME", ".local/share")?;
    Some(Tokens(Arc::new(TokenFolder::new(data.join("credentials")))))
}

/// The store, which has to be there.
pub(crate) fn needed_tokens() -> Result<Tokens, Failure> {
    tokens().ok_or_else(|| {
        let message = "there is no folder for logins: `HOME` is not set";
        Failure::new(Kind::Configuration, message)
            .hint("name a folder of your own in `WITGATE_DATA`")
    })
}

/// How servers are reached: with the logins that there are.
pub(crate) fn limits() -> ServersLimits {
    let mut limits = ServersLimits::default();
    limits.client.tokens = tokens();
    let notice = |server: &str, text: &str| terminal::warn(&format!("server `{server}`: {text}"));
    limits.client.notices = Some(LogHook(Arc::new(notice)));
    limits
}

/// A configured server that is reached over HTTP: its configuration, its address, and how to log in to it.
pub(crate) fn remote<'a>(
    workspace: &'a Workspace,
    server: &str,
) -> Result<(&'a ServerConfig, &'a str, &'a Oauth), Failure> {
    let Some(config) = workspace.config.servers.get(server) else {
        let unknown = ServerError::Unknown {
            server: server.to_owned(),
            nearest: None,
        };
        let names: Vec<&str> = workspace.servers.names().collect();
        let failure = Failure::new(Kind::Configuration, unknown.to_string());
        return Err(failure.hint(format!("its servers: {}", names.join(", "))));
    };
    match &config.transport {
        Transport::Http { url, oauth, .. } => Ok((config, url, oauth)),
        Transport::Stdio { .. } => {
            let server = server.to_owned();
            Err(LoginError::NotHttp { server }.into())
        }
    }
}
