//! A JavaScript or TypeScript program -> a linked component and the script that runs in it.
//!
//! The program's ES imports are its capability list: they are read here and become the component's world. The engine has no
//! `mcp:` modules, so the imports are then taken out and bound from the prelude's table. Nothing is evaluated here.

mod edit;
mod nesting;
mod positions;
mod prelude;
mod promises;
mod read;
mod strip;

use serde::{Deserialize, Serialize};
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::select::{self, View};

use crate::engine::engine;
use crate::link::{self, LinkError};

pub use positions::Position;

/// A linked JavaScript program.
#[derive(Debug, Clone)]
pub struct JsComponent {
    /// The component, shared by every program with the same imports.
    pub component: Vec<u8>,
    /// What its engine is given.
    pub script: Script,
    /// The tools it imports, as `(server, tool)` on the wire, sorted.
    pub tools: Vec<(String, String)>,
    /// The name under which it imports the engine.
    pub engine_import: String,
}

/// What the engine of a linked program is given, and the way back from its positions to the author's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The prelude with this program's tools.
    pub shim: String,
    /// The program as the engine evaluates it.
    pub source: String,
    /// The author's file name, for stacks.
    pub file: String,
    /// Where pieces of `source` stand in the author's file.
    pub positions: Vec<Position>,
}

/// Why a program is no component.
#[derive(Debug, thiserror::Error)]
pub enum JsError {
    /// The text is not a program.
    #[error("{file}:{line}:{column}: {message}")]
    Source {
        /// The author's file name.
        file: String,
        /// From 1.
        line: u32,
        /// From 1, in characters.
        column: u32,
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// There is nothing to run.
    #[error("{file}: the program has no default export")]
    NoDefaultExport {
        /// The author's file name.
        file: String,
    },
    /// Too long to be read.
    #[error(
        "{file}: the program is {bytes} bytes, at most {} are read",
        MAX_SOURCE_BYTES
    )]
    TooLarge {
        /// The author's file name.
        file: String,
        /// Its size.
        bytes: usize,
    },
    /// The parser gave up on the text.
    #[error("{file}: the parser broke on this program")]
    Parser {
        /// The author's file name.
        file: String,
    },
    /// The machine has no thread to read it in.
    #[error("cannot start a thread to read the program")]
    Thread(#[source] std::io::Error),
    /// The engine does not fit this build.
    #[error(transparent)]
    Engine(&'static crate::engine::EngineError),
    /// Linking failed.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl JsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            JsError::Source { hint, .. } => hint.clone(),
            JsError::NoDefaultExport { .. } => Some(
                "a program is a module with `export default async function (input) { ... }`".into(),
            ),
            JsError::TooLarge { .. } => {
                Some("keep data out of the program and give it as input".into())
            }
            JsError::Thread(_) => Some("free memory, or end other processes".into()),
            JsError::Parser { .. } | JsError::Engine(_) | JsError::Link(_) => {
                Some("this is a defect of witgate; please report it".into())
            }
        }
    }

    /// Where in the author's file: line and column, from 1.
    #[must_use]
    pub fn position(&self) -> Option<(u32, u32)> {
        match self {
            JsError::Source { line, column, .. } => Some((*line, *column)),
            _ => None,
        }
    }
}

/// One import of the program, resolved.
struct ImportedTool<'a> {
    server: &'a ServerModel,
    tool: &'a ToolModel,
}

/// Builds a program against the models of the servers it may name. `linked` finds a component that was linked for the same
/// world before, or links one: the caller's cache.
///
/// # Errors
/// [`JsError`], with the position in the author's file where it is the program's fault.
pub fn build_js(
    source: &str,
    file: &str,
    models: &[ServerModel],
    linked: impl FnOnce(&str, &dyn Fn() -> Result<Vec<u8>, LinkError>) -> Result<Vec<u8>, LinkError>,
) -> Result<JsComponent, JsError> {
    let module = engine().map_err(JsError::Engine)?;
    let (stripped, program) = read_source(source, file)?;

    let mut imported: Vec<ImportedTool<'_>> = Vec::new();
    let mut bindings = Vec::new();
    for import in &program.imports {
        let (server, tool) = resolve(import, models, file).map_err(|e| stripped.locate(e))?;
        bindings.push(read::Binding {
            package: server.package.clone(),
            tool: tool.tool.clone(),
            local: import.local.clone(),
        });
        if !imported
            .iter()
            .any(|t| t.server.package == server.package && t.tool.wit == tool.wit)
        {
            imported.push(ImportedTool { server, tool });
        }
    }
    // The same set gives the same world, whatever the order in the program.
    imported
        .sort_by(|a, b| (&a.server.package, &a.tool.wit).cmp(&(&b.server.package, &b.tool.wit)));

    let mut selection: Vec<(&ServerModel, Vec<&ToolModel>)> = Vec::new();
    for item in &imported {
        match selection.last_mut() {
            Some((server, tools)) if server.package == item.server.package => tools.push(item.tool),
            _ => selection.push((item.server, vec![item.tool])),
        }
    }
    let wit = select::program_wit(&selection, View::Json);
    let key = crate::hex(&<sha2::Sha256 as sha2::Digest>::digest(
        format!(
            "{}\n{}\n{}",
            link::linking_version(),
            module.digest,
            wit.packages.join("\n")
        )
        .as_bytes(),
    ));
    let component = linked(&key, &|| link::link_world(&wit.packages, wit.world, module))?;

    let edited = program.edit(&stripped.text, &bindings);
    let shim = prelude::shim(&selection, &stripped.text);
    let positions = positions::compose(&edited.positions, &stripped.positions);
    Ok(JsComponent {
        component,
        script: Script {
            shim,
            source: edited.text,
            file: file.to_owned(),
            positions,
        },
        tools: {
            let mut tools: Vec<_> = imported
                .iter()
                .map(|t| (t.server.server.clone(), t.tool.tool.clone()))
                .collect();
            tools.sort();
            tools
        },
        engine_import: link::engine_import(module),
    })
}

