//! The JavaScript engine: QuickJS-ng as a position-independent module, made fit for linking.
//!
//! The module ships with this crate (`engine/README.md` says where it comes from). Its WASI and module-loader imports are
//! replaced by local stubs, so that nothing but tools can be imported through it; a skeleton of it, without code and data,
//! stands in while a program's component is linked. Compiling and caching it is the host's matter.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{
    CodeSection, CustomSection, Function, FunctionSection, ImportSection, MemArg, MemArgTarget,
    Module,
};
use wasmparser::{Parser, Payload};

const ORIGINAL: &[u8] = include_bytes!("../engine/quickjs.wasm");

/// The engine in its three forms.
#[derive(Debug)]
pub struct EngineModule {
    /// The module that runs: a core wasm module that imports only its linkage (memory, table, GOT) and component intrinsics.
    pub wasm: Vec<u8>,
    /// The same module with empty bodies and no data, for linking.
    pub skeleton: Vec<u8>,
    /// SHA-256 hex of `wasm`; the name under which a linked component asks for it carries this.
    pub digest: String,
}

/// Why the engine could not be prepared: a defect of this build, never of a program.
#[derive(Debug, thiserror::Error)]
#[error("the built-in JavaScript engine is not the expected module: {0}")]
pub struct EngineError(String);

/// The prepared engine, made once per process (a few milliseconds).
///
/// # Errors
/// When the shipped module does not have the shape this crate was written for.
pub fn engine() -> Result<&'static EngineModule, &'static EngineError> {
    static ENGINE: OnceLock<Result<EngineModule, EngineError>> = OnceLock::new();
    ENGINE.get_or_init(|| prepare(ORIGINAL)).as_ref()
}

fn prepare(original: &[u8]) -> Result<EngineModule, EngineError> {
    let stubs = find_stubs(original)?;
    let wasm = rewrite(original, &stubs, Form::Whole)?;
    let skeleton = rewrite(original, &stubs, Form::Skeleton)?;
    let digest = crate::hex(&Sha256::digest(&wasm));
    Ok(EngineModule {
        wasm,
        skeleton,
        digest,
    })
}

/// Function imports of the original, split into those that stay and those that become local.
struct Stubs {
    /// New index of each imported function.
    remap: Vec<u32>,
    /// `(module, name, type index)` of each function that becomes local, in the order of its new index.
    local: Vec<(String, String, u32)>,
}

fn find_stubs(original: &[u8]) -> Result<Stubs, EngineError> {
    let mut kept = Vec::new();
    let mut local = Vec::new();
    let mut next = 0;
    for payload in Parser::new(0).parse_all(original) {
        let Payload::ImportSection(reader) = payload.map_err(fault)? else {
            continue;
        };
        for import in reader.into_imports() {
            let import = import.map_err(fault)?;
            let wasmparser::TypeRef::Func(ty) = import.ty else {
                continue;
            };
            if is_foreign(import.module) {
                local.push((next, import.module.to_owned(), import.name.to_owned(), ty));
            } else {
                kept.push(next);
            }
            next += 1;
        }
    }
    let mut remap = vec![0; next as usize];
    for (new, old) in kept.iter().chain(local.iter().map(|l| &l.0)).enumerate() {
        remap[*old as usize] = new as u32;
    }
    let local = local.into_iter().map(|(_, m, n, ty)| (m, n, ty)).collect();
    Ok(Stubs { remap, local })
}

fn is_foreign(module: &str) -> bool {
    module.starts_with("wasi") || module == "local:init/module-loader"
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Whole,
    Skeleton,
}

struct Rewriter<'a> {
    stubs: &'a Stubs,
    form: Form,
}

fn rewrite(original: &[u8], stubs: &Stubs, form: Form) -> Result<Vec<u8>, EngineError> {
    let mut module = Module::new();
    // The dynamic-linking section must be the first of the module; everything else custom but the engine's own world is
    // left out (debug names, worlds of the WASI adapter).
    for payload in Parser::new(0).parse_all(original) {
        if let Payload::CustomSection(section) = payload.map_err(fault)?
            && section.name() == "dylink.0"
        {
            module.section(&CustomSection {
                name: section.name().into(),
                data: section.data().into(),
            });
        }
    }
    let mut rewriter = Rewriter { stubs, form };
    rewriter
        .parse_core_module(&mut module, Parser::new(0), original)
        .map_err(fault)?;
    let wasm = module.finish();
    if form == Form::Whole {
        wasmparser::validate(&wasm).map_err(fault)?;
    }
    Ok(wasm)
}

