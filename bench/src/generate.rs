//! Catalogs of many tools: model, WIT and declarations of all of them. Each sample is a process of its own, which tells its
//! memory as well.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::beside::beside;
use crate::ground::Ground;
use crate::spread::Row;

const SIZES: [(usize, &str, &str); 3] = [
    (1_250, "gen.1250", "gen.1250.memory"),
    (2_500, "gen.2500", "gen.2500.memory"),
    (5_000, "gen.5000", "gen.5000.memory"),
];

pub(crate) fn rows(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let mut rows = Vec::new();
    for (count, time_name, memory_name) in SIZES {
        let (mut times, mut memories) = (Vec::new(), Vec::new());
        for _ in 0..ground.rounds(20) {
            let mut command = Command::new(beside("witgate-bench-generate")?);
            command.arg(count.to_string());
            if corpus.is_dir() {
                command.arg(&corpus);
            }
            let output = command.output()?;
            let told = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "generating failed: {told}");
            let told: Value = serde_json::from_slice(&output.stdout)?;
            times.push(told["seconds"].as_f64().context("a time")?);
            memories.extend(told["megabytes"].as_f64());
        }
        let mut time = Row::new(
            time_name,
            "so many tools, of real servers where the corpus is there: catalog -> model, WIT in both views, `.d.ts`",
            times,
        );
        if count == 5_000 {
            time = time.aim(1_000.0, None);
        }
        rows.push(time);
        let what = "the same: the most memory that the process had, the catalog included";
        rows.push(Row::new(memory_name, what, memories).megabytes());
    }
    Ok(rows)
}
