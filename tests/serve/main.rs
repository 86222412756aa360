//! `witgate serve` end to end, with real clients in front and real servers behind: the official TypeScript and Python SDKs of both
//! generations of the protocol, and the inspector, over stdio and over HTTP. The clients are small scripts in `clients/` that do what
//! they are told; what comes back is judged here. What is not installed is skipped, with a line that says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod access;
mod approvals;
mod changes;
mod client;
mod demo;
mod follow;
mod ground;
mod http;
mod inspector;
mod session;
mod sessions;

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use witgate_tests::workspace;

use client::Sdk;
use ground::Transport;

/// One test, as its module lists it.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Files that have to be there.
    pub(crate) needs: Vec<PathBuf>,
    pub(crate) run: Box<dyn FnOnce() -> anyhow::Result<()> + Send>,
}

impl Case {
    pub(crate) fn new(
        name: &str,
        needs: Vec<PathBuf>,
        run: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
    ) -> Case {
        Case {
            name: name.to_owned(),
            needs,
            run: Box::new(run),
        }
    }
}

/// A test of one client.
pub(crate) type OfClient = fn(Sdk, Transport) -> anyhow::Result<()>;

/// The same test for these clients over these transports.
pub(crate) fn each(
    name: &str,
    sdks: &[Sdk],
    transports: &[Transport],
    needs: &[PathBuf],
    run: OfClient,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for &sdk in sdks {
        for &transport in transports {
            let over = match transport {
                Transport::Stdio => "stdio",
                Transport::Http => "http",
            };
            let mut needs = needs.to_vec();
            needs.push(sdk.program());
            if matches!(sdk, Sdk::TypeScript1 | Sdk::TypeScript2) {
                needs.push(
                    client::packages()
                        .join("node_modules/@modelcontextprotocol/client/package.json"),
                );
            }
            let name = format!("{name} ({}, {over})", sdk.name());
            cases.push(Case::new(&name, needs, move || run(sdk, transport)));
        }
    }
    cases
}

/// Both.
pub(crate) const BOTH: [Transport; 2] = [Transport::Stdio, Transport::Http];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = [
        session::cases(),
        follow::cases(),
        approvals::cases(),
        sessions::cases(),
        changes::cases(),
        access::cases(),
        inspector::cases(),
        demo::cases(),
    ];
    let trials = cases.into_iter().flatten().map(|case| {
        let missing = case.needs.into_iter().find(|path| !path.exists());
        let missing = missing.map(|path| format!("no `{}`", path.display()));
        let skipped = missing.is_some() && !workspace::nothing_may_be_skipped();
        if let Some(missing) = missing.as_ref().filter(|_| skipped) {
            eprintln!(
                "skipped: {}: {missing}; `./test --install` brings it",
                case.name
            );
        }
        let run = case.run;
        let trial = Trial::test(case.name, move || match missing {
            Some(missing) => Err(Failed::from(missing)),
            None => run().map_err(|error| Failed::from(format!("{error:#}"))),
        });
        trial.with_ignored_flag(skipped)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
