//! Arguments and results against the schemas, and what is said where they break them.

use serde_json::{Map, Value};
use witgate_codegen::model::Origin;

use super::{ToolError, ToolErrorKind};
use crate::definitions::{Definition, Violation};

pub(super) async fn check_arguments(
    definition: &Definition,
    arguments: Value,
) -> Result<Map<String, Value>, Violation> {
    definition.check_arguments(&arguments).await?;
    match arguments {
        Value::Object(map) => Ok(map),
        _ => Err(Violation {
            at: String::new(),
            why: "must be an object".into(),
        }),
    }
}

pub(super) async fn check_result(
    definition: &Definition,
    structured: bool,
    value: &Value,
) -> Result<(), Violation> {
    let is_declared =
        definition.model.output_origin == Origin::Server && definition.output_schema().is_some();
    if is_declared && !structured {
        return Err(Violation {
            at: String::new(),
            why: "the tool declares one but sent no structured content".into(),
        });
    }
    definition.check_result(value).await
}

/// Says that a result is not as it should be, whose schema that is, and how to mend it.
pub(super) fn broken_result(definition: &Definition, why: &str) -> String {
    match definition.model.output_origin {
        Origin::Server => {
            format!("the server's result breaks the tool's own output schema: {why}")
        }
        Origin::Override => format!(
            "the server's result breaks the output schema that overrides the server's: {why}"
        ),
        Origin::Inferred { results } => format!(
            "the server's result breaks the output schema that was inferred from {results} earlier ones: {why} \
             (`witgate run --record`, then `witgate learn {}`, takes this one in)",
            name(definition)
        ),
    }
}

/// As for arguments, and whose schema it is where it is not the server's.
pub(crate) fn result_detail(definition: &Definition, violation: &Violation) -> Value {
    let mut detail = to_detail(violation);
    let schema = match definition.model.output_origin {
        Origin::Server => return detail,
        Origin::Override => "override",
        Origin::Inferred { .. } => "inferred",
    };
    detail[0]["schema"] = schema.into();
    detail
}

pub(super) fn name(definition: &Definition) -> String {
    format!("{}/{}", definition.server, definition.tool.name)
}

pub(super) fn describe(violation: &Violation) -> String {
    match violation.at.as_str() {
        "" => violation.why.clone(),
        at => format!("`{at}` {}", violation.why),
    }
}

/// Says why arguments cannot be read.
pub(crate) fn unread(violation: &Violation) -> String {
    match violation.at.as_str() {
        "" => format!("the arguments are {}", violation.why),
        at => format!("`{at}` is {}", violation.why),
    }
}

/// The guest's error for a call of this tool or skill.
pub(crate) fn tool_error(
    definition: &Definition,
    kind: ToolErrorKind,
    message: String,
    detail: Option<Value>,
) -> ToolError {
    ToolError {
        kind,
        tool: name(definition),
        message,
        detail: detail.map(|detail| detail.to_string()),
    }
}

/// The same where a value breaks its schema; `whose` opens the message.
pub(crate) fn violated(
    definition: &Definition,
    kind: ToolErrorKind,
    whose: &str,
    violation: &Violation,
) -> ToolError {
    let message = format!("{whose}{}", describe(violation));
    tool_error(definition, kind, message, Some(to_detail(violation)))
}

pub(super) fn to_detail(violation: &Violation) -> Value {
    serde_json::json!([{"at": violation.at, "why": violation.why}])
}
