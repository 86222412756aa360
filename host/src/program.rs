//! Component bytes -> a compiled program. Bytes are hostile: bounded in size, checked before they are compiled. A linked
//! JavaScript program carries its source in a custom section; the component around it is shared by all with the same
//! imports, and so is its compiled form, in memory and on disk. What the sections look like is known in `sections`.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::component::types::{ComponentItem, Type};
use witgate_codegen::built::BuiltAgainst;

use crate::definitions::Definitions;
use crate::host::Host;
use crate::imports::{self, Imports};
use crate::sections;

/// Largest component that is looked at, in bytes.
pub const MAX_COMPONENT_BYTES: usize = 16 << 20;

/// What the engine of a linked JavaScript program is given before `run` is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The prelude with this program's tools.
    pub shim: String,
    /// The program as the engine evaluates it.
    pub source: String,
    /// The author's file name, for stacks.
    pub file: String,
    /// Where pieces of `source` stand in the author's file: line and column there, line and column here, all from 0.
    pub positions: Vec<[u32; 4]>,
}

/// A program, compiled.
#[derive(Debug, Clone)]
pub struct Program {
    pub(crate) component: Component,
    pub(crate) script: Option<Script>,
    /// The definitions it says it was built against, if it does.
    pub built: Option<BuiltAgainst>,
    /// SHA-256 hex of the bytes it came from.
    pub digest: String,
}

/// Why bytes could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Too large to be looked at.
    #[error(
        "the component is {bytes} bytes, at most {} are taken",
        MAX_COMPONENT_BYTES
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not a component.
    #[error("this is not a WebAssembly component: {found}")]
    NotAComponent {
        /// What it is instead.
        found: String,
    },
    /// The engine refuses it.
    #[error("the component is not valid: {message}")]
    Invalid {
        /// The engine's message.
        message: String,
    },
    /// There is nothing to run in it.
    #[error(
        "the component does not export `run: async func(input: json) -> result<json, program-error>` (or a plain `func`)"
    )]
    NoRun,
    /// The cache cannot be used.
    #[error("cannot use the compile cache")]
    Cache(#[source] std::io::Error),
}

impl LoadError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            LoadError::TooLarge { .. } => "keep data out of the component and give it as input",
            LoadError::NotAComponent { .. } => {
                "build one with `witgate build PROGRAM -o OUT.wasm`, or from a core module with `witgate build MODULE.wasm -o OUT.wasm`"
            }
            LoadError::Invalid { .. } => "build it again with `witgate build PROGRAM -o OUT.wasm`",
            LoadError::NoRun => "build against the world `witgate:runtime/program`",
            LoadError::Cache(_) => {
                "check the folder's owner and free space, or set `WITGATE_CACHE` to another one"
            }
        }
    }
}

impl Program {
    /// Compiles a component, or takes it from the cache.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(host: &Host, bytes: &[u8]) -> Result<Program, LoadError> {
        let sections = sections::read(bytes)?;
        let component = match sections.rest {
            Some(component) => host.component(&component)?,
            None => host.component(bytes)?,
        };
        let mut program = Program::new(host, component, sections.script, digest(bytes))?;
        program.built = sections.built;
        Ok(program)
    }

    /// A linked JavaScript program from its parts: the shared component and its script, built just now.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn linked(host: &Host, component: &[u8], script: Script) -> Result<Program, LoadError> {
        let mut hash = Sha256::new();
        hash.update(component);
        hash.update(&script.shim);
        hash.update(&script.source);
        let digest = hex(&hash.finalize());
        Program::new(host, host.component(component)?, Some(script), digest)
    }

    fn new(
        host: &Host,
        component: Component,
        script: Option<Script>,
        digest: String,
    ) -> Result<Program, LoadError> {
        let ty = component.component_type();
        let run = ty.exports(&host.engine).find(|(name, _)| *name == "run");
        match run {
            Some((_, item)) if is_run(&item.ty) => {}
            _ => return Err(LoadError::NoRun),
        }
        Ok(Program {
            component,
            script,
            built: None,
            digest,
        })
    }

    /// What the program asks for.
    #[must_use]
    pub fn imports(&self, host: &Host, definitions: &Definitions) -> Imports {
        imports::read(
            &host.engine,
            &self.component,
            definitions,
            self.built.as_ref(),
        )
    }

    /// The name under which it asks for the JavaScript engine, if it does.
    pub(crate) fn engine_import(&self, host: &Host) -> Option<String> {
        let ty = self.component.component_type();
        let mut imports = ty.imports(&host.engine);
        let is_engine = |item: &ComponentItem| matches!(item, ComponentItem::Module(_));
        let engine = imports
            .find(|(name, item)| name.starts_with(imports::ENGINE_PREFIX) && is_engine(&item.ty));
        engine.map(|(name, _)| name.to_owned())
    }

    /// The packages of the servers it asks for (`github` of `mcp:github/tools`), known to a catalog or not.
    #[must_use]
    pub fn server_packages(&self, host: &Host) -> Vec<String> {
        let ty = self.component.component_type();
        let mut packages: Vec<String> = ty
            .imports(&host.engine)
            .filter_map(|(name, _)| {
                let name = name.strip_prefix("mcp:")?;
                Some(name.split('/').next().unwrap_or(name).to_owned())
            })
            .collect();
        packages.dedup();
        packages
    }
}

