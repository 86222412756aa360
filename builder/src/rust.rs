//! A Rust program of one file to a component: find the tools that it names (`scan`), generate and compile the crate
//! `mcp` for just these (`mcp_crate`), compile the program with one bounded `rustc` call (`rustc`), wrap it up, and check
//! that it imports its tools and the runtime contract, nothing else. No cargo, no procedural macro, no network.

use std::path::Path;
use std::time::Duration;

use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::WorldItem;
use witgate_codegen::model::ServerModel;
use witgate_codegen::select::{LookupError, find_import};

use crate::toolchain::{Toolchain, ToolchainError};

mod scan;

mod mcp_crate;
mod refuse;
mod rustc;
mod tokens;

pub use scan::{At, Named, scan};

/// Longest program, in bytes.
const LONGEST_SOURCE: usize = 1 << 20;
/// How long one program may compile.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// Put behind each program, where it moves no line: a glob import of these beside the standard macros would be ambiguous.
const PRINTING: &str =
    "\n#[macro_use(print, println, eprint, eprintln, dbg)] extern crate witgate_guest";
/// Largest core module, in bytes; the libraries alone are 0.3 MB.
const LARGEST_MODULE: usize = 32 << 20;
/// The contract that every program may import.
const RUNTIME: &str = "witgate:runtime/";

/// A program as a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RustComponent {
    /// The component.
    pub bytes: Vec<u8>,
    /// What it imports, in the order of its world: the server's name in the configuration and the tool's name.
    pub tools: Vec<(String, String)>,
    /// What `rustc` warned of, as it printed it (an un-awaited call, say); empty where nothing.
    pub warnings: String,
}

/// Why a program did not become a component.
#[derive(Debug, thiserror::Error)]
pub enum RustError {
    /// The source cannot be split into tokens.
    #[error("{at}: {message}")]
    Syntax {
        /// Where.
        at: At,
        /// What is wrong.
        message: String,
    },
    /// Something that a program of one file may not have.
    #[error("{at}: {message}")]
    Refused {
        /// Where.
        at: At,
        /// What, and why.
        message: String,
    },
    /// A name under `mcp::` that is no server, tool or type.
    #[error("{at}: {source}")]
    Unknown {
        /// Where.
        at: At,
        /// The name, and names like it.
        source: LookupError,
    },
    /// `rustc` refused the program.
    #[error("{messages}")]
    Compile {
        /// What it printed, with the program's own file name.
        messages: String,
        /// What a person might do, if it is plain.
        hint: Option<String>,
    },
    /// A bound of the build was reached.
    #[error("the program takes too much to compile: more than {0}")]
    Limit(String),
    /// No toolchain, or one that does not fit.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// The generated code does not compile: a defect of the generator.
    #[error("the generated bindings of {tools} do not compile: {message}")]
    Bindings {
        /// The tools.
        tools: String,
        /// What went wrong.
        message: String,
    },
    /// The compiled program is no valid component.
    #[error("the compiled program cannot be made a component: {0}")]
    Component(String),
    /// The component imports something that is neither a tool nor the runtime contract.
    #[error("the compiled program imports `{0}`, which is no tool of a configured server")]
    Import(String),
    /// Reading or writing failed.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// The cause.
        source: std::io::Error,
    },
}

impl RustError {
    /// The next step for a person, where one is plain.
    pub fn hint(&self) -> Option<String> {
        match self {
            RustError::Unknown { source, .. } => match source.nearest() {
                [] => None,
                names => Some(format!("did you mean `{}`?", names.join("`, `"))),
            },
            RustError::Compile { hint, .. } => hint.clone(),
            RustError::Toolchain(error) => Some(error.hint()),
            _ => None,
        }
    }
}

