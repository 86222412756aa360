//! The crate `mcp` of a program: generated for the tools that the program names, compiled once for each set of tools,
//! kept on disk under a key of the source and the toolchain.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use wit_bindgen_core::wit_parser::{PackageId, Resolve};
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::{Opts, WithOption};
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::names::snake_case;
use witgate_codegen::rust::{RAW_MODULE, bindings, module_name};
use witgate_codegen::select::{View, program_wit};
use witgate_codegen::wit::NAMESPACE;

use super::{Named, RustError, io_error, rustc, shelf};
use crate::toolchain::Toolchain;

/// How long the crate may compile: hundreds of tools in one program are possible.
const TIME_LIMIT: Duration = Duration::from_secs(180);
/// Part of the key: raised when the way of compiling changes.
const FORMAT: &str = "mcp-1";
/// How many crates are kept; one takes 0.1 to some MB.
const KEPT: usize = 256;

/// The compiled crate for these tools, or `None` where the program names no server.
pub(super) fn library(
    named: &Named,
    servers: &[ServerModel],
    toolchain: &Toolchain,
    cache_dir: &Path,
) -> Result<Option<PathBuf>, RustError> {
    if named.servers.is_empty() {
        return Ok(None);
    }
    let selection: Vec<(&ServerModel, Vec<&ToolModel>)> = named
        .servers
        .iter()
        .filter_map(|(server, tools)| {
            let server = servers.get(*server)?;
            Some((
                server,
                tools
                    .iter()
                    .filter_map(|tool| server.tools.get(*tool))
                    .collect(),
            ))
        })
        .collect();
    let text = source(&selection)?;
    let mut hasher = Sha256::new();
    for part in [FORMAT, &toolchain.key, &text] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let key = crate::hex(&hasher.finalize());
    let shelf = shelf::open(cache_dir, "mcp")
        .map_err(io_error("use the folder `rust/mcp` of the cache"))?;
    let place = shelf.join(&key[..32]);
    let library = place.join("libmcp.rlib");
    if library.exists() {
        shelf::touch(&place);
        return Ok(Some(library));
    }
    // Beside its place, so that putting it there is one rename.
    let folder = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(&shelf)
        .map_err(io_error("make a folder to compile in"))?;
    compile(&text, &selection, toolchain, folder.path())?;
    match std::fs::rename(folder.path(), &place) {
        Ok(()) => {
            // The folder has moved; there is nothing left to delete.
            let _ = folder.keep();
            shelf::trim(&shelf, KEPT, u64::MAX);
        }
        // Another build was quicker; its result is the same.
        Err(_) if library.exists() => {}
        Err(error) => {
            return Err(io_error(format!("fill the cache `{}`", shelf.display()))(
                error,
            ));
        }
    }
    Ok(Some(library))
}

fn compile(
    text: &str,
    selection: &[(&ServerModel, Vec<&ToolModel>)],
    toolchain: &Toolchain,
    folder: &Path,
) -> Result<(), RustError> {
    std::fs::write(folder.join("mcp.rs"), text)
        .map_err(io_error("write the generated bindings"))?;
    let mut args: Vec<String> = [
        "--crate-name=mcp",
        "--crate-type=rlib",
        "--edition=2021",
        "--emit=link=libmcp.rlib",
        "--cap-lints=allow",
        "--error-format=short",
        "--color=never",
        "-Copt-level=1",
        "-Ccodegen-units=4",
    ]
    .map(String::from)
    .to_vec();
    args.push(format!("--remap-path-prefix={}=", folder.display()));
    if let Some(path) = toolchain.externs.get("witgate_guest") {
        args.push(format!("--extern=witgate_guest={}", path.display()));
    }
    args.push("mcp.rs".into());
    let run = rustc::run(toolchain, &args, &[], folder, TIME_LIMIT)?;
    if run.success {
        return Ok(());
    }
    if let Some(stale) = rustc::misfit(&run.messages, toolchain) {
        return Err(stale.into());
    }
    Err(defect(
        selection,
        run.messages.lines().take(5).collect::<Vec<_>>().join("; "),
    ))
}

/// The whole source of the crate: plain bindings over wit-bindgen's.
fn source(selection: &[(&ServerModel, Vec<&ToolModel>)]) -> Result<String, RustError> {
    let raw = raw_bindings(selection).map_err(|message| defect(selection, message))?;
    // wit-bindgen does not escape a package's name where it names a module.
    let raw = selection.iter().fold(raw, |raw, (server, _)| {
        let (plain, escaped) = (snake_case(&server.package), module_name(server));
        if plain == escaped {
            return raw;
        }
        raw.replace(
            &format!("pub mod {plain} {{"),
            &format!("pub mod {escaped} {{"),
        )
    });
    Ok(format!(
        "{}pub mod {RAW_MODULE} {{\n{raw}\n}}\n",
        bindings(selection)
    ))
}

/// wit-bindgen's output for the typed view of these tools. The runtime's part is in `witgate_guest`.
fn raw_bindings(selection: &[(&ServerModel, Vec<&ToolModel>)]) -> Result<String, String> {
    let wit = program_wit(selection, View::Typed);
    // The program's own world has the runtime too; this one has the tools alone.
    let mut world = String::from("package witgate:bindings;\n\nworld bindings {\n");
    for (server, _) in selection.iter().filter(|(_, tools)| !tools.is_empty()) {
        let interface = View::Typed.interface();
        world.push_str(&format!(
            "    import {NAMESPACE}:%{}/{interface};\n",
            server.package
        ));
    }
    world.push_str("}\n");
    let packages = wit.packages.iter().rev().skip(1).rev().chain([&world]);
    let mut resolve = Resolve::default();
    let mut last: Option<PackageId> = None;
    for (index, text) in packages.enumerate() {
        let id = resolve.push_str(format!("package-{index}.wit"), text);
        last = Some(id.map_err(|error| format!("{error:#}"))?);
    }
    let packages: Vec<PackageId> = last.into_iter().collect();
    let world = resolve
        .select_world(&packages, None)
        .map_err(|error| format!("{error:#}"))?;
    let types = WithOption::Path("::witgate_guest::raw::types".into());
    let mut options = Opts {
        runtime_path: Some("::witgate_guest::raw::rt".into()),
        generate_all: true,
        ..Opts::default()
    };
    // It refuses a mapping that nothing uses.
    if selection.iter().any(|(_, tools)| !tools.is_empty()) {
        options.with = vec![("witgate:runtime/types@0.1.0".into(), types)];
    }
    let mut files = Files::default();
    let mut generator = options.build();
    generator
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| format!("{error:#}"))?;
    let texts = files
        .iter()
        .map(|(_, text)| String::from_utf8_lossy(text).into_owned());
    Ok(texts.collect())
}

fn defect(selection: &[(&ServerModel, Vec<&ToolModel>)], message: String) -> RustError {
    let tools: Vec<String> = selection
        .iter()
        .flat_map(|(server, tools)| {
            tools
                .iter()
                .map(|tool| format!("`{}/{}`", server.server, tool.tool))
        })
        .collect();
    RustError::Bindings {
        tools: tools.join(", "),
        message,
    }
}
