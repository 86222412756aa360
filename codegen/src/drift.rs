//! How two definitions of one tool differ: in what describes it only, in its schemas, in its types; and whether a program
//! written for the first still fits the second. Which definition is the right one is not asked here.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::catalog::{Server, Tool, canonical, hash};
use crate::model::{Case, CaseTest, EnumCase, Field, ToolModel, Type, TypeDef, TypeKind};
use crate::server::model_server;
use crate::text::clean;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// What describes it, and no schema: descriptions, titles, examples, hints. Asks for a look.
    Description,
    /// A schema, but a program written before still fits: the types are the same, or have more that is optional.
    Compatible,
    /// A program written before may not fit any more: other types, or schemas that nobody has kept to compare.
    Incompatible,
    /// The types, though the definition is the same: another version of witgate, other names beside it, or an override.
    Retyped,
    /// The server's package has another name, so every import of it has.
    Renamed,
}

impl ChangeKind {
    /// In a sentence about the tool or server.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            ChangeKind::Added => "it is new",
            ChangeKind::Removed => "the server has it no more",
            ChangeKind::Description => "its description changed, its schemas did not",
            ChangeKind::Compatible => "its schema changed, and programs still fit",
            ChangeKind::Incompatible => "its types changed",
            ChangeKind::Retyped => "its definition is the same, its types are others",
            ChangeKind::Renamed => "its package has another name",
        }
    }
}

/// One place where two definitions differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// JSON pointer into the entry of `tools/list`.
    pub at: String,
    /// JSON text there before, cleaned and cut; `None` where there was nothing. Untrusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The same now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

/// The most differences that are told of one tool.
const TOLD: usize = 20;
/// Longest text told of one side, in characters.
const TEXT: usize = 160;

