//! Component values <-> JSON, by the tool's model. The model is the plan: a value that does not fit it is an error with the
//! JSON pointer where it does not, never a guess. Bounds and patterns are not checked here; the original schema is.

use std::cell::Cell;

use serde_json::{Map, Number, Value};
use wasmtime::component::Val;
use witgate_codegen::json::{escape, same};
use witgate_codegen::model::{Case, CaseTest, Field, JsonType, Rest, Type, TypeDef, TypeKind};

use crate::definitions::Violation;
use crate::round_trip::read_exactly;

/// Where and why a value does not fit its type. Names fields, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} at `{at}`")]
pub(crate) struct Misfit {
    /// JSON pointer; empty for the whole.
    pub(crate) at: String,
    /// What is wrong.
    pub(crate) why: String,
}

fn misfit<T>(why: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit {
        at: String::new(),
        why: why.into(),
    })
}

pub(crate) fn within<T>(
    result: Result<T, Misfit>,
    key: impl std::fmt::Display,
) -> Result<T, Misfit> {
    result.map_err(|m| Misfit {
        at: format!("/{}{}", escape(&key.to_string()), m.at),
        why: m.why,
    })
}

/// A key where the typed view takes no arguments.
pub(crate) fn no_arguments<T>(key: &str) -> Result<T, Misfit> {
    within(
        misfit("the typed view has no arguments; other keys need the JSON view"),
        key,
    )
}

/// A guest's value -> JSON.
///
/// # Errors
/// When the value does not fit: text in a `json` place that is no JSON, or a number that JSON cannot hold.
pub(crate) fn to_json(value: &Val, ty: &Type, defs: &[TypeDef]) -> Result<Value, Misfit> {
    Ok(match (value, ty) {
        (Val::Bool(b), Type::Bool) => Value::Bool(*b),
        (Val::S64(n), Type::Integer) => Value::Number((*n).into()),
        (Val::Float64(x), Type::Number) => number(*x)?,
        (Val::String(s), Type::String) => Value::String(s.clone()),
        (Val::String(s), Type::Json) => {
            read_exactly(s).map_err(|Violation { at, why }| Misfit { at, why })?
        }
        (Val::List(items), Type::List(ty)) => Value::Array(
            items
                .iter()
                .enumerate()
                .map(|(i, v)| within(to_json(v, ty, defs), i))
                .collect::<Result<_, _>>()?,
        ),
        (Val::Tuple(items), Type::Tuple(types)) if items.len() == types.len() => Value::Array(
            items
                .iter()
                .zip(types)
                .enumerate()
                .map(|(i, (v, ty))| within(to_json(v, ty, defs), i))
                .collect::<Result<_, _>>()?,
        ),
        (Val::List(entries), Type::Map(ty)) => {
            let mut map = Map::new();
            for entry in entries {
                let (key, value) = entry_to_json(entry, ty, defs)?;
                if map.insert(key.to_owned(), value).is_some() {
                    return within(misfit("the key is given twice"), key);
                }
            }
            Value::Object(map)
        }
        (Val::Option(None), Type::Nullable(_)) => Value::Null,
        (Val::Option(Some(value)), Type::Nullable(ty)) => to_json(value, ty, defs)?,
        (value, Type::Def(index)) => match (value, def(defs, *index)?) {
            (
                Val::Record(values),
                TypeKind::Record {
                    fields,
                    constants,
                    rest,
                },
            ) => record_to_json(values, fields, constants, rest.as_ref(), defs)?,
            (Val::Enum(name), TypeKind::Enum(cases)) => match cases.iter().find(|c| c.wit == *name)
            {
                Some(case) => case.wire.clone(),
                None => return misfit("not a case of the enum"),
            },
            (Val::Variant(name, payload), TypeKind::Variant(cases)) => {
                let Some(case) = cases.iter().find(|c| c.wit == *name) else {
                    return misfit("not a case of the variant");
                };
                let value = match payload {
                    Some(payload) => to_json(payload, &case.ty, defs)?,
                    None => return misfit("the case carries no value"),
                };
                tagged(value, case)
            }
            _ => return misfit("not of the type in the model"),
        },
        _ => return misfit("not of the type in the model"),
    })
}

/// A key and its value, of a map or of the keys that a record does not name.
fn entry_to_json<'a>(
    entry: &'a Val,
    ty: &Type,
    defs: &[TypeDef],
) -> Result<(&'a str, Value), Misfit> {
    match entry {
        Val::Tuple(pair) => match pair.as_slice() {
            [Val::String(key), value] => Ok((key, within(to_json(value, ty, defs), key)?)),
            _ => misfit("not a map entry"),
        },
        _ => misfit("not a map entry"),
    }
}

