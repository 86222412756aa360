//! `witgate build`: the component of a program, or of a core module that another toolchain compiled, as a file, with the
//! definitions that it was built against.

use std::path::PathBuf;

use clap::Args;
use witgate_builder::module;
use witgate_builder::stamp::stamp;
use witgate_codegen::drift::ChangeKind;
use witgate_host::imports::{Built, Imports, built_now};
use witgate_host::sections::without_built;

use crate::failure::{Failure, Kind};
use crate::source::{self, SourceKind};
use crate::{output, terminal, workspace};

/// Build a program into a component
#[derive(Args)]
#[command(after_help = "\
Example:
  witgate build triage.rs -o triage.wasm && witgate run triage.wasm --allow github/list_issues

A JavaScript component is linked: the engine is not in it, and any witgate of the same version runs it.
The component carries the hashes of the definitions it was built against, and is refused when they change. A core module
that another toolchain compiled with bindings of the WIT of `witgate gen` is made a component, and a component of any
toolchain is pinned to the definitions that it fits now: witgate build any.wasm -o pinned.wasm")]
pub(crate) struct Build {
    /// A program (.js, .ts, .rs), a core module (.wasm), or a component (.wasm) to be pinned
    program: PathBuf,
    /// Where the component goes
    #[arg(short, long, value_name = "OUT.wasm")]
    output: PathBuf,
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print errors as one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

impl Build {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let mut source = source::read(&self.program)?;
        let given = matches!(source.kind, SourceKind::Component(_));
        let mut from_module = false;
        if let SourceKind::Component(bytes) = &mut source.kind
            && module::is_module(bytes)
        {
            from_module = true;
            let core = std::mem::take(bytes);
            *bytes = source::bounded(move || Ok(module::componentize(&core)?)).await?;
        }
        let workspace = workspace::open(self.config.as_deref())?;
        let built = source::load(source, &workspace, true).await;
        workspace.servers.shutdown().await;
        let (host, loaded) = built?;
        let imports = loaded.imports(&host);
        // What is built from source names known tools only; what another toolchain built may be of any catalog.
        if let Some(unknown) = imports.unknown.first().filter(|_| from_module) {
            let (name, why) = (&unknown.import, &unknown.message);
            let message = format!("the module imports `{name}`: {why}");
            return Err(Failure::new(Kind::Program, message)
                .hint("build it against the WIT that `witgate gen --sync` or `witgate gen` writes now")
                .at(name.clone()));
        }
        if given {
            fits(&imports)?;
        }
        let mut bytes = without_built(&loaded.bytes)?;
        stamp(&mut bytes, &built_now(&imports)).map_err(|e| {
            Failure::new(Kind::Program, e.to_string())
                .hint("import fewer tools, or split the program")
        })?;
        output::write(&self.output, &bytes)?;
        terminal::note(&format!("{}: {} bytes", self.output.display(), bytes.len()));
        Ok(())
    }
}

/// Whether a component that others built can be pinned: every tool that it imports has the types it was built with.
fn fits(imports: &Imports) -> Result<(), Failure> {
    let unknown = imports.unknown.iter();
    let unknown = unknown.map(|u| format!("{}: {}", u.import, u.message));
    let other = imports.tools.iter().filter_map(|tool| {
        let same = match &tool.built {
            Built::Against(built) => built.shape == tool.live.shape,
            Built::Unsaid | Built::Omitted => true,
        };
        let what = ChangeKind::Incompatible.what();
        (!same || !tool.fits).then(|| format!("{}/{}: {what}", tool.server, tool.tool))
    });
    let wrong: Vec<String> = unknown.chain(other).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the component cannot be pinned, it does not fit the tools: {}",
        wrong.join("; ")
    );
    Err(Failure::new(Kind::Refused, message)
        .hint("build the program again from its source: `witgate build PROGRAM -o OUT.wasm`"))
}
