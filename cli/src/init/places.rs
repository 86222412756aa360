//! Where the clients' files and witgate's own lie, on each system. Nothing is read here; every folder comes from the
//! variables that the clients themselves ask.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::client::Client;

/// The system, as far as places differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Linux,
    MacOs,
    Windows,
}

/// Whose servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Those of the working folder.
    Project,
    /// Those that the user has everywhere.
    User,
}

/// One list of servers in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) client: Client,
    pub(crate) path: PathBuf,
    pub(crate) list: List,
}

/// Where in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// At the top.
    Top,
    /// Claude Code's `projects.FOLDER.mcpServers`: the user's own, for one folder.
    OfFolder,
}

/// The folders that everything else lies in.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The working folder.
    pub(crate) here: PathBuf,
    /// The user's.
    pub(crate) home: PathBuf,
    /// Of witgate's configuration of the user.
    config: PathBuf,
    /// Of applications.
    applications: PathBuf,
    codex: PathBuf,
    claude: PathBuf,
}

impl Surroundings {
    /// `None` where the user has no home folder.
    pub(crate) fn new(
        system: System,
        here: PathBuf,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Option<Surroundings> {
        let folder = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty());
            // A relative one would mean another folder to each program that asks.
            value.map(PathBuf::from).filter(|path| path.is_absolute())
        };
        let home = match system {
            System::Windows => folder("USERPROFILE").or_else(|| folder("HOME")),
            _ => folder("HOME"),
        }?;
        let dot_config = || folder("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        let roaming = || folder("APPDATA").unwrap_or_else(|| home.join("AppData").join("Roaming"));
        Some(Surroundings {
            config: match system {
                System::Windows => roaming(),
                _ => dot_config(),
            }
            .join("witgate"),
            applications: match system {
                System::Linux => dot_config(),
                System::MacOs => home.join("Library").join("Application Support"),
                System::Windows => roaming(),
            },
            codex: folder("CODEX_HOME").unwrap_or_else(|| home.join(".codex")),
            claude: folder("CLAUDE_CONFIG_DIR").unwrap_or_else(|| home.clone()),
            here,
            home,
        })
    }

    /// Those of this process.
    pub(crate) fn of_this_process() -> std::io::Result<Option<Surroundings>> {
        let system = if cfg!(windows) {
            System::Windows
        } else if cfg!(target_os = "macos") {
            System::MacOs
        } else {
            System::Linux
        };
        let here = std::env::current_dir()?;
        Ok(Surroundings::new(system, here, &|name| {
            std::env::var_os(name)
        }))
    }

    /// Every list of servers that a scope may have, in the order of the clients.
    pub(crate) fn places(&self, scope: Scope) -> Vec<Place> {
        let top = |client, path| Place {
            client,
            path,
            list: List::Top,
        };
        match scope {
            Scope::User => vec![
                top(Client::ClaudeCode, self.claude_file()),
                top(
                    Client::ClaudeDesktop,
                    self.applications
                        .join("Claude")
                        .join("claude_desktop_config.json"),
                ),
                top(Client::Cursor, self.home.join(".cursor").join("mcp.json")),
                top(
                    Client::VsCode,
                    self.applications.join("Code").join("User").join("mcp.json"),
                ),
                top(Client::Codex, self.codex.join("config.toml")),
            ],
            Scope::Project => {
                let mut places = project_places(&self.here);
                // In the home folder, `.cursor/mcp.json` is the user's.
                let users = self.places(Scope::User);
                places.retain(|place| !users.iter().any(|user| is_same(&user.path, &place.path)));
                places.push(Place {
                    client: Client::ClaudeCode,
                    path: self.claude_file(),
                    list: List::OfFolder,
                });
                places
            }
        }
    }

    fn claude_file(&self) -> PathBuf {
        self.claude.join(".claude.json")
    }

    /// Where the servers go. In a project, beside everything that is kept "beside the configuration": the lock, the grants,
    /// the overrides, `.witgate`; and where relative paths mean what they meant.
    pub(crate) fn configuration(&self, scope: Scope, named: Option<&Path>) -> PathBuf {
        let path = match (named, scope) {
            (Some(path), _) => self.here.join(path),
            (None, Scope::Project) => self.here.join("witgate.json"),
            (None, Scope::User) => self.config.join("servers.json"),
        };
        // `./` out of it: it stands in the clients' files.
        std::path::absolute(&path).unwrap_or(path)
    }

    /// A folder above that has a client's file, up to the repository's root or the home folder: where a project begins.
    pub(crate) fn project_above(&self) -> Option<PathBuf> {
        let is_root = |folder: &Path| {
            let marks = [".git", ".hg", ".jj"];
            marks.iter().any(|mark| folder.join(mark).exists())
        };
        if is_root(&self.here) {
            return None;
        }
        for folder in self.here.ancestors().skip(1) {
            if is_same(folder, &self.home) {
                return None;
            }
            if project_places(folder)
                .iter()
                .any(|place| place.path.is_file())
            {
                return Some(folder.to_owned());
            }
            if is_root(folder) {
                return None;
            }
        }
        None
    }
}

