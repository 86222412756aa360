//! A client's file in memory, whatever its format. A byte order mark and the kind of line ends are kept.

use std::path::Path;

use serde_json::Value;

use super::broken;
use super::client::Format;
use super::json::Json;
use super::servers::{Edit, PutBack, Servers};
use super::toml::Toml;
use crate::failure::Failure;

const MARK: &str = "\u{feff}";

/// A file, read.
#[derive(Debug)]
pub(super) struct Document {
    tree: Tree,
    has_mark: bool,
    /// TOML is written with `\n`; where all line ends were `\r\n`, they become so again.
    is_crlf: bool,
}

#[derive(Debug)]
enum Tree {
    Json(Json),
    Toml(Toml),
}

impl Document {
    /// Reads a file's bytes; none for a file that is not there yet.
    pub(super) fn parse(path: &Path, bytes: &[u8], format: Format) -> Result<Document, Failure> {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            broken(path, "the file is not UTF-8").hint("save it as UTF-8; nothing was changed")
        })?;
        let (has_mark, text) = match text.strip_prefix(MARK) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let ends = text.matches('\n').count();
        Ok(Document {
            has_mark,
            is_crlf: ends > 0 && ends == text.matches("\r\n").count(),
            tree: match format {
                Format::Json => Tree::Json(Json::parse(path, text)?),
                Format::Toml => Tree::Toml(Toml::parse(path, text)?),
            },
        })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut text = match &self.tree {
            Tree::Json(json) => json.text(),
            Tree::Toml(toml) => toml.text(),
        };
        if self.is_crlf {
            text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        let mark = if self.has_mark { MARK } else { "" };
        format!("{mark}{text}").into_bytes()
    }

    /// The servers of a list; none where there is no list.
    pub(super) fn servers(&self, path: &Path, keys: &[String]) -> Result<Servers, Failure> {
        let servers = match &self.tree {
            Tree::Json(json) => json.servers(path, keys)?,
            Tree::Toml(toml) => toml.servers(path, first(keys))?,
        };
        Ok(servers.unwrap_or_default())
    }

    /// Any value of a JSON file.
    pub(super) fn value(&self, path: &Path, keys: &[String]) -> Result<Option<Value>, Failure> {
        match &self.tree {
            Tree::Json(json) => json.value(path, keys),
            Tree::Toml(_) => Ok(None),
        }
    }

    /// The keys of an object of a JSON file.
    pub(super) fn keys(&self, path: &Path, keys: &[String]) -> Result<Vec<String>, Failure> {
        match &self.tree {
            Tree::Json(json) => json.keys(path, keys),
            Tree::Toml(_) => Ok(Vec::new()),
        }
    }

    pub(super) fn edit(&mut self, keys: &[String], edit: &Edit) {
        match &mut self.tree {
            Tree::Json(json) => json.edit(keys, edit),
            Tree::Toml(toml) => toml.edit(first(keys), edit),
        }
    }

    /// A list as it is written, for a later look whether somebody touched it.
    pub(super) fn list_text(&self, keys: &[String]) -> String {
        match &self.tree {
            Tree::Json(json) => json.list_text(keys),
            Tree::Toml(toml) => toml.list_text(first(keys)),
        }
    }

    /// Puts a list back as it is in `before`: whole where it is `untouched` since `init`, else server by server. `entry` goes.
    pub(super) fn put_back(
        &mut self,
        before: &Document,
        keys: &[String],
        untouched: bool,
        removed: &[String],
        entry: Option<&str>,
    ) -> PutBack {
        match (&mut self.tree, &before.tree) {
            (Tree::Json(json), Tree::Json(before)) => {
                json.put_back(before, keys, untouched, removed, entry)
            }
            (Tree::Toml(toml), Tree::Toml(before)) => {
                toml.put_back(before, first(keys), removed, entry)
            }
            // A file has the format of its client, before and after.
            _ => PutBack::default(),
        }
    }
}

fn first(keys: &[String]) -> &str {
    keys.first().map_or("", String::as_str)
}

#[cfg(test)]
mod tests;
