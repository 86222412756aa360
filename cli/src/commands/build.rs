//! `witgate build`: a program's component as a file.

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::source::{self, SourceKind};
use crate::{terminal, workspace};

/// Build a program into a component
#[derive(Args)]
#[command(after_help = "\
Example:
  witgate build triage.rs -o triage.wasm && witgate run triage.wasm --allow github/list_issues

A JavaScript component is linked: the engine is not in it, and any witgate of the same version runs it.")]
pub(crate) struct Build {
    /// A program (.js, .ts, .rs)
    program: PathBuf,
    /// Where the component goes
    #[arg(short, long, value_name = "OUT.wasm")]
    output: PathBuf,
    /// The MCP servers; else `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print errors as one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

impl Build {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let source = source::read(&self.program)?;
        if matches!(source.kind, SourceKind::Component(_)) {
            return Err(Failure::usage(format!(
                "`{}` is a component already",
                source.path.display()
            )));
        }
        let workspace = workspace::open(self.config.as_deref())?;
        let built = source::load(source, &workspace, true).await;
        workspace.servers.shutdown().await;
        let (_, loaded) = built?;
        super::write(&self.output, &loaded.bytes)?;
        terminal::note(&format!(
            "{}: {} bytes",
            self.output.display(),
            loaded.bytes.len()
        ));
        Ok(())
    }
}
