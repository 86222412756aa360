//! What a person allows, read again when they write it anew: a refusal tells them which lines to add, and the next run has to
//! see them.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::SystemTime;

use witgate_host::Grants;

use crate::commands::GrantArguments;
use crate::failure::Failure;

/// The grants of the command line and of a file that may change.
pub(crate) struct GrantsFile {
    given: GrantArguments,
    /// How the file and the policy were when they were read last.
    seen: Mutex<Vec<Option<(SystemTime, u64)>>>,
}

impl GrantsFile {
    /// With `--grants`, or `grants.toml` beside the configuration where it is there.
    pub(crate) fn new(mut given: GrantArguments, beside: PathBuf) -> GrantsFile {
        if given.grants.is_none() {
            given.grants = Some(beside);
            given.may_be_absent = true;
        }
        GrantsFile {
            given,
            seen: Mutex::default(),
        }
    }

    /// Every grant, as they stand now.
    pub(crate) fn read(&self) -> Result<Grants, Failure> {
        self.given.read()
    }

    /// Where a person writes them.
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        self.given.grants.as_deref()
    }

    /// Whether a file is not what it was when this was asked last.
    pub(crate) fn has_changed(&self) -> bool {
        let paths = [&self.given.grants, &self.given.policy];
        let state = |path: &Option<PathBuf>| {
            let data = std::fs::metadata(path.as_deref()?).ok()?;
            Some((data.modified().ok()?, data.len()))
        };
        let now: Vec<_> = paths.into_iter().map(state).collect();
        let mut seen = self
            .seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let changed = *seen != now;
        *seen = now;
        changed
    }
}
