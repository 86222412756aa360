//! The servers of one list of a client's file: what all formats have in common. Values are JSON, whatever the file is.

use indexmap::IndexMap;
use serde_json::Value;

/// By name, in the order of the file.
pub(super) type Servers = IndexMap<String, Value>;

/// What is done to a list: one entry takes the place of others.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Edit {
    /// Servers that go.
    pub(super) remove: Vec<String>,
    /// What is there afterwards, under its name.
    pub(super) put: Option<(String, Value)>,
}

impl Edit {
    pub(super) fn is_nothing(&self) -> bool {
        self.remove.is_empty() && self.put.is_none()
    }
}

/// What became of a list that is put back, although its file was changed since.
#[derive(Debug, Default)]
pub(super) struct PutBack {
    /// Servers that are there again.
    pub(super) back: Vec<String>,
    /// Servers that somebody wrote anew in the meantime, otherwise: which one is right, a person must say.
    pub(super) conflicts: Vec<String>,
}
