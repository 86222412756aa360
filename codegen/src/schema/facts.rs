//! What a schema says at one place: every keyword, with `$ref` and `allOf` followed, gathered from one or more sources
//! that all hold. Every keyword of draft-07 and 2020-12 is named here; one that becomes no type is recorded as a loss.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Walk;
use super::source::{Source, says_nothing_beside_reference};
use super::types::Types;
use crate::json::{escape, same};

/// How deep `$ref` and `allOf` are followed at one place.
const FOLLOW: usize = 16;

/// What is known of the keys that `properties` does not name.
#[derive(Debug, Clone)]
pub(super) enum Additional<'a> {
    Unstated,
    Closed,
    Any,
    Schema(Vec<Source<'a>>),
}

impl Additional<'_> {
    pub(super) fn is_unstated_or_closed(&self) -> bool {
        matches!(self, Additional::Unstated | Additional::Closed)
    }
}

/// One `anyOf` or `oneOf`.
#[derive(Debug, Clone)]
pub(super) struct Union<'a> {
    pub(super) keyword: &'static str,
    pub(super) at: String,
    pub(super) members: Vec<Source<'a>>,
}

/// What the sources say together.
#[derive(Debug, Clone)]
pub(super) struct Facts<'a> {
    /// Pointer of the first source.
    pub(super) at: String,
    /// Pointers of all sources, with what they refer to.
    pub(super) places: Vec<String>,
    types: Types,
    inferred: Types,
    /// What the other keywords suggest does not hold here.
    pub(super) overruled: bool,
    /// Whether some source has `type`.
    pub(super) stated: bool,
    /// OpenAPI's `nullable`.
    pub(super) nullable: bool,
    /// Some source is `false`.
    pub(super) never: bool,
    /// It is never, but only because not all of it was read: values may fit.
    pub(super) unread: bool,
    pub(super) title: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    /// `enum`, and `const` as an enum of one.
    pub(super) choices: Option<Vec<&'a Value>>,
    pub(super) properties: IndexMap<&'a str, Vec<Source<'a>>>,
    pub(super) required: HashSet<&'a str>,
    pub(super) additional: Additional<'a>,
    pub(super) patterns: Vec<Source<'a>>,
    pub(super) prefix: Vec<Source<'a>>,
    pub(super) items: Vec<Source<'a>>,
    pub(super) items_closed: bool,
    pub(super) min_items: Option<u64>,
    pub(super) max_items: Option<u64>,
    pub(super) unions: Vec<Union<'a>>,
    /// The members of the union that makes the type here, once it is taken apart.
    pub(super) alternatives: Vec<Source<'a>>,
    pub(super) discriminator: Option<&'a str>,
    /// `unevaluatedProperties` is false: no keys but those that some schema here names.
    pub(super) sealed: bool,
    /// Some keys are named only where a condition or a member of a union holds.
    pub(super) conditional: bool,
    /// Keywords that are no types, with their values: checked at run time, and told in the documentation.
    pub(super) bounds: Vec<(&'a str, &'a Value)>,
}

