//! `witgate.lock`: which definitions a person has seen and which shapes programs were built against, as data, and what
//! differs between two of them. Reading and writing the file, and deciding what a difference means, happen elsewhere.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, ServerInfo};
use crate::loss::Loss;
use crate::model::ServerModel;

/// The version of the file's form that this code writes.
pub const VERSION: u32 = 1;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The form of the file.
    pub version: u32,
    /// By the servers' names in the configuration.
    pub servers: IndexMap<String, LockedServer>,
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
    pub tools: IndexMap<String, LockedTool>,
    /// What the types could not carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
}

/// One tool as it was pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedTool {
    /// SHA-256 hex of the definition as sent.
    pub definition: String,
    /// SHA-256 hex of the WIT shape.
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
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// The definition, but not the shape: descriptions, bounds, annotations. Asks for approval.
    Definition,
    /// The WIT shape. Asks for a rebuild.
    Shape,
    /// The server's package has another name, so every import of it has. Asks for a rebuild.
    Package,
}

/// Pins what the models were made from. `models` are those of `catalog`; a server without a model is left out.
pub fn lock(catalog: &Catalog, models: &[ServerModel]) -> Lock {
    let servers = models
        .iter()
        .map(|model| {
            let tools = model.tools.iter().map(|tool| {
                let locked = LockedTool {
                    definition: tool.definition_hash.clone(),
                    shape: tool.shape_hash.clone(),
                };
                (tool.tool.clone(), locked)
            });
            let locked = LockedServer {
                info: catalog
                    .servers
                    .get(&model.server)
                    .and_then(|server| server.info.clone()),
                package: model.package.clone(),
                tools: tools.collect(),
                losses: model.losses.clone(),
            };
            (model.server.clone(), locked)
        })
        .collect();
    Lock {
        version: VERSION,
        servers,
    }
}

/// What is different in `new`: the servers and tools of `new` in their order, then what is gone, in the order of `old`.
/// A server's version alone is no change.
pub fn diff(old: &Lock, new: &Lock) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut push = |server: &str, tool: Option<&str>, kind: ChangeKind| {
        changes.push(Change {
            server: server.to_string(),
            tool: tool.map(str::to_string),
            kind,
        });
    };
    for (name, server) in &new.servers {
        let Some(before) = old.servers.get(name) else {
            push(name, None, ChangeKind::Added);
            continue;
        };
        if before.package != server.package {
            push(name, None, ChangeKind::Package);
        }
        for (tool, locked) in &server.tools {
            match before.tools.get(tool) {
                None => push(name, Some(tool), ChangeKind::Added),
                Some(before) if before.shape != locked.shape => {
                    push(name, Some(tool), ChangeKind::Shape)
                }
                Some(before) if before.definition != locked.definition => {
                    push(name, Some(tool), ChangeKind::Definition);
                }
                Some(_) => {}
            }
        }
        for tool in before
            .tools
            .keys()
            .filter(|tool| !server.tools.contains_key(*tool))
        {
            push(name, Some(tool), ChangeKind::Removed);
        }
    }
    for name in old
        .servers
        .keys()
        .filter(|name| !new.servers.contains_key(*name))
    {
        push(name, None, ChangeKind::Removed);
    }
    changes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog::{Server, Tool};
    use crate::server::model_catalog;
    use serde_json::json;

    fn locked(tools: serde_json::Value) -> Lock {
        let tools: Vec<Tool> = serde_json::from_value(tools).unwrap();
        let mut catalog = Catalog::default();
        catalog.servers.insert(
            "s".to_string(),
            Server {
                tools,
                ..Default::default()
            },
        );
        lock(&catalog, &model_catalog(&catalog).unwrap())
    }

    #[test]
    fn differences_by_kind() {
        let string = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        let number = json!({"type": "object", "properties": {"a": {"type": "number"}}});
        let old = locked(json!([
            {"name": "same", "inputSchema": string}, {"name": "gone", "inputSchema": string},
            {"name": "shape", "inputSchema": string}, {"name": "text", "inputSchema": string}]));
        let new = locked(json!([
            {"name": "new", "inputSchema": string}, {"name": "same", "inputSchema": string},
            {"name": "shape", "inputSchema": number}, {"name": "text", "inputSchema": string, "description": "x"}]));
        let changes: Vec<(Option<String>, ChangeKind)> = diff(&old, &new)
            .into_iter()
            .map(|change| (change.tool, change.kind))
            .collect();
        let wanted = [
            ("new", ChangeKind::Added),
            ("shape", ChangeKind::Shape),
            ("text", ChangeKind::Definition),
            ("gone", ChangeKind::Removed),
        ];
        assert_eq!(
            changes,
            wanted.map(|(tool, kind)| (Some(tool.to_string()), kind))
        );
        assert!(diff(&old, &old).is_empty());
    }

    #[test]
    fn the_file_reads_back() {
        let lock = locked(
            json!([{"name": "a", "inputSchema": {"type": "object", "additionalProperties": false, "not": {}}}]),
        );
        assert_eq!(lock.servers["s"].losses.len(), 1);
        let text = serde_json::to_string_pretty(&lock).unwrap();
        assert_eq!(serde_json::from_str::<Lock>(&text).unwrap(), lock);
    }
}
