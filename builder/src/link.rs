//! A program's world -> the linked component of a JavaScript program: the world's glue and an empty place for the engine.
//!
//! wit-dylib makes a small library that speaks the world's ABI, wit-component links it with the engine's skeleton, and the
//! skeleton's module section is then exchanged for a *core module import*, which the host satisfies with the engine that it
//! compiled once. What is left is valid, about 20 KB, and imports only its tools. The program's source is not in it: one
//! component serves every program with the same set of imports.

use wasm_encoder::{
    Component, ComponentImportSection, ComponentTypeRef, CoreTypeSection, ModuleType, RawSection,
};
use wasmparser::{Parser, Payload};
use wit_component::StringEncoding;
use wit_parser::{Resolve, UnresolvedPackageGroup};

use crate::engine::EngineModule;

/// The name under which a linked component imports the engine, before the digest.
pub const ENGINE_IMPORT: &str = "witgate-engine-";

/// The full name under which linked components import this engine.
#[must_use]
pub fn engine_import(engine: &EngineModule) -> String {
    format!("{ENGINE_IMPORT}{}", &engine.digest[..16])
}

/// Stack for the guest, in bytes: about 12,000 JavaScript frames. The engine has no check of its own; what goes deeper traps,
/// and the host says why.
const STACK_SIZE: u32 = 4 << 20;

/// What, beside engine and world, decides the bytes of a linked component: the key of whoever keeps them has to hold it.
#[must_use]
pub fn linking_version() -> String {
    format!("witgate {}, stack {STACK_SIZE}", env!("CARGO_PKG_VERSION"))
}

/// Why a world could not be linked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The generated WIT does not parse: a defect of the generator.
    #[error("the generated interface of this program is not valid WIT: {0}")]
    Wit(String),
    /// A linking step failed.
    #[error("linking the program with the JavaScript engine failed at {step}: {message}")]
    Step {
        /// The step's name.
        step: &'static str,
        /// What it said.
        message: String,
    },
}

/// Parses WIT packages in order (a package may use those before it) and returns the world's id.
///
/// # Errors
/// [`LinkError::Wit`] with the parser's message.
pub(crate) fn resolve_world(
    packages: &[String],
    world: &str,
) -> Result<(Resolve, wit_parser::WorldId), LinkError> {
    let mut resolve = Resolve {
        all_features: true,
        ..Resolve::default()
    };
    let mut last = None;
    for (index, text) in packages.iter().enumerate() {
        let group = UnresolvedPackageGroup::parse(format!("package-{index}.wit"), text)
            .map_err(|(map, e)| LinkError::Wit(e.render(&map)))?;
        let id = resolve
            .push_group(group)
            .map_err(|e| LinkError::Wit(e.render(&resolve.source_map)))?;
        last = Some(id);
    }
    let last = last.ok_or_else(|| LinkError::Wit("no package".into()))?;
    let name = world.rsplit('/').next().unwrap_or(world);
    let world = resolve
        .select_world(&[last], Some(name))
        .map_err(|e| LinkError::Wit(format!("{e:#}")))?;
    Ok((resolve, world))
}

/// Links a world with the engine.
///
/// # Errors
/// [`LinkError`]; none of them is the program's fault.
pub fn link_world(
    packages: &[String],
    world: &str,
    engine: &EngineModule,
) -> Result<Vec<u8>, LinkError> {
    let (resolve, world) = resolve_world(packages, world)?;
    let (mut dylib, _) = wit_dylib::create_with_metadata(&resolve, world, None)
        .map_err(|e| step("wit-dylib", &e))?;
    wit_component::embed_component_metadata(
        &mut dylib,
        &resolve,
        world,
        StringEncoding::UTF8,
        false,
    )
    .map_err(|e| step("component metadata", &e))?;

    let mut linker = wit_component::Linker::default();
    linker.stack_size(STACK_SIZE);
    // The result is validated once, after the exchange.
    linker.encoder().validate(false);
    linker
        .library("engine.wasm", &engine.skeleton, false)
        .and_then(|l| l.library("world.wasm", &dylib, false))
        .map_err(|e| step("library", &e))?;
    let linked = linker.encode().map_err(|e| step("linker", &e))?;
    exchange_engine(&linked, engine)
}

fn step(step: &'static str, error: &dyn std::fmt::Display) -> LinkError {
    LinkError::Step {
        step,
        message: format!("{error:#}"),
    }
}

