//! The `mcpServers` JSON that Claude, Cursor and VS Code already have: found, read, its variables expanded.
//! No server is started here, and nothing of the file is dropped in silence: a key is used, listed in `notices`, or an error.
//! Expanded values never leave through `Debug`, `Display` or an error.

use std::fmt;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::{Map, Value};
use thiserror::Error;

mod find;
mod json;
mod oauth;
mod secrets;
mod texts;

pub use find::{find, objection_to};
pub use oauth::{GrantType, Oauth};
pub use secrets::{redact, redact_value};

pub(crate) use secrets::{LONGEST_LINE, excerpt};
use texts::Texts;

/// One configuration file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The file it came from.
    pub path: PathBuf,
    /// Servers in the order of the file, by name; disabled ones are left out.
    pub servers: IndexMap<String, ServerConfig>,
    /// What of the file has no effect here, one sentence each, never a value.
    pub notices: Vec<String>,
}

/// How one server is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// A child process or a URL.
    pub transport: Transport,
    /// Texts that must not appear in a message; the module `secrets` says which are found.
    pub secrets: Vec<String>,
    /// Who shares a connection to it.
    pub scope: Scope,
}

/// Who shares a connection to a server, and with it what the server keeps in mind: the key `scope`, which is ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// Everybody: one connection for all, as long as the host lives.
    #[default]
    Host,
    /// The runs of one session.
    Session,
    /// Nobody: each run gets a connection of its own, which is fresh.
    Run,
}

/// The two ways to a server.
#[derive(Clone, PartialEq, Eq)]
pub enum Transport {
    /// A child process that speaks over its stdin and stdout. It inherits the host's environment, as in the other clients.
    Stdio {
        /// A name looked up in `PATH`, or an absolute path.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Variables added to the inherited environment.
        env: IndexMap<String, String>,
        /// The working folder; the configuration's own folder where the file says nothing.
        cwd: PathBuf,
    },
    /// Streamable HTTP.
    Http {
        /// `http://` or `https://`.
        url: String,
        /// Headers sent with every request.
        headers: IndexMap<String, String>,
        /// How to log in, where the server asks for that.
        oauth: Oauth,
    },
}

/// Why a configuration cannot be used. No message holds a value of the file.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file was found, not named, and somebody else may have written it.
    #[error("`{}` is not used: {reason}", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Who else, one clause.
        reason: String,
    },
    /// The file is no JSON, or a key stands twice.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// A key that no MCP client gives a meaning.
    #[error("{}: unknown key `{key}` in {place}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// "server `name`", or "the file".
        place: String,
        /// The key.
        key: String,
        /// The known key that is spelt most like it.
        nearest: Option<&'static str>,
    },
    /// A variable that is not set and has no default.
    #[error("{}: server `{server}`, `{key}`: the variable `{variable}` is not set", path.display())]
    Variable {
        /// The file.
        path: PathBuf,
        /// The server's name.
        server: String,
        /// `command`, `args[1]`, `env.TOKEN` ...
        key: String,
        /// The variable's name.
        variable: String,
    },
    /// A key whose value has the wrong form, or that is not supported.
    #[error("{}: {place}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// "server `name`", or "the file".
        place: String,
        /// What is wrong.
        message: String,
        /// What to write instead.
        hint: String,
    },
}

impl ConfigError {
    /// What the person can do, one sentence.
    pub fn hint(&self) -> String {
        match self {
            ConfigError::Read { .. } => {
                "create `.mcp.json`, or name another file with `--config FILE`".to_owned()
            }
            ConfigError::Untrusted { path, .. } => format!(
                "it starts programs: read it, and if you trust it, name it with `--config {}`",
                path.display()
            ),
            ConfigError::Malformed { .. } => {
                "the file must be one JSON object, `{\"mcpServers\": {...}}`".to_owned()
            }
            ConfigError::UnknownKey {
                nearest: Some(nearest),
                ..
            } => format!("did you mean `{nearest}`?"),
            ConfigError::UnknownKey { nearest: None, .. } => {
                format!("known keys of a server: {}", SERVER_KEYS.join(", "))
            }
            ConfigError::Variable { variable, .. } => {
                format!("set `{variable}` in the environment, or write `${{{variable}:-default}}`")
            }
            ConfigError::Invalid { hint, .. } => hint.clone(),
        }
    }
}

