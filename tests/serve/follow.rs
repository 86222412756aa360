//! A run under way: what it tells meanwhile, and that a client that no longer wants it ends it, calls of servers included.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::client::Sdk;
use crate::ground::{ALL, Ground, Transport, demo, eventually};
use crate::{BOTH, Case, each};

const SLOW: &str = r#"
import { slowEcho } from "mcp:demo";
export default async (input) => {
  const said = [];
  for (const word of input) {
    console.log(`now ${word}`);
    said.push(await slowEcho({ text: word, delay_ms: 900 }));
  }
  return said;
};
"#;

/// It would run for longer than any test.
const ENDLESS: &str = r#"
import { slowEcho } from "mcp:demo";
export default async () => {
  await Promise.all([1, 2].map((n) => slowEcho({ text: `call ${n}`, delay_ms: 600000 })));
  return "never";
};
"#;
const BUSY: &str = r#"export default async () => { console.log("turning"); for (;;); };"#;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = each("progress", &Sdk::ALL, &BOTH, &[], progress);
    cases.extend(each(
        "cancellation of calls",
        &Sdk::ALL,
        &BOTH,
        &[],
        cancelled_calls,
    ));
    cases.extend(each(
        "cancellation of a busy program",
        &Sdk::ALL,
        &BOTH,
        &[],
        cancelled_program,
    ));
    let modern = [Sdk::TypeScript2, Sdk::Python2];
    cases.extend(each(
        "a client that dies",
        &modern,
        &[Transport::Http],
        &[],
        dead_client,
    ));
    cases.extend(each(
        "a session that ends",
        &Sdk::ALL,
        &BOTH,
        &[],
        ended_session,
    ));
    cases
}

fn progress(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let ground = Ground::new(transport, &demo(), ALL, &[])?;
    let mut client = ground.client(sdk)?;
    let id = client.start_run(json!({ "code": SLOW, "input": ["a", "b", "c"] }))?;
    let ran = client.answer(id)?;
    ensure!(ran.value()? == json!(["a", "b", "c"]), "{ran:?}");
    ensure!(
        ran.notes()
            .starts_with("log: now a\nlog: now b\nlog: now c\n"),
        "{ran:?}"
    );
    let told = client.events("progress");
    ensure!(told.len() >= 3, "2.7 s, told twice a second: {told:?}");
    let steps: Vec<f64> = told
        .iter()
        .filter_map(|event| event["progress"].as_f64())
        .collect();
    ensure!(
        steps.len() == told.len() && steps.is_sorted_by(|a, b| a < b),
        "{told:?}"
    );
    let last = told
        .last()
        .and_then(|event| event["message"].as_str())
        .context("a message")?;
    ensure!(last.ends_with(" calls; now c"), "{told:?}");
    client.close()?;
    ground.close()
}

/// The run's calls are over at the server too, and the next program runs as if nothing had been.
fn cancelled_calls(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let mut ground = Ground::prepared(&demo(), ALL)?;
    let got = ground.stand.folder().join("got").display().to_string();
    ground.stand.set("WITGATE_DEMO_TRANSCRIPT", got);
    if transport == Transport::Http {
        ground.start(&[])?;
    }
    let mut client = ground.client(sdk)?;
    // Once followed by its progress, once in silence: over HTTP an answer that is a stream, and one that has not begun.
    for (turn, progress) in [(1, true), (2, false)] {
        let run = json!({ "name": "run", "arguments": { "code": ENDLESS }, "progress": progress });
        let id = client.send("call", run)?;
        if progress {
            client.event(&["progress"])?;
        }
        let arrived = || Ok(ground.stand.lines("got")?.len() == 2 * turn);
        eventually("both calls have reached the server", arrived)?;
        client.ask("abort", json!({ "of": id }))?;
        ensure!(client.reply(id)?.is_err(), "an aborted call has no result");
        let noted = || Ok(ground.journal("slow_echo")?.len() == 2 * turn);
        eventually("the journal has both calls", noted)?;
    }
    for record in ground.journal("slow_echo")? {
        ensure!(
            record["verdict"] == "permitted" && record["outcome"] == "cancelled",
            "{record}"
        );
    }
    let quick = r#"import { slowEcho } from "mcp:demo"; export default async () => slowEcho({ text: "on", delay_ms: 1 });"#;
    let ran = client.run(quick)?;
    ensure!(ran.value()? == "on", "{ran:?}");
    ground.idles()?;
    client.close()?;
    ground.close()
}

fn cancelled_program(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    // Without the limit that would end it soon anyway.
    let ground = Ground::new(
        transport,
        &demo(),
        ALL,
        &["--max-cpu", "3600", "--max-time", "3600"],
    )?;
    let mut client = ground.client(sdk)?;
    let id = client.start_run(json!({ "code": BUSY }))?;
    client.event(&["progress"])?;
    client.ask("abort", json!({ "of": id }))?;
    ensure!(client.reply(id)?.is_err(), "an aborted call has no result");
    ground.idles()?;
    let ran = client.run("export default async () => 1;")?;
    ensure!(ran.value()? == json!(1), "{ran:?}");
    client.close()?;
    ground.close()
}

fn are_cancelled(ground: &Ground) -> anyhow::Result<bool> {
    let records = ground.journal("slow_echo")?;
    Ok(records.len() == 2
        && records
            .iter()
            .all(|record| record["outcome"] == "cancelled"))
}

/// A client that leaves in good order, in the middle of a run.
fn ended_session(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let ground = Ground::new(transport, &demo(), ALL, &["--max-time", "3600"])?;
    let mut client = ground.client(sdk)?;
    client.start_run(json!({ "code": ENDLESS }))?;
    client.event(&["progress"])?;
    client.close()?;
    eventually("its calls are cancelled", || are_cancelled(&ground))?;
    ground.close()
}

/// Nobody is left to hear of it: its run ends. In the older protocol a client that lost its connection may come back for the
/// answer, and its run goes on.
fn dead_client(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let ground = Ground::new(
        transport,
        &demo(),
        ALL,
        &["--max-cpu", "3600", "--max-time", "3600"],
    )?;
    let mut client = ground.client(sdk)?;
    client.start_run(json!({ "code": ENDLESS }))?;
    client.event(&["progress"])?;
    client.kill()?;
    eventually("its calls are cancelled", || are_cancelled(&ground))?;
    ground.close()
}
