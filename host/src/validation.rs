//! Validation against JSON Schema as servers send it: schemas made ready once, bounded in time, and violations in words for
//! a program's author. Nothing is fetched.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jsonschema::{Validator, ValidatorMap};
use serde_json::Value;

/// A schema made ready, once.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) validator: Result<Arc<Validator>, String>,
    /// What is no JSON Schema and was left out, as pointers.
    pub(crate) left_out: Vec<String>,
    /// The schema without that, where something was left out.
    mended: Option<Value>,
    /// Every place of the schema, for unions that only these tell apart.
    places: OnceLock<Option<ValidatorMap>>,
    /// It is read as draft-07 although it does not say so.
    old_draft: bool,
    /// References make it larger than it looks, so that validating may take long.
    heavy: bool,
    /// It took too long once and is not tried again.
    given_up: Arc<AtomicBool>,
}

/// Longest time one validation may take.
const VALIDATION_TIME: Duration = Duration::from_secs(2);

/// Schema places, references followed, up to which a schema is validated in place.
const LIGHT: usize = 5_000;

/// Most places of a schema that are left out before it is given up.
const BLEMISHES: usize = 100;

/// How a value breaks a schema. Names fields, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer into the value; empty for the whole.
    pub at: String,
    /// What is wrong, without the value itself.
    pub why: String,
}

fn options(old_draft: bool) -> jsonschema::ValidationOptions<'static> {
    let options = jsonschema::options();
    if old_draft {
        options.with_draft(jsonschema::Draft::Draft7)
    } else {
        options
    }
}

/// Makes a schema ready. What is no JSON Schema in it is left out, so that one slip of a server's author does not take the
/// whole tool away.
pub(crate) fn compile(schema: &Value) -> Compiled {
    let heavy = expansion(schema, schema, &mut Vec::new(), LIGHT).is_none();
    let mut built = options(false).build(schema);
    let mut old_draft = false;
    // Who names no draft may still write one of old, where `items` is a list; MCP means 2020-12.
    if built.is_err()
        && schema.get("$schema").is_none()
        && let Ok(validator) = options(true).build(schema)
    {
        (built, old_draft) = (Ok(validator), true);
    }
    let (mut mended, mut left_out) = (None, Vec::new());
    if built.is_err() {
        let mut copy = schema.clone();
        while let Err(error) = &built
            && left_out.len() < BLEMISHES
            && let Some(at) = leave_out(&mut copy, error)
        {
            left_out.push(at);
            built = options(false).build(&copy);
        }
        mended = Some(copy);
    }
    Compiled {
        validator: built.map(Arc::new).map_err(|e| fault(&e)),
        left_out,
        mended,
        places: OnceLock::new(),
        old_draft,
        heavy,
        given_up: Arc::default(),
    }
}

/// Takes the keyword that an error is about out of a schema, or the references that lead nowhere; returns where.
fn leave_out(schema: &mut Value, error: &jsonschema::ValidationError<'_>) -> Option<String> {
    use jsonschema::error::ValidationErrorKind as K;
    if let K::Referencing(_) = error.kind() {
        let at = dangling(schema, schema, String::new(), 0)?;
        let holder = schema.pointer_mut(&at)?.as_object_mut()?;
        holder.retain(|key, _| !key.ends_with("ef") || !key.starts_with('$'));
        return Some(at);
    }
    // The instance is the schema, held against what schemas must be.
    let at = error.instance_path().to_string();
    let (holder, key) = at.rsplit_once('/')?;
    let key = key.replace("~1", "/").replace("~0", "~");
    match schema.pointer_mut(holder)? {
        Value::Object(map) => drop(map.shift_remove(&key)?),
        Value::Array(items) => {
            let index: usize = key.parse().ok().filter(|index| *index < items.len())?;
            items.remove(index);
        }
        _ => return None,
    }
    Some(at)
}

