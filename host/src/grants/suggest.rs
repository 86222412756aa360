//! The narrowest grants that a run needed, as text for a person to read and keep; and the grant that allows one call. What
//! a condition means is known in `condition`; here they are only written.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use witgate_codegen::model::{Field, ToolModel, Type, TypeKind};
use witgate_codegen::text::{is_hidden, shown};

use super::condition::can_ask;
use super::{Effect, lines_that_allow};
use crate::definitions::{Definition, Definitions};

/// Most different values that a condition lists.
const VALUES: usize = 8;
/// Most different numbers that a condition lists; of more it names the least and the most.
const NUMBERS: usize = 3;
/// Longest text that a condition holds, in characters.
const TEXT: usize = 200;
/// Longest line of a condition.
const LINE: usize = 100;
/// Fewest bytes that a grant allows: what is called again may say a little more.
const BYTES: u64 = 64 << 10;

/// One call that a run made.
#[derive(Debug, Clone)]
pub struct Observed<'a> {
    /// The server's name in the configuration.
    pub server: &'a str,
    /// The tool's name on the wire.
    pub tool: &'a str,
    /// As they were sent.
    pub arguments: &'a Map<String, Value>,
    /// Of arguments and result, as JSON text; 0 where that is not known.
    pub bytes: u64,
    /// What the tool does, where a person said so.
    pub effect: Option<Effect>,
}

