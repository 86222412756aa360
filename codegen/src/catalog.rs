//! What MCP servers say they offer, as plain data. No network here: the host fills it, files keep it.
//! Nothing is interpreted: schemas and descriptions are kept as the server sent them.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::json::{self, JsonError};
use crate::overrides::Overrides;
use crate::text::shown;

/// Every connected server's tools, by the server's name in the configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// Servers in the order of the configuration.
    pub servers: IndexMap<String, Server>,
}

/// One server's tools.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// What the server calls itself, as `serverInfo` of its `initialize` answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<ServerInfo>,
    /// Tools in the order of `tools/list`.
    pub tools: Vec<Tool>,
    /// What a person put in place of some tools' schemas. No part of what the server sent, and not kept with it.
    #[serde(skip)]
    pub overrides: Overrides,
}

/// `serverInfo` of MCP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// The implementation's name.
    pub name: String,
    /// The implementation's version.
    pub version: String,
}

/// One entry of `tools/list`. Unknown keys are kept in `extra`, so that the definition hash covers them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// The name that `tools/call` takes.
    pub name: String,
    /// Untrusted text from the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Untrusted text from the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of the arguments, as sent.
    pub input_schema: Value,
    /// JSON Schema of the structured result, as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Untrusted hints from the server (`readOnlyHint` ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Value>,
    /// Any other key of the entry.
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

impl Tool {
    /// SHA-256, in lower-case hex, of the entry as the server sent it: every key, keys sorted at every level, so that
    /// the order in which a server writes its keys does not matter and everything else does.
    pub fn definition_hash(&self) -> String {
        // Strings, JSON values and maps with string keys always serialise.
        let value = serde_json::to_value(self).unwrap_or(Value::Null);
        hash(&canonical(&value))
    }
}

/// Why a text is no list of tools.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The text is not JSON, or nested too deeply.
    #[error("the tool list cannot be read")]
    Json(#[source] JsonError),
    /// The JSON has no list of tools where one is expected.
    #[error(
        "there is no `tools` array: expected `{{\"tools\": [...]}}`, a JSON-RPC answer, or an array of tools"
    )]
    NoTools,
    /// The text is a JSON-RPC answer that reports an error.
    #[error("the answer is a JSON-RPC error with code {code}")]
    Rpc {
        /// JSON-RPC's error code; 0 where there is none.
        code: i64,
    },
    /// The list is one page of several, so tools would be missing.
    #[error("the tool list is one page of several: `nextCursor` is set")]
    Incomplete,
    /// One entry is no tool.
    #[error("entry {index} (`{name}`) of the tool list is not a tool")]
    Tool {
        /// Position in the list, from 0.
        index: usize,
        /// Its name, fit to be shown, or `?` where it has none.
        name: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads a saved answer to `tools/list`: `{"tools": [...]}`, the whole JSON-RPC answer, or the bare array.
///
/// # Errors
/// The text is not JSON, holds no list, holds one page of several, or an entry lacks `name` or `inputSchema`.
pub fn parse_tools_list(text: &str) -> Result<Vec<Tool>, CatalogError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = json::parse(text.as_bytes()).map_err(CatalogError::Json)?;
    if let Some(error) = value.get("error").filter(|error| error.is_object()) {
        return Err(CatalogError::Rpc {
            code: error.get("code").and_then(Value::as_i64).unwrap_or(0),
        });
    }
    let page = value.get("result").unwrap_or(&value);
    if page
        .get("nextCursor")
        .and_then(Value::as_str)
        .is_some_and(|cursor| !cursor.is_empty())
    {
        return Err(CatalogError::Incomplete);
    }
    let entries = page
        .get("tools")
        .unwrap_or(page)
        .as_array()
        .ok_or(CatalogError::NoTools)?;
    entries
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            Tool::deserialize(entry).map_err(|source| CatalogError::Tool {
                index,
                name: shown(entry.get("name").and_then(Value::as_str).unwrap_or("?")),
                // It may quote all of the entry.
                source: serde_json::Error::custom(shown(&source.to_string())),
            })
        })
        .collect()
}

/// JSON text with the keys of every object sorted and no spaces: equal values give equal bytes.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                let _ = write!(out, "{}:", Value::String(key.clone()));
                write_canonical(item, out);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

/// SHA-256 of a text, in lower-case hex.
pub fn hash(text: &str) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const TOOL: &str =
        r#"{"name":"a","inputSchema":{"type":"object","properties":{}},"_meta":{"x":1}}"#;

    #[test]
    fn three_forms_of_a_list() {
        for text in [
            format!("[{TOOL}]"),
            format!("{{\"tools\":[{TOOL}]}}"),
            format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"tools\":[{TOOL}],\"nextCursor\":null}}}}"
            ),
        ] {
            let tools = parse_tools_list(&text).unwrap();
            assert_eq!(tools[0].name, "a");
            assert!(tools[0].extra.contains_key("_meta"));
        }
    }

    #[test]
    fn what_is_no_list() {
        let error = |text: &str| parse_tools_list(text).unwrap_err().to_string();
        assert_eq!(error("{"), "the tool list cannot be read");
        assert!(error("{}").starts_with("there is no `tools` array"));
        assert!(error(r#"{"error":{"code":-32601,"message":"secret"}}"#).contains("-32601"));
        assert!(error(r#"{"tools":[],"nextCursor":"x"}"#).contains("nextCursor"));
        assert!(error(r#"[{"name":"b"}]"#).contains("(`b`)"));
    }

    #[test]
    fn the_hash_ignores_key_order_only() {
        let tool = |text: &str| {
            serde_json::from_str::<Tool>(text)
                .unwrap()
                .definition_hash()
        };
        let a =
            tool(r#"{"name":"a","inputSchema":{"type":"object","title":"t"},"x":{"b":1,"a":2}}"#);
        let b =
            tool(r#"{"x":{"a":2,"b":1},"inputSchema":{"title":"t","type":"object"},"name":"a"}"#);
        let c =
            tool(r#"{"x":{"a":2,"b":3},"inputSchema":{"title":"t","type":"object"},"name":"a"}"#);
        assert_eq!(a, b);
        assert_ne!(a, c);
        assert_eq!(a.len(), 64);
    }
}
