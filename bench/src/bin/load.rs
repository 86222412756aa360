//! `witgate serve` under load: many MCP clients over HTTP, each with a session of its own, run programs at the same time, while the
//! servers behind are killed at random. Every answer is held against what its own request has to give; the memory of the server is
//! read before, at its highest, and after. `witgate-bench-load [--clients N] [--runs N]`.

#![allow(clippy::print_stdout, reason = "the figures are what it is run for")]

#[path = "../beside.rs"]
mod beside;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use futures::future::join_all;
use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, ProtocolVersion,
};
use rmcp::service::{ClientLifecycleMode, RoleClient, RunningService, serve_client_with_lifecycle};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use beside::beside;

/// Load `witgate serve` with many clients while its servers are killed
#[derive(Parser)]
struct Arguments {
    /// Clients at the same time
    #[arg(long, default_value_t = 200)]
    clients: u64,
    /// Runs of all clients together
    #[arg(long, default_value_t = 20_000)]
    runs: u64,
    /// Seconds between two kills, on average
    #[arg(long, default_value_t = 3.0)]
    kill: f64,
    /// Rounds, after each of which the idle server's memory is read
    #[arg(long, default_value_t = 4)]
    rounds: u64,
}

/// Reads what the run before left, calls two servers at once and again where one was killed, and leaves something itself.
const PROGRAM: &str = r#"
import { slowEcho as alpha } from "mcp:ALPHA";
import { slowEcho as beta } from "mcp:BETA";
import { read, write } from "mcp:workspace";