/// The first place with a reference to what is not in the schema.
fn dangling(root: &Value, schema: &Value, at: String, depth: usize) -> Option<String> {
    if depth > witgate_codegen::json::DEPTH {
        return None;
    }
    match schema {
        Value::Object(map) => {
            let leads_nowhere = |key: &str| {
                let reference = map.get(key).and_then(Value::as_str);
                reference.is_some_and(|reference| match reference.strip_prefix('#') {
                    Some(pointer) if pointer.is_empty() || pointer.starts_with('/') => {
                        root.pointer(pointer).is_none()
                    }
                    // An anchor may be anywhere; another document is nowhere.
                    Some(_) => false,
                    None => true,
                })
            };
            if ["$ref", "$dynamicRef", "$recursiveRef"]
                .into_iter()
                .any(leads_nowhere)
            {
                return Some(at);
            }
            map.iter().find_map(|(key, inner)| {
                let key = key.replace('~', "~0").replace('/', "~1");
                dangling(root, inner, format!("{at}/{key}"), depth + 1)
            })
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, inner)| dangling(root, inner, format!("{at}/{index}"), depth + 1)),
        _ => None,
    }
}

fn fault(error: &jsonschema::ValidationError<'_>) -> String {
    use jsonschema::error::ValidationErrorKind as K;
    match error.kind() {
        K::Referencing(_) => "the tool's schema refers to a place that is not in it".to_owned(),
        // The instance is the schema, held against what schemas must be.
        _ => format!(
            "the tool's schema is not valid at `{}`",
            clip(&error.instance_path().to_string())
        ),
    }
}

/// Places of a schema with references followed; `None` where these are more than `budget`, or where it refers to itself.
fn expansion(root: &Value, schema: &Value, open: &mut Vec<String>, budget: usize) -> Option<usize> {
    let mut count = 1_usize;
    let mut add = |part: Option<usize>| {
        count = count.checked_add(part?)?;
        (count <= budget).then_some(())
    };
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(reference) if key.ends_with("ef") && key.starts_with('$') => {
                        if open.len() > 64 || open.iter().any(|o| o == reference) {
                            return None;
                        }
                        let pointer = reference.strip_prefix('#').unwrap_or(reference);
                        if let Some(target) = root.pointer(pointer) {
                            open.push(reference.to_owned());
                            add(expansion(root, target, open, budget))?;
                            open.pop();
                        }
                    }
                    _ if key == "$defs" || key == "definitions" => {}
                    _ => add(expansion(root, value, open, budget))?,
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                add(expansion(root, item, open, budget))?;
            }
        }
        _ => {}
    }
    Some(count)
}

impl Compiled {
    /// Holds a value against the schema.
    ///
    /// # Errors
    /// The first violation; for unknown and missing keys, all of one object.
    pub(crate) async fn check(&self, schema: &Value, value: &Value) -> Result<(), Violation> {
        let whole = |why: String| Violation {
            at: String::new(),
            why,
        };
        let validator = self.validator.as_ref().map_err(|why| whole(why.clone()))?;
        if !self.heavy {
            return validator
                .validate(value)
                .map_err(|e| violation(&e, schema, value));
        }
        // A hostile schema can make validation take for ever. It then runs apart and is given up after a while; the thread
        // that is lost with it is the only one that this schema gets.
        let too_long =
            || whole("cannot be validated: the tool's schema takes too long to evaluate".into());
        if self.given_up.load(Ordering::Relaxed) {
            return Err(too_long());
        }
        let (validator, schema, value) = (Arc::clone(validator), schema.clone(), value.clone());
        let work = tokio::task::spawn_blocking(move || {
            validator
                .validate(&value)
                .map_err(|e| violation(&e, &schema, &value))
        });
        match tokio::time::timeout(VALIDATION_TIME, work).await {
            Ok(Ok(checked)) => checked,
            Ok(Err(_)) | Err(_) => {
                self.given_up.store(true, Ordering::Relaxed);
                Err(too_long())
            }
        }
    }

    /// Whether a value fits the schema at this pointer of it. A schema that is too large to be asked in place is taken to
    /// fit everything.
    pub(crate) fn fits(&self, schema: &Value, at: &str, value: &Value) -> bool {
        let places = self.places.get_or_init(|| {
            let schema = self.mended.as_ref().unwrap_or(schema);
            let map = || options(self.old_draft).build_map(schema).ok();
            if self.heavy { None } else { map() }
        });
        match places.as_ref().and_then(|map| map.get(&format!("#{at}"))) {
            Some(validator) => validator.is_valid(value),
            None => true,
        }
    }
}