const SERVER_KEYS: [&str; 10] = [
    "type", "command", "args", "env", "cwd", "url", "headers", "oauth", "auth", "scope",
];
/// Keys of the other clients that change nothing here.
const SERVER_NO_OPS: [&str; 20] = [
    "description",
    "timeout",
    "autoApprove",
    "alwaysAllow",
    "alwaysLoad",
    "disabledTools",
    "includeTools",
    "excludeTools",
    "name",
    "title",
    "icon",
    "version",
    "gallery",
    "dev",
    "tags",
    "trust",
    "startupTimeout",
    "toolTimeout",
    "initTimeout",
    "$comment",
];
/// Keys of the other clients that would change what the server is or may do: ignoring them would be wrong.
const SERVER_UNSUPPORTED: [(&str, &str); 5] = [
    (
        "envFile",
        "write the variables under `env`, with `${VAR}` for those of the environment",
    ),
    (
        "headersHelper",
        "write the header under `headers`, with `${VAR}` for its secret part",
    ),
    ("sandbox", "start the sandbox with `command` and `args`"),
    (
        "sandboxEnabled",
        "start the sandbox with `command` and `args`",
    ),
    ("shell", "start the shell with `command` and `args`"),
];
const FILE_KEYS: [&str; 2] = ["mcpServers", "servers"];
const FILE_NO_OPS: [&str; 8] = [
    "$schema",
    "inputs",
    "description",
    "version",
    "name",
    "globalShortcut",
    "preferences",
    "$comment",
];

/// What becomes of a server that needs a variable which is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// The file is not used.
    Refuse,
    /// The server is left out, with a notice: the others are of use without it.
    LeaveOut,
}

/// Reads `path` and expands its variables from this process's environment.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    load_with(path, Unset::Refuse)
}

/// The same, where one may go on without a server whose variables are not set.
pub fn load_with(path: &Path, unset: Unset) -> Result<Config, ConfigError> {
    let read = |source| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    let text = std::fs::read_to_string(path).map_err(read)?;
    let path = std::path::absolute(path).map_err(read)?;
    let mut config = parse_with(&text, &path, &|name| std::env::var(name).ok(), unset)?;
    for server in config.servers.values_mut() {
        if matches!(server.transport, Transport::Stdio { .. }) {
            secrets::add_environment(std::env::vars_os(), &mut server.secrets);
        }
    }
    Ok(config)
}

/// Reads the text of a configuration. `path` names it in errors, and relative paths start at its folder (at the
/// folder above where that is `.vscode` or `.cursor`); `env` looks a variable up.
pub fn parse(
    text: &str,
    path: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    parse_with(text, path, env, Unset::Refuse)
}

