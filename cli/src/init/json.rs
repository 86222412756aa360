//! JSON as editors write it, with comments and trailing commas: read with places for errors, edited with everything kept that
//! an edit is not about. A mark at the start and the kind of line ends stay.

use std::path::Path;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};
use jsonc_parser::{CollectOptions, ParseOptions};
use serde_json::{Map, Value};

use super::servers::{Edit, PutBack, Servers};
use super::{broken, malformed};
use crate::failure::Failure;

/// Nothing that only some readers accept.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// A file's text as a tree.
#[derive(Debug)]
pub(super) struct Json {
    root: CstRootNode,
}

impl Json {
    /// Reads a text; an empty one has no servers.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Json, Failure> {
        let root = CstRootNode::parse(text, &OPTIONS).map_err(|error| {
            malformed(
                path,
                text,
                error.range().start,
                &lower(&error.kind().to_string()),
            )
        })?;
        if root.value().is_some() && root.object_value().is_none() {
            return Err(malformed(path, text, 0, "the file is no JSON object"));
        }
        Ok(Json { root })
    }

    pub(super) fn text(&self) -> String {
        self.root.to_string()
    }

    /// A value of the file, by the keys that lead to it; `None` where there is none, or `null`.
    pub(super) fn value(&self, path: &Path, keys: &[String]) -> Result<Option<Value>, Failure> {
        let text = self.text();
        let read = jsonc_parser::parse_to_ast(&text, &CollectOptions::default(), &OPTIONS);
        // It was read before, so it can be read again.
        let mut value = read.ok().and_then(|read| read.value);
        for key in keys {
            let found = match value {
                Some(ast::Value::Object(object)) => {
                    let mut found = object
                        .properties
                        .into_iter()
                        .filter(|p| p.name.as_str() == key);
                    let first = found.next();
                    if let Some(second) = found.next() {
                        return Err(twice(path, &text, second.range.start, key));
                    }
                    first.map(|property| property.value)
                }
                None | Some(ast::Value::NullKeyword(_)) => None,
                Some(other) => {
                    let message = format!("what holds `{key}` is no JSON object");
                    return Err(malformed(path, &text, other.range().start, &message));
                }
            };
            value = found;
        }
        match value {
            None | Some(ast::Value::NullKeyword(_)) => Ok(None),
            Some(value) => plain(path, &text, value).map(Some),
        }
    }

    /// A list of servers; `None` where there is none.
    pub(super) fn servers(&self, path: &Path, keys: &[String]) -> Result<Option<Servers>, Failure> {
        let map = self
            .value(path, keys)?
            .map(|value| object(path, keys, value))
            .transpose()?;
        Ok(map.map(|map| map.into_iter().collect()))
    }

    /// The keys of an object; none where there is no object.
    pub(super) fn keys(&self, path: &Path, keys: &[String]) -> Result<Vec<String>, Failure> {
        let map = self
            .value(path, keys)?
            .map(|value| object(path, keys, value))
            .transpose()?;
        Ok(map.into_iter().flatten().map(|(key, _)| key).collect())
    }

    pub(super) fn edit(&self, keys: &[String], edit: &Edit) {
        if edit.is_nothing() {
            return;
        }
        let list = self.list(keys);
        let mut put = edit.put.as_ref();
        // In place, so that the entry stands where the servers stood.
        if let Some((name, value)) = put
            && let Some(property) = list.get(name)
        {
            property.set_value(input(value));
            put = None;
        }
        for name in &edit.remove {
            // The entry may have the name of a server that goes.
            let is_replaced = edit.put.as_ref().is_some_and(|(put, _)| put == name);
            let Some(property) = list.get(name).filter(|_| !is_replaced) else {
                continue;
            };
            match put.take() {
                Some((name, value)) => {
                    property.replace_with(name, CstInputValue::Null);
                    // A value that is set is indented as its place wants it.
                    if let Some(new) = list.get(name) {
                        new.set_value(input(value));
                    }
                }
                None => property.remove(),
            }
        }
        if let Some((name, value)) = put {
            list.append(name, input(value));
        }
    }

    /// The object that the keys lead to, made where it is missing.
    fn list(&self, keys: &[String]) -> CstObject {
        let mut object = self.root.object_value_or_set();
        for key in keys {
            object = object.object_value_or_set(key);
        }
        object
    }

    fn find(&self, keys: &[String]) -> Option<CstObject> {
        let mut object = self.root.object_value()?;
        for key in keys {
            object = object.object_value(key)?;
        }
        Some(object)
    }

    /// As `Document::put_back`.
    pub(super) fn put_back(
        &self,
        before: &Json,
        keys: &[String],
        untouched: bool,
        removed: &[String],
        entry: Option<&str>,
    ) -> PutBack {
        let mut done = PutBack::default();
        let old = before.find(keys);
        let Some(now) = self.find(keys) else {
            // Somebody took the whole list away.
            if let Some(old) = old {
                self.raw(keys, &old.to_string());
                done.back = removed.to_vec();
            }
            return done;
        };
        if untouched {
            match (&old, keys) {
                (Some(old), _) => self.raw(keys, &old.to_string()),
                (None, [above @ .., last]) => {
                    let property = self.find(above).and_then(|object| object.get(last));
                    property.into_iter().for_each(|property| property.remove());
                }
                (None, []) => {}
            }
            done.back = removed.to_vec();
            return done;
        }
        for name in removed {
            let was = old
                .as_ref()
                .and_then(|old| old.get(name))
                .and_then(|property| property.value());
            let Some(was) = was else { continue };
            match now.get(name).and_then(|property| property.value()) {
                Some(is) if Some(name.as_str()) != entry => {
                    if !means_the_same(&is, &was) {
                        done.conflicts.push(name.clone());
                    }
                }
                Some(_) => {
                    now.get(name)
                        .into_iter()
                        .for_each(|property| property.set_value(verbatim(&was)));
                    done.back.push(name.clone());
                }
                None => {
                    now.append(name, verbatim(&was));
                    done.back.push(name.clone());
                }
            }
        }
        if let Some(entry) = entry
            && !removed.iter().any(|name| name == entry)
        {
            now.get(entry)
                .into_iter()
                .for_each(|property| property.remove());
        }
        done
    }

    /// Puts a text in the place of a value.
    fn raw(&self, keys: &[String], text: &str) {
        let [above @ .., last] = keys else { return };
        let object = self.list(above);
        match object.get(last) {
            Some(property) => property.set_value(CstInputValue::Number(text.to_owned())),
            None => drop(object.append(last, CstInputValue::Number(text.to_owned()))),
        }
    }

    /// A list as it is written; empty where there is none.
    pub(super) fn list_text(&self, keys: &[String]) -> String {
        self.find(keys)
            .map(|list| list.to_string())
            .unwrap_or_default()
    }
}