fn violation(error: &jsonschema::ValidationError<'_>, schema: &Value, value: &Value) -> Violation {
    use jsonschema::error::ValidationErrorKind as K;
    let at = clip(&error.instance_path().to_string()).into_owned();
    let why = match error.kind() {
        K::AdditionalProperties { unexpected } | K::UnevaluatedProperties { unexpected } => {
            let known = known_keys(error, schema);
            unexpected
                .iter()
                .take(10)
                .map(|key| {
                    let near = nearest(key, &known);
                    format!("`{}` is not known{near}", clip(key))
                })
                .collect::<Vec<_>>()
                .join("; ")
        }
        K::Required { property } => {
            let first = property.as_str().unwrap_or("?");
            let missing = missing_keys(error, schema, value);
            match missing.as_slice() {
                [] | [_] => format!("`{first}` is missing"),
                keys => format!("{} are missing", keys.join(", ")),
            }
        }
        K::Type { kind } => format!("must be {}", type_names(kind)),
        K::Enum { options } => format!("must be one of {}", clip_long(&options.to_string())),
        K::Constant { expected_value } => {
            format!("must be {}", clip_long(&expected_value.to_string()))
        }
        K::Minimum { limit } => format!("must be at least {limit}"),
        K::Maximum { limit } => format!("must be at most {limit}"),
        K::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        K::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        K::MinLength { limit } => format!("must have at least {limit} characters"),
        K::MaxLength { limit } => format!("must have at most {limit} characters"),
        K::MinItems { limit } => format!("must have at least {limit} items"),
        K::MaxItems { limit } => format!("must have at most {limit} items"),
        K::Pattern { pattern } => format!("must match the pattern `{pattern}`"),
        K::Format { format } => format!("must be a valid `{format}`"),
        K::AnyOf { context } | K::OneOfNotValid { context } => {
            return none_of(&at, context, schema, value);
        }
        K::OneOfMultipleValid { .. } => {
            "fits more than one of the alternatives, and must fit one".into()
        }
        _ => format!("breaks the schema at `{}`", error.schema_path()),
    };
    Violation { at, why }
}

/// A value that fits none of several schemas: what is wrong by the one that it comes nearest to.
fn none_of(
    at: &str,
    context: &[Vec<jsonschema::ValidationError<'static>>],
    schema: &Value,
    value: &Value,
) -> Violation {
    use jsonschema::error::ValidationErrorKind as K;
    let depth = |error: &jsonschema::ValidationError<'_>| {
        error.instance_path().to_string().matches('/').count()
    };
    // Another type or another tag is another thing; a fault further inside is a slip.
    let rank = |errors: &&Vec<jsonschema::ValidationError<'static>>| {
        let other = errors
            .iter()
            .filter(|error| matches!(error.kind(), K::Type { .. } | K::Constant { .. }))
            .count();
        let deepest = errors.iter().map(depth).max().unwrap_or(0);
        (other, usize::MAX - deepest, errors.len())
    };
    let nearest = context
        .iter()
        .filter(|errors| !errors.is_empty())
        .min_by_key(rank);
    let why = match nearest.and_then(|errors| errors.first()) {
        Some(error) => {
            let inner = violation(error, schema, value);
            let inside = inner.at.strip_prefix(at).unwrap_or(&inner.at);
            let place = if inside.is_empty() {
                String::new()
            } else {
                format!("`{}` ", clip(inside))
            };
            format!(
                "fits none of {} alternatives; by the nearest, {place}{}",
                context.len(),
                clip_long(&inner.why)
            )
        }
        None => "fits none of the alternatives".into(),
    };
    Violation {
        at: at.to_owned(),
        why,
    }
}

