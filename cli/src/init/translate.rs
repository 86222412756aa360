//! One entry of a client -> the same server in witgate's configuration, or why it stays where it is. The host's own reader
//! decides what witgate understands; nothing that it would read otherwise than the client is moved.

use std::path::{Path, is_separator};

use serde_json::{Map, Value, json};
use witgate_host::config::{self, ConfigError, Transport};

use super::client::{Client, Syntax};
use super::codex::{self, Common};
use super::places::is_same;
use super::variables::{self, Open};

/// What an entry means depends on where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) client: Client,
    /// The folder of the project; `None` for servers that the user has everywhere.
    pub(super) project: Option<&'a Path>,
    pub(super) home: &'a Path,
    /// Where it goes.
    pub(super) configuration: &'a Path,
}

/// A server as witgate's configuration has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Translated {
    pub(super) definition: Map<String, Value>,
    /// Keys that have no effect in witgate and are not there any more.
    pub(super) dropped: Vec<String>,
    /// Variables that the client passed to the server without a word in the entry that says so to witgate.
    pub(super) passed: Vec<String>,
    /// What should be known of it, one clause each.
    pub(super) notes: Vec<&'static str>,
}

/// Why a server stays with its client. No text holds a value of the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stays {
    pub(super) why: String,
    /// What would let it be moved.
    pub(super) hint: String,
}

impl Stays {
    pub(super) fn new(why: impl Into<String>, hint: impl Into<String>) -> Stays {
        let (why, hint) = (why.into(), hint.into());
        Stays { why, hint }
    }
}

/// What is said of a server that is reached over HTTP and has nothing in its entry to show who asks.
pub(super) const LOGIN: &str =
    "if it asks for a login, witgate makes its own: the client's is not taken along";
/// What is said of servers that all projects share and that ran in whatever folder was open.
pub(super) const FOLDER: &str =
    "it runs in your home folder now, no longer in the one that the client has open";

const SWITCH_ON: &str = "switch it on in the client first";

/// Reads an entry.
pub(super) fn translate(
    name: &str,
    entry: &Value,
    origin: Origin<'_>,
) -> Result<Translated, Stays> {
    let Value::Object(entry) = entry else {
        return Err(Stays::new("it is no object", "write `{...}`"));
    };
    let off = [("disabled", true), ("enabled", false)];
    if off
        .iter()
        .any(|(key, off)| entry.get(*key) == Some(&json!(off)))
    {
        return Err(Stays::new("it is switched off", SWITCH_ON));
    }
    let base = origin.configuration.parent().unwrap_or(Path::new("."));
    let open = match origin.project {
        Some(project) if is_same(project, base) => Open::Here,
        Some(project) => Open::At(project),
        None => Open::Any,
    };
    let syntax = origin.client.syntax();
    let mut texts = Map::new();
    for (key, value) in entry {
        texts.insert(key.clone(), expand(value, key, syntax, open)?);
    }
    let Common {
        mut entry,
        mut dropped,
        passed,
    } = match origin.client {
        Client::Codex => codex::read(&texts)?,
        _ => Common {
            entry: texts,
            ..Common::default()
        },
    };
    let mut notes = Vec::new();
    if entry.contains_key("command") {
        settle(&mut entry, origin, open, &mut notes)?;
    }
    let transport = read(name, &entry, origin.configuration)?;
    if let Transport::Http { headers, .. } = &transport
        && headers.is_empty()
    {
        notes.push(LOGIN);
    }
    for key in entry.keys().cloned().collect::<Vec<_>>() {
        let mut without = entry.clone();
        let value = without.shift_remove(&key);
        let same = read(name, &without, origin.configuration).is_ok_and(|other| other == transport);
        // The folder is said although it may be the default: the default is another one elsewhere.
        if !same || key == "cwd" {
            continue;
        }
        // `type` says what `command` or `url` says, and an empty list says nothing: nobody misses them.
        let is_empty = matches!(&value, Some(Value::Array(items)) if items.is_empty())
            || matches!(&value, Some(Value::Object(map)) if map.is_empty());
        if !is_empty && !["type", "enabled", "disabled"].contains(&key.as_str()) {
            dropped.push(key);
        }
        entry = without;
    }
    Ok(Translated {
        definition: entry,
        dropped,
        passed,
        notes,
    })
}

