//! JSON objects: records with known keys, maps with any keys, and `json` where neither fits.

use std::sync::LazyLock;

use serde_json::Value;

use super::facts::{Additional, Facts};
use super::source::Source;
use super::types::Types;
use super::{MEMBERS, Walk};
use crate::model::{Field, Rest, Stated, Type, TypeKind};
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
            let (doc, default, stated) = self.document(&sources, &ty);
            fields.push(Field {
                wire: name.to_string(),
                wit: name_in_hint,
                doc,
                ty,
                required: facts.required.contains(name),
                default,
                stated,
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
                stated: Stated::default(),
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
        let mut lists: Vec<Vec<Source<'a>>> = facts
            .patterns
            .iter()
            .map(|pattern| vec![pattern.clone()])
            .collect();
        match &facts.additional {
            Additional::Schema(sources) => lists.push(sources.clone()),
            Additional::Closed if lists.is_empty() => {
                self.lose(
                    &facts.at,
                    "additionalProperties",
                    "only `{}` fits; given as JSON",
                );
                return Type::Json;
            }
            Additional::Closed => {}
            // Free-form: `json` carries all of it.
            Additional::Unstated | Additional::Any if lists.is_empty() => return Type::Json,
            Additional::Unstated => self.lose(
                &facts.at,
                "additionalProperties",
                "a key that matches no pattern may hold anything, and needs the JSON view where it does",
            ),
            Additional::Any => lists.push(vec![Source::new(&ANY, format!("{}/(any)", facts.at))]),
        }
        match self.same_type(lists, &format!("{hint}-value"), depth) {
            Some(Type::Json) => Type::Json,
            Some(value) => Type::Map(Box::new(value)),
            None => {
                self.lose(
                    &facts.at,
                    "patternProperties",
                    "keys of several kinds; given as JSON",
                );
                Type::Json
            }
        }
    }

    /// The type of values that all have the same one. Schemas that differ in words only have.
    fn same_type(&mut self, lists: Vec<Vec<Source<'a>>>, hint: &str, depth: usize) -> Option<Type> {
        let (first, others) = lists.split_first()?;
        let ty = self.convert(first, hint, depth + 1);
        for other in others {
            // Converted in any case, for its losses.
            let same = self.convert(other, hint, depth + 1) == ty;
            if !same && !same_schemas(first, other) {
                return None;
            }
        }
        Some(ty)
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
            (Additional::Unstated, []) => (Some(Type::Json), false),
            (Additional::Unstated | Additional::Any, _) => (Some(Type::Json), true),
            (additional, patterns) => {
                let mut lists: Vec<Vec<Source<'a>>> =
                    patterns.iter().map(|one| vec![one.clone()]).collect();
                if let Additional::Schema(sources) = additional {
                    lists.push(sources.clone());
                }
                let same = self.same_type(lists, &hint, depth);
                if same.is_none() {
                    self.lose(
                        &facts.at,
                        "patternProperties",
                        "keys of several kinds; given as JSON",
                    );
                }
                (Some(same.unwrap_or(Type::Json)), true)
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
                .filter(|member| {
                    // What is only suggested excludes no object.
                    let fits = member.kinds().has(Types::OBJECT) || member.is_guessed();
                    (!member.never || member.unread) && fits
                })
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
                    if sources
                        .iter()
                        .any(|source| source.schema == &Value::Bool(false))
                    {
                        continue;
                    }
                    match facts.properties.get_mut(name) {
                        None => {
                            facts.properties.insert(name, sources.clone());
                        }
                        Some(before) => self.add_alternative(before, sources, union.keyword),
                    }
                }
            }
            facts.required.extend(common);
        }
    }
}

/// Most types of one key that are told apart.
const ALTERNATIVES: usize = 200;

impl<'a> Walk<'a> {
    /// Lets a key have another type as well.
    fn add_alternative(
        &mut self,
        before: &mut Vec<Source<'a>>,
        other: &[Source<'a>],
        keyword: &'static str,
    ) {
        let ([first], [new]) = (before.as_mut_slice(), other) else {
            if !same_schemas(before, other) {
                self.lose(
                    &other[0].at,
                    keyword,
                    "the key has several types; it is given as JSON",
                );
                *before = vec![Source::new(&ANY, format!("{}/(any)", other[0].at))];
            }
            return;
        };
        if first.any_of.is_empty() {
            if same_but_words(first.schema, new.schema) {
                return;
            }
            let any = Source::new(&ANY, format!("{}/(any)", first.at));
            let any_of = vec![std::mem::replace(first, any)];
            first.any_of = any_of;
        }
        let known = |one: &Source<'_>| same_but_words(one.schema, new.schema);
        if first.any_of.iter().any(known) {
            return;
        }
        if first.any_of.len() < ALTERNATIVES {
            first.any_of.push(new.clone());
        } else {
            self.lose(
                &new.at,
                keyword,
                "the key has too many types; other values of it need the JSON view",
            );
        }
    }
}

/// The only value of an object that may have no keys.
static EMPTY: LazyLock<Value> = LazyLock::new(|| Value::Object(serde_json::Map::new()));

/// The schema that any value fits.
static ANY: Value = Value::Bool(true);

/// Whether schemas differ in words at most.
fn same_schemas(a: &[Source<'_>], b: &[Source<'_>]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| same_but_words(a.schema, b.schema))
}

fn same_but_words(a: &Value, b: &Value) -> bool {
    // A property may have such a name, and then a schema stands there.
    let is_word = |key: &str, value: &Value| {
        matches!(key, "title" | "description" | "$comment") && value.is_string()
    };
    let same = |key: &str, a: &Value, b: &Value| match key {
        "const" | "enum" => a == b,
        _ => same_but_words(a, b),
    };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let count = |map: &serde_json::Map<String, Value>| {
                map.iter()
                    .filter(|(key, value)| !is_word(key, value))
                    .count()
            };
            count(a) == count(b)
                && a.iter()
                    .filter(|(key, value)| !is_word(key, value))
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(key, value, other)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_but_words(a, b))
        }
        (a, b) => a == b,
    }
}
