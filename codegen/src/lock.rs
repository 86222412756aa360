//! `witgate.lock`: which definitions a person has accepted and which types programs were built against, as data, and what
//! differs between two of them. Reading and writing the file, and deciding what a difference means, happen elsewhere.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::{Catalog, ServerInfo, Tool};
use crate::drift::{self, ChangeKind, Difference};
use crate::loss::Loss;
use crate::model::{ServerModel, ToolModel};
use crate::overrides::unique;

/// The version of the file's form that this code writes. Version 1, which has no `schemas`, is read too.
pub const VERSION: u32 = 2;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The form of the file.
    pub version: u32,
    /// By the servers' names in the configuration.
    #[serde(deserialize_with = "unique")]
    pub servers: IndexMap<String, LockedServer>,
}

impl Lock {
    /// A lock that pins nothing.
    #[must_use]
    pub fn empty() -> Lock {
        Lock {
            version: VERSION,
            servers: IndexMap::new(),
        }
    }
}

/// One server as it was pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedServer {
    /// What the server called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<ServerInfo>,
    /// Its WIT package, without `mcp:`.
    pub package: String,
    /// By tool name, in the order of `tools/list`.
    #[serde(deserialize_with = "unique")]
    pub tools: IndexMap<String, LockedTool>,
    /// What the types could not carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
}

/// One tool as it was pinned: three hashes, each SHA-256 hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedTool {
    /// Of the definition as sent.
    pub definition: String,
    /// Of its schemas without descriptions and the like; empty where version 1 pinned it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schemas: String,
    /// Of the WIT shape.
    pub shape: String,
}

/// One difference between two locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The server's name in the configuration.
    pub server: String,
    /// The tool; `None` where the change is of the whole server.
    pub tool: Option<String>,
    /// What changed.
    pub kind: ChangeKind,
    /// Whether the WIT shape is another, so that what was built before has to be built again.
    pub shape: bool,
    /// Where, if both definitions are at hand.
    pub differences: Vec<Difference>,
}

/// Why a text is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is no JSON, or not in the form of its version.
    #[error("it is damaged")]
    Form(#[source] serde_json::Error),
    /// It is in a form that this code does not know.
    #[error("its version is {found}, and versions 1 to {VERSION} are known")]
    Version {
        /// What stands there.
        found: Value,
    },
}

/// Reads a lock of this or an earlier version.
///
/// # Errors
/// [`LockError`].
pub fn parse(text: &str) -> Result<Lock, LockError> {
    let value: Value = serde_json::from_str(text).map_err(LockError::Form)?;
    let found = value.get("version").cloned().unwrap_or_default();
    if !(1..=u64::from(VERSION)).any(|known| found.as_u64() == Some(known)) {
        return Err(LockError::Version { found });
    }
    // From the text, not the value: a key that stands twice is an error, so that no second pin of a tool, further down, can
    // take the place of the one that was reviewed.
    serde_json::from_str(text).map_err(LockError::Form)
}

/// Pins one tool. `model` is that of `tool`.
#[must_use]
pub fn pin(tool: &Tool, model: &ToolModel) -> LockedTool {
    LockedTool {
        definition: model.definition_hash.clone(),
        schemas: drift::schemas_hash(tool),
        shape: model.shape_hash.clone(),
    }
}

/// Pins what the models were made from. `models` are those of `catalog`; a server without a model is left out.
pub fn lock(catalog: &Catalog, models: &[ServerModel]) -> Lock {
    let servers = models.iter().filter_map(|model| {
        let server = catalog.servers.get(&model.server)?;
        // A model has the tools of its server in their order.
        let tools = server.tools.iter().zip(&model.tools);
        let locked = LockedServer {
            info: server.info.clone(),
            package: model.package.clone(),
            tools: tools
                .map(|(tool, model)| (model.tool.clone(), pin(tool, model)))
                .collect(),
            losses: model.losses.clone(),
        };
        Some((model.server.clone(), locked))
    });
    Lock {
        version: VERSION,
        servers: servers.collect(),
    }
}

/// What changed of one tool, by its hashes alone: `Compatible` only where the types are the same.
#[must_use]
pub fn compare(before: &LockedTool, now: &LockedTool) -> Option<ChangeKind> {
    let same_definition = before.definition == now.definition;
    match before.shape == now.shape {
        true if same_definition => None,
        false if same_definition => Some(ChangeKind::Retyped),
        true if before.schemas == now.schemas => Some(ChangeKind::Description),
        true => Some(ChangeKind::Compatible),
        false => Some(ChangeKind::Incompatible),
    }
}

