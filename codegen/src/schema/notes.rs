//! What documentation says of a place in a schema: the server's own words, and in a line each what the types do not say.
//! All of it is untrusted text, cleaned and cut.

use serde_json::Value;

use super::Walk;
use super::facts::{Additional, Facts};
use super::source::Source;
use super::types::Types;
use crate::model::{Stated, Type};
use crate::text;

/// Longest value of a keyword that is told, in characters.
const VALUE: usize = 80;
/// How deep lists in lists and unions in unions are looked into.
const LEVELS: usize = 4;
/// Most lines on what the types do not say.
const LINES: usize = 8;

/// Most schemas that are read for the words on one field.
const READ: usize = 16;
/// Most members of a union that are looked at for words.
const CASES: usize = 64;
/// Longest words on a part, in characters.
const WORDS: usize = 240;

/// What documentation has said already.
#[derive(Debug, Clone, Copy)]
struct Told<'a> {
    description: Option<&'a str>,
    /// Whether the values that fit are listed, or cases of an enum.
    values: bool,
}

/// What is told of a place and of what is inside of it.
#[derive(Debug, Default)]
struct Telling {
    lines: Vec<String>,
    /// What is checked of the field, and of each element of the list that it is.
    bounds: Vec<(String, Value)>,
    items: Vec<(String, Value)>,
}

/// What a place is to the field.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Field,
    Items,
    Inner(&'a str),
}

impl<'a> Part<'a> {
    fn name(self) -> Option<&'a str> {
        match self {
            Part::Field => None,
            Part::Items => Some("Items"),
            Part::Inner(name) => Some(name),
        }
    }
}

/// What a property's schema says about itself.
#[derive(Debug, Default)]
struct Notes<'a> {
    description: Option<&'a str>,
    default: Option<&'a Value>,
    example: Option<&'a Value>,
    deprecated: bool,
}

