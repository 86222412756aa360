//! What documentation says of a place in a schema: the server's own words, and in a line each what the types do not say.
//! All of it is untrusted text, cleaned and cut.

use serde_json::Value;

use super::Walk;
use super::facts::Facts;
use super::source::Source;
use crate::model::Type;
use crate::text;

/// Longest value of a keyword that is told, in characters.
const VALUE: usize = 80;
/// How deep lists in lists and unions in unions are looked into.
const LEVELS: usize = 4;
/// Most lines on what the types do not say.
const LINES: usize = 8;

/// What a property's schema says about itself.
#[derive(Debug, Default)]
struct Notes<'a> {
    description: Option<&'a str>,
    default: Option<&'a Value>,
    example: Option<&'a Value>,
    deprecated: bool,
}

impl<'a> Walk<'a> {
    /// A field's documentation, and its default as the schema states it.
    pub(super) fn document(
        &mut self,
        sources: &[Source<'a>],
        ty: &Type,
    ) -> (Option<String>, Option<Value>) {
        let notes = self.notes(sources);
        let mut parts: Vec<String> = Vec::new();
        if notes.deprecated {
            parts.push("Deprecated.".to_string());
        }
        if let Some(description) = notes.description {
            parts.extend(text::clean(description, text::FIELD_LIMIT));
        }
        parts.extend(self.listed(sources, ty));
        if let Some(example) = notes.example {
            parts.extend(text::clean(&format!("Example: `{example}`"), 120));
        }
        let mut lines = Vec::new();
        self.untyped(sources, ty, 0, &mut lines);
        parts.append(&mut lines);
        let doc = (!parts.is_empty()).then(|| parts.join("\n"));
        (doc, notes.default.cloned())
    }

    /// A named type's documentation.
    pub(super) fn document_type(&self, facts: &Facts<'a>) -> Option<String> {
        let mut parts = Vec::new();
        let description = facts.description;
        parts.extend(description.and_then(|words| text::clean(words, text::FIELD_LIMIT)));
        let mut lines = Vec::new();
        self.lines(facts, &mut lines);
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
        for source in sources {
            let target = source
                .schema
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| self.resolve(reference))
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
        let sentence = format!("One of {}{more}.", shown.join(", "));
        text::clean(&sentence, text::FIELD_LIMIT)
    }

    /// Lines on what the types do not say at a place, and inside of it down to the next named type, which has its own.
    fn untyped(&mut self, sources: &[Source<'a>], ty: &Type, level: usize, out: &mut Vec<String>) {
        if matches!(ty, Type::Def(_)) || level > LEVELS || sources.is_empty() {
            return;
        }
        let facts = self.collect(sources);
        self.lines(&facts, out);
        if let Type::List(inner) = ty {
            self.untyped(&facts.items, inner, level + 1, out);
        }
        // `null` or something else.
        if let Type::Nullable(inner) = ty {
            for union in &facts.unions {
                for member in &union.members {
                    self.untyped(std::slice::from_ref(member), inner, level + 1, out);
                }
            }
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
