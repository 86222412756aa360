//! What `init` is going to do: which servers move, under which names, and what every file is afterwards. Nothing is written
//! here.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use witgate_codegen::names::nearest;
use witgate_codegen::server::package_name;
use witgate_host::config;

use super::backup::{self, Edited, Role, Touch};
use super::client::{Client, Format};
use super::document::Document;
use super::entry::{self, State, Wanted};
use super::files::{self, Change};
use super::found::{self, File, Found};
use super::places::{List, Scope, Surroundings, identity, is_same};
use super::report::{FileReport, Kind, Report, Server};
use super::servers::{Edit, Servers};
use super::translate::{Origin, Translated, translate};
use super::{broken, grants, variables};
use crate::digest::sha256;
use crate::failure::{self, Failure};
use crate::serve;

/// Names that servers inside witgate have.
const RESERVED: [&str; 2] = [serve::WORKSPACE, serve::SKILLS];
/// What witgate is called in the clients' lists.
const ENTRY: &str = "witgate";

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// The servers of the user, not those of the folder.
    pub(crate) user: bool,
    /// Only these clients; none for all.
    pub(crate) clients: Vec<Client>,
    /// Servers that stay with their clients.
    pub(crate) except: Vec<String>,
    /// Where the servers go, if not to the usual place.
    pub(crate) configuration: Option<PathBuf>,
}

/// What is written, in order, and what is said about it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) changes: Vec<Change>,
    pub(crate) report: Report,
}

impl Plan {
    /// Writes it.
    pub(crate) fn apply(&self) -> Result<(), Failure> {
        files::apply(&self.changes)
    }
}

/// Everything, decided.
pub(crate) fn plan(surroundings: &Surroundings, wishes: &Wishes) -> Result<Plan, Failure> {
    let (scope, mut files) = find(surroundings, wishes)?;
    let configuration = surroundings.configuration(scope, wishes.configuration.as_deref());
    if let Some(file) = files
        .iter()
        .find(|file| is_same(&file.path, &configuration))
    {
        let message = format!(
            "`{}` is the file of a client: witgate would be its own server",
            file.path.display()
        );
        return Err(Failure::usage(message).hint("name another file with `--config`"));
    }
    let mut own = Own::read(&configuration)?;
    let mut report = Report::new(scope, &configuration, wishes.configuration.is_some());
    if scope == Scope::User && !wishes.user && wishes.clients.is_empty() {
        report.warn(
            "this folder has no MCP client's file: these are the files that you have everywhere",
        );
    }
    let mut edits = Vec::new();
    for (i, file) in files.iter().enumerate() {
        for (j, list) in file.lists.iter().enumerate() {
            let mut edit = Edit::default();
            let mut lines = Vec::new();
            for (name, entry) in &list.servers {
                if let Some(server) = own.take(surroundings, scope, wishes, list, name, entry) {
                    if server.is_moved() {
                        edit.remove.push(name.clone());
                    }
                    lines.push(server);
                }
            }
            edits.push((i, j, edit, lines));
        }
    }
    check_exceptions(wishes, &files)?;
    if own.servers.is_empty() && wishes.clients.is_empty() {
        return Err(nothing(&files));
    }
    let variables = own.variables();
    for (i, j, edit, lines) in &mut edits {
        let (file, list) = (&files[*i], &files[*i].lists[*j]);
        // The user's list for one folder is only for what stood there: the project's own has the entry.
        let wants_entry = list.list == List::Top || !edit.remove.is_empty();
        let wanted = Wanted {
            client: list.client(),
            configuration: &configuration,
            folder: &surroundings.here,
            variables: &variables,
        };
        if let Some((name, value)) =
            put(surroundings, scope, file, list, edit, &wanted, wants_entry)?
        {
            lines.push(Server::entry(&name, &value));
            edit.put = Some((name, value));
        }
    }
    own.check()?;
    let mut touches = own.touches(&mut report)?;
    touches.extend(client_files(&mut files, edits, &mut report));
    report.remark(surroundings, &variables);
    let changes: Vec<Change> = touches.iter().map(|touch| touch.change.clone()).collect();
    files::check(&changes)?;
    let changes = match changes.is_empty() {
        true => changes,
        false => backup::record(&configuration, touches)?,
    };
    Ok(Plan { changes, report })
}

