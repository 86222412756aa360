//! One stand: a temporary folder in which `witgate` is run, every process of it marked, so that one that outlives its run
//! is found. What the runs should print is not known here.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::workspace;

/// The longest that any command of a test may take; one that takes longer hangs.
const HANGS: Duration = Duration::from_secs(120);
/// How long a killed process may take to leave the process table.
const GONE: Duration = Duration::from_secs(3);
const MARK: &str = "WITGATE_TEST_MARK";

/// A folder to run `witgate` in.
#[derive(Debug)]
pub struct Stand {
    folder: tempfile::TempDir,
    binary: PathBuf,
    mark: String,
    variables: Vec<(String, String)>,
    inside: PathBuf,
}

/// What a finished command left.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
    /// How long it ran.
    pub took: Duration,
}

/// A command under way; `finish` waits for it.
#[derive(Debug)]
pub struct Running {
    process: Child,
    stdout: std::thread::JoinHandle<String>,
    stderr: std::thread::JoinHandle<String>,
    started: Instant,
}

impl Stand {
    /// An empty folder.
    ///
    /// # Errors
    /// There is no binary, or no room for a folder.
    pub fn new() -> anyhow::Result<Stand> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = tempfile::Builder::new().prefix("witgate-test-").tempdir()?;
        // The folder's random name keeps test runs apart that happen to have the same process id.
        let name = folder.path().file_name().unwrap_or_default();
        let mark = format!("{}-{next}-{}", std::process::id(), name.display());
        Ok(Stand {
            folder,
            binary: workspace::binary()?,
            mark,
            variables: Vec::new(),
            inside: PathBuf::new(),
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs every command from here on in this folder of the folder.
    pub fn enter(&mut self, inside: &str) {
        self.inside = PathBuf::from(inside);
    }

    /// Sets an environment variable for every command from here on.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    /// Writes a file into the folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> anyhow::Result<()> {
        let path = self.folder().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write `{name}`"))
    }

    /// A file of the folder; empty where there is none.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder().join(name)).unwrap_or_default()
    }

    /// The values of a JSON Lines file of the folder.
    ///
    /// # Errors
    /// A line is no JSON.
    pub fn lines(&self, name: &str) -> anyhow::Result<Vec<Value>> {
        let text = self.read(name);
        let values = text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>();
        values.with_context(|| format!("`{name}` is not JSON Lines:\n{text}"))
    }

    /// A command of this stand: in its folder, marked, without what the person's environment would change.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder().join(&self.inside))
            .env(MARK, &self.mark)
            .env("NO_COLOR", "1");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts `witgate` with these arguments.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&self, arguments: &[&str]) -> anyhow::Result<Running> {
        let mut process = self.command(&self.binary).args(arguments).spawn()?;
        let (stdout, stderr) = (drain(process.stdout.take()), drain(process.stderr.take()));
        Ok(Running {
            process,
            stdout,
            stderr,
            started: Instant::now(),
        })
    }

    /// Runs `witgate` to its end.
    ///
    /// # Errors
    /// When it does not start, or hangs.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.start(arguments)?.finish()
    }

    /// Processes of this stand that are still there a moment after all commands ended, as their command lines.
    #[must_use]
    pub fn orphans(&self) -> Vec<String> {
        let deadline = Instant::now() + GONE;
        loop {
            let left = self.marked();
            if left.is_empty() || Instant::now() > deadline {
                return left;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Processes of this stand that run now, as their command lines.
    #[must_use]
    pub fn marked(&self) -> Vec<String> {
        self.processes().into_iter().map(|(_, line)| line).collect()
    }

    /// The same with their ids. A process that is dead but not yet reaped has no environment any more.
    #[must_use]
    pub fn processes(&self) -> Vec<(u32, String)> {
        let wanted = format!("{MARK}={}", self.mark);
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        let folders = processes.flatten().map(|entry| entry.path());
        folders
            .filter(|folder| {
                let environment = std::fs::read(folder.join("environ")).unwrap_or_default();
                environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == wanted.as_bytes())
            })
            .filter_map(|folder| {
                let line = std::fs::read(folder.join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                let id = folder.file_name()?.to_str()?.parse().ok()?;
                Some((id, line.trim_end().to_owned()))
            })
            .collect()
    }
}

impl Running {
    /// Sends Ctrl-C.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn interrupt(&self) -> anyhow::Result<()> {
        let id = i32::try_from(self.process.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let id = id.context("a process has an id")?;
        Ok(rustix::process::kill_process(
            id,
            rustix::process::Signal::INT,
        )?)
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When it hangs; it is killed then.
    pub fn finish(mut self) -> anyhow::Result<Output> {
        let status = loop {
            if let Some(status) = self.process.try_wait()? {
                break status;
            }
            if self.started.elapsed() > HANGS {
                self.process.kill()?;
                self.process.wait()?;
                bail!("`witgate` hangs: no end after {HANGS:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = self.started.elapsed();
        let text = |thread: std::thread::JoinHandle<String>| thread.join().unwrap_or_default();
        Ok(Output {
            code: status.code(),
            stdout: text(self.stdout),
            stderr: text(self.stderr),
            took,
        })
    }
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until the pipe broke is all there is.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
