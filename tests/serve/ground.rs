//! The ground of one test: a folder with servers and grants, `witgate serve` over HTTP where the test wants that, and what can be
//! seen of it from outside: its journal, its processes, the processor time that it uses.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use witgate_tests::{Stand, servers, workspace};

use crate::client::{Client, Sdk, Way};

/// What takes longer hangs.
const HANGS: Duration = Duration::from_secs(60);
/// Hundredths of a second of processor time within one second: more is no idling.
const IDLE: u64 = 15;

/// Everything is allowed.
pub(crate) const ALL: &str = "[[grant]]\nserver = \"*\"\ntools = [\"*\"]\n";

/// How clients reach the server in a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Stdio,
    Http,
}

/// A folder, and perhaps a server.
pub(crate) struct Ground {
    pub(crate) stand: Stand,
    serve: Option<Serve>,
    arguments: Vec<String>,
}

/// `witgate serve --http 0`.
pub(crate) struct Serve {
    process: Child,
    said: Arc<Mutex<String>>,
    /// `http://127.0.0.1:PORT/mcp`
    pub(crate) url: String,
}

impl Ground {
    /// Servers by name, grants, and what `serve` is started with beside `--http 0`.
    pub(crate) fn new(
        transport: Transport,
        servers: &Value,
        grants: &str,
        arguments: &[&str],
    ) -> anyhow::Result<Ground> {
        let mut ground = Ground::prepared(servers, grants)?;
        ground.arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        if transport == Transport::Http {
            ground.start(arguments)?;
        }
        Ok(ground)
    }

    /// The folder alone.
    pub(crate) fn prepared(servers: &Value, grants: &str) -> anyhow::Result<Ground> {
        let mut stand = Stand::new()?;
        let state = stand.folder().join("state").display().to_string();
        stand.set("WITGATE_STATE", state);
        stand.write(".mcp.json", json!({ "mcpServers": servers }).to_string())?;
        stand.write("grants.toml", grants)?;
        Ok(Ground {
            stand,
            serve: None,
            arguments: Vec::new(),
        })
    }

    /// Starts the server over HTTP.
    pub(crate) fn start(&mut self, arguments: &[&str]) -> anyhow::Result<()> {
        self.start_at(0, arguments)
    }

    /// On this port.
    pub(crate) fn start_at(&mut self, port: u16, arguments: &[&str]) -> anyhow::Result<()> {
        self.serve = Some(Serve::start(&self.stand, port, arguments)?);
        Ok(())
    }

    pub(crate) fn url(&self) -> anyhow::Result<&str> {
        Ok(&self.serve.as_ref().context("it runs over HTTP")?.url)
    }

    pub(crate) fn serve(&mut self) -> anyhow::Result<&mut Serve> {
        self.serve.as_mut().context("it runs over HTTP")
    }

    fn way(&self) -> Way {
        match &self.serve {
            Some(serve) => Way::Http(serve.url.clone(), json!({})),
            None => {
                let serve = ["serve".to_owned()].into_iter();
                Way::Stdio(serve.chain(self.arguments.iter().cloned()).collect())
            }
        }
    }

    /// A client that can show forms.
    pub(crate) fn client(&self, sdk: Sdk) -> anyhow::Result<Client> {
        Client::start(
            &self.stand,
            sdk,
            &self.way(),
            &json!({ "elicitation": true }),
        )
    }

    /// A client that cannot.
    pub(crate) fn mute_client(&self, sdk: Sdk) -> anyhow::Result<Client> {
        Client::start(&self.stand, sdk, &self.way(), &json!({}))
    }

    /// The records of the journal that are about this tool.
    pub(crate) fn journal(&self, tool: &str) -> anyhow::Result<Vec<Value>> {
        let mut records = self.stand.lines(".witgate/journal.jsonl")?;
        records.retain(|record| record["tool"] == tool);
        Ok(records)
    }

    /// The id of the one process whose command line holds this.
    pub(crate) fn process(&self, part: &str) -> anyhow::Result<Pid> {
        let all = self.stand.processes();
        let found: Vec<_> = all.iter().filter(|(_, line)| line.contains(part)).collect();
        let [(id, _)] = found[..] else {
            bail!("`{part}` is not one process of {all:?}");
        };
        pid(*id)
    }

    /// `witgate serve` itself.
    pub(crate) fn own(&self) -> anyhow::Result<Pid> {
        self.process("witgate serve")
    }

    /// Waits until the server idles: nothing in it turns round and round.
    pub(crate) fn idles(&self) -> anyhow::Result<()> {
        let id = self.own()?;
        eventually("the server idles", || {
            let before = processor_time(id)?;
            std::thread::sleep(Duration::from_secs(1));
            Ok(processor_time(id)? - before < IDLE)
        })
    }

