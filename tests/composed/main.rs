//! Skills: programs that call programs, with the real demo server behind them. What a skill may do is what its caller may do,
//! what it costs is its caller's, and what it breaks is its own.
#![allow(clippy::unwrap_used)]

mod calls;
mod failures;
mod ground;
mod limits;
mod permission;
mod plain;
mod refusals;
mod scopes;
