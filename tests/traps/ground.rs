//! One host with the demo server behind it, in which any number of programs are built and run: what `witgate run` does, without
//! a process for each. Nothing is judged here.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use witgate_builder::js::{self, JsComponent, JsError};
use witgate_builder::{engine, link};
use witgate_host::{
    Definitions, Grants, Host, HostOptions, Limits, Prepared, Program, RunError, RunOptions,
    Script, Servers, admit, config, grants, servers::ServersLimits,
};
use witgate_tests::{Stand, workspace};

/// The host and what its programs are built against.
pub(crate) struct Ground {
    pub(crate) host: Host,
    pub(crate) definitions: Definitions,
    pub(crate) servers: Servers,
    _stand: Stand,
}

/// How a program ended.
pub(crate) struct Ended {
    pub(crate) result: Result<Value, Failed>,
    pub(crate) logs: Vec<String>,
    pub(crate) calls: u64,
    pub(crate) took: Duration,
}

/// Why a program has no result.
#[derive(Debug)]
pub(crate) enum Failed {
    Build(JsError),
    Run(RunError),
}

impl Ground {
    pub(crate) async fn new() -> Ground {
        let stand = Stand::new().unwrap();
        let text = json!({ "mcpServers": { "demo": { "command": workspace::binary().unwrap(), "args": ["demo-server"] } } });
        let file = stand.folder().join(".mcp.json");
        let config = config::parse(&text.to_string(), &file, &|_| None).unwrap();
        let servers = Servers::new(&config, ServersLimits::default());
        let (catalog, failed) = servers.sync(None).await;
        assert!(failed.is_empty(), "{failed:?}");
        let host = Host::new(HostOptions {
            cache: Some(workspace::cache().join("code")),
            pooled_instances: None,
        })
        .unwrap();
        let module = engine::engine().unwrap();
        host.add_module(&link::engine_import(module), &module.wasm)
            .unwrap();
        Ground {
            host,
            definitions: Definitions::new(&catalog).unwrap(),
            servers,
            _stand: stand,
        }
    }

    pub(crate) fn build(&self, source: &str, file: &str) -> Result<JsComponent, JsError> {
        js::build_js(source, file, &self.definitions.models, |_, link| link())
    }

    /// Builds and runs a program that may call every tool of the demo server.
    pub(crate) async fn run(&self, source: &str, file: &str, input: &Value) -> Ended {
        let cpu = Duration::from_secs(20);
        self.run_within(source, file, input, "demo/*", cpu).await
    }

    /// The same under a grant and a budget of CPU time.
    pub(crate) async fn run_within(
        &self,
        source: &str,
        file: &str,
        input: &Value,
        granted: &str,
        cpu: Duration,
    ) -> Ended {
        let mut ended = Ended {
            result: Ok(Value::Null),
            logs: Vec::new(),
            calls: 0,
            took: Duration::ZERO,
        };
        let built = match self.build(source, file) {
            Ok(built) => built,
            Err(error) => {
                ended.result = Err(Failed::Build(error));
                return ended;
            }
        };
        let program = Program::linked(&self.host, &built.component, script(built.script)).unwrap();
        let limits = Limits {
            cpu,
            wall: Duration::from_secs(40),
            memory: 64 << 20,
            ..Limits::default()
        };
        let granted = Grants::from(grants::allow(granted).unwrap());
        let granted = granted.check(&self.definitions).unwrap();
        let imports = program.imports(&self.host, &self.definitions);
        let plan = admit(&imports, &granted, &limits, None).unwrap();
        let prepared = Prepared::new(&self.host, &program, plan, &self.definitions).unwrap();
        let logs = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&logs);
        let options = RunOptions {
            log: Arc::new(move |_, text| sink.lock().unwrap().push(text.to_owned())),
            ..RunOptions::new(&self.servers)
        };
        let finished = prepared.run(&self.host, input, options).await;
        ended.result = finished.result.map_err(Failed::Run);
        ended.calls = finished.used.spent.calls;
        ended.took = finished.used.wall;
        ended.logs = std::mem::take(&mut logs.lock().unwrap());
        ended
    }
}

fn script(script: js::Script) -> Script {
    Script {
        shim: script.shim,
        source: script.source,
        file: script.file,
        positions: script
            .positions
            .into_iter()
            .map(|p| [p.0, p.1, p.2, p.3])
            .collect(),
    }
}

impl Failed {
    /// `Class: message` as a person reads it.
    pub(crate) fn message(&self) -> String {
        match self {
            Failed::Build(error) => error.to_string(),
            Failed::Run(error) => error.to_string(),
        }
    }

    /// `LINE:COLUMN` in the author's file, where there is one.
    pub(crate) fn place(&self, file: &str) -> Option<String> {
        let (line, column) = match self {
            Failed::Build(error) => error.position()?,
            Failed::Run(RunError::Program(error)) => {
                let stack = error.stack.as_deref()?;
                let (_, after) = stack.lines().next()?.rsplit_once(&format!("{file}:"))?;
                let mut numbers = after.trim_end_matches(')').split(':').map(str::parse);
                (numbers.next()?.ok()?, numbers.next()?.ok()?)
            }
            Failed::Run(_) => return None,
        };
        Some(format!("{line}:{column}"))
    }
}