/// What is different in `new`: the servers and tools of `new` in their order, then what is gone, in the order of `old`.
/// Where the catalogs that the locks were made from are at hand, old first, differences are placed, and other types that
/// still fit are told from those that do not. A server's version alone is no change.
pub fn diff(old: &Lock, new: &Lock, catalogs: Option<(&Catalog, &Catalog)>) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut push = |server: &str, tool: Option<&str>, kind: ChangeKind| {
        changes.push(Change {
            server: server.to_string(),
            tool: tool.map(str::to_string),
            kind,
            shape: kind == ChangeKind::Renamed,
            differences: Vec::new(),
        });
        changes.len() - 1
    };
    let mut changed = Vec::new();
    for (name, server) in &new.servers {
        let Some(before) = old.servers.get(name) else {
            push(name, None, ChangeKind::Added);
            continue;
        };
        if before.package != server.package {
            push(name, None, ChangeKind::Renamed);
        }
        for (tool, now) in &server.tools {
            match before.tools.get(tool) {
                None => {
                    push(name, Some(tool), ChangeKind::Added);
                }
                Some(before) => {
                    if let Some(kind) = compare(before, now) {
                        changed.push((push(name, Some(tool), kind), before, now));
                    }
                }
            }
        }
        for tool in before.tools.keys() {
            if !server.tools.contains_key(tool) {
                push(name, Some(tool), ChangeKind::Removed);
            }
        }
    }
    for name in old.servers.keys() {
        if !new.servers.contains_key(name) {
            push(name, None, ChangeKind::Removed);
        }
    }
    for (index, before, now) in changed {
        let change: &mut Change = &mut changes[index];
        change.shape = before.shape != now.shape;
        if let Some((old, new)) = catalogs {
            look_closer(change, (old, before), (new, now));
        }
    }
    changes
}

