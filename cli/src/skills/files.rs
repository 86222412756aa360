//! Files of a skill's folder, read as what they are: regular, not too large, and no links, which could lead anywhere. Written
//! as drafts beside their places, which they take only when all are there. What is in them is not known here.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// Why a file is not read. The words follow the file's name.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It is not there.
    Missing,
    /// It is no regular file, too large, or open to others: what is wrong, and what to do.
    Unfit {
        why: String,
        fix: String,
    },
    Io(io::Error),
}

/// A regular file of at most `limit` bytes.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, ReadError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(ReadError::Missing),
        Err(e) => return Err(ReadError::Io(e)),
    };
    if !found.is_file() {
        let what = if found.is_symlink() {
            "a link"
        } else {
            "no regular file"
        };
        return Err(unfit(
            format!("is {what}"),
            format!("put a file in its place: `{}`", path.display()),
        ));
    }
    owned(path, &found)?;
    let large = |bytes: u64| {
        let why = format!("is {bytes} bytes, at most {limit} are read");
        unfit(why, format!("make it smaller: `{}`", path.display()))
    };
    if found.len() > limit as u64 {
        return Err(large(found.len()));
    }
    let file = File::open(path).map_err(ReadError::Io)?;
    // Between the look and the opening another one may have been put there.
    if !is_same(&found, &file.metadata().map_err(ReadError::Io)?) {
        return Err(unfit(
            "changes while it is read".to_owned(),
            "try again".to_owned(),
        ));
    }
    let mut bytes = Vec::new();
    let read = file.take(limit as u64 + 1).read_to_end(&mut bytes);
    read.map_err(ReadError::Io)?;
    if bytes.len() > limit {
        return Err(large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// Refuses a folder that is a link, no folder, or open to others.
pub(super) fn check_folder(path: &Path) -> Result<(), ReadError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(ReadError::Missing),
        Err(e) => return Err(ReadError::Io(e)),
    };
    if !found.is_dir() {
        let what = if found.is_symlink() {
            "a link"
        } else {
            "no folder"
        };
        return Err(unfit(
            format!("is {what}"),
            format!(
                "put a folder in its place, or remove it: `{}`",
                path.display()
            ),
        ));
    }
    owned(path, &found)
}

/// Refuses a folder that everybody may replace, as they may write the one above it. A sticky one lets nobody replace what
/// others made.
pub(super) fn check_above(path: &Path) -> Result<(), ReadError> {
    let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) else {
        return Ok(());
    };
    #[cfg(unix)]
    if let Ok(found) = fs::metadata(above)
        && std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o1000 == 0
    {
        let replaced = owned(above, &found).map_err(|error| match error {
            ReadError::Unfit { fix, .. } => {
                let why = format!(
                    "can be replaced by everybody, who may write `{}`",
                    above.display()
                );
                unfit(why, fix)
            }
            other => other,
        });
        return replaced;
    }
    let _ = above;
    Ok(())
}

/// What everybody may write says nothing of who wrote it.
fn owned(path: &Path, found: &Metadata) -> Result<(), ReadError> {
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o002 != 0 {
        let why = "can be written by everybody".to_owned();
        return Err(unfit(
            why,
            format!(
                "look at what is in it, then: chmod o-w '{}'",
                path.display()
            ),
        ));
    }
    let _ = (path, found);
    Ok(())
}

fn is_same(before: &Metadata, after: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        (before.dev(), before.ino()) == (after.dev(), after.ino())
    }
    #[cfg(not(unix))]
    {
        before.len() == after.len() && after.is_file()
    }
}

fn unfit(why: String, fix: String) -> ReadError {
    ReadError::Unfit { why, fix }
}

/// A file's new content beside its place.
pub(super) fn draft(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut draft = tempfile::Builder::new();
    draft.prefix(".draft-");
    #[cfg(unix)]
    draft.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut draft = draft.tempfile_in(folder)?;
    draft.write_all(bytes)?;
    Ok(draft)
}

/// Removes a file, a link or a folder with all that is in it, following no link.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}
