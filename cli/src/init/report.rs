//! What `init` says: which file becomes what, and what to do next. No value of an entry is told, only names and why.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use witgate_codegen::text::shown;

use super::backup;
use super::client::Client;
use super::files::Change;
use super::places::{Scope, Surroundings};
use super::plan::is_under_version_control;
use super::translate::{FOLDER, LOGIN};
use crate::terminal;

/// Everything that is said.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    scope: Scope,
    /// Witgate's configuration, where the servers are.
    configuration: PathBuf,
    pub(super) files: Vec<FileReport>,
    /// Where the copies are, if anything was changed.
    backup: Option<PathBuf>,
    warnings: Vec<String>,
    /// What the person does next.
    next: Vec<String>,
    /// The command that takes all of it back.
    undo: String,
}

/// One file.
#[derive(Debug, Serialize)]
pub(super) struct FileReport {
    path: PathBuf,
    /// Whose it is; none for witgate's own.
    clients: Vec<Client>,
    change: How,
    servers: Vec<Server>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum How {
    Created,
    Changed,
    Unchanged,
}

/// One server of a file.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Server {
    name: String,
    #[serde(flatten)]
    what: What,
    /// Keys that have no effect in witgate and were left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dropped: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<&'static str>,
    /// Its values came from a file that only the user has.
    #[serde(skip)]
    pub(super) is_private: bool,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
enum What {
    /// It is witgate's now, under this name.
    Moved { to: String, kind: Kind },
    /// It is left alone.
    Stays {
        why: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        hint: String,
    },
    /// It is new in witgate's configuration.
    Added,
    /// Witgate itself.
    Entry { command: Value, args: Value },
}

/// Whether witgate's configuration had the server already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Moved,
    /// The same one, from another client or an earlier run.
    Same,
}

/// On one line, whatever is in it.
fn line(text: &str) -> String {
    terminal::clean(text).replace('\n', " ")
}

impl Server {
    fn new(name: &str, what: What) -> Server {
        Server {
            name: name.to_owned(),
            what,
            dropped: Vec::new(),
            notes: Vec::new(),
            is_private: false,
        }
    }

    pub(super) fn moved(name: &str, to: &str, kind: Kind) -> Server {
        Server::new(
            name,
            What::Moved {
                to: to.to_owned(),
                kind,
            },
        )
    }

    pub(super) fn stays(name: &str, why: &str, hint: &str) -> Server {
        Server::new(
            name,
            What::Stays {
                why: why.to_owned(),
                hint: hint.to_owned(),
            },
        )
    }

    pub(super) fn added(name: &str) -> Server {
        Server::new(name, What::Added)
    }

    pub(super) fn entry(name: &str, entry: &Value) -> Server {
        let (command, args) = (entry["command"].clone(), entry["args"].clone());
        Server::new(name, What::Entry { command, args })
    }

    pub(super) fn is_moved(&self) -> bool {
        matches!(self.what, What::Moved { .. })
    }

    fn line(&self) -> String {
        let name = shown(&self.name);
        let (mark, rest) = match &self.what {
            What::Moved { to, kind } => {
                let rest = match kind {
                    _ if *to != self.name => format!("  as {}", shown(to)),
                    Kind::Same => "  witgate has it already".to_owned(),
                    Kind::Moved => String::new(),
                };
                ('-', rest)
            }
            What::Stays { why, .. } => ('=', format!("  stays: {}", line(why))),
            What::Added => ('+', String::new()),
            What::Entry { command, args } => {
                let words = std::iter::once(command).chain(args.as_array().into_iter().flatten());
                let words: Vec<&str> = words.filter_map(Value::as_str).collect();
                ('+', format!("  {}", line(&words.join(" "))))
            }
        };
        format!("  {mark} {name}{rest}")
    }
}

impl FileReport {
    pub(super) fn new(change: &Change, clients: &[Client], servers: Vec<Server>) -> FileReport {
        let how = match (&change.before, &change.after) {
            (None, Some(_)) => How::Created,
            (before, after) if before == after => How::Unchanged,
            _ => How::Changed,
        };
        let mut clients = clients.to_vec();
        clients.dedup();
        FileReport {
            path: change.path.clone(),
            clients,
            change: how,
            servers,
        }
    }
}

