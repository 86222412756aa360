//! The configuration files of MCP clients: found, edited with comments and order kept, backed up, put back.
//! `plan` reads everything and decides; `files` is the only part that writes. What a server's entry means to witgate is the
//! host's to say: an entry is moved only where `host/src/config.rs` reads the same out of it.

pub(crate) mod backup;
pub(crate) mod client;
mod codex;
mod document;
mod entry;
mod files;
mod found;
mod grants;
mod json;
pub(crate) mod places;
pub(crate) mod plan;
pub(crate) mod report;
mod servers;
mod toml;
mod translate;
mod trust;
pub(crate) mod undo;
mod variables;

use std::path::Path;

use crate::failure::{Failure, Kind};

/// A file that cannot be used as it is.
fn broken(path: &Path, message: &str) -> Failure {
    Failure::new(
        Kind::Configuration,
        format!("{}: {message}", path.display()),
    )
}

/// A place in a text, from 1. The column counts characters.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

/// A text that is not of its form.
fn malformed(path: &Path, text: &str, offset: usize, message: &str) -> Failure {
    let (line, column) = place(text, offset);
    let at = format!("{}:{line}:{column}", path.display());
    Failure::new(Kind::Configuration, format!("{at}: {message}"))
        .hint("correct the file there, and run `witgate init` again; nothing was changed")
        .at(at)
}
