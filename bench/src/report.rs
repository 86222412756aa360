//! Rows -> text. The table shows every row with its spread and, below it, what it is and whether its aim was met.

use std::fmt::Write as _;

use crate::machine::Machine;
use crate::spread::Row;

pub(crate) fn head(machine: &Machine, load: Option<f64>) -> String {
    let mut out = format!(
        "{}, {} cores, {}; load before: {}\n",
        machine.processor,
        machine.cores,
        machine.system,
        shown(load),
    );
    if !machine.optimised {
        out.push_str("WARNING: this is no release build; its figures are worth nothing\n");
    }
    let _ = write!(
        out,
        "\n{:<22} {:>5} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
        "row", "n", "min", "median", "p90", "p99", "max"
    );
    out
}

pub(crate) fn line(row: &Row) -> String {
    let spread = row.spread();
    let mut out = format!(
        "{:<22} {:>5} {:>9} {:>9} {:>9} {:>9} {:>9} {}",
        row.name,
        row.samples.len(),
        number(spread.min),
        number(spread.median),
        number(spread.p90),
        number(spread.p99),
        number(spread.max),
        row.unit.name(),
    );
    if let (Some(aim), Some(verdict)) = (row.aim, row.verdict()) {
        let _ = write!(out, "  aim {}", aim.aim);
        if let Some(most) = aim.at_most {
            let _ = write!(out, ", at most {most}");
        }
        let _ = write!(out, ": {verdict}");
    }
    let _ = write!(out, "\n    {}\n", row.what);
    out
}

pub(crate) fn foot(load: Option<f64>) -> String {
    format!(
        "\nAims are held against the median. Load after: {}\n",
        shown(load)
    )
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn shown(load: Option<f64>) -> String {
    load.map_or("unknown".into(), |load| format!("{load:.2}"))
}