impl<'a> Walk<'a> {
    /// A field's documentation, its default as the schema states it, and the pieces that the documentation is made of.
    pub(super) fn document(
        &mut self,
        sources: &[Source<'a>],
        ty: &Type,
    ) -> (Option<String>, Option<Value>, Stated) {
        let notes = self.notes(sources);
        let mut parts: Vec<String> = Vec::new();
        if notes.deprecated {
            parts.push("Deprecated.".to_string());
        }
        let description = notes
            .description
            .and_then(|words| text::clean(words, text::FIELD_LIMIT));
        parts.extend(description.clone());
        let values = self.listed(sources, ty);
        let listed = one_of(&values);
        let told = Told {
            description: notes.description,
            values: listed.is_some(),
        };
        parts.extend(listed);
        if let Some(example) = notes.example {
            parts.extend(text::clean(&format!("Example: `{example}`"), 120));
        }
        let mut telling = Telling::default();
        self.untyped(sources, ty, 0, Part::Field, told, &mut telling);
        parts.append(&mut telling.lines);
        let doc = (!parts.is_empty()).then(|| parts.join("\n"));
        let stated = Stated {
            description,
            deprecated: notes.deprecated,
            values: values.into_iter().cloned().collect(),
            bounds: telling.bounds,
            items: telling.items,
        };
        (doc, notes.default.cloned(), stated)
    }

    /// A named type's documentation.
    pub(super) fn document_type(&mut self, facts: &Facts<'a>) -> Option<String> {
        let mut parts = Vec::new();
        let description = facts.description;
        parts.extend(description.and_then(|words| text::clean(words, text::FIELD_LIMIT)));
        parts.extend(facts.choices.as_deref().and_then(one_of));
        let mut lines = Vec::new();
        self.lines(facts, &mut lines);
        let told = Told {
            description,
            values: true,
        };
        self.cases(&facts.alternatives, told, 0, &mut lines);
        parts.append(&mut lines);
        (!parts.is_empty()).then(|| parts.join("\n"))
    }

    /// What a tool's arguments or result as a whole lose, where no type is there to say it.
    pub(super) fn document_root(&mut self, schema: &'a Value, at: &str) -> Vec<String> {
        let facts = self.collect(&[Source::new(schema, at.to_string())]);
        let mut lines = Vec::new();
        self.lines(&facts, &mut lines);
        lines
    }

    fn notes(&self, sources: &[Source<'a>]) -> Notes<'a> {
        let mut notes = Notes::default();
        let mut left = READ;
        for source in sources {
            self.read_notes(source.schema, &mut notes, &mut left);
            for one in &source.any_of {
                self.read_notes(one.schema, &mut notes, &mut left);
            }
        }
        notes
    }

    /// The first that is said of each, here and in what is this schema by another name. `left` are the schemas that may
    /// still be read.
    fn read_notes(&self, schema: &'a Value, notes: &mut Notes<'a>, left: &mut usize) {
        if *left == 0 {
            return;
        }
        *left -= 1;
        notes.description = notes
            .description
            .or(schema.get("description").and_then(Value::as_str));
        notes.default = notes.default.or(schema.get("default"));
        notes.example = notes
            .example
            .or(schema.get("examples").and_then(|examples| examples.get(0)))
            .or(schema.get("example"));
        notes.deprecated |= schema.get("deprecated") == Some(&Value::Bool(true));
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some((_, target)) = reference.and_then(|reference| self.resolve(reference)) {
            self.read_notes(target, notes, left);
        }
        let list = |key: &str| schema.get(key).and_then(Value::as_array);
        for part in list("allOf").into_iter().flatten().take(READ) {
            self.read_notes(part, notes, left);
        }
        // `null` or this.
        for members in ["anyOf", "oneOf"].into_iter().filter_map(list) {
            let mut others = members.iter().filter(|member| !is_null(member));
            if let (Some(one), None) = (others.next(), others.next()) {
                self.read_notes(one, notes, left);
            }
        }
    }

    /// The values of an `enum` that became a plain string or number.
    fn listed(&mut self, sources: &[Source<'a>], ty: &Type) -> Vec<&'a Value> {
        let plain = match ty {
            Type::Nullable(inner) => inner,
            ty => ty,
        };
        if !matches!(plain, Type::String | Type::Integer | Type::Number) {
            return Vec::new();
        }
        self.choices_of(sources, 0).unwrap_or_default()
    }

    /// The values that the sources list, where all members of a union do.
    fn choices_of(&mut self, sources: &[Source<'a>], level: usize) -> Option<Vec<&'a Value>> {
        let facts = self.collect(sources);
        if facts.choices.is_some() || level > LEVELS {
            return facts.choices;
        }
        let [union] = facts.unions.as_slice() else {
            return None;
        };
        let mut values = Vec::new();
        for member in union.members.iter().filter(|one| !is_null(one.schema)) {
            values.append(&mut self.choices_of(std::slice::from_ref(member), level + 1)?);
        }
        (!values.is_empty()).then_some(values)
    }

    /// What the types do not say at a place, and inside of it down to the next named type, which has its own. `part` is
    /// what the place is to the field.
    fn untyped(
        &mut self,
        sources: &[Source<'a>],
        ty: &Type,
        level: usize,
        part: Part<'_>,
        told: Told<'a>,
        out: &mut Telling,
    ) {
        if matches!(ty, Type::Def(_)) || level > LEVELS || sources.is_empty() {
            return;
        }
        let facts = self.collect(sources);
        if let (Some(part), Some(words)) = (part.name(), facts.description) {
            push_words(part, words, &mut out.lines);
        }
        self.lines(&facts, &mut out.lines);
        let bounds = facts.bounds.iter();
        let bounds = bounds.map(|(key, value)| ((*key).to_string(), (*value).clone()));
        match part {
            Part::Field => out.bounds.extend(bounds),
            Part::Items => out.items.extend(bounds),
            Part::Inner(_) => {}
        }
        let next = level + 1;
        match ty {
            Type::List(inner) => {
                let part = match part {
                    Part::Field => Part::Items,
                    Part::Items | Part::Inner(_) => Part::Inner("Items"),
                };
                self.untyped(&facts.items, inner, next, part, told, out);
            }
            Type::Map(inner) => {
                let part = Part::Inner("Values");
                if let Additional::Schema(values) = &facts.additional {
                    self.untyped(values, inner, next, part, told, out);
                }
                for pattern in &facts.patterns {
                    let one = std::slice::from_ref(pattern);
                    self.untyped(one, inner, next, part, told, out);
                }
            }
            Type::Tuple(elements) => {
                for (index, (source, ty)) in facts.prefix.iter().zip(elements).enumerate() {
                    let part = format!("Element {index}");
                    let one = std::slice::from_ref(source);
                    self.untyped(one, ty, next, Part::Inner(&part), told, out);
                }
            }
            _ => {}
        }
        let inner = match ty {
            Type::Nullable(inner) => inner,
            ty => ty,
        };
        for union in &facts.unions {
            let others = union.members.iter().filter(|one| !is_null(one.schema));
            if others.count() > 1 && !matches!(inner, Type::Def(_)) {
                self.cases(&union.members, told, level, &mut out.lines);
            } else if let Type::Nullable(_) = ty {
                for member in &union.members {
                    let one = std::slice::from_ref(member);
                    self.untyped(one, inner, next, part, told, out);
                }
            }
        }
    }

    /// A line for each member of a union of which the schema says more than the types do.
    fn cases(
        &mut self,
        members: &[Source<'a>],
        told: Told<'a>,
        level: usize,
        out: &mut Vec<String>,
    ) {
        let mut all: Vec<Facts<'a>> = Vec::new();
        for member in members.iter().take(CASES) {
            all.push(self.collect(std::slice::from_ref(member)));
        }
        // Listed strings beside any string are one string.
        let plain = all.iter().any(|facts| {
            facts.choices.is_none() && facts.unions.is_empty() && facts.kinds().has(Types::STRING)
        });
        for facts in all.iter().filter(|facts| !facts.never) {
            if level < LEVELS {
                for union in &facts.unions {
                    self.cases(&union.members, told, level + 1, out);
                }
            }
            // A record has documentation of its own.
            if !facts.properties.is_empty() {
                continue;
            }
            let values = facts.choices.as_deref().unwrap_or_default();
            let untold = !told.values || plain || !values.iter().all(|value| value.is_string());
            let list = one_of(values).filter(|_| untold);
            let words = facts
                .description
                .filter(|words| told.description != Some(words));
            let name = match values {
                [one] => text::clean(&format!("`{one}`"), VALUE).unwrap_or_default(),
                _ => facts.kinds().name().to_string(),
            };
            let words = match (list, words) {
                (Some(list), Some(words)) => format!("{list} {words}"),
                (Some(list), None) if values.len() > 1 || plain => list,
                (_, Some(words)) => words.to_string(),
                _ => continue,
            };
            push_words(&name, &words, out);
        }
    }

    /// What is checked at run time, and what is lost, at the places that the facts come from.
    fn lines(&self, facts: &Facts<'a>, out: &mut Vec<String>) {
        let checked: Vec<String> = facts
            .bounds
            .iter()
            .map(|(key, value)| {
                let value = match value {
                    Value::String(text) => text.clone(),
                    value => value.to_string(),
                };
                let value = text::clean(&value, VALUE).unwrap_or_default();
                format!("{key} `{}`", value.replace(['`', '\n'], " "))
            })
            .collect();
        if !checked.is_empty() {
            push(format!("Checked: {}.", checked.join(", ")), out);
        }
        let here = |at: &String| facts.places.contains(at);
        for loss in self.losses.iter().filter(|loss| here(&loss.pointer)) {
            if is_worth_a_line(&loss.keyword, &loss.consequence) {
                let keyword = text::clean(&loss.keyword, VALUE).unwrap_or_default();
                push(format!("Not typed ({keyword}): {}.", loss.consequence), out);
            }
        }
    }
}

/// The values of a list, as a sentence.
fn one_of(values: &[&Value]) -> Option<String> {
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
    let sentence = format!("One of {}{more}.", shown.join(", "));
    (!shown.is_empty()).then(|| text::clean(&sentence, text::FIELD_LIMIT))?
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|ty| ty == "null") || schema.get("const") == Some(&Value::Null)
}

/// What is said of a part, in one line.
fn push_words(part: &str, words: &str, out: &mut Vec<String>) {
    if let Some(words) = text::clean(words, WORDS) {
        push(format!("{part}: {}", words.replace('\n', " ")), out);
    }
}

fn push(line: String, out: &mut Vec<String>) {
    if out.len() < LINES && !out.contains(&line) {
        out.push(line);
    }
}

/// Bounds and listed values have a line of their own, numbers are the same everywhere, a function without arguments shows
/// itself, and what has no effect is not missed.
fn is_worth_a_line(keyword: &str, consequence: &str) -> bool {
    let told = consequence == super::facts::CHECKED && !is_condition(keyword)
        || consequence == super::facts::FORMAT
        || consequence == super::facts::NO_EFFECT
        || consequence == super::facts::OLD_DRAFT
        || consequence == super::NO_ARGUMENTS
        || keyword == "enum" && consequence.ends_with(super::choice::LISTED);
    let number = keyword == "type" && consequence.contains("64");
    !told && !number && !matches!(keyword, "readOnly" | "writeOnly")
}

/// Keywords that are checked and too long to be told.
fn is_condition(keyword: &str) -> bool {
    matches!(
        keyword,
        "if" | "then" | "else" | "not" | "dependencies" | "dependentRequired" | "dependentSchemas"
    )
}
