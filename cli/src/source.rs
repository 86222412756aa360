//! A program on disk -> a compiled program, with everything it was built against: the one way in for `run`, `build`, `check`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use witgate_builder::js::{self, JsComponent};
use witgate_builder::rust;
use witgate_builder::toolchain::Toolchain;
use witgate_builder::{engine, link};
use witgate_codegen::lock::Lock;
use witgate_codegen::names::{camel_case, kebab, pascal_case, snake_case};
use witgate_codegen::select::{self, LookupError};
use witgate_codegen::server::package_name;
use witgate_host::admission::{Refusal, vanished};
use witgate_host::imports::Imports;
use witgate_host::{Definitions, Host, HostOptions, Program, SKILLS, Script};

use crate::failure::{Failure, Kind, chain};
use crate::skills::{Store, Visible};
use crate::terminal;
use crate::workspace::{self, Workspace};

/// A program as read from disk.
pub(crate) struct Source {
    /// As messages call it.
    pub(crate) name: String,
    pub(crate) kind: SourceKind,
}

pub(crate) enum SourceKind {
    /// JavaScript or TypeScript.
    Js(String),
    Rust(String),
    Component(Vec<u8>),
}

/// A program ready for admission.
pub(crate) struct Loaded {
    pub(crate) program: Program,
    pub(crate) definitions: Definitions,
    /// What was accepted, if anything was pinned.
    pub(crate) lock: Option<Lock>,
    /// The component as a file, without what it was built against.
    pub(crate) bytes: Vec<u8>,
    /// The skills that it may call, where it calls any.
    skills: Visible,
    store: Store,
}

impl Loaded {
    /// What the program asks for, and the skills that it calls.
    pub(crate) fn imports(&self, host: &Host) -> Imports {
        let imports = self.program.imports(host, &self.definitions);
        let find = &mut |name: &str| self.skills.find(&self.store, host, name);
        imports.with_skills(host, &self.definitions, find)
    }
}

/// Reads a program; its ending says what it is.
pub(crate) fn read(path: &Path) -> Result<Source, Failure> {
    let unreadable = |e: std::io::Error| {
        Failure::usage(format!("cannot read `{}`: {e}", path.display()))
            .hint("name a program (.js, .ts, .rs) or a component (.wasm)")
    };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy().into_owned();
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| {
            Failure::new(
                Kind::Program,
                format!("`{}` is not UTF-8 text", path.display()),
            )
        })
    };
    let kind = match ending {
        _ if bytes.starts_with(b"\0asm") => SourceKind::Component(bytes),
        "js" | "mjs" | "ts" | "mts" => SourceKind::Js(text(bytes)?),
        "rs" => SourceKind::Rust(text(bytes)?),
        "wasm" => SourceKind::Component(bytes),
        _ => {
            return Err(Failure::usage(format!(
                "`{}` has an ending that says nothing of its language",
                path.display()
            ))
            .hint("a program ends in .js, .mjs, .ts, .mts or .rs, a component in .wasm"));
        }
    };
    Ok(Source { name, kind })
}

/// The engine host of this process, with the JavaScript engine where it is wanted. Meant for a blocking thread: the first
/// compile of the engine takes about a second. `pooled_instances` is for a process that runs many programs.
pub(crate) fn start_host(
    with_engine: bool,
    pooled_instances: Option<u32>,
) -> Result<Host, Failure> {
    let cache = workspace::cache_folder()?.join("code");
    let host = Host::new(HostOptions {
        cache: Some(cache),
        pooled_instances,
    })
    .map_err(|e| Failure::host(chain(&e)))?;
    if with_engine {
        let engine = engine::engine().map_err(|e| Failure::host(e.to_string()))?;
        let name = link::engine_import(engine);
        host.add_module(&name, &engine.wasm)?;
    }
    Ok(host)
}