impl Report {
    pub(super) fn new(scope: Scope, configuration: &Path, is_named: bool) -> Report {
        let place = match scope {
            _ if is_named => format!(" --config {}", configuration.display()),
            Scope::User => " --user".to_owned(),
            Scope::Project => String::new(),
        };
        Report {
            undo: format!("witgate init --undo{place}"),
            scope,
            configuration: configuration.to_owned(),
            files: Vec::new(),
            backup: None,
            warnings: Vec::new(),
            next: Vec::new(),
        }
    }

    pub(super) fn warn(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }

    fn is_nothing(&self) -> bool {
        self.files.iter().all(|file| file.change == How::Unchanged)
    }

    fn servers(&self) -> impl Iterator<Item = &Server> {
        self.files.iter().flat_map(|file| &file.servers)
    }

    /// Adds what follows from the whole.
    pub(super) fn remark(&mut self, surroundings: &Surroundings, variables: &[String]) {
        if self.is_nothing() {
            return;
        }
        self.backup = Some(backup::folder(&self.configuration).join("init-backup"));
        let mut warnings = Vec::new();
        for server in self.servers().filter(|server| !server.dropped.is_empty()) {
            let keys = server.dropped.join("`, `");
            warnings.push(format!(
                "`{}`: `{keys}` has no effect in witgate and was left out",
                shown(&server.name)
            ));
        }
        for note in [LOGIN, FOLDER] {
            let has = |server: &&Server| server.notes.contains(&note);
            let names: Vec<String> = self
                .servers()
                .filter(has)
                .map(|server| format!("`{}`", shown(&server.name)))
                .collect();
            if !names.is_empty() {
                warnings.push(format!("{}: {note}", names.join(", ")));
            }
        }
        let unset = variables
            .iter()
            .filter(|name| std::env::var_os(name.as_str()).is_none());
        let unset: Vec<String> = unset.map(|name| format!("`{name}`")).collect();
        if !unset.is_empty() {
            warnings.push(format!(
                "not set here, and needed where witgate is started: {}",
                unset.join(", ")
            ));
        }
        let desktop = self
            .files
            .iter()
            .any(|file| file.clients.contains(&Client::ClaudeDesktop));
        if desktop && !variables.is_empty() {
            warnings.push(format!(
                "Claude Desktop gives its servers few variables: write {} under `env` of its entry for witgate",
                variables.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ));
        }
        let own = self.configuration.display();
        if self.servers().any(|server| server.is_private)
            && self.scope == Scope::Project
            && is_under_version_control(&surroundings.here)
        {
            warnings.push(format!("`{own}` holds values now that only your own files held: keep it out of version control"));
        }
        self.warnings.append(&mut warnings);
        self.next = vec![
            "start the clients anew: they read their files when they start, and may ask whether they may use witgate".to_owned(),
            format!("see the tools: witgate tools --config {own}"),
            format!(
                "grant what programs may call: {}",
                self.configuration.with_file_name("grants.toml").display()
            ),
        ];
    }

    /// Tells it.
    pub(crate) fn tell(&self, dry_run: bool, json: bool) {
        if json {
            let mut value = serde_json::to_value(self).unwrap_or_default();
            value["dryRun"] = dry_run.into();
            return terminal::data(&value.to_string());
        }
        for file in &self.files {
            let names: Vec<&str> = file.clients.iter().map(|client| client.title()).collect();
            let mut about = names.join(", ");
            match file.change {
                How::Created if about.is_empty() => about = "new".to_owned(),
                How::Created => about.push_str(", new"),
                How::Unchanged => about.push_str(", as it is"),
                How::Changed => {}
            }
            let about = if about.is_empty() {
                about
            } else {
                format!("  ({about})")
            };
            terminal::data(&format!(
                "{}{about}",
                terminal::emphasis(&line(&file.path.display().to_string()))
            ));
            for server in &file.servers {
                terminal::data(&server.line());
            }
        }
        for warning in &self.warnings {
            terminal::warn(warning);
        }
        for server in self.servers() {
            if let What::Stays { hint, .. } = &server.what
                && !hint.is_empty()
            {
                terminal::note(&terminal::clean(&format!(
                    "to move `{}` too: {hint}",
                    shown(&server.name)
                )));
            }
        }
        if self.is_nothing() {
            return terminal::note("nothing to do: witgate stands in front already");
        }
        if dry_run {
            return terminal::note("nothing was written");
        }
        if let Some(backup) = &self.backup {
            terminal::note(&format!(
                "copies of what was there are in {}; `{}` puts them back",
                backup.display(),
                self.undo
            ));
        }
        terminal::hint(&self.next.join("\n"));
    }
}