fn record_to_json(
    values: &[(String, Val)],
    fields: &[Field],
    constants: &[(String, Value)],
    rest: Option<&Rest>,
    defs: &[TypeDef],
) -> Result<Value, Misfit> {
    let given = |wit: &str| values.iter().find(|(name, _)| name == wit);
    let mut map = Map::with_capacity(fields.len() + constants.len());
    for (wire, value) in constants {
        map.insert(wire.clone(), value.clone());
    }
    for field in fields {
        let Some((_, value)) = given(&field.wit) else {
            return within(misfit("the field is missing"), &field.wire);
        };
        let value = match (value, field.required) {
            (value, true) => value,
            (Val::Option(Some(value)), false) => value,
            (Val::Option(None), false) => continue,
            _ => return within(misfit("not an option"), &field.wire),
        };
        map.insert(
            field.wire.clone(),
            within(to_json(value, &field.ty, defs), &field.wire)?,
        );
    }
    if let Some(rest) = rest {
        let Some((_, Val::List(entries))) = given(&rest.wit) else {
            return misfit("the list of other keys is missing");
        };
        let named = |key: &str| fields.iter().any(|field| field.wire == key);
        for entry in entries {
            let (key, value) = entry_to_json(entry, &rest.ty, defs)?;
            // A field that is absent is not given by another way either.
            if named(key) || map.contains_key(key) {
                return within(
                    misfit("the key has a field of its own, or is given twice"),
                    key,
                );
            }
            map.insert(key.to_owned(), value);
        }
    }
    Ok(Value::Object(map))
}

/// Puts a variant's tag back where its record left it out.
fn tagged(mut value: Value, case: &Case) -> Value {
    if let (CaseTest::Tag { wire, value: tag }, Value::Object(map)) = (&case.test, &mut value) {
        map.entry(wire.clone()).or_insert_with(|| tag.clone());
    }
    value
}

fn number(x: f64) -> Result<Value, Misfit> {
    // As JavaScript writes numbers: an integral value has no fraction. Below 2^63 the conversion is exact.
    if x.fract() == 0.0 && x.abs() < 9_223_372_036_854_775_808.0 {
        return Ok(Value::Number((x as i64).into()));
    }
    match Number::from_f64(x) {
        Some(number) => Ok(Value::Number(number)),
        None => misfit("JSON has no such number"),
    }
}

/// What a value is converted by: the model's named types, and for unions that no key tells apart, their schemas.
#[derive(Clone, Copy)]
pub(crate) struct Shapes<'a> {
    pub(crate) defs: &'a [TypeDef],
    /// Whether a value fits the schema at this pointer of the tool's definition.
    pub(crate) fits: &'a dyn Fn(&str, &Value) -> bool,
    /// Conversions that may still be made: unions within unions can be made to try the same value over and over.
    pub(crate) steps: &'a Cell<u32>,
}

/// Conversions for one value, far more than an honest one of the largest size takes.
pub(crate) const STEPS: u32 = 20_000_000;

/// JSON -> a guest's value.
///
/// # Errors
/// When the JSON value does not fit the type.
pub(crate) fn from_json(value: &Value, ty: &Type, shapes: Shapes<'_>) -> Result<Val, Misfit> {
    match shapes.steps.get().checked_sub(1) {
        Some(left) => shapes.steps.set(left),
        None => return misfit("takes too long to be told apart from the other shapes"),
    }
    Ok(match (ty, value) {
        (Type::Bool, Value::Bool(b)) => Val::Bool(*b),
        (Type::Integer, Value::Number(n)) => match integer(n) {
            Some(n) => Val::S64(n),
            None => return misfit("not an integer from -2^63 to 2^63-1"),
        },
        (Type::Number, Value::Number(n)) => match float(n) {
            Some(x) => Val::Float64(x),
            None => return misfit("an integer that a 64-bit float cannot hold"),
        },
        (Type::String, Value::String(s)) => Val::String(s.clone()),
        (Type::Json, value) => Val::String(value.to_string()),
        (Type::List(ty), Value::Array(items)) => Val::List(
            items
                .iter()
                .enumerate()
                .map(|(i, v)| within(from_json(v, ty, shapes), i))
                .collect::<Result<_, _>>()?,
        ),
        (Type::Tuple(types), Value::Array(items)) if items.len() == types.len() => Val::Tuple(
            items
                .iter()
                .zip(types)
                .enumerate()
                .map(|(i, (v, ty))| within(from_json(v, ty, shapes), i))
                .collect::<Result<_, _>>()?,
        ),
        (Type::Map(ty), Value::Object(map)) => Val::List(
            map.iter()
                .map(|(key, value)| entry_from_json(key, value, ty, shapes))
                .collect::<Result<_, Misfit>>()?,
        ),
        (Type::Nullable(_), Value::Null) => Val::Option(None),
        (Type::Nullable(ty), value) => Val::Option(Some(Box::new(from_json(value, ty, shapes)?))),
        (Type::Def(index), value) => match (def(shapes.defs, *index)?, value) {
            (
                TypeKind::Record {
                    fields,
                    constants,
                    rest,
                },
                Value::Object(map),
            ) => record_from_json(map, fields, constants, rest.as_ref(), shapes)?,
            (TypeKind::Enum(cases), value) => match cases.iter().find(|c| same(&c.wire, value)) {
                Some(case) => Val::Enum(case.wit.clone()),
                None => return misfit("not one of the listed values"),
            },
            (TypeKind::Variant(cases), value) => variant_from_json(value, cases, shapes)?,
            _ => return misfit(format!("{} where another type is declared", kind(value))),
        },
        (_, value) => return misfit(format!("{} where another type is declared", kind(value))),
    })
}

