//! A component's imports and exports by name, read and checked without compiling it: what a person looks at before anything
//! runs, and what a registry lists. Whether an import leads anywhere is decided in `imports`, by the engine that links it.

use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::TypesRef;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use crate::program::{LoadError, MAX_COMPONENT_BYTES};

/// What a component imports and exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// In the order of the import section.
    pub imports: Vec<Outlined>,
    /// Names, in the order of the export section.
    pub exports: Vec<String>,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlined {
    /// As it stands in the import section: `mcp:github/json`.
    pub name: String,
    /// The functions of an interface: `list-issues`.
    pub functions: Vec<String>,
    /// Whether it is an interface of functions and types, and nothing else is in it.
    pub is_interface: bool,
    /// Whether it is a type, which carries no power.
    pub is_type: bool,
}

/// Reads a component.
///
/// # Errors
/// The bytes are no valid component, or more than are looked at.
pub fn outline(bytes: &[u8]) -> Result<Outline, LoadError> {
    if bytes.len() > MAX_COMPONENT_BYTES {
        return Err(LoadError::TooLarge { bytes: bytes.len() });
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::NotAComponent {
            found: "it does not start as WebAssembly does".into(),
        });
    }
    if Parser::is_core_wasm(bytes) {
        return Err(LoadError::NotAComponent {
            found: "it is a core module".into(),
        });
    }
    let invalid = |e: wasmparser::BinaryReaderError| LoadError::Invalid {
        message: e.to_string(),
    };
    // Types are checked, as names mean nothing without; bodies of functions are not.
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_u32;
    let mut outline = Outline::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(invalid)?;
        match &payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section.clone() {
                    imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section.clone() {
                    exports.push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::End(_) if depth == 0 => {
                // The last moment at which the types of this component can be asked for.
                if let Some(types) = validator.types(0) {
                    let outlined = imports.drain(..).map(|name| outlined(name, &types));
                    outline.imports = outlined.collect();
                }
            }
            Payload::End(_) => depth -= 1,
            _ => {}
        }
        validator.payload(&payload).map_err(invalid)?;
    }
    outline.exports = exports;
    Ok(outline)
}

fn outlined(name: String, types: &TypesRef<'_>) -> Outlined {
    let ty = types.component_item_for_import(&name).map(|item| item.ty);
    let mut outlined = Outlined {
        functions: Vec::new(),
        is_interface: false,
        is_type: matches!(ty, Some(ComponentEntityType::Type { .. })),
        name,
    };
    if let Some(ComponentEntityType::Instance(instance)) = ty {
        outlined.is_interface = true;
        for (name, item) in &types[instance].exports {
            match item.ty {
                ComponentEntityType::Func(_) => outlined.functions.push(name.clone()),
                ComponentEntityType::Type { .. } => {}
                _ => outlined.is_interface = false,
            }
        }
    }
    outlined
}
