//! A JavaScript program from its source to its result: with a set of imports that nothing has seen before, with one that was
//! seen, and run again. The engine is compiled beforehand; that is a row of its own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use witgate_builder::js;
use witgate_builder::link::LinkError;
use witgate_host::{Definitions, Host, HostOptions, Prepared};

use crate::ground::{Ground, call_directly, host, js_prepared, js_program, plan, run};
use crate::spread::{Row, seconds, without};

/// One way from source to result, and where the time went.
#[derive(Debug, Default, Clone)]
struct Stages {
    /// Types stripped, imports read and resolved, the source edited, the prelude put together.
    read: Duration,
    /// The component linked, or taken from where it was kept.
    link: Duration,
    /// The component compiled, or taken from where it was kept.
    compile: Duration,
    /// Imports read, admission, linking with the host.
    prepare: Duration,
    /// Store, instance, the prelude and the program evaluated, the exported function run, its result parsed.
    run: Duration,
    all: Duration,
}

/// Finds a linked component by its key, or links it.
type Shelf<'a> =
    &'a dyn Fn(&str, &dyn Fn() -> Result<Vec<u8>, LinkError>) -> Result<Vec<u8>, LinkError>;

async fn source_to_result(
    ground: &Ground,
    host: &Host,
    definitions: &Definitions,
    source: &str,
    shelf: Shelf<'_>,
) -> anyhow::Result<Stages> {
    let input = json!({ "id": 7, "values": [1, 2, 3, 4, 5] });
    let mut stages = Stages::default();
    let started = Instant::now();
    let built = js::build_js(source, "program.js", &definitions.models, |key, link| {
        let started = Instant::now();
        let component = shelf(key, link);
        stages.link = started.elapsed();
        component
    })?;
    stages.read = started.elapsed() - stages.link;
    let compiling = Instant::now();
    let program = js_program(host, built)?;
    stages.compile = compiling.elapsed();
    let preparing = Instant::now();
    let plan = plan(ground, host, &program, definitions)?;
    let prepared = Prepared::new(host, &program, plan, definitions)?;
    stages.prepare = preparing.elapsed();
    let ran = run(ground, host, &prepared, &input).await?;
    stages.all = started.elapsed();
    stages.run = ran.wall;
    ensure!(ran.value["large"] == 3, "the program's result is wrong");
    Ok(stages)
}

/// Sets of three and of five tools in turn, none twice.
struct Sets {
    tools: Vec<String>,
    at: [usize; 3],
}

impl Sets {
    fn next(&mut self) -> anyhow::Result<Vec<&str>> {
        let count = self.tools.len() - 2;
        let [a, b, c] = &mut self.at;
        *c += 1;
        if *c >= count {
            *b += 1;
            *c = *b + 1;
        }
        if *c >= count {
            *a += 1;
            *b = *a + 1;
            *c = *b + 1;
        }
        let last = *c;
        ensure!(last < count, "every set of tools has been used");
        let more = if last % 2 == 0 { 0 } else { 2 };
        let indices = self.at.into_iter().chain(last + 1..last + 1 + more);
        Ok(indices.map(|index| self.tools[index].as_str()).collect())
    }
}

/// A program that no other round has.
fn program(tools: &[&str], round: usize, calls: bool) -> String {
    let names = tools.join(", ");
    let call = if calls {
        format!(
            "  const row = await {}({{ id: input.id }});\n  if (row.id !== input.id) throw new Error(\"not the row\");\n",
            tools[0],
        )
    } else {
        String::new()
    };
    format!(
        "import {{ {names} }} from \"mcp:bench\";\n\n\
         export default async function (input) {{\n{call}  \
         const large = input.values.filter((value) => value > 2);\n  \
         return {{ round: {round}, large: large.length }};\n}}\n"
    )
}

pub(crate) async fn rows(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let mut sets = Sets {
        tools: ground.catalog.servers["bench"]
            .tools
            .iter()
            .map(|tool| tool.name.clone())
            .collect(),
        at: [0, 1, 1],
    };
    let mut rows = engine(ground)?;
    rows.extend(never_seen(ground, &mut sets).await?);
    rows.extend(known(ground, &mut sets).await?);
    Ok(rows)
}

