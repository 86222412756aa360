//! The guest toolchain for Rust programs, as `guest-sdk/toolchain` left it on disk. It is only found and checked here;
//! that script makes it. Its description names an executable, so it is believed only where nobody else can have written it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The command that makes a toolchain, from the root of witgate's sources.
pub const MEND: &str = "guest-sdk/toolchain";

/// The sources that a toolchain's libraries must have been built from, in the order in which the script hashes them.
const SDK: &[&str] = &[
    include_str!("../../guest-sdk/Cargo.lock"),
    include_str!("../../guest-sdk/Cargo.toml"),
    include_str!("../../guest-sdk/src/bindings.rs"),
    include_str!("../../guest-sdk/src/clock.rs"),
    include_str!("../../guest-sdk/src/console.rs"),
    include_str!("../../guest-sdk/src/error.rs"),
    include_str!("../../guest-sdk/src/json.rs"),
    include_str!("../../guest-sdk/src/lib.rs"),
    include_str!("../../guest-sdk/src/macros.rs"),
    include_str!("../../guest-sdk/src/prelude.rs"),
    include_str!("../../guest-sdk/src/random.rs"),
    include_str!("../../guest-sdk/src/raw.rs"),
    include_str!("../../guest-sdk/src/run.rs"),
    include_str!("../../guest-sdk/toolchain"),
];

/// A compiler for guests and the libraries compiled for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// Changes with the compiler and with the libraries; part of every cache key.
    pub key: String,
    /// The compiler, an absolute path.
    pub rustc: PathBuf,
    /// What `rustc --version` said.
    pub version: String,
    /// The target triple.
    pub target: String,
    /// The standard library's sysroot, where it is not the compiler's own.
    pub sysroot: Option<PathBuf>,
    /// The linker and its flavor, where the compiler has none.
    pub linker: Option<(PathBuf, String)>,
    /// The folder of all libraries.
    pub lib_dir: PathBuf,
    /// The libraries that a program can name, by crate name.
    pub externs: BTreeMap<String, PathBuf>,
}

/// Why no toolchain is there.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// None was ever made in this cache.
    #[error("the toolchain for Rust programs is not set up (looked in `{0}`)")]
    Missing(PathBuf),
    /// It was made from other sources of the guest library, or for another compiler.
    #[error("the toolchain for Rust programs does not fit this witgate: {reason}")]
    Stale {
        /// What does not fit.
        reason: String,
    },
    /// Someone else could have put it there.
    #[error("the toolchain for Rust programs is not trusted: `{0}` is not yours alone to write to")]
    Untrusted(PathBuf),
    /// Its description cannot be read.
    #[error("the toolchain's description `{path}` cannot be read: {message}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

impl ToolchainError {
    /// The next step for a person.
    pub fn hint(&self) -> String {
        let run = format!("run `{MEND}` in witgate's source folder; it takes 10 s to 2 min");
        match self {
            ToolchainError::Untrusted(path) => format!("remove `{}`, then {run}", path.display()),
            _ => run,
        }
    }
}

/// `toolchain.json`; paths are absolute or relative to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    key: String,
    sdk: String,
    target: String,
    rustc: PathBuf,
    version: String,
    sysroot: Option<PathBuf>,
    linker: Option<PathBuf>,
    linker_flavor: Option<String>,
    lib_dir: PathBuf,
    externs: BTreeMap<String, PathBuf>,
}

