//! An MCP client for one server process, over its stdin and stdout, and what a model is shown of the answers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rmcp::model::{CallToolRequestParams, ContentBlock, Tool};
use rmcp::service::RunningService;
use rmcp::{RoleClient, serve_client};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::corpus::Connected;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server that was started.
pub(crate) struct Connection {
    client: RunningService<RoleClient, ()>,
    /// Killed when dropped.
    _child: Child,
}

/// What a tool answered.
pub(crate) struct Reply {
    /// As it is shown to the model: the text blocks, a line each. `structuredContent` says the same again and is not shown.
    pub(crate) shown: String,
    /// The first block alone.
    pub(crate) first: String,
    pub(crate) is_error: bool,
}

/// A program and its arguments.
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// Variables beside those of this program.
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
}

impl Launch {
    /// This program as a server of the corpus.
    ///
    /// # Errors
    /// The system does not tell where this program is.
    pub(crate) fn of(connected: &Connected, notes: &Path) -> anyhow::Result<Launch> {
        let mut arguments: Vec<OsString> = vec!["server".into(), "--name".into()];
        arguments.push(connected.server.clone().into());
        arguments.extend(["--definitions".into(), connected.file.clone().into()]);
        arguments.extend(["--notes".into(), notes.into()]);
        if !connected.is_whole {
            arguments.extend(["--only".into(), connected.tools.join(",").into()]);
        }
        Ok(Launch {
            program: std::env::current_exe().context("cannot tell where this program is")?,
            arguments,
            environment: Vec::new(),
        })
    }
}

impl Connection {
    /// Starts the server in `folder` and greets it.
    ///
    /// # Errors
    /// It does not start, or does not speak the protocol.
    pub(crate) async fn start(launch: &Launch, folder: &Path) -> anyhow::Result<Connection> {
        let about = || format!("cannot start `{}`", launch.program.display());
        let mut child = Command::new(&launch.program)
            .args(&launch.arguments)
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(about)?;
        let ends = child
            .stdout
            .take()
            .zip(child.stdin.take())
            .with_context(about)?;
        let client = timeout(PATIENCE, serve_client((), ends))
            .await
            .with_context(about)?;
        Ok(Connection {
            client: client.with_context(about)?,
            _child: child,
        })
    }

    /// What the server says about itself.
    pub(crate) fn instructions(&self) -> Option<String> {
        self.client
            .peer_info()
            .and_then(|info| info.instructions.clone())
    }

    /// # Errors
    /// The server does not answer.
    pub(crate) async fn tools(&self) -> anyhow::Result<Vec<Tool>> {
        Ok(timeout(PATIENCE, self.client.list_all_tools()).await??)
    }

    /// # Errors
    /// The server does not answer, or answers with something else than text.
    pub(crate) async fn call(&self, tool: &str, arguments: &Value) -> anyhow::Result<Reply> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = timeout(PATIENCE, self.client.call_tool(request)).await;
        let result = result.with_context(|| format!("`{tool}` takes too long"))??;
        let texts: Option<Vec<String>> = result
            .content
            .into_iter()
            .map(|block| match block {
                ContentBlock::Text(text) => Some(text.text),
                _ => None,
            })
            .collect();
        let texts = texts.with_context(|| format!("`{tool}` answers with more than text"))?;
        ensure!(!texts.is_empty(), "`{tool}` answers with nothing");
        Ok(Reply {
            shown: texts.join("\n"),
            first: texts.into_iter().next().unwrap_or_default(),
            is_error: result.is_error.unwrap_or(false),
        })
    }
}
