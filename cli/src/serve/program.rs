//! A program's text -> a program that is linked and ready. What was made once is kept: a model sends the same program again, with
//! another input.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use witgate_codegen::lock::Lock;
use witgate_host::{Host, Limits, Prepared, admit};

use super::known::Known;
use crate::failure::Failure;
use crate::skills::{self, Store};
use crate::source::{self, Source, SourceKind, bounded};

/// Programs that are kept ready.
const READY: usize = 256;

/// The two languages that a program can be sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    /// JavaScript or TypeScript.
    #[serde(alias = "javascript", alias = "ts", alias = "typescript")]
    Js,
    Rust,
}

impl Language {
    /// What the program is called in messages.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Language::Js => "program.ts",
            Language::Rust => "program.rs",
        }
    }

    /// The same of a program that is kept.
    pub(crate) fn of_skill(self) -> skills::Language {
        match self {
            Language::Js => skills::Language::TypeScript,
            Language::Rust => skills::Language::Rust,
        }
    }
}

/// A program that may run.
pub(crate) struct Ready {
    pub(crate) prepared: Prepared,
    /// The component as a file, to be kept as a skill.
    pub(crate) component: Vec<u8>,
    /// What it may call, as `server/tool`, sorted.
    pub(crate) tools: Vec<String>,
    /// The server of each tool of its plan, in the plan's order.
    pub(crate) servers: Vec<String>,
}

/// What tells one program from another.
type Key = (u64, [u8; 32]);

/// The programs of all sessions. A session with skills of its own has its own.
pub(crate) struct Programs {
    host: Arc<Host>,
    skills: Arc<Store>,
    ready: Mutex<IndexMap<Key, Arc<Ready>>>,
    /// Compiling takes whole processors.
    compiling: Arc<Semaphore>,
}

impl Programs {
    pub(crate) fn new(host: Arc<Host>, skills: Arc<Store>) -> Programs {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Programs {
            host,
            skills,
            ready: Mutex::default(),
            compiling: Arc::new(Semaphore::new(processors)),
        }
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Compiles, admits and links, or takes what was made of the same text under the same tools and grants. `seed` tells apart
    /// what one session sees and others do not.
    pub(crate) async fn ready(
        &self,
        known: &Arc<Known>,
        seed: &str,
        source: Source,
        limits: &Limits,
    ) -> Result<Arc<Ready>, Failure> {
        let key = (known.number, key(seed, &source, limits));
        if let Some(ready) = self.take(&key) {
            return Ok(ready);
        }
        // The semaphore is never closed; were it, compiling would go on without waiting.
        let place = Arc::clone(&self.compiling).acquire_owned().await.ok();
        if let Some(ready) = self.take(&key) {
            return Ok(ready);
        }
        let (host, known, limits) = (Arc::clone(&self.host), Arc::clone(known), limits.clone());
        let skills = Arc::clone(&self.skills);
        let making = bounded(move || {
            // Held until it is made, whoever still waits for it.
            let _place = place;
            make(&host, &known, source, &limits, &skills)
        });
        let ready = Arc::new(making.await?);
        let mut kept = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        // What belongs to tools that are no more is of no use.
        kept.retain(|(number, _), _| *number >= key.0);
        while kept.len() >= READY {
            kept.shift_remove_index(0);
        }
        kept.insert(key, Arc::clone(&ready));
        Ok(ready)
    }

    fn take(&self, key: &Key) -> Option<Arc<Ready>> {
        let mut kept = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        // The last used stands last.
        let ready = kept.shift_remove(key)?;
        kept.insert(*key, Arc::clone(&ready));
        Some(ready)
    }
}

fn key(seed: &str, source: &Source, limits: &Limits) -> [u8; 32] {
    let (kind, bytes) = match &source.kind {
        SourceKind::Js(text) => (0, text.as_bytes()),
        SourceKind::Rust(text) => (1, text.as_bytes()),
        SourceKind::Component(bytes) => (2, bytes.as_slice()),
    };
    let mut hash = Sha256::new();
    hash.update([kind]);
    hash.update((seed.len() as u64).to_le_bytes());
    hash.update(seed);
    hash.update(limits.wall.as_nanos().to_le_bytes());
    hash.update(limits.calls.to_le_bytes());
    hash.update(bytes);
    hash.finalize().into()
}

fn make(
    host: &Host,
    known: &Known,
    source: Source,
    limits: &Limits,
    skills: &Store,
) -> Result<Ready, Failure> {
    let rules = known.rules.as_ref().map_err(Clone::clone)?;
    let no_lock = Lock::empty();
    let lock = known.lock.as_ref().map_err(Clone::clone)?.as_ref();
    let (program, component) = source::build(
        host,
        source,
        None,
        &known.definitions,
        lock.unwrap_or(&no_lock),
    )
    .map_err(|failure| silent(failure, known))?;
    let find = &mut |name: &str| known.skills.find(skills, host, name);
    let imports = program.imports(host, &known.definitions);
    let imports = imports.with_skills(host, &known.definitions, find);
    let plan = admit(&imports, rules, limits, lock)?;
    let servers = plan.tools.iter().map(|t| t.server.clone()).collect();
    let tools: BTreeSet<String> = plan
        .tools
        .iter()
        .map(|t| format!("{}/{}", t.server, t.tool))
        .collect();
    Ok(Ready {
        prepared: Prepared::new(host, &program, plan, &known.definitions)?,
        component,
        tools: tools.into_iter().collect(),
        servers,
    })
}

/// A tool that is not there because its server does not answer is told as that.
fn silent(mut failure: Failure, known: &Known) -> Failure {
    let named = |name: &str| failure.message.contains(&format!("server `{name}` "));
    if let Some((name, why)) = known.missing.iter().find(|(name, _)| named(name)) {
        failure.hint = Some(format!(
            "`{name}` does not answer ({why}): try again in a while, or do without it"
        ));
    }
    failure
}
