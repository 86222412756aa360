//! `witgate skills` as a person uses it: programs are kept, looked at, approved and run; they go to a real registry and come back
//! from it, and what comes from one that lies is not kept.
#![allow(clippy::unwrap_used)]

mod access;
mod fake;
mod ground;
mod keeping;
mod lying;
mod outline;
mod registry;
mod reviewing;
mod tampering;
