//! A server's process: its stdout read as JSON lines within bounds, the end of its stderr kept, and its whole group gone
//! when its owner is. What the messages mean is not known here, nor how a process is started: see `spawn`.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::message;
use super::spawn::{self, Group, Started};
use super::weigh::{Measure, has_more_values};
use super::{ClientLimits, ServerError};
use crate::config::{LONGEST_LINE, excerpt};

/// How long a process may take to end by itself after its stdin closed. Some servers never do.
const CLOSED_GRACE: Duration = Duration::from_millis(250);
/// How long a process may take to end after SIGTERM, and its end to be seen.
const GRACE: Duration = Duration::from_millis(700);
/// How long what a dead process left in its pipes is waited for.
const DRAIN: Duration = Duration::from_millis(300);
/// All of that together.
const CLOSE: Duration = Duration::from_millis(1_400);
const TAIL_LINES: usize = 20;
const SHOWN_LINE: usize = 1024;

/// What to start.
pub(super) struct Launch<'a> {
    pub(super) command: &'a str,
    pub(super) args: &'a [String],
    pub(super) env: &'a IndexMap<String, String>,
    pub(super) cwd: &'a Path,
    pub(super) secrets: &'a [String],
}

/// A started process. Dropping it kills the process and everything in its group.
pub(super) struct Child {
    server: String,
    seen: Arc<Seen>,
    /// Dropped with the child, and then killed.
    group: Group,
    stop: watch::Sender<bool>,
    ended: watch::Receiver<Option<String>>,
}

/// The two ends of the process: lines for its stdin, JSON values from its stdout. Dropping `outbox` closes stdin.
pub(super) struct Ends {
    pub(super) outbox: mpsc::Sender<Vec<u8>>,
    pub(super) inbox: mpsc::Receiver<Value>,
}

/// What was seen of the process, for error messages.
struct Seen {
    server: String,
    limits: ClientLimits,
    secrets: Vec<String>,
    fault: Mutex<Option<ServerError>>,
    tail: Mutex<VecDeque<String>>,
    skipped: AtomicUsize,
    kill: Notify,
}

/// Starts a process and the tasks that serve its pipes.
pub(super) async fn spawn(
    server: &str,
    launch: &Launch<'_>,
    limits: &ClientLimits,
) -> Result<(Child, Ends), ServerError> {
    let failed = |reason: String| {
        let server = server.to_owned();
        ServerError::Spawn { server, reason }
    };
    if !launch.cwd.is_dir() {
        return Err(failed(format!(
            "the folder `{}` does not exist",
            launch.cwd.display()
        )));
    }
    let mut command = Command::new(launch.command);
    command
        .args(launch.args)
        .envs(launch.env)
        .current_dir(launch.cwd);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = spawn::start(command).await;
    let Started { mut process, group } = started.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ServerError::NotFound {
            server: server.to_owned(),
            command: launch.command.to_owned(),
        },
        _ => failed(format!("`{}`: {error}", launch.command)),
    })?;
    let (Some(stdin), Some(stdout), Some(stderr)) = (
        process.stdin.take(),
        process.stdout.take(),
        process.stderr.take(),
    ) else {
        return Err(failed("its pipes are missing".to_owned()));
    };
    let seen = Arc::new(Seen {
        server: server.to_owned(),
        limits: limits.clone(),
        secrets: launch.secrets.to_vec(),
        fault: Mutex::new(None),
        tail: Mutex::new(VecDeque::new()),
        skipped: AtomicUsize::new(0),
        kill: Notify::new(),
    });
    let (outbox, lines) = mpsc::channel(16);
    // Each may be as large as the limits allow, so few wait here.
    let (messages, inbox) = mpsc::channel(2);
    let (stop, stopped) = watch::channel(false);
    let (end, ended) = watch::channel(None);
    tokio::spawn(write_lines(stdin, lines));
    let errors = tokio::spawn(keep_tail(stderr, seen.clone()));
    tokio::spawn(read_messages(stdout, messages, seen.clone(), ended.clone()));
    let owned = group.share();
    tokio::spawn(reap(process, owned, seen.clone(), stopped, errors, end));
    let child = Child {
        server: server.to_owned(),
        seen,
        group,
        stop,
        ended,
    };
    Ok((child, Ends { outbox, inbox }))
}