fn type_names(kind: &jsonschema::error::TypeKind) -> String {
    use jsonschema::error::TypeKind;
    match kind {
        TypeKind::Single(ty) => article(&ty.to_string()),
        TypeKind::Multiple(types) => types
            .iter()
            .map(|t| article(&t.to_string()))
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

fn article(name: &str) -> String {
    match name {
        "null" => "null".into(),
        "array" | "integer" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

/// Every required key that the object in error lacks, quoted.
fn missing_keys(
    error: &jsonschema::ValidationError<'_>,
    schema: &Value,
    value: &Value,
) -> Vec<String> {
    let object = value.pointer(&error.instance_path().to_string());
    let required = schema.pointer(&error.schema_path().to_string());
    required
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|key| object.is_some_and(|o| o.get(key).is_none()))
        .take(10)
        .map(|key| format!("`{}`", clip(key)))
        .collect()
}

fn clip_long(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{} ...", &text[..end]).into(),
        None => text.into(),
    }
}

/// A name that a program or server chose, short enough for a message.
fn clip(name: &str) -> std::borrow::Cow<'_, str> {
    match name.char_indices().nth(80) {
        Some((end, _)) => format!("{} ...", &name[..end]).into(),
        None => name.into(),
    }
}

/// The property names that the object in error may have, read off the schema where the error stands.
fn known_keys(error: &jsonschema::ValidationError<'_>, schema: &Value) -> Vec<String> {
    let pointer = error.schema_path().to_string();
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    schema
        .pointer(parent)
        .and_then(|s| s.get("properties"))
        .and_then(Value::as_object)
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default()
}

fn nearest(key: &str, known: &[String]) -> String {
    if known.is_empty() {
        return String::new();
    }
    let best = known
        .iter()
        .map(|k| (strsim::jaro_winkler(key, k), k))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.75);
    match best {
        Some((_, name)) => format!(", did you mean `{name}`?"),
        None => {
            let mut names: Vec<_> = known.iter().map(|k| format!("`{k}`")).collect();
            names.truncate(12);
            format!(", allowed are {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_slip_in_a_schema_takes_nothing_but_itself_away() {
        for (slip, at) in [
            (
                json!({"type": "string", "required": true}),
                "/properties/a/required",
            ),
            (json!({"type": "any"}), "/properties/a/type"),
            (
                json!({"type": "string", "minLength": "3"}),
                "/properties/a/minLength",
            ),
            (
                json!({"type": "string", "pattern": "[a-"}),
                "/properties/a/pattern",
            ),
            (json!({"anyOf": []}), "/properties/a/anyOf"),
            (json!({"$ref": "#/$defs/none"}), "/properties/a"),
            (
                json!({"$ref": "https://example.com/a.json"}),
                "/properties/a",
            ),
            (json!({"type": ["string", "text"]}), "/properties/a/type/1"),
        ] {
            let schema =
                json!({"type": "object", "properties": {"a": slip, "b": {"type": "integer"}}});
            let compiled = compile(&schema);
            assert_eq!(compiled.validator.as_ref().err(), None, "{schema}");
            assert_eq!(compiled.left_out, [at], "{schema}");
            let good = json!({"a": "x", "b": 1});
            assert_eq!(compiled.check(&schema, &good).await, Ok(()), "{schema}");
            let bad = compiled.check(&schema, &json!({"a": "x", "b": "y"})).await;
            assert_eq!(bad.unwrap_err().at, "/b", "{schema}");
        }
        let sound = json!({"type": "object", "properties": {"required": {"type": "boolean"}}});
        assert!(compile(&sound).left_out.is_empty());
    }

    #[tokio::test]
    async fn a_value_that_fits_no_alternative_is_told_of_the_nearest() {
        let schema = json!({"type": "object", "properties": {"s": {"oneOf": [
            {"type": "object", "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}}, "required": ["kind", "r"]},
            {"type": "object", "properties": {"kind": {"const": "square"}, "side": {"type": "number"}}, "required": ["kind", "side"]},
            {"type": "string"}]}}});
        let compiled = compile(&schema);
        let violation = async |value| compiled.check(&schema, &value).await.unwrap_err();
        let wrong = violation(json!({"s": {"kind": "square"}})).await;
        assert_eq!(wrong.at, "/s");
        assert_eq!(
            wrong.why,
            "fits none of 3 alternatives; by the nearest, `side` is missing"
        );
        let wrong = violation(json!({"s": {"kind": "circle", "r": "1"}})).await;
        assert!(
            wrong.why.ends_with("`/r` must be a number"),
            "{}",
            wrong.why
        );
    }
}