/// Builds and loads a program against the tools of the servers that it names.
pub(crate) async fn load(
    source: Source,
    workspace: &Workspace,
    offline: bool,
) -> Result<(Arc<Host>, Loaded), Failure> {
    let with_engine = match &source.kind {
        SourceKind::Js(_) => true,
        SourceKind::Rust(_) => false,
        SourceKind::Component(bytes) => contains(bytes, link::ENGINE_IMPORT.as_bytes()),
    };
    let mut hosting = Some(tokio::task::spawn_blocking(move || {
        start_host(with_engine, None)
    }));
    let mut component = None;
    let mut early_host = None;
    let packages = match &source.kind {
        SourceKind::Js(text) => js::js_servers(text, &source.name)?.into_iter().collect(),
        SourceKind::Rust(text) => {
            let configured = workspace.config.servers.keys().map(String::as_str);
            rust_servers(text, configured.chain([SKILLS]))
        }
        SourceKind::Component(bytes) => {
            let host = started(&mut hosting).await?;
            let bytes = bytes.clone();
            let (host, program) = bounded(move || {
                let program = Program::load(&host, &bytes)?;
                Ok((host, program))
            })
            .await?;
            let packages = program.server_packages(&host).into_iter().collect();
            component = Some(program);
            early_host = Some(host);
            packages
        }
    };
    let lock = workspace.kept_lock()?;
    let store = Store::beside(workspace.folder());
    let calls_skills = workspace::is_wanted(&packages, SKILLS);
    let skills = match calls_skills {
        true => Visible::of(&store, |skill| skill.reviewed),
        false => Visible::default(),
    };
    // What the skills call is listed too.
    let wanted = |server: &str| {
        workspace::is_wanted(&packages, server) || skills.servers().any(|other| other == server)
    };
    let catalog = workspace.catalog(wanted, offline, false).await?;
    let invalid = |e| Failure::new(Kind::Configuration, chain(&e));
    let mut definitions = Definitions::new(&catalog).map_err(invalid)?;
    if calls_skills {
        let with_skills = definitions.with_server(SKILLS, &skills.server);
        definitions = with_skills.map_err(invalid)?;
    }

    let host = match early_host {
        Some(host) => host,
        None => started(&mut hosting).await?,
    };
    let host = Arc::new(host);
    let _progress = terminal::progress(format!("building {}", source.name));
    let (worker, models) = (Arc::clone(&host), definitions.clone());
    let pinned = lock.clone().unwrap_or_else(Lock::empty);
    let built = bounded(move || build(&worker, source, component, &models, &pinned));
    let (program, bytes) = built.await?;
    Ok((
        host,
        Loaded {
            program,
            definitions,
            lock,
            bytes,
            skills,
            store,
        },
    ))
}

/// Longest time for building and compiling a program. The bindings of a server with hundreds of tools take a minute.
const BUILD_TIME: Duration = Duration::from_secs(300);

/// Work on hostile bytes, on a thread of its own and for a bounded time: the process then ends, and the thread with it.
pub(crate) async fn bounded<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::time::timeout(BUILD_TIME, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(Failure::new(
            Kind::Program,
            "the program cannot be built: it breaks the compiler",
        )),
        Err(_) => Err(Failure::new(
            Kind::Limit,
            format!(
                "the program takes more than {} s to build",
                BUILD_TIME.as_secs()
            ),
        )),
    }
}

/// Waits for the host, once.
async fn started(
    hosting: &mut Option<tokio::task::JoinHandle<Result<Host, Failure>>>,
) -> Result<Host, Failure> {
    match hosting.take() {
        Some(task) => task
            .await
            .map_err(|e| Failure::host(format!("the engine broke at its start: {e}")))?,
        None => Err(Failure::host("the engine was taken twice")),
    }
}

pub(crate) fn build(
    host: &Host,
    source: Source,
    component: Option<Program>,
    definitions: &Definitions,
    lock: &Lock,
) -> Result<(Program, Vec<u8>), Failure> {
    match source.kind {
        SourceKind::Component(bytes) => match component {
            Some(program) => Ok((program, bytes)),
            None => Ok((Program::load(host, &bytes)?, bytes)),
        },
        SourceKind::Js(text) => {
            refuse_vanished(&js::js_imports(&text, &source.name)?, definitions, lock)?;
            let built = build_js(&text, &source.name, definitions)?;
            let bytes = built.to_bytes();
            let program = Program::linked(host, &built.component, script(built.script))?;
            Ok((program, bytes))
        }
        SourceKind::Rust(text) => {
            let cache = workspace::cache_folder()?;
            let toolchain = Toolchain::find(&cache).map_err(rust::RustError::from)?;
            let models = &definitions.models;
            let built = rust::build_rust(&text, &source.name, models, &toolchain, &cache)
                .map_err(|error| explain_unknown(error, lock))?;
            if !built.warnings.is_empty() {
                terminal::note(&terminal::clean(&built.warnings));
            }
            let program = Program::load(host, &built.bytes)?;
            Ok((program, built.bytes))
        }
    }
}