impl Script {
    /// A stack as the engine writes it -> one with the author's file and positions, without the prelude's frames.
    #[must_use]
    pub fn locate_stack(&self, stack: &str) -> String {
        let mut lines = Vec::new();
        for line in stack.lines() {
            let Some((before, place)) = line.split_once("componentize-qjs:") else {
                // Frames of the engine itself (`at async ...`, `native`) help nobody.
                if !line.trim().is_empty() && !line.contains("(native)") {
                    lines.push(line.to_owned());
                }
                continue;
            };
            let Some(place) = place.strip_prefix("user.js:") else {
                continue;
            };
            let (place, after) = match place.split_once(')') {
                Some((place, _)) => (place, ")"),
                None => (place, ""),
            };
            let mut numbers = place.split(':').map(|n| n.parse::<u32>().unwrap_or(1));
            let line_number = numbers.next().unwrap_or(1).saturating_sub(1);
            let column = numbers.next().unwrap_or(1).saturating_sub(1);
            let (line_number, column) = self.locate(line_number, column);
            let file = &self.file;
            lines.push(format!(
                "{before}{file}:{}:{}{after}",
                line_number.saturating_add(1),
                column.saturating_add(1)
            ));
        }
        lines.join("\n")
    }

    /// From one point of the table to the next on the same line, columns run in step. The table comes with the component:
    /// it may be out of order and beyond all bounds.
    fn locate(&self, line: u32, column: u32) -> (u32, u32) {
        let points = &self.positions;
        let after = points.partition_point(|p| (p[0], p[1]) <= (line, column));
        match after.checked_sub(1).and_then(|i| points.get(i)) {
            Some(p) if p[0] == line => (p[2], p[3].saturating_add(column.saturating_sub(p[1]))),
            _ => (line, column),
        }
    }
}

/// Whether an export is the contract's `run`, async or not: JSON text in, JSON text or a record that says what went wrong out.
fn is_run(item: &ComponentItem) -> bool {
    let ComponentItem::ComponentFunc(ty) = item else {
        return false;
    };
    let (mut params, mut results) = (ty.params(), ty.results());
    let input = matches!(
        (params.next(), params.next()),
        (Some((_, Type::String)), None)
    );
    let (result, more) = (results.next(), results.next());
    let Some(Type::Result(result)) = result.filter(|_| more.is_none()) else {
        return false;
    };
    input
        && matches!(result.ok(), Some(Type::String))
        && matches!(result.err(), Some(Type::Record(_)))
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_table_of_positions_misleads_and_no_more() {
        let mut script = Script {
            shim: String::new(),
            source: String::new(),
            file: "a.ts".to_owned(),
            positions: vec![[0, 0, 4, 2]],
        };
        let stack = "    at f (componentize-qjs:user.js:1:3)";
        assert_eq!(script.locate_stack(stack), "    at f (a.ts:5:5)");
        script.positions = vec![[0, 0, u32::MAX, u32::MAX]];
        let last = u32::MAX;
        assert_eq!(
            script.locate_stack(stack),
            format!("    at f (a.ts:{last}:{last})")
        );
        script.positions = vec![[0, 0, 0, 0], [9, 0, 0, 0], [0, 7, 0, 0], [0, 9, 0, 0]];
        for column in 0..12 {
            let stack = script.locate_stack(&format!("at componentize-qjs:user.js:1:{column}"));
            assert!(stack.starts_with("at a.ts:"), "{stack}");
        }
    }
}
