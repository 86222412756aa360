//! What was measured, as data: a row has its samples, and its spread is read off them. Nothing is left out, no outlier is cut.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Value, json};

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// From where to where it was measured.
    pub(crate) what: Cow<'static, str>,
    pub(crate) unit: Unit,
    /// What is wanted of the median.
    pub(crate) aim: Option<Aim>,
    /// In seconds, or in megabytes, in the order in which they were taken. A difference can be negative.
    pub(crate) samples: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Microseconds,
    Megabytes,
}

/// In the unit of the row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim {
    pub(crate) aim: f64,
    /// The most that may be, where it is not the aim itself.
    pub(crate) at_most: Option<f64>,
}

/// The spread of a row's samples, in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Row {
    /// A row in milliseconds without an aim.
    pub(crate) fn new(
        name: &'static str,
        what: impl Into<Cow<'static, str>>,
        samples: Vec<f64>,
    ) -> Row {
        Row {
            name,
            what: what.into(),
            unit: Unit::Milliseconds,
            aim: None,
            samples,
        }
    }

    pub(crate) fn aim(mut self, aim: f64, at_most: Option<f64>) -> Row {
        self.aim = Some(Aim { aim, at_most });
        self
    }

    pub(crate) fn microseconds(mut self) -> Row {
        self.unit = Unit::Microseconds;
        self
    }

    pub(crate) fn megabytes(mut self) -> Row {
        self.unit = Unit::Megabytes;
        self
    }

    pub(crate) fn spread(&self) -> Spread {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| rank(&sorted, share) * self.unit.per_sample();
        Spread {
            min: at(0.0),
            median: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: at(1.0),
        }
    }

    /// Whether the median is where it should be.
    pub(crate) fn verdict(&self) -> Option<&'static str> {
        let aim = self.aim?;
        let median = self.spread().median;
        Some(if median <= aim.aim {
            "met"
        } else if aim.at_most.is_some_and(|most| median <= most) {
            "within its bound"
        } else {
            "missed"
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let spread = self.spread();
        json!({
            "name": self.name,
            "what": self.what,
            "unit": self.unit.name(),
            "n": self.samples.len(),
            "min": spread.min,
            "median": spread.median,
            "p90": spread.p90,
            "p99": spread.p99,
            "max": spread.max,
            "aim": self.aim.map(|aim| aim.aim),
            "at_most": self.aim.and_then(|aim| aim.at_most),
            "verdict": self.verdict(),
        })
    }
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "us",
            Unit::Megabytes => "MB",
        }
    }

    fn per_sample(self) -> f64 {
        match self {
            Unit::Milliseconds => 1e3,
            Unit::Microseconds => 1e6,
            Unit::Megabytes => 1.0,
        }
    }
}

/// The nearest rank: a value that was measured, never one between two.
fn rank(sorted: &[f64], share: f64) -> f64 {
    let index = (share * sorted.len() as f64).ceil() as usize;
    sorted
        .get(index.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

/// What is left of each time when the other, taken beside it, is subtracted; in seconds.
pub(crate) fn without(times: &[Duration], others: &[Duration]) -> Vec<f64> {
    times
        .iter()
        .zip(others)
        .map(|(time, other)| time.as_secs_f64() - other.as_secs_f64())
        .collect()
}

pub(crate) fn seconds(times: &[Duration]) -> Vec<f64> {
    times.iter().map(Duration::as_secs_f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_holds_measured_values_only() {
        let samples: Vec<f64> = (1..=200).rev().map(|n| f64::from(n) / 1e3).collect();
        let row = Row::new("a", "b", samples).aim(99.0, Some(100.0));
        let spread = row.spread();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(spread.min, 1.0) && near(spread.median, 100.0) && near(spread.max, 200.0));
        assert!(near(spread.p90, 180.0) && near(spread.p99, 198.0));
        assert_eq!(row.verdict(), Some("within its bound"));
        assert_eq!(row.clone().aim(100.0, None).verdict(), Some("met"));
        assert_eq!(row.clone().aim(1.0, None).verdict(), Some("missed"));
        assert_eq!(row.microseconds().spread().min, 1000.0);
    }

    #[test]
    fn one_sample_is_all_of_its_spread() {
        let spread = Row::new("a", "b", vec![0.002]).spread();
        assert_eq!(spread.min, 2.0);
        assert_eq!(spread.p99, 2.0);
    }
}
