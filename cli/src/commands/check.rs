//! `witgate check`: what a program asks for, and whether the grants and `witgate.lock` allow it. Nothing runs.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use witgate_host::{Limits, admit};

use super::GrantArguments;
use crate::failure::Failure;
use crate::{source, terminal, workspace};

/// Say what a program or component imports, and whether the grants and `witgate.lock` allow it
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate check triage.js
  witgate check triage.wasm --grants grants.toml --live --json

It takes the definitions that `witgate sync` kept, where `witgate.lock` still pins them; `--live` asks the servers, as `witgate run` does.")]
pub(crate) struct Check {
    /// A program (.js, .ts, .rs) or a component (.wasm)
    program: PathBuf,
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    grants: GrantArguments,
    /// List the tools of the servers afresh
    #[arg(long)]
    live: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Check {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let source = source::read(&self.program)?;
        let grants = self.grants.read()?;
        let workspace = workspace::open(self.config.as_deref())?;
        let loaded = source::load(source, &workspace, !self.live).await;
        workspace.servers.shutdown().await;
        let (host, loaded) = loaded?;
        let imports = loaded.imports(&host);
        let mut tools: Vec<String> = imports
            .tools
            .iter()
            .map(|t| format!("{}/{}", t.server, t.tool))
            .collect();
        tools.sort();
        tools.dedup();
        let rules = grants.check(&loaded.definitions)?;
        let verdict = admit(&imports, &rules, &Limits::default(), loaded.lock.as_ref());

        if self.json {
            let (word, reasons) = match &verdict {
                Ok(_) => ("admitted", Vec::new()),
                Err(refusal) => ("refused", refusal.reasons.clone()),
            };
            let report = json!({
                "imports": tools,
                "verdict": word,
                "reasons": reasons,
                "sha256": loaded.program.digest,
            });
            terminal::data(&report.to_string());
            return match verdict {
                Ok(_) => Ok(()),
                Err(_) => Err(Failure::told(crate::failure::Kind::Refused)),
            };
        }
        for tool in &tools {
            terminal::data(&terminal::clean(tool));
        }
        verdict?;
        terminal::note("admitted");
        Ok(())
    }
}