fn project_places(folder: &Path) -> Vec<Place> {
    let place = |client, path: &[&str]| Place {
        client,
        path: path
            .iter()
            .fold(folder.to_owned(), |path, part| path.join(part)),
        list: List::Top,
    };
    vec![
        place(Client::ClaudeCode, &[".mcp.json"]),
        place(Client::Cursor, &[".cursor", "mcp.json"]),
        place(Client::VsCode, &[".vscode", "mcp.json"]),
        place(Client::Codex, &[".codex", "config.toml"]),
    ]
}

/// The file behind links; a path whose file is not there yet as far as its folders are.
pub(crate) fn identity(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if !folder.as_os_str().is_empty() => identity(folder).join(name),
        _ => path.to_owned(),
    }
}

pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    identity(one) == identity(other)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn surroundings(system: System, variables: &[(&str, &str)]) -> Surroundings {
        Surroundings::new(system, PathBuf::from("/home/ann/p"), &|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
        .unwrap()
    }

    fn paths(surroundings: &Surroundings, scope: Scope) -> Vec<String> {
        let places = surroundings.places(scope);
        places
            .iter()
            .map(|place| place.path.display().to_string())
            .collect()
    }

    #[cfg(unix)]
    #[test]
    fn each_system_has_its_places() {
        let home = ("HOME", "/home/kim");
        let linux = surroundings(System::Linux, &[home]);
        assert_eq!(
            paths(&linux, Scope::User),
            [
                "/home/kim/.claude.json",
                "/home/kim/.config/Claude/claude_desktop_config.json",
                "/home/kim/.cursor/mcp.json",
                "/home/kim/.config/Code/User/mcp.json",
                "/home/kim/.codex/config.toml",
            ]
        );
        assert_eq!(
            paths(&linux, Scope::Project),
            [
                "/home/ann/p/.mcp.json",
                "/home/ann/p/.cursor/mcp.json",
                "/home/ann/p/.vscode/mcp.json",
                "/home/ann/p/.codex/config.toml",
                "/home/kim/.claude.json",
            ]
        );
        let mac = surroundings(System::MacOs, &[home]);
        let applications = "/home/kim/Library/Application Support";
        assert_eq!(
            paths(&mac, Scope::User)[1],
            format!("{applications}/Claude/claude_desktop_config.json")
        );
        assert_eq!(
            paths(&mac, Scope::User)[3],
            format!("{applications}/Code/User/mcp.json")
        );
        assert_eq!(
            mac.configuration(Scope::User, None),
            Path::new("/home/kim/.config/witgate/servers.json")
        );
        let windows = surroundings(
            System::Windows,
            &[("USERPROFILE", "/u/kim"), ("APPDATA", "/u/kim/R"), home],
        );
        assert_eq!(
            paths(&windows, Scope::User)[1],
            "/u/kim/R/Claude/claude_desktop_config.json"
        );
        assert_eq!(paths(&windows, Scope::User)[2], "/u/kim/.cursor/mcp.json");
        assert_eq!(
            windows.configuration(Scope::User, None),
            Path::new("/u/kim/R/witgate/servers.json")
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_clients_own_variables_are_asked() {
        let moved = surroundings(
            System::Linux,
            &[
                ("HOME", "/home/kim"),
                ("XDG_CONFIG_HOME", "/x"),
                ("CODEX_HOME", "/c"),
                ("CLAUDE_CONFIG_DIR", "/cc"),
            ],
        );
        assert_eq!(
            paths(&moved, Scope::User),
            [
                "/cc/.claude.json",
                "/x/Claude/claude_desktop_config.json",
                "/home/kim/.cursor/mcp.json",
                "/x/Code/User/mcp.json",
                "/c/config.toml",
            ]
        );
        assert_eq!(
            moved.configuration(Scope::User, None),
            Path::new("/x/witgate/servers.json")
        );
        assert!(Surroundings::new(System::Linux, PathBuf::from("/"), &|_| None).is_none());
        // A relative folder is no folder.
        assert!(
            Surroundings::new(System::Linux, PathBuf::from("/"), &|_| Some("x".into())).is_none()
        );
    }

    #[test]
    fn a_project_begins_above_but_not_beyond_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("repository/src");
        std::fs::create_dir_all(&inner).unwrap();
        let stand = |here: &Path| {
            let home = root.path().as_os_str().to_owned();
            Surroundings::new(System::Linux, here.to_owned(), &|_| Some(home.clone())).unwrap()
        };
        std::fs::write(root.path().join(".mcp.json"), "{}").unwrap();
        assert_eq!(stand(&inner).project_above(), None);
        std::fs::write(root.path().join("repository/.mcp.json"), "{}").unwrap();
        assert_eq!(
            stand(&inner).project_above(),
            Some(root.path().join("repository"))
        );
        std::fs::create_dir(inner.join(".git")).unwrap();
        assert_eq!(stand(&inner).project_above(), None);
    }
}
