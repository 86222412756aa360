//! One program's call of the compiler: its options, its key in the cache, and what of the compiler's messages is passed
//! on. How the compiler is bounded is `rustc`'s matter.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::messages::{hint, without_noise};
use super::{At, RustError, io_error, rustc};
use crate::toolchain::Toolchain;

/// How long one program may compile.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(60);
/// Put behind each program, where it moves no line: a glob import of these beside the standard macros would be ambiguous.
const PRINTING: &str =
    "\n#[macro_use(print, println, eprint, eprintln, dbg)] extern crate witgate_guest";
/// Part of the key of a kept component: raised when the way from a compiled module to a component changes.
const FORMAT: &str = "program-1";

/// One call of the compiler.
pub(super) struct Call {
    /// The source as it is compiled.
    source: String,
    /// The file that it stands in.
    local: String,
    args: Vec<String>,
    /// The crate `mcp`, where the program has one.
    library: Option<PathBuf>,
}

impl Call {
    /// Changes with all that the component is made from: the source, the tools' bindings (their library is named by a key
    /// of its own), the compiler, its options and this crate.
    pub(super) fn key(&self, toolchain: &Toolchain) -> String {
        let mut hasher = Sha256::new();
        let own = [FORMAT, env!("CARGO_PKG_VERSION"), &toolchain.key];
        let parts = own.into_iter().chain(self.args.iter().map(String::as_str));
        for part in parts.chain([self.source.as_str()]) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        crate::hex(&hasher.finalize())[..32].to_string()
    }
}

pub(super) fn call(
    source: &str,
    file_name: &str,
    toolchain: &Toolchain,
    library: Option<PathBuf>,
) -> Call {
    let local = local_name(file_name);
    let mut args: Vec<String> = [
        "--crate-name=program",
        "--crate-type=cdylib",
        "--edition=2024",
        "--emit=link=program.wasm,dep-info=program.d",
        "--error-format=human",
        "--color=never",
        "-Copt-level=1",
        "-Cstrip=debuginfo",
        "-Ccodegen-units=4",
        // A wrong number is worse than a panic, and optimised code would wrap around.
        "-Coverflow-checks=on",
        // A program is no library to be polished: what helps is an un-awaited call.
        "-Aunused",
        "-Anonstandard_style",
        "-Wunused_must_use",
    ]
    .map(String::from)
    .to_vec();
    for (name, path) in &toolchain.externs {
        args.push(format!("--extern={name}={}", path.display()));
    }
    if let Some(library) = &library {
        args.push(format!("--extern=mcp={}", library.display()));
    }
    args.push(local.clone());
    Call {
        source: with_printing(source),
        local,
        args,
        library,
    }
}

/// The program as a core module, and `rustc`'s warnings.
pub(super) fn compile(
    call: &Call,
    file_name: &str,
    toolchain: &Toolchain,
) -> Result<(Vec<u8>, String), RustError> {
    let Call { local, args, .. } = call;
    let folder = tempfile::tempdir().map_err(io_error("make a folder to compile in"))?;
    std::fs::write(folder.path().join(local), &call.source)
        .map_err(io_error("write the program's source"))?;
    let files: Vec<PathBuf> = call.library.iter().cloned().collect();
    let run = rustc::run(toolchain, args, &files, folder.path(), TIME_LIMIT)?;
    // The scan refuses what reads files, and a confined compiler cannot read them. This is the compiler's own list of what
    // it read, written before it looks at types, and looked at before anything that it says is passed on.
    let list = std::fs::read_to_string(folder.path().join("program.d"));
    if let Ok(list) = &list
        && let Some(other) = rustc::sources(list).find(|path| path != local)
    {
        let message = format!(
            "the program reads the file `{other}` when it is compiled; a program is one file"
        );
        let at = At {
            file: file_name.into(),
            line: 1,
            column: 1,
        };
        return Err(RustError::Refused { at, message });
    }
    let messages = without_noise(&run.messages)
        .replace(&format!("--> {local}:"), &format!("--> {file_name}:"));
    if !run.success {
        if let Some(stale) = rustc::misfit(&run.messages, toolchain) {
            return Err(stale.into());
        }
        let hint = hint(&messages, toolchain);
        let messages = if run.confined || list.is_ok() {
            messages
        } else {
            withheld(&messages, file_name)
        };
        return Err(RustError::Compile { messages, hint });
    }
    list.map_err(io_error("read the list of sources"))?;
    let module = std::fs::read(folder.path().join("program.wasm"))
        .map_err(io_error("read the compiled program"))?;
    Ok((module, messages))
}

/// What is passed on where nothing tells which files the messages quote: the first place in the program.
pub(super) fn withheld(messages: &str, file_name: &str) -> String {
    let place = messages.lines().find_map(|line| {
        let place = line.trim().strip_prefix("--> ")?;
        let numbers = place.strip_prefix(file_name)?.strip_prefix(':')?;
        let plain = numbers.bytes().all(|b| b.is_ascii_digit() || b == b':');
        plain.then_some(place)
    });
    format!(
        "error: the program does not compile; what the compiler says of it is withheld, for this system cannot keep it to \
         the program's own file\n --> {}",
        place.unwrap_or(file_name)
    )
}

/// The source as it is compiled. The crate's name is bound as usual, for messages show it, unless the program did so.
fn with_printing(source: &str) -> String {
    let bound = [
        "crate witgate_guest",
        "use witgate_guest;",
        "use witgate_guest as",
    ]
    .iter()
    .any(|text| source.contains(text));
    let name = if bound { " as _;\n" } else { ";\n" };
    format!("{source}{PRINTING}{name}")
}

/// A file name that is safe on a command line; messages get the person's own back.
pub(super) fn local_name(file_name: &str) -> String {
    let base = Path::new(file_name)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let plain = base
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let taken = matches!(base, "program.wasm" | "program.d");
    if plain && !taken && base.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        base.to_string()
    } else {
        "program.rs".into()
    }
}
