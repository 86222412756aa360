//! A call as Cedar sees it: arguments become values of the types of the schema. What Cedar cannot hold is left out and
//! remembered, so that no condition that speaks of it is decided without it.

use cedar_policy::RestrictedExpression;
use serde_json::{Number, Value};
use witgate_codegen::model::{CaseTest, JsonType};

use super::shape::{Alternative, Shape};
use super::stated::text_of;
use crate::definitions::Definition;

/// One call, for every condition of the tool.
#[derive(Debug)]
pub struct Request {
    /// What Cedar decides on; the reason where it could not be made.
    pub(super) cedar: Result<cedar_policy::Request, String>,
    /// Arguments that are left out, each with the end of the sentence that says why.
    pub(super) lost: Vec<(String, String)>,
    /// An argument that the schema does not name.
    pub(super) undeclared: Option<String>,
}

/// A value as an expression; `None` where the type or the value is none that conditions see.
///
/// # Errors
/// The end of a sentence: why Cedar cannot hold it.
pub(super) fn expression(
    value: &Value,
    shape: &Shape,
    definition: &Definition,
) -> Result<Option<RestrictedExpression>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let misfit = || "is of another type than its schema says".to_owned();
    Ok(Some(match (shape, value) {
        (Shape::Opaque(_), _) => return Ok(None),
        (Shape::Bool, Value::Bool(b)) => RestrictedExpression::new_bool(*b),
        (Shape::Long, Value::Number(n)) => long(n)?,
        (Shape::Decimal, Value::Number(n)) => decimal(n)?,
        (Shape::String | Shape::Enum(_), Value::String(text)) => {
            RestrictedExpression::new_string(text.clone())
        }
        (Shape::Enum(_), Value::Number(n)) => long(n)?,
        (Shape::Set(inner), Value::Array(items)) => {
            let items = items.iter().map(|item| {
                expression(item, inner, definition)?
                    .ok_or_else(|| "holds `null` in a list".to_owned())
            });
            RestrictedExpression::new_set(items.collect::<Result<Vec<_>, _>>()?)
        }
        (Shape::Record(slots), Value::Object(map)) => {
            let is_named = |key: &&String| slots.iter().any(|slot| slot.name == **key);
            if let Some(key) = map.keys().find(|key| !is_named(key)) {
                return Err(format!("holds `{key}`, which the tool does not declare"));
            }
            let mut pairs = Vec::with_capacity(slots.len());
            for slot in slots {
                let Some(value) = map.get(&slot.name) else {
                    continue;
                };
                if let Some(value) = expression(value, &slot.shape, definition)? {
                    pairs.push((slot.name.clone(), value));
                }
            }
            record(pairs)?
        }
        (Shape::Union(cases), value) => {
            let case = case(cases, value, definition)
                .ok_or_else(|| "fits none of its shapes".to_owned())?;
            let inner = expression(value, &case.shape, definition)?;
            record(inner.map(|inner| (case.name.clone(), inner)))?
        }
        _ => return Err(misfit()),
    }))
}

/// A record; its names are those of a model, where none comes twice.
pub(super) fn record(
    pairs: impl IntoIterator<Item = (String, RestrictedExpression)>,
) -> Result<RestrictedExpression, String> {
    RestrictedExpression::new_record(pairs).map_err(|_| "has two fields of one name".to_owned())
}

/// Which case of a union a value is: as `values` decides it.
fn case<'a>(
    cases: &'a [Alternative],
    value: &Value,
    definition: &Definition,
) -> Option<&'a Alternative> {
    let converts = |case: &Alternative| definition.guest_value(value, &case.ty).is_ok();
    let recognised = cases.iter().find(|case| match &case.test {
        CaseTest::Tag { wire, value: tag } => value.get(wire).is_some_and(|v| same(v, tag)),
        CaseTest::Json(ty) => json_type(value, *ty),
        CaseTest::Try { pointer } => definition.fits(pointer, value) && converts(case),
    });
    // A tag that may be left out tells nothing where it is.
    let untagged = |case: &&Alternative| match &case.test {
        CaseTest::Tag { wire, .. } => {
            value.as_object().is_some_and(|map| !map.contains_key(wire)) && converts(case)
        }
        CaseTest::Json(_) | CaseTest::Try { .. } => false,
    };
    recognised.or_else(|| cases.iter().find(untagged))
}

fn same(a: &Value, b: &Value) -> bool {
    a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a == b)
}

fn json_type(value: &Value, ty: JsonType) -> bool {
    match ty {
        JsonType::Boolean => value.is_boolean(),
        JsonType::Integer => value.as_f64().is_some_and(|x| x.fract() == 0.0),
        JsonType::Number => value.is_number(),
        JsonType::String => value.is_string(),
        JsonType::Array => value.is_array(),
        JsonType::Object => value.is_object(),
    }
}

fn long(number: &Number) -> Result<RestrictedExpression, String> {
    let integral = |x: f64| x.fract() == 0.0 && x.abs() < 9_223_372_036_854_775_808.0;
    let float = number.as_f64().filter(|x| number.is_f64() && integral(*x));
    let value = number.as_i64().or(float.map(|x| x as i64));
    value
        .map(RestrictedExpression::new_long)
        .ok_or_else(|| "is no integer from -2^63 to 2^63-1".to_owned())
}

fn decimal(number: &Number) -> Result<RestrictedExpression, String> {
    let counted = ten_thousandths(&text_of(number))?;
    Ok(RestrictedExpression::new_long(counted))
}

/// What a decimal is to Cedar: an integer of 64 bits that counts ten-thousandths. Conditions are decided on these.
pub(super) fn ten_thousandths(text: &str) -> Result<i64, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if fraction.len() > 4 {
        return Err("has more than four decimal places".to_owned());
    }
    let counted = format!("{sign}{whole}{fraction:0<4}").parse();
    counted.map_err(|_| "is larger than Cedar's decimals go".to_owned())
}