fn entry_from_json(key: &str, value: &Value, ty: &Type, shapes: Shapes<'_>) -> Result<Val, Misfit> {
    let value = within(from_json(value, ty, shapes), key)?;
    Ok(Val::Tuple(vec![Val::String(key.to_owned()), value]))
}

fn record_from_json(
    map: &Map<String, Value>,
    fields: &[Field],
    constants: &[(String, Value)],
    rest: Option<&Rest>,
    shapes: Shapes<'_>,
) -> Result<Val, Misfit> {
    // A variant's tag is no field of its record where the record's own schema does not speak of it.
    for (key, constant) in constants {
        match map.get(key) {
            Some(value) if same(value, constant) => {}
            Some(_) => return within(misfit("not the one value that is allowed"), key),
            None => return within(misfit("the field is missing"), key),
        }
    }
    let mut values = Vec::with_capacity(fields.len() + 1);
    let mut named = constants.len();
    for field in fields {
        let found = match map.get(&field.wire) {
            Some(value) => {
                named += 1;
                Some(within(from_json(value, &field.ty, shapes), &field.wire)?)
            }
            None => None,
        };
        let value = match (found, field.required) {
            (Some(value), true) => value,
            (None, true) => return within(misfit("the field is missing"), &field.wire),
            (found, false) => Val::Option(found.map(Box::new)),
        };
        values.push((field.wit.clone(), value));
    }
    let mut others = Vec::new();
    if named < map.len() {
        let is_named = |key: &str| {
            fields.iter().any(|field| field.wire == key) || constants.iter().any(|(k, _)| k == key)
        };
        for (key, value) in map.iter().filter(|(key, _)| !is_named(key)) {
            match rest {
                Some(rest) => others.push(entry_from_json(key, value, &rest.ty, shapes)?),
                None => return within(misfit("the type has no such key"), key),
            }
        }
    }
    if let Some(rest) = rest {
        values.push((rest.wit.clone(), Val::List(others)));
    }
    Ok(Val::Record(values))
}

fn variant_from_json(value: &Value, cases: &[Case], shapes: Shapes<'_>) -> Result<Val, Misfit> {
    let payload = |case: &Case| {
        let payload = from_json(value, &case.ty, shapes)?;
        Ok(Val::Variant(case.wit.clone(), Some(Box::new(payload))))
    };
    // The schemas of tried cases decide first; where none does, the first type that takes the value.
    let mut nearest = None;
    for by_schema in [true, false] {
        for case in cases {
            match &case.test {
                CaseTest::Tag { wire, value: tag } => {
                    if value.get(wire).is_some_and(|v| same(v, tag)) {
                        return payload(case);
                    }
                }
                CaseTest::Json(ty) => {
                    if json_type(value, *ty) {
                        return payload(case);
                    }
                }
                CaseTest::Try { pointer } => {
                    let fits = (shapes.fits)(pointer, value);
                    match payload(case) {
                        Ok(val) if fits || !by_schema => return Ok(val),
                        Err(why) if fits => drop(nearest.get_or_insert(why)),
                        _ => {}
                    }
                }
            }
        }
    }
    // A tag that may be left out tells nothing where it is.
    let untagged = cases.iter().filter(|case| match &case.test {
        CaseTest::Tag { wire, .. } => value.as_object().is_some_and(|map| !map.contains_key(wire)),
        _ => false,
    });
    untagged
        .filter_map(|case| payload(case).ok())
        .next()
        .map_or_else(
            || nearest.map_or_else(|| misfit("fits none of the declared shapes"), Err),
            Ok,
        )
}

fn def(defs: &[TypeDef], index: usize) -> Result<&TypeKind, Misfit> {
    match defs.get(index) {
        Some(def) => Ok(&def.kind),
        None => misfit("the model has no such type"),
    }
}

fn integer(n: &Number) -> Option<i64> {
    n.as_i64().or_else(|| {
        let x = n.as_f64()?;
        (x.fract() == 0.0 && x.abs() < 9_223_372_036_854_775_808.0).then_some(x as i64)
    })
}

/// As a float, unless that would be another number. Fractions are rounded to the nearest, as everywhere in JSON.
fn float(n: &Number) -> Option<f64> {
    let x = n.as_f64()?;
    let exact = match (n.as_i64(), n.as_u64()) {
        (Some(i), _) => x as i128 == i128::from(i),
        (None, Some(u)) => x as i128 == i128::from(u),
        (None, None) => true,
    };
    exact.then_some(x)
}

fn json_type(value: &Value, ty: JsonType) -> bool {
    match ty {
        JsonType::Boolean => value.is_boolean(),
        JsonType::Integer => value.as_number().is_some_and(|n| integer(n).is_some()),
        JsonType::Number => value.is_number(),
        JsonType::String => value.is_string(),
        JsonType::Array => value.is_array(),
        JsonType::Object => value.is_object(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
