//! `witgate serve`: one MCP server in front of all others.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use witgate_host::Limits;
use witgate_host::config::{Transport, Unset};

use super::GrantArguments;
use crate::asked_to_end;
use crate::failure::{Failure, Kind};
use crate::serve::http::{self, Http, Issuer};
use crate::serve::{Front, Settings, stdio};
use crate::workspace::{self, Workspace};

/// Be one MCP server in front of all others: search, describe, run, skills
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate serve                                over stdin and stdout, for one client
  witgate serve --config servers.json --grants grants.toml
  witgate serve --http 8765                    on http://127.0.0.1:8765/mcp, for many
  WITGATE_TOKEN=... witgate serve --http 0.0.0.0:8765 --allow-host witgate.example.com

`witgate init` puts the first of these into the configuration of your MCP clients. What programs may call is in
`grants.toml` beside the configuration; a change of it counts from the next run on.")]
pub(crate) struct Serve {
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    grants: GrantArguments,
    /// Speak streamable HTTP on this port of 127.0.0.1, or on this address, instead of stdin and stdout; port 0 takes a free one
    #[arg(long, value_name = "PORT|ADDRESS:PORT")]
    http: Option<String>,
    /// A name under which clients reach this server, beside those of loopback. Can be given many times
    #[arg(long, value_name = "HOST", requires = "http")]
    allow_host: Vec<String>,
    /// A site whose pages may ask, beside those of loopback (`https://app.example.com:443`). Can be given many times
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    allow_origin: Vec<String>,
    /// Let in who has a token of this authorization server (OAuth), beside the one in `WITGATE_TOKEN`
    #[arg(long, value_name = "URL", requires = "http")]
    authorization_server: Option<String>,
    /// This server's own address as its clients know it, for which tokens have to be issued; else `http://ADDRESS:PORT/mcp`
    #[arg(long, value_name = "URL", requires = "authorization_server")]
    resource: Option<String>,
    /// Runs at the same time; more wait
    #[arg(long, value_name = "N", default_value_t = 32)]
    max_runs: usize,
    /// The most time that a run may ask for, and gets where it asks for none
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    max_time: u64,
    /// The most CPU time of a run; waiting for tools does not count
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    max_cpu: u64,
    /// The most memory of a run
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    max_memory: usize,
    /// The most tool calls of a run
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    max_calls: u64,
    /// Longest answer where a request does not say; longer values are cut, and stay readable
    #[arg(long, value_name = "BYTES", default_value_t = 8_000)]
    max_answer: usize,
}

impl Serve {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let workspace = workspace::open_with(self.config.as_deref(), Unset::LeaveOut)?;
        refuse_itself(&workspace)?;
        let servers = workspace.servers.clone();
        let settings = Settings {
            grants: self.grants.clone(),
            limits: Limits {
                cpu: Duration::from_secs(self.max_cpu.max(1)),
                wall: Duration::from_secs(self.max_time.max(1)),
                memory: self.max_memory.saturating_mul(1 << 20),
                calls: self.max_calls,
                ..Limits::default()
            },
            runs: self.max_runs.clamp(1, 1_000),
            answer: self.max_answer.clamp(200, 1 << 20),
        };
        let front = Front::start(workspace, settings).await?;
        let served = match &self.http {
            Some(address) => {
                let http = self.http(address).await?;
                http::serve(Arc::clone(&front), http, asked_to_end).await
            }
            None => stdio::serve(Arc::clone(&front), asked_to_end).await,
        };
        front.end().await;
        servers.shutdown().await;
        served
    }

    async fn http(&self, address: &str) -> Result<Http, Failure> {
        let address = match address.parse::<u16>() {
            Ok(port) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            Err(_) => address.parse().map_err(|_| {
                Failure::usage(format!("`--http {address}` is no port and no address"))
                    .hint("write `--http 8765`, or `--http 0.0.0.0:8765`")
            })?,
        };
        let listener = http::listen(address).await?;
        let issuer = match &self.authorization_server {
            Some(url) => {
                // With port 0, only now it is known.
                let address = listener.local_addr().unwrap_or(address);
                let own = format!("http://{address}/mcp");
                Some(Issuer::discover(url, self.resource.as_deref().unwrap_or(&own)).await?)
            }
            None => None,
        };
        let token = std::env::var("WITGATE_TOKEN")
            .ok()
            .filter(|token| !token.is_empty());
        if token.as_ref().is_some_and(|token| token.len() < 16) {
            return Err(
                Failure::usage("`WITGATE_TOKEN` is shorter than 16 characters")
                    .hint("make one: `openssl rand -hex 32`"),
            );
        }
        Ok(Http {
            listener,
            hosts: self.allow_host.clone(),
            origins: self.allow_origin.clone(),
            token,
            issuer,
        })
    }
}

/// A configuration that starts this very command would start it without end.
fn refuse_itself(workspace: &Workspace) -> Result<(), Failure> {
    for (name, server) in &workspace.config.servers {
        let Transport::Stdio { command, args, .. } = &server.transport else {
            continue;
        };
        let program = std::path::Path::new(command)
            .file_stem()
            .and_then(|stem| stem.to_str());
        if program == Some("witgate") && args.first().is_some_and(|arg| arg == "serve") {
            let path = workspace.config.path.display();
            return Err(Failure::new(Kind::Configuration, format!("server `{name}` of `{path}` is `witgate serve` itself"))
                .hint("name the file that has the other servers with `--config FILE`; `witgate init` moves them into one"));
        }
    }
    Ok(())
}
