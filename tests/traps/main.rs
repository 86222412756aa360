//! The traps of the JavaScript path, and whole programs in every form that people and models write: how each ends, where its
//! errors point, and that a hostile one hurts only itself.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod component;
mod ground;
mod odd_texts;
mod programs;
