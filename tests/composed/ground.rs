//! The demo server, a host, and any number of skills and programs that are built against both. Nothing is judged here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use witgate_builder::stamp::stamp;
use witgate_builder::toolchain::Toolchain;
use witgate_builder::{engine, js, link, rust};
use witgate_codegen::catalog::{Server, Tool};
use witgate_host::imports::{Imports, built_now};
use witgate_host::{
    Definitions, Finished, Grants, Host, HostOptions, Limits, Plan, Prepared, Program, Refusal,
    RunOptions, SKILLS, Servers, admit, config, grants, servers::ServersLimits,
};
use witgate_tests::{Stand, workspace};

/// A host with the demo server behind it, and skills that are declared, some of them made.
pub(crate) struct Ground {
    pub(crate) host: Host,
    pub(crate) definitions: Definitions,
    pub(crate) servers: Servers,
    pub(crate) programs: BTreeMap<String, Program>,
    pub(crate) stand: Stand,
}

/// How a run ended, and what it said.
pub(crate) struct Ended {
    pub(crate) finished: Finished,
    pub(crate) lines: Vec<String>,
}

impl Ended {
    pub(crate) fn value(self) -> Value {
        self.finished.result.unwrap()
    }
}

/// The declaration of a skill that takes and gives anything.
pub(crate) fn any(name: &str) -> Tool {
    declared(name, json!({ "type": "object" }), None)
}

/// The declaration of a skill.
pub(crate) fn declared(name: &str, input: Value, output: Option<Value>) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some("A skill of the tests.".to_owned()),
        input_schema: input,
        output_schema: output,
        ..Tool::default()
    }
}

impl Ground {
    /// With these skills declared; what they are is said later.
    pub(crate) async fn new(skills: Vec<Tool>) -> Ground {
        Ground::with_places(skills, None).await
    }

    /// The same in a host that reserves so many places for programs.
    pub(crate) async fn with_places(skills: Vec<Tool>, places: Option<u32>) -> Ground {
        let stand = Stand::new().unwrap();
        let transcript = stand.folder().join("transcript.jsonl");
        std::fs::write(&transcript, "").unwrap();
        let demo = json!({
            "command": workspace::binary().unwrap(),
            "args": ["demo-server"],
            "env": { "WITGATE_DEMO_TRANSCRIPT": transcript },
        });
        let scoped = |scope: &str| {
            let mut demo = demo.clone();
            demo["scope"] = scope.into();
            demo
        };
        let text = json!({ "mcpServers": { "demo": demo, "session": scoped("session"), "fresh": scoped("run") } });
        let file = stand.folder().join(".mcp.json");
        let config = config::parse(&text.to_string(), &file, &|_| None).unwrap();
        let servers = Servers::new(&config, ServersLimits::default());
        let (catalog, failed) = servers.sync(None).await;
        assert!(failed.is_empty(), "{failed:?}");
        let host = Host::new(HostOptions {
            cache: Some(workspace::cache().join("code")),
            pooled_instances: places,
        })
        .unwrap();
        let module = engine::engine().unwrap();
        host.add_module(&link::engine_import(module), &module.wasm)
            .unwrap();
        let skills = Server {
            tools: skills,
            ..Server::default()
        };
        let definitions = Definitions::new(&catalog).unwrap();
        Ground {
            host,
            definitions: definitions.with_server(SKILLS, &skills).unwrap(),
            servers,
            programs: BTreeMap::new(),
            stand,
        }
    }

    /// A JavaScript program, as if from a file.
    pub(crate) fn js(&self, source: &str, file: &str) -> Program {
        Program::load(&self.host, &self.bytes(source, file)).unwrap()
    }

    /// A JavaScript program as a file holds it: with its script and what it was built against.
    pub(crate) fn bytes(&self, source: &str, file: &str) -> Vec<u8> {
        let built = js::build_js(source, file, &self.definitions.models, |_, link| link()).unwrap();
        let mut bytes = built.to_bytes();
        let program = Program::load(&self.host, &bytes).unwrap();
        stamp(&mut bytes, &built_now(&self.imports_alone(&program))).unwrap();
        bytes
    }

