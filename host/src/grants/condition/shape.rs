//! What a condition may look into: the tool's model as a tree, and that tree as Cedar types. No values and no expressions.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use witgate_codegen::model::{CaseTest, Rest, ToolModel, Type, TypeKind};

/// A type as conditions know it.
#[derive(Debug)]
pub(super) enum Shape {
    /// `Bool`
    Bool,
    /// `Long`
    Long,
    /// `decimal`
    Decimal,
    /// `datetime`
    Datetime,
    /// `String`
    String,
    /// `String` or `Long`, one of these.
    Enum(Vec<Value>),
    /// `Set<T>`
    Set(Box<Shape>),
    /// A record.
    Record(Vec<Slot>),
    /// A record in which one attribute is there: the case that the value is.
    Union(Vec<Alternative>),
    /// Cedar has no type for it; the end of a sentence that says why: `since ...`.
    Opaque(&'static str),
}

/// An attribute of a record.
#[derive(Debug)]
pub(super) struct Slot {
    /// The key on the wire.
    pub(super) name: String,
    /// Whether it is always there.
    pub(super) required: bool,
    /// Its type.
    pub(super) shape: Shape,
}

/// A case of a union.
#[derive(Debug)]
pub(super) struct Alternative {
    /// Its name in WIT and in conditions.
    pub(super) name: String,
    /// What it holds.
    pub(super) shape: Shape,
    /// The same in the model.
    pub(super) ty: Type,
    /// How a value is recognised.
    pub(super) test: CaseTest,
}

const FREE: &str = "its schema says nothing of its inside";
const TUPLE: &str = "Cedar has no lists of fixed places";
const MIXED: &str = "it is sometimes text and sometimes a number";
const LARGE: &str = "its type is too large";

/// Types in one tool: far more than an honest tool has, far less than shared types multiply out to.
const TYPES: usize = 5_000;
/// Types within types.
const DEPTH: usize = 24;

/// The tool's arguments.
pub(super) fn arguments(model: &ToolModel) -> Shape {
    let mut reader = Reader {
        model,
        left: TYPES,
        depth: 0,
    };
    match &model.input {
        Some(ty) => reader.shape(ty),
        None => Shape::Record(Vec::new()),
    }
}

/// Everything under `context`.
pub(super) fn context(arguments: Shape, sets: &BTreeMap<String, Vec<String>>) -> Shape {
    let stated = arguments
        .slots()
        .iter()
        .map(|slot| (slot.name.as_str(), Shape::Bool));
    let stated = record(stated);
    let texts = || Shape::Set(Box::new(Shape::String));
    let sets = record(sets.keys().map(|name| (name.as_str(), texts())));
    record([
        ("args", arguments),
        ("stated", stated),
        ("sets", sets),
        ("read", texts()),
        ("calls", Shape::Long),
        ("now", Shape::Datetime),
        ("program", Shape::String),
    ])
}

fn record<'a>(slots: impl IntoIterator<Item = (&'a str, Shape)>) -> Shape {
    let slots = slots.into_iter().map(|(name, shape)| Slot {
        name: name.to_owned(),
        required: true,
        shape,
    });
    Shape::Record(slots.collect())
}

struct Reader<'a> {
    model: &'a ToolModel,
    left: usize,
    depth: usize,
}

impl Reader<'_> {
    fn shape(&mut self, ty: &Type) -> Shape {
        if self.left == 0 || self.depth == DEPTH {
            return Shape::Opaque(LARGE);
        }
        self.left -= 1;
        self.depth += 1;
        let shape = match ty {
            Type::Bool => Shape::Bool,
            Type::Integer => Shape::Long,
            Type::Number => Shape::Decimal,
            Type::String => Shape::String,
            Type::Json | Type::Map(_) => Shape::Opaque(FREE),
            Type::Tuple(_) => Shape::Opaque(TUPLE),
            Type::Nullable(inner) => self.shape(inner),
            Type::List(inner) => match self.shape(inner) {
                Shape::Opaque(why) => Shape::Opaque(why),
                inner => Shape::Set(Box::new(inner)),
            },
            Type::Def(index) => match self.model.defs.get(*index) {
                Some(def) => self.kind(&def.kind),
                None => Shape::Opaque(FREE),
            },
        };
        self.depth -= 1;
        shape
    }

    fn kind(&mut self, kind: &TypeKind) -> Shape {
        match kind {
            TypeKind::Record {
                fields,
                constants,
                rest,
            } => {
                let keyless = fields.is_empty() && constants.is_empty();
                // A record that only says what its other keys hold is a map.
                if keyless && rest.as_ref().is_some_and(|rest: &Rest| rest.stated) {
                    return Shape::Opaque(FREE);
                }
                let constants = constants.iter().map(|(name, value)| Slot {
                    name: name.clone(),
                    required: true,
                    shape: constant(value),
                });
                let mut slots: Vec<Slot> = constants.collect();
                for field in fields {
                    slots.push(Slot {
                        name: field.wire.clone(),
                        required: field.required && !matches!(field.ty, Type::Nullable(_)),
                        shape: self.shape(&field.ty),
                    });
                }
                Shape::Record(slots)
            }
            TypeKind::Enum(cases) => {
                let values: Vec<Value> = cases.iter().map(|case| case.wire.clone()).collect();
                let fits = |test: fn(&Value) -> bool| values.iter().all(test);
                if fits(Value::is_string) || fits(Value::is_i64) {
                    Shape::Enum(values)
                } else {
                    Shape::Opaque(MIXED)
                }
            }
            TypeKind::Variant(cases) => {
                let cases = cases.iter().map(|case| Alternative {
                    name: case.wit.clone(),
                    shape: self.shape(&case.ty),
                    ty: case.ty.clone(),
                    test: case.test.clone(),
                });
                Shape::Union(cases.collect())
            }
        }
    }
}

