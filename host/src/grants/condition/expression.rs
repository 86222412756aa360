//! A condition's expression in Cedar's JSON form: what it speaks of, and the one change that is made before it is decided.
//! Nothing here recurses: a person's text may nest as deep as it likes.

use std::collections::BTreeSet;

use cedar_policy::{ParseErrors, Policy};
use serde_json::{Value, json};

use super::request::ten_thousandths;

/// What stands before a condition's text to make a policy of it.
pub(super) const BEFORE: &str = "permit(principal, action, resource) when {\n";

/// The entity whose attributes are the person's sets. Sets would be built anew for each call if they were in the context.
pub(super) const SETS: (&str, &str) = ("Sets", "all");

/// A condition's text as a policy.
///
/// # Errors
/// When it is no Cedar.
pub(super) fn policy(text: &str) -> Result<Policy, Box<ParseErrors>> {
    // On its own line, what ends the policy cannot be commented out.
    Policy::parse(None, format!("{BEFORE}{text}\n}};")).map_err(Box::new)
}

/// The expressions of a policy.
pub(super) fn bodies(policy: &Value) -> impl Iterator<Item = &Value> {
    let conditions = policy.get("conditions").and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .filter_map(|c| c.get("body"))
}

/// An expression's operator and what it works on.
pub(super) fn operator(expr: &Value) -> Option<(&str, &Value)> {
    let (name, inner) = expr.as_object()?.iter().next()?;
    Some((name, inner))
}

/// Every expression within an expression, outer ones first, in the order of the text.
pub(super) fn every(expr: &Value) -> impl Iterator<Item = &Value> {
    let mut waiting = vec![expr];
    std::iter::from_fn(move || {
        let expr = waiting.pop()?;
        waiting.extend(children(expr).into_iter().rev());
        Some(expr)
    })
}

const OPERANDS: [&str; 7] = ["left", "right", "arg", "if", "then", "else", "in"];

fn children(expr: &Value) -> Vec<&Value> {
    match operator(expr) {
        None | Some(("Value" | "Var" | "Slot", _)) => Vec::new(),
        Some(("Record", Value::Object(fields))) => fields.values().collect(),
        Some((_, Value::Array(items))) => items.iter().collect(),
        Some((_, inner)) => OPERANDS.iter().filter_map(|key| inner.get(key)).collect(),
    }
}

fn is_context(expr: &Value) -> bool {
    expr.get("Var").and_then(Value::as_str) == Some("context")
}

/// The names after `context`: `context.args.to` is `args`, `to`.
pub(super) fn path(expr: &Value) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut expr = expr;
    while !is_context(expr) {
        let access = expr.get(".")?;
        names.push(access.get("attr")?.as_str()?);
        expr = access.get("left")?;
    }
    names.reverse();
    Some(names)
}

/// The names of a `has`: one, or several with dots between.
fn has_names(inner: &Value) -> Vec<&str> {
    match inner.get("attr") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// What a `has` under `context` asks for.
pub(super) fn asked_for(expr: &Value) -> Option<Vec<&str>> {
    let inner = expr.get("has")?;
    let mut names = path(inner.get("left")?)?;
    names.extend(has_names(inner));
    Some(names)
}

/// What conditions speak of, as far as it matters before they are decided.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    names: BTreeSet<String>,
    /// The arguments as a whole.
    whole: bool,
    /// `context.stated`, which takes long to find out.
    pub(super) stated: bool,
    /// `context.stated` as a whole.
    whole_stated: bool,
    /// `context.now`
    pub(super) now: bool,
    /// `context` as a whole, which no condition may speak of.
    pub(super) context: bool,
}

impl Mentions {
    /// Takes in what an expression speaks of.
    pub(super) fn add(&mut self, expr: &Value) {
        self.context |= is_context(expr);
        for expr in every(expr) {
            let (op, inner) = match operator(expr) {
                Some(both) => both,
                None => continue,
            };
            let access = matches!(op, "." | "has");
            if let (true, Some(left)) = (access, inner.get("left")) {
                let names = has_names(inner);
                self.names
                    .extend(names.iter().map(|name| (*name).to_owned()));
                if is_context(left) {
                    self.stated |= names.contains(&"stated");
                    self.now |= names.contains(&"now");
                }
                continue;
            }
            if let ("Record", Value::Object(fields)) = (op, inner) {
                self.names.extend(fields.keys().cloned());
            }
            for child in children(expr) {
                self.context |= is_context(child);
                let path = path(child);
                self.whole |= path.as_ref().is_some_and(|names| names == &["args"]);
                self.whole_stated |= path.is_some_and(|names| names == ["stated"]);
            }
        }
    }