fn parse_with(
    text: &str,
    path: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    unset: Unset,
) -> Result<Config, ConfigError> {
    let root = json::read(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let message = message
            .strip_suffix(&format!(" at line {line} column {column}"))
            .unwrap_or(&message)
            .to_owned();
        ConfigError::Malformed {
            path: path.to_owned(),
            line,
            column,
            message,
        }
    })?;
    let source = Source {
        path,
        folder: base_folder(path),
        env,
    };
    let root = source.object(&root, "the file", "the top level")?;
    let mut notices = Vec::new();
    for key in root.keys() {
        if FILE_NO_OPS.contains(&key.as_str()) {
            notices.push(format!("`{key}` has no effect here"));
        } else if !FILE_KEYS.contains(&key.as_str()) {
            return Err(source.unknown("the file", key, &FILE_KEYS));
        }
    }
    let servers = match (root.get("mcpServers"), root.get("servers")) {
        (Some(servers), None) | (None, Some(servers)) => servers,
        (Some(_), Some(_)) => {
            return Err(source.invalid(
                "the file",
                "both `mcpServers` and `servers` are there",
                "keep one of them",
            ));
        }
        (None, None) => {
            return Err(source.invalid(
                "the file",
                "there is no `mcpServers`",
                "write {\"mcpServers\": {...}}",
            ));
        }
    };
    let mut config = Config {
        path: path.to_owned(),
        servers: IndexMap::new(),
        notices,
    };
    for (name, value) in source.object(servers, "the file", "`mcpServers`")? {
        match source.server(name, value, &mut config.notices) {
            Ok(Some(server)) => {
                config.servers.insert(name.clone(), server);
            }
            Ok(None) => {}
            Err(ConfigError::Variable { variable, .. }) if unset == Unset::LeaveOut => {
                let left_out =
                    format!("server `{name}` is left out: the variable `{variable}` is not set");
                config.notices.push(left_out);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(config)
}

fn base_folder(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new("."));
    match folder.file_name().and_then(|name| name.to_str()) {
        Some(".vscode" | ".cursor") => folder.parent().unwrap_or(folder).to_owned(),
        _ => folder.to_owned(),
    }
}

/// What every check below needs to know about the file.
struct Source<'a> {
    path: &'a Path,
    folder: PathBuf,
    env: &'a dyn Fn(&str) -> Option<String>,
}

