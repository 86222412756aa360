//! One file per command: a struct with its arguments and `exec`.

pub(crate) mod approvals;
pub(crate) mod build;
pub(crate) mod catalog;
pub(crate) mod check;
pub(crate) mod gen_files;
pub(crate) mod grants;
pub(crate) mod init;
pub(crate) mod learn;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod skills;
pub(crate) mod sync;
pub(crate) mod tools;

use std::path::PathBuf;

use clap::Args;
use witgate_codegen::select::LookupError;
use witgate_host::Grants;
use witgate_host::grants as rules;

use crate::failure::Failure;

/// Where grants come from.
#[derive(Args, Clone)]
pub(crate) struct GrantArguments {
    /// Allow a tool; both sides may be globs (`'github/*'`). Can be given many times
    #[arg(long, value_name = "SERVER/TOOL")]
    allow: Vec<String>,
    /// Read grants from a TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// Read an organisation's policy, in Cedar: it must allow a call as well as a grant
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Nobody named the file: without it, nothing is granted.
    #[arg(skip)]
    pub(crate) may_be_absent: bool,
}

impl GrantArguments {
    /// Every grant, the command line's first.
    pub(crate) fn read(&self) -> Result<Grants, Failure> {
        let mut all = match &self.grants {
            Some(path) if !self.may_be_absent || path.exists() => rules::load(path)?,
            _ => Grants::default(),
        };
        for given in self.allow.iter().rev() {
            all.grants.insert(0, rules::allow(given)?);
        }
        if let Some(path) = &self.policy {
            let text = std::fs::read_to_string(path).map_err(|e| {
                Failure::usage(format!("cannot read the policy `{}`: {e}", path.display()))
            })?;
            all.policy = Some(rules::Policy {
                text,
                origin: path.display().to_string(),
            });
        }
        Ok(all)
    }
}

/// A tool or server that is not there, with names like it.
fn unknown_tool(error: &LookupError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error.nearest() {
        [] => failure.hint("`witgate tools` lists them"),
        names => failure.hint(format!("did you mean `{}`?", names.join("` or `"))),
    }
}

/// Where tool definitions come from.
#[derive(Args)]
pub(crate) struct CatalogArguments {
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A saved `tools/list` answer instead of live servers
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Only this server; with `--catalog`, what to call it
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
}
