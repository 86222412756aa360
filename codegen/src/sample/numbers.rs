//! Plausible numbers within a schema's bounds.

use serde_json::{Map, Value};

use super::words;

/// The number by which the item of a list is told from the others.
pub(super) fn inner(number: u64, at: usize) -> u64 {
    match at {
        0 => number,
        at => number.wrapping_mul(1_000).wrapping_add(at as u64 + 1),
    }
}

/// The number of a value that must differ from others.
pub(super) fn distinct(number: u64, pick: usize) -> u64 {
    match pick {
        0 => number,
        pick => number.wrapping_add(pick as u64),
    }
}

/// The closest number to a plausible one that the layers allow.
pub(super) fn number(
    layers: &[&Map<String, Value>],
    name: &str,
    number: u64,
    pick: usize,
    whole: bool,
) -> Option<Value> {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let (mut above, mut below) = (false, false);
    let mut step: Option<f64> = None;
    for layer in layers {
        let bound = |key: &str| layer.get(key).and_then(Value::as_f64);
        // Draft 4 says with a flag that the bound itself is left out.
        let flag = |key: &str| layer.get(key) == Some(&Value::Bool(true));
        let lows = [
            (bound("minimum"), flag("exclusiveMinimum")),
            (bound("exclusiveMinimum"), true),
        ];
        for (bound, excluded) in lows {
            if let Some(bound) = bound.filter(|bound| *bound > low || (*bound == low && excluded)) {
                (low, above) = (bound, excluded);
            }
        }
        let highs = [
            (bound("maximum"), flag("exclusiveMaximum")),
            (bound("exclusiveMaximum"), true),
        ];
        for (bound, excluded) in highs {
            if let Some(bound) = bound.filter(|bound| *bound < high || (*bound == high && excluded))
            {
                (high, below) = (bound, excluded);
            }
        }
        step = bound("multipleOf").filter(|step| *step > 0.0).or(step);
    }
    let wanted = preferred(name, distinct(number, pick), pick) as f64;
    let fits = |value: f64| {
        (value > low || (value == low && !above)) && (value < high || (value == high && !below))
    };
    let grain = match (step, whole) {
        (Some(step), true) if step.fract() != 0.0 => 1.0_f64.max(step * (1.0 / step).round()),
        (Some(step), _) => step,
        (None, true) => 1.0,
        (None, false) => 0.0,
    };
    let grained = |value: f64, up: bool| match grain {
        0.0 => value,
        grain if up => (value / grain).ceil() * grain,
        grain => (value / grain).floor() * grain,
    };
    let pick = pick as f64;
    let between = (low + high) / 2.0;
    let candidates = [
        grained(wanted, true),
        grained(low, true) + pick * grain,
        grained(low, true) + (pick + 1.0) * grain,
        grained(high, false),
        grained(high, false) - grain,
        low + pick + 1.0,
        high - 1.0,
        between,
    ];
    let found = candidates
        .into_iter()
        .find(|value| value.is_finite() && fits(*value) && (!whole || value.fract() == 0.0))?;
    // What a float holds exactly is written as the integer that it is.
    if found.fract() == 0.0 && found.abs() < 9e15 {
        return Some((found as i64).into());
    }
    match whole {
        true => Some((found as i64).into()),
        false => serde_json::Number::from_f64(found).map(Value::Number),
    }
}

/// A number by the name of its property.
fn preferred(name: &str, number: u64, pick: usize) -> i64 {
    if words::is_fault(name) {
        return 0;
    }
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        _ if words::is_id(name) => i64::try_from(number).unwrap_or(i64::MAX),
        "offset" | "skip" | "remaining" => 0,
        "year" => 2026,
        "port" => 8080,
        "code" | "statuscode" | "status_code" => 200,
        _ if lower.ends_with("timestamp") || lower.ends_with("_at") => 1_767_225_600,
        _ => i64::try_from(pick).unwrap_or(0) + 1,
    }
}
