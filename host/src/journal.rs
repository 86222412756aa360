//! The journal: JSON Lines, one record per attempted call, denials included. It names tools and sizes and carries digests;
//! it never carries arguments or results. These are kept, where somebody asks for it, by `recording`.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::approval::How;

pub mod recording;

pub use recording::Recording;

/// Where records go. One journal can serve many runs at once: each record is one line, written whole.
pub struct Journal {
    file: Arc<File>,
    watch: Option<Watch>,
}

struct File {
    sink: Mutex<Box<dyn Write + Send>>,
    failure: OnceLock<String>,
}

/// Sees each record when its attempt has ended.
pub type Watch = Box<dyn Fn(&Record) + Send + Sync>;

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journal")
    }
}

/// One attempted call.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The run's id.
    pub run: String,
    /// Order of the attempts within the run, from 0.
    pub sequence: u64,
    /// When the attempt was made, in milliseconds since 1970.
    pub time: u64,
    /// The server's name in the configuration.
    pub server: String,
    /// The tool's name on the wire.
    pub tool: String,
    /// What the checks before the call said.
    pub verdict: Verdict,
    /// Why it was not let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the grant that paid for it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// How a person said yes to it, where one had to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<How>,
    /// SHA-256 of the arguments as compact JSON with sorted keys; what is sealed stays sealed.
    pub arguments_sha256: String,
    /// Size of the arguments as JSON text.
    pub arguments_bytes: u64,
    /// How the call ended, where it was let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Who is to blame where it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blame: Option<Blame>,
    /// SHA-256 of the result as compact JSON, keys in the server's order; what is sealed is sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_sha256: Option<String>,
    /// Size of the result as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_bytes: Option<u64>,
    /// From the permit to the end of the call, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<f64>,
}

/// What the checks before a call said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A permit was given.
    Permitted,
    /// It would have been let through, or asked for; nothing was sent, the dry run made a result up.
    DryRun,
    /// A grant or a budget stood against it.
    Denied,
    /// The arguments break the tool's input schema.
    Invalid,
}

/// How a permitted call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With a result.
    Ok,
    /// The tool reported a failure.
    ToolFailed,
    /// The result breaks the tool's output schema, or a budget.
    InvalidResult,
    /// The server did not answer.
    Unavailable,
    /// The run ended before the call did.
    Cancelled,
}

/// Who is to blame for an attempt that did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// The program.
    Program,
    /// The grants or budgets a person set.
    Grant,
    /// The server.
    Server,
    /// This host.
    Host,
}

impl Journal {
    /// A journal on any writer.
    #[must_use]
    pub fn new(sink: Box<dyn Write + Send>) -> Journal {
        Journal {
            file: Arc::new(File {
                sink: Mutex::new(sink),
                failure: OnceLock::new(),
            }),
            watch: None,
        }
    }

    /// The same journal for one run, whose records are also shown to `watch`.
    #[must_use]
    pub fn watched(&self, watch: Watch) -> Journal {
        Journal {
            file: Arc::clone(&self.file),
            watch: Some(watch),
        }
    }

    /// A journal that keeps nothing.
    #[must_use]
    pub fn none() -> Journal {
        Journal::new(Box::new(std::io::sink()))
    }

    /// Appends to a file, which is created (readable by its owner alone) with its folder where missing.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn append_to(path: &Path) -> std::io::Result<Journal> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Journal::new(Box::new(options.open(path)?)))
    }

    /// Why the journal can no longer be written, if so. No further call is then let through.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.file.failure.get().map(String::as_str)
    }

    pub(crate) fn fail(&self, error: &std::io::Error) {
        // The first failure is the one to tell; a later one changes nothing.
        let _ = self.file.failure.set(error.to_string());
    }

    /// Writes one record as one line.
    ///
    /// # Errors
    /// When the sink fails.
    pub fn record(&self, record: &Record) -> std::io::Result<()> {
        if let Some(watch) = &self.watch {
            watch(record);
        }
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        let mut sink = match self.file.sink.lock() {
            Ok(sink) => sink,
            Err(poisoned) => poisoned.into_inner(),
        };
        sink.write_all(&line)?;
        sink.flush()
    }
}

/// SHA-256 hex of a text.
#[must_use]
pub fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