const again = async (echo, text) => {
  for (let i = 0; ; i++) {
    try {
      return await echo({ text, delay_ms: 2 });
    } catch (error) {
      if (error.kind !== "unavailable" || i > 600) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
};

export default async ({ client, n }) => {
  const before = n > 0 ? await read({ path: "last" }) : null;
  const texts = await Promise.all([again(alpha, `${client}/${n}/a`), again(beta, `${client}/${n}/b`)]);
  await write({ path: "last", value: [client, n] });
  return { variant: VARIANT, texts, before };
};
"#;

/// Servers, of which each program calls two: a server that dies again and again is left alone for longer each time.
const SERVERS: u64 = 8;

/// Runs of each client before anything is measured: instances, pools and compiled code are there then.
const WARM: u64 = 10;

/// How long an idle server is given to let go of what it no longer needs.
const REST: Duration = Duration::from_secs(8);

type Peer = RunningService<RoleClient, ClientConfig>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let server = Served::start(folder.path()).await?;
    let at_start = server.memory()?;

    let peers = join_all((0..arguments.clients).map(|_| connect(&server.url))).await;
    let peers: Vec<Arc<Peer>> = peers
        .into_iter()
        .map(|peer| peer.map(Arc::new))
        .collect::<Result<_, _>>()?;
    // Everything is compiled and every pool is filled once: what is compared is the work, not the start.
    let warm = Tally::default();
    all(&peers, WARM, 0, &warm).await;
    warm.judge()?;
    tokio::time::sleep(REST).await;
    let before = server.memory()?;

    let tally = Tally::default();
    let killed = Arc::new(AtomicU64::new(0));
    let killer = tokio::spawn(kill(server.pid()?, arguments.kill, Arc::clone(&killed)));
    let each = arguments
        .runs
        .div_ceil(arguments.clients * arguments.rounds);
    let (mut took, mut idle) = (Duration::ZERO, Vec::new());
    for round in 0..arguments.rounds {
        let started = Instant::now();
        all(&peers, each, WARM + round * each, &tally).await;
        took += started.elapsed();
        tokio::time::sleep(REST).await;
        idle.push(server.memory()?.now.to_string());
    }
    killer.abort();
    tally.judge()?;
    for peer in peers {
        if let Some(peer) = Arc::into_inner(peer) {
            peer.cancel().await?;
        }
    }
    tokio::time::sleep(REST).await;
    let after = server.memory()?;
    let runs = tally.right.load(Ordering::Relaxed);
    let mut waits = tally
        .waits
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .clone();
    waits.sort();
    let at = |part: f64| {
        waits
            .get((waits.len() as f64 * part) as usize)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{runs} runs of {} clients in {:.1} s ({:.0} a second), each answered once and with its own values",
        arguments.clients,
        took.as_secs_f64(),
        runs as f64 / took.as_secs_f64()
    );
    println!(
        "a run, as its client saw it: median {:.0?}, p99 {:.0?}, longest {:.0?}",
        at(0.5),
        at(0.99),
        waits.last().copied().unwrap_or_default()
    );
    println!("servers killed: {}", killed.load(Ordering::Relaxed));
    println!(
        "resident memory: {} MB at the start, {} MB warm and idle, {} MB at its highest; idle after each round {} MB, and {} MB when all clients had left",
        at_start.now,
        before.now,
        after.highest,
        idle.join(", "),
        after.now
    );
    server.end().await
}

/// What came back.
#[derive(Default)]
struct Tally {
    right: AtomicU64,
    wrong: std::sync::Mutex<Vec<String>>,
    waits: std::sync::Mutex<Vec<Duration>>,
}

impl Tally {
    fn wrong(&self, what: String) {
        self.wrong
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(what);
    }

    fn judge(&self) -> anyhow::Result<()> {
        let wrong = self
            .wrong
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        ensure!(
            wrong.is_empty(),
            "{} runs were lost or mixed up, for example:\n{}",
            wrong.len(),
            wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n")
        );
        Ok(())
    }
}

async fn all(peers: &[Arc<Peer>], runs: u64, first: u64, tally: &Tally) {
    join_all(peers.iter().zip(0_u64..).map(async |(peer, client)| {
        for n in first..first + runs {
            let started = Instant::now();
            match one(peer, client, n).await {
                Ok(()) => {
                    tally.right.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => tally.wrong(format!("client {client}, run {n}: {error:#}")),
            }
            tally
                .waits
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push(started.elapsed());
        }
    }))
    .await;
}

async fn one(peer: &Peer, client: u64, n: u64) -> anyhow::Result<()> {
    let variant = (client + n) % SERVERS;
    let name = |number: u64| format!("s{}", number % SERVERS);
    let code = PROGRAM.replace("VARIANT", &variant.to_string());
    let arguments = json!({
        "code": code.replace("ALPHA", &name(variant)).replace("BETA", &name(variant + 1)),
        "input": { "client": client, "n": n },
    });
    let mut asked = json!({ "name": "run", "arguments": arguments });
    loop {
        let params: CallToolRequestParams = serde_json::from_value(asked)?;
        let answer = tokio::time::timeout(Duration::from_secs(280), peer.call_tool(params))
            .await
            .context("no answer")??;
        let text = answer
            .content
            .first()
            .and_then(|block| block.as_text())
            .map(|block| block.text.clone())
            .unwrap_or_default();
        // A run that takes long is answered with a token first.
        if let Some((_, rest)) = text.split_once("with resume \"") {
            let token = rest.split('"').next().unwrap_or_default();
            asked = json!({ "name": "run", "arguments": { "resume": token } });
            continue;
        }
        ensure!(answer.is_error != Some(true), "{text}");
        let value: Value = serde_json::from_str(&text).with_context(|| text.clone())?;
        let before = match n {
            0 => Value::Null,
            n => json!([client, n - 1]),
        };
        let expected = json!({ "variant": variant, "texts": [format!("{client}/{n}/a"), format!("{client}/{n}/b")], "before": before });
        ensure!(
            value == expected,
            "it answered {value} instead of {expected}"
        );
        return Ok(());
    }
}

async fn connect(url: &str) -> anyhow::Result<Peer> {
    let http = witgate_host::mcp::http_client(url)?;
    let transport = StreamableHttpClientTransport::with_client(
        http,
        StreamableHttpClientTransportConfig::with_uri(url),
    );
    let us = ClientConfig::new(
        ClientCapabilities::default(),
        Implementation::new("load", "1"),
    )
    .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
    // The generation with sessions: what one run leaves, the next of the same client finds.
    Ok(serve_client_with_lifecycle(us, transport, ClientLifecycleMode::Initialize).await?)
}

/// Kills one child of the process after another, at random times.
async fn kill(parent: u32, seconds: f64, killed: Arc<AtomicU64>) {
    loop {
        tokio::time::sleep(Duration::from_secs_f64(seconds * 2.0 * fastrand::f64())).await;
        let children = children(parent);
        // A server that is just left alone is spared too: where few are there, fewer are killed.
        let Some(victim) = children.get(fastrand::usize(..SERVERS as usize)) else {
            continue;
        };
        if let Some(pid) = rustix::process::Pid::from_raw(*victim)
            && rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok()
        {
            killed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn children(parent: u32) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let child = |entry: std::fs::DirEntry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name, in brackets, may hold anything.
        let rest = stat.rsplit_once(')')?.1;
        let above: u32 = rest.split_whitespace().nth(1)?.parse().ok()?;
        (above == parent).then_some(pid)
    };
    processes.filter_map(child).collect()
}

struct Served {
    process: Child,
    url: String,
}

/// Of a process, in MB.
struct Memory {
    now: u64,
    highest: u64,
}

impl Served {
    async fn start(folder: &Path) -> anyhow::Result<Served> {
        let witgate = beside("witgate")?;
        let demo = json!({ "command": witgate, "args": ["demo-server"] });
        let names = (0..SERVERS).map(|number| format!("s{number}"));
        let servers: serde_json::Map<String, Value> =
            names.map(|name| (name, demo.clone())).collect();
        std::fs::write(
            folder.join("servers.json"),
            json!({ "mcpServers": servers }).to_string(),
        )?;
        let grant = |server: &str| format!("[[grant]]\nserver = \"{server}\"\ntools = [\"*\"]\n");
        std::fs::write(
            folder.join("grants.toml"),
            ["s[0-9]", "workspace"].map(grant).concat(),
        )?;
        let mut process = Command::new(&witgate)
            .args(["serve", "--http", "0", "--config"])
            .arg(folder.join("servers.json"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(process.stderr.take().context("no stderr")?).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(url) = line.strip_prefix("listening on ") {
                let url = url.to_owned();
                // Read to the end, so that the server never waits for a full pipe.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Served { process, url });
            }
        }
        bail!("`witgate serve` does not listen")
    }

    fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().context("the server is gone")
    }

    fn memory(&self) -> anyhow::Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let of = |name: &str| {
            let line = status
                .lines()
                .find(|line| line.starts_with(name))
                .unwrap_or("");
            let kilobytes: u64 = line
                .split_whitespace()
                .nth(1)
                .and_then(|n| n.parse().ok())
                .unwrap_or(0);
            kilobytes / 1_000
        };
        Ok(Memory {
            now: of("VmRSS:"),
            highest: of("VmHWM:"),
        })
    }

    /// Asks it to end, and sees that it does.
    async fn end(mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.pid()?)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.context("no process")?, rustix::process::Signal::TERM)?;
        let status = tokio::time::timeout(Duration::from_secs(20), self.process.wait())
            .await
            .context("it does not end")??;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}
