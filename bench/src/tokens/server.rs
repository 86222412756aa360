//! An MCP server on stdin and stdout with the definitions of a real one: it lists the tools of a file of the corpus, unchanged, and
//! answers those that a scenario uses with that scenario's data. Any other tool is there and fails. Each call is noted, each
//! change is kept, in files that the benchmark reads afterwards.

use std::fs::OpenOptions;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use crate::world::World;

/// What the server is given.
#[derive(Args)]
pub(crate) struct ServerArguments {
    /// The file of the corpus
    #[arg(long, value_name = "FILE")]
    definitions: PathBuf,
    /// Only these tools, in the file's order
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// The folder that calls and changes are written to
    #[arg(long, value_name = "FOLDER")]
    notes: PathBuf,
    /// The server's name
    #[arg(long)]
    name: String,
}

/// Answers until stdin ends.
pub(crate) fn serve(arguments: &ServerArguments) -> anyhow::Result<()> {
    let tools = definitions(&arguments.definitions, &arguments.only)?;
    let mut world = World::default();
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?).context("a message is no JSON")?;
        // A notification has no id and gets no answer.
        let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) else {
            continue;
        };
        let params = &message["params"];
        let result = match method {
            "initialize" => Some(json!({
                "protocolVersion": params["protocolVersion"],
                "capabilities": { "tools": {} },
                "serverInfo": { "name": arguments.name, "version": env!("CARGO_PKG_VERSION") },
            })),
            "ping" => Some(json!({})),
            "tools/list" => Some(json!({ "tools": tools })),
            "tools/call" => Some(called(&mut world, arguments, params)?),
            _ => None,
        };
        let mut answer = match result {
            Some(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            None => json!({
                "jsonrpc": "2.0",
                "id": id,
                "error": { "code": -32601, "message": "method not found" },
            }),
        }
        .to_string();
        answer.push('\n');
        output.write_all(answer.as_bytes())?;
        output.flush()?;
    }
    Ok(())
}

/// The tools of a file of the corpus, or those of them that are named.
pub(crate) fn definitions(file: &Path, only: &[String]) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read `{}`", file.display()))?;
    let mut list: Value =
        serde_json::from_str(&text).with_context(|| format!("`{}` is no JSON", file.display()))?;
    let tools = list["tools"].as_array_mut().map(std::mem::take);
    let tools = tools.with_context(|| format!("`{}` has no `tools`", file.display()))?;
    let is_wanted =
        |tool: &Value| only.is_empty() || only.iter().any(|name| tool["name"] == name.as_str());
    Ok(tools.into_iter().filter(is_wanted).collect())
}

fn called(world: &mut World, arguments: &ServerArguments, params: &Value) -> anyhow::Result<Value> {
    let tool = params["name"].as_str().unwrap_or_default();
    let given = &params["arguments"];
    let note = json!({ "tool": format!("{}/{tool}", arguments.name), "arguments": given });
    append(&arguments.notes.join("calls.jsonl"), &note)?;
    let answer = world.call(&arguments.name, tool, given);
    if let Ok(answer) = &answer
        && let Some(change) = &answer.change
    {
        append(&arguments.notes.join("changes.jsonl"), change)?;
    }
    Ok(match answer {
        Ok(answer) => match answer.structured {
            true => {
                let text = answer.value.to_string();
                json!({ "content": [{ "type": "text", "text": text }], "structuredContent": answer.value })
            }
            false => {
                let text = match answer.value {
                    Value::String(text) => text,
                    value => value.to_string(),
                };
                json!({ "content": [{ "type": "text", "text": text }] })
            }
        },
        Err(why) => json!({ "content": [{ "type": "text", "text": why }], "isError": true }),
    })
}

/// One line, written at once: several servers write to the same file.
fn append(file: &Path, line: &Value) -> anyhow::Result<()> {
    let mut open = OpenOptions::new().create(true).append(true).open(file)?;
    open.write_all(format!("{line}\n").as_bytes())?;
    Ok(())
}