impl<'a> Facts<'a> {
    fn new(at: String) -> Facts<'a> {
        Facts {
            at,
            places: Vec::new(),
            types: Types::ALL,
            inferred: Types::NONE,
            overruled: false,
            stated: false,
            nullable: false,
            never: false,
            unread: false,
            title: None,
            description: None,
            choices: None,
            properties: IndexMap::new(),
            required: HashSet::new(),
            additional: Additional::Unstated,
            patterns: Vec::new(),
            prefix: Vec::new(),
            items: Vec::new(),
            items_closed: false,
            min_items: None,
            max_items: None,
            unions: Vec::new(),
            alternatives: Vec::new(),
            discriminator: None,
            sealed: false,
            conditional: false,
            bounds: Vec::new(),
        }
    }

    /// The JSON types that fit: as stated, else as the keywords suggest, else all.
    pub(super) fn kinds(&self) -> Types {
        if let Some(values) = self.choices.as_ref().filter(|_| !self.stated) {
            return values
                .iter()
                .fold(Types::NONE, |types, value| types.or(Types::of(value)));
        }
        if self.stated || self.inferred.is_empty() {
            return self.types;
        }
        self.types.and(self.inferred)
    }

    /// Whether the type is not stated, only suggested.
    pub(super) fn is_guessed(&self) -> bool {
        !self.stated && self.choices.is_none() && !self.inferred.is_empty()
    }

    /// Whether a type or a list of values says what fits.
    pub(super) fn states_types(&self) -> bool {
        self.stated || self.choices.is_some()
    }

    /// Forgets what the other keywords suggest.
    pub(super) fn overrule(&mut self) {
        self.inferred = Types::NONE;
        self.overruled = true;
    }

    /// Whether `null` is not excluded by a stated type.
    pub(super) fn allows_null(&self) -> bool {
        self.types.has(Types::NULL)
    }

    /// Whether it says at most which keys must be there, and nothing about their types.
    pub(super) fn is_condition(&self) -> bool {
        self.properties.is_empty()
            && self.unions.is_empty()
            && self.items.is_empty()
            && self.prefix.is_empty()
            && self.choices.is_none()
            && !self.nullable
            && (!self.stated || self.types == Types::OBJECT)
    }

    /// Whether it says what is in an object.
    fn says_keys(&self) -> bool {
        !self.properties.is_empty()
            || !self.patterns.is_empty()
            || matches!(self.additional, Additional::Schema(_))
    }

    /// Whether it says more of an object or an array than that it is one.
    pub(super) fn says_more_of(&self, kind: Types) -> bool {
        match kind {
            Types::OBJECT => self.says_keys() || !self.required.is_empty(),
            Types::ARRAY => !self.items.is_empty() || !self.prefix.is_empty() || self.items_closed,
            _ => false,
        }
    }

    /// Whether the unions here need say nothing of the type.
    pub(super) fn has_type_beside_unions(&self) -> bool {
        self.says_keys() || self.stated && !self.types.has(Types::OBJECT)
    }

    /// Narrows what fits to what also fits elsewhere.
    pub(super) fn narrow(&mut self, types: Types) {
        if types != Types::ALL {
            self.types = self.kinds().and(types);
            self.stated = true;
        }
    }

    /// Whether `{}` is the only value.
    pub(super) fn is_empty_object(&self) -> bool {
        self.stated
            && self.types == Types::OBJECT
            && matches!(self.additional, Additional::Closed)
            && self.properties.is_empty()
            && self.patterns.is_empty()
            && self.unions.is_empty()
            && self.choices.is_none()
    }

    /// Whether a number is between these two, both included.
    pub(super) fn is_within(&self, low: f64, high: f64) -> bool {
        let bound = |names: [&str; 2], fits: &dyn Fn(f64) -> bool| {
            let named = self.bounds.iter().filter(|(key, _)| names.contains(key));
            named.filter_map(|(_, value)| value.as_f64()).any(fits)
        };
        bound(["minimum", "exclusiveMinimum"], &|value| value >= low)
            && bound(["maximum", "exclusiveMaximum"], &|value| value <= high)
    }

    /// Whether an object has no keys but those of `properties`.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.additional, Additional::Closed) && self.patterns.is_empty()
    }

    /// The keyword's only value, for a property that is always this.
    pub(super) fn only_choice(&self) -> Option<&'a Value> {
        match self.choices.as_deref() {
            Some([one]) => Some(one),
            _ => None,
        }
    }

    fn choose(&mut self, values: Vec<&'a Value>) {
        self.choices = Some(match self.choices.take() {
            None => values,
            Some(before) => before
                .into_iter()
                .filter(|value| values.iter().any(|other| same(value, other)))
                .collect(),
        });
    }
}

