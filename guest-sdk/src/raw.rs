//! What generated code needs: the bindings' runtime and the conversions at the border. No program names it.

pub use crate::bindings::witgate::runtime::types;
pub use crate::bindings::{
    __callback_run, __export_world_program_cabi, _export_run_cabi, Guest, ProgramError,
    export_program,
};
pub use crate::run::run;
pub use serde;
pub use wit_bindgen::rt;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::error::{ToolError, ToolErrorKind};

/// JSON text from the host that this program cannot hold.
pub struct Unreadable(String);

/// A value from JSON text. It fails only on text nested deeper than 128 levels: the host sends nothing but JSON.
pub fn value(text: &str) -> Result<Value, Unreadable> {
    serde_json::from_str(text).map_err(|error| Unreadable(error.to_string()))
}

/// A constant that the generator wrote as JSON text.
pub fn constant(text: &'static str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// JSON text from a value. A `Value` always has one: its keys are strings.
pub fn text(value: &Value) -> String {
    crate::json::text(value).unwrap_or_else(|_| "null".into())
}

/// Converts each item of a list.
pub fn lower_list<A, B>(items: Vec<A>, convert: impl FnMut(A) -> B) -> Vec<B> {
    items.into_iter().map(convert).collect()
}

/// Converts each value of a map.
pub fn lower_map<A, B>(
    map: BTreeMap<String, A>,
    mut convert: impl FnMut(A) -> B,
) -> Vec<(String, B)> {
    map.into_iter()
        .map(|(key, value)| (key, convert(value)))
        .collect()
}

/// Converts each item of a list; the first that cannot be read ends it.
pub fn lift_list<A, B>(
    items: Vec<A>,
    convert: impl FnMut(A) -> Result<B, Unreadable>,
) -> Result<Vec<B>, Unreadable> {
    items.into_iter().map(convert).collect()
}

/// Converts each value of a map; the first that cannot be read ends it.
pub fn lift_map<A, B>(
    entries: Vec<(String, A)>,
    mut convert: impl FnMut(A) -> Result<B, Unreadable>,
) -> Result<BTreeMap<String, B>, Unreadable> {
    entries
        .into_iter()
        .map(|(key, value)| Ok((key, convert(value)?)))
        .collect()
}

/// Converts a value that may be absent.
pub fn lift_option<A, B>(
    value: Option<A>,
    convert: impl FnOnce(A) -> Result<B, Unreadable>,
) -> Result<Option<B>, Unreadable> {
    value.map(convert).transpose()
}

/// An object with its tag, for a variant's case whose type does not carry it.
pub fn tagged<T: Serialize>(
    key: &'static str,
    tag: &'static str,
    content: &T,
) -> Result<Value, serde_json::Error> {
    let mut object = serde_json::Map::new();
    object.insert(key.to_owned(), constant(tag));
    match serde_json::to_value(content)? {
        Value::Object(fields) => object.extend(fields),
        other => return Ok(other),
    }
    Ok(Value::Object(object))
}

/// A failed call as the program sees it.
pub fn failed(error: types::ToolError) -> ToolError {
    ToolError::from_raw(error)
}

/// A result that could not be read, as the program sees it.
pub fn unreadable(tool: &'static str, error: Unreadable) -> ToolError {
    ToolError {
        kind: ToolErrorKind::InvalidResult,
        tool: tool.to_owned(),
        message: format!("the result cannot be read: {}", error.0),
        detail: None,
    }
}

/// A string that is none of an enum's values, as `parse` reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCase {
    /// The values that are.
    pub known: &'static [&'static str],
}

impl std::fmt::Display for UnknownCase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not one of `{}`", self.known.join("`, `"))
    }
}

impl std::error::Error for UnknownCase {}