/// The scope that was asked for, or the one that has files.
fn find(surroundings: &Surroundings, wishes: &Wishes) -> Result<(Scope, Vec<File>), Failure> {
    let read = |scope| found::read(surroundings, scope, &wishes.clients);
    if let [first, ..] = wishes.clients.as_slice() {
        let of_user = |client: &Client| *client == Client::ClaudeDesktop;
        let all = wishes.clients.iter().all(of_user);
        if !wishes.user && !all && wishes.clients.iter().any(of_user) {
            let message = "Claude Desktop has servers of the user only, and the other clients those of this folder too";
            return Err(Failure::usage(message)
                .hint("add `--user` for the user's of all, or run `init` once for each"));
        }
        let scope = if wishes.user || all {
            Scope::User
        } else {
            Scope::Project
        };
        let files = read(scope)?;
        if files.is_empty() {
            let message = format!("{} has no file for this folder", first.title());
            return Err(Failure::usage(message).hint("this is the home folder: add `--user`"));
        }
        return Ok((scope, files));
    }
    if !wishes.user {
        let files = read(Scope::Project)?;
        let has_servers = files
            .iter()
            .flat_map(|file| &file.lists)
            .any(|list| !list.servers.is_empty());
        let has_project = files
            .iter()
            .flat_map(|file| &file.lists)
            .any(|list| list.list == List::Top);
        if has_servers || has_project {
            return Ok((Scope::Project, files));
        }
        if let Some(folder) = surroundings.project_above() {
            let message = format!(
                "this folder has no MCP client's file; `{}` has",
                folder.display()
            );
            return Err(Failure::usage(message).hint("run `witgate init` there, or with `--user` for the servers that you have everywhere"));
        }
    }
    let files = read(Scope::User)?;
    if files.is_empty() {
        return Err(nothing(&files));
    }
    Ok((Scope::User, files))
}

fn nothing(files: &[File]) -> Failure {
    let message = match files {
        [] => "no MCP client's file is here, nor among the user's".to_owned(),
        files => {
            let names: Vec<String> = files
                .iter()
                .map(|file| format!("`{}`", file.path.display()))
                .collect();
            format!("no server that could be moved is in {}", names.join(", "))
        }
    };
    Failure::new(failure::Kind::Configuration, message).hint(
        "name a client, and it gets the entry all the same: `witgate init --client claude-code`; its servers then go into witgate's configuration",
    )
}

fn check_exceptions(wishes: &Wishes, files: &[File]) -> Result<(), Failure> {
    let lists = || files.iter().flat_map(|file| &file.lists);
    let names = || lists().flat_map(|list| list.servers.keys().map(String::as_str));
    for except in &wishes.except {
        if names().any(|name| name == except) {
            continue;
        }
        let failure = Failure::usage(format!("`--except {except}`: no client has such a server"));
        return Err(match nearest(except, names(), 1).first() {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        });
    }
    Ok(())
}

/// Witgate's own configuration, as it is going to be.
struct Own<'a> {
    path: &'a Path,
    before: Option<Vec<u8>>,
    document: Document,
    keys: Vec<String>,
    servers: Servers,
    added: Vec<(String, Value)>,
    /// Variables that clients passed on of themselves.
    passed: Vec<String>,
}

