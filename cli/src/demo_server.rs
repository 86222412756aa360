//! `witgate demo-server`: an MCP server on stdin and stdout, so that a first program needs nothing else installed. Its tools
//! are data (`demo_tools.json`), their work on the tables is in `demo_answer`; here is the protocol, and the tools that wait or
//! fail. It keeps no state beyond the process and takes no configuration but one variable for tests: where
//! `WITGATE_DEMO_TRANSCRIPT` names a file, every call that arrives is appended to it as one JSON line.

use std::io::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer, ServerInitializeError};
use rmcp::{ErrorData, ServerHandler, ServiceExt as _};
use serde_json::{Map, Value, json};

use crate::demo_answer::{Answer, answer};
use crate::demo_data::{Demo, generate};

const TOOLS: &str = include_str!("demo_tools.json");
const TRANSCRIPT: &str = "WITGATE_DEMO_TRANSCRIPT";
/// A PNG of one pixel, base64.
const LOGO: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
/// Above this many bytes a structured result is not repeated as text: 10,000 rows would cross the pipe twice.
const TEXT_COPY: usize = 64 * 1024;

struct DemoServer {
    tools: Vec<Tool>,
    /// Made at the first call that needs it, so that listing the tools is instant.
    demo: OnceLock<Mutex<Demo>>,
}

/// Serves until stdin ends.
///
/// # Errors
/// When the client breaks the protocol's opening, or a task of the server dies.
pub(crate) async fn serve_stdio() -> anyhow::Result<()> {
    let tools = serde_json::from_str(TOOLS).context("the demo's own tool list is broken")?;
    let demo = OnceLock::new();
    let transport = rmcp::transport::io::stdio_pipes();
    match (DemoServer { tools, demo }).serve(transport).await {
        Ok(running) => {
            running.waiting().await?;
            Ok(())
        }
        // A client that leaves before it says a word is no failure.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl ServerHandler for DemoServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("witgate-demo", env!("CARGO_PKG_VERSION")))
            .with_instructions("An issue tracker and a CRM of 10,000 rows each; changes last as long as the process.")
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.clone()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = request.name.as_ref();
        let arguments = request.arguments.unwrap_or_default();
        record(tool, &arguments)
            .map_err(|error| ErrorData::internal_error(format!("{TRANSCRIPT}: {error}"), None))?;
        if !self.tools.iter().any(|known| known.name == tool) {
            return Err(ErrorData::invalid_params(
                format!("unknown tool `{tool}`"),
                None,
            ));
        }
        let result = match tool {
            "slow_echo" => slow_echo(&arguments, &context).await,
            "always_fails" => always_fails(&arguments),
            "get_logo" => CallToolResult::success(vec![
                ContentBlock::text("The demo's logo, one pixel"),
                ContentBlock::image(LOGO, "image/png"),
            ]),
            _ => self.on_tables(tool, arguments),
        };
        Ok(result.into())
    }
}

impl DemoServer {
    fn on_tables(&self, tool: &str, arguments: Map<String, Value>) -> CallToolResult {
        let demo = self.demo.get_or_init(|| Mutex::new(generate()));
        // A poisoned table is still a table: no write leaves a row half changed.
        let mut demo = demo.lock().unwrap_or_else(PoisonError::into_inner);
        match answer(&mut demo, tool, arguments) {
            Ok(Answer::Structured(value)) => structured(value),
            Ok(Answer::Text(text)) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(error) => failure(error.to_string()),
        }
    }
}

fn structured(value: Value) -> CallToolResult {
    let copy = value.to_string();
    let text = if copy.len() <= TEXT_COPY {
        copy
    } else {
        format!("{} bytes, see structuredContent", copy.len())
    };
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(value);
    result
}

async fn slow_echo(
    arguments: &Map<String, Value>,
    context: &RequestContext<RoleServer>,
) -> CallToolResult {
    let text = arguments.get("text").and_then(Value::as_str);
    let delay = arguments.get("delay_ms").and_then(Value::as_u64);
    let (Some(text), Some(delay)) = (text, delay) else {
        return failure("invalid arguments: `text` and `delay_ms` are required".to_owned());
    };
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(delay)) => {
            CallToolResult::success(vec![ContentBlock::text(text)])
        }
        () = context.ct.cancelled() => failure("cancelled".to_owned()),
    }
}

fn always_fails(arguments: &Map<String, Value>) -> CallToolResult {
    let reason = arguments.get("reason").and_then(Value::as_str);
    failure(format!(
        "failed on purpose: {}",
        reason.unwrap_or("no reason given")
    ))
}

fn failure(message: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(message)])
}

/// Appends the call to the transcript, where one is asked for. One write a line, so that two servers may share a file.
fn record(tool: &str, arguments: &Map<String, Value>) -> std::io::Result<()> {
    let Some(path) = std::env::var_os(TRANSCRIPT) else {
        return Ok(());
    };
    let line = format!("{}\n", json!({ "tool": tool, "arguments": arguments }));
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    file.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn tools() -> Vec<Tool> {
        serde_json::from_str(TOOLS).unwrap()
    }

    #[test]
    fn every_listed_tool_answers_as_its_schema_says() {
        let server = DemoServer {
            tools: tools(),
            demo: OnceLock::new(),
        };
        for tool in tools() {
            if ["slow_echo", "always_fails", "get_logo"].contains(&tool.name.as_ref()) {
                continue;
            }
            let arguments = match tool.name.as_ref() {
                "get_issue" | "update_issue" => json!({ "number": 1 }),
                "update_deal" => json!({ "id": 1 }),
                "create_issue" => json!({ "title": "New" }),
                "add_comment" => json!({ "number": 1, "body": "x" }),
                _ => json!({}),
            };
            let result = server.on_tables(&tool.name, arguments.as_object().unwrap().clone());
            assert_eq!(result.is_error, Some(false), "{}", tool.name);
            assert_eq!(
                result.structured_content.is_some(),
                tool.output_schema.is_some(),
                "{}",
                tool.name
            );
            let (Some(schema), Some(mut row)) = (tool.output_schema, result.structured_content)
            else {
                continue;
            };
            let mut schema = Value::Object(schema.as_ref().clone());
            if tool.name == "list_issues" {
                schema = schema["$defs"]["Issue"].take();
                row = row["result"][0].take();
            }
            let required: Vec<&str> = schema["required"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let keys: Vec<&str> = row
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(keys, required, "{}", tool.name);
        }
    }

    #[test]
    fn large_results_cross_the_pipe_once() {
        let large = structured(json!({ "result": "x".repeat(TEXT_COPY) }));
        assert!(
            large.content[0]
                .as_text()
                .unwrap()
                .text
                .ends_with("see structuredContent")
        );
        let small = structured(json!({ "number": 1 }));
        assert_eq!(small.content[0].as_text().unwrap().text, r#"{"number":1}"#);
    }
}
