//! What calls said, in clear, for whoever asks for it: JSON Lines, one line per answered call with its arguments and its
//! result. The journal beside it knows digests only. A recording is never worth a run: where it cannot be written, or has
//! reached its bound, it ends, and the run goes on.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use witgate_codegen::json;

/// Most bytes that one recording writes unless told otherwise.
pub const RECORDING_BYTES: u64 = 64 << 20;

/// One answered call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded<'a> {
    /// The run's id.
    pub run: Cow<'a, str>,
    /// Order of the attempts within the run, from 0, as in the journal.
    pub sequence: u64,
    /// The server's name in the configuration.
    pub server: Cow<'a, str>,
    /// The tool's name on the wire.
    pub tool: Cow<'a, str>,
    /// As they were sent.
    pub arguments: Cow<'a, Value>,
    /// The structured content if there was any, else one text block (parsed where it is JSON, else the string), else the
    /// blocks; before a wrapper is taken off.
    pub result: Cow<'a, Value>,
    /// Whether it was structured content.
    pub structured: bool,
    /// Whether the tool reported a failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
}

/// Where answered calls are kept. One recording can serve many runs at once.
pub struct Recording {
    state: Mutex<State>,
}

struct State {
    sink: Sink,
    left: u64,
    lines: u64,
    end: Option<String>,
}

enum Sink {
    Writer(Box<dyn Write + Send>),
    /// One file per run, `<run>.jsonl`.
    Folder(PathBuf),
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recording")
    }
}

impl Recording {
    /// A recording of at most `bytes` on any writer.
    #[must_use]
    pub fn new(sink: Box<dyn Write + Send>, bytes: u64) -> Recording {
        Recording::on(Sink::Writer(sink), bytes)
    }

    /// A recording of at most `bytes` into a file per run, readable by its owner alone, as is the folder. Both are made
    /// with the first line.
    #[must_use]
    pub fn into_folder(folder: &Path, bytes: u64) -> Recording {
        Recording::on(Sink::Folder(folder.to_owned()), bytes)
    }

    fn on(sink: Sink, bytes: u64) -> Recording {
        let state = State {
            sink,
            left: bytes,
            lines: 0,
            end: None,
        };
        Recording {
            state: Mutex::new(state),
        }
    }

    /// How many calls were kept, and why there are no more, if so.
    #[must_use]
    pub fn state(&self) -> (u64, Option<String>) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.lines, state.end.clone())
    }

    pub(crate) fn record(&self, call: &Recorded<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.end.is_some() {
            return;
        }
        match state.write(call) {
            Ok(()) => state.lines += 1,
            Err(error) => state.end = Some(error.to_string()),
        }
    }
}

impl State {
    fn write(&mut self, call: &Recorded<'_>) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(call)?;
        line.push(b'\n');
        self.left = self
            .left
            .checked_sub(line.len() as u64)
            .ok_or_else(|| std::io::Error::other("it has reached its bound"))?;
        match &mut self.sink {
            Sink::Writer(writer) => {
                writer.write_all(&line)?;
                writer.flush()
            }
            Sink::Folder(folder) => open(folder, &call.run)?.write_all(&line),
        }
    }
}

/// Opened for each line, so that no number of runs keeps files open.
fn open(folder: &Path, run: &str) -> std::io::Result<std::fs::File> {
    if !folder.exists() {
        std::fs::create_dir_all(folder)?;
        #[cfg(unix)]
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(folder.join(format!("{run}.jsonl")))
}

/// Reads every `*.jsonl` of a folder, in the order of their names, which is that of the runs' starts. Returns how many
/// lines are no recorded call, as the last one of a run that was killed may be; a folder that is not there has none.
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn read_folder(folder: &Path, visit: &mut dyn FnMut(Recorded<'_>)) -> std::io::Result<u64> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    let mut broken = 0;
    for file in files {
        let mut lines = BufReader::new(std::fs::File::open(&file)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            // No line is longer than a recording may be; what is longer is not ours and comes in pieces that are none.
            let mut bounded = (&mut lines).take(RECORDING_BYTES);
            if bounded.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            // Results may nest deeper than serde_json reads by itself.
            let call = json::parse(&line).ok().map(serde_json::from_value);
            match call {
                Some(Ok(call)) => visit(call),
                _ => broken += 1,
            }
        }
    }
    Ok(broken)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(run: &'static str, result: Value) -> Recorded<'static> {
        Recorded {
            run: run.into(),
            sequence: 0,
            server: "s".into(),
            tool: "t".into(),
            arguments: Cow::Owned(json!({"a": 1})),
            result: Cow::Owned(result),
            structured: false,
            failed: false,
        }
    }

    #[test]
    fn what_is_recorded_is_read_back_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a/recordings");
        let recording = Recording::into_folder(&folder, RECORDING_BYTES);
        assert!(!folder.exists());
        let calls = [
            call("2", json!("b")),
            call("1", json!([1.5])),
            call("2", json!(null)),
        ];
        calls.iter().for_each(|call| recording.record(call));
        assert_eq!(recording.state(), (3, None));
        std::fs::write(folder.join("3.jsonl"), "{\"run\":\"3\",\"seq").unwrap();
        let mut read = Vec::new();
        let broken = read_folder(&folder, &mut |call| read.push(call.result.into_owned())).unwrap();
        assert_eq!(
            (read, broken),
            (vec![json!([1.5]), json!("b"), json!(null)], 1)
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(
                (mode(&folder), mode(&folder.join("1.jsonl"))),
                (0o700, 0o600)
            );
        }
        assert_eq!(read_folder(&folder.join("none"), &mut |_| ()).unwrap(), 0);
    }

    #[test]
    fn a_recording_ends_at_its_bound_and_on_a_full_disk() {
        let bound = Recording::new(Box::new(std::io::sink()), 300);
        for _ in 0..9 {
            bound.record(&call("1", json!("x")));
        }
        let (lines, end) = bound.state();
        assert!((1..9).contains(&lines), "{lines}");
        assert_eq!(end.as_deref(), Some("it has reached its bound"));

        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let full = Recording::new(Box::new(Full), 300);
        full.record(&call("1", json!("x")));
        assert!(full.state().1.is_some());
    }
}
