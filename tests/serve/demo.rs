//! The session that the README shows, `demo.md`: what a real client sends and what it gets back, word for word. A run that differs in
//! anything but its times fails; `WITGATE_BLESS=1 cargo test --test serve demo` writes it anew.

use std::fmt::Write as _;

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use witgate_tests::workspace;

use crate::Case;
use crate::client::Sdk;
use crate::ground::{Ground, Transport, demo};

/// What a person wrote.
const GRANTS: &str = r#"[[grant]]
server = "demo"
tools = ["list_issues", "search_contacts"]
"#;

const PROGRAM: &str = r#"import { listIssues, searchContacts } from "mcp:demo";

export default async function ({ label, top }) {
  const issues = await listIssues({ state: "open", label, per_page: 10000 });
  const count = {};
  for (const { customer } of issues) if (customer) count[customer] = (count[customer] ?? 0) + 1;
  const most = Object.entries(count).sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, top);
  return Promise.all(most.map(async ([customer, open]) => {
    const [contact] = await searchContacts({ query: customer, limit: 1 });
    return { customer, open, ask: contact?.name };
  }));
}
"#;

pub(crate) fn cases() -> Vec<Case> {
    let sdk = Sdk::Python2;
    vec![Case::new("the demo", vec![sdk.program()], move || {
        recorded(sdk)
    })]
}

fn recorded(sdk: Sdk) -> anyhow::Result<()> {
    let ground = Ground::new(Transport::Stdio, &demo(), GRANTS, &[])?;
    let mut client = ground.client(sdk)?;
    let mut text = String::from(
        "Which customers have the most open bugs, and whom do we ask there? One session with the demo server, as the client sent\nand got it.\n",
    );
    let calls = [
        (
            "search",
            json!({ "query": "list issues by label; find contacts of a customer" }),
        ),
        (
            "describe",
            json!({ "tools": ["demo/list_issues", "demo/search_contacts"] }),
        ),
        (
            "run",
            json!({ "code": PROGRAM, "input": { "label": "bug", "top": 3 } }),
        ),
    ];
    for (tool, arguments) in calls {
        let answer = client.call(tool, arguments.clone())?;
        ensure!(!answer.is_error, "{tool}: {answer:?}");
        let _ = write!(text, "\n> **{tool}**");
        write_arguments(&mut text, &arguments);
        let _ = writeln!(text, "\n```text\n{}\n```", answer.texts.join("\n"));
    }
    client.close()?;
    ground.close()?;
    compare(&text)
}

/// Programs as the lines that they are, all else as JSON.
fn write_arguments(text: &mut String, arguments: &Value) {
    let mut rest = arguments.clone();
    let code = rest
        .as_object_mut()
        .and_then(|rest| rest.shift_remove("code"));
    let _ = writeln!(text, " `{rest}`");
    if let Some(code) = code.as_ref().and_then(Value::as_str) {
        let _ = writeln!(text, "\n```js\n{}\n```", code.trim_end());
    }
}

fn compare(text: &str) -> anyhow::Result<()> {
    let path = workspace::root().join("tests/serve/demo.md");
    if std::env::var_os("WITGATE_BLESS").is_some() {
        return Ok(std::fs::write(path, text)?);
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let (before, now) = (without_times(&kept), without_times(text));
    if before != now {
        let diff = similar::TextDiff::from_lines(before.as_str(), now.as_str());
        let diff = diff
            .unified_diff()
            .header("demo.md", "this run")
            .to_string();
        bail!("the demo differs; if that is right, bless it with WITGATE_BLESS=1\n{diff}");
    }
    Ok(())
}

/// `[... 130 ms]` -> `[... TIME ms]`
fn without_times(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let is_ledger = line.starts_with('[') && line.ends_with("s]");
        match line.rsplitn(3, ' ').collect::<Vec<_>>()[..] {
            [unit, time, head] if is_ledger && time.parse::<f64>().is_ok() => {
                format!("{head} TIME {unit}")
            }
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
