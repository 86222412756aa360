//! What the model does where it calls the tools itself: the same calls as the programs make, at once where they do not need each
//! other. It reads every result and writes every argument.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::model::{Model, Wanted};
use crate::scenario::Which;

impl Which {
    /// Does the task; returns what the programs return.
    ///
    /// # Errors
    /// A tool fails, or answers with something unexpected.
    pub(crate) async fn directly(self, model: &mut Model) -> anyhow::Result<Value> {
        match self {
            Which::Meeting => meeting(model).await,
            Which::Orders => orders(model).await,
            Which::Deals => deals(model).await,
            Which::Prediction => prediction(model).await,
            Which::Lookup => {
                let answer = model
                    .call("redis", "get", json!({ "key": "checkout:rollout" }))
                    .await?;
                Ok(answer["result"].clone())
            }
        }
    }
}

async fn meeting(model: &mut Model) -> anyhow::Result<Value> {
    let path = json!({ "path": { "document_id": "doxcnT5kQe81LwZr0bUyXaMvPHc" } });
    let document = model
        .call("lark", "docx_v1_document_rawContent", path)
        .await?;
    let arguments = json!({
        "location": "item",
        "item_id": 5_091_234_567_u64,
        "doc_name": "Transcript 19 November",
        "markdown": document["content"],
    });
    model.call("monday", "create_doc", arguments).await
}

async fn orders(model: &mut Model) -> anyhow::Result<Value> {
    let arguments =
        json!({ "path": "/srv/reports/orders-2026.xlsx", "sheet": "Orders", "max_cells": 100_000 });
    let page = model.call("excel", "read_range", arguments).await?;
    anyhow::ensure!(
        page.get("next_range").is_none(),
        "the sheet has another page"
    );
    let rows = page["values"].as_array().context("no rows")?;
    let asked = rows.iter().skip(1).filter(|row| {
        row[7] == "pending" && row[6].as_f64().is_some_and(|amount| amount > 9_000.0)
    });
    Ok(asked.map(|row| json!([row[0], row[2], row[6]])).collect())
}

async fn deals(model: &mut Model) -> anyhow::Result<Value> {
    let table = json!({ "baseId": "appQ7mR2xKd81LsVw", "tableId": "Deals" });
    let list = model.call("airtable", "list_records", table).await?;
    let records = list["records"].as_array().context("no records")?;
    let looks = records.iter().map(|record| Wanted {
        server: "github-ref",
        tool: "get_issue",
        arguments: json!({ "owner": "acme", "repo": "platform", "issue_number": record["fields"]["Blocking issue"] }),
    });
    let issues = model.call_all(looks.collect()).await?;
    let joined = records.iter().zip(&issues);
    let unblocked = joined.filter(|(_, issue)| issue["state"] == "closed");
    Ok(unblocked
        .map(|(record, _)| json!([record["fields"]["Deal"], record["fields"]["Amount"]]))
        .collect())
}

async fn prediction(model: &mut Model) -> anyhow::Result<Value> {
    loop {
        let id = json!({ "prediction_id": "gm3qorzdhgbfurvjtvhg6dckhu" });
        let prediction = model.call("replicate", "get_predictions", id).await?;
        if prediction["status"] != "starting" && prediction["status"] != "processing" {
            return Ok(json!({
                "status": prediction["status"],
                "output": prediction["output"],
                "error": prediction["error"],
            }));
        }
        // A model waits between turns, which costs nothing here: no client has a tool for it.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
