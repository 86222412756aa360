//! What a component asks for: its import section, read by the engine that will link it, each item understood or not, and
//! beside each tool what the component says it was built against. Whether that is still good is not decided here.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, types};
use witgate_codegen::built::{BuiltAgainst, BuiltTool};
use witgate_codegen::lock::{self, LockedTool};
use witgate_codegen::select::{self, LookupError, View};

use crate::definitions::Definitions;
use crate::skills::{ImportedSkill, SKILLS};

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
    /// What is neither.
    pub unknown: Vec<Unknown>,
    /// Skills that it calls, as it imports them. They are among the tools before [`Imports::with_skills`].
    pub calls: Vec<ImportedTool>,
    /// Every skill that may be reached, each once, with its own imports.
    pub skills: Vec<ImportedSkill>,
}

/// An import that nothing here satisfies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// `interface` or `interface#function`.
    pub import: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do about it, where there is something.
    pub hint: Option<&'static str>,
}

/// What to do about a component whose tool has other types by now.
pub(crate) const BUILD_AGAIN: &str = "build the program again: `witgate build PROGRAM -o OUT.wasm`";

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
    /// Whether the function has the type that the tool has now: one that does not is never linked.
    pub fits: bool,
    /// The tool's definition now.
    pub live: LockedTool,
    /// Its definition when the component was built, where that says so.
    pub built: Built,
}

/// What a component says of the definition of a tool that it imports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Built {
    /// It says nothing of any tool, or was built just now.
    #[default]
    Unsaid,
    /// It says something of others, not of this one.
    Omitted,
    /// It was built against this.
    Against(BuiltTool),
}

/// Reads the import section. `built` is what the component was built against, where it says so.
#[must_use]
pub fn read(
    engine: &Engine,
    component: &Component,
    definitions: &Definitions,
    built: Option<&BuiltAgainst>,
) -> Imports {
    let mut imports = Imports::default();
    let unknown = |import: String, message: &str| Unknown {
        import,
        message: message.to_owned(),
        hint: None,
    };
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
                            match read_tool((name, function), &ty, definitions, built) {
                                Ok(tool) => imports.tools.push(tool),
                                Err(unknown) => imports.unknown.push(unknown),
                            }
                        }
                        ComponentItem::Type(_) => {}
                        _ => imports.unknown.push(unknown(
                            format!("{name}#{function}"),
                            "a server's interface holds functions and types only",
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
                imports.unknown.push(unknown(name.to_owned(), why));
            }
        }
    }
    imports
}

fn read_tool(
    (interface, function): (&str, &str),
    ty: &types::ComponentFunc,
    definitions: &Definitions,
    built: Option<&BuiltAgainst>,
) -> Result<ImportedTool, Unknown> {
    let built = match built.map(|built| built.get(interface, function)) {
        None => Built::Unsaid,
        Some(None) => Built::Omitted,
        Some(Some(tool)) => Built::Against(tool.clone()),
    };
    let was_there = matches!(built, Built::Against(_));
    let unknown = |message: &str, hint| Unknown {
        import: format!("{interface}#{function}"),
        message: message.to_owned(),
        hint,
    };
    let found = select::find_import(&definitions.models, interface, function).map_err(|error| {
        if let Some(message) = no_such_skill(&error) {
            unknown(&message, None)
        } else if was_there && matches!(error, LookupError::UnknownTool { .. }) {
            let message = format!("{error} any more: it had it when the component was built");
            unknown(&message, Some(BUILD_AGAIN))
        } else {
            unknown(&error.to_string(), None)
        }
    })?;
    let definition = definitions
        .get(&found.server.server, &found.tool.tool)
        .ok_or_else(|| unknown("the catalog has no such tool", None))?;
    Ok(ImportedTool {
        interface: interface.to_owned(),
        function: function.to_owned(),
        server: found.server.server.clone(),
        tool: found.tool.tool.clone(),
        view: found.view,
        asynchronous: ty.async_(),
        fits: crate::conforms::conforms(ty, &definition.model, found.view),
        live: lock::pin(&definition.tool, &definition.model),
        built,
    })
}

/// Skills come and go more often than tools, and whoever calls one has no list of them at hand.
fn no_such_skill(error: &LookupError) -> Option<String> {
    match error {
        LookupError::UnknownTool {
            server,
            name,
            nearest,
        } if server == SKILLS => Some(match nearest.as_slice() {
            [] => format!("there is no skill `{name}`"),
            nearest => format!(
                "there is no skill `{name}`; the nearest names are `{}`",
                nearest.join("`, `")
            ),
        }),
        _ => None,
    }
}

/// What a component with these imports is built against, as it is to carry it.
#[must_use]
pub fn built_now(imports: &Imports) -> BuiltAgainst {
    let tools = imports
        .tools
        .iter()
        .chain(&imports.calls)
        .map(|import| BuiltTool {
            interface: import.interface.clone(),
            function: import.function.clone(),
            tool: import.tool.clone(),
            definition: import.live.definition.clone(),
            shape: import.live.shape.clone(),
        });
    BuiltAgainst {
        version: witgate_codegen::built::VERSION,
        tools: tools.collect(),
    }
}
