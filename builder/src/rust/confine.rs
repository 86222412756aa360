//! Confines the calling thread, and every process that it starts from then on, to the files that a compilation needs.
//! Linux's Landlock does it, where the kernel has it (5.13 and later, unless it was turned off); elsewhere nothing is
//! confined and the caller is told so.
//!
//! What it leaves open: whether a file exists can still be seen, and UDP is not covered (TCP is, from Linux 6.7).

use std::path::{Path, PathBuf};

use crate::toolchain::Toolchain;

/// What a compilation may read, and where it may write.
pub(super) struct Reach<'a> {
    /// The compiler, its libraries and its linker.
    pub(super) toolchain: &'a Toolchain,
    /// More files that it may read.
    pub(super) files: &'a [PathBuf],
    /// The folder that it works in.
    pub(super) folder: &'a Path,
}

/// The system's own shared libraries and what the loader reads, in the places that systems keep them. None is the
/// person's; those that do not exist are passed over.
#[cfg(target_os = "linux")]
const SYSTEM: &[&str] = &[
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/dev/urandom",
];

/// Confines this thread for the rest of its life; returns whether reading files is confined now.
#[cfg(target_os = "linux")]
pub(super) fn confine(reach: &Reach<'_>) -> bool {
    // A kernel that knows the calls but refuses them is one without them.
    restrict(reach).unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn confine(_: &Reach<'_>) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn restrict(reach: &Reach<'_>) -> Result<bool, landlock::RulesetError> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
        RulesetStatus, Scope, path_beneath_rules,
    };
    // The newest that is asked for; an older kernel enforces what it knows.
    let abi = ABI::V6;
    let read = AccessFs::from_read(abi);
    let write = AccessFs::from_all(abi)
        & !(AccessFs::Execute
            | AccessFs::MakeChar
            | AccessFs::MakeBlock
            | AccessFs::MakeFifo
            | AccessFs::MakeSock
            | AccessFs::IoctlDev);
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(libraries(reach.toolchain), read))?
        .add_rules(path_beneath_rules(reach.files, AccessFs::ReadFile))?
        .add_rules(path_beneath_rules(
            ["/dev/null"],
            AccessFs::ReadFile | AccessFs::WriteFile,
        ))?
        .add_rules(path_beneath_rules([reach.folder], write))?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Everything of the toolchain: its executables, and the folders of libraries that belong to them.
#[cfg(target_os = "linux")]
fn libraries(toolchain: &Toolchain) -> Vec<PathBuf> {
    let mut paths = vec![toolchain.lib_dir.clone()];
    paths.extend(toolchain.sysroot.clone());
    paths.extend(toolchain.externs.values().cloned());
    let linker = toolchain.linker.iter().map(|(path, _)| path);
    for executable in std::iter::once(&toolchain.rustc).chain(linker) {
        let real = executable.canonicalize();
        let real = real.as_ref().unwrap_or(executable);
        paths.push(real.clone());
        // `<prefix>/bin/rustc` has its libraries in `<prefix>/lib`; a linker of rustup's lies deep inside that.
        let inside = real.ancestors().find(|path| path.ends_with("lib/rustlib"));
        if let Some(lib) = inside.and_then(Path::parent) {
            paths.push(lib.to_path_buf());
        } else if let Some(prefix) = real.parent().and_then(Path::parent) {
            paths.extend(["lib", "lib64"].map(|name| prefix.join(name)));
        }
    }
    paths
}
