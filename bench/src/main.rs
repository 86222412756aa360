//! What things cost: a table of measured times with their spread, each beside its aim. It measures in the way the product
//! is used, against real server processes; it changes nothing and judges nothing but whether a median is within its aim.

mod beside;
mod calls;
mod cli;
mod compute;
mod gate;
mod generate;
mod ground;
mod js;
mod machine;
mod report;
mod rust_build;
mod spread;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use serde_json::json;

use crate::ground::Ground;
use crate::spread::Row;

/// The one of the command, so that its library is measured as the command runs it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures witgate and prints a table: n, min, median, p90, p99 and max of each row, beside its aim.
#[derive(Parser)]
#[command(
    name = "witgate-bench",
    after_help = "\
Build everything first, in one go: cargo build --release --workspace
Rows of Rust programs need the toolchain for guests: guest-sdk/toolchain"
)]
struct Arguments {
    /// Only these groups of rows; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<Group>,
    /// One JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// A tenth of the rounds, to see that everything works
    #[arg(long)]
    quick: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Source -> result of JavaScript programs, never seen and known
    Js,
    /// 50 calls of 20 ms at once
    Parallel,
    /// 10,000 rows in JavaScript and in Rust
    Filter,
    /// Builds of a Rust program
    Rust,
    /// Start of the command
    Cli,
    /// One call's own cost
    Call,
    /// What conditions, flow rules, a policy and sealing add to a call
    Gate,
    /// fib(25) in JavaScript and in Rust
    Fib,
    /// Interfaces of 1,250, 2,500 and 5,000 tools
    Gen,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every group could be measured.
fn measure(arguments: &Arguments) -> anyhow::Result<bool> {
    // As the command line has it: many threads, the run on the main one.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let machine = machine::machine();
    let load = machine::load();
    let mut out = std::io::stdout();
    let ground = runtime.block_on(ground::prepare(arguments.quick))?;
    if !arguments.json {
        write!(out, "{}", report::head(&machine, load))?;
    }
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for group in Group::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(group) {
            continue;
        }
        match runtime.block_on(group.rows(&ground)) {
            Ok(measured) => {
                if !arguments.json {
                    for row in &measured {
                        write!(out, "{}", report::line(row))?;
                    }
                }
                rows.extend(measured);
            }
            Err(error) => {
                eprintln!("error: {group:?} was not measured: {error:#}");
                failed.push(format!("{group:?}").to_lowercase());
            }
        }
    }
    runtime.block_on(ground.servers.shutdown());
    if arguments.json {
        let report = json!({
            "machine": machine.to_json(),
            "load_before": load,
            "load_after": machine::load(),
            "rows": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
            "not_measured": failed,
        });
        writeln!(out, "{report:#}")?;
    } else {
        write!(out, "{}", report::foot(machine::load()))?;
    }
    Ok(failed.is_empty())
}

impl Group {
    async fn rows(self, ground: &Ground) -> anyhow::Result<Vec<Row>> {
        match self {
            Group::Js => js::rows(ground).await,
            Group::Parallel => calls::parallel(ground).await,
            Group::Filter => compute::filter(ground).await,
            Group::Rust => rust_build::rows(ground),
            Group::Cli => cli::rows(ground),
            Group::Call => calls::rows(ground).await,
            Group::Gate => gate::rows(ground).await,
            Group::Fib => compute::fib(ground).await,
            Group::Gen => generate::rows(ground),
        }
    }
}
