//! What generated code needs: the bindings' runtime and the conversions at the border. No program names it.

pub use crate::bindings::witgate::runtime::types;
pub use crate::bindings::{
    __callback_run, __export_world_program_cabi, _export_run_cabi, Guest, ProgramError,
    export_program,
};
pub use crate::run::run;
pub use serde;
pub use wit_bindgen::rt;

use std::cell::Cell;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, de, ser};
use serde_json::{Map, Value};

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

thread_local! {
    /// The first required choice that was found missing since the last `take_unset`.
    static UNSET: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// While arguments are lowered: a required value of this type was not given. The call must ask `take_unset`.
pub fn unset(name: &'static str) {
    UNSET.set(UNSET.get().or(Some(name)));
}

/// After arguments were lowered: the error of a call that must not be sent.
pub fn take_unset(tool: &'static str) -> Option<ToolError> {
    UNSET.take().map(|name| ToolError {
        kind: ToolErrorKind::InvalidArguments,
        tool: tool.to_owned(),
        message: not_given_text(name),
        detail: None,
    })
}

/// A required value of this type that was not given has no JSON form.
pub fn not_given<E: ser::Error>(name: &'static str) -> E {
    E::custom(not_given_text(name))
}

fn not_given_text(name: &str) -> String {
    format!("a required `{name}` was not given")
}

/// A call that nothing has waited for yet. The future of a tool holds it; dropped unbegun, it says so.
pub struct Unawaited(pub &'static str);

impl Unawaited {
    /// The future is polled for the first time.
    pub fn begun(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unawaited {
    fn drop(&mut self) {
        crate::console::warn(format_args!(
            "`{}` was never awaited, so it was never called: add `.await`",
            self.0
        ));
    }
}

/// An object that is being read, for a type of this name.
pub struct Object<E> {
    name: &'static str,
    fields: Map<String, Value>,
    error: std::marker::PhantomData<E>,
}

/// Reads an object.
pub fn object<'de, D: Deserializer<'de>>(
    deserializer: D,
    name: &'static str,
) -> Result<Object<D::Error>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Object(fields) => Ok(Object {
            name,
            fields,
            error: std::marker::PhantomData,
        }),
        _ => Err(de::Error::custom(format_args!("`{name}` is an object"))),
    }
}

impl<E: de::Error> Object<E> {
    /// A field that must be there.
    pub fn required<T: DeserializeOwned>(&mut self, key: &str) -> Result<T, E> {
        match self.fields.remove(key) {
            Some(value) => self.read(key, value),
            None => Err(self.missing(key)),
        }
    }

    /// A field that may be absent; `null` is not absence.
    pub fn optional<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, E> {
        self.fields
            .remove(key)
            .map(|value| self.read(key, value))
            .transpose()
    }

    /// A field of a person's own type: absent is like `null` where the type takes that.
    pub fn field<T: DeserializeOwned>(&mut self, key: &str) -> Result<T, E> {
        match self.fields.remove(key) {
            Some(value) => self.read(key, value),
            None => serde_json::from_value(Value::Null).map_err(|_| self.missing(key)),
        }
    }

    /// A constant, given as JSON text; it may be absent, for it says nothing.
    pub fn constant(&mut self, key: &str, text: &'static str) -> Result<(), E> {
        match self.fields.remove(key) {
            Some(value) if value != constant(text) => Err(E::custom(format_args!(
                "`{key}` of `{}` is always `{text}`",
                self.name
            ))),
            _ => Ok(()),
        }
    }

    /// What is left, as values of one type.
    pub fn rest<T: DeserializeOwned>(&mut self) -> Result<BTreeMap<String, T>, E> {
        std::mem::take(&mut self.fields)
            .into_iter()
            .map(|(key, value)| Ok((key.clone(), self.read(&key, value)?)))
            .collect()
    }

    /// Nothing is left that the type does not have.
    pub fn end(self) -> Result<(), E> {
        match self.fields.keys().next() {
            Some(key) => Err(E::custom(format_args!(
                "`{}` has no field `{key}`",
                self.name
            ))),
            None => Ok(()),
        }
    }

    fn read<T: DeserializeOwned>(&self, key: &str, value: Value) -> Result<T, E> {
        serde_json::from_value(value)
            .map_err(|error| E::custom(format_args!("`{key}` of `{}`: {error}", self.name)))
    }

    fn missing(&self, key: &str) -> E {
        E::custom(format_args!("`{}` misses its field `{key}`", self.name))
    }
}

/// A field's key: the one that was given, else its name. A raw identifier's mark is none of the key.
pub fn key(names: &[&'static str]) -> &'static str {
    let name = names.first().copied().unwrap_or_default();
    name.strip_prefix("r#").unwrap_or(name)
}

/// Any value.
pub fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Value::deserialize(deserializer)
}

/// An enum's case from its text.
pub fn case<T: std::str::FromStr<Err = UnknownCase>, E: de::Error>(text: &str) -> Result<T, E> {
    text.parse().map_err(E::custom)
}

/// A case's content.
pub fn read<T: DeserializeOwned, E: de::Error>(value: Value) -> Result<T, E> {
    serde_json::from_value(value).map_err(E::custom)
}

/// A case's content, if the value is one.
pub fn try_read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value.clone()).ok()
}

/// Whether an object has this tag, given as JSON text.
pub fn has_tag(value: &Value, key: &str, tag: &'static str) -> bool {
    value.get(key).is_some_and(|found| *found == constant(tag))
}

/// An object, without its tag where the content's type does not have it.
pub fn untagged(mut value: Value, key: &str, strip: bool) -> Value {
    if strip && let Value::Object(fields) = &mut value {
        fields.remove(key);
    }
    value
}

/// No case of a variant fits.
pub fn no_case<T, E: de::Error>(name: &str) -> Result<T, E> {
    Err(E::custom(format_args!("no case of `{name}` fits")))
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
