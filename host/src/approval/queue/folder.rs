//! The folder of a queue: a yes in it is a person's only if nobody else can write there.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use super::QueueError;

/// Makes it, with the folders above it.
pub(super) fn make(folder: &Path) -> Result<(), QueueError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| QueueError::Io {
        path: folder.to_owned(),
        source,
    })
}

/// Whether it is a folder of this user that no other can write, nor put another one in its place.
pub(super) fn check(folder: &Path) -> Result<(), QueueError> {
    let unsafe_ = |why: &str| QueueError::Unsafe {
        folder: folder.to_owned(),
        why: why.to_owned(),
    };
    let at = |source| QueueError::Io {
        path: folder.to_owned(),
        source,
    };
    let found = fs::symlink_metadata(folder).map_err(at)?;
    if found.is_symlink() {
        return Err(unsafe_("is a link"));
    }
    if !found.is_dir() {
        return Err(unsafe_("is no folder"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        const OTHERS_WRITE: u32 = 0o022;
        const STICKY: u32 = 0o1000;
        let own = rustix::process::geteuid().as_raw();
        if found.uid() != own {
            return Err(unsafe_("is another user's"));
        }
        if found.mode() & OTHERS_WRITE != 0 {
            return Err(unsafe_("can be written by others"));
        }
        let whole = fs::canonicalize(folder).map_err(at)?;
        for above in whole.ancestors().skip(1) {
            let found = fs::metadata(above).map_err(at)?;
            let is_open = found.mode() & OTHERS_WRITE != 0 && found.mode() & STICKY == 0;
            if is_open || ![0, own].contains(&found.uid()) {
                let whose = if is_open { "others" } else { "another user" };
                return Err(unsafe_(&format!(
                    "can be replaced by {whose}, who can write `{}`",
                    above.display()
                )));
            }
        }
    }
    Ok(())
}

/// Reads a file of it; one that is no plain file is none of ours.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() || found.len() > limit {
        return Err(io::Error::other("it is no file, or too large"));
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::uid(&found) != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is another user's"));
    }
    let mut text = Vec::new();
    fs::File::open(path)?.take(limit).read_to_end(&mut text)?;
    Ok(text)
}
