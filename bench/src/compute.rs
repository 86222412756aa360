//! Programs that work on data: 10,000 rows filtered in JavaScript and in Rust, and plain computing.

use anyhow::ensure;
use serde_json::json;
use witgate_host::{Host, Prepared};

use crate::ground::{Ground, call_directly, js_prepared, run, rust_prepared};
use crate::spread::{Row, seconds, without};

const FILTER_JS: &str = include_str!("../../examples/02-filter-10k-rows/program.js");
const FILTER_RUST: &str = include_str!("../../examples/02-filter-10k-rows/program.rs");

const FIB_JS: &str = "
const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));

export default function (input) {
  return fib(input.n);
}
";

const FIB_RUST: &str = r#"
use witgate_guest::prelude::*;

fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

async fn run(input: Value) -> Result<Value> {
    Ok(json!(fib(input["n"].as_u64().context("a number")?)))
}

program!(run);
"#;

/// The programs of examples/02-filter-10k-rows.
pub(crate) async fn filter(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let host = &ground.on_demand;
    let js = js_prepared(ground, host, FILTER_JS)?;
    let rust = rust_prepared(ground, host, FILTER_RUST)?;
    let input = json!({ "label": "security" });
    let arguments = json!({ "per_page": 10_000 });
    let (mut direct, mut from_js, mut from_rust) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ground.rounds(40) + 2 {
        let alone = call_directly(ground, "demo", "list_issues", &arguments).await?;
        let one = run(ground, host, &js, &input).await?;
        let other = run(ground, host, &rust, &input).await?;
        ensure!(one.value["read"] == 10_000, "not all rows were read");
        ensure!(one.value == other.value, "the two programs disagree");
        if round >= 2 {
            direct.push(alone);
            from_js.push(one.wall);
            from_rust.push(other.wall);
        }
    }
    Ok(vec![
        Row::new(
            "filter.direct",
            "10,000 rows fetched without a program: the demo server's work, the pipe, the answer parsed",
            seconds(&direct),
        ),
        Row::new(
            "filter.js",
            "10,000 rows fetched and filtered in JavaScript: one run of examples/02-filter-10k-rows",
            seconds(&from_js),
        ),
        Row::new(
            "filter.js.own",
            "filter.js less filter.direct: checks, digest, the way into the guest, the filter",
            without(&from_js, &direct),
        ),
        Row::new(
            "filter.rust",
            "10,000 rows fetched and filtered in Rust, as typed records",
            seconds(&from_rust),
        ),
        Row::new(
            "filter.rust.own",
            "filter.rust less filter.direct",
            without(&from_rust, &direct),
        ),
    ])
}

/// fib(25), whole runs.
pub(crate) async fn fib(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let host = &ground.on_demand;
    let js = js_prepared(ground, host, FIB_JS)?;
    let rust = rust_prepared(ground, host, FIB_RUST)?;
    Ok(vec![
        Row::new(
            "fib.js",
            "fib(25) in JavaScript, one run of a prepared program; the aim is the best peer's",
            fib_times(ground, host, &js).await?,
        )
        .aim(16.0, None),
        Row::new(
            "fib.rust",
            "fib(25) in Rust, one run of a prepared program",
            fib_times(ground, host, &rust).await?,
        )
        .aim(1.0, None),
    ])
}

async fn fib_times(ground: &Ground, host: &Host, prepared: &Prepared) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for round in 0..ground.rounds(100) + 5 {
        let ran = run(ground, host, prepared, &json!({ "n": 25 })).await?;
        ensure!(ran.value == 75_025, "fib(25) is 75,025");
        if round >= 5 {
            times.push(ran.wall);
        }
    }
    Ok(seconds(&times))
}
