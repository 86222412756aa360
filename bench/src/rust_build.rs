//! A Rust program of one file to a component: with tools that were named before, and with tools that never were. The
//! toolchain was set up beforehand; what is built here is kept in a folder of its own.

use std::time::{Duration, Instant};

use anyhow::ensure;
use witgate_builder::rust::build_rust;
use witgate_builder::toolchain::Toolchain;

use crate::ground::{Ground, toolchain};
use crate::spread::{Row, seconds};

fn program(tool: &str, round: usize) -> String {
    let arguments: String = tool
        .split('_')
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect();
    format!(
        "use mcp::bench::{{{arguments}Args, {tool}}};
use witgate_guest::prelude::*;

async fn run(input: Value) -> Result<Value> {{
    let ids: Vec<i64> = input[\"ids\"]
        .as_array()
        .context(\"a list of ids\")?
        .iter()
        .filter_map(Value::as_i64)
        .collect();
    let calls = ids.into_iter().map(|id| {tool}({arguments}Args {{ id, ..Default::default() }}));
    let rows = try_join_all(calls).await?;
    let total: f64 = rows.iter().map(|row| row.total).sum();
    println!(\"{{}} rows\", rows.len());
    Ok(json!({{ \"round\": {round}, \"total\": total }}))
}}

program!(run);
"
    )
}

pub(crate) fn rows(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let toolchain = toolchain()?;
    let tools: Vec<&str> = ground.catalog.servers["bench"]
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    let (mut first, mut warm) = (Vec::new(), Vec::new());
    for (round, tool) in tools.iter().take(ground.rounds(20).min(6)).enumerate() {
        first.push(build(ground, &toolchain, tool, round)?);
    }
    for round in 0..ground.rounds(20) {
        warm.push(build(ground, &toolchain, tools[0], 1_000 + round)?);
    }
    Ok(vec![
        Row::new(
            "rust.build",
            "a new text of one Rust file, tools named before -> component",
            seconds(&warm),
        )
        .aim(1_500.0, None),
        Row::new(
            "rust.build.first",
            "the same with tools that no program has named: their bindings are generated and compiled first",
            seconds(&first),
        ),
    ])
}

fn build(
    ground: &Ground,
    toolchain: &Toolchain,
    tool: &str,
    round: usize,
) -> anyhow::Result<Duration> {
    let source = program(tool, round);
    let (models, cache) = (&ground.definitions.models, ground.cache());
    let started = Instant::now();
    let built = build_rust(&source, "program.rs", models, toolchain, &cache)?;
    let time = started.elapsed();
    ensure!(
        built.tools.len() == 1,
        "the component imports {} tools",
        built.tools.len()
    );
    Ok(time)
}