impl<'a> Own<'a> {
    fn read(path: &'a Path) -> Result<Own<'a>, Failure> {
        let before = files::read(path)?;
        let bytes: &[u8] = before.as_deref().unwrap_or(b"{\n  \"mcpServers\": {}\n}\n");
        let document = Document::parse(path, bytes, Format::Json)?;
        let has = |key: &str| Ok::<_, Failure>(document.value(path, &[key.to_owned()])?.is_some());
        let key = if has("servers")? {
            "servers"
        } else {
            "mcpServers"
        };
        let keys = vec![key.to_owned()];
        let servers = document.servers(path, &keys)?;
        if let Some((name, _)) = servers.iter().find(|(_, entry)| entry::serves(entry)) {
            let message =
                format!("its server `{name}` is `witgate serve`: witgate would be its own server");
            return Err(broken(path, &message).hint("take that server out"));
        }
        Ok(Own {
            path,
            before,
            document,
            keys,
            servers,
            added: Vec::new(),
            passed: Vec::new(),
        })
    }

    /// Decides about one server of a client; `None` for witgate itself.
    fn take(
        &mut self,
        surroundings: &Surroundings,
        scope: Scope,
        wishes: &Wishes,
        list: &Found,
        name: &str,
        entry: &Value,
    ) -> Option<Server> {
        if entry::serves(entry) {
            return None;
        }
        let stays = |why: &str, hint: &str| Some(Server::stays(name, why, hint));
        if wishes.except.iter().any(|except| except == name) {
            return stays("`--except` says so", "");
        }
        if list.off.iter().any(|off| off == name) {
            return stays(
                "it is switched off for this folder",
                "switch it on in the client first",
            );
        }
        let origin = Origin {
            client: list.client(),
            project: (scope == Scope::Project).then_some(surroundings.here.as_path()),
            home: &surroundings.home,
            configuration: self.path,
        };
        let Translated {
            definition,
            dropped,
            passed,
            notes,
        } = match translate(name, entry, origin) {
            Ok(translated) => translated,
            Err(stays) => return Some(Server::stays(name, &stays.why, &stays.hint)),
        };
        for variable in passed {
            if !self.passed.contains(&variable) {
                self.passed.push(variable);
            }
        }
        let (new_name, kind) = self.place(name, definition, list.client());
        let mut server = Server::moved(name, &new_name, kind);
        server.dropped = dropped;
        server.notes = notes;
        server.is_private = list.list == List::OfFolder && has_literals(entry);
        Some(server)
    }

    /// Finds a server its name: its own, unless another server has it.
    fn place(
        &mut self,
        name: &str,
        definition: Map<String, Value>,
        client: Client,
    ) -> (String, Kind) {
        let definition = Value::Object(definition);
        let mut candidate = name.to_owned();
        let mut number = 1;
        loop {
            match self.servers.get(&candidate) {
                Some(known) if *known == definition => return (candidate, Kind::Same),
                None if !RESERVED.contains(&package_name(&candidate).as_str()) => {
                    self.servers.insert(candidate.clone(), definition.clone());
                    self.added.push((candidate.clone(), definition));
                    return (candidate, Kind::Moved);
                }
                _ => {}
            }
            candidate = match number {
                1 => format!("{name}-{}", client.word()),
                number => format!("{name}-{}-{number}", client.word()),
            };
            number += 1;
        }
    }

    /// The variables that a client has to give witgate for all servers.
    fn variables(&self) -> Vec<String> {
        fn look(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::String(text) => variables::needed(text, found),
                Value::Array(items) => items.iter().for_each(|item| look(item, found)),
                Value::Object(map) => map.values().for_each(|value| look(value, found)),
                _ => {}
            }
        }
        let mut found = self.passed.clone();
        self.servers
            .values()
            .for_each(|server| look(server, &mut found));
        // Every client passes these.
        found.retain(|name| {
            !["HOME", "PATH", "USER", "LOGNAME", "SHELL", "TERM"].contains(&name.as_str())
        });
        found
    }

    /// Adds the servers, and has the host read the whole as it will when it starts them.
    fn check(&mut self) -> Result<(), Failure> {
        for (name, value) in &self.added {
            let put = Some((name.clone(), value.clone()));
            self.document.edit(
                &self.keys,
                &Edit {
                    remove: Vec::new(),
                    put,
                },
            );
        }
        let text = String::from_utf8_lossy(&self.document.bytes()).into_owned();
        config::parse(&text, self.path, &|name| Some(format!("http://{name}")))?;
        Ok(())
    }

    /// The files of witgate itself that change.
    fn touches(self, report: &mut Report) -> Result<Vec<Touch>, Failure> {
        let mut touches = Vec::new();
        let names: Vec<String> = self.servers.keys().cloned().collect();
        if self.before.is_none() || !self.added.is_empty() {
            let change = Change {
                path: self.path.to_owned(),
                before: self.before.clone(),
                after: Some(self.document.bytes()),
                private: true,
            };
            let added = self
                .added
                .iter()
                .map(|(name, _)| Server::added(name))
                .collect();
            report.files.push(FileReport::new(&change, &[], added));
            touches.push(Touch {
                change,
                role: Role::Own,
                lists: Vec::new(),
            });
        }
        let path = self
            .path
            .parent()
            .unwrap_or(Path::new("."))
            .join("grants.toml");
        if files::read(&path)?.is_none() {
            let change = Change {
                path,
                before: None,
                after: Some(grants::first(&names).into_bytes()),
                private: false,
            };
            report.files.push(FileReport::new(&change, &[], Vec::new()));
            touches.push(Touch {
                change,
                role: Role::Own,
                lists: Vec::new(),
            });
        }
        Ok(touches)
    }
}