pub(crate) fn io_error(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> RustError {
    let action = action.into();
    move |source| RustError::Io { action, source }
}

/// Compiles a program. `file_name` is what messages call it; `cache_dir` keeps what other programs with the same tools
/// can use. The first program of a set of tools takes about twice as long as those that follow.
///
/// # Errors
/// Everything that can be wrong with the program is `Syntax`, `Refused`, `Unknown`, `Compile` or `Limit`.
pub fn build_rust(
    source: &str,
    file_name: &str,
    servers: &[ServerModel],
    toolchain: &Toolchain,
    cache_dir: &Path,
) -> Result<RustComponent, RustError> {
    if source.len() > LONGEST_SOURCE {
        return Err(RustError::Limit(format!(
            "{LONGEST_SOURCE} bytes of source"
        )));
    }
    let named = match scan(source, file_name, servers) {
        Err(RustError::Syntax { at, message }) => {
            return Err(explain_syntax(source, file_name, toolchain, at, message));
        }
        other => other?,
    };
    let library = mcp_crate::library(&named, servers, toolchain, cache_dir)?;
    let (module, warnings) = compile(source, file_name, toolchain, library.as_deref())?;
    if module.len() > LARGEST_MODULE {
        return Err(RustError::Limit(format!(
            "{LARGEST_MODULE} bytes of code and data"
        )));
    }
    let bytes = encode(&module)?;
    let tools = imported_tools(&bytes, servers)?;
    Ok(RustComponent {
        bytes,
        tools,
        warnings,
    })
}

/// The program as a core module, and `rustc`'s warnings.
fn compile(
    source: &str,
    file_name: &str,
    toolchain: &Toolchain,
    library: Option<&Path>,
) -> Result<(Vec<u8>, String), RustError> {
    let folder = tempfile::tempdir().map_err(io_error("make a folder to compile in"))?;
    let local = local_name(file_name);
    std::fs::write(folder.path().join(&local), with_printing(source))
        .map_err(io_error("write the program's source"))?;
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
    if let Some(library) = library {
        args.push(format!("--extern=mcp={}", library.display()));
    }
    args.push(local.clone());
    let run = rustc::run(toolchain, &args, folder.path(), TIME_LIMIT)?;
    let messages = run
        .messages
        .replace(&format!("--> {local}:"), &format!("--> {file_name}:"));
    if !run.success {
        if let Some(stale) = rustc::misfit(&messages, toolchain) {
            return Err(stale.into());
        }
        let hint = compile_hint(&messages, toolchain);
        return Err(RustError::Compile { messages, hint });
    }
    // The scan refuses what reads files; this is the compiler's own list of what was read.
    let read = std::fs::read_to_string(folder.path().join("program.d"))
        .map_err(io_error("read the list of sources"))?;
    if let Some(other) = rustc::sources(&read).find(|path| *path != local) {
        let message = format!(
            "the program reads the file `{other}` when it is compiled; a program is one file"
        );
        return Err(RustError::Refused {
            at: At {
                file: file_name.into(),
                line: 1,
                column: 1,
            },
            message,
        });
    }
    let module = std::fs::read(folder.path().join("program.wasm"))
        .map_err(io_error("read the compiled program"))?;
    Ok((module, messages))
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
fn local_name(file_name: &str) -> String {
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

fn compile_hint(messages: &str, toolchain: &Toolchain) -> Option<String> {
    let missing = ["error[E0432]", "error[E0433]", "error[E0463]"];
    if missing.iter().any(|code| messages.contains(code)) {
        let crates: Vec<&str> = toolchain.externs.keys().map(String::as_str).collect();
        let crates = crates.join("`, `");
        return Some(format!(
            "a program can use the crates `mcp`, `{crates}` and `std`, no others"
        ));
    }
    let sync = messages.contains("is not a future") && messages.contains("program!(");
    sync.then(|| "the entry is `async fn run(input: Value) -> Result<Value>`".into())
}

/// The compiler's explanation of a source that has no tokens, for it is better than ours. It is asked only where the
/// text has no word with which it could be made to read files.
fn explain_syntax(
    source: &str,
    file_name: &str,
    toolchain: &Toolchain,
    at: At,
    message: String,
) -> RustError {
    let harmless = !["include", "path", "env", "macro"]
        .iter()
        .any(|word| source.contains(word));
    if harmless
        && let Err(error @ RustError::Compile { .. }) = compile(source, file_name, toolchain, None)
    {
        return error;
    }
    RustError::Syntax { at, message }
}

fn encode(module: &[u8]) -> Result<Vec<u8>, RustError> {
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true);
    encoder
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| RustError::Component(format!("{error:#}")))
}

/// The tools in a component's import section. Anything else there but the runtime contract is an error.
fn imported_tools(
    bytes: &[u8],
    servers: &[ServerModel],
) -> Result<Vec<(String, String)>, RustError> {
    let component = |error: String| RustError::Component(error);
    let decoded = wit_component::decode(bytes).map_err(|error| component(format!("{error:#}")))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err(component("it is a package, not a component".into()));
    };
    let mut tools = Vec::new();
    for (key, item) in &resolve.worlds[world].imports {
        let name = resolve.name_world_key(key);
        let id = match item {
            WorldItem::Interface { id, .. } => id,
            // `json` and `program-error`, which `run` names; a type gives no power.
            WorldItem::Type { .. } => continue,
            WorldItem::Function(_) => return Err(RustError::Import(name)),
        };
        if name.starts_with(RUNTIME) {
            continue;
        }
        for function in resolve.interfaces[*id].functions.keys() {
            let found = find_import(servers, &name, function)
                .map_err(|_| RustError::Import(format!("{name}#{function}")))?;
            tools.push((found.server.server.clone(), found.tool.tool.clone()));
        }
    }
    Ok(tools)
}

#[cfg(test)]
mod tests;
