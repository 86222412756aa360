//! What is wrong with a value, in words for a program's author: fields by name, never values.

use serde_json::Value;

use super::Violation;

/// The first violation, in words.
pub(super) fn violation(
    error: &jsonschema::ValidationError<'_>,
    schema: &Value,
    value: &Value,
) -> Violation {
    use jsonschema::error::ValidationErrorKind as K;
    let at = place(&error.instance_path().to_string());
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
    let levels = |at: &str| at.matches('/').count();
    let here = levels(at);
    // Another type, or another constant in a key, is another thing; any other fault is a slip.
    let is_other = |error: &jsonschema::ValidationError<'static>| {
        let inside = levels(&error.instance_path().to_string()).saturating_sub(here);
        match error.kind() {
            K::Type { .. } => inside == 0,
            K::Constant { .. } => inside <= 1,
            _ => false,
        }
    };
    let meant = |errors: &&Vec<jsonschema::ValidationError<'static>>| {
        !errors.is_empty() && !errors.iter().any(is_other)
    };
    if let Some(error) = context
        .iter()
        .filter(meant)
        .min_by_key(|errors| errors.len())
        .and_then(|errors| errors.first())
    {
        let inner = violation(error, schema, value);
        if context.iter().filter(meant).count() == 1 {
            return inner;
        }
        let inside = inner.at.strip_prefix(at).unwrap_or(&inner.at);
        let place = if inside.is_empty() {
            String::new()
        } else {
            format!("`{}` ", clip(inside))
        };
        return Violation {
            at: at.to_owned(),
            why: format!(
                "fits none of {} alternatives; by the nearest, {place}{}",
                context.len(),
                clip_long(&inner.why)
            ),
        };
    }
    Violation {
        at: at.to_owned(),
        why: format!("fits none of {} alternatives", context.len()),
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

/// A place whose pointer is short enough for a message: the place itself, or the one around it that is.
fn place(pointer: &str) -> String {
    match pointer.char_indices().nth(1_000) {
        Some((end, _)) => {
            let whole = pointer[..end].rfind('/').unwrap_or(0);
            pointer[..whole].to_owned()
        }
        None => pointer.to_owned(),
    }
}

/// A name that a program or server chose, short enough for a message.
pub(super) fn clip(name: &str) -> std::borrow::Cow<'_, str> {
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
