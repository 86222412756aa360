//! The engine and its caches. One [`Host`] serves any number of runs at once. Compiled code is kept on disk under a key of
//! the bytes, the engine's version and its configuration; the folder belongs to its owner alone, since what is in it runs.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::Component;
use wasmtime::{
    CacheStore, Config, Engine, InstanceAllocationStrategy, Module, PoolingAllocationConfig,
};

use crate::budget::Ticker;
use crate::program::{LoadError, digest};

/// Deepest native stack of a guest, in bytes, and the stack of its fibre, which also holds host frames.
const WASM_STACK: usize = 16 << 20;
const FIBRE_STACK: usize = 18 << 20;

/// Components kept compiled in memory.
const COMPONENTS_IN_MEMORY: usize = 256;

/// Bytes of compiled functions kept for the next component that has the same ones.
const FUNCTIONS_IN_MEMORY: usize = 32 << 20;

/// How a host is set up.
#[derive(Debug, Clone, Default)]
pub struct HostOptions {
    /// Folder for compiled code; without one, nothing is kept beyond the process.
    pub cache: Option<PathBuf>,
    /// For a process that runs many programs: reserve this many instance slots up front, and keep compiled functions in
    /// memory, since components of other sets of tools have most of them too. Each slot holds `Limits::memory` at most.
    pub pooled_instances: Option<u32>,
}

/// The engine that compiles and runs programs.
#[derive(Debug)]
pub struct Host {
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    /// Compiles modules, which share no function with anything, where `engine` would keep their functions.
    plain: Option<Engine>,
    cache: Option<PathBuf>,
    modules: Mutex<HashMap<String, Module>>,
    components: Mutex<HashMap<String, Component>>,
}

/// Why a host could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The engine refuses its configuration on this machine.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// The clock thread does not start.
    #[error("cannot start the clock thread")]
    Thread(#[source] std::io::Error),
}

