//! Approval by MCP elicitation: the client in front of `serve` shows a form. Here is the form, how its answer is read, and both
//! protocol generations' messages as JSON; sending them is `serve`'s.
//!
//! - **2025-11-25**: while it works on `tools/call`, the server sends the request [`request_2025`] and gets [`Elicited`] as its
//!   result. rmcp does that with `Peer::create_elicitation` (its features `server` and `elicitation`).
//! - **2026-07-28**: servers send no requests; rmcp refuses to. `tools/call` ends with [`result_2026`] instead (rmcp:
//!   `CallToolResponse::InputRequired`), and the client calls the same tool again with `inputResponses` and the `requestState`
//!   that it was given, which [`read_2026`] reads. So `serve` has to keep the run alive between the two: its [`Elicit`] puts
//!   the question where the `tools/call` under way finds it, that call returns, and the next one, which has to name the same
//!   question in `requestState`, gives the answer and goes on waiting for the run. `requestState` comes from outside: it is
//!   looked up among the questions that wait, never believed. A client that never comes back is met by the question's timeout.

use std::pin::Pin;

use serde_json::{Value, json};

use super::show::{self, Extent};
use super::{Answer, AskError, Asker, Asking, Question, numbers};

/// What [`Elicit::elicit`] returns.
pub type Eliciting<'a> = Pin<Box<dyn Future<Output = Result<Elicited, String>> + Send + 'a>>;

/// A client that can show a form.
pub trait Elicit: Send + Sync {
    /// Shows it and waits. The error says why it could not be shown. When the future is dropped, the form is withdrawn.
    fn elicit(&self, message: String, schema: Value) -> Eliciting<'_>;
}

/// What the client sent back.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct Elicited {
    /// `accept`, `decline` or `cancel`.
    pub action: String,
    /// The fields, where it was accepted.
    #[serde(default)]
    pub content: Option<Value>,
}

/// Asks through a client.
pub struct ElicitAsker<E>(
    /// The client.
    pub E,
);

impl<E: Elicit> Asker for ElicitAsker<E> {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        Box::pin(async move {
            let (message, schema) = form(question);
            let elicited = self.0.elicit(message, schema).await;
            let elicited = elicited.map_err(AskError::Unavailable)?;
            read(question, &elicited.action, elicited.content.as_ref())
        })
    }
}

const ALL: &str = "approve all";
const NONE: &str = "deny all";
const SOME: &str = "deny some";

/// The text and the fields of the form, flat as MCP demands.
#[must_use]
pub fn form(question: &Question) -> (String, Value) {
    let extent = Extent {
        items: 100,
        characters: 2_000,
        rest: "not shown here",
        whole: &|_| "not shown here".to_owned(),
    };
    let message = show::question(question, &extent).join("\n");
    let schema = json!({
        "type": "object",
        "properties": {
            "decision": {
                "type": "string",
                "title": "Decision",
                "enum": [ALL, NONE, SOME],
            },
            "deny_numbers": {
                "type": "string",
                "title": "Numbers to deny",
                "description": "With `deny some`: for example 1,4-6; the others are approved",
            },
            "reason": {
                "type": "string",
                "title": "Reason",
                "description": "Why not; the program is told",
            },
        },
        "required": ["decision"],
    });
    (message, schema)
}

/// The answer in a form that came back. What is not clearly a yes is a no.
///
/// # Errors
/// The action is none that MCP knows.
pub fn read(
    question: &Question,
    action: &str,
    content: Option<&Value>,
) -> Result<Vec<Answer>, AskError> {
    let text = |name: &str| {
        content
            .and_then(|content| content.get(name))
            .and_then(Value::as_str)
            .unwrap_or("")
            .trim()
    };
    let count = question.items.len();
    let none = |reason: &str| {
        let reason = reason.to_owned();
        Ok(vec![Answer::No { reason }; count])
    };
    match action {
        "accept" => {}
        "decline" => return none(""),
        "cancel" => return none("the question was closed"),
        _ => {
            let known = "its action is none of `accept`, `decline` and `cancel`";
            return Err(AskError::Unfit(known.to_owned()));
        }
    }
    // Numbers beside another decision contradict it.
    match (text("decision"), text("deny_numbers")) {
        (ALL, "") => Ok(vec![Answer::Yes; count]),
        (NONE, _) => none(text("reason")),
        (SOME, list) => match numbers::parse(list, count) {
            Ok(denied) => {
                let answer = |position| match denied.contains(&position) {
                    true => Answer::No {
                        reason: text("reason").to_owned(),
                    },
                    false => Answer::Yes,
                };
                Ok((0..count).map(answer).collect())
            }
            Err(why) => none(&format!("the answer was unclear: {why}")),
        },
        _ => none("the answer was unclear"),
    }
}

/// The server's request of protocol 2025-11-25, without its id.
#[must_use]
pub fn request_2025(question: &Question) -> Value {
    let (message, schema) = form(question);
    json!({
        "method": "elicitation/create",
        "params": { "mode": "form", "message": message, "requestedSchema": schema },
    })
}

/// The result of `tools/call` of protocol 2026-07-28.
#[must_use]
pub fn result_2026(question: &Question) -> Value {
    json!({
        "resultType": "input_required",
        "inputRequests": { question.id.clone(): request_2025(question) },
        "requestState": question.id,
    })
}

/// The answer in the parameters of a `tools/call` that is made again, under protocol 2026-07-28.
///
/// # Errors
/// They do not answer this question.
pub fn read_2026(question: &Question, parameters: &Value) -> Result<Vec<Answer>, AskError> {
    let unfit = |why: &str| AskError::Unfit(why.to_owned());
    if parameters["requestState"].as_str() != Some(&question.id) {
        return Err(unfit("`requestState` is another one's"));
    }
    let response = parameters["inputResponses"].get(&question.id);
    let response = response.ok_or_else(|| unfit("`inputResponses` does not have it"))?;
    let elicited: Elicited = serde_json::from_value(response.clone())
        .map_err(|_| unfit("it is no result of `elicitation/create`"))?;
    read(question, &elicited.action, elicited.content.as_ref())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::approval::tests::{items, no, question};

    #[test]
    fn only_a_clear_yes_is_one() {
        let asked = question(items(3));
        let read = |action, content| read(&asked, action, Some(&content));
        assert_eq!(
            read("accept", json!({"decision": ALL})).unwrap(),
            vec![Answer::Yes; 3]
        );
        assert_eq!(
            read(
                "accept",
                json!({"decision": SOME, "deny_numbers": "2-3", "reason": "spam"})
            )
            .unwrap(),
            [Answer::Yes, no("spam"), no("spam")]
        );
        let unclear = [
            ("accept", json!({})),
            ("accept", json!({"decision": "approve"})),
            ("accept", json!({"decision": ALL, "deny_numbers": "1"})),
            ("accept", json!({"decision": SOME})),
            ("accept", json!({"decision": SOME, "deny_numbers": "4"})),
            ("accept", json!([ALL])),
            ("decline", json!({"decision": ALL})),
            ("cancel", json!({"decision": ALL})),
        ];
        for (action, content) in unclear {
            let answers = read(action, content.clone()).unwrap();
            assert_eq!(answers.len(), 3);
            let is_no = |answer: &Answer| matches!(answer, Answer::No { .. });
            assert!(answers.iter().all(is_no), "{action} {content}");
        }
        assert!(read("yes", json!({"decision": ALL})).is_err());
    }
}
