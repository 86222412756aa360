//! Codex' TOML: its tables of servers read as JSON values, and edited with everything else kept. Comments above a server that
//! goes stay where the new entry is.

use std::path::Path;

use serde_json::{Map, Value};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Key, Table, TableLike};

use super::servers::{Edit, PutBack, Servers};
use super::{broken, malformed};
use crate::failure::Failure;

/// A file's text as a tree.
#[derive(Debug)]
pub(super) struct Toml {
    document: DocumentMut,
}

impl Toml {
    pub(super) fn parse(path: &Path, text: &str) -> Result<Toml, Failure> {
        let document = text.parse::<DocumentMut>().map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            // The whole error shows the line, which may hold a secret.
            let message = error.message().lines().next().unwrap_or("this is no TOML");
            malformed(path, text, offset, message)
        })?;
        Ok(Toml { document })
    }

    pub(super) fn text(&self) -> String {
        self.document.to_string()
    }

    /// A list of servers; `None` where there is none.
    pub(super) fn servers(&self, path: &Path, key: &str) -> Result<Option<Servers>, Failure> {
        let Some(item) = self.document.get(key) else {
            return Ok(None);
        };
        let Some(list) = item.as_table_like() else {
            return Err(
                broken(path, &format!("`{key}` is no table")).hint(format!("write `[{key}.NAME]`"))
            );
        };
        Ok(Some(
            list.iter()
                .map(|(name, item)| (name.to_owned(), plain(item)))
                .collect(),
        ))
    }

    pub(super) fn edit(&mut self, key: &str, edit: &Edit) {
        if edit.is_nothing() {
            return;
        }
        let is_empty = self.text().is_empty();
        let end = last_position(self.document.as_table()) + 1;
        let Some(list) = self.list(key) else { return };
        let mut old = Vec::new();
        for name in &edit.remove {
            old.extend(remove(list, name));
        }
        let Some((name, value)) = &edit.put else {
            return;
        };
        old.extend(remove(list, name));
        let comments: String = old.iter().map(|(key, item)| above(key, item)).collect();
        let position = old.iter().find_map(|(_, item)| item.as_table()?.position());
        let starts =
            position.is_some() && old.first().is_some_and(|(_, item)| starts_the_file(item));
        let mut table = table(value);
        // A file does not begin with an empty line.
        let gap = if is_empty || starts { "" } else { "\n" };
        let mut prefix = format!("{gap}{comments}");
        table.set_position(Some(position.unwrap_or(end)));
        let has_header = self.document.get(key).is_some_and(Item::is_table);
        if position.is_none() && has_header {
            // What stood at the end of the file stays above what is new there.
            let trailing = self
                .document
                .trailing()
                .as_str()
                .unwrap_or_default()
                .to_owned();
            prefix.insert_str(0, &trailing);
            self.document.set_trailing("");
        }
        table.decor_mut().set_prefix(prefix);
        if let Some(list) = self.list(key) {
            insert(list, Key::new(name), Item::Table(table));
        }
    }

    /// The table of servers, made where it is missing.
    fn list(&mut self, key: &str) -> Option<&mut dyn TableLike> {
        let list = self.document.entry(key).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        list.as_table_like_mut()
    }

    /// A list as it is written.
    pub(super) fn list_text(&self, key: &str) -> String {
        self.document
            .get(key)
            .map(Item::to_string)
            .unwrap_or_default()
    }

    /// As `Document::put_back`, always server by server: tables need not stand together.
    pub(super) fn put_back(
        &mut self,
        before: &Toml,
        key: &str,
        removed: &[String],
        entry: Option<&str>,
    ) -> PutBack {
        let mut done = PutBack::default();
        let old = before.document.get(key).and_then(Item::as_table_like);
        let had_list = old.is_some();
        let Some(list) = self.list(key) else {
            return done;
        };
        let gone = entry.and_then(|entry| remove(list, entry));
        let mut comments = gone
            .map(|(key, item)| above(&key, &item))
            .unwrap_or_default();
        for name in removed {
            let was = old.and_then(|old| old.get_key_value(name));
            let Some((key, was)) = was else { continue };
            match list.get(name) {
                Some(is) if plain(is) != plain(was) => done.conflicts.push(name.clone()),
                Some(_) => {}
                None => {
                    // They stood above the entry in the meantime.
                    comments = comments.replacen(&above(key, was), "", 1);
                    let mut item = was.clone();
                    forget_position(&mut item);
                    insert(list, key.clone(), item);
                    done.back.push(name.clone());
                }
            }
        }
        if list.is_empty() && !had_list {
            self.document.remove(key);
        }
        if !comments.is_empty() {
            let trailing = self.document.trailing().as_str().unwrap_or_default();
            let trailing = format!("{comments}{trailing}");
            self.document.set_trailing(trailing);
        }
        done
    }
}

