//! Whether a store is as it was: for a process that goes on, while a person reviews skills in another.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::{COMPONENT, REVIEW, Store};

/// When each skill's component and review were written last.
pub(crate) type Stamp = Vec<(String, [Option<SystemTime>; 2])>;

impl Store {
    /// Another one than before means that something changed.
    pub(crate) fn stamp(&self) -> Stamp {
        let written = |path: PathBuf| fs::symlink_metadata(path).ok()?.modified().ok();
        let (names, _) = self.names();
        let stamp = |name: String| {
            let files = [COMPONENT, REVIEW].map(|file| written(self.path(&name).join(file)));
            (name, files)
        };
        names.into_iter().map(stamp).collect()
    }
}
