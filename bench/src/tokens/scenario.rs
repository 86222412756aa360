//! The five tasks: what the user asks, what is looked for, the program that a model writes, and the last word. The same calls reach
//! the servers in every mode, and the same answer comes out; `measure` sees to that.

use anyhow::Context as _;
use serde_json::Value;

/// A task.
pub(crate) struct Scenario {
    /// The name in files and tables.
    pub(crate) name: &'static str,
    /// What is done, for a reader of the table.
    pub(crate) title: &'static str,
    pub(crate) which: Which,
    /// The user's words.
    pub(crate) task: &'static str,
    /// The tools that the task needs, as server and tool.
    pub(crate) used: &'static [(&'static str, &'static str)],
    /// What the model searches for, one after the other until it has found all that it needs.
    pub(crate) queries: &'static [&'static str],
    pub(crate) js: &'static str,
    pub(crate) rust: &'static str,
}

/// Which of the five it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// A transcript from one server into a record of another.
    Meeting,
    /// Five rows of 10,000.
    Orders,
    /// 100 records of one server, each looked up in another.
    Deals,
    /// Polling.
    Prediction,
    /// One value.
    Lookup,
}

/// All of them, in the table's order.
pub(crate) const SCENARIOS: [Scenario; 5] = [
    Scenario {
        name: "meeting",
        title: "a meeting's transcript of 2 hours, from a Lark document into an item of a monday.com CRM",
        which: Which::Meeting,
        task: "Take the transcript of our meeting with Halvorsen from the Lark document doxcnT5kQe81LwZr0bUyXaMvPHc and attach it as a doc \"Transcript 19 November\" to their item 5091234567 in the monday.com CRM.",
        used: &[
            ("lark", "docx_v1_document_rawContent"),
            ("monday", "create_doc"),
        ],
        queries: &[
            "lark document text, create monday doc on item",
            "lark document content",
            "monday create doc attached to item",
        ],
        js: r#"import { docxV1DocumentRawContent } from "mcp:lark";
import { createDoc } from "mcp:monday";

export default async () => {
  const { content } = await docxV1DocumentRawContent({ path: { document_id: "doxcnT5kQe81LwZr0bUyXaMvPHc" } });
  return createDoc({ location: "item", item_id: 5091234567, doc_name: "Transcript 19 November", markdown: content });
};"#,
        rust: r#"use mcp::lark::{self, DocxV1DocumentRawContentArgs, DocxV1DocumentRawContentPath};
use mcp::monday::{self, CreateDocArgs, CreateDocLocation};
use witgate_guest::prelude::*;

async fn run(_input: Value) -> Result<Value> {
    let path = DocxV1DocumentRawContentPath { document_id: "doxcnT5kQe81LwZr0bUyXaMvPHc".into() };
    let doc = lark::docx_v1_document_raw_content(DocxV1DocumentRawContentArgs { path, ..Default::default() }).await?;
    let markdown = doc["content"].as_str().context("no content")?;
    let args = CreateDocArgs::new("Transcript 19 November".into(), markdown.into(), CreateDocLocation::Item);
    Ok(monday::create_doc(CreateDocArgs { item_id: Some(5091234567.0), ..args }).await?)
}
program!(run);"#,
    },
    Scenario {
        name: "orders",
        title: "5 rows out of a spreadsheet of 10,000 rows and 8 columns",
        which: Which::Orders,
        task: "In the sheet Orders of /srv/reports/orders-2026.xlsx (columns Order, Customer, Amount, Status and others), which orders with an Amount over 9,000 are still \"pending\"?",
        used: &[("excel", "read_range")],
        queries: &["read rows of an excel sheet", "excel read range"],
        js: r#"import { readRange } from "mcp:excel";

export default async () => {
  const rows = [];
  let range;
  do {
    const page = await readRange({ path: "/srv/reports/orders-2026.xlsx", sheet: "Orders", range, max_cells: 100000 });
    rows.push(...page.values);
    range = page.next_range;
  } while (range);
  const [header, ...orders] = rows;
  const [order, customer, amount, status] = ["Order", "Customer", "Amount", "Status"].map((name) => header.indexOf(name));
  return orders
    .filter((row) => row[status] === "pending" && row[amount] > 9000)
    .map((row) => [row[order], row[customer], row[amount]]);
};"#,
        rust: r#"use mcp::excel::{ReadRangeArgs, ReadRangeOutputValuesItemItem as Cell, read_range};
use witgate_guest::prelude::*;

async fn run(_input: Value) -> Result<Value> {
    let mut args = ReadRangeArgs {
        path: "/srv/reports/orders-2026.xlsx".into(),
        sheet: "Orders".into(),
        max_cells: Some(100_000),
        ..Default::default()
    };
    let mut rows = Vec::new();
    loop {
        let page = read_range(args.clone()).await?;
        rows.extend(page.values);
        args.range = page.next_range;
        if args.range.is_none() {
            break;
        }
    }
    let text = |cell: &Option<Cell>| match cell {
        Some(Cell::String(text)) => text.clone(),
        _ => String::new(),
    };
    let at = |name: &str| rows[0].iter().position(|cell| text(cell) == name).context("no such column");
    let (order, customer, amount, status) = (at("Order")?, at("Customer")?, at("Amount")?, at("Status")?);
    let found = rows.iter().skip(1).filter_map(|row| match row[amount] {
        Some(Cell::Number(sum)) if sum > 9000.0 && text(&row[status]) == "pending" => {
            Some(json!([text(&row[order]), text(&row[customer]), sum]))
        }
        _ => None,
    });
    Ok(found.collect())
}
program!(run);"#,
    },
    Scenario {
        name: "deals",
        title: "100 records of an Airtable base, each joined with its issue on GitHub",
        which: Which::Deals,
        task: "Each of the 100 deals in the Airtable table Deals (base appQ7mR2xKd81LsVw) names the GitHub issue of acme/platform that blocks it, in the field \"Blocking issue\". Which deals have a closed issue by now, and what is their Amount?",
        used: &[("airtable", "list_records"), ("github-ref", "get_issue")],
        queries: &[
            "list airtable records, get a github issue",
            "airtable list records",
            "github get issue",
        ],
        js: r#"import { listRecords } from "mcp:airtable";
import { getIssue } from "mcp:github-ref";

export default async () => {
  const { records } = await listRecords({ baseId: "appQ7mR2xKd81LsVw", tableId: "Deals" });
  const deals = await Promise.all(
    records.map(async ({ fields }) => {
      const issue = await getIssue({ owner: "acme", repo: "platform", issue_number: fields["Blocking issue"] });
      return { deal: fields.Deal, amount: fields.Amount, state: issue.state };
    }),
  );
  return deals.filter((deal) => deal.state === "closed").map(({ deal, amount }) => [deal, amount]);
};"#,
        rust: r#"use mcp::airtable::{ListRecordsArgs, list_records};
use mcp::github_ref::{GetIssueArgs, get_issue};
use witgate_guest::prelude::*;

async fn run(_input: Value) -> Result<Value> {
    let args = ListRecordsArgs { base_id: "appQ7mR2xKd81LsVw".into(), table_id: "Deals".into(), ..Default::default() };
    let records = list_records(args).await?.records;
    let issues = try_join_all(records.iter().map(|record| {
        get_issue(GetIssueArgs {
            owner: "acme".into(),
            repo: "platform".into(),
            issue_number: record.fields["Blocking issue"].as_f64().unwrap_or_default(),
        })
    }))
    .await?;
    let closed = records.iter().zip(&issues).filter(|(_, issue)| issue["state"] == "closed");
    Ok(closed.map(|(record, _)| json!([record.fields["Deal"], record.fields["Amount"]])).collect())
}
program!(run);"#,
    },
    Scenario {
        name: "polling",
        title: "polling until a prediction is done, at the 8th look",
        which: Which::Prediction,
        task: "Wait for the Replicate prediction gm3qorzdhgbfurvjtvhg6dckhu, looking once a second, and give me the URL of the image.",
        used: &[("replicate", "get_predictions")],
        queries: &["get replicate prediction", "get state of a prediction"],
        js: r#"import { getPredictions } from "mcp:replicate";

export default async () => {
  for (;;) {
    const prediction = await getPredictions({ prediction_id: "gm3qorzdhgbfurvjtvhg6dckhu" });
    if (!["starting", "processing"].includes(prediction.status)) {
      return { status: prediction.status, output: prediction.output, error: prediction.error };
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
};"#,
        rust: r#"use mcp::replicate::{GetPredictionsArgs, get_predictions};
use witgate_guest::prelude::*;

async fn run(_input: Value) -> Result<Value> {
    loop {
        let args = GetPredictionsArgs { prediction_id: Some("gm3qorzdhgbfurvjtvhg6dckhu".into()) };
        let prediction = get_predictions(args).await?;
        if !matches!(prediction["status"].as_str(), Some("starting" | "processing")) {
            return Ok(json!({
                "status": prediction["status"],
                "output": prediction["output"],
                "error": prediction["error"],
            }));
        }
        clock::sleep_ms(1000).await;
    }
}
program!(run);"#,
    },
    Scenario {
        name: "lookup",
        title: "one value of one key in Redis",
        which: Which::Lookup,
        task: "What is the value of the key checkout:rollout in Redis?",
        used: &[("redis", "get")],
        queries: &["get value of a redis key", "redis get string value"],
        js: r#"import { get } from "mcp:redis";

export default async () => (await get({ key: "checkout:rollout" })).result;"#,
        rust: r#"use mcp::redis::{GetArgs, get};
use witgate_guest::prelude::*;

async fn run(_input: Value) -> Result<Value> {
    Ok(json!(get(GetArgs { key: "checkout:rollout".into() }).await?.result))
}
program!(run);"#,
    },
];

impl Scenario {
    /// How many tools are connected, of so many that there are. One lookup is what direct calls do best: there it is also seen with
    /// next to nothing connected.
    pub(crate) fn sizes(&self, all: usize) -> Vec<usize> {
        match self.which {
            Which::Lookup => vec![1, 5, 20, 250, all],
            _ => vec![20, 250, all],
        }
    }
}

impl Which {
    /// The model's last word, made of what came out. In every mode the same.
    ///
    /// # Errors
    /// What came out has not the form that it has to have.
    pub(crate) fn answer(self, outcome: &Value) -> anyhow::Result<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let rows = || outcome.as_array().filter(|rows| !rows.is_empty());
        let answer = match self {
            Which::Meeting => outcome.as_str().and_then(|said| {
                let (_, url) = said.split_once("URL: ")?;
                Some(format!(
                    "Done: the transcript is attached to the item, as {url}."
                ))
            }),
            Which::Orders => rows().and_then(|rows| {
                let lines: Option<Vec<String>> = rows
                    .iter()
                    .map(|row| {
                        Some(format!(
                            "- {}, {}: {:.2}",
                            text(row.get(0)?)?,
                            text(row.get(1)?)?,
                            row.get(2)?.as_f64()?
                        ))
                    })
                    .collect();
                Some(format!(
                    "{} orders are pending over 9,000:\n{}",
                    rows.len(),
                    lines?.join("\n")
                ))
            }),
            Which::Deals => rows().and_then(|rows| {
                let lines: Option<Vec<String>> = rows
                    .iter()
                    .map(|row| {
                        Some(format!(
                            "- {}: {}",
                            text(row.get(0)?)?,
                            row.get(1)?.as_f64()?
                        ))
                    })
                    .collect();
                Some(format!(
                    "{} deals are unblocked:\n{}",
                    rows.len(),
                    lines?.join("\n")
                ))
            }),
            Which::Prediction => {
                let url = outcome.pointer("/output/0").and_then(text);
                url.map(|url| {
                    format!(
                        "It has {}: {url}",
                        outcome["status"].as_str().unwrap_or("ended")
                    )
                })
            }
            Which::Lookup => text(outcome).map(|value| format!("checkout:rollout is {value}.")),
        };
        answer.with_context(|| format!("{self:?}: this is no outcome: {outcome}"))
    }
}
