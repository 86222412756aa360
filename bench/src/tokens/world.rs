//! What the scenarios' servers know: the same in every run, made up by arithmetic, shaped as the real servers shape it. Results
//! are compact JSON even where a real server indents its own: that is in favour of whoever reads them.

mod chance;
mod deals;
mod meeting;
mod orders;

use serde_json::{Value, json};

/// The state of one server process.
#[derive(Default)]
pub(crate) struct World {
    polls: usize,
    docs: u64,
}

/// What a tool answers.
pub(crate) struct Answer {
    pub(crate) value: Value,
    /// Whether the tool declares its output, and sends it as `structuredContent` as well.
    pub(crate) structured: bool,
    /// What the call changed.
    pub(crate) change: Option<Value>,
}

/// At which poll the prediction is done.
const DONE_AT: usize = 8;

impl World {
    /// Calls a tool. The error is the text of a result that says `isError`.
    pub(crate) fn call(
        &mut self,
        server: &str,
        tool: &str,
        arguments: &Value,
    ) -> Result<Answer, String> {
        let text = |name: &str| arguments[name].as_str().unwrap_or_default();
        match (server, tool) {
            ("lark", "docx_v1_document_rawContent") => {
                let id = &arguments["path"]["document_id"];
                match id == meeting::DOCUMENT {
                    true => Ok(plain(json!({ "content": meeting::transcript() }))),
                    false => Err(format!("document {id} not found")),
                }
            }
            ("monday", "create_doc") => self.create_doc(arguments),
            ("excel", "read_range") => {
                let most = arguments["max_cells"].as_u64().unwrap_or(2_000);
                orders::page(text("path"), text("sheet"), text("range"), most).map(structured)
            }
            ("airtable", "list_records") => {
                deals::deals(text("baseId"), text("tableId")).map(structured)
            }
            ("github-ref", "get_issue") => {
                let number = arguments["issue_number"].as_u64().unwrap_or_default();
                deals::issue(text("owner"), text("repo"), number).map(plain)
            }
            ("replicate", "get_predictions") => {
                self.polls += 1;
                Ok(plain(prediction(text("prediction_id"), self.polls)))
            }
            ("redis", "get") => match text("key") {
                "checkout:rollout" => Ok(structured(json!({ "result": "35" }))),
                key => Ok(structured(
                    json!({ "result": format!("Key {key} does not exist") }),
                )),
            },
            _ => Err(format!("`{tool}` is not connected to anything here")),
        }
    }

    fn create_doc(&mut self, arguments: &Value) -> Result<Answer, String> {
        if arguments["location"] != "item" || !arguments["item_id"].is_number() {
            return Err(
                "Required parameters were not provided for location parameter of item".into(),
            );
        }
        self.docs += 1;
        let id = 18_394_570 + self.docs;
        let said = format!(
            "✅ Document successfully created (id: {id}). \n\nURL: https://acme.monday.com/docs/{id}"
        );
        let change = json!({
            "doc": id,
            "item": arguments["item_id"],
            "name": arguments["doc_name"],
            "markdown": arguments["markdown"],
        });
        Ok(Answer {
            change: Some(change),
            ..plain(Value::String(said))
        })
    }
}

fn plain(value: Value) -> Answer {
    Answer {
        value,
        structured: false,
        change: None,
    }
}

fn structured(value: Value) -> Answer {
    Answer {
        structured: true,
        ..plain(value)
    }
}

/// A prediction as it is at its `poll`th look.
fn prediction(id: &str, poll: usize) -> Value {
    let (status, output) = match poll {
        0..=2 => ("starting", Value::Null),
        3..DONE_AT => ("processing", Value::Null),
        _ => (
            "succeeded",
            json!([format!("https://replicate.delivery/xezq/{id}/out-0.webp")]),
        ),
    };
    let steps = match poll {
        0..=2 => 0,
        poll => ((poll - 2) * 8).min(48),
    };
    let logs: Vec<String> = (0..steps)
        .step_by(4)
        .map(|step| {
            format!(
                "{}%|{}| {}/48 [00:{:02}<00:{:02}, 4.02it/s]",
                (step + 4) * 100 / 48,
                "█".repeat((step + 4) / 8),
                step + 4,
                (step + 4) / 4,
                (44 - step) / 4,
            )
        })
        .collect();
    let mut value = json!({
        "id": id,
        "model": "black-forest-labs/flux-dev",
        "version": "hidden",
        "input": { "prompt": "an isometric city block at dusk, rain on the streets", "num_outputs": 1, "guidance": 3.5 },
        "logs": logs.join("\n"),
        "output": output,
        "data_removed": false,
        "error": null,
        "source": "api",
        "status": status,
        "created_at": "2026-11-23T09:14:02.114Z",
        "urls": {
            "cancel": format!("https://api.replicate.com/v1/predictions/{id}/cancel"),
            "get": format!("https://api.replicate.com/v1/predictions/{id}"),
            "web": format!("https://replicate.com/p/{id}"),
        },
    });
    if poll > 2 {
        value["started_at"] = json!("2026-11-23T09:14:04.871Z");
    }
    if poll >= DONE_AT {
        value["completed_at"] = json!("2026-11-23T09:14:09.966Z");
        value["metrics"] = json!({ "predict_time": 5.095, "total_time": 7.852, "image_count": 1 });
    }
    value
}
