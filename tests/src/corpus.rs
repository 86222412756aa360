//! The corpus of real `tools/list` answers that may lie beside the repository. What its servers become is not known here.

use std::path::{Path, PathBuf};

use crate::workspace;

/// Its files, sorted; `None` where there is no corpus, with a line that says so.
#[must_use]
pub fn files() -> Option<Vec<PathBuf>> {
    let folder = workspace::root().join("../shared/corpus");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: no corpus beside the repository");
        return None;
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|end| end == "json") && !path.ends_with("manifest.json")
        })
        .collect();
    files.sort();
    Some(files)
}

/// The server's name: the file's, without its ending.
#[must_use]
pub fn name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}
