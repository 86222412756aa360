//! The workspace of one session: values that one run leaves for the next, under names, within a quota. A program reaches it as
//! the server `workspace`, through grants and the gate like any other; nothing of it is on disk, and it ends with the session.
//! What a run had read when it wrote a value, whoever reads the value has read too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use witgate_codegen::catalog::{Server, ServerInfo, Tool};
use witgate_host::labels::{LabelSet, Names};
use witgate_host::mcp::ToolReply;
use witgate_host::servers::{LocalCall, LocalReply, LocalServer};

/// Most bytes of all values of one session, as JSON text; most of them; longest name.
const BYTES: usize = 16 << 20;
const FILES: usize = 1_000;
const PATH: usize = 200;

/// One session's values.
#[derive(Default)]
pub(crate) struct Files {
    kept: Mutex<BTreeMap<String, File>>,
}

/// The same as one run reaches them.
pub(crate) struct RunFiles {
    pub(crate) files: Arc<Files>,
    /// The label names of the run's own grants, by which its sets are read: a file of grants that is read anew numbers them anew.
    pub(crate) names: Names,
}

struct File {
    text: String,
    labels: Vec<String>,
}

impl Files {
    /// Whether anything is there to come back for.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// The labels of all that is kept.
    pub(crate) fn labels(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values()
            .flat_map(|file| file.labels.iter().cloned())
            .collect()
    }
}

impl RunFiles {
    fn answer(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        read: LabelSet,
    ) -> Result<(Value, LabelSet), String> {
        let mut kept = self
            .files
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let path = arguments.get("path").and_then(Value::as_str).unwrap_or("");
        let missing = |kept: &BTreeMap<String, File>| {
            let names: Vec<&str> = kept.keys().map(String::as_str).take(20).collect();
            match names.as_slice() {
                [] => format!("there is no `{path}`: the workspace is empty"),
                names => format!("there is no `{path}`; there are `{}`", names.join("`, `")),
            }
        };
        match tool {
            "read" => {
                let file = kept.get(path).ok_or_else(|| missing(&kept))?;
                let value = serde_json::from_str(&file.text).map_err(|e| e.to_string())?;
                Ok((value, self.set(&file.labels)))
            }
            "write" => {
                let value = arguments.get("value").unwrap_or(&Value::Null);
                let text = value.to_string();
                let others = kept.iter().filter(|(name, _)| *name != path);
                let used: usize = others
                    .map(|(name, file)| name.len() + file.text.len())
                    .sum();
                if path.is_empty() || path.len() > PATH || path.chars().any(char::is_control) {
                    return Err(format!(
                        "a path has 1 to {PATH} bytes and no control characters"
                    ));
                }
                if used + path.len() + text.len() > BYTES {
                    return Err(format!(
                        "the workspace holds {BYTES} bytes, {used} are used, and this value has {}; delete what is no longer needed",
                        text.len()
                    ));
                }
                if kept.len() >= FILES && !kept.contains_key(path) {
                    return Err(format!(
                        "the workspace holds {FILES} values; delete what is no longer needed"
                    ));
                }
                let bytes = text.len();
                let labels = self.names.of(read).map(str::to_owned).collect();
                kept.insert(path.to_owned(), File { text, labels });
                Ok((json!({ "bytes": bytes }), LabelSet::default()))
            }
            "list" => {
                let list = kept
                    .iter()
                    .map(|(path, file)| json!({ "path": path, "bytes": file.text.len() }));
                let list = Value::Array(list.collect());
                // That something is there, and how long it is, says something of it.
                let labels = kept.values().fold(LabelSet::default(), |all, file| {
                    all.with(self.set(&file.labels))
                });
                Ok((list, labels))
            }
            "delete" => {
                let file = kept.remove(path).ok_or_else(|| missing(&kept))?;
                Ok((json!({ "bytes": file.text.len() }), self.set(&file.labels)))
            }
            _ => Err("there is no such tool".to_owned()),
        }
    }

    fn set(&self, labels: &[String]) -> LabelSet {
        // A label that the grants no longer have is asked after by no rule.
        let sets = labels.iter().filter_map(|label| self.names.get(label));
        sets.fold(LabelSet::default(), LabelSet::with)
    }
}

impl LocalServer for RunFiles {
    fn server(&self) -> Server {
        server()
    }

    fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: Map<String, Value>,
        read: LabelSet,
    ) -> LocalCall<'a> {
        let answer = self.answer(tool, &arguments, read);
        Box::pin(async move {
            let text = |text: String| vec![json!({ "type": "text", "text": text })];
            match answer {
                Ok((value, labels)) => LocalReply {
                    reply: ToolReply {
                        is_error: false,
                        content: Vec::new(),
                        structured: Some(if matches!(tool, "read" | "list") {
                            json!({ "result": value })
                        } else {
                            value
                        }),
                    },
                    labels,
                },
                // Which names there are is in the message.
                Err(why) => LocalReply {
                    reply: ToolReply {
                        is_error: true,
                        content: text(why),
                        structured: None,
                    },
                    labels: self
                        .answer("list", &Map::new(), LabelSet::default())
                        .map_or_else(|_| LabelSet::default(), |(_, labels)| labels),
                },
            }
        })
    }
}

/// The tools of every session's workspace.
pub(crate) fn server() -> Server {
    let path = json!({ "type": "string", "minLength": 1, "maxLength": PATH });
    let wrapped = |schema: Value| json!({ "type": "object", "properties": { "result": schema }, "required": ["result"], "x-fastmcp-wrap-result": true });
    let bytes = json!({ "type": "object", "properties": { "bytes": { "type": "integer" } }, "required": ["bytes"] });
    let tool = |name: &str,
                description: &str,
                properties: Value,
                required: &[&str],
                output: Value| Tool {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        input_schema: json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false }),
        output_schema: Some(output),
        ..Tool::default()
    };
    let entry = json!({ "type": "object", "properties": { "path": { "type": "string" }, "bytes": { "type": "integer" } }, "required": ["path", "bytes"] });
    let tools = vec![
        tool(
            "read",
            "Read a value that an earlier run of this session wrote",
            json!({ "path": path }),
            &["path"],
            wrapped(json!({})),
        ),
        tool(
            "write",
            "Keep a value for later runs of this session",
            json!({ "path": path, "value": {} }),
            &["path", "value"],
            bytes.clone(),
        ),
        tool(
            "list",
            "List the kept values of this session",
            json!({}),
            &[],
            wrapped(json!({ "type": "array", "items": entry })),
        ),
        tool(
            "delete",
            "Delete a kept value of this session",
            json!({ "path": path }),
            &["path"],
            bytes,
        ),
    ];
    Server {
        info: Some(ServerInfo {
            name: "witgate-workspace".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }),
        tools,
        ..Server::default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn arguments(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn values_come_back_as_they_were_with_what_was_read() {
        let mut names = Names::default();
        let private = names.set("private").unwrap();
        let mut files = RunFiles {
            files: Arc::default(),
            names,
        };
        for value in [json!(5), json!("5"), json!(null), json!({"a": [1]})] {
            files
                .answer(
                    "write",
                    &arguments(json!({"path": "a", "value": value})),
                    private,
                )
                .unwrap();
            let read = files.answer(
                "read",
                &arguments(json!({"path": "a"})),
                LabelSet::default(),
            );
            assert_eq!(read.unwrap(), (value, private));
        }
        let (list, labels) = files
            .answer("list", &Map::new(), LabelSet::default())
            .unwrap();
        assert_eq!(
            (list, labels),
            (json!([{"path": "a", "bytes": 9}]), private)
        );
        // Other grants number their labels otherwise.
        let mut other = Names::default();
        other.set("public").unwrap();
        let renumbered = other.set("private").unwrap();
        files.names = other;
        let read = files.answer(
            "read",
            &arguments(json!({"path": "a"})),
            LabelSet::default(),
        );
        assert_eq!(read.unwrap().1, renumbered);
        files
            .answer(
                "delete",
                &arguments(json!({"path": "a"})),
                LabelSet::default(),
            )
            .unwrap();
        assert!(files.files.is_empty());
        let gone = files.answer(
            "read",
            &arguments(json!({"path": "a"})),
            LabelSet::default(),
        );
        assert_eq!(gone.unwrap_err(), "there is no `a`: the workspace is empty");
    }

    #[test]
    fn the_quota_holds() {
        let files = RunFiles {
            files: Arc::default(),
            names: Names::default(),
        };
        let half = "x".repeat(BYTES / 2 - 100);
        let write = |path: &str| {
            files.answer(
                "write",
                &arguments(json!({"path": path, "value": half})),
                LabelSet::default(),
            )
        };
        write("a").unwrap();
        write("b").unwrap();
        assert!(
            write("c")
                .unwrap_err()
                .contains("delete what is no longer needed")
        );
        // The same name again takes no more room.
        write("b").unwrap();
        assert!(
            write("").is_err() && write(&"p".repeat(PATH + 1)).is_err() && write("a\nb").is_err()
        );
    }
}
