//! What a run did, as a model and a client are told: calls per tool, bytes that stayed out of the context, time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Value, json};
use witgate_host::journal::{Outcome, Record, Verdict, Watch};

/// Bytes of JSON that make one token of a model, about.
const BYTES_A_TOKEN: u64 = 4;

/// What the calls of one run came to so far.
#[derive(Default, Clone)]
pub(crate) struct Ledger(Arc<Mutex<IndexMap<String, Line>>>);

#[derive(Default, Clone)]
struct Line {
    calls: u64,
    failed: u64,
    denied: u64,
    bytes: u64,
}

impl Ledger {
    /// Follows the run whose journal shows its records to this.
    pub(crate) fn watch(&self) -> Watch {
        let ledger = self.clone();
        Box::new(move |record| ledger.add(record))
    }

    fn add(&self, record: &Record) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines
            .entry(format!("{}/{}", record.server, record.tool))
            .or_default();
        match (record.verdict, record.outcome) {
            (Verdict::Permitted, Some(Outcome::Ok)) => line.calls += 1,
            (Verdict::Permitted | Verdict::DryRun, _) => {
                line.calls += 1;
                line.failed += 1;
            }
            (Verdict::Denied | Verdict::Invalid, _) => line.denied += 1,
        }
        line.bytes += record.arguments_bytes + record.result_bytes.unwrap_or(0);
    }

    fn lines(&self) -> IndexMap<String, Line> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Calls that have ended.
    pub(crate) fn calls(&self) -> u64 {
        self.lines().values().map(|line| line.calls).sum()
    }

    /// Tools that were called, as `server/tool`.
    pub(crate) fn called(&self) -> Vec<String> {
        let lines = self.lines().into_iter();
        lines
            .filter(|(_, line)| line.calls > 0)
            .map(|(tool, _)| tool)
            .collect()
    }

    /// Bytes of arguments and results that the model neither wrote nor read.
    fn kept_out(&self, answer: usize) -> u64 {
        let all: u64 = self.lines().values().map(|line| line.bytes).sum();
        all.saturating_sub(answer as u64)
    }

    /// One line for a model: `[51 calls, 1 failed, 3.4 MB kept out, 130 ms]`. Which tools they were, it wrote itself.
    pub(crate) fn line(&self, answer: usize, wall: Duration) -> String {
        let lines = self.lines();
        let sum = |of: fn(&Line) -> u64| lines.values().map(of).sum::<u64>();
        let mut said = Vec::new();
        match sum(|line| line.calls) {
            0 => {}
            1 => said.push("1 call".to_owned()),
            calls => said.push(format!("{calls} calls")),
        }
        for (count, what) in [
            (sum(|line| line.failed), "failed"),
            (sum(|line| line.denied), "denied"),
        ] {
            if count > 0 {
                said.push(format!("{count} {what}"));
            }
        }
        let kept_out = self.kept_out(answer);
        if kept_out >= WORTH_TELLING {
            said.push(format!("{} kept out", size(kept_out)));
        }
        said.push(match wall.as_millis() {
            ms @ 0..10_000 => format!("{ms} ms"),
            ms => format!("{} s", ms / 1_000),
        });
        format!("[{}]", said.join(", "))
    }

    /// The whole, for a client.
    pub(crate) fn whole(&self, answer: usize, wall: Duration, cpu: Duration) -> Value {
        let kept_out = self.kept_out(answer);
        let lines = self.lines().into_iter();
        let calls: serde_json::Map<String, Value> = lines
            .map(|(tool, line)| (tool, json!({"calls": line.calls, "failed": line.failed, "denied": line.denied, "bytes": line.bytes})))
            .collect();
        json!({
            "tools": calls,
            "bytesKeptOut": kept_out,
            "estimatedTokensSaved": kept_out / BYTES_A_TOKEN,
            "wallMilliseconds": wall.as_millis() as u64,
            "cpuMilliseconds": cpu.as_millis() as u64,
        })
    }
}

/// Fewer bytes are not worth a word.
const WORTH_TELLING: u64 = 2_000;

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