impl Toolchain {
    /// The toolchain in `<cache_dir>/toolchain/` that was made from this version's guest library. It reads two small
    /// files and starts no process.
    ///
    /// # Errors
    /// There is none, it does not fit, or files of it are gone.
    pub fn find(cache_dir: &Path) -> Result<Toolchain, ToolchainError> {
        let all = cache_dir.join("toolchain");
        let sdk = sdk_hash();
        let folder = all.join(format!("sdk-{}", &sdk[..16]));
        let path = folder.join("toolchain.json");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let others = std::fs::read_dir(&all).is_ok_and(|entries| {
                    let mut names = entries.flatten().map(|entry| entry.file_name());
                    names.any(|name| name.to_string_lossy().starts_with("sdk-"))
                });
                return Err(if others {
                    ToolchainError::Stale {
                        reason: "the guest library has changed since it was made".into(),
                    }
                } else {
                    ToolchainError::Missing(all)
                });
            }
            Err(error) => {
                return Err(ToolchainError::Unreadable {
                    path,
                    message: error.to_string(),
                });
            }
        };
        // The folder that the link `sdk-..` lies in, the folder that it leads to, and the description there.
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let trusted = [all.as_path(), real.parent().unwrap_or(&all), &real];
        if let Some(open) = trusted.iter().find(|path| !is_private(path)) {
            return Err(ToolchainError::Untrusted(open.to_path_buf()));
        }
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| ToolchainError::Unreadable {
                path: path.clone(),
                message: error.to_string(),
            })?;
        if manifest.format != 1 || manifest.sdk != sdk {
            return Err(ToolchainError::Stale {
                reason: "it was made by another version".into(),
            });
        }
        // Absolute, for the compiler runs in another folder.
        let folder = folder
            .canonicalize()
            .map_err(|error| ToolchainError::Unreadable {
                path,
                message: error.to_string(),
            })?;
        let toolchain = Toolchain {
            key: manifest.key,
            rustc: manifest.rustc,
            version: manifest.version,
            target: manifest.target,
            sysroot: manifest.sysroot.map(|path| folder.join(path)),
            linker: manifest.linker.zip(manifest.linker_flavor),
            lib_dir: folder.join(manifest.lib_dir),
            externs: manifest
                .externs
                .into_iter()
                .map(|(name, path)| (name, folder.join(path)))
                .collect(),
        };
        let gone = toolchain.files().find(|path| !path.exists()).cloned();
        match gone {
            Some(path) => {
                let reason = format!("`{}` is gone", path.display());
                Err(ToolchainError::Stale { reason })
            }
            None => Ok(toolchain),
        }
    }

    /// Everything on disk that a compilation needs.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let own = [&self.rustc, &self.lib_dir]
            .into_iter()
            .chain(&self.sysroot);
        own.chain(self.linker.iter().map(|(path, _)| path))
            .chain(self.externs.values())
    }
}

/// Whether a file or folder, itself and not what a link leads to, belongs to this user (or to root, who can do anything
/// anyway) and nobody else can write to it.
pub(crate) fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(path).is_ok_and(|data| {
        let own = data.uid() == rustix::process::geteuid().as_raw() || data.uid() == 0;
        own && !data.is_symlink() && data.mode() & 0o022 == 0
    })
}

/// SHA-256 hex over the sources of the guest library.
fn sdk_hash() -> String {
    let mut hasher = Sha256::new();
    for text in SDK {
        hasher.update(text.as_bytes());
    }
    crate::hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn every_source_of_the_guest_library_is_hashed() {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk");
        let mut texts = vec!["Cargo.lock".to_string(), "Cargo.toml".to_string()];
        let mut sources: Vec<String> = std::fs::read_dir(sdk.join("src"))
            .unwrap()
            .map(|entry| format!("src/{}", entry.unwrap().file_name().to_str().unwrap()))
            .collect();
        sources.sort();
        texts.extend(sources);
        texts.push("toolchain".to_string());
        let texts: Vec<String> = texts
            .iter()
            .map(|path| std::fs::read_to_string(sdk.join(path)).unwrap())
            .collect();
        assert!(
            texts == SDK,
            "the list `SDK` in toolchain.rs and the files of guest-sdk/ differ"
        );
    }

    #[test]
    fn a_missing_a_stale_and_an_untrusted_toolchain_are_told_apart() {
        let cache = tempfile::tempdir().unwrap();
        let error = Toolchain::find(cache.path()).unwrap_err();
        assert!(matches!(error, ToolchainError::Missing(_)), "{error}");
        assert!(error.hint().contains("guest-sdk/toolchain"));
        std::fs::create_dir_all(cache.path().join("toolchain/sdk-0000000000000000")).unwrap();
        let error = Toolchain::find(cache.path()).unwrap_err();
        assert!(matches!(error, ToolchainError::Stale { .. }), "{error}");
        let folder = cache
            .path()
            .join(format!("toolchain/sdk-{}", &sdk_hash()[..16]));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("toolchain.json"), "{}").unwrap();
        for path in [&cache.path().join("toolchain"), &folder] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        let path = folder.join("toolchain.json");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let error = Toolchain::find(cache.path()).unwrap_err();
        assert!(
            matches!(error, ToolchainError::Unreadable { .. }),
            "{error}"
        );
        for (path, mode) in [
            (&path, 0o666),
            (&folder, 0o770),
            (&cache.path().join("toolchain"), 0o777),
        ] {
            let before = std::fs::metadata(path).unwrap().permissions();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = Toolchain::find(cache.path()).unwrap_err();
            assert!(matches!(error, ToolchainError::Untrusted(_)), "{error}");
            assert!(error.hint().starts_with("remove `"), "{}", error.hint());
            std::fs::set_permissions(path, before).unwrap();
        }
    }
}
