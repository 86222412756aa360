//! One bounded and confined run of `rustc` on untrusted source: no environment, limited time, memory and output, no file
//! but those that it needs, and nothing of it left afterwards, whatever becomes of this process.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process_group, setrlimit, waitid,
};

use super::confine::{Reach, confine};
use super::{RustError, io_error};
use crate::toolchain::{Toolchain, ToolchainError};

/// Address space of the compiler and of the linker, in bytes.
const MEMORY: u64 = 6 << 30;
/// Longest file that they may write, in bytes.
const LONGEST_FILE: u64 = 256 << 20;
/// Processor time in seconds for each second of the time limit: the compiler runs up to four threads.
const THREADS: u64 = 4;
/// What is kept of their messages, in bytes.
const LONGEST_MESSAGES: u64 = 256 << 10;

/// How a run ended.
pub(super) struct Run {
    pub(super) success: bool,
    /// What it wrote to stderr, cut at 256 KiB.
    pub(super) messages: String,
    /// Whether the system kept it to the files that it needs. Where not, `messages` may quote any file of this machine.
    pub(super) confined: bool,
}

/// Runs the toolchain's compiler in `folder`; paths in `args` are relative to it or absolute. Beside the toolchain and
/// this folder it may read `files`.
pub(super) fn run(
    toolchain: &Toolchain,
    args: &[String],
    files: &[PathBuf],
    folder: &Path,
    limit: Duration,
) -> Result<Run, RustError> {
    let action = format!("run `{}`", toolchain.rustc.display());
    let reach = Reach {
        toolchain,
        files,
        folder,
    };
    // A thread of its own: it confines itself and what it starts, for ever; and the compiler dies with the thread that
    // started it, so this one has to wait.
    let ended = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || {
            let confined = confine(&reach);
            let command = command(toolchain, args, folder, limit);
            run_here(command, limit).map(|(status, messages)| (status, messages, confined))
        })?;
        let died = |_| Err(std::io::Error::other("its thread panicked"));
        thread.join().unwrap_or_else(died)
    });
    let (status, messages, confined) = ended.map_err(io_error(action))?;
    let Some(status) = status else {
        return Err(RustError::Limit(format!("{} s", limit.as_secs())));
    };
    match bound_reached(status, &messages) {
        Some(bound) => Err(RustError::Limit(bound.into())),
        None => Ok(Run {
            success: status.success(),
            messages,
            confined,
        }),
    }
}

fn command(toolchain: &Toolchain, args: &[String], folder: &Path, limit: Duration) -> Command {
    let mut command = Command::new(&toolchain.rustc);
    command
        .arg(format!("--target={}", toolchain.target))
        .args(["-Cpanic=abort", "-Cdebuginfo=0", "-Cembed-bitcode=no"])
        .arg(option("-Ldependency=", &toolchain.lib_dir));
    if let Some(sysroot) = &toolchain.sysroot {
        command.arg("--sysroot").arg(sysroot);
    }
    if let Some((linker, flavor)) = &toolchain.linker {
        command
            .arg(option("-Clinker=", linker))
            .arg(format!("-Clinker-flavor={flavor}"));
    }
    command
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("TMPDIR", folder)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // A group of its own, so that the linker dies with the compiler.
        .process_group(0);
    let parent = rustix::process::getpid();
    let seconds = limit.as_secs() * THREADS;
    #[expect(
        unsafe_code,
        reason = "between fork and exec only system calls on plain values are made: no allocation, no lock"
    )]
    // SAFETY: see above; `bind` keeps to it.
    unsafe {
        command.pre_exec(move || bind(parent, seconds));
    }
    command
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// Sets the limits of the process that becomes the compiler, and lets it die with its parent.
fn bind(parent: Pid, seconds: u64) -> std::io::Result<()> {
    let limits = [
        (Resource::As, MEMORY),
        (Resource::Fsize, LONGEST_FILE),
        (Resource::Cpu, seconds),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        // It fails where a stricter one holds already, and on systems that do not have it.
        let _ = setrlimit(resource, limit);
    }
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have gone before the signal was asked for.
    if rustix::process::getppid() == Some(parent) {
        Ok(())
    } else {
        Err(rustix::io::Errno::SRCH.into())
    }
}