/// Whether an entry holds values of the kind that are secrets.
fn has_literals(entry: &Value) -> bool {
    ["env", "headers"]
        .iter()
        .any(|key| entry[*key].as_object().is_some_and(|map| !map.is_empty()))
}

/// The entry that a list needs; `None` where it has it.
fn put(
    surroundings: &Surroundings,
    scope: Scope,
    file: &File,
    list: &Found,
    edit: &Edit,
    wanted: &Wanted<'_>,
    wants_entry: bool,
) -> Result<Option<(String, Value)>, Failure> {
    let ours = list.servers.iter().find(|(_, entry)| entry::serves(entry));
    if let Some((name, entry)) = ours {
        return match entry::judge(entry, wanted) {
            State::Current => Ok(None),
            State::Stale(new) => Ok(Some((name.clone(), new))),
            State::Other(other) => {
                let message = format!(
                    "its entry `{name}` serves another configuration, `{}`",
                    other.display()
                );
                let hint = format!(
                    "name that one with `--config {}`, or take the entry out",
                    other.display()
                );
                Err(broken(&file.path, &message).hint(hint))
            }
        };
    }
    if !wants_entry {
        return Ok(None);
    }
    // Of two servers with one name, a client has only that of the folder.
    let (other, suffix) = match scope {
        Scope::Project => (Scope::User, "project"),
        Scope::User => (Scope::Project, "user"),
    };
    let mut others = list
        .clients
        .iter()
        .map(|client| found::glance(surroundings, other, *client));
    let is_taken = others.any(|servers| {
        servers.get(ENTRY).is_some_and(|entry| {
            let named = entry::configuration_of(entry, &surroundings.here);
            entry::serves(entry) && named.is_none_or(|named| !is_same(&named, wanted.configuration))
        })
    });
    let mut name = if is_taken {
        format!("{ENTRY}-{suffix}")
    } else {
        ENTRY.to_owned()
    };
    while list.servers.contains_key(&name) && !edit.remove.contains(&name) {
        name.push_str("-serve");
    }
    Ok(Some((name, entry::fresh(wanted))))
}

/// The clients' files as they are going to be.
fn client_files(
    files: &mut [File],
    edits: Vec<(usize, usize, Edit, Vec<Server>)>,
    report: &mut Report,
) -> Vec<Touch> {
    let mut touches = Vec::new();
    for (i, file) in files.iter_mut().enumerate() {
        let mut lines = Vec::new();
        let mut edited = Vec::new();
        for (_, j, edit, servers) in edits.iter().filter(|(at, ..)| *at == i) {
            lines.extend(servers.iter().cloned());
            file.document.edit(&file.lists[*j].keys, edit);
            edited.push((*j, edit));
        }
        let clients: Vec<Client> = file
            .lists
            .iter()
            .flat_map(|list| list.clients.clone())
            .collect();
        let is_changed = edited.iter().any(|(_, edit)| !edit.is_nothing());
        let after = if is_changed {
            Some(file.document.bytes())
        } else {
            file.before.clone()
        };
        let change = Change {
            path: file.path.clone(),
            before: file.before.clone(),
            after,
            private: false,
        };
        report.files.push(FileReport::new(&change, &clients, lines));
        if !is_changed {
            continue;
        }
        let lists = edited
            .into_iter()
            .filter(|(_, edit)| !edit.is_nothing())
            .map(|(j, edit)| {
                let list = &file.lists[j];
                Edited {
                    keys: list.keys.clone(),
                    removed: edit.remove.clone(),
                    entry: edit.put.as_ref().map(|(name, _)| name.clone()),
                    after: sha256(file.document.list_text(&list.keys).as_bytes()),
                }
            });
        let role = match file.lists.first().map(|list| list.client().format()) {
            Some(Format::Toml) => Role::Toml,
            _ => Role::Json,
        };
        touches.push(Touch {
            lists: lists.collect(),
            change,
            role,
        });
    }
    touches
}

/// Whether a folder is under version control.
pub(super) fn is_under_version_control(folder: &Path) -> bool {
    let folder = identity(folder);
    folder
        .ancestors()
        .any(|folder| folder.join(".git").exists())
}