fn remove(list: &mut dyn TableLike, name: &str) -> Option<(Key, Item)> {
    let key = list.key(name)?.clone();
    list.remove(name).map(|item| (key, item))
}

/// With the key's own comments and spelling; a table that must be on one line becomes so.
fn insert(list: &mut dyn TableLike, key: Key, item: Item) {
    let name = key.get().to_owned();
    list.insert(&name, item);
    if let Some(mut new) = list.key_mut(&name) {
        *new.leaf_decor_mut() = key.leaf_decor().clone();
    }
}

/// The comment lines above an entry, each with its line end.
fn above(key: &Key, item: &Item) -> String {
    let decor = match item {
        Item::Table(table) if !table.is_dotted() => table.decor(),
        _ => key.leaf_decor(),
    };
    let text = decor
        .prefix()
        .and_then(|prefix| prefix.as_str())
        .unwrap_or_default();
    let lines = text
        .lines()
        .filter(|line| line.trim_start().starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

fn starts_the_file(item: &Item) -> bool {
    let prefix = item
        .as_table()
        .and_then(|table| table.decor().prefix()?.as_str());
    prefix.is_some_and(|prefix| !prefix.starts_with(['\n', '\r']))
}

/// The place of the table that stands last.
fn last_position(table: &Table) -> isize {
    let inner = table.iter().filter_map(|(_, item)| match item {
        Item::Table(table) => Some(last_position(table)),
        Item::ArrayOfTables(tables) => tables.iter().map(last_position).max(),
        _ => None,
    });
    inner.chain(table.position()).max().unwrap_or(0)
}

/// In another file its position means nothing: it comes last.
fn forget_position(item: &mut Item) {
    if let Item::Table(table) = item {
        table.set_position(None);
        for (_, inner) in table.iter_mut() {
            forget_position(inner);
        }
    }
}

fn table(value: &Value) -> Table {
    let mut table = Table::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        if let Some(value) = written(value) {
            table.insert(key, Item::Value(value));
        }
    }
    table
}

/// TOML has no null: such a key is left out.
fn written(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().filter_map(written).collect::<Array>().into(),
        Value::Object(map) => {
            let pairs = map
                .iter()
                .filter_map(|(key, value)| Some((key.as_str(), written(value)?)));
            pairs.collect::<InlineTable>().into()
        }
    })
}

fn plain(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => plain_value(value),
        Item::Table(table) => Value::Object(
            table
                .iter()
                .map(|(key, item)| (key.to_owned(), plain(item)))
                .collect(),
        ),
        Item::ArrayOfTables(tables) => tables
            .iter()
            .map(|table| {
                Value::Object(
                    table
                        .iter()
                        .map(|(key, item)| (key.to_owned(), plain(item)))
                        .collect(),
                )
            })
            .collect(),
    }
}

fn plain_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::String(text.value().clone()),
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Float(number) => Value::from(*number.value()),
        toml_edit::Value::Boolean(value) => Value::Bool(*value.value()),
        toml_edit::Value::Datetime(time) => Value::String(time.value().to_string()),
        toml_edit::Value::Array(items) => items.iter().map(plain_value).collect(),
        toml_edit::Value::InlineTable(table) => {
            let pairs = table
                .iter()
                .map(|(key, value)| (key.to_owned(), plain_value(value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}
