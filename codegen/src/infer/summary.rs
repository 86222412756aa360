//! An inferred schema for a person's eye, much like TypeScript: `{ id: integer; tags?: string[] }[]`. Keywords that no
//! inference writes are not shown.

use serde_json::{Map, Value};

use crate::names::is_js_identifier;
use crate::text::literal;

/// Longest line, in characters; longer objects are broken at their keys.
const LINE: usize = 100;

/// The type that a schema describes, on as many lines as it needs. Keys are escaped, so the text is fit to be shown.
pub fn summary(schema: &Value) -> String {
    spell(schema, Some(0))
}

/// On one line without an indent, else broken where it is too long.
fn spell(schema: &Value, indent: Option<usize>) -> String {
    let Some(map) = schema.as_object() else {
        return "any".to_owned();
    };
    if let Some(members) = map.get("anyOf").and_then(Value::as_array) {
        let members: Vec<String> = members.iter().map(|m| spell(m, indent)).collect();
        return members.join(" | ");
    }
    let names: Vec<&str> = match map.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return "any".to_owned(),
    };
    let kinds: Vec<String> = names
        .iter()
        .map(|name| spell_kind(name, map, indent))
        .collect();
    kinds.join(" | ")
}

fn spell_kind(name: &str, map: &Map<String, Value>, indent: Option<usize>) -> String {
    match name {
        "array" => match map.get("items") {
            None => "any[]".to_owned(),
            Some(items) if items.get("anyOf").is_some() || items["type"].is_array() => {
                format!("({})[]", spell(items, indent))
            }
            Some(items) => format!("{}[]", spell(items, indent)),
        },
        "object" => match (map.get("additionalProperties"), map.get("properties")) {
            (Some(values), _) => format!("{{ [key: string]: {} }}", spell(values, indent)),
            (None, Some(Value::Object(properties))) => spell_object(properties, map, indent),
            (None, _) => "object".to_owned(),
        },
        // A name out of a schema; ours are plain words.
        other => other.chars().filter(char::is_ascii_alphanumeric).collect(),
    }
}

fn spell_object(
    properties: &Map<String, Value>,
    map: &Map<String, Value>,
    indent: Option<usize>,
) -> String {
    let required = map.get("required").and_then(Value::as_array);
    let fields = |indent: Option<usize>| -> Vec<String> {
        let field = |(name, schema): (&String, &Value)| {
            let known = required.is_some_and(|names| names.iter().any(|n| n == name));
            let mark = if known { "" } else { "?" };
            let key = match is_js_identifier(name) {
                true => name.clone(),
                false => literal(name),
            };
            format!("{key}{mark}: {}", spell(schema, indent))
        };
        properties.iter().map(field).collect()
    };
    let flat = format!("{{ {} }}", fields(None).join("; "));
    let Some(indent) = indent.filter(|indent| flat.chars().count() + indent > LINE) else {
        return flat;
    };
    let margin = " ".repeat(indent + 2);
    let lines: String = fields(Some(indent + 2))
        .iter()
        .map(|field| format!("{margin}{field};\n"))
        .collect();
    format!("{{\n{lines}{}}}", " ".repeat(indent))
}
