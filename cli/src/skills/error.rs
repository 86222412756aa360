//! Why a skill cannot be had or kept, and what to do about it.

use std::io;
use std::path::PathBuf;

use witgate_codegen::text::shown;

use crate::failure::{Failure, Kind, chain};

/// Why a skill cannot be had or kept.
#[derive(Debug)]
pub(crate) enum SkillError {
    /// No skill can be called so.
    Name(String),
    /// There is none of this name; names like it.
    Unknown { name: String, nearest: Vec<String> },
    /// Its folder is not as it has to be.
    Unsound {
        name: String,
        why: String,
        fix: String,
    },
    /// A person reviewed the one that is there: it is not replaced.
    Reviewed(String),
    /// It is another one than the one that was looked at.
    Changed { name: String, found: String },
    /// What is to be kept is not fit for it.
    Unfit { name: String, why: String },
    /// A file or folder cannot be written.
    Io { path: PathBuf, source: io::Error },
}

impl std::error::Error for SkillError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SkillError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl std::fmt::Display for SkillError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SkillError::Name(name) => write!(out, "`{}` is no name for a skill", shown(name)),
            SkillError::Unknown { name, .. } => write!(out, "there is no skill `{name}`"),
            SkillError::Unsound { name, why, .. } => {
                write!(out, "the skill `{name}` cannot be used: {why}")
            }
            SkillError::Reviewed(name) => {
                write!(
                    out,
                    "the skill `{name}` is reviewed, and is not replaced by another one"
                )
            }
            SkillError::Changed { name, found } => write!(
                out,
                "the skill `{name}` is another one than was looked at: its component has the SHA-256 {found}"
            ),
            SkillError::Unfit { name, why } => {
                write!(out, "`{}` cannot be kept as a skill: {why}", shown(name))
            }
            SkillError::Io { path, .. } => write!(out, "cannot write `{}`", path.display()),
        }
    }
}

impl SkillError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            SkillError::Name(_) => {
                "a name is lower-case words and numbers joined by single hyphens, at most 64 characters: `top-issues`".to_owned()
            }
            SkillError::Unknown { nearest, .. } if !nearest.is_empty() => {
                format!("did you mean `{}`?", nearest.join("` or `"))
            }
            SkillError::Unknown { .. } => "`witgate skills list` shows what is there".to_owned(),
            SkillError::Unsound { fix, .. } => fix.clone(),
            SkillError::Reviewed(name) => {
                format!("keep it under another name, or let a person remove this one: `witgate skills remove {name}`")
            }
            SkillError::Changed { name, .. } => format!("look at it again: `witgate skills show {name}`"),
            SkillError::Unfit { .. } => "keep a program that `witgate run` runs".to_owned(),
            SkillError::Io { .. } => "check the folder's owner and free space".to_owned(),
        }
    }
}

impl From<SkillError> for Failure {
    fn from(error: SkillError) -> Failure {
        let kind = match &error {
            SkillError::Name(_) | SkillError::Unknown { .. } | SkillError::Io { .. } => Kind::Usage,
            SkillError::Unsound { .. } => Kind::Configuration,
            SkillError::Reviewed(_) | SkillError::Changed { .. } => Kind::Refused,
            SkillError::Unfit { .. } => Kind::Program,
        };
        Failure::new(kind, chain(&error)).hint(error.hint())
    }
}
