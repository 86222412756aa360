//! One of a fixed list of values (`enum`, `const`): an enum where the values make distinct names, else the plain type.

use serde_json::Value;

use super::facts::Facts;
use super::types::Types;
use super::{DEPTH, MEMBERS, Walk};
use crate::json::same;
use crate::model::{EnumCase, Type, TypeKind};
use crate::names::{kebab, key};

/// How the consequence ends for values that make no enum, and that documentation lists.
pub(super) const LISTED: &str = "make no distinct names; checked at run time";

impl<'a> Walk<'a> {
    /// The type of a list of constants, `null` taken out.
    pub(super) fn choice(&mut self, values: &[&'a Value], facts: &Facts<'a>, hint: &str) -> Type {
        let mut distinct: Vec<&Value> = Vec::new();
        for value in values {
            // Quadratic, so only up to what an enum may hold.
            if distinct.len() > MEMBERS {
                break;
            }
            if !distinct.iter().any(|known| same(known, value)) {
                distinct.push(value);
            }
        }
        let plain = if distinct.iter().all(|value| value.is_string()) {
            Type::String
        } else if distinct.iter().all(|value| value.is_i64()) {
            Type::Integer
        } else if distinct.iter().all(|value| value.is_number()) {
            let consequence = match values.iter().all(|value| is_held(value)) {
                true => "the numbers make no distinct names; checked at run time",
                false => "integers that a 64-bit float cannot hold need the JSON view",
            };
            self.lose(&facts.at, "enum", consequence);
            return Type::Number;
        } else if distinct.iter().all(|value| value.is_boolean()) {
            if distinct.len() == 1 {
                self.lose(
                    &facts.at,
                    "const",
                    "the one allowed value is checked at run time",
                );
            }
            return Type::Bool;
        } else if distinct
            .iter()
            .all(|value| !value.is_object() && !value.is_array())
        {
            self.lose(
                &facts.at,
                "enum",
                "the listed values are checked at run time",
            );
            let kinds = distinct
                .iter()
                .fold(Types::NONE, |types, value| types.or(Types::of(value)));
            let mut facts = facts.clone();
            facts.choices = Some(distinct);
            return self.kinds_variant(kinds, facts, hint, DEPTH);
        } else {
            self.lose(
                &facts.at,
                "enum",
                "the listed values are no scalars; given as JSON",
            );
            return Type::Json;
        };
        if distinct.is_empty() {
            return Type::Json;
        }
        let names: Vec<String> = distinct.iter().map(|value| case_name(value)).collect();
        let mut keys: Vec<String> = names.iter().map(|name| key(name)).collect();
        keys.sort_unstable();
        keys.dedup();
        if distinct.len() > MEMBERS
            || keys.len() < names.len()
            || keys.first().is_some_and(String::is_empty)
        {
            self.lose(
                &facts.at,
                "enum",
                "the values make no distinct names; checked at run time",
            );
            return plain;
        }
        let cases = distinct
            .into_iter()
            .zip(names)
            .map(|(value, wit)| EnumCase {
                wire: value.clone(),
                wit,
            })
            .collect();
        self.define(hint, facts, TypeKind::Enum(cases))
    }
}

/// Whether a 64-bit float is the number exactly, as far as the number is an integer.
fn is_held(value: &Value) -> bool {
    let whole = value.as_i64().map(i128::from);
    whole
        .or(value.as_u64().map(i128::from))
        .is_none_or(|whole| (whole as f64) as i128 == whole)
}

fn case_name(value: &Value) -> String {
    match value {
        Value::String(text) => kebab(text, ""),
        Value::Number(number) => match number.as_i64() {
            Some(number) if number < 0 => format!("minus{}", number.unsigned_abs()),
            _ => format!("n{number}"),
        },
        _ => String::new(),
    }
}