/// What is paid once: per machine, and per process.
fn engine(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let (mut compiled, mut loaded) = (Vec::new(), Vec::new());
    for _ in 0..ground.rounds(20).min(3) {
        let started = Instant::now();
        host(HostOptions::default())?;
        compiled.push(started.elapsed());
    }
    let options = || HostOptions {
        cache: Some(ground.cache().join("engine")),
        pooled_instances: None,
    };
    host(options())?;
    for _ in 0..ground.rounds(50) {
        let started = Instant::now();
        host(options())?;
        loaded.push(started.elapsed());
    }
    Ok(vec![
        Row::new(
            "engine.compile",
            "once per machine: a host set up and the JavaScript engine compiled",
            seconds(&compiled),
        ),
        Row::new(
            "engine.load",
            "once per process: a host set up and the compiled engine loaded from disk",
            seconds(&loaded),
        ),
    ])
}

async fn never_seen(ground: &Ground, sets: &mut Sets) -> anyhow::Result<Vec<Row>> {
    let link: Shelf<'_> = &|_, link| link();
    // The process is warm: its allocator and the code paths of the compiler have been used.
    for round in 0..5 {
        let source = program(&sets.next()?, round, false);
        let definitions = Definitions::new(&ground.catalog)?;
        for host in [&ground.on_demand, &ground.pooled] {
            source_to_result(ground, host, &definitions, &source, link).await?;
        }
    }
    let mut plain = Vec::new();
    for round in 0..ground.rounds(200) {
        // Validators of schemas are compiled at first use: fresh definitions have none.
        let definitions = Definitions::new(&ground.catalog)?;
        let source = program(&sets.next()?, round, false);
        plain.push(source_to_result(ground, &ground.on_demand, &definitions, &source, link).await?);
    }
    let mut pooled = Vec::new();
    for round in 0..ground.rounds(200) {
        let definitions = Definitions::new(&ground.catalog)?;
        let source = program(&sets.next()?, round, false);
        let stages = source_to_result(ground, &ground.pooled, &definitions, &source, link).await?;
        pooled.push(stages.all);
    }
    let (mut calling, mut direct) = (Vec::new(), Vec::new());
    for round in 0..ground.rounds(200) {
        let definitions = Definitions::new(&ground.catalog)?;
        let tools = sets.next()?;
        let source = program(&tools, round, true);
        direct.push(call_directly(ground, "bench", tools[0], &json!({ "id": 7 })).await?);
        let host = &ground.pooled;
        calling.push(
            source_to_result(ground, host, &definitions, &source, link)
                .await?
                .all,
        );
    }
    let folder = ground.cache().join("kept");
    let keeping = host(HostOptions {
        cache: Some(folder.clone()),
        pooled_instances: None,
    })?;
    let keep: Shelf<'_> = &|key, link| {
        let bytes = link()?;
        // As the command line does; a row whose file is missing would only be quicker by that.
        let _ = std::fs::write(folder.join(key), &bytes);
        Ok(bytes)
    };
    let mut kept = Vec::new();
    for round in 0..ground.rounds(100) {
        let definitions = Definitions::new(&ground.catalog)?;
        let source = program(&sets.next()?, round, false);
        kept.push(
            source_to_result(ground, &keeping, &definitions, &source, keep)
                .await?
                .all,
        );
    }

    let stage = |name, what, pick: fn(&Stages) -> Duration| {
        Row::new(
            name,
            what,
            plain.iter().map(|s| pick(s).as_secs_f64()).collect(),
        )
    };
    Ok(vec![
        stage(
            "js.new",
            "never-seen program and set of tools, no call made: source -> result, instances on demand",
            |s| s.all,
        )
        .aim(8.0, Some(15.0)),
        stage("js.new: read", "of these: types stripped, imports resolved, source edited", |s| s.read),
        stage("js.new: link", "of these: WIT, wit-dylib, wit-component, engine taken out", |s| s.link),
        stage("js.new: compile", "of these: the component compiled by Cranelift", |s| s.compile),
        stage("js.new: prepare", "of these: imports read, admission, linked with the host", |s| s.prepare),
        stage(
            "js.new: run",
            "of these: instance, prelude and program evaluated, the exported function, its result parsed",
            |s| s.run,
        ),
        Row::new("js.new.pooled", "js.new on a host with pooled instances", seconds(&pooled))
            .aim(8.0, Some(15.0)),
        Row::new(
            "js.new.call",
            "js.new.pooled with one call of a tool never used before; the same call made directly is subtracted",
            without(&calling, &direct),
        )
        .aim(8.0, Some(15.0)),
        Row::new(
            "js.new.kept",
            "js.new with the linked and the compiled component written to disk, as the command line does",
            seconds(&kept),
        )
        .aim(8.0, Some(15.0)),
    ])
}

