//! Where logins to servers are kept: the person's own folder, never the project's. Every connection takes them from here.

use std::path::PathBuf;
use std::sync::Arc;

use witgate_host::config::{Transport, redact};
use witgate_host::mcp::oauth::{TokenFolder, Tokens};
use witgate_host::mcp::{LogHook, ServerError};
use witgate_host::servers::ServersLimits;

use crate::failure::{Failure, Kind};
use crate::terminal;
use crate::workspace::Workspace;

/// The store; `None` where there is no home folder.
pub(crate) fn tokens() -> Option<Tokens> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let data = set("WITGATE_DATA")
        .or_else(|| set("XDG_DATA_HOME").map(|data| data.join("witgate")))
        .or_else(|| set("HOME").map(|home| home.join(".local/share/witgate")))?;
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

/// The address of a configured server that is reached over HTTP, and how it may be shown.
pub(crate) fn address(workspace: &Workspace, server: &str) -> Result<(String, String), Failure> {
    let Some(config) = workspace.config.servers.get(server) else {
        let unknown = ServerError::Unknown {
            server: server.to_owned(),
            nearest: None,
        };
        let names: Vec<&str> = workspace.servers.names().collect();
        let failure = Failure::new(Kind::Configuration, unknown.to_string());
        return Err(failure.hint(format!("its servers: {}", names.join(", "))));
    };
    let Transport::Http { url, .. } = &config.transport else {
        let message = format!("server `{server}` is a child process: it asks for no login");
        return Err(Failure::new(Kind::Configuration, message)
            .hint("write what it needs under `env` of the server, with `${VAR}` for secrets"));
    };
    Ok((url.clone(), redact(url, &config.secrets)))
}
