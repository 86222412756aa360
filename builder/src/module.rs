//! A core module that another toolchain compiled against the generated WIT -> a component. The bindings in the module say
//! its world, in custom sections; a module without them is refused. Whether its imports are tools is the host's question.

use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

/// Largest core module that is taken, in bytes. The libraries of a Rust program alone are 0.3 MB.
pub(crate) const LARGEST: usize = 32 << 20;
/// The start of the names of the sections in which bindings say a module's world.
const WORLD_SECTION: &str = "component-type";
/// What a module compiled for `wasm32-wasip1` imports.
const WASI: &str = "wasi_snapshot_preview1";

/// Why a core module did not become a component.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// Too large to be looked at.
    #[error("the module is {bytes} bytes, at most {} are taken", LARGEST)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Its bytes are damaged.
    #[error("the module is not valid: {0}")]
    Invalid(String),
    /// It was not compiled with bindings.
    #[error(
        "the module does not say which interfaces it imports and exports: no section `component-type:..` is in it"
    )]
    NoWorld,
    /// It wants what no program gets.
    #[error("the module imports `{WASI}`, and programs are given no WASI")]
    Wasi,
    /// What it says and what it holds differ.
    #[error("the module cannot be made a component: {0}")]
    Misfit(String),
}

impl ModuleError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            ModuleError::TooLarge { .. } => {
                "build it with optimisation and without debug information"
            }
            ModuleError::Invalid(_) | ModuleError::Misfit(_) => {
                "build it again, with bindings of the world that `witgate gen` writes"
            }
            ModuleError::NoWorld => {
                "build it with the bindings of a component toolchain (wit-bindgen, for example) for the world that `witgate gen` writes"
            }
            ModuleError::Wasi => "compile it for `wasm32-unknown-unknown`",
        }
    }
}

/// Whether bytes start as a core module does; a component's start differs in its fifth byte.
#[must_use]
pub fn is_module(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm\x01\0\0\0")
}

/// Makes a component of a core module.
///
/// # Errors
/// [`ModuleError`].
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, ModuleError> {
    if module.len() > LARGEST {
        return Err(ModuleError::TooLarge {
            bytes: module.len(),
        });
    }
    let invalid = |error: wasmparser::BinaryReaderError| ModuleError::Invalid(error.to_string());
    let (mut world, mut wasi) = (false, false);
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(invalid)? {
            Payload::Version {
                encoding: Encoding::Component,
                ..
            } => return Err(ModuleError::Invalid("it is a component".into())),
            Payload::CustomSection(section) => world |= section.name().starts_with(WORLD_SECTION),
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    wasi |= import.map_err(invalid)?.module == WASI;
                }
            }
            _ => {}
        }
    }
    match (world, wasi) {
        (_, true) => Err(ModuleError::Wasi),
        (false, _) => Err(ModuleError::NoWorld),
        (true, false) => encode(module).map_err(ModuleError::Misfit),
    }
}

/// The component, validated, or what wit-component says against it.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true);
    encoder
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::borrow::Cow;

    use wasm_encoder::{
        CustomSection, EntityType, FunctionSection, ImportSection, Module, TypeSection,
    };

    use super::*;

    #[test]
    fn what_is_no_component_in_the_making_is_refused() {
        let empty = Module::new().finish();
        assert!(matches!(componentize(&empty), Err(ModuleError::NoWorld)));

        let mut wasi = Module::new();
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        imports.import(WASI, "proc_exit", EntityType::Function(0));
        wasi.section(&types).section(&imports);
        assert!(matches!(
            componentize(&wasi.finish()),
            Err(ModuleError::Wasi)
        ));

        let world = CustomSection {
            name: "component-type:any".into(),
            data: Cow::Borrowed(b"no world"),
        };
        let mut damaged = Module::new();
        damaged.section(&world);
        let damaged = damaged.finish();
        let error = componentize(&damaged).unwrap_err();
        assert!(matches!(error, ModuleError::Misfit(_)), "{error}");

        // A function without a body.
        let mut broken = Module::new();
        let mut functions = FunctionSection::new();
        functions.function(7);
        broken.section(&functions).section(&world);
        assert!(componentize(&broken.finish()).is_err());

        let mut cut = damaged.clone();
        cut.truncate(damaged.len() - 1);
        assert!(matches!(componentize(&cut), Err(ModuleError::Invalid(_))));
        let large = vec![0; LARGEST + 1];
        assert!(matches!(
            componentize(&large),
            Err(ModuleError::TooLarge { .. })
        ));
    }
}
