//! One MCP server as the host uses it: connected to, asked for its tools, called, closed. Pages and replies are read
//! here; how messages travel is not known. Grants are not known either: who may call is decided before.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use reqwest::header::AUTHORIZATION;
use serde_json::{Map, Value};
use witgate_codegen::catalog::{Server, ServerInfo, Tool};
use witgate_codegen::text::{clean, is_hidden};

use super::oauth::{self, Access, Tokens};
use super::{ServerError, Session, secrets};
use crate::config::{ServerConfig, Transport, redact_value};

/// Longest name or version of a server, in characters.
const INFO: usize = 200;

/// A live connection to one server. Dropping it kills the server's process group; `close` ends it gracefully.
pub struct Client {
    session: Session,
    limits: ClientLimits,
    listed: tokio::sync::Mutex<Option<Listed>>,
}

/// What the server listed last.
struct Listed {
    /// How often it had said that its tools changed when it was asked.
    changes: u64,
    tools: HashMap<String, Arc<ListedTool>>,
}

/// One tool as the server listed it last.
#[derive(Debug)]
pub struct ListedTool {
    /// As it was sent.
    pub tool: Tool,
    definition: OnceLock<String>,
}

impl ListedTool {
    /// Hash of the definition, made at first use.
    pub fn definition(&self) -> &str {
        self.definition.get_or_init(|| self.tool.definition_hash())
    }
}

impl Client {
    /// Starts or reaches the server and agrees on a protocol version: `server/discover` of 2026-07-28 first, the older
    /// `initialize` where the server does not know it.
    pub async fn connect(
        server: &str,
        config: &ServerConfig,
        limits: &ClientLimits,
    ) -> Result<Client, ServerError> {
        let access = access(server, config, limits.tokens.clone()).map(Arc::new);
        Client::reach(server, config, limits, access).await
    }

    async fn reach(
        server: &str,
        config: &ServerConfig,
        limits: &ClientLimits,
        access: Option<Arc<Access>>,
    ) -> Result<Client, ServerError> {
        let session = Session::connect(server, config, limits, access.clone())
            .await
            .map_err(|error| error.redacted(&secrets(&config.secrets, access.as_deref())))?;
        Ok(Client {
            session,
            limits: limits.clone(),
            listed: tokio::sync::Mutex::default(),
        })
    }

    /// What the server calls itself, and its tools with every key that it sent, over all pages. A name that shows other
    /// than it is makes the whole list an error; descriptions are cleaned where they are shown.
    pub async fn tools(&self) -> Result<Server, ServerError> {
        let mut listed = self.listed.lock().await;
        self.list_anew(&mut listed).await
    }

    /// A tool as the server defines it now: from its last list, or from a new one if it said since then that its tools
    /// changed, or cannot say so at present. Those who ask meanwhile wait for that one.
    pub async fn listed_tool(&self, tool: &str) -> Result<Option<Arc<ListedTool>>, ServerError> {
        let mut listed = self.listed.lock().await;
        let is_old = |listed: &Listed| self.session.changed_since(listed.changes);
        if listed.as_ref().is_none_or(is_old) {
            self.list_anew(&mut listed).await?;
        }
        let tools = listed.as_ref().map(|listed| &listed.tools);
        Ok(tools.and_then(|tools| tools.get(tool)).cloned())
    }

    async fn list_anew(&self, listed: &mut Option<Listed>) -> Result<Server, ServerError> {
        // A change that is told while the list is on its way may not be in it.
        let changes = self.session.list_changes();
        let server = self.list().await;
        let server = server.map_err(|error| error.redacted(&self.session.secrets()))?;
        let tool = |tool: &Tool| {
            let listed = ListedTool {
                tool: tool.clone(),
                definition: OnceLock::new(),
            };
            (tool.name.clone(), Arc::new(listed))
        };
        *listed = Some(Listed {
            changes,
            tools: server.tools.iter().map(tool).collect(),
        });
        Ok(server)
    }

    async fn list(&self) -> Result<Server, ServerError> {
        let visible = |text: &str| clean(text, INFO).unwrap_or_default().replace('\n', " ");
        let info = self.session.info();
        let mut server = Server {
            info: info.map(|info| ServerInfo {
                name: visible(&info.name),
                version: visible(&info.version),
            }),
            ..Server::default()
        };
        if !self.session.offers_tools() {
            return Ok(server);
        }
        let deadline = Instant::now() + self.limits.list;
        let (mut names, mut cursors) = (HashSet::new(), HashSet::new());
        let mut cursor: Option<String> = None;
        loop {
            let mut page = self.session.list_tools(cursor, deadline).await?;
            let Some(Value::Array(tools)) = page.get_mut("tools").map(Value::take) else {
                return Err(self
                    .session
                    .protocol_error("its `tools/list` result has no list `tools`".to_owned()));
            };
            for tool in tools {
                if server.tools.len() >= self.limits.max_tools {
                    let reason = format!("it lists more than {} tools", self.limits.max_tools);
                    return Err(self.session.protocol_error(reason));
                }
                let number = server.tools.len() + 1;
                let tool: Tool = serde_json::from_value(tool).map_err(|error| {
                    self.session
                        .protocol_error(format!("tool {number} of `tools/list`: {error}"))
                })?;
                if let Some(c) = tool.name.chars().find(|c| is_hidden(*c)) {
                    let reason = format!(
                        "the name of tool {number} of `tools/list` holds the character U+{:04X}, which does not show",
                        u32::from(c)
                    );
                    return Err(self.session.protocol_error(reason));
                }
                if !names.insert(tool.name.clone()) {
                    return Err(self
                        .session
                        .protocol_error(format!("two tools are named `{}`", tool.name)));
                }
                server.tools.push(tool);
            }
            cursor = match page.get("nextCursor") {
                Some(Value::String(next)) if !next.is_empty() => Some(next.clone()),
                _ => return Ok(server),
            };
            let repeated = !cursors.insert(cursor.clone());
            if repeated || cursors.len() >= self.limits.max_pages {
                return Err(self
                    .session
                    .protocol_error("its `tools/list` does not end".to_owned()));
            }
        }
    }