impl Reencode for Rewriter<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, func: u32) -> Result<u32, reencode::Error> {
        // As many imports become local as are taken away, so every other index stays.
        Ok(*self.stubs.remap.get(func as usize).unwrap_or(&func))
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        for import in section.into_imports() {
            let import = import?;
            let func = matches!(import.ty, wasmparser::TypeRef::Func(_));
            if !(func && is_foreign(import.module)) {
                self.parse_import(imports, import)?;
            }
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        for (_, _, ty) in &self.stubs.local {
            functions.function(*ty);
        }
        utils::parse_function_section(self, functions, section)
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        // The hook is called once per section; the stubs come first, as their indices do.
        for (module, name, _) in &self.stubs.local {
            code.function(&match self.form {
                Form::Whole => stub(module, name),
                Form::Skeleton => unreachable(),
            });
        }
        for body in section {
            let body = body?;
            match self.form {
                Form::Whole => self.parse_function_body(code, body)?,
                Form::Skeleton => {
                    code.function(&unreachable());
                }
            }
        }
        Ok(())
    }

    fn parse_data_section(
        &mut self,
        data: &mut wasm_encoder::DataSection,
        section: wasmparser::DataSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        if self.form == Form::Skeleton {
            return Ok(());
        }
        utils::parse_data_section(self, data, section)
    }

    fn data_count(&mut self, count: u32) -> Result<u32, reencode::Error> {
        Ok(if self.form == Form::Skeleton {
            0
        } else {
            count
        })
    }

    fn parse_element_section(
        &mut self,
        elements: &mut wasm_encoder::ElementSection,
        section: wasmparser::ElementSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        if self.form == Form::Skeleton {
            return Ok(());
        }
        utils::parse_element_section(self, elements, section)
    }

    fn parse_custom_section(
        &mut self,
        module: &mut Module,
        section: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        let name = section.name();
        if name.starts_with("component-type:") && name.contains(":local:init:") {
            utils::parse_custom_section(self, module, section)?;
        }
        Ok(())
    }
}

fn unreachable() -> Function {
    let mut function = Function::new([]);
    function.instructions().unreachable().end();
    function
}

/// What a replaced import does. The engine asks for an environment, preopened folders, a hash seed and the time while it
/// starts and gets none of them; anything else is never reached by a program and traps.
fn stub(module: &str, name: &str) -> Function {
    // Bytes of zero that the call leaves at its return pointer, which is its only parameter.
    let zeros = match (module.split('@').next().unwrap_or(module), name) {
        ("wasi:cli/environment", "get-environment")
        | ("wasi:filesystem/preopens", "get-directories") => 8,
        ("wasi:random/insecure-seed", "insecure-seed") | ("wasi:clocks/wall-clock", "now") => 16,
        ("wasi:clocks/monotonic-clock", "now") => return constant_zero_i64(),
        ("wasi_snapshot_preview1", "reset_adapter_state") => return nothing(),
        (_, name) if name.starts_with("[resource-drop]") => return nothing(),
        _ => return unreachable(),
    };
    let mut function = Function::new([]);
    let mut code = function.instructions();
    for offset in (0..zeros).step_by(8) {
        code.local_get(0).i64_const(0).i64_store(MemArg {
            offset,
            align: 2,
            target: MemArgTarget::Memory(0),
            ordering: None,
        });
    }
    code.end();
    function
}

fn nothing() -> Function {
    let mut function = Function::new([]);
    function.instructions().end();
    function
}

fn constant_zero_i64() -> Function {
    let mut function = Function::new([]);
    function.instructions().i64_const(0).end();
    function
}

fn fault(error: impl std::fmt::Display) -> EngineError {
    EngineError(error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_module_is_the_published_one() {
        assert_eq!(
            crate::hex(&Sha256::digest(ORIGINAL)),
            "a2fa64b9854bf0e639689e0043c0879ecd0c0895f008213bbc06556dbaaa9f45"
        );
    }

    #[test]
    fn nothing_foreign_is_imported_and_dylink_stays_first() {
        let engine = engine().unwrap();
        for form in [&engine.wasm, &engine.skeleton] {
            let mut payloads = Parser::new(0).parse_all(form).skip(1);
            match payloads.next().unwrap().unwrap() {
                Payload::CustomSection(section) => assert_eq!(section.name(), "dylink.0"),
                other => panic!("first section is {other:?}"),
            }
            for payload in payloads {
                if let Payload::ImportSection(imports) = payload.unwrap() {
                    for import in imports.into_imports() {
                        assert!(!is_foreign(import.unwrap().module));
                    }
                }
            }
        }
        assert!(engine.skeleton.len() < 16_000, "{}", engine.skeleton.len());
    }
}
