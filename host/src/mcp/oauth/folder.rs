//! Credentials as files of one folder that only the person can read: one JSON file a server, replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Credentials, TokenStore};

/// Longest file that is read, in bytes.
const LONGEST: u64 = 256 * 1024;
/// How much of a server's name the file's name shows.
const SHOWN: usize = 40;

/// A folder of credentials.
#[derive(Debug, Clone)]
pub struct TokenFolder(PathBuf);

impl TokenFolder {
    /// The folder; it is made when first needed.
    pub fn new(folder: impl Into<PathBuf>) -> TokenFolder {
        TokenFolder(folder.into())
    }

    /// The file of a server: what it is called, for people, and a hash of name and address.
    fn file(&self, server: &str, url: &str, ending: &str) -> PathBuf {
        let shown: String = server
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(SHOWN)
            .collect();
        let mut hash = Sha256::new();
        hash.update(server.len().to_le_bytes());
        hash.update(server);
        hash.update(url);
        let hash: String = hash.finalize()[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.0.join(format!("{shown}-{hash}.{ending}"))
    }

    fn make(&self) -> io::Result<()> {
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.0)
    }
}

impl TokenStore for TokenFolder {
    fn load(&self, server: &str, url: &str) -> io::Result<Option<Credentials>> {
        let path = self.file(server, url, "json");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(about(&path, &error)),
        };
        let about_data = fs::File::metadata(&file).map_err(|error| about(&path, &error))?;
        check_private(&path, &about_data)?;
        let mut text = String::new();
        io::Read::read_to_string(&mut io::Read::take(file, LONGEST), &mut text)
            .map_err(|error| about(&path, &error))?;
        let read = serde_json::from_str(&text);
        // Where it goes wrong, and nothing of it.
        read.map(Some)
            .map_err(|error| broken(&path, error.line(), error.column()))
    }

    fn save(&self, server: &str, url: &str, credentials: &Credentials) -> io::Result<()> {
        let path = self.file(server, url, "json");
        let save = || {
            self.make()?;
            // Readable by nobody else from its first byte on.
            let mut draft = tempfile::NamedTempFile::new_in(&self.0)?;
            serde_json::to_writer_pretty(&mut draft, credentials)?;
            draft.write_all(b"\n")?;
            draft.as_file().sync_all()?;
            draft.persist(&path).map_err(io::Error::from).map(drop)
        };
        save().map_err(|error| about(&path, &error))
    }

    fn remove(&self, server: &str, url: &str) -> io::Result<bool> {
        // A lock file that nobody holds is of no use to anybody.
        let _ = fs::remove_file(self.file(server, url, "lock"));
        let path = self.file(server, url, "json");
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(about(&path, &error)),
        }
    }

    fn try_lock(&self, server: &str, url: &str) -> io::Result<Option<Box<dyn Send>>> {
        let path = self.file(server, url, "lock");
        let lock = || {
            self.make()?;
            let mut options = File::options();
            options.create(true).truncate(false).write(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(&path)?;
            match file.try_lock() {
                Ok(()) => Ok(Some(Box::new(file) as Box<dyn Send>)),
                Err(fs::TryLockError::WouldBlock) => Ok(None),
                Err(fs::TryLockError::Error(error)) => Err(error),
            }
        };
        lock().map_err(|error| about(&path, &error))
    }
}

/// Tokens that others can read, or could have put there, are not used.
#[cfg(unix)]
fn check_private(path: &Path, file: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let refused = |why: String| {
        let message = format!("`{}` is not used: {why}", path.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
    };
    if !file.is_file() {
        return refused("it is no regular file".to_owned());
    }
    if file.uid() != rustix::process::geteuid().as_raw() {
        return refused(format!("it belongs to another user ({})", file.uid()));
    }
    if file.mode() & 0o077 != 0 {
        let mode = file.mode() & 0o777;
        return refused(format!(
            "others may read or write it (mode {mode:o}); log in again, or `chmod 600` it"
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_private(_path: &Path, _file: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

fn broken(path: &Path, line: usize, column: usize) -> io::Error {
    let message = format!(
        "`{}` is broken at {line}:{column}; log in again, or delete it",
        path.display()
    );
    io::Error::new(io::ErrorKind::InvalidData, message)
}