/// A grants file that allows these calls and little else: one grant per tool, in the order of the first calls. Budgets of
/// calls are exact; those of bytes are twice what was used, rounded up. What cannot be bounded is said in a comment.
#[must_use]
pub fn suggest(calls: &[Observed<'_>], definitions: &Definitions) -> String {
    let mut tools: indexmap::IndexMap<(&str, &str), Vec<&Observed<'_>>> = indexmap::IndexMap::new();
    for call in calls {
        tools
            .entry((call.server, call.tool))
            .or_default()
            .push(call);
    }
    let grants = tools.iter().map(|((server, tool), calls)| {
        let arguments: Vec<&Map<String, Value>> = calls.iter().map(|call| call.arguments).collect();
        let model = definitions.get(server, tool).map(|known| &known.model);
        let bounds = Bounds::of(model, &arguments, false);
        let mut text = bounds.comment();
        let _ = writeln!(text, "{}", lines_that_allow(server, tool));
        let _ = writeln!(text, "max_calls = {}", calls.len());
        let bytes = calls
            .iter()
            .fold(0_u64, |sum, call| sum.saturating_add(call.bytes));
        if bytes > 0 {
            let room = bytes
                .saturating_mul(2)
                .max(BYTES)
                .checked_next_power_of_two();
            // TOML has no larger integer.
            let room = room.unwrap_or(u64::MAX).min(i64::MAX as u64);
            let _ = writeln!(text, "max_bytes = {room}");
        }
        text.push_str(&bounds.line());
        let is_read = |call: &&Observed<'_>| call.effect == Some(Effect::Read);
        if calls.iter().all(is_read) {
            text.push_str("effect = \"read\"\n");
        }
        text
    });
    grants.collect::<Vec<_>>().join("\n")
}

/// The grant that allows a tool with exactly these arguments, as far as conditions can say it.
#[must_use]
pub fn lines_for_call(
    server: &str,
    tool: &str,
    definition: &Definition,
    arguments: &Map<String, Value>,
) -> String {
    let bounds = Bounds::of(Some(&definition.model), &[arguments], true);
    let lines = format!(
        "{}{}\n{}",
        bounds.comment(),
        lines_that_allow(server, tool),
        bounds.line()
    );
    lines.trim_end().to_owned()
}

/// What can be said of a tool's arguments.
#[derive(Default)]
struct Bounds {
    /// Cedar expressions that all hold.
    conditions: Vec<String>,
    /// Arguments of which nothing is said, and why.
    unbounded: Vec<(String, &'static str)>,
}

impl Bounds {
    fn of(model: Option<&ToolModel>, calls: &[&Map<String, Value>], exact: bool) -> Bounds {
        let mut bounds = Bounds::default();
        let Some(model) = model else {
            let why = "the tool's definition is not known";
            bounds.unbounded.push(("*".to_owned(), why));
            return bounds;
        };
        let given = calls.iter().any(|call| !call.is_empty());
        let record = match &model.input {
            None => return bounds,
            Some(Type::Def(at)) => model.defs.get(*at).map(|def| &def.kind),
            Some(_) => None,
        };
        let Some(TypeKind::Record {
            fields, constants, ..
        }) = record
        else {
            if given {
                let why = "its schema gives them no types";
                bounds.unbounded.push(("*".to_owned(), why));
            }
            return bounds;
        };
        for field in fields {
            bounds.field(field, model, calls, exact);
        }
        // What the host itself puts in needs no condition; what nobody named can have none.
        let is_known = |key: &str| {
            fields.iter().any(|field| field.wire == key)
                || constants.iter().any(|(constant, _)| constant == key)
        };
        let others: BTreeSet<&String> = calls
            .iter()
            .flat_map(|call| call.keys())
            .filter(|key| !is_known(key))
            .collect();
        let why = "its schema does not name it";
        bounds
            .unbounded
            .extend(others.into_iter().map(|key| (key.clone(), why)));
        bounds
    }

    fn field(
        &mut self,
        field: &Field,
        model: &ToolModel,
        calls: &[&Map<String, Value>],
        exact: bool,
    ) {
        let (ty, nullable) = match &field.ty {
            Type::Nullable(inner) => (inner.as_ref(), true),
            ty => (ty, false),
        };
        // To a condition, `null` is no value.
        let given: Vec<&Value> = calls
            .iter()
            .filter_map(|call| call.get(&field.wire))
            .filter(|value| !value.is_null())
            .collect();
        let may_lack = !field.required || nullable;
        if !can_ask(model, &field.wire) {
            if may_lack || !given.is_empty() {
                let why = "its type has no conditions here";
                self.unbounded.push((field.wire.clone(), why));
            }
            return;
        }
        if given.is_empty() {
            if may_lack {
                self.conditions
                    .push(format!("!(context.args has {})", attribute(&field.wire)));
            }
            return;
        }
        let place = access(&field.wire);
        let condition = match scalar(ty, model) {
            Some(Scalar::Listed(scalar)) => listed(&place, scalar, &given, exact),
            Some(scalar) => single(&place, scalar, &given),
            None => Err("its type has no conditions here"),
        };
        match condition {
            Ok(None) => {}
            Ok(Some(condition)) if may_lack => {
                let lacks = given.len() < calls.len();
                let has = format!("context.args has {}", attribute(&field.wire));
                self.conditions.push(match lacks || !exact {
                    true => format!("(if {has} then {condition} else true)"),
                    false => format!("({has} && {condition})"),
                });
            }
            Ok(Some(condition)) => self.conditions.push(condition),
            Err(why) => self.unbounded.push((field.wire.clone(), why)),
        }
    }

    /// What is not bounded, a line each.
    fn comment(&self) -> String {
        let line = |(name, why): &(String, &str)| match name.as_str() {
            "*" => format!("# the arguments are not bounded: {why}\n"),
            name => format!("# `{}` is not bounded: {why}\n", shown(name)),
        };
        self.unbounded.iter().map(line).collect()
    }

    /// The key `when`, if there is anything to say.
    fn line(&self) -> String {
        let line = self.conditions.join(" && ");
        if line.is_empty() {
            String::new()
        } else if line.len() <= LINE && !line.contains('\'') {
            format!("when = '{line}'\n")
        } else {
            format!("when = '''\n{}'''\n", self.conditions.join(" &&\n"))
        }
    }
}

/// A type that conditions can speak of.
#[derive(Clone, Copy)]
enum Scalar {
    Bool,
    Integer,
    Number,
    Text,
    Listed(Listed),
}

/// What is in a list that conditions can speak of.
#[derive(Clone, Copy)]
enum Listed {
    Integer,
    Text,
}

fn scalar(ty: &Type, model: &ToolModel) -> Option<Scalar> {
    Some(match ty {
        Type::Bool => Scalar::Bool,
        Type::Integer => Scalar::Integer,
        Type::Number => Scalar::Number,
        Type::String => Scalar::Text,
        Type::Def(at) => match &model.defs.get(*at)?.kind {
            TypeKind::Enum(cases) if cases.iter().all(|case| case.wire.is_string()) => Scalar::Text,
            TypeKind::Enum(cases) if cases.iter().all(|case| case.wire.is_i64()) => Scalar::Integer,
            _ => return None,
        },
        Type::List(inner) => match scalar(inner, model)? {
            Scalar::Text => Scalar::Listed(Listed::Text),
            Scalar::Integer => Scalar::Listed(Listed::Integer),
            _ => return None,
        },
        _ => return None,
    })
}

/// The condition of an argument by the values that it had; `None` where any will do.
fn single(place: &str, scalar: Scalar, given: &[&Value]) -> Result<Option<String>, &'static str> {
    let mut distinct: Vec<&Value> = Vec::new();
    for value in given {
        if !distinct.contains(value) {
            distinct.push(value);
        }
        if distinct.len() > VALUES && !matches!(scalar, Scalar::Integer | Scalar::Number) {
            return Err("it had too many different values");
        }
        // Of more numbers than that, the least and the most are enough.
        if distinct.len() > 10_000 {
            return Err("it had too many different values");
        }
    }
    let literals = |literal: fn(&Value) -> Result<String, &'static str>| {
        let each = distinct.iter().map(|value| literal(value));
        each.collect::<Result<Vec<String>, _>>()
    };
    let literals: Vec<String> = match scalar {
        Scalar::Bool => {
            return Ok(match distinct.as_slice() {
                [Value::Bool(value)] => Some(format!("{place} == {value}")),
                _ => None,
            });
        }
        Scalar::Integer => literals(integer)?,
        Scalar::Number => literals(decimal)?,
        Scalar::Text | Scalar::Listed(_) => literals(text)?,
    };
    Ok(Some(match (literals.as_slice(), scalar) {
        ([one], _) => format!("{place} == {one}"),
        (many, Scalar::Integer) if many.len() > NUMBERS => {
            let numbers = || distinct.iter().filter_map(|value| as_i64(value));
            let (least, most) = (numbers().min(), numbers().max());
            let (Some(least), Some(most)) = (least, most) else {
                return Err("it is no integer of 64 bits");
            };
            format!("{place} >= {least} && {place} <= {most}")
        }
        (many, Scalar::Number) if many.len() > NUMBERS => {
            let by_size = |a: &&&Value, b: &&&Value| {
                let number = |value: &Value| value.as_f64().unwrap_or_default();
                number(a).total_cmp(&number(b))
            };
            let least = distinct.iter().min_by(by_size).map(|value| decimal(value));
            let most = distinct.iter().max_by(by_size).map(|value| decimal(value));
            let (Some(Ok(least)), Some(Ok(most))) = (least, most) else {
                return Err("it had no value");
            };
            format!("{place}.greaterThanOrEqual({least}) && {place}.lessThanOrEqual({most})")
        }
        (many, _) => format!("[{}].contains({place})", many.join(", ")),
    }))
}

