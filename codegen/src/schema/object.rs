//! JSON objects: records with known keys, maps with any keys, and `json` where neither fits.

use std::sync::LazyLock;

use serde_json::Value;

use super::facts::{Additional, Facts};
use super::source::Source;
use super::types::Types;
use super::{MEMBERS, Walk};
use crate::model::{Field, Rest, Type, TypeKind};
use crate::names::{Names, kebab};

impl<'a> Walk<'a> {
    /// The type of an object; never a record without fields.
    pub(super) fn object(&mut self, facts: Facts<'a>, hint: &str, depth: usize) -> Type {
        let unnamed: Vec<&str> = {
            let mut names: Vec<&str> = facts
                .required
                .iter()
                .copied()
                .filter(|name| !facts.properties.contains_key(name))
                .collect();
            // A set has no order of its own.
            names.sort_unstable();
            names
        };
        if facts.properties.is_empty() && unnamed.is_empty() {
            return self.map(&facts, hint, depth);
        }
        if facts.properties.len() + unnamed.len() > MEMBERS {
            self.lose(
                &facts.at,
                "properties",
                "too many properties for a record; given as JSON",
            );
            return Type::Json;
        }
        let mut constants: Vec<(String, Value)> = Vec::new();
        let mut constant_sources: Vec<(&'a str, Vec<Source<'a>>)> = Vec::new();
        let mut open: Vec<(&'a str, Vec<Source<'a>>)> = Vec::new();
        for (name, sources) in &facts.properties {
            if sources
                .iter()
                .any(|source| source.schema == &Value::Bool(false))
            {
                self.lose(
                    &sources[0].at,
                    "false",
                    "the key is forbidden, so the record has no such field",
                );
            } else if let Some(value) = self.constant(sources, facts.required.contains(name)) {
                constants.push(((*name).to_string(), value.clone()));
                constant_sources.push((name, sources.clone()));
            } else {
                open.push((name, sources.clone()));
            }
        }
        if open.is_empty() && unnamed.is_empty() {
            // WIT has no empty record: what could be left out stays.
            constants.clear();
            open = constant_sources;
        }
        let prefix = match hint {
            "args" => String::new(),
            hint => format!("{hint}-"),
        };
        let mut fields: Vec<Field> = Vec::new();
        for (name, sources) in open {
            let name_in_hint = kebab(name, "field");
            let ty = self.convert(&sources, &format!("{prefix}{name_in_hint}"), depth + 1);
            let (doc, default) = self.document(&sources, &ty);
            fields.push(Field {
                wire: name.to_string(),
                wit: name_in_hint,
                doc,
                ty,
                required: facts.required.contains(name),
                default,
            });
        }
        let (other, stated) = self.other_keys(&facts, &prefix, depth);
        for name in unnamed {
            // A required key without a schema of its own has that of the other keys.
            fields.push(Field {
                wire: name.to_string(),
                wit: kebab(name, "field"),
                doc: None,
                ty: other.clone().unwrap_or(Type::Json),
                required: true,
                default: None,
            });
        }
        if fields.is_empty() {
            return Type::Json;
        }
        let mut wishes: Vec<String> = fields.iter().map(|field| field.wit.clone()).collect();
        wishes.push("additional-properties".to_string());
        let mut names = Names::default().claim_all(&wishes);
        let rest = names.pop().zip(other);
        for (field, name) in fields.iter_mut().zip(names) {
            field.wit = name;
        }
        let kind = TypeKind::Record {
            fields,
            constants,
            rest: rest.map(|(wit, ty)| Rest { wit, ty, stated }),
        };
        self.define(hint, &facts, kind)
    }

    fn map(&mut self, facts: &Facts<'a>, hint: &str, depth: usize) -> Type {
        let values: &[Source<'a>] = match (&facts.additional, facts.patterns.as_slice()) {
            (Additional::Schema(sources), []) => sources,
            (Additional::Closed, [one]) => std::slice::from_ref(one),
            (Additional::Unstated, [one]) => {
                self.lose(
                    &facts.at,
                    "additionalProperties",
                    "a key that matches no pattern may hold anything, and needs the JSON view where it does",
                );
                std::slice::from_ref(one)
            }
            (Additional::Closed, []) => {
                self.lose(
                    &facts.at,
                    "additionalProperties",
                    "only `{}` fits; given as JSON",
                );
                return Type::Json;
            }
            // Free-form: `json` carries all of it.
            (Additional::Unstated | Additional::Any, []) => return Type::Json,
            _ => {
                self.lose(
                    &facts.at,
                    "patternProperties",
                    "keys of several kinds; given as JSON",
                );
                return Type::Json;
            }
        };
        match self.convert(values, &format!("{hint}-value"), depth + 1) {
            Type::Json => Type::Json,
            value => Type::Map(Box::new(value)),
        }
    }