/// Keywords that say nothing of which values fit.
const ANNOTATIONS: [&str; 9] = [
    "title",
    "description",
    "markdownDescription",
    "examples",
    "example",
    "$comment",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// SHA-256 hex of a tool's name and schemas without annotations: equal hashes, and only descriptions differ.
#[must_use]
pub fn schemas_hash(tool: &Tool) -> String {
    let schema = |schema: &Value| {
        if refers_to_annotations(schema) {
            schema.clone()
        } else {
            without_annotations(schema)
        }
    };
    let output = tool.output_schema.as_ref().map(schema);
    let bare = json!({"name": tool.name, "input": schema(&tool.input_schema), "output": output});
    hash(&canonical(&bare))
}

/// A schema without what only describes. Keys of `properties` are names, and data is data: neither is touched.
fn without_annotations(schema: &Value) -> Value {
    let Value::Object(map) = schema else {
        return schema.clone();
    };
    let each = |value: &Value| match value {
        Value::Array(items) => items.iter().map(without_annotations).collect(),
        schema => without_annotations(schema),
    };
    let named = |value: &Value| match value {
        Value::Object(schemas) => schemas
            .iter()
            .map(|(name, schema)| (name.clone(), each(schema)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    };
    let kept = map
        .iter()
        .filter(|(key, _)| !ANNOTATIONS.contains(&key.as_str()));
    kept.map(|(key, value)| {
        let value = match key.as_str() {
            "properties" | "patternProperties" | "dependentSchemas" | "dependencies" | "$defs"
            | "definitions" => named(value),
            "allOf"
            | "anyOf"
            | "oneOf"
            | "prefixItems"
            | "items"
            | "additionalItems"
            | "additionalProperties"
            | "unevaluatedItems"
            | "unevaluatedProperties"
            | "propertyNames"
            | "contains"
            | "contentSchema"
            | "not"
            | "if"
            | "then"
            | "else" => each(value),
            _ => value.clone(),
        };
        (key.clone(), value)
    })
    .collect::<Map<_, _>>()
    .into()
}

/// Whether a reference may lead into an annotation, whose content then is a schema in hiding.
fn refers_to_annotations(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| {
            let plain = |reference: &str| {
                let pointer = reference == "#" || reference.starts_with("#/");
                let mut parts = reference.split('/');
                pointer && !reference.contains('%') && !parts.any(|p| ANNOTATIONS.contains(&p))
            };
            let refers = matches!(key.as_str(), "$ref" | "$dynamicRef" | "$recursiveRef");
            (refers && !value.as_str().is_some_and(plain)) || refers_to_annotations(value)
        }),
        Value::Array(items) => items.iter().any(refers_to_annotations),
        _ => false,
    }
}

/// What changed between two definitions of one tool; `None` where nothing did. Each is typed on its own: names that other
/// tools of the server force upon it are not seen.
#[must_use]
pub fn judge(before: &Tool, now: &Tool) -> Option<ChangeKind> {
    if before.definition_hash() == now.definition_hash() {
        return None;
    }
    if schemas_hash(before) == schemas_hash(now) {
        return Some(ChangeKind::Description);
    }
    Some(if still_fits(before, now) {
        ChangeKind::Compatible
    } else {
        ChangeKind::Incompatible
    })
}

/// Whether what a program sends to and takes from the first also goes to and comes from the second, in every language:
/// arguments may have more that is optional, results may have more. Bounds are not looked at.
#[must_use]
pub fn still_fits(before: &Tool, now: &Tool) -> bool {
    match (typed_alone(before), typed_alone(now)) {
        (Some(before), Some(now)) => models_fit(&before, &now),
        _ => false,
    }
}

/// The model of a tool beside no others.
fn typed_alone(tool: &Tool) -> Option<ToolModel> {
    let server = Server {
        tools: vec![tool.clone()],
        ..Server::default()
    };
    model_server("server", &server).ok()?.tools.pop()
}

/// Where two definitions differ, in the order of their keys, at most twenty places.
#[must_use]
pub fn differences(before: &Tool, now: &Tool) -> Vec<Difference> {
    let mut found = Vec::new();
    let value = |tool: &Tool| serde_json::to_value(tool).unwrap_or(Value::Null);
    walk(&value(before), &value(now), &mut String::new(), &mut found);
    found
}

fn walk(before: &Value, now: &Value, at: &mut String, found: &mut Vec<Difference>) {
    if before == now || found.len() >= TOLD {
        return;
    }
    let length = at.len();
    let mut step = |key: &str, before: Option<&Value>, now: Option<&Value>| {
        at.push('/');
        at.push_str(&crate::json::escape(key));
        match (before, now) {
            (Some(before), Some(now)) => walk(before, now, at, found),
            (before, now) => tell(before, now, at, found),
        }
        at.truncate(length);
    };
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            for (key, value) in before {
                step(key, Some(value), now.get(key));
            }
            for (key, value) in now.iter().filter(|(key, _)| !before.contains_key(*key)) {
                step(key, None, Some(value));
            }
        }
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            for (index, (before, now)) in before.iter().zip(now).enumerate() {
                step(&index.to_string(), Some(before), Some(now));
            }
        }
        _ => tell(Some(before), Some(now), at, found),
    }
}

fn tell(before: Option<&Value>, now: Option<&Value>, at: &str, found: &mut Vec<Difference>) {
    if found.len() < TOLD {
        let text = |value: &Value| {
            let text = clean(&value.to_string(), TEXT).unwrap_or_default();
            text.replace('\n', " ")
        };
        found.push(Difference {
            at: clean(at, TEXT).unwrap_or_default().replace('\n', " "),
            before: before.map(text),
            now: now.map(text),
        });
    }
}

fn models_fit(before: &ToolModel, now: &ToolModel) -> bool {
    let mut types = Pair {
        before: &before.defs,
        now: &now.defs,
        open: HashSet::new(),
    };
    let input = match (&before.input, &now.input) {
        (None, None) => true,
        (Some(before), Some(now)) => types.fits(before, now, Side::Input),
        _ => false,
    };
    input
        && before.wit == now.wit
        && before.unwrap_result == now.unwrap_result
        && types.fits(&before.output, &now.output, Side::Output)
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Input,
    Output,
}

/// Two tools' named types, and the pairs that are being compared.
struct Pair<'a> {
    before: &'a [TypeDef],
    now: &'a [TypeDef],
    open: HashSet<(usize, usize, Side)>,
}

