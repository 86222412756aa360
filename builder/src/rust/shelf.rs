//! Folders of the cache whose entries are named by a key of all that they were made from: opened only where nobody else
//! can write, filled whole or not at all, bounded by removing what was used longest ago. What the entries are is the
//! callers' matter.

use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::toolchain::is_private;

/// Opens a folder of the cache and makes it where it is missing.
///
/// # Errors
/// Others may write to it: what lies in it is no longer known to be this program's.
pub(super) fn open(cache_dir: &Path, name: &str) -> std::io::Result<PathBuf> {
    // Absolute, for the compiler runs in another folder.
    let shelf = std::path::absolute(cache_dir)?.join("rust").join(name);
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&shelf)?;
    if is_private(&shelf) {
        return Ok(shelf);
    }
    Err(std::io::Error::other(
        "it belongs to someone else, or others can write to it; remove it, and it is made anew",
    ))
}

/// The bytes under a name, if they are there.
pub(super) fn read(shelf: &Path, name: &str) -> Option<Vec<u8>> {
    let path = shelf.join(name);
    let bytes = std::fs::read(&path).ok()?;
    touch(&path);
    Some(bytes)
}

/// Puts bytes under a name, in one step: no reader sees a part of them, and of several writers the last one stays.
pub(super) fn write(shelf: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut draft = tempfile::NamedTempFile::new_in(shelf)?;
    draft.write_all(bytes)?;
    draft.persist(shelf.join(name))?;
    Ok(())
}

/// Marks an entry as used now. An entry that cannot be marked is only removed sooner.
pub(super) fn touch(path: &Path) {
    if let Ok(file) = std::fs::File::open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Removes the entries (files, or folders with all that is in them) that were used longest ago, until `entries` are left
/// and, of files, at most `bytes`. What cannot be removed stays.
pub(super) fn trim(shelf: &Path, entries: usize, bytes: u64) {
    let listed = std::fs::read_dir(shelf).into_iter().flatten().flatten();
    let mut found: Vec<(SystemTime, u64, PathBuf)> = listed
        .filter_map(|entry| {
            let data = entry.metadata().ok()?;
            Some((data.modified().ok()?, data.len(), entry.path()))
        })
        .collect();
    // The latest first.
    found.sort_by(|a, b| b.cmp(a));
    let mut total = 0;
    for (index, (_, length, path)) in found.iter().enumerate() {
        total += length;
        if index < entries && total <= bytes {
            continue;
        }
        let _ = if path.is_dir() {
            std::fs::remove_dir_all(path)
        } else {
            std::fs::remove_file(path)
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let cache = tempfile::tempdir().unwrap();
        let shelf = open(cache.path(), "programs").unwrap();
        let start = SystemTime::now() - Duration::from_secs(100);
        for (age, name) in ["a", "b", "c", "d"].iter().enumerate() {
            write(&shelf, name, b"12345").unwrap();
            let file = std::fs::File::open(shelf.join(name)).unwrap();
            file.set_modified(start + Duration::from_secs(age as u64))
                .unwrap();
        }
        let left = || {
            let entries = std::fs::read_dir(&shelf).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(read(&shelf, "a").unwrap(), b"12345");
        trim(&shelf, 3, 100);
        assert_eq!(left(), ["a", "c", "d"]);
        trim(&shelf, 3, 11);
        assert_eq!(left(), ["a", "d"]);
        assert_eq!(read(&shelf, "b"), None);
    }

    #[test]
    fn threads_that_write_the_same_entry_do_not_meet() {
        let cache = tempfile::tempdir().unwrap();
        let shelf = open(cache.path(), "programs").unwrap();
        std::thread::scope(|scope| {
            for number in 0..8u8 {
                let shelf = &shelf;
                scope.spawn(move || {
                    for _ in 0..50 {
                        write(shelf, "same", &vec![number; 100_000]).unwrap();
                        let bytes = read(shelf, "same").unwrap();
                        assert!(bytes.len() == 100_000 && bytes.iter().all(|b| *b == bytes[0]));
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(&shelf).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_not_used() {
        let cache = tempfile::tempdir().unwrap();
        let shelf = open(cache.path(), "programs").unwrap();
        std::fs::set_permissions(&shelf, std::fs::Permissions::from_mode(0o777)).unwrap();
        let error = open(cache.path(), "programs").unwrap_err();
        assert!(error.to_string().contains("others can write"), "{error}");
    }
}