fn object(path: &Path, keys: &[String], value: Value) -> Result<Map<String, Value>, Failure> {
    match value {
        Value::Object(map) => Ok(map),
        _ => {
            let message = format!("`{}` is no JSON object", keys.join("."));
            Err(broken(path, &message).hint("write `{...}` there; nothing was changed"))
        }
    }
}

/// A node as it is written: a number's text is put out unchanged, whatever it is.
fn verbatim(node: &CstNode) -> CstInputValue {
    CstInputValue::Number(node.to_string())
}

fn means_the_same(one: &CstNode, other: &CstNode) -> bool {
    let read = |node: &CstNode| {
        let text = node.to_string();
        let read = jsonc_parser::parse_to_ast(&text, &CollectOptions::default(), &OPTIONS);
        let value = read.ok().and_then(|read| read.value)?;
        plain(Path::new(""), &text, value).ok()
    };
    read(one).is_some_and(|one| Some(one) == read(other))
}

fn plain(path: &Path, text: &str, value: ast::Value<'_>) -> Result<Value, Failure> {
    Ok(match value {
        ast::Value::StringLit(literal) => Value::String(literal.value.into_owned()),
        ast::Value::NumberLit(literal) => match serde_json::from_str(literal.value) {
            Ok(Value::Number(number)) => Value::Number(number),
            _ => {
                return Err(malformed(
                    path,
                    text,
                    literal.range.start,
                    "this number is too large",
                ));
            }
        },
        ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::Array(array) => {
            let items = array
                .elements
                .into_iter()
                .map(|item| plain(path, text, item));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        ast::Value::Object(object) => {
            let mut map = Map::new();
            for property in object.properties {
                let name = property.name.as_str().to_owned();
                if map.contains_key(&name) {
                    return Err(twice(path, text, property.range.start, &name));
                }
                map.insert(name, plain(path, text, property.value)?);
            }
            Value::Object(map)
        }
    })
}

fn twice(path: &Path, text: &str, offset: usize, key: &str) -> Failure {
    malformed(path, text, offset, &format!("the key `{key}` stands twice"))
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(map) => {
            let properties = map.iter().map(|(key, value)| (key.clone(), input(value)));
            CstInputValue::Object(properties.collect())
        }
    }
}

fn lower(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}
