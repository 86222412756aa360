//! What a server replied -> what a guest is given.

use serde_json::Value;
use witgate_codegen::model::{Origin, Type};

use crate::definitions::Definition;
use crate::mcp::ToolReply;
use crate::round_trip::read_exactly;

/// What a server's reply was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Structured content.
    Structured,
    /// One text that is JSON.
    Json,
    /// Any other text, or several blocks: it has no places that a person could name.
    Shapeless,
}

/// Structured content if there is any, else one text block (parsed where it is JSON, else the string), else the blocks.
/// Where a person says that the output is text, it is not parsed.
pub(super) fn normalise(reply: ToolReply, definition: &Definition) -> (Value, Form) {
    if let Some(structured) = reply.structured {
        return (structured, Form::Structured);
    }
    match reply.content.as_slice() {
        [block] if block.get("type").and_then(Value::as_str) == Some("text") => {
            let text = block.get("text").and_then(Value::as_str).unwrap_or("");
            let model = &definition.model;
            if model.output == Type::String && model.output_origin != Origin::Server {
                return (Value::String(text.to_owned()), Form::Shapeless);
            }
            // What would be changed by reading it stays text.
            match read_exactly(text) {
                Ok(value) => (value, Form::Json),
                Err(_) => (Value::String(text.to_owned()), Form::Shapeless),
            }
        }
        _ => (Value::Array(reply.content), Form::Shapeless),
    }
}

/// Takes the wrapper `{"result": ...}` off that a schema marks as such; returns whether there was one.
pub(crate) fn unwrap(value: &mut Value, definition: &Definition) -> bool {
    match value {
        Value::Object(map) if definition.model.unwrap_result && map.len() == 1 => {
            let Some(inner) = map.remove("result") else {
                return false;
            };
            *value = inner;
            true
        }
        _ => false,
    }
}
