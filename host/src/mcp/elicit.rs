//! Holds the forms of `approval::elicit`, which are plain JSON, against what rmcp reads and writes.
#![allow(clippy::unwrap_used)]

use rmcp::model::{CallToolRequestParams, ElicitRequestParams, InputRequiredResult};
use serde_json::json;

use crate::approval::Answer;
use crate::approval::elicit::{read_2026, request_2025, result_2026};
use crate::approval::tests::{items, question};

/// What rmcp reads of both is what was meant.
#[test]
fn both_generations_carry_the_same_form() {
    let asked = question(items(2));
    let request = request_2025(&asked);
    let read: ElicitRequestParams = serde_json::from_value(request["params"].clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), request["params"]);
    let result = result_2026(&asked);
    let read: InputRequiredResult = serde_json::from_value(result.clone()).unwrap();
    assert_eq!(read.request_state.as_deref(), Some(asked.id.as_str()));
    assert_eq!(result["inputRequests"][&asked.id], request);

    let again = CallToolRequestParams::new("run");
    let mut again = serde_json::to_value(again).unwrap();
    again["requestState"] = json!(asked.id);
    again["inputResponses"] =
        json!({ asked.id.clone(): {"action": "accept", "content": {"decision": "approve all"}} });
    let _: CallToolRequestParams = serde_json::from_value(again.clone()).unwrap();
    assert_eq!(read_2026(&asked, &again).unwrap(), vec![Answer::Yes; 2]);
    again["requestState"] = json!("other");
    assert!(read_2026(&asked, &again).is_err());
}
