//! Runs components against live MCP servers, under grants that a person wrote.
//!
//! Data flows one way: a [`config`] names servers; [`servers`] starts them and lists their tools; [`definitions`] models
//! these; a [`program`] is compiled and its [`imports`] read; [`admission`] holds them against the [`grants`] and returns a
//! plan or every reason against it; [`run`] links the plan and runs. Each call passes the [`gate`], whose permit is the only
//! thing that [`servers`] takes, and leaves a record in the [`journal`].

pub mod config;
pub mod grants;
pub mod labels;
pub mod limits;

pub mod definitions;
pub mod host;
pub mod imports;
pub mod outline;
pub mod program;
pub mod sections;
pub mod skills;

pub mod admission;
pub mod approval;
pub mod dry_run;
pub mod gate;
pub mod rules;
pub mod run;
pub mod sealed;

pub mod mcp;
pub mod servers;

pub mod call;
pub mod journal;
pub mod round_trip;

mod budget;
mod conforms;
mod link;
mod validation;
mod values;

pub use admission::{Plan, Reason, Refusal, admit};
pub use budget::Exceeded;
pub use definitions::Definitions;
pub use grants::Grants;
pub use host::{Host, HostOptions};
pub use journal::{Journal, Recording};
pub use limits::Limits;
pub use program::{Program, Script};
pub use round_trip::{Side, round_trip};
pub use rules::Rules;
pub use run::{Finished, PrepareError, Prepared, RunError, RunOptions};
pub use sections::built_against;
pub use servers::Servers;
pub use skills::SKILLS;
