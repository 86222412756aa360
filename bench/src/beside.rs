//! Programs that were built into the same folder as this one.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};

/// Where the program of this name is.
pub(crate) fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    let path = own.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    ensure!(
        path.exists(),
        "there is no `{name}` beside this program\n\nhint: build all of it: cargo build --release --workspace"
    );
    Ok(path)
}