impl Child {
    /// Whether the process runs and has kept to the rules.
    pub(super) fn is_alive(&self) -> bool {
        self.group.runs() && lock(&self.seen.fault).is_none()
    }

    /// Why the process is gone, or `None` if it still runs. Waits shortly for an end that is under way.
    pub(super) async fn why_gone(&self) -> Option<ServerError> {
        let mut ended = self.ended.clone();
        let status = match timeout(GRACE, ended.wait_for(Option::is_some)).await {
            Ok(Ok(status)) => status.clone(),
            _ => None,
        };
        let fault = lock(&self.seen.fault).clone();
        fault.or_else(|| {
            let (server, status) = (self.server.clone(), status?);
            Some(ServerError::Closed {
                server,
                status,
                stderr_tail: self.tail(),
            })
        })
    }

    /// The last lines of stderr, redacted; and how much of stdout was skipped.
    pub(super) fn tail(&self) -> String {
        let mut lines: Vec<String> = lock(&self.seen.tail).iter().cloned().collect();
        let skipped = self.seen.skipped.load(Ordering::Relaxed);
        if skipped > 0 {
            lines.push(format!(
                "({skipped} lines on stdout were no JSON-RPC and were skipped)"
            ));
        }
        lines.join("\n")
    }

    /// Ends the process: it may end by itself, then SIGTERM, then SIGKILL, to the whole group. Its stdin must be
    /// closed before. Returns when it is gone, within a second and a half.
    pub(super) async fn close(&self) {
        // The send fails only where the process is gone already.
        let _ = self.stop.send(true);
        let mut ended = self.ended.clone();
        let _ = timeout(CLOSE, ended.wait_for(Option::is_some)).await;
        self.group.kill();
    }
}

impl Seen {
    fn fail(&self, fault: ServerError) {
        lock(&self.fault).get_or_insert(fault);
        self.kill.notify_one();
    }

    fn log(&self, line: &str) {
        if let Some(log) = &self.limits.log {
            (log.0)(&self.server, line);
        }
    }
}

/// Waits for the process, ends it when asked to, and tells its status when all of its group is gone.
async fn reap(
    mut process: tokio::process::Child,
    group: Group,
    seen: Arc<Seen>,
    mut stopped: watch::Receiver<bool>,
    errors: JoinHandle<()>,
    end: watch::Sender<Option<String>>,
) {
    let asked = tokio::select! {
        _ = process.wait() => false,
        () = seen.kill.notified() => false,
        // An error means that the owner was dropped: nobody waits for a graceful end.
        asked = stopped.changed() => asked.is_ok(),
    };
    if asked && timeout(CLOSED_GRACE, process.wait()).await.is_err() {
        group.terminate();
        let _ = timeout(GRACE, process.wait()).await;
    }
    // Also where the process ended by itself: its own children may not have.
    drop(group);
    let _ = process.start_kill();
    let status = process.wait().await;
    let _ = timeout(DRAIN, errors).await;
    let _ = end.send(Some(describe(status)));
}

