//! What a model reads to call tools: exact declarations in as few tokens as possible, the import first, the types written out
//! where they are used. What the types do not say (ranges, defaults, patterns, formats) stands in short comments; the server's
//! words are cut to a sentence. For files and editors there are `dts` and `rust::declarations`.

mod js;
mod limits;
mod rust;

pub use js::describe_js;
pub use rust::describe_rust;

use crate::model::{Field, ToolModel};
use crate::search::says_more;
use crate::text::brief;

/// Longest description of a tool and of a field, in characters.
const TOOL: usize = 120;
const FIELD: usize = 48;
/// Longest description of a field that may be left out: it stands whole or not at all, since most calls leave the field out.
const OPTIONAL: usize = 32;

/// A tool's description, and where types are from that the server did not declare.
fn about_tool(tool: &ToolModel) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(tool.doc.as_deref().map(|doc| brief(doc, TOOL, 3)));
    let sides = [
        ("Arguments", tool.input_origin),
        ("Result", tool.output_origin),
    ];
    for (side, origin) in sides {
        lines.extend(origin.note().map(|note| format!("{side} {note}.")));
    }
    lines
}

/// What stands behind a field: what the host checks of it, and what the server says of it where the model has to write it.
fn about_field(
    field: &Field,
    tool: &ToolModel,
    limits: Vec<String>,
    is_written: bool,
) -> Option<String> {
    let mut parts = limits;
    if field.stated.deprecated {
        parts.insert(0, "deprecated".to_string());
    }
    let checked = parts.join(", ");
    let words = field
        .stated
        .description
        .as_deref()
        .filter(|words| is_written && says_more(words, &[&field.wire, &tool.tool]))
        .map(|words| brief(words, FIELD, 1))
        .filter(|words| field.required || words.chars().count() <= OPTIONAL)
        .filter(|words| !words.is_empty());
    match (checked.is_empty(), words) {
        (true, words) => words,
        (false, None) => Some(checked),
        (false, Some(words)) => Some(format!("{checked}. {words}")),
    }
}

#[cfg(test)]
mod tests;
