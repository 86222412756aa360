//! What the rows stand on: hosts with the JavaScript engine compiled, live servers, their definitions, a journal on disk, and
//! the ways from a program to a result that several rows measure. Everything is in a folder that is gone afterwards.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use witgate_builder::js::{self, JsComponent};
use witgate_builder::toolchain::Toolchain;
use witgate_builder::{engine, link, rust};
use witgate_codegen::catalog::Catalog;
use witgate_host::servers::ServersLimits;
use witgate_host::{
    Definitions, Grants, Host, HostOptions, Journal, Limits, Plan, Prepared, Program, RunOptions,
    Script, Servers, admit, config, grants,
};

use crate::beside::beside;

/// Instances that the pooled host has room for.
const POOL: u32 = 16;
/// Longest direct call.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Ground {
    pub(crate) folder: TempDir,
    /// As the command line sets a host up, without its folder of compiled code.
    pub(crate) on_demand: Host,
    /// As a process that runs many programs would.
    pub(crate) pooled: Host,
    /// `bench` is the benchmark's own server, `bank` the same with other tools, `demo` the built-in one.
    pub(crate) servers: Servers,
    pub(crate) catalog: Catalog,
    pub(crate) definitions: Definitions,
    pub(crate) journal: Arc<Journal>,
    pub(crate) grants: Grants,
    /// A tenth of the rounds, to see that everything works.
    pub(crate) quick: bool,
}

/// A program's run, as seen from outside.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) value: Value,
    /// From the first instruction of the host to the parsed result.
    pub(crate) wall: Duration,
    /// When each log line arrived, since the start.
    pub(crate) marks: Vec<Duration>,
}

pub(crate) async fn prepare(quick: bool) -> anyhow::Result<Ground> {
    let folder = tempfile::tempdir().context("cannot make a folder to work in")?;
    let path = folder.path().join("servers.json");
    let text = json!({ "mcpServers": {
        "bench": { "command": beside("witgate-bench-server")? },
        "bank": { "command": beside("witgate-bench-server")?, "args": ["--bank"] },
        "demo": { "command": beside("witgate")?, "args": ["demo-server"] },
    } });
    std::fs::write(&path, text.to_string())?;
    let config = config::load(&path)?;
    let servers = Servers::new(&config, ServersLimits::default());
    let (catalog, failed) = servers.sync(None).await;
    if let Some((_, error)) = failed.into_iter().next() {
        return Err(error.into());
    }
    let definitions = Definitions::new(&catalog)?;
    let journal = Arc::new(Journal::append_to(&folder.path().join("journal.jsonl"))?);
    let all = vec![grants::allow("bench/*")?, grants::allow("demo/*")?];
    Ok(Ground {
        folder,
        on_demand: host(HostOptions::default())?,
        pooled: host(HostOptions {
            cache: None,
            pooled_instances: Some(POOL),
        })?,
        servers,
        catalog,
        definitions,
        journal,
        grants: Grants {
            grants: all,
            ..Grants::default()
        },
        quick,
    })
}

/// A host that has the JavaScript engine.
pub(crate) fn host(options: HostOptions) -> anyhow::Result<Host> {
    let host = Host::new(options)?;
    let module = engine::engine()?;
    host.add_module(&link::engine_import(module), &module.wasm)?;
    Ok(host)
}

/// Where the command line keeps what it builds: the toolchain for Rust programs is looked for there.
fn kept() -> anyhow::Result<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("WITGATE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("witgate")))
        .or_else(|| set("HOME").map(|home| home.join(".cache").join("witgate")))
        .context("neither `WITGATE_CACHE` nor `HOME` is set")
}

pub(crate) fn toolchain() -> anyhow::Result<Toolchain> {
    Toolchain::find(&kept()?).map_err(|error| anyhow::anyhow!("{error}\n\nhint: {}", error.hint()))
}

impl Ground {
    /// How often a row is taken.
    pub(crate) fn rounds(&self, full: usize) -> usize {
        if self.quick { (full / 10).max(2) } else { full }
    }

    /// What compiled code of this run may be kept in.
    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }
}

pub(crate) fn plan(
    ground: &Ground,
    host: &Host,
    program: &Program,
    definitions: &Definitions,
) -> anyhow::Result<Plan> {
    let imports = program.imports(host, definitions);
    let rules = ground.grants.check(definitions)?;
    Ok(admit(&imports, &rules, &Limits::default(), None)?)
}

pub(crate) fn js_prepared(ground: &Ground, host: &Host, source: &str) -> anyhow::Result<Prepared> {
    let models = &ground.definitions.models;
    let built = js::build_js(source, "program.js", models, |_, link| link())?;
    prepared(ground, host, &js_program(host, built)?)
}

pub(crate) fn js_program(host: &Host, built: JsComponent) -> anyhow::Result<Program> {
    let script = Script {
        shim: built.script.shim,
        source: built.script.source,
        file: built.script.file,
        positions: built
            .script
            .positions
            .into_iter()
            .map(|p| [p.0, p.1, p.2, p.3])
            .collect(),
    };
    Ok(Program::linked(host, &built.component, script)?)
}

pub(crate) fn rust_prepared(
    ground: &Ground,
    host: &Host,
    source: &str,
) -> anyhow::Result<Prepared> {
    prepared(ground, host, &rust_program(ground, host, source)?)
}

pub(crate) fn rust_program(ground: &Ground, host: &Host, source: &str) -> anyhow::Result<Program> {
    let models = &ground.definitions.models;
    let built = rust::build_rust(source, "program.rs", models, &toolchain()?, &ground.cache())?;
    Ok(Program::load(host, &built.bytes)?)
}

fn prepared(ground: &Ground, host: &Host, program: &Program) -> anyhow::Result<Prepared> {
    let plan = plan(ground, host, program, &ground.definitions)?;
    Ok(Prepared::new(host, program, plan, &ground.definitions)?)
}

pub(crate) async fn run(
    ground: &Ground,
    host: &Host,
    prepared: &Prepared,
    input: &Value,
) -> anyhow::Result<Ran> {
    run_for(ground, host, prepared, input, None).await
}

/// The same with what the person asked for, in their own words.
pub(crate) async fn run_for(
    ground: &Ground,
    host: &Host,
    prepared: &Prepared,
    input: &Value,
    request: Option<&Arc<str>>,
) -> anyhow::Result<Ran> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let options = RunOptions {
        journal: Arc::clone(&ground.journal),
        log: Arc::new(move |_, _| {
            let now = Instant::now();
            sink.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(now);
        }),
        request: request.cloned(),
        ..RunOptions::new(&ground.servers)
    };
    let started = Instant::now();
    let finished = prepared.run(host, input, options).await;
    let wall = started.elapsed();
    let value = finished.result?;
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Ran {
        value,
        wall,
        marks: lines.iter().map(|line| *line - started).collect(),
    })
}

/// The same call without a program: the client alone. What it takes is the server's own time, and the way there and back.
pub(crate) async fn call_directly(
    ground: &Ground,
    server: &str,
    tool: &str,
    arguments: &Value,
) -> anyhow::Result<Duration> {
    let client = ground.servers.get_or_start(server).await?;
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let started = Instant::now();
    let reply = client.call(tool, arguments, started + PATIENCE).await?;
    let time = started.elapsed();
    ensure!(!reply.is_error, "`{server}/{tool}` failed");
    Ok(time)
}
