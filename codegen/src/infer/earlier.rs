//! A schema that was inferred before, read back, so that new results widen it. Only what `emit` writes is understood, and
//! annotations beside it; anything else is a person's and is not touched.

use serde_json::{Map, Value};

use super::{CUT, Key, Number, Object, PLACES, Shape};

/// A schema says what no inference says, so a person has edited it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{keyword}` at `{at}` is no work of `witgate learn`")]
pub struct Edited {
    /// JSON pointer into the schema; empty for the whole.
    pub at: String,
    /// The keyword.
    pub keyword: String,
}

/// Keywords that restrict nothing.
const NOTES: [&str; 6] = [
    "title",
    "description",
    "$comment",
    "default",
    "examples",
    "deprecated",
];

pub(super) fn read(schema: &Value, at: &str, places: &mut usize) -> Result<Shape, Edited> {
    let edited = |keyword: &str| Edited {
        at: at.to_owned(),
        keyword: keyword.to_owned(),
    };
    let Value::Object(map) = schema else {
        return Err(edited("(schema)"));
    };
    let mut shape = Shape::default();
    let mut says = Map::new();
    for (keyword, value) in map {
        let is_note = NOTES.contains(&keyword.as_str()) && value != CUT;
        let to = if is_note { &mut shape.notes } else { &mut says };
        to.insert(keyword.clone(), value.clone());
    }
    match says.get("anyOf") {
        Some(Value::Array(members)) if says.len() == 1 => {
            for (index, member) in members.iter().enumerate() {
                let member = read(member, &format!("{at}/anyOf/{index}"), places)?;
                shape.merge(member);
            }
            return Ok(shape);
        }
        Some(_) => return Err(edited("anyOf")),
        None => {}
    }
    let names: Vec<&str> = match says.get("type") {
        None if says.is_empty() => {
            shape.any = true;
            return Ok(shape);
        }
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return Err(edited("type")),
    };
    for name in &names {
        match *name {
            "null" => shape.null = true,
            "boolean" => shape.boolean = true,
            "string" => shape.string = true,
            "integer" | "number" => {
                let number = shape.number.get_or_insert_default();
                *number = Number {
                    float: number.float || *name == "number",
                    ..*number
                };
            }
            "array" => {
                let items = says
                    .get("items")
                    .map(|items| read(items, &format!("{at}/items"), places));
                shape.array = Some(Box::new(items.transpose()?.unwrap_or_default()));
            }
            "object" => shape.object = Some(Box::new(read_object(&says, at, places)?)),
            _ => return Err(edited("type")),
        }
    }
    let known = |keyword: &str| match keyword {
        "type" => true,
        "items" => shape.array.is_some(),
        "properties" | "required" | "additionalProperties" | "$comment" => shape.object.is_some(),
        _ => false,
    };
    match says.keys().find(|keyword| !known(keyword)) {
        Some(keyword) => Err(edited(keyword)),
        None => Ok(shape),
    }
}

fn read_object(says: &Map<String, Value>, at: &str, places: &mut usize) -> Result<Object, Edited> {
    let edited = |keyword: &str| Edited {
        at: at.to_owned(),
        keyword: keyword.to_owned(),
    };
    let mut object = Object {
        earlier: true,
        cut: says.get("$comment").is_some_and(|comment| comment == CUT),
        ..Object::default()
    };
    if let Some(values) = says.get("additionalProperties") {
        if says.contains_key("properties") || says.contains_key("required") {
            return Err(edited("additionalProperties"));
        }
        let values = read(values, &format!("{at}/additionalProperties"), places)?;
        object.map = Some(values);
        return Ok(object);
    }
    let properties = match says.get("properties") {
        None => &Map::new(),
        Some(Value::Object(properties)) => properties,
        Some(_) => return Err(edited("properties")),
    };
    let required: Vec<&str> = match says.get("required") {
        None => Vec::new(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(_) => return Err(edited("required")),
    };
    if required.iter().any(|name| !properties.contains_key(*name)) {
        return Err(edited("required"));
    }
    // As `add` counts them, so that everything that was inferred is read.
    *places += properties.len();
    if *places > PLACES {
        return Err(edited("(size)"));
    }
    for (name, schema) in properties {
        let pointer = crate::json::escape(name);
        let key = Key {
            shape: read(schema, &format!("{at}/properties/{pointer}"), places)?,
            count: 0,
            optional: !required.contains(&name.as_str()),
        };
        object.keys.insert(name.clone(), key);
    }
    Ok(object)
}
