//! Where a configuration is looked for when nobody names one: `witgate.json`, else `.mcp.json`, from a folder upwards. What it says is executed,
//! so only a file that nobody else can have written is taken, as git does with its own. The file is not read here.

use std::path::{Path, PathBuf};

use super::ConfigError;

/// The files that are looked for in each folder: where `witgate init` moves servers to, and where clients have them. Those of
/// editors (`.cursor/mcp.json` ...) have to be named.
const FILES: [&str; 2] = ["witgate.json", ".mcp.json"];
/// What marks the root of a repository, where the search ends.
const ROOTS: [&str; 3] = [".git", ".hg", ".jj"];

/// The nearest `witgate.json` or `.mcp.json` in `start` or a folder above it, at most up to the root of the repository, `$HOME`, or the file
/// system that `start` is on.
///
/// # Errors
/// [`ConfigError::Untrusted`] where the nearest one is not a file of this user alone: it belongs to someone else (root's
/// are trusted by all, and root trusts no others), or others may write to it or to its folder. [`ConfigError::Read`]
/// where that cannot be told.
pub fn find(start: &Path) -> Result<Option<PathBuf>, ConfigError> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    find_for(start, home.map(PathBuf::from).as_deref(), &person())
}

/// Why a file that nobody named is not taken, as [`find`] asks; `None` for one that only this user can have written.
///
/// # Errors
/// It cannot be told.
pub fn objection_to(path: &Path) -> std::io::Result<Option<String>> {
    objection(path, path.parent().unwrap_or(Path::new(".")), &person())
}

/// Who asks.
pub(super) struct Person {
    pub(super) user: u32,
    pub(super) group: u32,
}

fn person() -> Person {
    #[cfg(unix)]
    return Person {
        user: rustix::process::geteuid().as_raw(),
        group: rustix::process::getegid().as_raw(),
    };
    #[cfg(not(unix))]
    Person { user: 0, group: 0 }
}

pub(super) fn find_for(
    start: &Path,
    home: Option<&Path>,
    person: &Person,
) -> Result<Option<PathBuf>, ConfigError> {
    let read = |path: &Path, source| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    let start = start.canonicalize().map_err(|error| read(start, error))?;
    let home = home.and_then(|home| home.canonicalize().ok());
    for folder in start.ancestors() {
        if !is_same_file_system(&start, folder) {
            break;
        }
        for path in FILES.map(|file| folder.join(file)) {
            match objection(&path, folder, person) {
                Ok(None) => return Ok(Some(path)),
                Ok(Some(reason)) => return Err(ConfigError::Untrusted { path, reason }),
                Err(error)
                    if error.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => {}
                Err(error) => return Err(read(&path, error)),
            }
        }
        let is_root = ROOTS.iter().any(|root| folder.join(root).exists());
        if is_root || home.as_deref() == Some(folder) {
            break;
        }
    }
    Ok(None)
}

/// Why a file is not taken. It must be the person's own, and so must the link where it is one.
fn objection(path: &Path, folder: &Path, person: &Person) -> std::io::Result<Option<String>> {
    let (link, file, folder) = (
        path.symlink_metadata()?,
        path.metadata()?,
        folder.metadata()?,
    );
    if !file.is_file() {
        return Ok(Some("it is no regular file".to_owned()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let foreign = [("it", &link), ("it", &file), ("its folder", &folder)]
            .into_iter()
            .find(|(_, data)| data.uid() != person.user && data.uid() != 0);
        if let Some((what, data)) = foreign {
            return Ok(Some(format!(
                "{what} belongs to another user ({})",
                data.uid()
            )));
        }
        // In a sticky folder, as `/tmp`, others can add files but not replace this one.
        let sticky = folder.mode() & 0o1000 != 0;
        let open = [("it", &file, false), ("its folder", &folder, sticky)]
            .into_iter()
            .find(|(_, data, safe)| !safe && others_may_write(data.mode(), data.gid(), person));
        if let Some((what, data, _)) = open {
            let mode = data.mode() & 0o7777;
            return Ok(Some(format!("others may write to {what} (mode {mode:o})")));
        }
    }
    #[cfg(not(unix))]
    let _ = (link, folder, person);
    Ok(None)
}

/// The group that carries the user's own number has no other members, where a system gives each user one.
#[cfg(unix)]
pub(super) fn others_may_write(mode: u32, group: u32, person: &Person) -> bool {
    let private = group == person.group && group == person.user;
    mode & 0o002 != 0 || (mode & 0o020 != 0 && !private)
}

fn is_same_file_system(start: &Path, folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| path.metadata().map(|data| data.dev()).ok();
        device(start) == device(folder)
    }
    #[cfg(not(unix))]
    {
        let _ = (start, folder);
        true
    }
}
