//! JSON objects: records with known keys, maps with any keys, and `json` where neither fits.

use serde_json::Value;

use super::facts::{Additional, Facts, Source};
use super::pointer::resolve;
use super::types::Types;
use super::{MEMBERS, Walk};
use crate::model::{Field, Type, TypeKind};
use crate::names::{Names, kebab};
use crate::text;

/// What a property's schema says about itself, for documentation.
#[derive(Debug, Default)]
struct Notes<'a> {
    description: Option<&'a str>,
    default: Option<&'a Value>,
    example: Option<&'a Value>,
    deprecated: bool,
}

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
        self.lose_other_keys(&facts);

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
            let notes = self.notes(&sources);
            fields.push(Field {
                wire: name.to_string(),
                wit: name_in_hint,
                doc: document(&notes, self.listed(&sources, &ty).as_deref()),
                ty,
                required: facts.required.contains(name),
                default: notes.default.cloned(),
            });
        }
        for name in unnamed {
            self.lose(
                &facts.at,
                "required",
                "a required key has no schema; it is given as JSON",
            );
            fields.push(Field {
                wire: name.to_string(),
                wit: kebab(name, "field"),
                doc: None,
                ty: Type::Json,
                required: true,
                default: None,
            });
        }
        if fields.is_empty() {
            return Type::Json;
        }
        let wishes: Vec<String> = fields.iter().map(|field| field.wit.clone()).collect();
        for (field, name) in fields.iter_mut().zip(Names::default().claim_all(&wishes)) {
            field.wit = name;
        }
        self.define(hint, &facts, TypeKind::Record { fields, constants })
    }

    fn map(&mut self, facts: &Facts<'a>, hint: &str, depth: usize) -> Type {
        let values: &[Source<'a>] = match (&facts.additional, facts.patterns.as_slice()) {
            (Additional::Schema(sources), []) => sources,
            (Additional::Unstated | Additional::Closed, [one]) => std::slice::from_ref(one),
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

    fn lose_other_keys(&mut self, facts: &Facts<'a>) {
        const CONSEQUENCE: &str =
            "the record has the named keys only; other keys need the JSON view";
        if !facts.additional.is_unstated_or_closed() {
            self.lose(&facts.at, "additionalProperties", CONSEQUENCE);
        }
        if !facts.patterns.is_empty() {
            self.lose(&facts.at, "patternProperties", CONSEQUENCE);
        }
    }

    /// The value a property always has: a `const` that is required, or that is also the default.
    pub(super) fn constant(&mut self, sources: &[Source<'a>], required: bool) -> Option<&'a Value> {
        let facts = self.collect(sources);
        let value = facts.only_choice()?;
        if !facts.unions.is_empty() || facts.never {
            return None;
        }
        let is_const = sources
            .iter()
            .any(|source| source.schema.get("const").is_some());
        let is_default = sources
            .iter()
            .any(|source| source.schema.get("default") == Some(value));
        ((required && (is_const || value.is_string())) || (is_const && is_default)).then_some(value)
    }

    fn notes(&self, sources: &[Source<'a>]) -> Notes<'a> {
        let mut notes = Notes::default();
        for source in sources {
            let target = source
                .schema
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| resolve(self.root, reference))
                .map(|(_, schema)| schema);
            for schema in [Some(source.schema), target].into_iter().flatten() {
                notes.description = notes
                    .description
                    .or(schema.get("description").and_then(Value::as_str));
                notes.default = notes.default.or(schema.get("default"));
                notes.example = notes
                    .example
                    .or(schema.get("examples").and_then(|examples| examples.get(0)))
                    .or(schema.get("example"));
                notes.deprecated |= schema.get("deprecated") == Some(&Value::Bool(true));
            }
        }
        notes
    }

    /// The values of an `enum` that became a plain string or number, as a sentence.
    fn listed(&mut self, sources: &[Source<'a>], ty: &Type) -> Option<String> {
        let plain = match ty {
            Type::Nullable(inner) => inner,
            ty => ty,
        };
        if !matches!(plain, Type::String | Type::Integer | Type::Number) {
            return None;
        }
        let values = self.collect(sources).choices?;
        let shown: Vec<String> = values
            .iter()
            .take(20)
            .map(|value| format!("`{value}`"))
            .collect();
        let more = if values.len() > shown.len() {
            ", ..."
        } else {
            ""
        };
        Some(format!("One of {}{more}.", shown.join(", ")))
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

/// The schema that any value fits.
static ANY: Value = Value::Bool(true);

fn same_schemas(a: &[Source<'_>], b: &[Source<'_>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.schema == b.schema)
}

fn document(notes: &Notes<'_>, listed: Option<&str>) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    if notes.deprecated {
        parts.push("Deprecated.".to_string());
    }
    if let Some(description) = notes.description {
        parts.extend(text::clean(description, text::FIELD_LIMIT));
    }
    parts.extend(listed.and_then(|listed| text::clean(listed, text::FIELD_LIMIT)));
    if let Some(example) = notes.example {
        parts.extend(text::clean(&format!("Example: `{example}`"), 120));
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}
