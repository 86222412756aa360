//! The command `witgate`: arguments in, data on stdout, everything else on stderr, and an exit code that says who failed.
//! Each command is one file under `commands`; what they share is `failure`, `terminal`, `workspace` and `source`.
#![allow(
    clippy::result_large_err,
    reason = "a failure is made once and ends the process"
)]

mod ask;
mod commands;
mod consent;
mod demo_answer;
mod demo_data;
mod demo_server;
mod digest;
mod effects;
mod failure;
mod init;
mod logins;
mod output;
mod overrides;
mod serve;
mod skills;
mod source;
mod terminal;
mod workspace;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// MCP servers as typed WebAssembly imports: a program can call the tools it imports, and of those the granted ones.
#[derive(Parser)]
#[command(name = "witgate", version, propagate_version = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  witgate tools issue                          find tools of the servers in .mcp.json
  witgate run triage.js --allow github/list_issues --input '{\"label\":\"bug\"}'
  witgate check triage.js --grants grants.toml
  witgate build triage.rs -o triage.wasm

Exit codes: 0 result; 1 the program failed; 2 usage or configuration; 3 refused or denied by grants;
4 a limit was exceeded; 5 an MCP server was unavailable; 130 interrupted.";

#[derive(Subcommand)]
enum Command {
    /// Build a program, link it to the live servers under its grants, and print its result
    Run(Box<commands::run::Run>),
    /// Build a program into a component
    Build(commands::build::Build),
    /// Say what a program or component imports, and whether the grants allow it
    Check(commands::check::Check),
    /// Start every server, list its tools, and write `witgate.lock` and the catalog
    Sync(commands::sync::Sync),
    /// Write the interfaces of tools: WIT in both views, `.d.ts`, and Rust
    Gen(commands::gen_files::Gen),
    /// Find tools by name or description
    Tools(commands::tools::Tools),
    /// See how saved `tools/list` answers are typed
    #[command(subcommand)]
    Catalog(commands::catalog::Catalog),
    /// Infer the types of results that a server does not declare, from recorded runs
    Learn(commands::learn::Learn),
    /// Log in to a server over HTTP, in a browser
    Login(commands::login::Login),
    /// Forget a login to a server
    Logout(commands::logout::Logout),
    /// Say what grants mean for a program, and write those that a recorded run needed
    #[command(subcommand)]
    Grants(commands::grants::Grants),
    /// See and answer the calls that wait for a person's yes
    #[command(subcommand)]
    Approvals(commands::approvals::Approvals),
    /// Be one MCP server in front of all others: search, describe, run, skills
    Serve(commands::serve::Serve),
    /// Put `witgate serve` into the configuration of MCP clients, in front of the servers that are there
    Init(commands::init::Init),
    /// See, review and share programs that were kept
    #[command(subcommand)]
    Skills(commands::skills::Skills),
    /// Be an MCP server with 10,000 issues and contacts, for examples and tests
    DemoServer,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::usage(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return failure::Failure::host(format!("cannot start: {error}")).report(false);
        }
    };
    let json = arguments.command.json();
    let result = runtime.block_on(async {
        tokio::select! {
            result = arguments.command.exec() => result,
            // Dropping the command drops its servers, which ends their processes, and records the calls under way.
            () = asked_to_end(), if !arguments.command.ends_itself() => Err(failure::Failure::new(failure::Kind::Interrupted, "interrupted")),
        }
    });
    // What was dropped ends its servers from the runtime's threads; blocking work that is left (a compile that was
    // interrupted) must not hold the exit up.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

impl Command {
    async fn exec(&self) -> Result<(), failure::Failure> {
        match self {
            Command::Run(command) => command.exec().await,
            Command::Build(command) => command.exec().await,
            Command::Check(command) => command.exec().await,
            Command::Sync(command) => command.exec().await,
            Command::Gen(command) => command.exec().await,
            Command::Tools(command) => command.exec().await,
            Command::Catalog(command) => command.exec().await,
            Command::Learn(command) => command.exec().await,
            Command::Login(command) => command.exec().await,
            Command::Logout(command) => command.exec().await,
            Command::Grants(command) => command.exec().await,
            Command::Approvals(command) => command.exec(),
            Command::Serve(command) => command.exec().await,
            Command::Init(command) => command.exec(),
            Command::Skills(command) => command.exec().await,
            Command::DemoServer => demo_server::serve_stdio()
                .await
                .map_err(|e| failure::Failure::host(format!("{e:#}"))),
        }
    }

    /// Whether it has an orderly end of its own when it is asked to.
    fn ends_itself(&self) -> bool {
        matches!(self, Command::Serve(_))
    }

    /// Whether failures are to be told to a machine.
    fn json(&self) -> bool {
        match self {
            Command::Run(command) => command.json,
            Command::Build(command) => command.json,
            Command::Check(command) => command.json,
            Command::Sync(command) => command.json,
            Command::Tools(command) => command.json,
            Command::Catalog(command) => command.json(),
            Command::Learn(command) => command.json,
            Command::Login(command) => command.json,
            Command::Logout(command) => command.json,
            Command::Grants(command) => command.json(),
            Command::Approvals(command) => command.json(),
            Command::Init(command) => command.json,
            Command::Skills(command) => command.json(),
            Command::Serve(_) | Command::Gen(_) | Command::DemoServer => false,
        }
    }
}

/// Comes back when a signal asks this process to end.
#[cfg(unix)]
pub(crate) async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind| match signal(kind) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}

#[cfg(not(unix))]
pub(crate) async fn asked_to_end() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
