//! A Rust program of one file to a component: find the tools that it names (`scan`), generate and compile the crate
//! `mcp` for just these (`mcp_crate`), compile the program (`compile`) with one bounded `rustc` call (`rustc`) that
//! reaches no other file (`confine`), wrap it up, and check that it imports its tools and the runtime contract, nothing
//! else. What was built before comes from the cache (`shelf`). No cargo, no procedural macro, no network.

use std::path::Path;

use wit_component::DecodedWasm;
use wit_parser::WorldItem;
use witgate_codegen::model::ServerModel;
use witgate_codegen::select::{LookupError, find_import};

use crate::module::{LARGEST, encode};
use crate::toolchain::{Toolchain, ToolchainError};

mod scan;

mod compile;
mod confine;
mod mcp_crate;
mod messages;
mod refuse;
mod rustc;
mod shelf;
mod tokens;

use compile::{call, compile};

pub use scan::{At, Named, scan};

/// Longest program, in bytes.
const LONGEST_SOURCE: usize = 1 << 20;
/// How many components are kept, and how many bytes of them.
const KEPT: (usize, u64) = (256, 256 << 20);
/// What a person without an entry is shown.
const SKELETON: &str = "use witgate_guest::prelude::*;

async fn run(input: Value) -> Result<Value> {
    Ok(json!(\"done\"))
}
program!(run);";
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
            RustError::Refused { message, .. } if message == refuse::NO_ENTRY => {
                Some(format!("a program looks like this:\n{SKELETON}"))
            }
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
/// can use, and the component itself: an unchanged program is not compiled again, unless the compiler warned of something,
/// which is to be seen each time. The first program of a set of tools takes about twice as long as those that follow.
///
/// On Linux with Landlock the compiler can read its own files and the program, nothing else. On other systems it can read
/// what this process can: a program that makes it do so is refused after the fact, by the compiler's list of what it read,
/// and where there is no such list its messages are withheld.
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
    let call = call(source, file_name, toolchain, library);
    let shelf = shelf::open(cache_dir, "programs")
        .map_err(io_error("use the folder `rust/programs` of the cache"))?;
    let entry = format!("{}.wasm", call.key(toolchain));
    if named.warnings.is_empty()
        && let Some(bytes) = shelf::read(&shelf, &entry)
        && let Ok(tools) = imported_tools(&bytes, servers)
    {
        return Ok(RustComponent {
            bytes,
            tools,
            warnings: String::new(),
        });
    }
    let (module, warned) =
        compile(&call, file_name, toolchain).map_err(|error| add_doubts(error, &named.doubts))?;
    let scanned = named.warnings.iter().map(|text| format!("warning: {text}"));
    let all: Vec<String> = scanned
        .chain((!warned.is_empty()).then_some(warned))
        .collect();
    let warnings = all.join("\n");
    if module.len() > LARGEST {
        return Err(RustError::Limit(format!(
            "{LARGEST} bytes of code and data"
        )));
    }
    let bytes = encode(&module).map_err(RustError::Component)?;
    let tools = imported_tools(&bytes, servers)?;
    if warnings.is_empty() {
        shelf::write(&shelf, &entry, &bytes)
            .map_err(io_error("keep the component in the cache"))?;
        shelf::trim(&shelf, KEPT.0, KEPT.1);
    }
    Ok(RustComponent {
        bytes,
        tools,
        warnings,
    })
}

/// Names that the scan could not place, beside what the compiler says of the program.
fn add_doubts(mut error: RustError, doubts: &[String]) -> RustError {
    if let RustError::Compile { messages, hint } = &mut error
        && !doubts.is_empty()
        && messages.contains("cannot find") | messages.contains("unresolved")
    {
        let parts = hint.take().into_iter().chain(doubts.iter().cloned());
        *hint = Some(parts.collect::<Vec<_>>().join("\n"));
    }
    error
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
    if harmless {
        let call = call(source, file_name, toolchain, None);
        if let Err(error @ RustError::Compile { .. }) = compile(&call, file_name, toolchain) {
            return error;
        }
    }
    RustError::Syntax { at, message }
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
mod habit_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