impl Host {
    /// Sets an engine up.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn new(options: HostOptions) -> Result<Host, HostError> {
        let engine_error = |e: wasmtime::Error| HostError::Engine(format!("{e:#}"));
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            .wasm_component_model_async(true)
            .epoch_interruption(true)
            .max_wasm_stack(WASM_STACK)
            .async_stack_size(FIBRE_STACK);
        let mut plain = None;
        if let Some(instances) = options.pooled_instances {
            plain = Some(Engine::new(&config).map_err(engine_error)?);
            config
                .enable_incremental_compilation(Arc::new(Functions::default()))
                .map_err(engine_error)?;
            let mut pool = PoolingAllocationConfig::new();
            // A component has a handful of core instances, memories and tables beside its own.
            pool.total_component_instances(instances)
                .total_core_instances(instances.saturating_mul(8))
                .total_memories(instances.saturating_mul(2))
                .total_tables(instances.saturating_mul(4))
                .total_stacks(instances.saturating_mul(2))
                .table_elements(20_000)
                .max_memory_size(4 << 30)
                .linear_memory_keep_resident(1 << 20)
                .table_keep_resident(64 << 10);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        }
        let engine = Engine::new(&config).map_err(engine_error)?;
        let ticker = Ticker::start(&engine).map_err(HostError::Thread)?;
        Ok(Host {
            engine,
            ticker,
            plain,
            cache: options.cache,
            modules: Mutex::default(),
            components: Mutex::default(),
        })
    }

    /// Gives programs a core module to link with under a name: the JavaScript engine. Compiled once, then cached.
    ///
    /// # Errors
    /// When the module is not valid or the cache cannot be written.
    pub fn add_module(&self, name: &str, wasm: &[u8]) -> Result<(), LoadError> {
        let module = self.cached(
            wasm,
            |bytes| self.compile_module(bytes),
            Module::serialize,
            // SAFETY: `cached` vouches for the file.
            #[expect(unsafe_code, reason = "compiled code is loaded from the cache")]
            |path| unsafe { Module::deserialize_file(&self.engine, path) },
        )?;
        lock(&self.modules).insert(name.to_owned(), module);
        Ok(())
    }

    fn compile_module(&self, wasm: &[u8]) -> wasmtime::Result<Module> {
        let Some(plain) = &self.plain else {
            return Module::new(&self.engine, wasm);
        };
        let code = plain.precompile_module(wasm)?;
        // SAFETY: the code was made one line above, and `deserialize` checks that the two engines fit.
        #[expect(unsafe_code, reason = "compiled code goes from one engine to another")]
        unsafe {
            Module::deserialize(&self.engine, code)
        }
    }

    /// Whether a module was given under this name.
    #[must_use]
    pub fn has_module(&self, name: &str) -> bool {
        lock(&self.modules).contains_key(name)
    }

    pub(crate) fn module(&self, name: &str) -> Option<Module> {
        lock(&self.modules).get(name).cloned()
    }

    pub(crate) fn component(&self, bytes: &[u8]) -> Result<Component, LoadError> {
        let key = digest(bytes);
        if let Some(component) = lock(&self.components).get(&key) {
            return Ok(component.clone());
        }
        let component = self.cached(
            bytes,
            |bytes| Component::from_binary(&self.engine, bytes),
            Component::serialize,
            // SAFETY: `cached` vouches for the file.
            #[expect(unsafe_code, reason = "compiled code is loaded from the cache")]
            |path| unsafe { Component::deserialize_file(&self.engine, path) },
        )?;
        let mut components = lock(&self.components);
        if components.len() >= COMPONENTS_IN_MEMORY {
            components.clear();
        }
        components.insert(key, component.clone());
        Ok(component)
    }

    fn cached<T>(
        &self,
        bytes: &[u8],
        compile: impl FnOnce(&[u8]) -> wasmtime::Result<T>,
        serialize: impl FnOnce(&T) -> wasmtime::Result<Vec<u8>>,
        load: impl FnOnce(&Path) -> wasmtime::Result<T>,
    ) -> Result<T, LoadError> {
        let invalid = |e: wasmtime::Error| LoadError::Invalid {
            message: format!("{e:#}"),
        };
        let Some(folder) = &self.cache else {
            return compile(bytes).map_err(invalid);
        };
        let file = folder.join(format!("{}-{}.cwasm", digest(bytes), self.version()));
        // What is loaded runs: only a file that this user wrote, in a folder that nobody else can write to. Its name covers
        // the bytes, the engine's version and its configuration; the engine checks the latter two again.
        if is_private(folder)
            && let Ok(loaded) = load(&file)
        {
            return Ok(loaded);
        }
        let compiled = compile(bytes).map_err(invalid)?;
        let code = serialize(&compiled).map_err(invalid)?;
        write_private(folder, &file, &code).map_err(LoadError::Cache)?;
        Ok(compiled)
    }

    /// The engine's version and configuration, as a short hex key.
    fn version(&self) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.engine
            .precompile_compatibility_hash()
            .hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// Compiled functions by the engine's key of their body. When there are too many, all are forgotten: those in use come back
/// with the next component.
#[derive(Debug, Default)]
struct Functions {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    functions: HashMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        lock(&self.kept).functions.get(key).cloned().map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let mut kept = lock(&self.kept);
        if kept.bytes > FUNCTIONS_IN_MEMORY {
            *kept = Kept::default();
        }
        kept.bytes += key.len() + value.len();
        kept.functions.insert(key.to_vec(), value);
        true
    }
}

/// Writes a file whole or not at all, in a folder that only its owner may enter.
fn write_private(folder: &Path, file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if !folder.exists() {
        std::fs::create_dir_all(folder)?;
        #[cfg(unix)]
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    }
    // A name of its own for each draft: two threads may write the same file.
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut draft, bytes)?;
    draft.persist(file)?;
    Ok(())
}

/// Whether a folder is this user's own and closed to writing by others.
#[cfg(unix)]
fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::symlink_metadata(folder).is_ok_and(|data| {
        data.is_dir()
            && data.uid() == rustix::process::geteuid().as_raw()
            && data.mode() & 0o022 == 0
    })
}

#[cfg(not(unix))]
fn is_private(folder: &Path) -> bool {
    folder.is_dir()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