fn constant(value: &Value) -> Shape {
    match value {
        Value::Bool(_) => Shape::Bool,
        Value::String(_) => Shape::Enum(vec![value.clone()]),
        Value::Number(number) if number.is_i64() => Shape::Enum(vec![value.clone()]),
        Value::Number(_) => Shape::Decimal,
        Value::Null | Value::Array(_) | Value::Object(_) => Shape::Opaque(FREE),
    }
}

impl Shape {
    /// A record's attributes; none for anything else.
    pub(super) fn slots(&self) -> &[Slot] {
        match self {
            Shape::Record(slots) => slots,
            _ => &[],
        }
    }

    /// The names that may follow a dot and what is there, where something may.
    pub(super) fn attributes(&self) -> Option<Vec<(&str, &Shape)>> {
        match self {
            Shape::Record(slots) => {
                Some(slots.iter().map(|s| (s.name.as_str(), &s.shape)).collect())
            }
            Shape::Union(cases) => {
                Some(cases.iter().map(|c| (c.name.as_str(), &c.shape)).collect())
            }
            _ => None,
        }
    }

    /// The type in the JSON form of Cedar's schemas; `None` where Cedar has none.
    pub(super) fn cedar(&self) -> Option<Value> {
        Some(match self {
            Shape::Bool => json!({"type": "Boolean"}),
            Shape::Long => json!({"type": "Long"}),
            Shape::Decimal => json!({"type": "Extension", "name": "decimal"}),
            Shape::Datetime => json!({"type": "Extension", "name": "datetime"}),
            Shape::String => json!({"type": "String"}),
            Shape::Enum(values) if values.iter().all(Value::is_string) => json!({"type": "String"}),
            Shape::Enum(_) => json!({"type": "Long"}),
            Shape::Set(inner) => json!({"type": "Set", "element": inner.cedar()?}),
            Shape::Record(slots) => attributes_json(
                slots
                    .iter()
                    .map(|s| (s.name.as_str(), &s.shape, s.required)),
            ),
            Shape::Union(cases) => {
                attributes_json(cases.iter().map(|c| (c.name.as_str(), &c.shape, false)))
            }
            Shape::Opaque(_) => return None,
        })
    }

    /// The type in a few characters, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Shape::Bool => "Bool".into(),
            Shape::Long => "Long".into(),
            Shape::Decimal => "decimal".into(),
            Shape::Datetime => "datetime".into(),
            Shape::String => "String".into(),
            Shape::Enum(values) => {
                let kind = if values.iter().all(Value::is_string) {
                    "String"
                } else {
                    "Long"
                };
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                format!("{kind}, one of {}", values.join(", "))
            }
            Shape::Set(inner) => format!("Set<{}>", inner.name()),
            Shape::Record(slots) => {
                let slots = slots.iter().filter(|s| s.shape.cedar().is_some()).map(|s| {
                    let mark = if s.required { "" } else { "?" };
                    format!("{}{mark}: {}", s.name, s.shape.name())
                });
                format!("{{{}}}", slots.collect::<Vec<_>>().join(", "))
            }
            Shape::Union(cases) => {
                let cases = cases.iter().filter(|c| c.shape.cedar().is_some());
                let cases = cases.map(|c| format!("{}?: {}", c.name, c.shape.name()));
                format!("{{{}}}", cases.collect::<Vec<_>>().join(", "))
            }
            Shape::Opaque(_) => "unknown".into(),
        }
    }

    /// A line for everything in it that a condition may use.
    pub(super) fn describe(&self, path: &str, note: &str, out: &mut Vec<String>) {
        const ABSENT: &str = ", may be absent";
        match self {
            Shape::Record(slots) if !slots.is_empty() || !note.is_empty() => {
                if !note.is_empty() {
                    out.push(format!("{path}: Record{note}"));
                }
                for slot in slots {
                    let note = if slot.required { "" } else { ABSENT };
                    slot.shape
                        .describe(&format!("{path}{}", access(&slot.name)), note, out);
                }
            }
            Shape::Record(_) | Shape::Opaque(_) => {}
            Shape::Union(cases) => {
                if !note.is_empty() {
                    out.push(format!("{path}: Record{note}"));
                }
                for case in cases {
                    case.shape
                        .describe(&format!("{path}{}", access(&case.name)), ABSENT, out);
                }
            }
            other => out.push(format!("{path}: {}{note}", other.name())),
        }
    }
}

fn attributes_json<'a>(slots: impl Iterator<Item = (&'a str, &'a Shape, bool)>) -> Value {
    let mut attributes = serde_json::Map::new();
    for (name, shape, required) in slots {
        if let Some(Value::Object(mut ty)) = shape.cedar() {
            ty.insert("required".into(), required.into());
            attributes.insert(name.to_owned(), ty.into());
        }
    }
    json!({"type": "Record", "attributes": attributes})
}

/// How a name is written after what it is an attribute of: `.name` or `["na me"]`.
pub(super) fn access(name: &str) -> String {
    if is_identifier(name) {
        format!(".{name}")
    } else {
        format!("[{name:?}]")
    }
}

/// How a name is written after `has`.
pub(super) fn after_has(name: &str) -> String {
    if is_identifier(name) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

fn is_identifier(name: &str) -> bool {
    const RESERVED: [&str; 10] = [
        "true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar",
    ];
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&name)
}
