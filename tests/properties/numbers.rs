//! Numbers within bounds, first of all those at which conversions go wrong.

use fastrand::Rng;
use serde_json::{Map, Number, Value};

/// Where 64 bits, doubles and signs end.
const EDGES: [i128; 17] = [
    0,
    1,
    -1,
    2,
    255,
    1 << 31,
    (1 << 32) + 1,
    (1 << 53) - 1,
    1 << 53,
    (1 << 53) + 1,
    -(1 << 53) - 1,
    i64::MAX as i128,
    i64::MIN as i128,
    i64::MAX as i128 + 1,
    u64::MAX as i128,
    123_456_789_012_345_678,
    -42,
];
const FRACTIONS: [f64; 10] = [
    -0.0,
    0.1,
    -1.5,
    1e300,
    5e-324,
    1.0,
    1e20,
    2.5e15,
    1.797_693_134_862_315_7e308,
    0.300_000_000_000_000_04,
];

/// The bounds that several schemas set together.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    least: f64,
    most: f64,
    step: Option<f64>,
}

fn bounds(layers: &[&Map<String, Value>], whole: bool) -> Bounds {
    let mut bounds = Bounds {
        least: f64::NEG_INFINITY,
        most: f64::INFINITY,
        step: None,
    };
    let nudge = |limit: f64| {
        if whole {
            1.0
        } else {
            (limit.abs() * 1e-9).max(1e-9)
        }
    };
    for layer in layers {
        let get = |key: &str| layer.get(key).and_then(Value::as_f64);
        if let Some(limit) = get("minimum") {
            bounds.least = bounds.least.max(limit);
        }
        if let Some(limit) = get("maximum") {
            bounds.most = bounds.most.min(limit);
        }
        if let Some(limit) = get("exclusiveMinimum") {
            bounds.least = bounds.least.max(limit + nudge(limit));
        }
        if let Some(limit) = get("exclusiveMaximum") {
            bounds.most = bounds.most.min(limit - nudge(limit));
        }
        bounds.step = get("multipleOf").or(bounds.step);
    }
    bounds
}

/// A number that the schemas allow, likely.
pub(crate) fn within(
    layers: &[&Map<String, Value>],
    whole: bool,
    wild: bool,
    rng: &mut Rng,
) -> Value {
    let bounds = bounds(layers, whole);
    if let Some(step) = bounds.step.filter(|step| *step > 0.0) {
        let from = if bounds.least.is_finite() {
            (bounds.least / step).ceil()
        } else {
            -20.0
        };
        let to = if bounds.most.is_finite() {
            (bounds.most / step).floor()
        } else {
            from + 40.0
        };
        let times = rng.i64(from as i64..=(to as i64).max(from as i64));
        return number(times as f64 * step);
    }
    let fits = |x: f64| x >= bounds.least && x <= bounds.most;
    if !whole && rng.u8(0..2) == 0 {
        let fitting: Vec<f64> = FRACTIONS.into_iter().filter(|x| fits(*x)).collect();
        if wild && let Some(x) = rng.choice(fitting) {
            return float(x);
        }
        let span = if bounds.least.is_finite() && bounds.most.is_finite() {
            bounds.most - bounds.least
        } else {
            1_000.0
        };
        let from = if bounds.least.is_finite() {
            bounds.least
        } else if bounds.most.is_finite() {
            bounds.most - span
        } else {
            -500.0
        };
        return float(from + rng.f64() * span);
    }
    let mut fitting: Vec<i128> = EDGES.into_iter().filter(|n| fits(*n as f64)).collect();
    if !wild {
        fitting.retain(|n| n.unsigned_abs() < 1 << 53);
    }
    for limit in [bounds.least.ceil(), bounds.most.floor()] {
        if limit.is_finite() && limit.abs() < 9e18 {
            fitting.extend([limit as i128, limit as i128 - 1, limit as i128 + 1]);
        }
    }
    fitting.retain(|n| fits(*n as f64));
    let n = rng.choice(fitting).unwrap_or(0);
    // An integer may be written with a fraction.
    if wild && rng.u8(0..12) == 0 && n.unsigned_abs() < 1 << 53 {
        return float(n as f64);
    }
    integer(n)
}

/// Any number.
pub(crate) fn any(rng: &mut Rng) -> Value {
    within(&[], rng.bool(), true, rng)
}

fn integer(n: i128) -> Value {
    match (i64::try_from(n), u64::try_from(n)) {
        (Ok(n), _) => n.into(),
        (_, Ok(n)) => n.into(),
        _ => float(n as f64),
    }
}

fn float(x: f64) -> Value {
    Number::from_f64(x).map_or(Value::from(0), Value::Number)
}

/// As people write it: without a fraction where there is none.
fn number(x: f64) -> Value {
    if x.fract() == 0.0 && x.abs() < 9e15 {
        (x as i64).into()
    } else {
        float(x)
    }
}
