//! Files that commands write: whole or not at all, as the file that stood there may be the only one. What is no regular
//! file, such as a pipe, is written to directly. What is in them is not known here.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Writes a file, with its folder where missing.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_whole(path, bytes).map_err(|e| {
        Failure::usage(format!("cannot write `{}`: {e}", path.display()))
            .hint("name a place where there is space left and whose folder can be written to: a new file takes the old one's place")
    })
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = folder(path) {
        fs::create_dir_all(folder)?;
    }
    let Some(target) = target(path) else {
        return fs::write(path, bytes);
    };
    let mut draft = tempfile::Builder::new();
    #[cfg(unix)]
    draft.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut draft = draft.tempfile_in(folder(&target).unwrap_or(Path::new(".")))?;
    // A file that may not be written to is not replaced either.
    match OpenOptions::new().write(true).open(&target) {
        Ok(before) => draft
            .as_file()
            .set_permissions(before.metadata()?.permissions())?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    draft.write_all(bytes)?;
    draft.persist(&target)?;
    Ok(())
}

/// The file to be replaced, behind any links; `None` for what can only be written to.
fn target(path: &Path) -> Option<PathBuf> {
    // `/dev/stdout` may be a file that the shell holds open, and goes on to write to.
    let is_open_elsewhere =
        path.starts_with("/proc") || (path.starts_with("/dev") && !path.starts_with("/dev/shm"));
    match fs::canonicalize(path) {
        Ok(target) => (target.is_file() && !is_open_elsewhere).then_some(target),
        // A link to nothing makes the file that it names.
        Err(_) => (!path.is_symlink()).then(|| path.to_owned()),
    }
}

fn folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|p| !p.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.lock");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(path.parent().unwrap()), ["b.lock"]);
        let failure = write(&folder.path().join("a"), b"x").unwrap_err();
        assert!(failure.hint.is_some(), "{}", failure.message);
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_held_the_old_file_still_reads_it() {
        use std::io::Read as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.wasm");
        write(&path, b"one").unwrap();
        let mut before = fs::File::open(&path).unwrap();
        write(&path, b"two").unwrap();
        let mut text = String::new();
        before.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one");
    }

    #[cfg(unix)]
    #[test]
    fn mode_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        symlink("file", &link).unwrap();
        write(&link, b"one").unwrap();
        assert!(link.is_symlink() && fs::read(&path).unwrap() == b"one");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        write(&link, b"two").unwrap();
        assert!(link.is_symlink() && fs::read(&path).unwrap() == b"two");
        assert_eq!(mode(&path), 0o600);
        let new = folder.path().join("new");
        write(&new, b"x").unwrap();
        assert_eq!(mode(&new) & !0o644, 0);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_written_to() {
        use std::os::unix::fs::FileTypeExt as _;
        write(Path::new("/dev/null"), b"x").unwrap();
        assert!(
            fs::metadata("/dev/null")
                .unwrap()
                .file_type()
                .is_char_device()
        );
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let open = {
            use std::os::fd::AsRawFd as _;
            PathBuf::from(format!("/dev/fd/{}", file.as_file().as_raw_fd()))
        };
        write(&open, b"one").unwrap();
        let mut text = String::new();
        io::Read::read_to_string(file.as_file_mut(), &mut text).unwrap();
        assert_eq!(text, "one");
    }
}