    /// A Rust program; `None` where none can be built here.
    pub(crate) fn rust(&self, source: &str) -> Option<Program> {
        let cache = workspace::cache();
        let toolchain = match Toolchain::find(&cache) {
            Ok(toolchain) => toolchain,
            Err(missing) => {
                assert!(!workspace::nothing_may_be_skipped(), "{missing}");
                eprintln!("skipped: {missing}");
                return None;
            }
        };
        let models = &self.definitions.models;
        let built = rust::build_rust(source, "skill.rs", models, &toolchain, &cache).unwrap();
        Some(Program::load(&self.host, &built.bytes).unwrap())
    }

    /// Makes a skill of JavaScript.
    pub(crate) fn skill(&mut self, name: &str, source: &str) {
        let program = self.js(source, &format!("{name}.js"));
        self.programs.insert(name.to_owned(), program);
    }

    fn imports_alone(&self, program: &Program) -> Imports {
        program.imports(&self.host, &self.definitions)
    }

    pub(crate) fn imports(&self, program: &Program) -> Imports {
        let mut find = |name: &str| {
            let found = self.programs.get(name).cloned();
            found.ok_or_else(|| "nobody made it".to_owned())
        };
        self.imports_alone(program)
            .with_skills(&self.host, &self.definitions, &mut find)
    }

    pub(crate) fn admit(
        &self,
        program: &Program,
        grants: &str,
        limits: &Limits,
    ) -> Result<Plan, Refusal> {
        let rules = rules(grants).check(&self.definitions).unwrap();
        admit(&self.imports(program), &rules, limits, None)
    }

    pub(crate) fn prepare(
        &self,
        program: &Program,
        grants: &str,
        limits: &Limits,
    ) -> Result<Prepared, Refusal> {
        let plan = self.admit(program, grants, limits)?;
        Ok(Prepared::new(&self.host, program, plan, &self.definitions).unwrap())
    }

    /// Builds, admits and runs a JavaScript program that may call everything.
    pub(crate) async fn go(&self, source: &str, input: Value) -> Ended {
        self.go_within(source, input, &quick()).await
    }

    /// The same under other budgets.
    pub(crate) async fn go_within(&self, source: &str, input: Value, limits: &Limits) -> Ended {
        let program = self.js(source, "program.js");
        let prepared = self.prepare(&program, ALL, limits).unwrap();
        self.run(&prepared, input, RunOptions::new(&self.servers))
            .await
    }

    pub(crate) async fn run(
        &self,
        prepared: &Prepared,
        input: Value,
        options: RunOptions,
    ) -> Ended {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let options = RunOptions {
            log: Arc::new(move |_, line| sink.lock().unwrap().push(line.to_owned())),
            ..options
        };
        let finished = prepared.run(&self.host, &input, options).await;
        let lines = std::mem::take(&mut *lines.lock().unwrap());
        Ended { finished, lines }
    }

    /// Processes of demo servers of this ground.
    pub(crate) fn servers_left(&self) -> usize {
        let mark = self.stand.folder().join("transcript.jsonl");
        let mark = format!("WITGATE_DEMO_TRANSCRIPT={}", mark.display());
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let environments = processes.filter_map(|p| std::fs::read(p.path().join("environ")).ok());
        let is_ours = |environment: &Vec<u8>| {
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|variable| variable == mark.as_bytes())
        };
        environments.filter(is_ours).count()
    }

    /// The tools whose calls reached a server since this was asked last.
    pub(crate) fn reached(&self) -> Vec<String> {
        let file = self.stand.folder().join("transcript.jsonl");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, "").unwrap();
        let tool = |line: &str| {
            let call: Value = serde_json::from_str(line).unwrap();
            call["tool"].as_str().unwrap().to_owned()
        };
        text.trim_matches('\0').lines().map(tool).collect()
    }
}

/// Every tool of every server.
pub(crate) const ALL: &str = "[[grant]]\nserver = '*'\ntools = ['*']\n";

/// Budgets under which a test that hangs fails soon.
pub(crate) fn quick() -> Limits {
    Limits {
        wall: Duration::from_secs(60),
        ..Limits::default()
    }
}

/// Grants that do not keep a test waiting.
pub(crate) fn rules(text: &str) -> Grants {
    let mut grants = grants::parse(text, "grants.toml").unwrap();
    grants.approvals.quiet = Duration::from_millis(20);
    grants
}