/// Puts a core module import where the skeleton's module section is. Both define one core module, so no index moves.
fn exchange_engine(linked: &[u8], engine: &EngineModule) -> Result<Vec<u8>, LinkError> {
    let mut out = Component::new();
    let mut depth = 0_u32;
    let mut exchanged = 0;
    let bad = |e: wasmparser::BinaryReaderError| step("reading the linked component", &e);
    for payload in Parser::new(0).parse_all(linked) {
        let payload = payload.map_err(bad)?;
        match &payload {
            Payload::End(_) if depth > 0 => {
                depth -= 1;
                continue;
            }
            _ if depth > 0 && !matches!(payload, Payload::Version { .. }) => {
                if matches!(
                    payload,
                    Payload::ModuleSection { .. } | Payload::ComponentSection { .. }
                ) {
                    depth += 1;
                }
                continue;
            }
            _ => {}
        }
        match payload {
            Payload::ModuleSection {
                unchecked_range, ..
            } => {
                depth += 1;
                let bytes = &linked[unchecked_range.start as usize..unchecked_range.end as usize];
                if is_engine(bytes).map_err(bad)? {
                    exchanged += 1;
                    let mut types = CoreTypeSection::new();
                    types.ty().module(&module_type(bytes)?);
                    out.section(&types);
                    let mut imports = ComponentImportSection::new();
                    imports.import(engine_import(engine).as_str(), ComponentTypeRef::Module(0));
                    out.section(&imports);
                } else {
                    out.section(&RawSection { id: 1, data: bytes });
                }
            }
            Payload::ComponentSection {
                unchecked_range, ..
            } => {
                depth += 1;
                let data = &linked[unchecked_range.start as usize..unchecked_range.end as usize];
                out.section(&RawSection { id: 4, data });
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let data = &linked[range.start as usize..range.end as usize];
                    if !is_producers(&other) {
                        out.section(&RawSection { id, data });
                    }
                }
            }
        }
    }
    if exchanged != 1 {
        return Err(LinkError::Step {
            step: "taking the engine out",
            message: format!("expected one engine module, found {exchanged}"),
        });
    }
    let bytes = out.finish();
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(&bytes)
        .map_err(|e| step("validation", &e))?;
    Ok(bytes)
}

fn is_producers(payload: &Payload<'_>) -> bool {
    matches!(payload, Payload::CustomSection(c) if c.name() == "producers")
}

fn is_engine(module: &[u8]) -> Result<bool, wasmparser::BinaryReaderError> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(exports) = payload? {
            for export in exports {
                if export?.name == "wit_dylib_initialize" {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// The module's imports and exports as a component-level module type.
fn module_type(module: &[u8]) -> Result<ModuleType, LinkError> {
    let bad = |e: wasmparser::BinaryReaderError| step("reading the engine", &e);
    let unsupported = || {
        step(
            "reading the engine",
            &"an import or export kind is not supported",
        )
    };
    let mut validator = wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all());
    let types = validator.validate_all(module).map_err(bad)?;
    let mut out = ModuleType::new();
    let mut count = 0;
    let mut entity = |out: &mut ModuleType, ty: wasmparser::types::EntityType| {
        use wasm_encoder::reencode::{Reencode, RoundtripReencoder as R};
        use wasmparser::types::EntityType as E;
        Some(match ty {
            E::Func(id) | E::FuncExact(id) => {
                let func = types[id].unwrap_func();
                let valtypes = |list: &[wasmparser::ValType]| {
                    list.iter()
                        .map(|v| R.val_type(*v).ok())
                        .collect::<Option<Vec<_>>>()
                };
                out.ty()
                    .function(valtypes(func.params())?, valtypes(func.results())?);
                count += 1;
                wasm_encoder::EntityType::Function(count - 1)
            }
            E::Table(t) => wasm_encoder::EntityType::Table(R.table_type(t).ok()?),
            E::Memory(m) => wasm_encoder::EntityType::Memory(R.memory_type(m).ok()?),
            E::Global(g) => wasm_encoder::EntityType::Global(R.global_type(g).ok()?),
            E::Tag(_) => return None,
        })
    };
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(bad)? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(bad)?;
                    let ty = types
                        .as_ref()
                        .entity_type_from_import(&import)
                        .and_then(|t| entity(&mut out, t))
                        .ok_or_else(unsupported)?;
                    out.import(import.module, import.name, ty);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.map_err(bad)?;
                    let ty = types
                        .as_ref()
                        .entity_type_from_export(&export)
                        .and_then(|t| entity(&mut out, t))
                        .ok_or_else(unsupported)?;
                    out.export(export.name, ty);
                }
            }
            _ => {}
        }
    }
    Ok(out)
}