fn describe(status: std::io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

async fn write_lines(mut stdin: ChildStdin, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        // A process that reads no more is reported by its end, or by the caller's deadline.
        if stdin.write_all(&line).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

async fn keep_tail(stderr: impl AsyncRead + Unpin, seen: Arc<Seen>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        let is_whole = match next_line(&mut reader, &mut line, LONGEST_LINE, true).await {
            Ok(Line::Whole) => true,
            Ok(Line::Cut) => false,
            Ok(Line::End) | Err(_) => return,
        };
        let text = excerpt(&line, is_whole, SHOWN_LINE, &seen.secrets);
        seen.log(&text);
        let mut tail = lock(&seen.tail);
        if tail.len() == TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(text);
    }
}

async fn read_messages(
    stdout: impl AsyncRead + Unpin,
    messages: mpsc::Sender<Value>,
    seen: Arc<Seen>,
    mut ended: watch::Receiver<Option<String>>,
) {
    // A process outside the group may keep the pipe open after the server's end.
    let gone = async {
        let _ = ended.wait_for(Option::is_some).await;
        sleep(DRAIN).await;
    };
    tokio::select! {
        () = forward_messages(stdout, &messages, &seen) => {}
        () = gone => {}
    }
}

async fn forward_messages(
    stdout: impl AsyncRead + Unpin,
    messages: &mpsc::Sender<Value>,
    seen: &Seen,
) {
    let server = || seen.server.clone();
    let limits = &seen.limits;
    let mut reader = BufReader::with_capacity(64 * 1024, stdout);
    let mut line = Vec::new();
    let mut garbage = 0;
    loop {
        match next_line(&mut reader, &mut line, limits.max_message, false).await {
            Ok(Line::Whole) => {}
            Ok(Line::Cut) => {
                return seen.fail(ServerError::TooLarge {
                    server: server(),
                    limit: limits.max_message,
                    measure: Measure::Bytes,
                });
            }
            Ok(Line::End) | Err(_) => return,
        }
        if has_more_values(&line, limits.max_values) {
            return seen.fail(ServerError::TooLarge {
                server: server(),
                limit: limits.max_values,
                measure: Measure::Values,
            });
        }
        let parsed = match message::read(&line) {
            Ok(Value::Array(batch)) => batch,
            Ok(message @ Value::Object(_)) => vec![message],
            Ok(_) => Vec::new(),
            // A message was meant, and somebody may wait for it: a skipped line would be a silent hang.
            Err(error) if line.trim_ascii_start().starts_with(b"{\"jsonrpc\"") => {
                return seen.fail(ServerError::Protocol {
                    server: server(),
                    reason: format!("a message cannot be read: {error}"),
                });
            }
            Err(_) => Vec::new(),
        };
        if !parsed.is_empty() {
            garbage = 0;
            for message in parsed {
                if messages.send(message).await.is_err() {
                    return;
                }
            }
        } else if !line.trim_ascii().is_empty() {
            garbage += 1;
            seen.skipped.fetch_add(1, Ordering::Relaxed);
            let shown = excerpt(&line, true, SHOWN_LINE, &seen.secrets);
            seen.log(&format!("(stdout) {shown}"));
            if garbage > limits.max_garbage {
                let reason = format!(
                    "more than {} lines on its stdout are no JSON-RPC",
                    limits.max_garbage
                );
                return seen.fail(ServerError::Protocol {
                    server: server(),
                    reason,
                });
            }
        }
        if line.capacity() > 1024 * 1024 {
            line = Vec::new();
        }
    }
}

enum Line {
    /// `line` holds all of it.
    Whole,
    /// It was longer than the limit; `line` holds its beginning.
    Cut,
    End,
}

/// Reads one line into `line`, never more than `max` bytes. The rest of a longer one is read over if `skip` is set.
async fn next_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
    max: usize,
    skip: bool,
) -> std::io::Result<Line> {
    line.clear();
    let mut cut = false;
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(if line.is_empty() {
                Line::End
            } else {
                Line::Whole
            });
        }
        let newline = available.iter().position(|byte| *byte == b'\n');
        let taken = newline.map_or(available.len(), |at| at + 1);
        let kept = taken.min(max.saturating_sub(line.len()));
        line.extend_from_slice(&available[..kept]);
        cut |= kept < taken;
        reader.consume(taken);
        if cut && (!skip || newline.is_some()) {
            return Ok(Line::Cut);
        }
        if newline.is_some() {
            return Ok(Line::Whole);
        }
    }
}

/// A panic elsewhere leaves these small values whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
