//! What a model reads before it does anything: the instructions and the four tools. Nothing here depends on the servers behind, so
//! that a client's prompt cache stays good; all of it together is at most 400 tokens (o200k), which `tests/serve` counts.

use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Value, json};

/// The contract, by one example.
pub(crate) const INSTRUCTIONS: &str = r#"MCP tools as code: `search` for tools, `describe` them, then `run` one program that calls them:
import { listIssues } from "mcp:github";
export default async (input) => (await listIssues({ state: "open" })).filter((i) => i.labels.includes(input.label)).length;
Loop, filter and join in the program; return only what you need."#;

/// The tools.
pub(crate) fn tools() -> Vec<Tool> {
    let text = json!({ "type": "string" });
    let tool = |name: &'static str,
                description: &'static str,
                properties: Value,
                required: &[&str]| {
        let mut schema = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        let schema = schema.as_object().cloned().unwrap_or_default();
        let tool = Tool::new(name, description, Arc::new(schema));
        match name {
            // A client may then skip asking its person.
            "search" | "describe" => tool.with_annotations(ToolAnnotations::new().read_only(true)),
            _ => tool,
        }
    };
    vec![
        tool(
            "search",
            "Find tools by task; several tasks: with commas",
            json!({ "query": text, "detail": { "enum": ["name", "summary", "full"] }, "offset": { "type": "integer" } }),
            &["query"],
        ),
        tool(
            "describe",
            "Types of tools, to write code against",
            json!({
                "tools": { "type": "array", "items": text, "description": "server/tool" },
                "language": { "enum": ["js", "rust"] },
            }),
            &["tools"],
        ),
        tool(
            "run",
            "Run a program (JS, TS or Rust) in a sandbox",
            json!({
                "code": text,
                "input": {},
                "keep": { "type": "string", "description": "skill to make of it" },
                "resume": { "type": "string", "description": "token from an answer" },
                "limits": { "type": "object", "description": "seconds, calls, answer (bytes)" },
            }),
            &[],
        ),
        tool(
            "skills",
            "Kept programs: list, read or run",
            json!({ "name": text, "input": {} }),
            &[],
        ),
    ]
}
