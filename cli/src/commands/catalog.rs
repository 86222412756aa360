//! `witgate catalog`: how saved `tools/list` answers are typed, in figures and value by value. No server is started.

mod report;
mod roundtrip;

use clap::Subcommand;

use crate::failure::Failure;

/// See how saved `tools/list` answers are typed
#[derive(Subcommand)]
pub(crate) enum Catalog {
    /// Count what was typed and what was not, with the reason of each
    Report(report::Report),
    /// Take values on stdin through JSON -> typed value -> JSON
    Roundtrip(roundtrip::Roundtrip),
}

impl Catalog {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        match self {
            Catalog::Report(command) => command.exec(),
            Catalog::Roundtrip(command) => command.exec().await,
        }
    }

    /// Whether failures are to be told to a machine.
    pub(crate) fn json(&self) -> bool {
        match self {
            Catalog::Report(command) => command.json,
            Catalog::Roundtrip(_) => false,
        }
    }
}
