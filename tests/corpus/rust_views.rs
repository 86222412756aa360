//! The Rust view of whole servers: programs that call every tool of one, compiled with the guest toolchain to components that
//! import just these tools.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Instant;

use witgate_builder::rust::build_rust;
use witgate_builder::toolchain::Toolchain;
use witgate_codegen::describe::describe_rust;
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::rust::function_name;
use witgate_tests::{corpus, workspace};

use crate::{model, skip};

/// Small and middle ones of many authors and generators of schemas: with and without output schemas, unions, enums, maps,
/// names that are keywords. The large ones would compile too, but for minutes: wit-bindgen writes the conversion of a shared type
/// out at each place that uses it, which makes `line-bot`, 11 tools over one tree of message types, take 98 s
/// where `github-ref`, 26 tools, took 9 in the same run.
const SERVERS: [&str; 29] = [
    "airbnb",
    "airtable",
    "angular",
    "awslabs-amazon-neptune",
    "awslabs-aws-documentation",
    "awslabs-aws-location",
    "awslabs-memcached",
    "blender",
    "browserbase",
    "context7",
    "drawio",
    "duckduckgo",
    "everything",
    "fetch",
    "git",
    "github-ref",
    "google-analytics",
    "jira-aashari",
    "launchdarkly",
    "lean-lsp",
    "memory",
    "netlify",
    "perplexity",
    "puppeteer-ref",
    "redis",
    "slack-ref",
    "sqlite",
    "stripe",
    "wikipedia",
];

#[test]
fn rust_views_of_whole_servers_compile() {
    let Some(files) = corpus::files() else { return };
    let toolchain = match Toolchain::find(&workspace::cache()) {
        Ok(toolchain) => toolchain,
        Err(missing) => {
            eprintln!("skipped: {missing}");
            skip::<()>();
            return;
        }
    };
    let chosen = files
        .iter()
        .filter(|file| SERVERS.contains(&corpus::name(file).as_str()));
    let models: Vec<ServerModel> = chosen.map(|file| model(file)).collect();
    assert_eq!(models.len(), SERVERS.len());
    // As many at a time as there are cores: one compiler keeps little more than one busy.
    let next = Mutex::new(models.iter());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().unwrap().next();
                    let Some(model) = taken else { return };
                    compile(model, &toolchain);
                }
            });
        }
    });
}

fn compile(model: &ServerModel, toolchain: &Toolchain) {
    let started = Instant::now();
    let tools: Vec<&ToolModel> = model.tools.iter().collect();
    // The names are those that a model is told.
    let described = describe_rust(model, &tools);
    let used = described.lines().next().unwrap();
    let mut source = format!("#![allow(unused_imports)]\nuse witgate_guest::prelude::*;\n{used}\n");
    let mut calls = String::new();
    for tool in &model.tools {
        let function = function_name(tool);
        let arguments = if tool.input.is_some() {
            "Default::default()"
        } else {
            ""
        };
        writeln!(
            calls,
            "    done += u32::from({function}({arguments}).await.is_ok());"
        )
        .unwrap();
    }
    writeln!(
        source,
        "async fn run(_: Value) -> Result<Value> {{\n    let mut done = 0;\n{calls}    Ok(json!(done))\n}}\nprogram!(run);"
    )
    .unwrap();
    let models = std::slice::from_ref(model);
    let built = build_rust(&source, "all.rs", models, toolchain, &workspace::cache());
    let built = built.unwrap_or_else(|error| panic!("{}: {error}", model.server));
    let mut wanted: Vec<(String, String)> = model
        .tools
        .iter()
        .map(|tool| (model.server.clone(), tool.tool.clone()))
        .collect();
    let mut found = built.tools;
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
    eprintln!(
        "{}: {} tools in {:.1} s, a component of {} kB",
        model.server,
        model.tools.len(),
        started.elapsed().as_secs_f64(),
        built.bytes.len() / 1000
    );
}
