//! An MCP server on stdin and stdout that costs as little as it can: 64 tools of one shape, answered at once, in order. With
//! `--stamp FILE` it writes there when its first byte arrived, in nanoseconds since 1970. With `--bank` it has two other
//! tools, for what the gate costs. It checks nothing that it is sent and speaks just enough of the protocol for the host
//! under measurement.

use std::io::{self, BufRead, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde_json::{Value, json};

const VERBS: [&str; 8] = [
    "list", "get", "create", "update", "delete", "search", "export", "archive",
];
const NOUNS: [&str; 8] = [
    "order", "user", "invoice", "project", "message", "document", "event", "ticket",
];

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut listed: fn() -> Vec<Value> = tools;
    let stamp = match arguments.next() {
        Some(flag) if flag == "--stamp" => Some(arguments.next().context("--stamp needs a file")?),
        Some(flag) if flag == "--bank" => {
            listed = bank;
            None
        }
        Some(flag) => anyhow::bail!("unknown argument `{}`", flag.to_string_lossy()),
        None => None,
    };
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    // Returns as soon as there is anything to read.
    input.fill_buf()?;
    if let Some(file) = stamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        std::fs::write(file, now.as_nanos().to_string())?;
    }
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        let message: Value = serde_json::from_str(&line).context("a message is no JSON")?;
        line.clear();
        // A notification has no id and gets no answer.
        let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) else {
            continue;
        };
        let mut answer = match result(method, &message["params"], listed) {
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

fn result(method: &str, params: &Value, listed: fn() -> Vec<Value>) -> Option<Value> {
    Some(match method {
        "initialize" => json!({
            "protocolVersion": params["protocolVersion"],
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "witgate-bench", "version": env!("CARGO_PKG_VERSION") },
        }),
        "ping" => json!({}),
        "tools/list" => json!({ "tools": listed() }),
        "tools/call" if params["name"] == "send_money" => json!({
            "content": [{ "type": "text", "text": "{\"sent\":true}" }],
            "structuredContent": { "sent": true },
        }),
        "tools/call" if params["name"] == "list_people" => people(),
        "tools/call" => row(&params["arguments"]["id"]),
        _ => return None,
    })
}

fn row(id: &Value) -> Value {
    let row = json!({
        "id": id,
        "name": "An entry of the table",
        "tags": ["first", "second", "third"],
        "state": "open",
        "total": 1234.5,
    });
    json!({ "content": [{ "type": "text", "text": row.to_string() }], "structuredContent": row })
}

/// Two kilobytes in which every entry has an address and a number.
fn people() -> Value {
    let entry = |n: usize| {
        json!({
            "name": format!("Person {n}"),
            "note": format!("write to person.{n}@example.com, or call +1 415 555 01{n:02} before noon"),
        })
    };
    let people: Vec<Value> = (0..20).map(entry).collect();
    let people = json!({ "people": people });
    json!({ "content": [{ "type": "text", "text": people.to_string() }], "structuredContent": people })
}

fn bank() -> Vec<Value> {
    let text = json!({ "type": "string" });
    let object = |properties: Value, required: Value| json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let person = object(
        json!({ "name": text, "note": text }),
        json!(["name", "note"]),
    );
    let people = json!({ "people": { "type": "array", "items": person } });
    let payment = json!({
        "amount": { "type": "number" }, "recipient": text, "subject": text, "times": { "type": "integer" },
    });
    vec![
        json!({
            "name": "send_money",
            "inputSchema": object(payment, json!(["amount", "recipient", "subject", "times"])),
            "outputSchema": object(json!({ "sent": { "type": "boolean" } }), json!(["sent"])),
        }),
        json!({
            "name": "list_people",
            "inputSchema": object(json!({}), json!([])),
            "outputSchema": object(people, json!(["people"])),
        }),
    ]
}

fn tools() -> Vec<Value> {
    let names = VERBS
        .iter()
        .flat_map(|verb| NOUNS.iter().map(move |noun| format!("{verb}_{noun}")));
    let state = json!({ "type": "string", "enum": ["open", "closed", "waiting"] });
    let tags = json!({ "type": "array", "items": { "type": "string" } });
    names
        .map(|name| {
            json!({
                "name": name,
                "description": "One entry of a table, by its number.",
                "inputSchema": {
                    "type": "object",
                    "properties": {
                        "id": { "type": "integer", "minimum": 1 },
                        "name": { "type": "string", "maxLength": 200 },
                        "tags": tags,
                        "state": state,
                        "limit": { "type": ["integer", "null"] },
                    },
                    "required": ["id"],
                    "additionalProperties": false,
                },
                "outputSchema": {
                    "type": "object",
                    "properties": {
                        "id": { "type": "integer" },
                        "name": { "type": "string" },
                        "tags": tags,
                        "state": state,
                        "total": { "type": "number" },
                    },
                    "required": ["id", "name", "tags", "state", "total"],
                },
            })
        })
        .collect()
}
