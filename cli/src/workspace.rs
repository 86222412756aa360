//! What stands around a program: the configuration, its servers, their tools, and where things are kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use witgate_codegen::catalog::{self, Catalog, Server};
use witgate_codegen::json;
use witgate_codegen::lock::{self, Lock, LockError};
use witgate_codegen::server::{model_server, package_name};
use witgate_host::config::{self, Config, Transport, Unset};
use witgate_host::mcp::ServerError;
use witgate_host::servers::Servers;

use crate::failure::{Failure, Kind, chain};
use crate::{logins, overrides, terminal};

/// A configuration and its servers.
pub(crate) struct Workspace {
    pub(crate) config: Config,
    pub(crate) servers: Servers,
}

/// Finds and reads the configuration: `--config`, else `witgate.json` or `.mcp.json` from the working folder upwards.
pub(crate) fn open(given: Option<&Path>) -> Result<Workspace, Failure> {
    open_with(given, Unset::Refuse)
}

/// The same, where a server whose variables are not set may be left out.
pub(crate) fn open_with(given: Option<&Path>, unset: Unset) -> Result<Workspace, Failure> {
    let path = match given {
        Some(path) => path.to_path_buf(),
        None => {
            let here = std::env::current_dir()
                .map_err(|e| Failure::host(format!("cannot tell the working folder: {e}")))?;
            config::find(&here)?.ok_or_else(|| {
                Failure::new(
                    Kind::Configuration,
                    "no `witgate.json` or `.mcp.json` in this folder or above it",
                )
                .hint("name one with `--config FILE`, or write `.mcp.json`:\n{ \"mcpServers\": { \"demo\": { \"command\": \"witgate\", \"args\": [\"demo-server\"] } } }")
            })?
        }
    };
    let mut config = config::load_with(&path, unset)?;
    for notice in &config.notices {
        terminal::warn(notice);
    }
    for server in config.servers.values_mut() {
        if let Transport::Stdio { command, .. } = &mut server.transport
            && command == "witgate"
            && let Ok(own) = std::env::current_exe()
        {
            // This very program, installed or not.
            *command = own.to_string_lossy().into_owned();
        }
    }
    let servers = Servers::new(&config, logins::limits());
    Ok(Workspace { config, servers })
}

impl Workspace {
    /// The folder that holds the configuration.
    pub(crate) fn folder(&self) -> &Path {
        self.config.path.parent().unwrap_or(Path::new("."))
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.folder().join("witgate.lock")
    }

    pub(crate) fn catalog_path(&self) -> PathBuf {
        self.folder().join(".witgate").join("catalog.json")
    }

    pub(crate) fn recordings_path(&self) -> PathBuf {
        self.folder().join(".witgate").join("recordings")
    }

    pub(crate) fn journal_path(&self) -> PathBuf {
        self.folder().join(".witgate").join("journal.jsonl")
    }

    /// The tools of the servers that `wanted` picks by their names; the others are there without tools, so that an error can
    /// name them. Live, or what `witgate sync` wrote down where `offline` allows that and `witgate.lock` pins the same. With
    /// `tolerant`, a server that does not answer is reported and left without tools. Each server has the overrides of its
    /// tools.
    pub(crate) async fn catalog(
        &self,
        wanted: impl Fn(&str) -> bool,
        offline: bool,
        tolerant: bool,
    ) -> Result<Catalog, Failure> {
        let mut names: Vec<String> = self
            .config
            .servers
            .keys()
            .filter(|name| wanted(name))
            .cloned()
            .collect();
        let mut catalog = Catalog::default();
        if offline && let Some(mut kept) = self.kept_catalog()? {
            let lock = self.kept_lock()?;
            names.retain(|name| match kept.servers.shift_remove(name) {
                Some(server) if is_pinned(&server, name, lock.as_ref()) => {
                    catalog.servers.insert(name.clone(), server);
                    false
                }
                _ => true,
            });
        }
        if !names.is_empty() {
            let _progress = terminal::progress(format!("starting {}", names.join(", ")));
            let (live, failed) = self.servers.sync(Some(&names)).await;
            for (_, error) in failed {
                if !tolerant {
                    return Err(error.into());
                }
                terminal::warn(&chain(&error));
            }
            catalog.servers.extend(live.servers);
        }
        let mut catalog = self.complete(catalog);
        overrides::apply(self, &mut catalog)?;
        Ok(catalog)
    }

    /// Every configured server in the order of the configuration, by which packages get their names; without tools where
    /// `catalog` has none of it.
    pub(crate) fn complete(&self, mut catalog: Catalog) -> Catalog {
        let names = self.config.servers.keys();
        let servers = names.map(|name| {
            let server = catalog.servers.shift_remove(name);
            (name.clone(), server.unwrap_or_default())
        });
        Catalog {
            servers: servers.collect(),
        }
    }

    /// Every server's tools, live; one that does not answer is reported and left out.
    pub(crate) async fn sync_all(&self) -> (Catalog, Vec<(String, ServerError)>) {
        let names: Vec<&str> = self.config.servers.keys().map(String::as_str).collect();
        let _progress = terminal::progress(format!("starting {}", names.join(", ")));
        self.servers.sync(None).await
    }

