//! Permissions, whole: real servers, real programs, and every way around the gate that anybody thought of.
#![allow(clippy::unwrap_used)]

mod bypass;
mod components;
mod dojo;
mod ground;
mod hints;
mod laundering;
mod local;
mod scripts;
mod sealing;
mod secrets;
mod waiting;
