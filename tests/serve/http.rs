//! Requests as no SDK would make them: HTTP/1.1 by hand, one connection each. What the answers mean is not known here.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

const HANGS: Duration = Duration::from_secs(60);

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The message in the body, which may be a stream of events.
    pub(crate) fn message(&self) -> anyhow::Result<Value> {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
        let is_answer = |message: &Value| message.get("result").or(message.get("error")).is_some();
        let event = self
            .body
            .lines()
            .filter_map(|line| parsed(line.strip_prefix("data:")?));
        let found = parsed(&self.body).or_else(|| event.into_iter().find(is_answer));
        found.with_context(|| format!("no answer in {self:?}"))
    }
}

/// Sends one request and reads the answer to its end. A header that is given twice is sent as it was given last.
pub(crate) fn request(
    url: &str,
    method: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> anyhow::Result<Reply> {
    let (authority, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .context("an address")?;
    let length = body.len().to_string();
    let mut all = vec![
        ("host", authority),
        ("connection", "close"),
        ("content-length", &length),
    ];
    for &(name, value) in headers {
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
    }
    let mut text = format!("{method} /{path} HTTP/1.1\r\n");
    for (name, value) in all {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    let mut connection = TcpStream::connect(authority)?;
    connection.set_read_timeout(Some(HANGS))?;
    connection.write_all(text.as_bytes())?;
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes)?;
    read(&String::from_utf8(bytes)?)
}

fn read(text: &str) -> anyhow::Result<Reply> {
    let (head, body) = text.split_once("\r\n\r\n").context("a head")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<(String, String)> = headers
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    Ok(Reply {
        status: status.context("a status")?.parse()?,
        headers,
        body: match chunked {
            true => unchunk(body)?,
            false => body.to_owned(),
        },
    })
}

fn unchunk(mut rest: &str) -> anyhow::Result<String> {
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16)?;
        if length == 0 {
            break;
        }
        body.push_str(after.get(..length).context("a whole chunk")?);
        rest = after.get(length..).unwrap_or("").trim_start_matches("\r\n");
    }
    Ok(body)
}

/// A request of protocol 2026-07-28, which carries everything that it needs.
pub(crate) struct Modern {
    method: &'static str,
    name: Option<String>,
    params: Value,
}

impl Modern {
    /// `more` stands beside name and arguments.
    pub(crate) fn call(tool: &str, arguments: Value, more: Value) -> Modern {
        let mut params = json!({ "name": tool, "arguments": arguments });
        if let (Some(params), Value::Object(more)) = (params.as_object_mut(), more) {
            params.extend(more);
        }
        Modern {
            method: "tools/call",
            name: Some(tool.to_owned()),
            params,
        }
    }

    /// `tools/list`.
    pub(crate) fn tools() -> Modern {
        Modern {
            method: "tools/list",
            name: None,
            params: json!({}),
        }
    }
}

/// Sends it with these headers beside those of the protocol.
pub(crate) fn send(url: &str, asked: &Modern, headers: &[(&str, &str)]) -> anyhow::Result<Reply> {
    let mut params = asked.params.clone();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "by hand", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "form": {} } },
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": asked.method, "params": params });
    let mut all = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", asked.method),
    ];
    if let Some(name) = &asked.name {
        all.push(("mcp-name", name));
    }
    all.extend(headers);
    request(url, "POST", &all, &body.to_string())
}

/// Sends it and reads the message that answers.
pub(crate) fn post(url: &str, asked: &Modern) -> anyhow::Result<Value> {
    let reply = send(url, asked, &[])?;
    ensure!(reply.status < 500, "{reply:?}");
    reply.message()
}
