//! Which urgent issues wait for somebody? The same contract as any program, from a toolchain that knows no async: every
//! call of a tool blocks, and `run` is a plain function.

#[allow(warnings)]
mod bindings;

use bindings::mcp::demo::tools::{
    list_issues, ListIssuesArgs, ListIssuesIssuePriority, ListIssuesState,
};
use bindings::witgate::runtime::console::{log, Level};
use bindings::witgate::runtime::types::ToolError;
use bindings::{Guest, ProgramError};
use serde_json::{json, Value};

struct Program;

impl Guest for Program {
    /// JSON in, JSON out.
    fn run(input: String) -> Result<String, ProgramError> {
        let input: Value = serde_json::from_str(&input).map_err(|e| failed("InputError", e))?;
        let result = urgent(&input).map_err(unhandled)?;
        Ok(result.to_string())
    }
}

fn urgent(input: &Value) -> Result<Value, ToolError> {
    let issues = list_issues(&ListIssuesArgs {
        state: Some(ListIssuesState::Open),
        label: input["label"].as_str().map(String::from),
        assignee: None,
        page: None,
        per_page: Some(10_000),
    })?;
    log(Level::Info, &format!("{} issues are open", issues.len()));
    let waiting: Vec<Value> = issues
        .iter()
        .filter(|issue| issue.priority == ListIssuesIssuePriority::Urgent)
        .filter(|issue| issue.assignee.is_none())
        .map(|issue| json!({ "number": issue.number, "title": issue.title, "customer": issue.customer }))
        .collect();

    // A call that fails is a value too. This one asks for more rows than the schema allows; nothing is sent.
    let refused = list_issues(&ListIssuesArgs {
        state: None,
        label: None,
        assignee: None,
        page: None,
        per_page: Some(10_001),
    });
    let refused = refused.err().map(|error| error.message);
    let top = input["top"].as_u64().map_or(waiting.len(), |top| top as usize);
    Ok(json!({
        "open": issues.len(),
        "waiting": waiting.len(),
        "top": waiting[..top.min(waiting.len())],
        "refused": refused,
    }))
}

/// The program ends with this call's error.
fn unhandled(error: ToolError) -> ProgramError {
    ProgramError {
        name: "ToolError".into(),
        message: error.message.clone(),
        stack: None,
        cause: Some(error),
    }
}

fn failed(name: &str, error: impl std::fmt::Display) -> ProgramError {
    ProgramError {
        name: name.into(),
        message: error.to_string(),
        stack: None,
        cause: None,
    }
}

bindings::export!(Program with_types_in bindings);