    /// Whether an argument is spoken of; rather too often than not often enough.
    pub(super) fn argument(&self, name: &str) -> bool {
        self.whole || self.names.contains(name)
    }

    /// The same of whether it was stated.
    pub(super) fn stated(&self, name: &str) -> bool {
        self.whole_stated || self.names.contains(name)
    }

    /// The same of anything else under `context`.
    pub(super) fn context(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Both together.
    pub(super) fn join(&mut self, other: &Mentions) {
        self.names.extend(other.names.iter().cloned());
        self.whole |= other.whole;
        self.whole_stated |= other.whole_stated;
        self.stated |= other.stated;
        self.now |= other.now;
        self.context |= other.context;
    }
}

/// What a decimal's methods are between whole numbers.
const COMPARED: [(&str, &str); 4] = [
    ("lessThan", "<"),
    ("lessThanOrEqual", "<="),
    ("greaterThan", ">"),
    ("greaterThanOrEqual", ">="),
];

/// A type-checked expression as it is decided, which takes less time: the entity that holds the sets stands where
/// `context.sets` stood, and decimals are what they count, whole numbers of ten-thousandths, as in requests. No checked
/// expression holds a decimal against a whole number, so that nothing else becomes of either.
pub(super) fn as_decided(expr: &mut Value) {
    let (kind, id) = SETS;
    let entity = || json!({"Value": {"__entity": {"type": kind, "id": id}}});
    let mut waiting = vec![expr];
    while let Some(expr) = waiting.pop() {
        if path(expr).is_some_and(|names| names == ["sets"]) {
            *expr = entity();
            continue;
        }
        if let Some(inner) = expr.get_mut("has")
            && inner.get("left").is_some_and(is_context)
            && let ["sets", rest @ ..] = has_names(inner).as_slice()
            && !rest.is_empty()
        {
            *inner = json!({"left": entity(), "attr": rest});
            continue;
        }
        if let Some(counted) = constant(expr) {
            *expr = json!({"Value": counted});
            continue;
        }
        if let Some((method, symbol)) = COMPARED.iter().find(|(name, _)| expr.get(name).is_some())
            && let Some([left, right]) = expr.get_mut(method).and_then(both)
        {
            *expr = json!({*symbol: {"left": left, "right": right}});
        }
        let Some((op, inner)) = expr.as_object_mut().and_then(|map| map.iter_mut().next()) else {
            continue;
        };
        match (op.as_str(), inner) {
            ("Value" | "Var" | "Slot", _) => {}
            ("Record", Value::Object(fields)) => waiting.extend(fields.values_mut()),
            (_, Value::Array(items)) => waiting.extend(items),
            (_, Value::Object(operands)) => waiting.extend(
                operands
                    .iter_mut()
                    .filter(|(key, _)| OPERANDS.contains(&key.as_str()))
                    .map(|(_, operand)| operand),
            ),
            _ => {}
        }
    }
}

/// What `decimal("1.5")` counts.
fn constant(expr: &Value) -> Option<i64> {
    match expr.get("decimal")?.as_array()?.as_slice() {
        [text] => ten_thousandths(text.get("Value")?.as_str()?).ok(),
        _ => None,
    }
}

/// Two operands, taken.
fn both(operands: &mut Value) -> Option<[Value; 2]> {
    match operands.as_array_mut()?.as_mut_slice() {
        [left, right] => Some([left.take(), right.take()]),
        _ => None,
    }
}

/// As `bodies`, to change them.
pub(super) fn bodies_mut(policy: &mut Value) -> impl Iterator<Item = &mut Value> {
    let conditions = policy.get_mut("conditions").and_then(Value::as_array_mut);
    conditions
        .into_iter()
        .flatten()
        .filter_map(|c| c.get_mut("body"))
}
