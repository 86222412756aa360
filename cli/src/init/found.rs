//! The clients' files of one scope, read: each file once, with the lists of servers in it. Nothing is decided here about a
//! server.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::client::Client;
use super::document::Document;
use super::files;
use super::places::{List, Place, Scope, Surroundings, identity, is_same};
use super::servers::Servers;
use super::trust::check_project_file;
use crate::failure::Failure;

/// A file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// `None` where it has to be made.
    pub(super) before: Option<Vec<u8>>,
    pub(super) document: Document,
    pub(super) lists: Vec<Found>,
}

/// A list of servers.
#[derive(Debug)]
pub(super) struct Found {
    /// More than one where links make one file of two.
    pub(super) clients: Vec<Client>,
    pub(super) list: List,
    pub(super) keys: Vec<String>,
    pub(super) servers: Servers,
    /// Servers that the person switched off in another place.
    pub(super) off: Vec<String>,
}

impl Found {
    /// The client by which the file is read.
    pub(super) fn client(&self) -> Client {
        self.clients.first().copied().unwrap_or(Client::ClaudeCode)
    }
}

/// Reads the files of these clients that are there; those of `wanted` are made where they are not.
pub(super) fn read(
    surroundings: &Surroundings,
    scope: Scope,
    wanted: &[Client],
) -> Result<Vec<File>, Failure> {
    let mut files: Vec<File> = Vec::new();
    for place in surroundings.places(scope) {
        if !wanted.is_empty() && !wanted.contains(&place.client) {
            continue;
        }
        let known = files
            .iter()
            .position(|file| is_same(&file.path, &place.path));
        let at = match known {
            Some(at) => at,
            None => {
                let make = !wanted.is_empty() && place.list == List::Top;
                if scope == Scope::Project && wanted.is_empty() && place.list == List::Top {
                    check_project_file(&place.path)?;
                }
                let Some(file) = open(&place, make)? else {
                    continue;
                };
                files.push(file);
                files.len() - 1
            }
        };
        let file = &mut files[at];
        let Some(keys) = keys(surroundings, &place, file)? else {
            continue;
        };
        if let Some(list) = file.lists.iter_mut().find(|list| list.keys == keys) {
            list.clients.push(place.client);
            continue;
        }
        let servers = file.document.servers(&file.path, &keys)?;
        file.lists.push(Found {
            clients: vec![place.client],
            list: place.list,
            keys,
            servers,
            off: Vec::new(),
        });
    }
    if scope == Scope::Project {
        let off = switched_off(surroundings, &files);
        let lists = files.iter_mut().flat_map(|file| &mut file.lists);
        for list in lists.filter(|list| list.client() == Client::ClaudeCode) {
            list.off.clone_from(&off);
        }
    }
    files.retain(|file| !file.lists.is_empty());
    Ok(files)
}

fn open(place: &Place, make: bool) -> Result<Option<File>, Failure> {
    let before = files::read(&place.path)?;
    let format = place.client.format();
    let bytes: &[u8] = match (&before, make, format) {
        (Some(bytes), ..) => bytes,
        (None, false, _) => return Ok(None),
        (None, true, super::client::Format::Json) => b"{}\n",
        (None, true, super::client::Format::Toml) => b"",
    };
    let document = Document::parse(&place.path, bytes, format)?;
    Ok(Some(File {
        path: place.path.clone(),
        document,
        before,
        lists: Vec::new(),
    }))
}

/// Where in its file a list is; `None` where Claude Code knows nothing of the folder.
fn keys(
    surroundings: &Surroundings,
    place: &Place,
    file: &File,
) -> Result<Option<Vec<String>>, Failure> {
    let key = place.client.key().to_owned();
    Ok(match place.list {
        List::Top => Some(vec![key]),
        List::OfFolder => {
            let projects = "projects".to_owned();
            let named = file
                .document
                .keys(&file.path, std::slice::from_ref(&projects))?;
            let here = identity(&surroundings.here);
            let own = named
                .into_iter()
                .find(|name| Path::new(name).is_absolute() && identity(Path::new(name)) == here);
            own.map(|own| vec![projects, own, key])
        }
    })
}

/// The servers that a person switched off in Claude Code for this folder. Its settings are looked at as far as they can be
/// read: they are not ours to complain about.
fn switched_off(surroundings: &Surroundings, files: &[File]) -> Vec<String> {
    let mut off = Vec::new();
    let mut add = |value: Option<Value>, key: &str| {
        let names = value
            .as_ref()
            .and_then(|value| value[key].as_array())
            .into_iter()
            .flatten();
        off.extend(names.filter_map(Value::as_str).map(str::to_owned));
    };
    for file in files {
        for list in file.lists.iter().filter(|list| list.list == List::OfFolder) {
            let Some((_, folder)) = list.keys.split_last() else {
                continue;
            };
            let value = file.document.value(&file.path, folder).ok().flatten();
            add(value.clone(), "disabledMcpServers");
            add(value, "disabledMcpjsonServers");
        }
    }
    let settings = surroundings.here.join(".claude");
    for name in ["settings.json", "settings.local.json"] {
        let path = settings.join(name);
        let bytes = files::read(&path).ok().flatten().unwrap_or_default();
        let document = Document::parse(&path, &bytes, super::client::Format::Json).ok();
        let value = document.and_then(|document| document.value(&path, &[]).ok().flatten());
        add(value, "disabledMcpjsonServers");
    }
    off
}

/// The servers that a client has in a scope, as far as they can be read: what they are called matters there, no more.
pub(super) fn glance(surroundings: &Surroundings, scope: Scope, client: Client) -> Servers {
    let files = read_quietly(surroundings, scope, client);
    files
        .into_iter()
        .flat_map(|file| file.lists)
        .flat_map(|list| list.servers)
        .collect()
}

fn read_quietly(surroundings: &Surroundings, scope: Scope, client: Client) -> Vec<File> {
    let mut found = Vec::new();
    for place in surroundings
        .places(scope)
        .into_iter()
        .filter(|place| place.client == client)
    {
        let Ok(Some(mut file)) = open(&place, false) else {
            continue;
        };
        let Ok(Some(keys)) = keys(surroundings, &place, &file) else {
            continue;
        };
        let Ok(servers) = file.document.servers(&file.path, &keys) else {
            continue;
        };
        let (clients, list, off) = (vec![client], place.list, Vec::new());
        file.lists.push(Found {
            clients,
            list,
            keys,
            servers,
            off,
        });
        found.push(file);
    }
    found
}
