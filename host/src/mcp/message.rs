//! One message of a server, from text to a value. A result that would be changed on the way becomes an error in its place.

use serde_json::{Value, json};
use witgate_codegen::json::{self, JsonError};

/// JSON-RPC's code for a fault of the receiver.
const INTERNAL_ERROR: i64 = -32603;

/// Reads a message.
///
/// # Errors
/// [`JsonError`].
pub(super) fn read(text: &[u8]) -> Result<Value, JsonError> {
    let mut message = json::parse(text)?;
    // Integers beyond 64 bits in a schema are bounds, and bounds may be rounded; a result of a call that has a key `tools`
    // too is data all the same.
    let is_data = message.get("result").is_some_and(|result| {
        let has = |key| result.get(key).is_some();
        !has("tools") || has("content") || has("structuredContent")
    });
    if is_data && let Some(at) = json::inexact_integer(text) {
        let at = at.strip_prefix("/result").unwrap_or(&at);
        message = json!({"jsonrpc": "2.0", "id": message["id"], "error": {
            "code": INTERNAL_ERROR,
            "message": format!("the result holds an integer of more than 64 bits at `{at}`, which cannot be passed on exactly"),
        }});
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_result_that_would_be_changed_is_an_error() {
        let result = |value: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"result":{{"structuredContent":{{"n":{value}}}}}}}"#
            )
        };
        let message = read(result("12345678901234567890123").as_bytes()).unwrap();
        let text = message["error"]["message"].as_str().unwrap();
        assert!(text.contains("`/structuredContent/n`"), "{text}");
        assert_eq!(message["id"], 1);
        for exact in ["9007199254740993", "18446744073709551615", "1e300", "0.1"] {
            assert!(
                read(result(exact).as_bytes())
                    .unwrap()
                    .get("error")
                    .is_none()
            );
        }
        let schema = br#"{"id":1,"result":{"tools":[{"maximum":99999999999999999999999}]}}"#;
        assert!(read(schema).unwrap().get("result").is_some());
        for disguised in [
            r#"{"id":1,"result":{"tools":[],"content":[{"n":99999999999999999999999}]}}"#,
            r#"{"id":1,"result":{"tools":[],"structuredContent":99999999999999999999999}}"#,
        ] {
            let message = read(disguised.as_bytes()).unwrap();
            assert!(message.get("error").is_some(), "{disguised}");
        }
    }
}
