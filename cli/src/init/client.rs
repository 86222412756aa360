//! The MCP clients that `init` knows: what they are called, where in a file their servers stand, and what a `${...}` means
//! there. Where the files lie is in `places`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A program that starts MCP servers. The order is that of names: of two servers with one name, the earlier client's keeps it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Client {
    ClaudeCode,
    ClaudeDesktop,
    Cursor,
    #[value(name = "vscode")]
    #[serde(rename = "vscode")]
    VsCode,
    Codex,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON, with comments and trailing commas where a person wrote them.
    Json,
    Toml,
}

/// What `${...}` in an entry means to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// `${VAR}` and `${VAR:-default}`, as in witgate.
    Shell,
    /// `${env:VAR}`, and names of the editor's own.
    Editor,
    /// Nothing: it stands for itself.
    Plain,
}

impl Client {
    /// As its makers call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Client::ClaudeCode => "Claude Code",
            Client::ClaudeDesktop => "Claude Desktop",
            Client::Cursor => "Cursor",
            Client::VsCode => "VS Code",
            Client::Codex => "Codex",
        }
    }

    /// As on the command line, and behind the name of a server whose name is taken.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Client::ClaudeCode => "claude-code",
            Client::ClaudeDesktop => "claude-desktop",
            Client::Cursor => "cursor",
            Client::VsCode => "vscode",
            Client::Codex => "codex",
        }
    }

    pub(crate) fn format(self) -> Format {
        match self {
            Client::Codex => Format::Toml,
            _ => Format::Json,
        }
    }

    /// The key of its servers.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Client::VsCode => "servers",
            Client::Codex => "mcp_servers",
            _ => "mcpServers",
        }
    }

    pub(crate) fn syntax(self) -> Syntax {
        match self {
            Client::ClaudeCode => Syntax::Shell,
            Client::Cursor | Client::VsCode => Syntax::Editor,
            Client::ClaudeDesktop | Client::Codex => Syntax::Plain,
        }
    }
}