impl Source<'_> {
    fn server(
        &self,
        name: &str,
        value: &Value,
        notices: &mut Vec<String>,
    ) -> Result<Option<ServerConfig>, ConfigError> {
        let place = format!("server `{name}`");
        let entry = self.object(value, &place, "it")?;
        let mut disabled = false;
        for (key, value) in entry {
            match key.as_str() {
                "disabled" | "enabled" => {
                    let Value::Bool(flag) = value else {
                        return Err(self.invalid(
                            &place,
                            &format!("`{key}` is no boolean"),
                            "write true or false",
                        ));
                    };
                    disabled |= *flag == (key == "disabled");
                }
                key if SERVER_NO_OPS.contains(&key) => {
                    notices.push(format!("{place}: `{key}` has no effect here"))
                }
                key if SERVER_KEYS.contains(&key) => {}
                key => {
                    if let Some((_, hint)) =
                        SERVER_UNSUPPORTED.iter().find(|(known, _)| *known == key)
                    {
                        return Err(self.invalid(
                            &place,
                            &format!("`{key}` is not supported"),
                            hint,
                        ));
                    }
                    return Err(self.unknown(&place, key, &SERVER_KEYS));
                }
            }
        }
        if disabled {
            notices.push(format!("{place} is disabled and left out"));
            return Ok(None);
        }
        let http = self.is_http(&place, entry)?;
        let foreign: &[&str] = if http {
            &["command", "args", "env", "cwd"]
        } else {
            &["url", "headers", "oauth", "auth"]
        };
        if let Some(key) = foreign.iter().find(|key| entry.contains_key(**key)) {
            let message = format!(
                "`{key}` does not go with `{}`",
                if http { "url" } else { "command" }
            );
            return Err(self.invalid(
                &place,
                &message,
                "keep `command, args, env, cwd` or `url, headers, oauth`",
            ));
        }
        let mut texts = Texts {
            source: self,
            server: name,
            secrets: Vec::new(),
        };
        let transport = if http {
            let url = texts.required(entry, "url")?;
            secrets::add_parts(&url, &mut texts.secrets);
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(self.invalid(
                    &place,
                    "`url` is no HTTP address",
                    "write `http://...` or `https://...`",
                ));
            }
            Transport::Http {
                url,
                headers: texts.map(entry, "headers")?,
                oauth: oauth::read(&mut texts, entry, notices)?,
            }
        } else {
            let command = texts.required(entry, "command")?;
            let cwd = texts
                .optional(entry, "cwd")?
                .map(|cwd| self.folder.join(cwd));
            let args = texts.list(entry, "args")?;
            secrets::add_arguments(&args, &mut texts.secrets);
            Transport::Stdio {
                // A bare name is for PATH; anything with a separator is a path of the configuration's folder.
                command: if command.contains(std::path::is_separator) {
                    self.folder.join(command).to_string_lossy().into_owned()
                } else {
                    command
                },
                args,
                env: texts.map(entry, "env")?,
                cwd: cwd.unwrap_or_else(|| self.folder.clone()),
            }
        };
        Ok(Some(ServerConfig {
            transport,
            secrets: texts.secrets,
            scope: self.scope(&place, entry)?,
        }))
    }

    fn scope(&self, place: &str, entry: &Map<String, Value>) -> Result<Scope, ConfigError> {
        match entry.get("scope").map(Value::as_str) {
            None | Some(Some("host")) => Ok(Scope::Host),
            Some(Some("session")) => Ok(Scope::Session),
            Some(Some("run")) => Ok(Scope::Run),
            Some(_) => Err(self.invalid(
                place,
                "`scope` is none of `host`, `session`, `run`",
                "write `host` for one connection that all share, `session` for one per session, `run` for one per run",
            )),
        }
    }

    fn is_http(&self, place: &str, entry: &Map<String, Value>) -> Result<bool, ConfigError> {
        let (command, url) = (entry.contains_key("command"), entry.contains_key("url"));
        if command == url {
            let message = if url {
                "both `command` and `url` are there"
            } else {
                "neither `command` nor `url` is there"
            };
            return Err(self.invalid(
                place,
                message,
                "write `command` for a child process, or `url` for streamable HTTP",
            ));
        }
        match entry.get("type") {
            None => Ok(url),
            Some(Value::String(kind)) => match kind.as_str() {
                "stdio" if command => Ok(false),
                "http" | "streamable-http" | "streamableHttp" | "streamable_http" if url => {
                    Ok(true)
                }
                "stdio" | "http" | "streamable-http" | "streamableHttp" | "streamable_http" => {
                    let key = if url { "url" } else { "command" };
                    Err(self.invalid(
                        place,
                        &format!("`type` and `{key}` contradict each other"),
                        "leave `type` out",
                    ))
                }
                "sse" => Err(self.invalid(
                    place,
                    "the SSE transport is not supported; it was replaced by streamable HTTP",
                    "use the server's streamable HTTP address and `\"type\": \"http\"`",
                )),
                _ => Err(self.invalid(place, "`type` is unknown", "write `stdio` or `http`")),
            },
            Some(_) => Err(self.invalid(place, "`type` is no string", "write `stdio` or `http`")),
        }
    }

    fn object<'v>(
        &self,
        value: &'v Value,
        place: &str,
        what: &str,
    ) -> Result<&'v Map<String, Value>, ConfigError> {
        value.as_object().ok_or_else(|| {
            self.invalid(place, &format!("{what} is no JSON object"), "write `{...}`")
        })
    }

    fn invalid(&self, place: &str, message: &str, hint: &str) -> ConfigError {
        let (place, message, hint) = (place.to_owned(), message.to_owned(), hint.to_owned());
        ConfigError::Invalid {
            path: self.path.to_owned(),
            place,
            message,
            hint,
        }
    }

    fn unknown(&self, place: &str, key: &str, known: &[&'static str]) -> ConfigError {
        let near = known.iter().map(|known| {
            (
                strsim::damerau_levenshtein(&key.to_lowercase(), &known.to_lowercase()),
                *known,
            )
        });
        let nearest = near
            .min()
            .filter(|(distance, _)| *distance <= 3)
            .map(|(_, known)| known);
        ConfigError::UnknownKey {
            path: self.path.to_owned(),
            place: place.to_owned(),
            key: key.to_owned(),
            nearest,
        }
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.transport.fmt(f)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Arguments and addresses may hold expanded secrets, so they are counted and not shown.
            Transport::Stdio {
                command,
                args,
                env,
                cwd,
            } => f
                .debug_struct("Stdio")
                .field("command", command)
                .field("args", &args.len())
                .field("env", &env.keys().collect::<Vec<_>>())
                .field("cwd", cwd)
                .finish(),
            Transport::Http { headers, .. } => f
                .debug_struct("Http")
                .field("headers", &headers.keys().collect::<Vec<_>>())
                .finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests;
