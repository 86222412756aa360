//! Writes what was decided: all of it, or nothing. Every file is whole at every moment, and where one cannot be written, those
//! before it are put back. What stands in the files is not known here.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::places::identity;
use crate::failure::{Failure, Kind};
use crate::output;

/// What becomes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) path: PathBuf,
    /// What was read; `None` where there was no file.
    pub(crate) before: Option<Vec<u8>>,
    /// What is written; `None` takes the file away.
    pub(crate) after: Option<Vec<u8>>,
    /// A new file is for the user alone.
    pub(crate) private: bool,
}

/// Reads a file; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Failure::new(
            Kind::Configuration,
            format!("cannot read `{}`: {e}; nothing was changed", path.display()),
        )),
    }
}

/// Refuses what a later write would refuse, before anything is written.
pub(super) fn check(changes: &[Change]) -> Result<(), Failure> {
    for change in changes {
        let Ok(data) = fs::metadata(&change.path) else {
            if change.path.is_symlink() {
                let message = format!(
                    "`{}` is a link to nothing; nothing was changed",
                    change.path.display()
                );
                return Err(Failure::new(Kind::Configuration, message)
                    .hint("make the file that it leads to, or take it away"));
            }
            continue;
        };
        // The mark is a person's wish, also where the user could write all the same.
        if data.permissions().readonly() {
            let message = format!(
                "`{}` is read-only; nothing was changed",
                change.path.display()
            );
            return Err(Failure::new(Kind::Configuration, message)
                .hint("make it writable, or leave its client out with `--client`"));
        }
        if !data.is_file() {
            let message = format!(
                "`{}` is no regular file; nothing was changed",
                change.path.display()
            );
            return Err(Failure::new(Kind::Configuration, message));
        }
    }
    Ok(())
}

/// The folders that have to be made for the changes, outer ones first.
pub(super) fn missing_folders(changes: &[Change]) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> = Vec::new();
    for change in changes.iter().filter(|change| change.after.is_some()) {
        let above = change
            .path
            .ancestors()
            .skip(1)
            .take_while(|folder| !folder.exists());
        let mut above: Vec<PathBuf> = above.map(Path::to_owned).collect();
        above.reverse();
        for folder in above {
            if !missing.contains(&folder) {
                missing.push(folder);
            }
        }
    }
    missing
}

/// Makes all changes.
///
/// # Errors
/// A file changed since it was read, or cannot be written. Everything is as before then, or the message says what is not.
pub(super) fn apply(changes: &[Change]) -> Result<(), Failure> {
    apply_with(changes, &mut write)
}

fn apply_with(
    changes: &[Change],
    write: &mut dyn FnMut(&Change) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folders = missing_folders(changes);
    for (i, change) in changes.iter().enumerate() {
        let result = match read(&change.path) {
            Ok(now) if now == change.before => write(change),
            Ok(_) => Err(Failure::new(
                Kind::Configuration,
                format!("`{}` changed while `init` ran", change.path.display()),
            )
            .hint("run it again")),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = result {
            return Err(roll_back(&changes[..i], &folders, failure));
        }
    }
    Ok(())
}

fn roll_back(done: &[Change], folders: &[PathBuf], mut failure: Failure) -> Failure {
    let mut left = Vec::new();
    for change in done.iter().rev() {
        let back = Change {
            before: change.after.clone(),
            after: change.before.clone(),
            ..change.clone()
        };
        if write(&back).is_err() {
            left.push(format!("`{}`", change.path.display()));
        }
    }
    remove_empty(folders);
    if left.is_empty() {
        failure.message.push_str("; everything is as it was before");
    } else {
        failure.message.push_str(&format!(
            "; and these could not be put back: {}",
            left.join(", ")
        ));
    }
    failure
}

/// Takes folders away that are empty, inner ones first.
pub(super) fn remove_empty(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        // One that holds something stays.
        let _ = fs::remove_dir(folder);
    }
}

fn write(change: &Change) -> Result<(), Failure> {
    let path = &change.path;
    match &change.after {
        None => match fs::remove_file(identity(path)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                let message = format!("cannot remove `{}`: {e}", path.display());
                Err(Failure::new(Kind::Configuration, message))
            }
            _ => Ok(()),
        },
        Some(bytes) if change.private && !path.exists() => {
            create_private(path, bytes).map_err(|e| {
                Failure::new(
                    Kind::Configuration,
                    format!("cannot write `{}`: {e}", path.display()),
                )
            })
        }
        Some(bytes) => output::write(path, bytes),
    }
}

/// A file that nobody else may read, in a folder that is made for the user alone where it is missing.
fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(bytes)?;
    draft.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn where_one_cannot_be_written_all_are_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("old"), "one").unwrap();
        fs::write(path("gone"), "gone").unwrap();
        let change = |name: &str, before: Option<&str>, after: Option<&str>| Change {
            path: path(name),
            before: before.map(|text| text.as_bytes().to_vec()),
            after: after.map(|text| text.as_bytes().to_vec()),
            private: true,
        };
        let changes = [
            change("made/deep/new", None, Some("new")),
            change("old", Some("one"), Some("two")),
            change("gone", Some("gone"), None),
            change("last", None, Some("x")),
        ];
        let mut seen = Vec::new();
        let failure = apply_with(&changes, &mut |change| {
            if change.path.ends_with("last") {
                seen = [path("made/deep/new"), path("old"), path("gone")]
                    .map(|p| fs::read(p).ok())
                    .to_vec();
                return Err(Failure::host("the disk is full"));
            }
            write(change)
        })
        .unwrap_err();
        assert_eq!(seen, [Some(b"new".to_vec()), Some(b"two".to_vec()), None]);
        assert_eq!(
            failure.message,
            "the disk is full; everything is as it was before"
        );
        assert_eq!(
            (
                fs::read(path("old")).unwrap(),
                fs::read(path("gone")).unwrap()
            ),
            (b"one".to_vec(), b"gone".to_vec())
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);

        // What somebody else wrote in the meantime is not overwritten.
        fs::write(path("gone"), "other").unwrap();
        let failure = apply(&changes).unwrap_err();
        assert!(
            failure
                .message
                .contains("changed while `init` ran; everything is as it was"),
            "{}",
            failure.message
        );
        assert_eq!(
            (
                fs::read(path("old")).unwrap(),
                fs::read(path("gone")).unwrap()
            ),
            (b"one".to_vec(), b"other".to_vec())
        );
        fs::write(path("gone"), "gone").unwrap();
        apply(&changes).unwrap();
        assert_eq!(fs::read(path("made/deep/new")).unwrap(), b"new");
        assert!(!path("gone").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |name| fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode("made"), mode("made/deep/new")), (0o700, 0o600));
        }
    }
}
