//! What a component asks for: its import section, read by the engine that will link it, each item understood or not.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, types};
use witgate_codegen::select::{self, View};

use crate::definitions::Definitions;

/// The prefix under which a linked JavaScript program asks for its engine.
pub const ENGINE_PREFIX: &str = "witgate-engine-";

/// The interfaces of the runtime contract; importing them needs no grant.
pub const RUNTIME: [&str; 4] = [
    "witgate:runtime/types@0.1.0",
    "witgate:runtime/console@0.1.0",
    "witgate:runtime/clock@0.1.0",
    "witgate:runtime/random@0.1.0",
];

/// Everything a component imports.
#[derive(Debug, Clone, Default)]
pub struct Imports {
    /// Tools, in the order of the import section.
    pub tools: Vec<ImportedTool>,
    /// Interfaces of the runtime contract.
    pub runtime: Vec<String>,
    /// The core module of the JavaScript engine, if it is a linked program.
    pub engine: Option<String>,
    /// What is neither, as `interface` or `interface#function`, with the reason.
    pub unknown: Vec<(String, String)>,
}

/// One tool that a component imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedTool {
    /// The interface's name in the import section: `mcp:github/tools`.
    pub interface: String,
    /// The function's name: `list-issues`.
    pub function: String,
    /// The server's name in the configuration.
    pub server: String,
    /// The tool's name on the wire.
    pub tool: String,
    /// Typed values or JSON text.
    pub view: View,
    /// Whether the import is an `async func`.
    pub asynchronous: bool,
}

/// Reads the import section.
#[must_use]
pub fn read(engine: &Engine, component: &Component, definitions: &Definitions) -> Imports {
    let mut imports = Imports::default();
    for (name, item) in component.component_type().imports(engine) {
        match item.ty {
            _ if RUNTIME.contains(&name) => imports.runtime.push(name.to_owned()),
            // A type carries no power.
            ComponentItem::Type(_) => {}
            ComponentItem::Module(_) if name.starts_with(ENGINE_PREFIX) => {
                imports.engine = Some(name.to_owned());
            }
            ComponentItem::ComponentInstance(instance) if name.starts_with("mcp:") => {
                for (function, item) in instance.exports(engine) {
                    match item.ty {
                        ComponentItem::ComponentFunc(ty) => {
                            read_tool(name, function, &ty, definitions, &mut imports);
                        }
                        ComponentItem::Type(_) => {}
                        _ => imports.unknown.push((
                            format!("{name}#{function}"),
                            "a server's interface holds functions and types only".into(),
                        )),
                    }
                }
            }
            _ => {
                let why = if name.starts_with("wasi:") {
                    "this host gives programs no WASI; build for `wasm32-unknown-unknown`"
                } else if name.starts_with("witgate:") {
                    "this host's runtime contract has no such interface"
                } else {
                    "only tools (`mcp:SERVER/tools`, `mcp:SERVER/json`) and the runtime contract can be imported"
                };
                imports.unknown.push((name.to_owned(), why.to_owned()));
            }
        }
    }
    imports
}

fn read_tool(
    interface: &str,
    function: &str,
    ty: &types::ComponentFunc,
    definitions: &Definitions,
    imports: &mut Imports,
) {
    let name = || format!("{interface}#{function}");
    match select::find_import(&definitions.models, interface, function) {
        Ok(found) => {
            let Some(definition) = definitions.get(&found.server.server, &found.tool.tool) else {
                return imports
                    .unknown
                    .push((name(), "the catalog has no such tool".into()));
            };
            if !crate::values::conforms(ty, &definition.model, found.view) {
                return imports.unknown.push((
                    name(),
                    "its type is not the one of this catalog: the component was built against another definition of the tool; build it again".into(),
                ));
            }
            imports.tools.push(ImportedTool {
                interface: interface.to_owned(),
                function: function.to_owned(),
                server: found.server.server.clone(),
                tool: found.tool.tool.clone(),
                view: found.view,
                asynchronous: ty.async_(),
            });
        }
        Err(error) => imports.unknown.push((name(), error.to_string())),
    }
}
