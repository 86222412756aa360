//! The conformance suite of MCP, as its makers publish it, against ours: `client` is what the host does at a server, `server` is
//! `witgate serve`. Where the suite is not installed, nothing is run, and it says so.
//!
//! This program is also the client that the suite starts: with `MCP_CONFORMANCE_SCENARIO` set it plays that scenario.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod client;
mod judge;
mod player;
mod server;
mod suite;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use witgate_tests::workspace;

use suite::Suite;

fn main() -> ExitCode {
    if let Some(scenario) = std::env::var_os(player::SCENARIO) {
        return player::play(&scenario.to_string_lossy());
    }
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    let collected = match Suite::installed() {
        Some(suite) => vec![client::trials(&suite), server::trials(&suite)],
        None if workspace::nothing_may_be_skipped() => {
            vec![Err(anyhow::anyhow!("it is not installed"))]
        }
        None => Vec::new(),
    };
    for collected in collected {
        match collected {
            Ok(of_one_side) => trials.extend(of_one_side),
            Err(error) => {
                let failed = move || Err(Failed::from(format!("{error:#}")));
                trials.push(Trial::test("the suite can be started", failed));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
