//! The token bill: what five tasks cost a model in tokens, with every tool in its context, with a search tool, and through
//! `witgate serve`. It runs them against real processes, writes down every conversation, and counts them with a real vocabulary.

#[path = "../beside.rs"]
mod beside;
mod connection;
mod conversation;
mod corpus;
mod count;
mod direct;
mod kept;
mod measure;
mod model;
mod plot;
mod scenario;
mod server;
mod table;
mod world;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::{Parser, Subcommand};

use crate::corpus::Corpus;
use crate::kept::{Counted, Kept};
use crate::scenario::{SCENARIOS, Scenario};

/// Counts what tasks cost a model in tokens: every tool in its context, a search tool, witgate
#[derive(Parser)]
#[command(
    name = "witgate-bench-tokens",
    after_help = "\
Examples:
  witgate-bench-tokens               measures everything, writes bench/tokens
  witgate-bench-tokens --check       recounts the transcripts, starts nothing
  witgate-bench-tokens --recount     the same, and writes the table and the plot
  witgate-bench-tokens --only lookup --at 20 --into /tmp/bill

Build everything first, in one go: cargo build --release --workspace
Measuring needs the corpus of real servers beside the repository and the toolchain for Rust programs
(guest-sdk/toolchain); recounting needs neither."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Count the transcripts that are there, and compare with the table and the plot beside them
    #[arg(long, conflicts_with_all = ["only", "at"])]
    check: bool,
    /// Write the table and the plot of the transcripts that are there, and measure nothing
    #[arg(long, conflicts_with_all = ["only", "at", "check"])]
    recount: bool,
    /// Only this task; can be given many times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only with so many tools connected; can be given many times
    #[arg(long, value_name = "TOOLS", requires = "into")]
    at: Vec<usize>,
    /// The folder of the results, else bench/tokens
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Be a server of the corpus
    #[command(hide = true)]
    Server(server::ServerArguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        Some(Command::Server(arguments)) => server::serve(arguments),
        None if arguments.check => check(&arguments),
        None if arguments.recount => write(&arguments),
        None => run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn folder(&self) -> PathBuf {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tokens");
        self.into.clone().unwrap_or(own)
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    for name in &arguments.only {
        let names = names.join(", ");
        ensure!(
            names.contains(name.as_str()),
            "there is no task `{name}`; there are {names}"
        );
    }
    let corpus = Corpus::open()?;
    let witgate = beside::beside("witgate")?;
    let kept = Kept::below(&arguments.folder());
    // As the command line has it: many threads, the run on the main one.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    for scenario in &SCENARIOS {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|name| name == scenario.name) {
            continue;
        }
        let mut all = Vec::new();
        for size in scenario.sizes(corpus.size()) {
            if !arguments.at.is_empty() && !arguments.at.contains(&size) {
                continue;
            }
            eprintln!("{} with {size} tools", scenario.name);
            all.extend(runtime.block_on(measure::measure(&corpus, scenario, size, &witgate))?);
            kept.define(&corpus.definitions(&corpus.connected(scenario.used, size)?)?)?;
        }
        kept.replace(scenario.name, &all)?;
    }
    write(arguments)
}

/// Writes the table and the plot, and shows the table.
fn write(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = arguments.folder();
    let counted = count(&Kept::below(&folder))?;
    let text = table::results(&counted)?;
    std::fs::write(folder.join("results.md"), &text)?;
    std::fs::write(folder.join("results.svg"), plot::plot(&counted)?)?;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// Counts again what is there, without any server.
fn check(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = arguments.folder();
    let counted = count(&Kept::below(&folder))?;
    let mut out = std::io::stdout();
    for (name, fresh) in [
        ("results.md", table::results(&counted)?),
        ("results.svg", plot::plot(&counted)?),
    ] {
        let file = folder.join(name);
        let there =
            std::fs::read_to_string(&file).with_context(|| format!("`{}`", file.display()))?;
        if there != fresh {
            let told: Vec<String> = there
                .lines()
                .zip(fresh.lines())
                .filter(|(there, fresh)| there != fresh)
                .take(3)
                .map(|(there, fresh)| format!("  it says  {there}\n  counted  {fresh}"))
                .collect();
            bail!(
                "`{}` does not say what the transcripts say\n{}",
                file.display(),
                told.join("\n")
            );
        }
        writeln!(out, "{}: as counted", file.display())?;
    }
    Ok(())
}

fn count(kept: &Kept) -> anyhow::Result<Counted> {
    let used: Vec<_> = SCENARIOS
        .iter()
        .map(|Scenario { name, used, .. }| (*name, *used))
        .collect();
    kept.count(&used)
}