impl Pair<'_> {
    fn fits(&mut self, before: &Type, now: &Type, side: Side) -> bool {
        match (before, now) {
            (Type::List(before), Type::List(now))
            | (Type::Map(before), Type::Map(now))
            | (Type::Nullable(before), Type::Nullable(now)) => self.fits(before, now, side),
            (Type::Tuple(before), Type::Tuple(now)) => {
                before.len() == now.len()
                    && before.iter().zip(now).all(|(b, n)| self.fits(b, n, side))
            }
            (Type::Def(before), Type::Def(now)) => {
                if !self.open.insert((*before, *now, side)) {
                    return true;
                }
                match (self.before.get(*before), self.now.get(*now)) {
                    (Some(before), Some(now)) => {
                        before.wit == now.wit && self.kinds(&before.kind, &now.kind, side)
                    }
                    _ => false,
                }
            }
            (before, now) => before == now,
        }
    }

    fn kinds(&mut self, before: &TypeKind, now: &TypeKind, side: Side) -> bool {
        match (before, now) {
            (
                TypeKind::Record {
                    fields: before,
                    constants: before_constants,
                    rest: before_rest,
                },
                TypeKind::Record {
                    fields: now,
                    constants: now_constants,
                    rest: now_rest,
                },
            ) => {
                let rest = match (before_rest, now_rest) {
                    (Some(before), Some(now)) => {
                        before.wit == now.wit && self.fits(&before.ty, &now.ty, side)
                    }
                    (Some(before), None) => !before.stated,
                    (None, _) => true,
                };
                rest && before_constants == now_constants && self.fields(before, now, side)
            }
            (TypeKind::Enum(before), TypeKind::Enum(now)) => {
                let has = |cases: &[EnumCase], case: &EnumCase| cases.contains(case);
                before.iter().all(|case| has(now, case))
                    && (side == Side::Input || now.iter().all(|case| has(before, case)))
            }
            (TypeKind::Variant(before), TypeKind::Variant(now)) => {
                self.cases(before, now, side) && (side == Side::Input || before.len() == now.len())
            }
            _ => false,
        }
    }

    fn fields(&mut self, before: &[Field], now: &[Field], side: Side) -> bool {
        let by_key = |fields: &'_ [Field]| -> HashMap<String, usize> {
            let keys = fields.iter().map(|field| field.wire.clone());
            keys.zip(0..).collect()
        };
        let (known, places) = (by_key(before), by_key(now));
        let kept = before.iter().all(|field| {
            let same = places.get(&field.wire).map(|place| &now[*place]);
            same.is_some_and(|same| {
                same.wit == field.wit
                    && same.required == field.required
                    && self.fits(&field.ty, &same.ty, side)
            })
        });
        let optional = |field: &Field| known.contains_key(&field.wire) || !field.required;
        kept && (side == Side::Output || now.iter().all(optional))
    }

    fn cases(&mut self, before: &[Case], now: &[Case], side: Side) -> bool {
        before.iter().all(|case| {
            let same = now.iter().find(|c| c.wit == case.wit);
            same.is_some_and(|same| {
                same_test(&case.test, &same.test) && self.fits(&case.ty, &same.ty, side)
            })
        })
    }
}

