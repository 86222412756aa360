//! `witgate init`: this program as an entry of the MCP clients that are here, in front of the servers that they have.

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::init::client::Client;
use crate::init::places::{Scope, Surroundings};
use crate::init::plan::{self, Wishes};
use crate::init::{backup, undo};

/// Put `witgate serve` into the configuration of MCP clients, in front of the servers that are there
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate init --dry-run                    what would change, without changing it
  witgate init                              this folder's files; the user's where it has none
  witgate init --user                       the files that the user has everywhere
  witgate init --client claude-code,cursor  these clients; one that has no file here gets one
  witgate init --except browser             this server stays with its client
  witgate init --undo                       everything as it was

Servers move to `witgate.json` in this folder (the user's to `~/.config/witgate/servers.json`), and
each client keeps one entry, `witgate serve --config FILE`. A server that witgate cannot start in
just the same way stays where it is, with the reason. Nothing is granted: `grants.toml` beside the
servers is where to allow tools.")]
pub(crate) struct Init {
    /// Only these clients; a file is made for one that has none
    #[arg(
        long,
        value_name = "CLIENT",
        value_delimiter = ',',
        conflicts_with = "undo"
    )]
    client: Vec<Client>,
    /// The files of the user, not those of this folder
    #[arg(long)]
    user: bool,
    /// Leave this server with its client; can be given many times
    #[arg(long, value_name = "NAME", conflicts_with = "undo")]
    except: Vec<String>,
    /// Where the servers go; else `witgate.json`, or `~/.config/witgate/servers.json` for the user's
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Put every file back as it was
    #[arg(long)]
    undo: bool,
    /// With `--undo`: put files back that were changed since, and keep what they were
    #[arg(long, requires = "undo")]
    force: bool,
    /// Write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what was done as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Init {
    pub(crate) fn exec(&self) -> Result<(), Failure> {
        let surroundings = Surroundings::of_this_process()
            .map_err(|e| Failure::host(format!("cannot tell the working folder: {e}")))?
            .ok_or_else(|| {
                Failure::usage("`HOME` is not set").hint("set it to your home folder")
            })?;
        if self.undo {
            return self.undo(&surroundings);
        }
        let wishes = Wishes {
            user: self.user,
            clients: self.client.clone(),
            except: self.except.clone(),
            configuration: self.config.clone(),
        };
        let plan = plan::plan(&surroundings, &wishes)?;
        if !self.dry_run {
            plan.apply()?;
        }
        plan.report.tell(self.dry_run, self.json);
        Ok(())
    }

    fn undo(&self, surroundings: &Surroundings) -> Result<(), Failure> {
        let of = |scope| surroundings.configuration(scope, self.config.as_deref());
        let (project, user) = (of(Scope::Project), of(Scope::User));
        // As `init` without a word about it: the folder's, else the user's.
        let is_user = self.user || (!backup::exists(&project) && backup::exists(&user));
        let configuration = if is_user { user } else { project };
        let undo = undo::undo(surroundings, &configuration, self.force)?;
        if !self.dry_run {
            undo.apply()?;
        }
        undo.report.tell(self.dry_run, self.json);
        Ok(())
    }
}