async fn known(ground: &Ground, sets: &mut Sets) -> anyhow::Result<Vec<Row>> {
    let tools = sets.next()?;
    let shelf = RefCell::new(HashMap::<String, Vec<u8>>::new());
    let take: Shelf<'_> = &|key, link| {
        if let Some(bytes) = shelf.borrow().get(key) {
            return Ok(bytes.clone());
        }
        let bytes = link()?;
        shelf.borrow_mut().insert(key.to_owned(), bytes.clone());
        Ok(bytes)
    };
    // The first ones link, compile and warm up.
    const FIRST: usize = 20;
    let (mut plain, mut pooled) = (Vec::new(), Vec::new());
    let (mut calling, mut direct) = (Vec::new(), Vec::new());
    let definitions = &ground.definitions;
    for round in 0..ground.rounds(500) + FIRST {
        let source = program(&tools, round, false);
        let host = &ground.on_demand;
        let one = source_to_result(ground, host, definitions, &source, take).await?;
        let host = &ground.pooled;
        let other = source_to_result(ground, host, definitions, &source, take).await?;
        let source = program(&tools, round, true);
        let alone = call_directly(ground, "bench", tools[0], &json!({ "id": 7 })).await?;
        let third = source_to_result(ground, host, definitions, &source, take).await?;
        if round >= FIRST {
            plain.push(one);
            pooled.push(other.all);
            calling.push(third.all);
            direct.push(alone);
        }
    }
    let again = |host| again(ground, host, program(&tools, 0, false));
    let stage = |name, what, pick: fn(&Stages) -> Duration| {
        Row::new(
            name,
            what,
            plain.iter().map(|s| pick(s).as_secs_f64()).collect(),
        )
    };
    Ok(vec![
        stage(
            "js.known",
            "never-seen program, set of imports seen before, no call made: source -> result, instances on demand",
            |s| s.all,
        )
        .aim(0.8, Some(3.0)),
        stage(
            "js.known: build",
            "of these: source read and edited, the linked component found",
            |s| s.read + s.link,
        ),
        stage(
            "js.known: prepare",
            "of these: compiled component found, admission, linked with the host",
            |s| s.compile + s.prepare,
        ),
        stage(
            "js.known: run",
            "of these: instance, prelude and program evaluated, the exported function, its result parsed",
            |s| s.run,
        ),
        Row::new(
            "js.known.pooled",
            "js.known on a host with pooled instances",
            seconds(&pooled),
        )
        .aim(0.8, Some(3.0)),
        Row::new(
            "js.known.call",
            "js.known.pooled with one tool call; the same call made directly is subtracted",
            without(&calling, &direct),
        )
        .aim(0.8, Some(3.0)),
        Row::new(
            "js.again",
            "the same program run again, nothing built: instances on demand",
            again(&ground.on_demand).await?,
        ),
        Row::new(
            "js.again.pooled",
            "js.again on a host with pooled instances",
            again(&ground.pooled).await?,
        ),
    ])
}

async fn again(ground: &Ground, host: &Host, source: String) -> anyhow::Result<Vec<f64>> {
    let prepared = js_prepared(ground, host, &source)?;
    let input = json!({ "id": 7, "values": [1, 2, 3, 4, 5] });
    let mut times = Vec::new();
    for _ in 0..ground.rounds(500) {
        times.push(run(ground, host, &prepared, &input).await?.wall);
    }
    Ok(seconds(&times))
}
