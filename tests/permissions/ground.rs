//! A server with any tools, which writes down what reaches it, and programs that run against it under any grants.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use witgate_builder::js::{JsComponent, JsError};
use witgate_builder::{engine, js, link};
use witgate_host::approval::{Answer, Asker, Asking, Question};
use witgate_host::{
    Definitions, Finished, Grants, Host, HostOptions, Limits, Plan, Prepared, Program, Refusal,
    RunOptions, Script, Servers, admit, config, grants, servers::ServersLimits,
};
use witgate_tests::{Stand, workspace};

/// A server and the host that runs programs against it.
pub(crate) struct Ground {
    pub(crate) host: Host,
    pub(crate) definitions: Definitions,
    pub(crate) servers: Servers,
    log: PathBuf,
    _stand: Stand,
}

/// A call as the server got it.
pub(crate) type Reached = (String, Value);

impl Ground {
    /// `listed` is what the server lists, with `answers` by tool beside the `tools`.
    pub(crate) async fn new(server: &str, listed: &Value) -> Ground {
        let stand = Stand::new().unwrap();
        let (tools, log) = (
            stand.folder().join("tools.json"),
            stand.folder().join("calls.jsonl"),
        );
        std::fs::write(&tools, listed.to_string()).unwrap();
        std::fs::write(&log, "").unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("permissions/suite_server.py");
        let text = json!({ "mcpServers": { server: { "command": "python3", "args": [script, tools, log] } } });
        let config = config::parse(
            &text.to_string(),
            &stand.folder().join(".mcp.json"),
            &|_| None,
        )
        .unwrap();
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
            log,
            _stand: stand,
        }
    }

    /// Builds a JavaScript program and holds it against grants.
    pub(crate) fn prepare(&self, source: &str, grants: &Grants) -> Result<Prepared, Refusal> {
        let limits = Limits {
            wall: Duration::from_secs(60),
            ..Limits::default()
        };
        self.prepare_within(source, grants, &limits)
    }

    /// The same under other budgets.
    pub(crate) fn prepare_within(
        &self,
        source: &str,
        grants: &Grants,
        limits: &Limits,
    ) -> Result<Prepared, Refusal> {
        let program = self.load(source);
        let plan = self.admit(&program, grants, limits)?;
        Ok(Prepared::new(&self.host, &program, plan, &self.definitions).unwrap())
    }

    /// What a plan of a JavaScript program is bound to.
    pub(crate) fn digest(&self, source: &str) -> String {
        self.load(source).digest
    }

    /// A JavaScript program, compiled.
    pub(crate) fn load(&self, source: &str) -> Program {
        let built = self.build(source).unwrap();
        let script = Script {
            shim: built.script.shim,
            source: built.script.source,
            file: built.script.file,
            positions: Vec::new(),
        };
        Program::linked(&self.host, &built.component, script).unwrap()
    }

    /// A JavaScript program as a component.
    pub(crate) fn build(&self, source: &str) -> Result<JsComponent, JsError> {
        let models = &self.definitions.models;
        js::build_js(source, "program.js", models, |_, link| link())
    }

    /// Holds a program against grants.
    pub(crate) fn admit(
        &self,
        program: &Program,
        grants: &Grants,
        limits: &Limits,
    ) -> Result<Plan, Refusal> {
        let rules = grants.check(&self.definitions).unwrap();
        let imports = program.imports(&self.host, &self.definitions);
        admit(&imports, &rules, limits, None)
    }

    /// From the next call on, the server lists these tools.
    pub(crate) fn change_tools(&self, listed: &Value) {
        let mut control = self.log.clone().into_os_string();
        control.push(".control");
        std::fs::write(control, listed.to_string()).unwrap();
    }

    /// The calls that reached the server since this was asked last.
    pub(crate) fn reached(&self) -> Vec<Reached> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        std::fs::write(&self.log, "").unwrap();
        let read = |line: &str| {
            let mut call: Value = serde_json::from_str(line).unwrap();
            (
                call["tool"].as_str().unwrap().to_owned(),
                call["args"].take(),
            )
        };
        text.trim_matches('\0').lines().map(read).collect()
    }

    pub(crate) async fn run(
        &self,
        prepared: &Prepared,
        input: &Value,
        options: RunOptions,
    ) -> Finished {
        let options = RunOptions {
            log: Arc::new(|_, _| {}),
            ..options
        };
        prepared.run(&self.host, input, options).await
    }

    /// Builds, admits and runs in one step; a refusal is a defect of the test.
    pub(crate) async fn go(&self, source: &str, grants: &str, options: RunOptions) -> Finished {
        let grants = rules(grants);
        let prepared = self.prepare(source, &grants).unwrap();
        self.run(&prepared, &Value::Null, options).await
    }

    pub(crate) fn options(&self) -> RunOptions {
        RunOptions::new(&self.servers)
    }
}

/// Grants that do not keep a test waiting.
pub(crate) fn rules(text: &str) -> Grants {
    let mut grants = grants::parse(text, "grants.toml").unwrap();
    grants.approvals.quiet = Duration::from_millis(20);
    grants
}

/// Answers by a rule, and remembers what it was asked.
pub(crate) struct Person<F> {
    pub(crate) asked: Mutex<Vec<Question>>,
    decide: F,
}

impl<F: Fn(&str, &Value) -> Answer> Person<F> {
    /// Decides call by call, from the tool's name and the arguments that are shown.
    pub(crate) fn new(decide: F) -> Arc<Person<F>> {
        Arc::new(Person {
            asked: Mutex::default(),
            decide,
        })
    }

    /// Every call that was shown.
    pub(crate) fn shown(&self) -> Vec<Reached> {
        let asked = self.asked.lock().unwrap();
        let items = asked.iter().flat_map(|question| &question.items);
        items
            .map(|item| (item.tool.clone(), item.arguments.clone()))
            .collect()
    }

    pub(crate) fn questions(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl<F: Fn(&str, &Value) -> Answer + Send + Sync> Asker for Person<F> {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        self.asked.lock().unwrap().push(question.clone());
        let items = question.items.iter();
        let answers = items
            .map(|item| (self.decide)(&item.tool, &item.arguments))
            .collect();
        Box::pin(async move { Ok(answers) })
    }
}

/// Says yes to everything.
pub(crate) fn agreeable() -> Arc<Person<impl Fn(&str, &Value) -> Answer + Send + Sync>> {
    Person::new(|_, _| Answer::Yes)
}

/// A tool of the list, with these properties.
pub(crate) fn tool(name: &str, properties: &Value) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object", "properties": properties } })
}

/// A program that imports these functions of the server `suite`. In its body, `attempt` makes a failure a value.
pub(crate) fn program(imports: &str, body: &str) -> String {
    format!(
        "import {{ {imports} }} from \"mcp:suite\";\n\
         const attempt = async (f) => {{ try {{ return await f(); }} catch (error) {{ return {{ kind: error.kind, message: error.message, detail: error.detail }}; }} }};\n\
         export default async function (input) {{\n{body}\n}}\n"
    )
}

pub(crate) fn no() -> Answer {
    Answer::No {
        reason: "not today".into(),
    }
}