/// A JavaScript program that names a tool which was accepted and is no more is refused with that reason: that its name
/// leads nowhere would be half the truth.
fn refuse_vanished(
    imports: &[(String, String)],
    definitions: &Definitions,
    lock: &Lock,
) -> Result<(), Refusal> {
    let mut reasons = Vec::new();
    for (package, name) in imports {
        let Ok(server) = select::find_js_module(&definitions.models, &format!("mcp:{package}"))
        else {
            continue;
        };
        if let Some(pinned) = lock.servers.get(&server.server)
            && select::find_js(server, name).is_err()
            && let Some(tool) = pinned
                .tools
                .keys()
                .find(|tool| *tool == name || camel_case(&kebab(tool, "tool")) == *name)
        {
            reasons.push(vanished(&server.server, tool));
        }
    }
    match reasons.is_empty() {
        true => Ok(()),
        false => Err(Refusal { reasons }),
    }
}

/// The same for a Rust program, by the name that the build stumbled over: a function or one of its types.
fn explain_unknown(error: rust::RustError, lock: &Lock) -> Failure {
    if let rust::RustError::Unknown { source, .. } = &error
        && let LookupError::UnknownTool { server, name, .. } = source
        && let Some(pinned) = lock.servers.get(server)
    {
        let is_meant = |tool: &&String| {
            let wit = kebab(tool, "tool");
            snake_case(&wit) == *name || name.starts_with(&pascal_case(&wit))
        };
        if let Some(tool) = pinned.tools.keys().find(is_meant) {
            let reasons = vec![vanished(server, tool)];
            return Refusal { reasons }.into();
        }
    }
    error.into()
}

/// Links the program, or takes the component that was linked for the same imports before.
fn build_js(text: &str, name: &str, definitions: &Definitions) -> Result<JsComponent, Failure> {
    let folder = workspace::cache_folder()?.join("linked");
    let built = js::build_js(text, name, &definitions.models, |key, link| {
        let file = folder.join(format!("{key}.sealed"));
        if let Some(bytes) = std::fs::read(&file).ok().and_then(unseal) {
            return Ok(bytes);
        }
        let bytes = link()?;
        // A cache that cannot be written costs three milliseconds the next time, no more.
        let _ = std::fs::create_dir_all(&folder).and_then(|()| {
            let mut draft = tempfile::NamedTempFile::new_in(&folder)?;
            std::io::Write::write_all(&mut draft, &bytes)?;
            std::io::Write::write_all(&mut draft, &Sha256::digest(&bytes))?;
            draft.persist(&file)?;
            Ok(())
        });
        Ok(bytes)
    })?;
    Ok(built)
}

/// What stands before the digest at the end, if that is right: a damaged file is as good as none.
fn unseal(mut sealed: Vec<u8>) -> Option<Vec<u8>> {
    let digest = sealed.split_off(sealed.len().checked_sub(32)?);
    (Sha256::digest(&sealed).as_slice() == digest).then_some(sealed)
}

fn script(script: js::Script) -> Script {
    Script {
        shim: script.shim,
        source: script.source,
        file: script.file,
        positions: script
            .positions
            .into_iter()
            .map(|p| [p.0, p.1, p.2, p.3])
            .collect(),
    }
}

/// The configured servers whose module name stands in a Rust program.
fn rust_servers<'a>(text: &str, servers: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let words: BTreeSet<&str> = text
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .collect();
    servers
        .filter(|server| {
            let module = snake_case(&package_name(server));
            words.contains(module.as_str()) || words.contains(format!("{module}_").as_str())
        })
        .map(str::to_owned)
        .collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
