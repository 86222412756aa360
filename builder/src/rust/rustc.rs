//! One bounded run of `rustc` on untrusted source: no environment, limited time, memory and output, and nothing of it
//! left afterwards. It is no sandbox: what the source may name is `scan`'s matter.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::{RustError, io_error};
use crate::toolchain::{Toolchain, ToolchainError};

/// Address space of the compiler and of the linker, in KiB.
const MEMORY_KIB: u64 = 6 << 20;
/// Longest file that they may write, in units of 1024 bytes (512 in some shells).
const FILE_BLOCKS: u64 = 512 << 10;
/// What is kept of their messages, in bytes.
const LONGEST_MESSAGES: u64 = 256 << 10;

/// How a run ended.
pub(super) struct Run {
    pub(super) success: bool,
    /// What it wrote to stderr, cut at 256 KiB.
    pub(super) messages: String,
}

/// Runs the toolchain's compiler in `folder`; paths in `args` are relative to it or absolute.
pub(super) fn run(
    toolchain: &Toolchain,
    args: &[String],
    folder: &Path,
    limit: Duration,
) -> Result<Run, RustError> {
    // The shell sets the limits that the standard library cannot; a system without one of them does without.
    let limits = format!("ulimit -v {MEMORY_KIB}; ulimit -f {FILE_BLOCKS}; ulimit -c 0");
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(format!("{{ {limits}; }} 2>/dev/null; exec \"$0\" \"$@\""))
        .arg(&toolchain.rustc);
    command.arg(format!("--target={}", toolchain.target));
    command
        .arg("-Cpanic=abort")
        .arg("-Cdebuginfo=0")
        .arg("-Cembed-bitcode=no");
    command.arg(format!("-Ldependency={}", toolchain.lib_dir.display()));
    if let Some(sysroot) = &toolchain.sysroot {
        command.arg("--sysroot").arg(sysroot);
    }
    if let Some((linker, flavor)) = &toolchain.linker {
        command
            .arg(format!("-Clinker={}", linker.display()))
            .arg(format!("-Clinker-flavor={flavor}"));
    }
    command.args(args);
    command
        .current_dir(folder)
        .env_clear()
        .env("TMPDIR", folder)
        .env("LC_ALL", "C");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // A group of its own, so that the linker dies with the compiler.
    command.process_group(0);
    let action = format!("run `{}`", toolchain.rustc.display());
    let mut child = command.spawn().map_err(io_error(action.clone()))?;
    let stderr = child.stderr.take();
    let reader = std::thread::spawn(move || read_bounded(stderr));
    let status = wait(&mut child, limit).map_err(io_error(action))?;
    let messages = reader.join().unwrap_or_default();
    match status {
        None => Err(RustError::Limit(format!("{} s", limit.as_secs()))),
        Some(status) if out_of_bounds(status, &messages) => Err(RustError::Limit(
            "the memory or file size that a build may use".into(),
        )),
        Some(status) => Ok(Run {
            success: status.success(),
            messages,
        }),
    }
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

/// The exit status, or `None` when the time is over and the whole group has been killed.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            // The child has not been waited for, so its id, and thus the group's, still belongs to it.
            let group = format!("kill -KILL -{}", child.id());
            let _ = Command::new("/bin/sh")
                .arg("-c")
                .arg(group)
                .stderr(Stdio::null())
                .status();
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether the process ended because of a limit and not because of an error in the source.
fn out_of_bounds(status: ExitStatus, messages: &str) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal().is_some()
        || (!status.success()
            && (messages.contains("memory allocation of") || messages.contains("out of memory")))
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
