//! The entry `witgate serve` in a client's list: recognised in whatever way it is written, made, and kept current.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::client::Client;
use super::places::is_same;

/// What an entry has to say.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'a> {
    pub(super) client: Client,
    pub(super) configuration: &'a Path,
    /// The folder that paths in the file start from.
    pub(super) folder: &'a Path,
    /// Variables that the servers need.
    pub(super) variables: &'a [String],
}

/// What is to be done about an entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    Current,
    /// This has to stand there in its place.
    Stale(Value),
    /// It serves another configuration, which is there.
    Other(PathBuf),
}

/// Whether an entry starts `witgate serve`, itself or through another program. Such an entry is never moved: witgate would
/// be its own server.
pub(super) fn serves(entry: &Value) -> bool {
    let words = words(entry);
    let mut pairs = words.iter().zip(words.iter().skip(1));
    pairs.any(|(program, command)| is_witgate(program) && *command == "serve")
}

fn words(entry: &Value) -> Vec<&str> {
    let arguments = entry["args"].as_array().into_iter().flatten();
    let texts = std::iter::once(&entry["command"]).chain(arguments);
    texts
        .filter_map(Value::as_str)
        .flat_map(str::split_whitespace)
        .collect()
}

fn is_witgate(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    name == "witgate" || name.eq_ignore_ascii_case("witgate.exe")
}

/// The configuration that an entry names.
pub(super) fn configuration_of(entry: &Value, folder: &Path) -> Option<PathBuf> {
    let arguments: Vec<&str> = entry["args"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let named = arguments
        .iter()
        .enumerate()
        .find_map(|(i, argument)| match *argument {
            "--config" => arguments.get(i + 1).copied(),
            argument => argument.strip_prefix("--config="),
        })?;
    let here = folder.to_string_lossy();
    let named = [
        "${workspaceFolder}",
        "${CLAUDE_PROJECT_DIR}",
        "${CLAUDE_PROJECT_DIR:-.}",
    ]
    .iter()
    .fold(named.to_owned(), |named, variable| {
        named.replace(variable, &here)
    });
    Some(folder.join(named))
}

/// An entry of our own.
pub(super) fn fresh(wanted: &Wanted<'_>) -> Value {
    let mut entry = Map::new();
    if wanted.client == Client::VsCode {
        entry.insert("type".to_owned(), json!("stdio"));
    }
    entry.insert("command".to_owned(), json!(own_command(wanted.client)));
    entry.insert(
        "args".to_owned(),
        json!(["serve", "--config", wanted.configuration.to_string_lossy()]),
    );
    // Codex gives its servers few variables, and those that are named here.
    if wanted.client == Client::Codex && !wanted.variables.is_empty() {
        entry.insert("env_vars".to_owned(), json!(wanted.variables));
    }
    Value::Object(entry)
}

/// Looks at an entry that serves.
pub(super) fn judge(entry: &Value, wanted: &Wanted<'_>) -> State {
    let fresh = fresh(wanted);
    let own = entry["command"].as_str().is_some_and(is_witgate);
    match configuration_of(entry, wanted.folder) {
        Some(named) if is_same(&named, wanted.configuration) => {}
        Some(named) if named.is_file() => return State::Other(named),
        // A file that is gone, or, with none named, the client's own file: witgate would be its own server.
        _ => return State::Stale(fresh),
    }
    let mut new = entry.clone();
    if own && !entry["command"].as_str().is_some_and(is_found) {
        new["command"] = fresh["command"].clone();
    }
    if wanted.client == Client::Codex {
        let mut passed = entry["env_vars"].as_array().cloned().unwrap_or_default();
        for name in wanted.variables {
            let is_there = |value: &Value| value == name || value["name"] == *name;
            if !passed.iter().any(is_there) {
                passed.push(json!(name));
            }
        }
        if !passed.is_empty() {
            new["env_vars"] = Value::Array(passed);
        }
    }
    if new == *entry {
        State::Current
    } else {
        State::Stale(new)
    }
}

/// How this program is started: by its name where that finds it, so that an update in another folder is found too.
fn own_command(client: Client) -> String {
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("witgate"));
    match in_path("witgate") {
        // Started from a desktop, Claude's has another `PATH` than a shell.
        Some(found) if is_same(&found, &own) && client == Client::ClaudeDesktop => {
            found.to_string_lossy().into_owned()
        }
        Some(found) if is_same(&found, &own) => "witgate".to_owned(),
        _ => own.to_string_lossy().into_owned(),
    }
}