    /// Calls a tool. A call that is given up, by the deadline or by dropping this future, is cancelled at the server.
    /// A failure that the tool reports is a reply with `is_error`; like an error, it comes without the secrets of the
    /// configuration. A result comes as it was sent.
    pub async fn call(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
        deadline: Instant,
    ) -> Result<ToolReply, ServerError> {
        let answered = self.answer(tool, arguments, deadline).await;
        let mut reply = answered.map_err(|error| error.redacted(&self.session.secrets()))?;
        if reply.is_error {
            let secrets = self.session.secrets();
            let hide = |value| redact_value(value, &secrets);
            reply.structured = reply.structured.map(hide);
            reply.content = reply.content.into_iter().map(hide).collect();
        }
        Ok(reply)
    }

    async fn answer(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
        deadline: Instant,
    ) -> Result<ToolReply, ServerError> {
        let mut reply = self.session.call_tool(tool, arguments, deadline).await?;
        let content = match reply.get_mut("content").map(Value::take) {
            Some(Value::Array(content)) => content,
            None | Some(Value::Null) => Vec::new(),
            Some(_) => {
                return Err(self
                    .session
                    .protocol_error(format!("the `content` of `{tool}` is no list")));
            }
        };
        Ok(ToolReply {
            is_error: reply
                .get("isError")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            structured: reply.get_mut("structuredContent").map(Value::take),
            content,
        })
    }

    /// The protocol version agreed on: `2026-07-28`, `2025-11-25` ...
    pub fn protocol(&self) -> String {
        self.session.protocol()
    }

    /// How often the server has said that its tools changed, a subscription that was lost or taken in again included.
    pub fn list_changes(&self) -> u64 {
        self.session.list_changes()
    }

    /// Whether calls can still reach the server.
    pub fn is_alive(&self) -> bool {
        self.session.is_alive()
    }

    /// Ends the session and, with it, the server's process group: stdin is closed, then SIGTERM, then SIGKILL.
    /// Returns when it is gone, within two seconds.
    pub async fn close(&self) {
        self.session.close().await;
    }
}

/// What a connection shows to its server: nothing where the configuration says what to send, or tokens could be read on
/// the way.
pub(super) fn access(
    server: &str,
    config: &ServerConfig,
    tokens: Option<Tokens>,
) -> Option<Access> {
    let Transport::Http {
        url,
        headers,
        oauth,
    } = &config.transport
    else {
        return None;
    };
    let has_own = headers.keys().any(|key| AUTHORIZATION == key.as_str());
    let is_safe = oauth::is_safe(url);
    (!has_own && is_safe).then(|| Access::new(server, url, oauth, &config.secrets, tokens))
}

/// With what a server asks for a login, before or after its tools were listed; `None` where it asks for none.
pub(super) async fn challenge(
    server: &str,
    config: &ServerConfig,
    limits: &ClientLimits,
) -> Result<Option<String>, ServerError> {
    let access = access(server, config, None).map(Arc::new);
    let asked = async {
        let client = Client::reach(server, config, limits, access.clone()).await?;
        let listed = client.tools().await;
        client.close().await;
        listed.map(drop)
    };
    let asked = asked.await;
    match access.and_then(|access| access.last_challenge()) {
        Some(challenge) => Ok(Some(challenge.text)),
        None => asked.map(|()| None),
    }
}

/// Bounds on one server's connection.
#[derive(Debug, Clone)]
pub struct ClientLimits {
    /// From the start of the process to the end of the handshake; 30 s by default.
    pub connect: Duration,
    /// All pages of `tools/list` together; 20 s by default.
    pub list: Duration,
    /// The longest message in bytes; 16 MiB by default.
    pub max_message: usize,
    /// The most JSON values in one message; 1,500,000 by default. One takes up to 300 bytes of memory.
    pub max_values: usize,
    /// Lines on stdout that are no JSON, in a row; 100 by default.
    pub max_garbage: usize,
    /// Pages of `tools/list`; 200 by default.
    pub max_pages: usize,
    /// Tools of one server; 5,000 by default.
    pub max_tools: usize,
    /// Takes the lines that a server writes on stderr, redacted.
    pub log: Option<LogHook>,
    /// Takes what is left out of what a server lists, one sentence each.
    pub notices: Option<LogHook>,
    /// Where the logins to servers over HTTP are kept; without it, there are none.
    pub tokens: Option<Tokens>,
}

impl Default for ClientLimits {
    fn default() -> Self {
        ClientLimits {
            connect: Duration::from_secs(30),
            list: Duration::from_secs(20),
            max_message: 16 * 1024 * 1024,
            max_values: 1_500_000,
            max_garbage: 100,
            max_pages: 200,
            max_tools: 5_000,
            log: None,
            notices: None,
            tokens: None,
        }
    }
}

/// Takes a server's name and one line about it, or of its stderr.
pub type LogLine = dyn Fn(&str, &str) + Send + Sync;

/// Where the lines go. It is called from the task that reads them and must not block.
#[derive(Clone)]
pub struct LogHook(pub Arc<LogLine>);

impl fmt::Debug for LogHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogHook")
    }
}

/// What a tool answered, as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolReply {
    /// The tool ran and reported a failure.
    pub is_error: bool,
    /// `structuredContent`, if there is any.
    pub structured: Option<Value>,
    /// The content blocks.
    pub content: Vec<Value>,
}
