//! Tool calls: what one costs beside the server, and what fifty cost at once. A direct call is the client alone, in this
//! process, on the same connection; what a program's call takes longer is the gate, the checks against the schemas, the
//! journal's record and the conversion of values.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use witgate_host::{Host, Prepared};

use crate::ground::{Ground, Ran, call_directly, js_prepared, run, rust_prepared};
use crate::spread::{Row, seconds, without};

/// Calls in one round.
const CALLS: u32 = 20;

const JS: &str = r#"
import { get_order } from "mcp:bench";

export default async function (input) {
  console.log("first");
  let total = 0;
  for (let n = 0; n < input.calls; n++) total += (await get_order({ id: 7 })).total;
  console.log("last");
  return total;
}
"#;

const RUST: &str = r#"
use mcp::bench::{GetOrderArgs, get_order};
use witgate_guest::prelude::*;

async fn run(input: Value) -> Result<Value> {
    let calls = input["calls"].as_u64().context("how many calls")?;
    println!("first");
    let mut total = 0.0;
    for _ in 0..calls {
        total += get_order(GetOrderArgs { id: 7, ..Default::default() }).await?.total;
    }
    println!("last");
    Ok(json!(total))
}

program!(run);
"#;

const PARALLEL: &str = include_str!("../../examples/05-parallel/program.js");

/// One call's own cost in both views.
pub(crate) async fn rows(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let host = &ground.on_demand;
    let json_view = js_prepared(ground, host, JS)?;
    let typed_view = rust_prepared(ground, host, RUST)?;
    let (mut direct, mut json, mut typed) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ground.rounds(400) + 10 {
        let alone = directly(ground).await?;
        let from_js = calling(ground, host, &json_view).await?;
        let from_rust = calling(ground, host, &typed_view).await?;
        // The first rounds start what is started once.
        if round >= 10 {
            direct.push(alone);
            json.push(from_js);
            typed.push(from_rust);
        }
    }
    Ok(vec![
        Row::new(
            "call.direct",
            "one call without a program: client, pipe and server, there and back; mean of 20 in a row",
            seconds(&direct),
        )
        .microseconds(),
        Row::new(
            "call.json",
            "what a call from a JavaScript program (JSON view) takes beside that; mean of 20 in a row",
            without(&json, &direct),
        )
        .microseconds()
        .aim(20.0, None),
        Row::new(
            "call.typed",
            "what a call from a Rust program (typed view) takes beside that; mean of 20 in a row",
            without(&typed, &direct),
        )
        .microseconds()
        .aim(20.0, None),
    ])
}

async fn directly(ground: &Ground) -> anyhow::Result<Duration> {
    let arguments = json!({ "id": 7 });
    let started = Instant::now();
    for _ in 0..CALLS {
        call_directly(ground, "bench", "get_order", &arguments).await?;
    }
    Ok(started.elapsed() / CALLS)
}

async fn calling(ground: &Ground, host: &Host, prepared: &Prepared) -> anyhow::Result<Duration> {
    let Ran { value, marks, .. } = run(ground, host, prepared, &json!({ "calls": CALLS })).await?;
    let total = value
        .as_f64()
        .context("the program's result is no number")?;
    ensure!(
        total == 1234.5 * f64::from(CALLS),
        "the program's result is wrong"
    );
    match marks.as_slice() {
        [first, last] => Ok((*last - *first) / CALLS),
        _ => anyhow::bail!("the program wrote {} lines", marks.len()),
    }
}

/// Fifty calls of 20 ms at once.
pub(crate) async fn parallel(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let host = &ground.on_demand;
    let prepared = js_prepared(ground, host, PARALLEL)?;
    let input = json!({ "calls": 50, "delay_ms": 20 });
    let mut times = Vec::new();
    for round in 0..ground.rounds(50) + 1 {
        let ran = run(ground, host, &prepared, &input).await?;
        ensure!(
            ran.value["inOrder"] == Value::Bool(true),
            "the echoes are not in order"
        );
        if round > 0 {
            times.push(ran.wall);
        }
    }
    Ok(vec![
        Row::new(
            "parallel",
            "50 calls at once, of which the server waits 20 ms in each: one run of examples/05-parallel",
            seconds(&times),
        )
        .aim(40.0, None),
    ])
}