/// Adds what only the definitions themselves can tell, where the catalogs hold those that were pinned.
fn look_closer(change: &mut Change, old: (&Catalog, &LockedTool), new: (&Catalog, &LockedTool)) {
    let find = |(catalog, pinned): (&'_ Catalog, &LockedTool)| {
        let server = catalog.servers.get(&change.server)?;
        let tool = server
            .tools
            .iter()
            .find(|tool| Some(&tool.name) == change.tool.as_ref())?;
        (tool.definition_hash() == pinned.definition).then(|| tool.clone())
    };
    let (Some(before), Some(now)) = (find(old), find(new)) else {
        return;
    };
    change.differences = drift::differences(&before, &now);
    if change.kind == ChangeKind::Incompatible && drift::still_fits(&before, &now) {
        change.kind = ChangeKind::Compatible;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog::{Server, Tool};
    use crate::server::model_catalog;
    use serde_json::json;

    fn catalog(tools: serde_json::Value) -> Catalog {
        let tools: Vec<Tool> = serde_json::from_value(tools).unwrap();
        let mut catalog = Catalog::default();
        let server = Server {
            tools,
            ..Server::default()
        };
        catalog.servers.insert("s".to_string(), server);
        catalog
    }

    fn locked(tools: serde_json::Value) -> Lock {
        let catalog = catalog(tools);
        lock(&catalog, &model_catalog(&catalog).unwrap())
    }

    #[test]
    fn differences_by_kind() {
        let string = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        let bound =
            json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}}});
        let number = json!({"type": "object", "properties": {"a": {"type": "number"}}});
        let more = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}});
        let before = catalog(json!([
            {"name": "same", "inputSchema": string}, {"name": "gone", "inputSchema": string},
            {"name": "shape", "inputSchema": string}, {"name": "text", "inputSchema": string},
            {"name": "bound", "inputSchema": string}, {"name": "more", "inputSchema": string}]));
        let now = catalog(json!([
            {"name": "new", "inputSchema": string}, {"name": "same", "inputSchema": string},
            {"name": "shape", "inputSchema": number}, {"name": "text", "inputSchema": string, "description": "x"},
            {"name": "bound", "inputSchema": bound}, {"name": "more", "inputSchema": more}]));
        let lock = |catalog: &Catalog| lock(catalog, &model_catalog(catalog).unwrap());
        let (old, new) = (lock(&before), lock(&now));
        let kinds = |catalogs| -> Vec<(String, ChangeKind, bool)> {
            diff(&old, &new, catalogs)
                .into_iter()
                .map(|change| (change.tool.unwrap(), change.kind, change.shape))
                .collect()
        };
        let mut wanted = [
            ("new", ChangeKind::Added, false),
            ("shape", ChangeKind::Incompatible, true),
            ("text", ChangeKind::Description, false),
            ("bound", ChangeKind::Compatible, false),
            ("more", ChangeKind::Incompatible, true),
            ("gone", ChangeKind::Removed, false),
        ];
        let named = |wanted: &[(&str, ChangeKind, bool)]| -> Vec<_> {
            wanted
                .iter()
                .map(|(tool, kind, shape)| (tool.to_string(), *kind, *shape))
                .collect()
        };
        assert_eq!(kinds(None), named(&wanted));
        wanted[4].1 = ChangeKind::Compatible;
        assert_eq!(kinds(Some((&before, &now))), named(&wanted));
        // A catalog that is not what was pinned tells nothing.
        wanted[4].1 = ChangeKind::Incompatible;
        assert_eq!(kinds(Some((&now, &now))), named(&wanted));
        assert!(diff(&old, &old, None).is_empty());
    }

    #[test]
    fn a_server_may_come_go_and_be_renamed() {
        let tool = json!([{"name": "a", "inputSchema": {}}]);
        let old = locked(tool.clone());
        let mut new = locked(tool);
        new.servers["s"].package = "s2".to_string();
        new.servers
            .insert("t".to_string(), old.servers["s"].clone());
        let changes = |old, new| -> Vec<(String, ChangeKind)> {
            diff(old, new, None)
                .into_iter()
                .map(|change| (change.server, change.kind))
                .collect()
        };
        let named = |server: &str, kind| (server.to_string(), kind);
        assert_eq!(
            changes(&old, &new),
            [
                named("s", ChangeKind::Renamed),
                named("t", ChangeKind::Added)
            ]
        );
        assert_eq!(changes(&new, &old)[1], named("t", ChangeKind::Removed));
    }

    #[test]
    fn other_types_of_the_same_definition_are_no_change_of_the_server() {
        let tool = json!([{"name": "a", "inputSchema": {}}]);
        let (old, mut new) = (locked(tool.clone()), locked(tool));
        new.servers["s"].tools["a"].shape = "other".to_string();
        let changes = diff(&old, &new, None);
        assert_eq!(
            (changes[0].kind, changes[0].shape),
            (ChangeKind::Retyped, true)
        );
    }

    #[test]
    fn the_file_reads_back() {
        let lock = locked(
            json!([{"name": "a", "inputSchema": {"type": "object", "additionalProperties": false, "not": {}}}]),
        );
        assert_eq!(lock.servers["s"].losses.len(), 1);
        let text = serde_json::to_string_pretty(&lock).unwrap();
        assert_eq!(parse(&text).unwrap(), lock);
    }

    #[test]
    fn an_earlier_version_is_read_and_a_later_one_is_not() {
        let tool = json!([{"name": "a", "inputSchema": {}}]);
        let now = locked(tool.clone());
        let mut value = serde_json::to_value(&now).unwrap();
        value["version"] = json!(1);
        let pinned = &mut value["servers"]["s"]["tools"]["a"];
        pinned.as_object_mut().unwrap().remove("schemas");
        let old = parse(&value.to_string()).unwrap();
        assert!(diff(&old, &now, None).is_empty());
        let described = locked(json!([{"name": "a", "inputSchema": {}, "description": "d"}]));
        assert_eq!(diff(&old, &described, None)[0].kind, ChangeKind::Compatible);

        for version in [json!(3), json!("2"), json!(null), json!(1.5), json!(-1)] {
            value["version"] = version;
            let error = parse(&value.to_string()).unwrap_err();
            assert!(matches!(error, LockError::Version { .. }), "{error}");
        }
        assert!(matches!(parse("{"), Err(LockError::Form(_))));
        let twice = r#"{"version": 2, "servers": {}, "servers": {}}"#;
        assert!(matches!(parse(twice), Err(LockError::Form(_))));
    }

    #[test]
    fn a_second_pin_of_the_same_name_is_an_error() {
        let pin = r#"{"definition": "d", "schemas": "s", "shape": "h"}"#;
        let server = |tools: &str| format!(r#"{{"package": "p", "tools": {{{tools}}}}}"#);
        let file = |servers: &str| format!(r#"{{"version": 2, "servers": {{{servers}}}}}"#);
        let one = server(&format!(r#""a": {pin}"#));
        assert!(parse(&file(&format!(r#""s": {one}"#))).is_ok());
        let two = server(&format!(r#""a": {pin}, "b": {pin}, "a": {pin}"#));
        for (servers, name) in [
            (format!(r#""s": {two}"#), "a"),
            (format!(r#""s": {one}, "s": {one}"#), "s"),
        ] {
            let Err(LockError::Form(cause)) = parse(&file(&servers)) else {
                panic!("{servers}")
            };
            assert!(
                cause
                    .to_string()
                    .contains(&format!("`{name}` stands there twice")),
                "{cause}"
            );
        }
    }
}