/// The same of a list: all that it held.
fn listed(
    place: &str,
    listed: Listed,
    given: &[&Value],
    exact: bool,
) -> Result<Option<String>, &'static str> {
    let mut distinct: Vec<&Value> = Vec::new();
    for item in given.iter().filter_map(|list| list.as_array()).flatten() {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
        if distinct.len() > VALUES {
            return Err("it held too many different values");
        }
    }
    let literal = match listed {
        Listed::Integer => integer,
        Listed::Text => text,
    };
    let literals: Vec<String> = distinct
        .iter()
        .map(|value| literal(value))
        .collect::<Result<_, _>>()?;
    Ok(Some(match (literals.is_empty(), exact) {
        (true, _) => format!("{place}.isEmpty()"),
        (false, true) => format!("{place} == [{}]", literals.join(", ")),
        (false, false) => format!("[{}].containsAll({place})", literals.join(", ")),
    }))
}

/// A whole number, also one written `3.0`.
fn as_i64(value: &Value) -> Option<i64> {
    let whole = |n: f64| (n.fract() == 0.0 && n.abs() < 9e15).then_some(n as i64);
    value.as_i64().or_else(|| whole(value.as_f64()?))
}

fn integer(value: &Value) -> Result<String, &'static str> {
    let value = as_i64(value).ok_or("it is no integer of 64 bits")?;
    // Cedar reads the digits of the least one before its sign, and they do not fit.
    match value == i64::MIN {
        true => Err("it is no integer of 64 bits"),
        false => Ok(value.to_string()),
    }
}

/// Cedar's `decimal`: at most four places.
fn decimal(value: &Value) -> Result<String, &'static str> {
    const WHY: &str = "a number of more than four decimal places cannot be compared";
    let number = value.as_f64().ok_or(WHY)?;
    let text = format!("{number}");
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    if places > 4 || number.abs() >= 922_337_203_685_477.0 {
        return Err(WHY);
    }
    let end = if places == 0 { ".0" } else { "" };
    Ok(format!("decimal(\"{text}{end}\")"))
}

fn text(value: &Value) -> Result<String, &'static str> {
    let text = value.as_str().ok_or("it is no text")?;
    if text.chars().nth(TEXT).is_some() {
        return Err("its texts are too long to be read here");
    }
    Ok(quote(text))
}

/// A Cedar string. What does not show, and the quotes of TOML around it, are escapes.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '\'' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            c if c.is_ascii_graphic() || c == ' ' => out.push(c),
            c if c.is_alphanumeric() && !is_hidden(c) => out.push(c),
            c => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// An attribute's name as it stands after `has`.
fn attribute(name: &str) -> String {
    match is_identifier(name) {
        true => name.to_owned(),
        false => quote(name),
    }
}

fn access(name: &str) -> String {
    match is_identifier(name) {
        true => format!("context.args.{name}"),
        false => format!("context.args[{}]", quote(name)),
    }
}

fn is_identifier(name: &str) -> bool {
    const RESERVED: [&str; 10] = [
        "true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar",
    ];
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_start)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&name)
}

#[cfg(test)]
mod tests;