    /// The type of the keys that a record does not name, `None` where there are none, and whether the schema speaks of them.
    fn other_keys(
        &mut self,
        facts: &Facts<'a>,
        prefix: &str,
        depth: usize,
    ) -> (Option<Type>, bool) {
        let hint = format!("{prefix}additional-properties");
        match (&facts.additional, facts.patterns.as_slice()) {
            (Additional::Closed, []) => (None, true),
            (Additional::Schema(sources), []) => {
                (Some(self.convert(&sources.clone(), &hint, depth + 1)), true)
            }
            (Additional::Closed, [one]) => (
                Some(self.convert(std::slice::from_ref(&one.clone()), &hint, depth + 1)),
                true,
            ),
            (additional, patterns) => {
                let stated = matches!(additional, Additional::Any) || !patterns.is_empty();
                (Some(Type::Json), stated)
            }
        }
    }

    /// The value a property always has: a required `const`, a required choice of one string, or the required object that
    /// may have no keys.
    pub(super) fn constant(&mut self, sources: &[Source<'a>], required: bool) -> Option<&'a Value> {
        let facts = self.collect(sources);
        if facts.is_empty_object() {
            return required.then_some(&EMPTY);
        }
        let value = facts.only_choice()?;
        if !facts.unions.is_empty() || facts.never {
            return None;
        }
        let is_const = sources
            .iter()
            .any(|source| source.schema.get("const").is_some());
        (required && (is_const || value.is_string())).then_some(value)
    }

    /// For arguments that are one of several objects: one record with the keys of all, those not common to all
    /// optional, so that the arguments stay a record.
    pub(super) fn merge_alternatives(&mut self, facts: &mut Facts<'a>) {
        for union in std::mem::take(&mut facts.unions) {
            self.lose(
                &union.at.clone(),
                union.keyword,
                "which keys go together is checked at run time",
            );
            let members: Vec<Facts<'a>> = union
                .members
                .iter()
                .map(|member| self.collect(std::slice::from_ref(member)))
                .filter(|member| !member.never && member.kinds().has(Types::OBJECT))
                .collect();
            let Some((first, others)) = members.split_first() else {
                continue;
            };
            let mut common: Vec<&str> = first
                .required
                .iter()
                .copied()
                .filter(|name| others.iter().all(|member| member.required.contains(name)))
                .collect();
            common.sort_unstable();
            let own: Vec<&str> = facts.properties.keys().copied().collect();
            for member in &members {
                for (name, sources) in &member.properties {
                    if own.contains(name) {
                        continue;
                    }
                    let leaves_open = |other: &Facts<'_>| {
                        !other.properties.contains_key(name) && !other.is_closed()
                    };
                    if members.iter().any(leaves_open) {
                        self.lose(
                            &sources[0].at,
                            "additionalProperties",
                            "another alternative leaves the key open; other values of it need the JSON view",
                        );
                    }
                    match facts.properties.get(name) {
                        None => {
                            facts.properties.insert(name, sources.clone());
                        }
                        Some(before) if same_schemas(before, sources) => {}
                        Some(_) => {
                            self.lose(
                                &sources[0].at,
                                union.keyword,
                                "the key has several types; it is given as JSON",
                            );
                            facts.properties.insert(
                                name,
                                vec![Source::new(&ANY, format!("{}/(any)", sources[0].at))],
                            );
                        }
                    }
                }
            }
            facts.required.extend(common);
        }
    }
}

/// The only value of an object that may have no keys.
static EMPTY: LazyLock<Value> = LazyLock::new(|| Value::Object(serde_json::Map::new()));

/// The schema that any value fits.
static ANY: Value = Value::Bool(true);

fn same_schemas(a: &[Source<'_>], b: &[Source<'_>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.schema == b.schema)
}
