//! What `init` keeps so that it can be undone: a copy of every file that it changed, and a list of them with digests,
//! `.witgate/init-backup.json` beside the configuration. Copies hold what the files held, secrets too: they are for the user
//! alone, and version control passes them by.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{self, Change};
use super::trust::check_own_file;
use crate::digest::sha256;
use crate::failure::{Failure, Kind};

const VERSION: u32 = 1;

/// Every run of `init` that was not undone, the first one first.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    version: u32,
    pub(super) runs: Vec<Run>,
}

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// In the order in which they were written.
    pub(super) files: Vec<Touched>,
    /// Folders that were made, outer ones first; likewise.
    pub(super) folders: Vec<PathBuf>,
}

/// One file that was changed or made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Touched {
    /// From the folder of the configuration, if it is below that.
    pub(super) path: PathBuf,
    pub(super) role: Role,
    /// `None` for a file that was made.
    pub(super) before: Option<Kept>,
    /// The digest of what was written.
    pub(super) after: String,
    /// What was done to the lists of servers in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) lists: Vec<Edited>,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// A client's, as JSON or TOML.
    Json,
    Toml,
    /// Witgate's own: where a person went on with it, it stays.
    Own,
}

/// A copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) sha256: String,
    /// From the folder of the manifest.
    pub(super) backup: PathBuf,
}

/// One list of servers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edited {
    /// The keys that lead to it.
    pub(super) keys: Vec<String>,
    pub(super) removed: Vec<String>,
    /// The name of witgate's entry.
    pub(super) entry: Option<String>,
    /// The digest of the list as it was left.
    pub(super) after: String,
}

/// A file that a run is about to touch.
pub(super) struct Touch {
    pub(super) change: Change,
    pub(super) role: Role,
    pub(super) lists: Vec<Edited>,
}

/// Where the manifest is, for a configuration.
pub(super) fn path(configuration: &Path) -> PathBuf {
    folder(configuration).join("init-backup.json")
}

/// Whether there is something to undo.
pub(crate) fn exists(configuration: &Path) -> bool {
    path(configuration).is_file()
}

pub(super) fn folder(configuration: &Path) -> PathBuf {
    base(configuration).join(".witgate")
}

/// Where paths of the manifest start: a project that was moved, or copied, has its own.
pub(super) fn base(configuration: &Path) -> &Path {
    configuration.parent().unwrap_or(Path::new("."))
}

fn from_base(path: &Path, configuration: &Path) -> PathBuf {
    path.strip_prefix(base(configuration))
        .unwrap_or(path)
        .to_owned()
}

/// The manifest beside a configuration, with the bytes it was read from.
pub(super) fn read(configuration: &Path) -> Result<Option<(Manifest, Vec<u8>)>, Failure> {
    let path = path(configuration);
    check_own_file(&path, base(configuration))?;
    let Some(bytes) = files::read(&path)? else {
        return Ok(None);
    };
    let unusable = |why: String| {
        Failure::new(Kind::Configuration, format!("`{}` cannot be used: {why}", path.display()))
            .hint("it lists the copies in `init-backup` beside it: put them back by hand, then take both away")
    };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| unusable(e.to_string()))?;
    if manifest.version != VERSION {
        return Err(unusable(format!(
            "its version is {}, this witgate reads {VERSION}",
            manifest.version
        )));
    }
    Ok(Some((manifest, bytes)))
}

/// Everything that a run writes, in order: copies and manifest first, so that whatever comes after can be undone.
pub(super) fn record(configuration: &Path, touches: Vec<Touch>) -> Result<Vec<Change>, Failure> {
    let kept = read(configuration)?;
    let (mut manifest, old) = match kept {
        Some((manifest, bytes)) => (manifest, Some(bytes)),
        None => (
            Manifest {
                version: VERSION,
                runs: Vec::new(),
            },
            None,
        ),
    };
    let folder = folder(configuration);
    let number = manifest.runs.len() + 1;
    let mut copies = vec![Change {
        path: folder.join("init-backup").join(".gitignore"),
        before: None,
        after: Some(b"*\n".to_vec()),
        private: true,
    }];
    let mut run = Run {
        files: Vec::new(),
        folders: Vec::new(),
    };
    for (i, touch) in touches.iter().enumerate() {
        let name = touch
            .change
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let backup = Path::new("init-backup")
            .join(number.to_string())
            .join(format!("{}-{name}", i + 1));
        if let Some(before) = &touch.change.before {
            copies.push(Change {
                path: folder.join(&backup),
                before: None,
                after: Some(before.clone()),
                private: true,
            });
        }
        run.files.push(Touched {
            path: from_base(&touch.change.path, configuration),
            role: touch.role,
            before: touch.change.before.as_ref().map(|bytes| Kept {
                sha256: sha256(bytes),
                backup,
            }),
            after: sha256(touch.change.after.as_deref().unwrap_or_default()),
            lists: touch.lists.clone(),
        });
    }
    // Of an earlier run, or one that was cut off: copies of what is there now are better.
    for copy in &mut copies {
        check_own_file(&copy.path, base(configuration))?;
        copy.before = files::read(&copy.path)?;
    }
    copies.retain(|copy| copy.before != copy.after);
    let mut changes = copies;
    changes.push(Change {
        path: path(configuration),
        before: old,
        after: None,
        private: true,
    });
    let last = changes.len() - 1;
    changes.extend(touches.into_iter().map(|touch| touch.change));
    // Made here, the folder of the manifest among them.
    changes[last].after = Some(Vec::new());
    let folders = files::missing_folders(&changes);
    run.folders = folders
        .iter()
        .map(|folder| from_base(folder, configuration))
        .collect();
    manifest.runs.push(run);
    let mut text = serde_json::to_string_pretty(&manifest)
        .map_err(|e| Failure::host(format!("cannot write down what is changed: {e}")))?;
    text.push('\n');
    changes[last].after = Some(text.into_bytes());
    Ok(changes)
}
