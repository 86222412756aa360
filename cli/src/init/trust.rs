//! Whom a file may be from. A folder may come from somebody else, with whatever files and links in it, and what `init` reads
//! there is started later, or written elsewhere. On systems that tell nothing about it, all files are taken.

use std::path::Path;

use witgate_host::config;

use crate::failure::{Failure, Kind};

/// Refuses a file of a project that somebody else can have written, as the search for a configuration does: its servers are
/// started.
pub(super) fn check_project_file(path: &Path) -> Result<(), Failure> {
    let Ok(Some(reason)) = config::objection_to(path) else {
        return Ok(());
    };
    let message = format!(
        "`{}` is not used: {reason}; nothing was changed",
        path.display()
    );
    Err(Failure::new(Kind::Configuration, message).hint(
        "it names programs that are started: read it, and if you trust it, name its client with `--client`",
    ))
}

/// Refuses what `init` keeps for itself where it is not as `init` makes it: a file for the user alone, behind no link. What
/// comes with a folder from somewhere else is not so.
pub(super) fn check_own_file(path: &Path, below: &Path) -> Result<(), Failure> {
    let refuse = |path: &Path, what: &str| {
        let message = format!(
            "`{}` is not used: {what}; nothing was changed",
            path.display()
        );
        Err(Failure::new(Kind::Configuration, message)
            .hint("`init` does not make it so: if it came with this folder, take it away"))
    };
    for part in path.ancestors().take_while(|part| *part != below) {
        if part.is_symlink() {
            return refuse(part, "it is a link");
        }
    }
    #[cfg(unix)]
    if let Ok(data) = path.metadata() {
        use std::os::unix::fs::PermissionsExt as _;
        if data.permissions().mode() & 0o077 != 0 {
            return refuse(path, "others may read or write it");
        }
    }
    Ok(())
}
