//! One value through the whole conversion: JSON text -> what a guest holds -> JSON text, held against the original schema as
//! in a call. Nothing is called and nothing runs.

use serde_json::{Map, Value};
use witgate_codegen::json;
use witgate_codegen::select::View;

use crate::definitions::{Definition, Violation};
use crate::mcp::has_more_values;
use crate::values;

/// Which of a tool's two schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The arguments.
    Input,
    /// The structured result.
    Output,
}

/// The value after both conversions, as compact JSON text.
///
/// # Errors
/// The text is not JSON, breaks the schema, or does not fit the view's type: the first reason, with its place.
pub async fn round_trip(
    definition: &Definition,
    side: Side,
    view: View,
    text: &str,
) -> Result<String, Violation> {
    let value = read_exactly(text)?;
    match side {
        // As in a call, whatever the schema says.
        Side::Input if !value.is_object() => {
            return Err(Violation {
                at: String::new(),
                why: "must be an object".into(),
            });
        }
        Side::Input => definition.check_arguments(&value).await?,
        Side::Output => definition.check_result(&value).await?,
    }
    let value = match view {
        View::Json => value,
        View::Typed => typed(definition, side, value).map_err(|misfit| Violation {
            at: misfit.at,
            why: misfit.why,
        })?,
    };
    Ok(value.to_string())
}

/// Most values in one text: read, each takes some forty bytes.
const MAX_VALUES: usize = 1_500_000;

/// JSON text as a value, unless an integer in it would become another number.
///
/// # Errors
/// The text is not JSON, nested too deeply, holds too many values, or an integer of more than 64 bits.
pub(crate) fn read_exactly(text: &str) -> Result<Value, Violation> {
    if has_more_values(text.as_bytes(), MAX_VALUES) {
        return Err(Violation {
            at: String::new(),
            why: format!("more than {MAX_VALUES} JSON values"),
        });
    }
    let value = json::parse(text.as_bytes()).map_err(|error| Violation {
        at: String::new(),
        why: error.to_string(),
    })?;
    match json::inexact_integer(text.as_bytes()) {
        None => Ok(value),
        Some(at) => Err(Violation {
            at,
            why: "an integer of more than 64 bits, which cannot be passed on exactly".to_owned(),
        }),
    }
}

fn typed(definition: &Definition, side: Side, value: Value) -> Result<Value, values::Misfit> {
    let model = &definition.model;
    let through = |value: &Value, ty| {
        let val = definition.guest_value(value, ty)?;
        values::to_json(&val, ty, &model.defs)
    };
    match (side, &model.input, value) {
        (Side::Input, Some(ty), value) => through(&value, ty),
        (Side::Input, None, value) => match value.as_object().and_then(|map| map.keys().next()) {
            Some(key) => values::no_arguments(key),
            None => Ok(Value::Object(Map::new())),
        },
        (Side::Output, _, Value::Object(map))
            if model.unwrap_result && map.len() == 1 && map.contains_key("result") =>
        {
            let result = through(&map["result"], &model.output);
            let result = values::within(result, "result")?;
            Ok(Value::Object(Map::from_iter([("result".into(), result)])))
        }
        (Side::Output, _, value) => through(&value, &model.output),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;
    use witgate_codegen::catalog::{Catalog, Server, Tool};

    use super::*;
    use crate::Definitions;

    /// What the loss of an unbounded integer says, held against what is done.
    #[tokio::test]
    async fn integers_go_through_each_view_as_far_as_the_loss_says() {
        let tool: Tool = serde_json::from_value(json!({"name": "t", "inputSchema":
            {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": false}}))
        .unwrap();
        let server = Server {
            tools: vec![tool],
            ..Server::default()
        };
        let catalog = Catalog {
            servers: [("s".to_owned(), server)].into_iter().collect(),
        };
        let definitions = Definitions::new(&catalog).unwrap();
        let definition = definitions.get("s", "t").unwrap();
        for (digits, typed, json) in [
            ("-9223372036854775808", true, true),
            ("9223372036854775807", true, true),
            ("9223372036854775808", false, true),
            ("18446744073709551615", false, true),
            // 2^64 is a float; the integers beside it are not.
            ("18446744073709551616", false, true),
            ("18446744073709551617", false, false),
            ("-9223372036854775809", false, false),
            ("-9223372036854775807", true, true),
        ] {
            for (view, passes) in [(View::Typed, typed), (View::Json, json)] {
                let text = format!("{{\"a\":{digits}}}");
                let result = round_trip(definition, Side::Input, view, &text).await;
                assert_eq!(result.is_ok(), passes, "{digits} {view:?} {result:?}");
                if let Err(violation) = result {
                    assert_eq!(violation.at, "/a", "{digits} {view:?}");
                }
            }
        }
    }
}
