//! Picks the urgent open issues of one label that nobody has taken out of 10,000, as `program.js` does. Changes nothing.

use mcp::demo::{ListIssuesArgs, ListIssuesIssuePriority, ListIssuesIssueState, list_issues};
use witgate_guest::prelude::*;

async fn run(input: Value) -> Result<Value> {
    let label = input["label"].as_str().unwrap_or("security");
    let args = ListIssuesArgs {
        per_page: Some(10_000),
        ..Default::default()
    };
    let issues = list_issues(args).await?;
    let waiting = issues.iter().filter(|issue| {
        issue.state == ListIssuesIssueState::Open
            && issue.priority == ListIssuesIssuePriority::Urgent
            && issue.assignee.is_none()
            && issue.labels.iter().any(|name| name == label)
    });
    let rows: Vec<Value> = waiting
        .map(|issue| {
            json!({
                "number": issue.number,
                "title": issue.title,
                "customer": issue.customer,
                "created_at": issue.created_at,
            })
        })
        .collect();
    Ok(json!({ "read": issues.len(), "waiting": rows }))
}

program!(run);