fn is_found(command: &str) -> bool {
    if command.contains("${") {
        return true;
    }
    if command.contains(std::path::is_separator) {
        return Path::new(command).is_file();
    }
    in_path(command.trim_end_matches(".exe")).is_some()
}

/// The program that a bare name starts.
fn in_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&name))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        path.metadata()
            .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn witgate_is_known_however_it_is_started() {
        for entry in [
            json!({"command": "witgate", "args": ["serve"]}),
            json!({"command": "/opt/witgate", "args": ["serve", "--config", "x"]}),
            json!({"command": "C:\\bin\\Witgate.exe", "args": ["serve"]}),
            json!({"command": "cmd", "args": ["/c", "witgate", "serve"]}),
            json!({"command": "sh", "args": ["-c", "exec /opt/witgate serve --config x"]}),
            json!({"command": "witgate serve"}),
        ] {
            assert!(serves(&entry), "{entry}");
        }
        for entry in [
            json!({"command": "witgate", "args": ["demo-server"]}),
            json!({"command": "npx", "args": ["serve"]}),
            json!({"command": "/opt/witgate/other", "args": ["serve"]}),
            json!({"url": "https://witgate/serve"}),
            json!(null),
        ] {
            assert!(!serves(&entry), "{entry}");
        }
    }

    #[test]
    fn an_entry_is_kept_unless_it_is_stale() {
        let folder = Path::new("/home/ann/p");
        let wanted = |client, variables| Wanted {
            client,
            configuration: Path::new("/home/ann/p/witgate.json"),
            folder,
            variables,
        };
        let variables = ["A".to_owned(), "B".to_owned()];
        let none = wanted(Client::Cursor, &[]);
        for arguments in [
            json!(["serve", "--config", "/home/ann/p/witgate.json"]),
            json!(["serve", "--grants", "g.toml", "--config=witgate.json"]),
            json!(["serve", "--config", "${workspaceFolder}/witgate.json"]),
        ] {
            let entry = json!({"command": "sh", "args": arguments, "env": {"X": "1"}});
            assert_eq!(judge(&entry, &none), State::Current, "{entry}");
        }
        // It serves the client's own file, or one that is gone.
        for arguments in [
            json!(["serve"]),
            json!(["serve", "--config", "/gone/witgate.json"]),
        ] {
            let entry = json!({"command": "witgate", "args": arguments});
            assert_eq!(judge(&entry, &none), State::Stale(fresh(&none)), "{entry}");
        }
        let codex = json!({"command": "sh", "args": ["serve", "--config", "/home/ann/p/witgate.json"],
            "env_vars": ["X", {"name": "A"}]});
        let mut more = codex.clone();
        more["env_vars"] = json!(["X", {"name": "A"}, "B"]);
        assert_eq!(
            judge(&codex, &wanted(Client::Codex, &variables)),
            State::Stale(more.clone())
        );
        assert_eq!(
            judge(&more, &wanted(Client::Codex, &variables)),
            State::Current
        );
        let gone = json!({"command": "/gone/witgate", "args": ["serve", "--config", "/home/ann/p/witgate.json"], "env": {"X": "1"}});
        let State::Stale(new) = judge(&gone, &none) else {
            panic!("a program that is gone is stale")
        };
        assert_eq!(
            (&new["command"], &new["env"]),
            (&fresh(&none)["command"], &gone["env"])
        );
    }
}