/// Every text of a value in witgate's form.
fn expand(value: &Value, at: &str, syntax: Syntax, open: Open<'_>) -> Result<Value, Stays> {
    Ok(match value {
        Value::String(text) => {
            let text = variables::translate(text, syntax, open).map_err(|why| {
                let hint = "write it into witgate's configuration by hand, with the value or `${VAR}` in that place, and take it out here";
                Stays::new(format!("`{at}` {why}"), hint)
            })?;
            Value::String(text)
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let items = items.map(|(i, item)| expand(item, &format!("{at}[{i}]"), syntax, open));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            let mut expanded = Map::new();
            for (key, value) in map {
                expanded.insert(
                    key.clone(),
                    expand(value, &format!("{at}.{key}"), syntax, open)?,
                );
            }
            Value::Object(expanded)
        }
        other => other.clone(),
    })
}

/// Gives a child process the folder and the paths that it had.
fn settle(
    entry: &mut Map<String, Value>,
    origin: Origin<'_>,
    open: Open<'_>,
    notes: &mut Vec<&'static str>,
) -> Result<(), Stays> {
    let relative = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str)?;
        (!Path::new(text).is_absolute() && !text.starts_with("${")).then(|| text.to_owned())
    };
    let command = relative(entry.get("command")).filter(|text| text.contains(is_separator));
    let cwd = relative(entry.get("cwd"));
    match (open, origin.project) {
        // Relative paths begin where they began.
        (Open::Here, _) => {}
        (_, Some(project)) => {
            for (key, path) in [("command", command), ("cwd", cwd)] {
                if let Some(path) = path {
                    entry.insert(key.to_owned(), json!(project.join(path).to_string_lossy()));
                }
            }
            if !entry.contains_key("cwd") {
                entry.insert("cwd".to_owned(), json!(project.to_string_lossy()));
            }
        }
        (_, None) => {
            let arguments = entry
                .get("args")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let arguments = arguments
                .enumerate()
                .filter(|(_, value)| value.as_str().is_some_and(is_relative));
            let keys = [
                ("command".to_owned(), command.is_some()),
                ("cwd".to_owned(), cwd.is_some()),
            ];
            let keys = keys.into_iter().filter(|(_, is)| *is).map(|(key, _)| key);
            if let Some(key) = keys
                .chain(arguments.map(|(i, _)| format!("args[{i}]")))
                .next()
            {
                let why = format!(
                    "`{key}` is a path from the folder that the client has open, which may be any"
                );
                return Err(Stays::new(why, "write it from the root, or with `${HOME}`"));
            }
            if !entry.contains_key("cwd") {
                entry.insert("cwd".to_owned(), json!(origin.home.to_string_lossy()));
                if origin.client != Client::ClaudeDesktop {
                    notes.push(FOLDER);
                }
            }
        }
    }
    Ok(())
}

/// `.`, `../x`, `--dir=./x`: what can only be a path.
fn is_relative(argument: &str) -> bool {
    let path = match argument.split_once('=') {
        Some((name, value)) if name.starts_with('-') => value,
        _ => argument,
    };
    let first = path.split(is_separator).next().unwrap_or(path);
    first == "." || first == ".."
}

/// What the host reads, with something in the place of every variable.
fn read(name: &str, entry: &Map<String, Value>, path: &Path) -> Result<Transport, Stays> {
    let text = json!({"mcpServers": {name: entry}}).to_string();
    // A variable may be the beginning of an address.
    let config = config::parse(&text, path, &|name| Some(format!("http://{name}")));
    let config = config.map_err(|error| {
        let hint = error.hint();
        match error {
            ConfigError::Invalid { message, place, .. } => {
                let key = place.split_once("`, `").map(|(_, key)| format!("`{key}: "));
                Stays::new(format!("{}{message}", key.unwrap_or_default()), hint)
            }
            ConfigError::UnknownKey { key, .. } => {
                Stays::new(format!("witgate does not know its key `{key}`"), hint)
            }
            other => Stays::new(other.to_string(), hint),
        }
    })?;
    let server = config.servers.into_values().next();
    let server = server.ok_or_else(|| Stays::new("it is switched off", SWITCH_ON))?;
    Ok(server.transport)
}

#[cfg(test)]
mod tests;