impl<'a> Walk<'a> {
    /// Gathers what all the sources say.
    pub(super) fn collect(&mut self, sources: &[Source<'a>]) -> Facts<'a> {
        let at = sources
            .first()
            .map(|source| source.at.clone())
            .unwrap_or_default();
        let mut facts = Facts::new(at);
        for source in sources {
            self.gather(source, &mut facts, 0);
        }
        if facts.sealed && !facts.conditional && matches!(facts.additional, Additional::Unstated) {
            facts.additional = Additional::Closed;
        }
        facts
    }

    fn gather(&mut self, source: &Source<'a>, facts: &mut Facts<'a>, followed: usize) {
        if !self.spend() || followed > FOLLOW {
            self.lose(
                &source.at,
                "(size)",
                "the schema is too large; given as JSON",
            );
            facts.never = true;
            facts.unread = true;
            return;
        }
        facts.places.push(source.at.clone());
        if let (Some(first), false) = (source.any_of.first(), source.bare) {
            facts.unions.push(Union {
                keyword: "anyOf",
                at: first.at.clone(),
                members: source.any_of.clone(),
            });
        }
        match source.schema {
            Value::Bool(true) => {}
            Value::Bool(false) => {
                self.lose(
                    &source.at,
                    "false",
                    "no value fits the schema; given as JSON",
                );
                facts.never = true;
            }
            Value::Object(map) => {
                let only_reference = self.old_draft && map.contains_key("$ref");
                for (key, value) in map {
                    if only_reference && !says_nothing_beside_reference(key) {
                        self.lose(&source.at, key, OLD_DRAFT);
                    } else {
                        self.keyword(source, map, key, value, facts, followed);
                    }
                }
            }
            _ => {
                self.lose(&source.at, "(schema)", "not a schema; given as JSON");
                facts.never = true;
            }
        }
    }

    fn keyword(
        &mut self,
        source: &Source<'a>,
        map: &'a Map<String, Value>,
        key: &'a str,
        value: &'a Value,
        facts: &mut Facts<'a>,
        followed: usize,
    ) {
        let at = format!("{}/{}", source.at, escape(key));
        let infer = |facts: &mut Facts<'a>, types: Types| facts.inferred = facts.inferred.or(types);
        match key {
            "type" => self.read_type(&source.at, value, facts),
            "nullable" => facts.nullable |= value == &Value::Bool(true),
            "const" => facts.choose(vec![value]),
            "enum" => match value.as_array() {
                Some(values) => facts.choose(values.iter().collect()),
                None => self.lose(&source.at, key, "not a list; left out"),
            },

            "$ref" | "$dynamicRef" | "$recursiveRef" => {
                let target = value.as_str().and_then(|reference| self.resolve(reference));
                match target {
                    Some((place, schema)) => {
                        let mut target = Source::new(schema, format!("{}{place}", self.base));
                        target.bare = source.bare;
                        self.gather(&target, facts, followed + 1);
                    }
                    None => self.lose(
                        &source.at,
                        key,
                        match source.pure_reference() {
                            Some(_) => super::OUTSIDE,
                            None => "points outside this schema, and nothing is fetched; left out",
                        },
                    ),
                }
            }
            "allOf" => {
                for (index, schema) in value.as_array().into_iter().flatten().enumerate() {
                    let mut part = Source::new(schema, format!("{at}/{index}"));
                    part.bare = source.bare;
                    self.gather(&part, facts, followed + 1);
                }
            }
            // No schema may say so, and none that does means that nothing fits.
            "anyOf" | "oneOf" if value.as_array().is_some_and(Vec::is_empty) => {
                self.lose(&source.at, key, "a list of nothing; left out");
            }
            "anyOf" | "oneOf" => {
                facts.conditional = true;
                if !source.bare
                    && let Some(members) = value.as_array()
                {
                    let keyword = if key == "anyOf" { "anyOf" } else { "oneOf" };
                    let members = members
                        .iter()
                        .enumerate()
                        .map(|(index, schema)| Source::new(schema, format!("{at}/{index}")))
                        .collect();
                    facts.unions.push(Union {
                        keyword,
                        at: source.at.clone(),
                        members,
                    });
                }
            }
            "discriminator" => {
                facts.discriminator = value
                    .get("propertyName")
                    .or(Some(value))
                    .and_then(Value::as_str)
                    .or(facts.discriminator);
            }

            "properties" => {
                infer(facts, Types::OBJECT);
                for (name, schema) in value.as_object().into_iter().flatten() {
                    let property = Source::new(schema, format!("{at}/{}", escape(name)));
                    facts
                        .properties
                        .entry(name.as_str())
                        .or_default()
                        .push(property);
                }
            }
            "required" => {
                // Draft 3 and careless servers write a boolean into the property itself.
                if let Some(names) = value.as_array() {
                    infer(facts, Types::OBJECT);
                    facts
                        .required
                        .extend(names.iter().filter_map(Value::as_str));
                } else {
                    self.lose(&source.at, key, "not a list of names; left out");
                }
            }
            "additionalProperties" => {
                infer(facts, Types::OBJECT);
                match value {
                    Value::Bool(false) => facts.additional = Additional::Closed,
                    // What one of several schemas forbids, none allows.
                    _ if matches!(facts.additional, Additional::Closed) => {}
                    Value::Bool(true) => facts.additional = Additional::Any,
                    Value::Object(map) if map.is_empty() => facts.additional = Additional::Any,
                    schema => {
                        facts.additional = Additional::Schema(vec![source.child(schema, key)])
                    }
                }
            }
            "patternProperties" => {
                infer(facts, Types::OBJECT);
                self.lose(
                    &source.at,
                    key,
                    "which keys match is checked at run time, not by the type",
                );
                for (name, schema) in value.as_object().into_iter().flatten() {
                    facts
                        .patterns
                        .push(Source::new(schema, format!("{at}/{}", escape(name))));
                }
            }

            "prefixItems" | "unevaluatedItems" | "unevaluatedProperties" if self.old_draft => {
                self.lose(&source.at, key, OLD_DRAFT);
            }
            "prefixItems" => {
                infer(facts, Types::ARRAY);
                self.read_prefix(source, key, value, facts);
            }
            "items" => {
                infer(facts, Types::ARRAY);
                match value {
                    Value::Array(_) => self.read_prefix(source, key, value, facts),
                    Value::Bool(false) => facts.items_closed = true,
                    schema => facts.items.push(source.child(schema, key)),
                }
            }
            "additionalItems" => match value {
                Value::Bool(false) => facts.items_closed = true,
                schema if map.get("items").is_some_and(Value::is_array) => {
                    facts.items.push(source.child(schema, key));
                }
                _ => {}
            },
            "minItems" | "maxItems" => {
                infer(facts, Types::ARRAY);
                let count = value.as_u64();
                if key == "minItems" {
                    facts.min_items = count;
                } else {
                    facts.max_items = count;
                }
                let tuple = map.contains_key("prefixItems")
                    || map.get("items").is_some_and(Value::is_array);
                let says_nothing = key == "minItems" && count == Some(0);
                if !tuple && !says_nothing {
                    facts.bounds.push((key, value));
                    self.lose(&source.at, key, CHECKED);
                }
            }

            // Bounds: no types. The host checks them against the original schema.
            "minLength" | "maxLength" | "pattern" => {
                infer(facts, Types::STRING);
                facts.bounds.push((key, value));
                self.lose(&source.at, key, CHECKED);
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
                infer(facts, Types::NUMBER);
                facts.bounds.push((key, value));
                self.lose(&source.at, key, CHECKED);
            }
            "uniqueItems" if value == &Value::Bool(false) => {}
            "uniqueItems" | "contains" | "minContains" | "maxContains" | "unevaluatedItems" => {
                infer(facts, Types::ARRAY);
                facts.bounds.push((key, value));
                self.lose(&source.at, key, CHECKED);
            }
            "unevaluatedProperties" if value == &Value::Bool(false) => {
                infer(facts, Types::OBJECT);
                facts.sealed = true;
            }
            "minProperties" | "maxProperties" | "unevaluatedProperties" => {
                infer(facts, Types::OBJECT);
                facts.bounds.push((key, value));
                self.lose(&source.at, key, CHECKED);
            }
            "propertyNames" => {
                infer(facts, Types::OBJECT);
                // Keys are strings anyway.
                let plain = value.as_object().is_some_and(|map| {
                    map.iter()
                        .all(|(key, value)| key == "type" && value == "string")
                });
                if !plain && value != &Value::Bool(true) {
                    facts.bounds.push((key, value));
                    self.lose(&source.at, key, CHECKED);
                }
            }
            "if" | "then" | "else" | "not" | "dependencies" | "dependentRequired"
            | "dependentSchemas" => {
                facts.conditional = true;
                self.lose(&source.at, key, CHECKED);
            }
            "format" | "contentEncoding" | "contentMediaType" | "contentSchema" => {
                facts.bounds.push((key, value));
                self.lose(&source.at, key, FORMAT);
            }
            "readOnly" | "writeOnly" => self.lose(&source.at, key, BOTH_WAYS),

            // Read where documentation is made.
            "title" => facts.title = facts.title.or(value.as_str()),
            "description" => facts.description = facts.description.or(value.as_str()),
            "default" | "examples" | "example" | "deprecated" => {}
            // Names of places, read by `resolve`, and notes between schema authors.
            "$schema" | "$id" | "id" | "$anchor" | "$dynamicAnchor" | "$recursiveAnchor"
            | "$vocabulary" | "$comment" | "$defs" | "definitions" => {}
            "x-fastmcp-wrap-result" => {}
            _ => self.lose(&source.at, key, NO_EFFECT),
        }
    }

    fn read_type(&mut self, at: &str, value: &'a Value, facts: &mut Facts<'a>) {
        let names: Vec<&Value> = match value {
            Value::Array(names) => names.iter().collect(),
            one => vec![one],
        };
        // One unknown name may mean anything, as validation reads it too.
        let named = names.iter().map(|name| Types::named(name.as_str()?));
        match named.collect::<Option<Vec<_>>>() {
            Some(named) if !named.is_empty() => {
                let types = named.into_iter().fold(Types::NONE, Types::or);
                facts.types = facts.types.and(types);
                facts.stated = true;
            }
            Some(_) => {}
            None => self.lose(at, "type", "not a JSON type; left out"),
        }
    }

    fn read_prefix(
        &mut self,
        source: &Source<'a>,
        key: &str,
        value: &'a Value,
        facts: &mut Facts<'a>,
    ) {
        let elements = value.as_array().into_iter().flatten();
        let elements: Vec<_> = elements
            .enumerate()
            .map(|(index, schema)| source.child(schema, &format!("{key}/{index}")))
            .collect();
        if !facts.prefix.is_empty() {
            self.lose(&source.at, key, "stated twice; the first one counts");
        } else if elements.is_empty() {
            facts.items_closed |= value.is_array();
        } else {
            facts.prefix = elements;
        }
    }
}

/// What follows where the type is not stated, and other keywords suggest one.
pub(super) const GUESSED: &str = "not stated; taken from the other keywords";
/// What follows for a keyword that no type expresses.
pub(super) const CHECKED: &str = "not part of the type; checked at run time";
/// What follows for a format.
pub(super) const FORMAT: &str = "the type is the plain one; the format is a note of the server";
/// What follows for a field that only one side should send.
pub(super) const BOTH_WAYS: &str = "the field is there in both directions";
/// What follows for a key that is no keyword.
pub(super) const NO_EFFECT: &str = "not a keyword of JSON Schema; it has no effect";
/// What follows for a key that is a keyword elsewhere.
pub(super) const OLD_DRAFT: &str = "has no effect in the draft of JSON Schema that this one is of";