/// Runs a command to its end and reads its stderr; the status is `None` when the time was over.
fn run_here(
    mut command: Command,
    limit: Duration,
) -> std::io::Result<(Option<ExitStatus>, String)> {
    let child = command.spawn()?;
    let mut group = Group {
        child,
        status: None,
    };
    let stderr = group.child.stderr.take();
    let reader = std::thread::spawn(move || read_bounded(stderr));
    let in_time = group.wait(limit)?;
    let status = group.end()?;
    // Nothing of the group is left to hold the pipe open.
    let messages = reader.join().unwrap_or_default();
    Ok((in_time.then_some(status), messages))
}

fn read_bounded(stream: Option<impl Read>) -> String {
    let Some(mut stream) = stream else {
        return String::new();
    };
    let mut bytes = Vec::new();
    // A failed read ends the messages; the exit status still tells the outcome.
    let _ = stream
        .by_ref()
        .take(LONGEST_MESSAGES)
        .read_to_end(&mut bytes);
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The compiler and what it started. When this is dropped none of them is left.
struct Group {
    child: Child,
    /// How the compiler ended, once it has been reaped and its id may be another's.
    status: Option<ExitStatus>,
}

impl Group {
    /// Waits until the compiler has ended, and leaves it unreaped: so its id, and thus the group's, still belongs to it.
    /// Returns whether it ended in time.
    fn wait(&self, limit: Duration) -> std::io::Result<bool> {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let start = Instant::now();
        loop {
            match waitid(WaitId::Pid(Pid::from_child(&self.child)), ended) {
                Ok(None) if start.elapsed() > limit => return Ok(false),
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Ok(Some(_)) => return Ok(true),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends what is left of the group; returns how the compiler ended. A second time it does nothing.
    fn end(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        // It fails where nothing is left to end.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let status = self.child.wait()?;
        self.status = Some(status);
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// The bound that ended the process, if it was one and not an error in the source.
fn bound_reached(status: ExitStatus, messages: &str) -> Option<&'static str> {
    if status.success() {
        return None;
    }
    let is = |signal: Signal| status.signal() == Some(signal.as_raw());
    if messages.contains("memory allocation of") || messages.contains("out of memory") {
        Some("the memory that a build may use")
    } else if is(Signal::SEGV) || is(Signal::BUS) || messages.contains("overflowed its stack") {
        Some("the compiler's stack: expressions, types or macros are nested too deeply")
    } else if is(Signal::XCPU) {
        Some("the processor time that a build may use")
    } else if is(Signal::XFSZ) {
        Some("the file size that a build may write")
    } else if status.signal().is_some() {
        Some("the memory or time that a build may use")
    } else {
        None
    }
}

/// What a failed run says of the toolchain itself: its compiler is no longer the one that its libraries were made for.
pub(super) fn misfit(messages: &str, toolchain: &Toolchain) -> Option<ToolchainError> {
    let signs = [
        "error[E0514]",
        "error[E0786]",
        "can't find crate for `std`",
        "can't find crate for `core`",
    ];
    signs
        .iter()
        .any(|sign| messages.contains(sign))
        .then(|| ToolchainError::Stale {
            reason: format!(
                "`{}` is not the compiler that its libraries were made for",
                toolchain.rustc.display()
            ),
        })
}

/// The files that a list of dependencies (`rustc --emit=dep-info`) names as read.
pub(super) fn sources(dep_info: &str) -> impl Iterator<Item = &str> {
    // Each file that was read has a line of its own, `path:`, after the line of each output.
    dep_info.lines().filter_map(|line| line.strip_suffix(':'))
}

#[cfg(test)]
mod tests {
    use super::sources;

    #[test]
    fn sources_of_a_list() {
        let text = "program.d: main.rs /etc/passwd\n\nprogram.wasm: main.rs /etc/passwd\n\nmain.rs:\n/etc/passwd:\n\n# env-dep:HOME\n";
        assert_eq!(
            sources(text).collect::<Vec<_>>(),
            ["main.rs", "/etc/passwd"]
        );
    }
}