/// Where a case's schema stands says nothing of what fits it.
fn same_test(before: &CaseTest, now: &CaseTest) -> bool {
    matches!((before, now), (CaseTest::Try { .. }, CaseTest::Try { .. })) || before == now
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tool(input: Value, output: Value) -> Tool {
        serde_json::from_value(
            json!({"name": "t", "description": "d", "inputSchema": input, "outputSchema": output}),
        )
        .unwrap()
    }

    fn object(properties: Value, required: &[&str]) -> Value {
        json!({"type": "object", "properties": properties, "required": required})
    }

    #[test]
    fn every_kind_of_change() {
        use ChangeKind::{Compatible, Description, Incompatible};
        let base = json!({"a": {"type": "string"}, "e": {"enum": ["x", "y"]}});
        let input = object(base.clone(), &["a"]);
        let output = object(base.clone(), &["a"]);
        let with = |key: &str, schema: Value| {
            let mut properties = base.clone();
            properties[key] = schema;
            properties
        };
        let string = || json!({"type": "string"});
        let more = with("b", string());
        let wider = with("e", json!({"enum": ["x", "y", "z"]}));
        let described = with(
            "a",
            json!({"type": "string", "description": "new", "title": "A"}),
        );
        let bounded = with("a", json!({"type": "string", "maxLength": 5}));
        let number = with("a", json!({"type": "number"}));
        for (name, now_input, now_output, expected) in [
            ("nothing", input.clone(), output.clone(), None),
            (
                "description of a field",
                object(described, &["a"]),
                output.clone(),
                Some(Description),
            ),
            (
                "bound",
                object(bounded, &["a"]),
                output.clone(),
                Some(Compatible),
            ),
            (
                "optional argument",
                object(more.clone(), &["a"]),
                output.clone(),
                Some(Compatible),
            ),
            (
                "required argument",
                object(more.clone(), &["a", "b"]),
                output.clone(),
                Some(Incompatible),
            ),
            (
                "argument now required",
                object(base.clone(), &["a", "e"]),
                output.clone(),
                Some(Incompatible),
            ),
            (
                "unnamed keys not allowed any more",
                json!({"type": "object", "properties": base, "required": ["a"], "additionalProperties": false}),
                output.clone(),
                Some(Compatible),
            ),
            (
                "argument gone",
                object(json!({"a": string()}), &["a"]),
                output.clone(),
                Some(Incompatible),
            ),
            (
                "type of an argument",
                object(number.clone(), &["a"]),
                output.clone(),
                Some(Incompatible),
            ),
            (
                "choice of an argument",
                object(wider.clone(), &["a"]),
                output.clone(),
                Some(Compatible),
            ),
            (
                "key of a result",
                input.clone(),
                object(more, &["a", "b"]),
                Some(Compatible),
            ),
            (
                "choice of a result",
                input.clone(),
                object(wider, &["a"]),
                Some(Incompatible),
            ),
            (
                "type of a result",
                input.clone(),
                object(number, &["a"]),
                Some(Incompatible),
            ),
            (
                "key of a result gone",
                input.clone(),
                object(json!({"a": string()}), &["a"]),
                Some(Incompatible),
            ),
            (
                "no result schema",
                input.clone(),
                Value::Null,
                Some(Incompatible),
            ),
        ] {
            let before = tool(input.clone(), output.clone());
            assert_eq!(
                judge(&before, &tool(now_input, now_output)),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn only_annotations_are_taken_off() {
        let same = |a: Value, b: Value| {
            let hash = |schema| schemas_hash(&tool(schema, Value::Null));
            hash(a) == hash(b)
        };
        // A property may be called `description`, and data may hold such a key.
        assert!(!same(
            object(json!({"description": {}}), &[]),
            object(json!({}), &[])
        ));
        assert!(!same(
            json!({"const": {"title": 1}}),
            json!({"const": {"title": 2}})
        ));
        assert!(!same(
            json!({"default": {"title": 1}}),
            json!({"default": {"title": 2}})
        ));
        assert!(same(
            json!({"anyOf": [{"title": "a"}]}),
            json!({"anyOf": [{}]})
        ));
        assert!(same(
            json!({"items": {"examples": [1]}}),
            json!({"items": {}})
        ));
        let hidden = |ty: &str| json!({"$ref": "#/examples/0", "examples": [{"type": ty}]});
        assert!(
            !same(hidden("string"), hidden("number")),
            "a schema may hide in an annotation"
        );
        let escaped = |ty: &str| json!({"$ref": "#/e%78amples/0", "examples": [{"type": ty}]});
        assert!(!same(escaped("string"), escaped("number")));
        let anchored = |ty: &str| json!({"$ref": "#x", "examples": [{"$anchor": "x", "type": ty}]});
        assert!(!same(anchored("string"), anchored("number")));
    }

    #[test]
    fn differences_are_placed_cleaned_and_bounded() {
        let mut before = tool(object(json!({"a/b": {"type": "string"}}), &[]), Value::Null);
        let mut now = tool(object(json!({"c": {}}), &[]), Value::Null);
        now.description = Some(format!("evil\u{202e}{}", "x".repeat(5_000)));
        let told = differences(&before, &now);
        let places: Vec<&str> = told.iter().map(|d| d.at.as_str()).collect();
        let expected = [
            "/description",
            "/inputSchema/properties/a~1b",
            "/inputSchema/properties/c",
        ];
        assert_eq!(places, expected);
        let text = told[0].now.as_deref().unwrap();
        assert!(
            text.chars().count() < 200 && !text.contains('\u{202e}'),
            "{text}"
        );
        assert_eq!(
            (told[1].now.as_deref(), told[2].before.as_deref()),
            (None, None)
        );

        let many = (0..100)
            .map(|i| (format!("k{i}"), json!(1)))
            .collect::<Map<_, _>>();
        before.input_schema = Value::Object(many);
        assert_eq!(differences(&before, &now).len(), TOLD);
    }
}
