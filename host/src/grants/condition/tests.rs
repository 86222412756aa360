//! Conditions held against small tools, and decided.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use serde_json::json;
use witgate_codegen::catalog::{Catalog, Server, Tool};

use super::*;
use crate::definitions::Definitions;

mod policies;
mod refusals;
mod said;
mod values;
mod wild;

pub(super) fn definition(server: &str, tool: &str, schema: Value) -> Arc<Definition> {
    let tool: Tool = serde_json::from_value(json!({"name": tool, "inputSchema": schema})).unwrap();
    let name = tool.name.clone();
    let mut catalog = Catalog::default();
    let tools = vec![tool];
    catalog.servers.insert(
        server.to_owned(),
        Server {
            tools,
            ..Server::default()
        },
    );
    Arc::clone(
        Definitions::new(&catalog)
            .unwrap()
            .get(server, &name)
            .unwrap(),
    )
}

/// A tool with an argument of every kind.
pub(super) fn send_money() -> Arc<Definition> {
    let to = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "email": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": false,
    });
    let properties = json!({
        "amount": {"type": "number"},
        "recipient": {"type": "string"},
        "times": {"type": "integer"},
        "urgent": {"type": "boolean"},
        "state": {"type": "string", "enum": ["open", "closed", "held"]},
        "level": {"type": "integer", "enum": [1, 2, 3]},
        "cc": {"type": "array", "items": {"type": "string"}},
        "to": to,
        "start-date": {"type": "string"},
        "note": {"type": ["string", "null"]},
        "filters": {"type": "object", "additionalProperties": true},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "key": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "kind": {"const": "transfer"},
    });
    let required = json!([
        "amount",
        "recipient",
        "times",
        "urgent",
        "state",
        "to",
        "kind"
    ]);
    let schema = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    definition("bank", "send_money", schema)
}

pub(super) fn labels() -> Vec<String> {
    ["untrusted", "private", "egress"]
        .map(str::to_owned)
        .to_vec()
}

pub(super) fn sets() -> BTreeMap<String, Vec<String>> {
    let payees = vec!["GB29NWBK".to_owned(), "Alice".to_owned()];
    BTreeMap::from([
        ("payees".to_owned(), payees),
        ("none".to_owned(), Vec::new()),
    ])
}

fn schema() -> ToolSchema {
    ToolSchema::new(&send_money(), &labels(), &sets()).unwrap()
}

fn condition(text: &str) -> Condition {
    Condition {
        text: text.to_owned(),
        origin: "grants.toml:7".to_owned(),
    }
}

pub(super) fn facts(arguments: &Map<String, Value>) -> Facts<'_> {
    Facts {
        arguments,
        request: None,
        read: vec!["untrusted"],
        calls: 2,
        now: 1_790_000_000_000,
        program: "abc",
    }
}

pub(super) fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn plain() -> Value {
    json!({"amount": 10, "recipient": "Alice", "times": 3, "urgent": true, "state": "open",
        "to": {"name": "Bob"}, "kind": "transfer"})
}

/// The plain arguments, and these.
fn with(more: Value) -> Map<String, Value> {
    let mut all = map(plain());
    all.extend(map(more));
    all
}

fn decide(text: &str, arguments: &Map<String, Value>) -> Result<bool, String> {
    decide_for(text, &facts(arguments))
}

fn decide_for(text: &str, facts: &Facts<'_>) -> Result<bool, String> {
    let schema = schema();
    let checked = schema
        .check(&condition(text))
        .unwrap_or_else(|e| panic!("{text}: {e:?}"));
    checked.holds(&schema.request(facts))
}

/// The error as a person reads it.
fn refusal(text: &str) -> String {
    let error = match schema().check(&condition(text)) {
        Ok(_) => panic!("{text} is taken"),
        Err(error) => error,
    };
    match &error.hint {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}
