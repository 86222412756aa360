//! `witgate-bench-generate N [FOLDER]`: models N tools and prints their WIT and TypeScript, once, and says how long that took and
//! how much memory it needed. A process of its own, so that the memory is that of this work alone. The tools are those of the
//! saved `tools/list` answers in FOLDER, again and again under other names; without any, made up.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::json;
use witgate_codegen::catalog::{Catalog, Server, Tool, parse_tools_list};
use witgate_codegen::wit::{WitOptions, print_server};
use witgate_codegen::{dts, model_catalog};

/// The one of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().context("a number of tools")?.parse()?;
    let folder = arguments.next();
    let catalog = catalog(count, folder.as_deref().map(Path::new))?;
    let started = Instant::now();
    let models = model_catalog(&catalog)?;
    let mut bytes = 0;
    for model in &models {
        bytes += print_server(model, &WitOptions::default()).len();
        bytes += dts::declare_server(model).len();
    }
    let time = started.elapsed();
    let memory = peak();
    let tools: usize = models.iter().map(|model| model.tools.len()).sum();
    ensure!(tools == count, "{tools} tools were modelled");
    let told = json!({
        "seconds": time.as_secs_f64(),
        "megabytes": memory,
        "bytes": bytes,
    });
    writeln!(std::io::stdout(), "{told}")?;
    Ok(())
}

/// Whole servers while they fit, the last one cut.
fn catalog(count: usize, folder: Option<&Path>) -> anyhow::Result<Catalog> {
    let mut servers: Vec<(String, Vec<Tool>)> = Vec::new();
    for entry in folder
        .map(std::fs::read_dir)
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        // The corpus has one file that is no list.
        if let Ok(tools) = parse_tools_list(&std::fs::read_to_string(&path)?)
            && !tools.is_empty()
        {
            servers.push((name.into_owned(), tools));
        }
    }
    servers.sort_by(|a, b| a.0.cmp(&b.0));
    if servers.is_empty() {
        servers.push(("made-up".to_owned(), (0..50).map(made_up).collect()));
    }
    let mut catalog = Catalog::default();
    let mut left = count;
    for (index, (name, tools)) in servers.iter().cycle().enumerate() {
        if left == 0 {
            break;
        }
        let tools: Vec<Tool> = tools.iter().take(left).cloned().collect();
        left -= tools.len();
        let name = format!("{name}-r{}", index / servers.len());
        catalog.servers.insert(
            name,
            Server {
                tools,
                ..Server::default()
            },
        );
    }
    Ok(catalog)
}

fn made_up(index: usize) -> Tool {
    let field = json!({"type": "string", "description": "What it is for, in a sentence of some words.", "minLength": 1});
    let nested = json!({"type": "object", "properties": {"kind": {"enum": ["a", "b", "c"]}, "count": {"type": "integer"}}});
    Tool {
        name: format!("tool_{index}"),
        description: Some(
            "Does something with what it is given, and returns what came of it.".to_owned(),
        ),
        input_schema: json!({"type": "object", "required": ["id"], "properties": {
            "id": field, "title": field, "labels": {"type": "array", "items": field}, "options": nested}}),
        ..Tool::default()
    }
}

/// The most that was resident, in megabytes; `None` on systems that do not tell.
fn peak() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1024.0)
}