    /// The tools that the last `witgate sync` saw, if it left any. Where they cannot be read, a warning: the servers know
    /// better, and can be asked.
    pub(crate) fn kept_catalog(&self) -> Result<Option<Catalog>, Failure> {
        let path = self.catalog_path();
        let Some(text) = kept(&path)? else {
            return Ok(None);
        };
        let read = json::parse(text.as_bytes())
            .map_err(|e| e.to_string())
            .and_then(|value| Catalog::deserialize(value).map_err(|e| e.to_string()));
        if let Err(why) = &read {
            terminal::warn(&format!("`{}` is not used: {why}", path.display()));
        }
        Ok(read.ok())
    }

    /// What `witgate.lock` pinned, if it is there.
    pub(crate) fn kept_lock(&self) -> Result<Option<Lock>, Failure> {
        let path = self.lock_path();
        let Some(text) = kept(&path)? else {
            return Ok(None);
        };
        lock::parse(&text).map(Some).map_err(|e| {
            let hint = match e {
                LockError::Version { .. } => "use the witgate that wrote it, or a later one",
                LockError::Form(_) => {
                    "restore it from version control; without it, `witgate sync` accepts all that the servers say now"
                }
            };
            let message = format!("`{}` cannot be used: {}", path.display(), chain(&e));
            Failure::new(Kind::Configuration, message).hint(hint)
        })
    }
}

/// Whether a kept server is the one that was accepted: the files of one `witgate sync` agree, but only one of them is
/// usually under version control.
pub(crate) fn is_pinned(server: &Server, name: &str, lock: Option<&Lock>) -> bool {
    let Some(locked) = lock.and_then(|lock| lock.servers.get(name)) else {
        return lock.is_none();
    };
    server.tools.len() == locked.tools.len()
        && server.tools.iter().all(|tool| {
            let pinned = locked.tools.get(&tool.name);
            pinned.is_some_and(|pinned| pinned.definition == tool.definition_hash())
        })
}

/// A file that an earlier `witgate sync` wrote, if it is there.
fn kept(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Failure::new(
            Kind::Configuration,
            format!("cannot read `{}`: {e}", path.display()),
        )
        .hint("make it readable, or write it again with `witgate sync`")),
    }
}

/// Whether a program that names these packages needs the server.
pub(crate) fn is_wanted(packages: &BTreeSet<String>, server: &str) -> bool {
    packages.contains(server) || packages.contains(&package_name(server))
}

/// A server out of a file.
pub(crate) struct Saved {
    pub(crate) server: Server,
    /// The file's length.
    pub(crate) bytes: usize,
}

/// What the server of a saved `tools/list` is called: the file's name without its ending.
pub(crate) fn server_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or(file.as_os_str());
    stem.to_string_lossy().into_owned()
}

/// A saved `tools/list`.
pub(crate) fn saved_server(file: &Path) -> Result<Saved, Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| {
        Failure::new(
            Kind::Usage,
            format!("cannot read `{}`: {e}", file.display()),
        )
    })?;
    let tools = catalog::parse_tools_list(&text).map_err(|e| {
        Failure::new(
            Kind::Configuration,
            format!(
                "`{}` is no `tools/list` answer: {}",
                file.display(),
                chain(&e)
            ),
        )
        .hint("save what a server answers to `tools/list`: { \"tools\": [ ... ] }")
    })?;
    Ok(Saved {
        server: Server {
            tools,
            ..Server::default()
        },
        bytes: text.len(),
    })
}

/// A saved `tools/list` as a catalog of one server.
pub(crate) fn saved_catalog(file: &Path, server: &str) -> Result<Catalog, Failure> {
    let mut catalog = Catalog::default();
    let saved = saved_server(file)?;
    catalog.servers.insert(server.to_owned(), saved.server);
    Ok(catalog)
}

/// Takes servers out whose tools cannot be modelled, and says why, so that one does not stop the others.
pub(crate) fn keep_sound(catalog: &mut Catalog) -> Vec<(String, String)> {
    let mut unsound = Vec::new();
    catalog
        .servers
        .retain(|name, server| match model_server(name, server) {
            Ok(_) => true,
            Err(error) => {
                unsound.push((name.clone(), chain(&error)));
                false
            }
        });
    unsound
}

/// A folder that a variable names; an empty one names none.
pub(crate) fn folder_in(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable);
    folder
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
}

/// A folder of witgate's own among the person's: `own`, else in `xdg`, else in `below` of the home folder.
pub(crate) fn own_folder(own: &str, xdg: &str, below: &str) -> Option<PathBuf> {
    folder_in(own)
        .or_else(|| folder_in(xdg).map(|folder| folder.join("witgate")))
        .or_else(|| folder_in("HOME").map(|home| home.join(below).join("witgate")))
}

/// Where compiled code, bindings and toolchains are kept. What is in it runs, so it has to be the person's own folder.
pub(crate) fn cache_folder() -> Result<PathBuf, Failure> {
    own_folder("WITGATE_CACHE", "XDG_CACHE_HOME", ".cache").ok_or_else(|| {
        Failure::new(
            Kind::Configuration,
            "there is no folder for compiled code: `HOME` is not set",
        )
        .hint("name a folder of your own in `WITGATE_CACHE`")
    })
}
