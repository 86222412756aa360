//! The strings of one server's configuration, with `${...}` expanded. Knows no key of its own: the caller names them.
//! Collects, and never shows, the values that came from outside the file.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{ConfigError, Source, secrets};

/// Variables whose values are no secrets: hidden, they would make every path in a message unreadable.
const PLAIN: [&str; 8] = [
    "HOME", "USER", "LOGNAME", "PATH", "PWD", "SHELL", "TMPDIR", "LANG",
];

/// The strings of one server, expanded; collects what must stay secret.
pub(super) struct Texts<'a> {
    pub(super) source: &'a Source<'a>,
    /// The server's name, for errors.
    pub(super) server: &'a str,
    /// What must not be shown.
    pub(super) secrets: Vec<String>,
}

impl Texts<'_> {
    pub(super) fn required(
        &mut self,
        entry: &Map<String, Value>,
        key: &str,
    ) -> Result<String, ConfigError> {
        match self.optional(entry, key)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(self.wrong(key, "is empty", "write a string")),
        }
    }

    pub(super) fn optional(
        &mut self,
        entry: &Map<String, Value>,
        key: &str,
    ) -> Result<Option<String>, ConfigError> {
        entry
            .get(key)
            .map(|value| self.text(value, key))
            .transpose()
    }

    pub(super) fn list(
        &mut self,
        entry: &Map<String, Value>,
        key: &str,
    ) -> Result<Vec<String>, ConfigError> {
        match entry.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(i, item)| self.text(item, &format!("{key}[{i}]")))
                .collect(),
            Some(_) => Err(self.wrong(key, "is no list", "write `[\"...\"]`")),
        }
    }

    pub(super) fn map(
        &mut self,
        entry: &Map<String, Value>,
        key: &str,
    ) -> Result<IndexMap<String, String>, ConfigError> {
        let mut map = IndexMap::new();
        match entry.get(key) {
            None => {}
            Some(Value::Object(entries)) => {
                for (name, value) in entries {
                    let text = match value {
                        // Other clients take plain numbers and booleans as their text.
                        Value::Number(_) | Value::Bool(_) => value.to_string(),
                        value => self.text(value, &format!("{key}.{name}"))?,
                    };
                    secrets::add_value(&text, &mut self.secrets);
                    map.insert(name.clone(), text);
                }
            }
            Some(_) => {
                return Err(self.wrong(key, "is no object", "write `{\"NAME\": \"value\"}`"));
            }
        }
        Ok(map)
    }

    pub(super) fn text(&mut self, value: &Value, key: &str) -> Result<String, ConfigError> {
        match value {
            Value::String(text) => self.expand(text, key),
            _ => Err(self.wrong(key, "is no string", "write a string")),
        }
    }

    fn expand(&mut self, text: &str, key: &str) -> Result<String, ConfigError> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            out.push_str(&rest[..start]);
            let inner = &rest[start + 2..];
            let Some(end) = inner.find('}') else {
                return Err(self.wrong(
                    key,
                    "has a `${` without its `}`",
                    "write `${VAR}` or `${VAR:-default}`",
                ));
            };
            let value = self.variable(&inner[..end], key)?;
            out.push_str(&value);
            rest = &inner[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn variable(&mut self, reference: &str, key: &str) -> Result<String, ConfigError> {
        let folder = &self.source.folder;
        match reference {
            "workspaceFolder" => return Ok(folder.to_string_lossy().into_owned()),
            "workspaceFolderBasename" => {
                return Ok(folder
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned());
            }
            "pathSeparator" | "/" => return Ok(std::path::MAIN_SEPARATOR.to_string()),
            _ => {}
        }
        let reference = if reference == "userHome" {
            "HOME"
        } else {
            reference.strip_prefix("env:").unwrap_or(reference)
        };
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        if name.starts_with("input:") {
            return Err(self.wrong(
                key,
                "asks the person for an input, which is not supported",
                "write `${VAR}` and set `VAR`",
            ));
        }
        let is_name = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return Err(self.wrong(
                key,
                "has a `${...}` that is no variable",
                "write `${VAR}` or `${VAR:-default}`",
            ));
        }
        let value = match ((self.source.env)(name), default) {
            // As in a shell, `:-` also stands in for an empty value.
            (Some(value), Some(default)) if value.is_empty() => default.to_owned(),
            (Some(value), _) => value,
            (None, Some(default)) => default.to_owned(),
            (None, None) => {
                return Err(ConfigError::Variable {
                    path: self.source.path.to_owned(),
                    server: self.server.to_owned(),
                    key: key.to_owned(),
                    variable: name.to_owned(),
                });
            }
        };
        if !PLAIN.contains(&name) {
            secrets::add_value(&value, &mut self.secrets);
        }
        Ok(value)
    }

    pub(super) fn wrong(&self, key: &str, what: &str, hint: &str) -> ConfigError {
        self.source.invalid(
            &format!("server `{}`", self.server),
            &format!("`{key}` {what}"),
            hint,
        )
    }
}