    /// Ends the server, and holds that nothing is left behind.
    pub(crate) fn close(mut self) -> anyhow::Result<()> {
        if let Some(serve) = &mut self.serve {
            let status = serve.terminate()?;
            ensure!(
                status.success(),
                "serve ends with {status}:\n{}",
                serve.said()
            );
        }
        let orphans = self.stand.orphans();
        ensure!(orphans.is_empty(), "left behind: {orphans:#?}");
        Ok(())
    }
}

impl Serve {
    fn start(stand: &Stand, port: u16, arguments: &[&str]) -> anyhow::Result<Serve> {
        let mut command = stand.command(&workspace::binary()?);
        let port = port.to_string();
        command.args(["serve", "--http", &port]).args(arguments);
        let mut process = command.spawn()?;
        let lines = BufReader::new(process.stderr.take().context("it was piped")?);
        let said = Arc::new(Mutex::new(String::new()));
        let (heard, hears) = channel();
        let all = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let url = line.strip_prefix("listening on ").map(str::to_owned);
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.push_str(&line);
                all.push('\n');
                // Nobody listens any more once the address is known.
                let _ = url.map(|url| heard.send(url));
            }
        });
        let mut serve = Serve {
            process,
            said,
            url: String::new(),
        };
        match hears.recv_timeout(HANGS) {
            Ok(url) => serve.url = url,
            Err(_) => bail!("serve does not listen:\n{}", serve.said()),
        }
        Ok(serve)
    }

    /// What it wrote on stderr.
    pub(crate) fn said(&self) -> String {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks it to end.
    pub(crate) fn ask_to_end(&self) -> anyhow::Result<()> {
        Ok(kill_process(pid(self.process.id())?, Signal::TERM)?)
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let mut status = None;
        eventually("serve ends", || {
            status = self.process.try_wait()?;
            Ok(status.is_some())
        })?;
        status.context("it has ended")
    }

    pub(crate) fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        if let Some(status) = self.process.try_wait()? {
            return Ok(status);
        }
        self.ask_to_end()?;
        self.ended()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // Gone already where the test came to its end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until something holds.
pub(crate) fn eventually(
    what: &str,
    mut holds: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + HANGS;
    while !holds()? {
        ensure!(Instant::now() < deadline, "it never holds that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The demo server, which is a part of the binary.
pub(crate) fn demo() -> Value {
    json!({ "demo": { "command": "witgate", "args": ["demo-server"] } })
}

/// Seven real servers, and the data that they need.
pub(crate) fn seven(stand: &Stand) -> anyhow::Result<Value> {
    let npm = |name: &str| servers::folder().join("npm/node_modules/.bin").join(name);
    let folder = stand.folder();
    stand.write(
        "data/poem.txt",
        "Shall I compare thee\nto a summer's day?\n",
    )?;
    for arguments in [
        &["init", "-q", "-b", "main", "repository"][..],
        &[
            "-C",
            "repository",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "the first",
        ],
    ] {
        let status = Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .envs(GIT)
            .status()?;
        ensure!(status.success(), "git {arguments:?}");
    }
    Ok(json!({
        "demo": { "command": "witgate", "args": ["demo-server"] },
        "everything": { "command": npm("mcp-server-everything") },
        "files": { "command": npm("mcp-server-filesystem"), "args": [folder.join("data")], "cwd": folder.join("data") },
        "memory": { "command": npm("mcp-server-memory"), "env": { "MEMORY_FILE_PATH": folder.join("memory.jsonl") } },
        "git": { "command": servers::folder().join("python/bin/mcp-server-git"), "args": ["--repository", folder.join("repository")], "cwd": folder },
        "time": { "command": servers::folder().join("python/bin/mcp-server-time"), "args": ["--local-timezone", "UTC"] },
        "db": { "command": servers::folder().join("sqlite/bin/mcp-server-sqlite"), "args": ["--db-path", folder.join("test.db")] },
    }))
}

/// What `seven` starts.
pub(crate) fn seven_needs() -> Vec<PathBuf> {
    let of = |path: &str| servers::folder().join(path);
    vec![
        of("npm/node_modules/.bin/mcp-server-everything"),
        of("npm/node_modules/.bin/mcp-server-filesystem"),
        of("npm/node_modules/.bin/mcp-server-memory"),
        of("python/bin/mcp-server-git"),
        of("python/bin/mcp-server-time"),
        of("sqlite/bin/mcp-server-sqlite"),
    ]
}

const GIT: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "Ada"),
    ("GIT_AUTHOR_EMAIL", "ada@example.com"),
    ("GIT_COMMITTER_NAME", "Ada"),
    ("GIT_COMMITTER_EMAIL", "ada@example.com"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_SYSTEM", "/dev/null"),
];

fn pid(id: u32) -> anyhow::Result<Pid> {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    id.context("a process has an id")
}

/// User and system time of a process, in hundredths of a second.
fn processor_time(id: Pid) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero()))?;
    // The name may hold anything but its closing parenthesis comes last.
    let (_, fields) = text.rsplit_once(')').context("a name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
}
