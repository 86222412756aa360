//! `witgate logout`: forgets a login. The tokens stay good at the authorization server until they end there.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::failure::{Failure, Kind};
use crate::{logins, terminal, workspace};

/// Forget a login to a server
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate logout linear
  witgate logout linear --config work.mcp.json

The tokens are deleted here. To end them everywhere, take the access back where you logged in.")]
pub(crate) struct Logout {
    /// The server's name in the configuration
    server: String,
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Logout {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let workspace = workspace::open(self.config.as_deref())?;
        let (_, url, _) = logins::remote(&workspace, &self.server)?;
        let store = logins::needed_tokens()?.0;
        let removed = store.remove(&self.server, url).map_err(|error| {
            let message = format!(
                "the login to server `{}` is still kept: {error}",
                self.server
            );
            Failure::new(Kind::Host, message).hint("delete the file by hand")
        })?;
        if self.json {
            let answer = json!({"server": self.server, "removed": removed});
            terminal::data(&answer.to_string());
        } else if removed {
            terminal::note(&format!(
                "logged out of `{}`",
                terminal::clean(&self.server)
            ));
        } else {
            let name = terminal::clean(&self.server);
            terminal::note(&format!("there was no login to `{name}`"));
        }
        Ok(())
    }
}
