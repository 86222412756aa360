//! Where things lie: the root of the repository, the binary that cargo built, the folder of everything that is kept between
//! runs. Nothing is built here.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// The binary `witgate`, beside the test that runs: `cargo test --workspace` builds both.
///
/// # Errors
/// When cargo has not built it.
pub fn binary() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe().context("a test knows where it is")?;
    let name = format!("witgate{}", std::env::consts::EXE_SUFFIX);
    // target/debug/deps/test-hash -> target/debug/witgate
    let found = test.ancestors().skip(1).map(|folder| folder.join(&name));
    match found.into_iter().find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!("`witgate` is not built; run `cargo build --workspace`"),
    }
}

/// Where witgate keeps what it need not make again, as the binary itself looks for it.
#[must_use]
pub fn cache() -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("WITGATE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("witgate")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/witgate")))
        .unwrap_or_default()
}

/// Whether a test whose needs are not installed must fail: set by `./test`, which installs them.
#[must_use]
pub fn nothing_may_be_skipped() -> bool {
    std::env::var_os("WITGATE_TEST_ALL").is_some()
}