/// The packages that a program imports from (`github` of `mcp:github`), known or not: what has to be in the catalog before
/// it can be built.
///
/// # Errors
/// When the text is not a program.
pub fn js_servers(source: &str, file: &str) -> Result<Vec<String>, JsError> {
    let imports = js_imports(source, file)?.into_iter();
    let mut servers: Vec<String> = imports.map(|(server, _)| server).collect();
    servers.sort();
    servers.dedup();
    Ok(servers)
}

/// What a program imports, known or not: packages (`github` of `mcp:github`) and names, as written, in its order.
///
/// # Errors
/// When the text is not a program.
pub fn js_imports(source: &str, file: &str) -> Result<Vec<(String, String)>, JsError> {
    let (_, program) = read_source(source, file)?;
    let imports = program.imports.into_iter().filter_map(|import| {
        let server = import.specifier.strip_prefix("mcp:")?.to_owned();
        Some((server, import.name))
    });
    Ok(imports.collect())
}

/// Longest program that is read, in bytes.
pub const MAX_SOURCE_BYTES: usize = 512 << 10;

/// Stack that reading a program may need for each of its bytes: every one can open a level of nesting, as in `((((`, and the
/// parser and all that walks the tree go down with it. Only what is really used of it becomes memory.
const STACK_PER_BYTE: usize = 2 << 10;
const LEAST_STACK: usize = 4 << 20;

/// The text without types and what was read off it. A byte order mark is no part of the program.
fn read_source(source: &str, file: &str) -> Result<(strip::Stripped, read::ReadProgram), JsError> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err(JsError::TooLarge {
            file: file.to_owned(),
            bytes: source.len(),
        });
    }
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let stack = LEAST_STACK + source.len() * STACK_PER_BYTE;
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("witgate-parse".into())
            .stack_size(stack)
            .spawn_scoped(scope, || read_here(source, file))
            .map_err(JsError::Thread)?
            .join()
            .unwrap_or_else(|_| {
                Err(JsError::Parser {
                    file: file.to_owned(),
                })
            })
    })
}

fn read_here(source: &str, file: &str) -> Result<(strip::Stripped, read::ReadProgram), JsError> {
    let stripped = strip::strip_types(source, file)?;
    let program = read::read_program(&stripped.text, file).map_err(|error| {
        let mut error = stripped.locate(error);
        if let JsError::Source { hint, .. } = &mut error
            && hint.is_none()
            && strip::is_typescript(source, file)
        {
            *hint = Some("this is TypeScript: let the file's name end in `.ts`".into());
        }
        error
    })?;
    Ok((stripped, program))
}

fn resolve<'a>(
    import: &read::Import,
    models: &'a [ServerModel],
    file: &str,
) -> Result<(&'a ServerModel, &'a ToolModel), JsError> {
    let fault = |at: (u32, u32), message: String, hint: Option<String>| JsError::Source {
        file: file.to_owned(),
        line: at.0,
        column: at.1,
        message,
        hint,
    };
    let known = |nearest: &[String], prefix: &str| match nearest {
        [] => None,
        names => Some(format!(
            "did you mean {}?",
            names
                .iter()
                .map(|n| format!("`{prefix}{n}`"))
                .collect::<Vec<_>>()
                .join(" or ")
        )),
    };
    let server = select::find_js_module(models, &import.specifier).map_err(|e| {
        let near = known(e.nearest(), "mcp:").or_else(|| {
            let names: Vec<_> = models
                .iter()
                .map(|m| format!("`mcp:{}`", m.package))
                .collect();
            Some(match names.as_slice() {
                [] => "no server is configured; add it to `.mcp.json`".into(),
                names => format!("the configured servers are {}", names.join(", ")),
            })
        });
        fault(import.specifier_at, e.to_string(), near)
    })?;
    let tool = select::find_js(server, &import.name).map_err(|e| {
        let near = known(e.nearest(), "").or_else(|| {
            Some(format!(
                "`witgate tools` lists the tools of `{}`",
                server.server
            ))
        });
        fault(import.name_at, e.to_string(), near)
    })?;
    Ok((server, tool))
}

impl JsComponent {
    /// The component as a file: the shared part, then the script as a custom section.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        use wasm_encoder::Section as _;
        let script = serde_json::to_vec(&self.script).unwrap_or_default();
        let section = wasm_encoder::CustomSection {
            name: "witgate:script".into(),
            data: script.into(),
        };
        let mut bytes = self.component.clone();
        section.append_to(&mut bytes);
        bytes
    }
}
