//! Permissions, whole: real servers, real programs, and every way around the gate that anybody thought of.
#![allow(clippy::unwrap_used)]

mod dojo;
mod ground;
