//! What the host checks of a field beside its type, as short as it can be said: `1..100`, `<=64 chars`, `/^[a-z]+$/`.

use serde_json::Value;

use crate::catalog::canonical;
use crate::model::{Field, Type};
use crate::text::shown;

/// Longest value that is shown, in characters.
const VALUE: usize = 60;
/// Most values of a list that are shown.
pub(super) const VALUES: usize = 40;

/// The language of a declaration: what its types say need not be said again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// Has types of single values, and none of integers.
    TypeScript,
    Rust,
}

/// The limits of a field.
pub(super) fn limits(field: &Field, language: Language) -> Vec<String> {
    let stated = &field.stated;
    let mut out = Vec::new();
    match language {
        Language::Rust if !stated.values.is_empty() => {
            out.push(format!("one of {}", listed(&stated.values)));
        }
        Language::TypeScript if is_integer(&field.ty) && stated.values.is_empty() => {
            out.push("integer".to_string());
        }
        Language::TypeScript | Language::Rust => {}
    }
    let kind = out.len();
    told(&stated.bounds, &mut out);
    if kind > 0 && out.get(kind).is_some_and(|told| is_range(told)) {
        // `integer 1..100`
        let range = out.remove(kind);
        out[kind - 1].push_str(&format!(" {range}"));
    }
    let mut items = Vec::new();
    told(&stated.items, &mut items);
    if !items.is_empty() {
        out.push(format!("each {}", items.join(", ")));
    }
    if let Some(default) = field.default.as_ref().filter(|value| !value.is_null()) {
        out.push(format!("default {}", short(default)));
    }
    out
}

fn is_range(told: &str) -> bool {
    told.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '<' | '>'))
}

fn listed(values: &[Value]) -> String {
    let mut shown: Vec<String> = values.iter().take(VALUES).map(short).collect();
    shown.extend((values.len() > VALUES).then(|| "…".to_string()));
    shown.join(", ")
}

fn is_integer(ty: &Type) -> bool {
    match ty {
        Type::Integer => true,
        Type::Nullable(inner) => is_integer(inner),
        _ => false,
    }
}

fn told(bounds: &[(String, Value)], out: &mut Vec<String>) {
    let of = |name: &str| {
        bounds
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    };
    let mut range = |least: [&str; 2], most: [&str; 2], unit: &str| {
        let (low, high) = (of(least[0]), of(most[0]));
        let mut parts = Vec::new();
        match (low, high) {
            // The bounds of machine integers say no more than the type.
            (Some(low), Some(high)) if low == high => parts.push(format!("{low}")),
            (Some(low), Some(high)) if !is_machine(low) && !is_machine(high) => {
                parts.push(format!("{low}..{high}"));
            }
            (low, high) => {
                parts.extend(
                    low.filter(|low| !is_machine(low))
                        .map(|low| format!(">={low}")),
                );
                parts.extend(
                    high.filter(|high| !is_machine(high))
                        .map(|high| format!("<={high}")),
                );
            }
        }
        parts.extend(of(least[1]).map(|low| format!(">{low}")));
        parts.extend(of(most[1]).map(|high| format!("<{high}")));
        if !parts.is_empty() {
            out.push(format!("{}{unit}", parts.join(" ")));
        }
    };
    range(
        ["minimum", "exclusiveMinimum"],
        ["maximum", "exclusiveMaximum"],
        "",
    );
    range(["minLength", ""], ["maxLength", ""], " chars");
    range(["minItems", ""], ["maxItems", ""], " items");
    range(["minProperties", ""], ["maxProperties", ""], " keys");
    for (key, value) in bounds {
        match (key.as_str(), value) {
            (
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "minLength"
                | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties",
                _,
            ) => {}
            ("pattern", Value::String(pattern)) => out.push(format!("/{}/", cut(pattern))),
            ("format", Value::String(format)) => out.push(cut(format)),
            ("multipleOf", value) => out.push(format!("multiple of {value}")),
            ("uniqueItems", Value::Bool(true)) => out.push("unique".to_string()),
            (key, value) => out.push(format!("{} {}", cut(key), short(value))),
        }
    }
}

/// Whether a bound is no more than what 53 bits, or integers of 32 or 64 bits, hold.
fn is_machine(bound: &Value) -> bool {
    bound
        .as_f64()
        .is_some_and(|bound| bound.abs() >= 2_147_483_647.0)
}

fn short(value: &Value) -> String {
    cut(&canonical(value))
}

fn cut(text: &str) -> String {
    let line = shown(text);
    if line.chars().count() <= VALUE {
        return line;
    }
    line.chars().take(VALUE).chain(['…']).collect()
}
