//! What the demo server's tools do with its tables: one match, tool by tool. Pure: rows and arguments in, an answer out; the
//! protocol is in `demo_server`. It checks the arguments' shape, and leaves bounds to the schemas.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::demo_data::{Deal, Demo, Issue, Priority, Stage, State, timestamp};

/// What a tool gives back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// For a tool with an output schema.
    Structured(Value),
    /// For a tool without one.
    Text(String),
}

/// Why a tool failed; the text goes to the caller.
#[derive(Debug)]
pub(crate) enum DemoError {
    /// The arguments are not those of the tool.
    Arguments(serde_json::Error),
    /// No such row.
    Missing { table: &'static str, id: u32 },
    /// No tool of this name works on the tables.
    UnknownTool,
}

impl fmt::Display for DemoError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(error) => write!(out, "invalid arguments: {error}"),
            Self::Missing { table, id } => write!(out, "there is no {table} {id}"),
            Self::UnknownTool => out.write_str("unknown tool"),
        }
    }
}

impl std::error::Error for DemoError {}

impl From<serde_json::Error> for DemoError {
    fn from(error: serde_json::Error) -> Self {
        Self::Arguments(error)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListIssues {
    state: Option<StateFilter>,
    label: Option<String>,
    assignee: Option<String>,
    page: Option<usize>,
    per_page: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateFilter {
    Open,
    Closed,
    All,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GetIssue {
    number: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateIssue {
    title: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    labels: Vec<String>,
    assignee: Option<String>,
    #[serde(default)]
    priority: Priority,
    customer: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateIssue {
    number: u32,
    title: Option<String>,
    state: Option<State>,
    labels: Option<Vec<String>>,
    /// Absent: leave as it is; null: nobody.
    #[serde(default, deserialize_with = "present")]
    assignee: Option<Option<String>>,
    priority: Option<Priority>,
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddComment {
    number: u32,
    /// Taken and counted, not kept: no tool reads comments.
    #[serde(rename = "body")]
    _body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchContacts {
    query: Option<String>,
    country: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListDeals {
    stage: Option<Stage>,
    owner: Option<String>,
    page: Option<usize>,
    per_page: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateDeal {
    id: u32,
    stage: Option<Stage>,
    amount: Option<u32>,
    owner: Option<String>,
}

/// Does what `tool` promises, on the tables alone.
///
/// # Errors
/// When the arguments are not the tool's, a row is missing, or the tool is none of the tables' own.
pub(crate) fn answer(
    demo: &mut Demo,
    tool: &str,
    arguments: Map<String, Value>,
) -> Result<Answer, DemoError> {
    let arguments = Value::Object(arguments);
    match tool {
        "list_issues" => {
            let wanted: ListIssues = serde_json::from_value(arguments)?;
            let all = demo.issues.iter().filter(|issue| {
                (match wanted.state {
                    None | Some(StateFilter::All) => true,
                    Some(StateFilter::Open) => issue.state == State::Open,
                    Some(StateFilter::Closed) => issue.state == State::Closed,
                }) && wanted
                    .label
                    .as_ref()
                    .is_none_or(|label| issue.labels.contains(label))
                    && (wanted.assignee.is_none() || issue.assignee == wanted.assignee)
            });
            let rows: Vec<&Issue> = page(all, wanted.page, wanted.per_page);
            Ok(Answer::Structured(json!({ "result": rows })))
        }
        "get_issue" => {
            let wanted: GetIssue = serde_json::from_value(arguments)?;
            Ok(Answer::Structured(json!(issue(demo, wanted.number)?)))
        }
        "create_issue" => {
            let new: CreateIssue = serde_json::from_value(arguments)?;
            let number = demo.issues.last().map_or(1, |last| last.number + 1);
            let issue = Issue {
                number,
                title: new.title,
                body: new.body,
                state: State::Open,
                labels: new.labels,
                assignee: new.assignee,
                priority: new.priority,
                customer: new.customer,
                created_at: timestamp(number, 0),
                comments: 0,
            };
            let answer = Answer::Structured(json!(issue));
            demo.issues.push(issue);
            Ok(answer)
        }
        "update_issue" => {
            let change: UpdateIssue = serde_json::from_value(arguments)?;
            let issue = issue(demo, change.number)?;
            issue.title = change.title.unwrap_or_else(|| issue.title.clone());
            issue.state = change.state.unwrap_or(issue.state);
            issue.labels = change.labels.unwrap_or_else(|| issue.labels.clone());
            issue.assignee = change.assignee.unwrap_or_else(|| issue.assignee.clone());
            issue.priority = change.priority.unwrap_or(issue.priority);
            Ok(Answer::Structured(json!(issue)))
        }
        "add_comment" => {
            let new: AddComment = serde_json::from_value(arguments)?;
            let issue = issue(demo, new.number)?;
            issue.comments += 1;
            let (count, number) = (issue.comments, issue.number);
            Ok(Answer::Text(format!("comment {count} on issue {number}")))
        }
        "search_contacts" => {
            let wanted: SearchContacts = serde_json::from_value(arguments)?;
            let query = wanted.query.unwrap_or_default().to_lowercase();
            let found = demo.deals.iter().filter(|deal| {
                wanted
                    .country
                    .as_ref()
                    .is_none_or(|country| deal.country == *country)
                    && [&deal.name, &deal.email, &deal.company]
                        .iter()
                        .any(|text| text.to_lowercase().contains(&query))
            });
            let rows: Vec<Value> = found
                .take(wanted.limit.unwrap_or(20))
                .map(|deal| {
                    json!({ "id": deal.id, "name": deal.name, "email": deal.email, "company": deal.company, "country": deal.country })
                })
                .collect();
            Ok(Answer::Text(serde_json::to_string(&rows)?))
        }
        "list_deals" => {
            let wanted: ListDeals = serde_json::from_value(arguments)?;
            let all = demo.deals.iter().filter(|deal| {
                wanted.stage.is_none_or(|stage| deal.stage == stage)
                    && wanted
                        .owner
                        .as_ref()
                        .is_none_or(|owner| deal.owner == *owner)
            });
            let rows: Vec<&Deal> = page(all, wanted.page, wanted.per_page);
            Ok(Answer::Text(serde_json::to_string(&rows)?))
        }
        "update_deal" => {
            let change: UpdateDeal = serde_json::from_value(arguments)?;
            let missing = DemoError::Missing {
                table: "deal",
                id: change.id,
            };
            let deal = row(&mut demo.deals, change.id).ok_or(missing)?;
            deal.stage = change.stage.unwrap_or(deal.stage);
            deal.amount = change.amount.unwrap_or(deal.amount);
            deal.owner = change.owner.unwrap_or_else(|| deal.owner.clone());
            Ok(Answer::Text(serde_json::to_string(deal)?))
        }
        _ => Err(DemoError::UnknownTool),
    }
}

/// One page of at most `per_page` rows (30 where not said); pages count from 1.
fn page<T>(rows: impl Iterator<Item = T>, page: Option<usize>, per_page: Option<usize>) -> Vec<T> {
    let size = per_page.unwrap_or(30);
    let before = page.unwrap_or(1).saturating_sub(1).saturating_mul(size);
    rows.skip(before).take(size).collect()
}

fn issue(demo: &mut Demo, number: u32) -> Result<&mut Issue, DemoError> {
    row(&mut demo.issues, number).ok_or(DemoError::Missing {
        table: "issue",
        id: number,
    })
}

/// Rows are numbered from 1 without gaps.
fn row<T>(rows: &mut [T], number: u32) -> Option<&mut T> {
    rows.get_mut(usize::try_from(number.checked_sub(1)?).ok()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::demo_data::generate;

    fn call(demo: &mut Demo, tool: &str, arguments: Value) -> Value {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object");
        };
        match answer(demo, tool, arguments).unwrap() {
            Answer::Structured(value) => value,
            Answer::Text(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    fn rows(value: &Value) -> &Vec<Value> {
        value.as_array().unwrap()
    }

    #[test]
    fn filters_and_pages() {
        let demo = &mut generate();
        let all = call(demo, "list_issues", json!({ "per_page": 10_000 }));
        let first = call(demo, "list_issues", json!({}));
        assert_eq!(
            rows(&first["result"]).as_slice(),
            &rows(&all["result"])[..30]
        );
        let third = call(demo, "list_issues", json!({ "page": 3, "per_page": 7 }));
        assert_eq!(
            rows(&third["result"]).as_slice(),
            &rows(&all["result"])[14..21]
        );
        let beyond = call(
            demo,
            "list_issues",
            json!({ "page": 2, "per_page": 10_000 }),
        );
        assert_eq!(rows(&beyond["result"]).len(), 0);
        let some = call(
            demo,
            "list_issues",
            json!({ "state": "open", "label": "security", "assignee": "ivo", "per_page": 10_000 }),
        );
        let expected = rows(&all["result"]).iter().filter(|issue| {
            issue["state"] == "open"
                && issue["assignee"] == "ivo"
                && rows(&issue["labels"]).contains(&json!("security"))
        });
        assert!(!rows(&some["result"]).is_empty());
        assert!(rows(&some["result"]).iter().eq(expected));
        let deals = call(
            demo,
            "list_deals",
            json!({ "stage": "negotiation", "per_page": 10_000 }),
        );
        assert!(
            rows(&deals)
                .iter()
                .all(|deal| deal["stage"] == "negotiation")
        );
        let contacts = call(
            demo,
            "search_contacts",
            json!({ "query": "FJORD labs", "country": "Norway", "limit": 3 }),
        );
        assert!(
            rows(&contacts).iter().all(
                |contact| contact["company"] == "Fjord Labs" && contact.get("amount").is_none()
            )
        );
    }

    #[test]
    fn writes_are_seen_by_reads() {
        let demo = &mut generate();
        let new = call(
            demo,
            "create_issue",
            json!({ "title": "New", "labels": ["bug"], "assignee": "ivo" }),
        );
        assert_eq!(
            (new["number"].as_u64(), new["priority"].as_str()),
            (Some(10_001), Some("medium"))
        );
        call(
            demo,
            "update_issue",
            json!({ "number": 10_001, "state": "closed" }),
        );
        assert_eq!(
            call(
                demo,
                "add_comment",
                json!({ "number": 10_001, "body": "x" })
            ),
            json!("comment 1 on issue 10001")
        );
        let kept = call(demo, "get_issue", json!({ "number": 10_001 }));
        assert_eq!(
            (&kept["state"], &kept["assignee"], &kept["comments"]),
            (&json!("closed"), &json!("ivo"), &json!(1))
        );
        call(
            demo,
            "update_issue",
            json!({ "number": 10_001, "assignee": null }),
        );
        assert_eq!(
            call(demo, "get_issue", json!({ "number": 10_001 }))["assignee"],
            Value::Null
        );
        call(
            demo,
            "update_deal",
            json!({ "id": 1, "stage": "won", "amount": 1 }),
        );
        let deals = call(demo, "list_deals", json!({ "per_page": 1 }));
        assert_eq!(
            (&deals[0]["stage"], &deals[0]["amount"]),
            (&json!("won"), &json!(1))
        );
    }

    #[test]
    fn bad_calls_say_why() {
        let demo = &mut generate();
        let mut say = |tool: &str, arguments: Value| {
            let arguments = arguments.as_object().unwrap().clone();
            answer(demo, tool, arguments).unwrap_err().to_string()
        };
        assert_eq!(
            say("get_issue", json!({ "number": 0 })),
            "there is no issue 0"
        );
        assert_eq!(
            say("update_deal", json!({ "id": 99_999 })),
            "there is no deal 99999"
        );
        assert!(say("get_issue", json!({})).contains("`number`"));
        assert!(say("list_issues", json!({ "colour": 1 })).contains("`colour`"));
        assert_eq!(say("nothing", json!({})), "unknown tool");
    }
}
