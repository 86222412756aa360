//! `witgate/overrides/<server>.json` beside the configuration: schemas that a person put in place of a server's, and those
//! that `witgate learn` inferred. What they mean is not known here.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use witgate_codegen::catalog::Catalog;
use witgate_codegen::names::nearest;
use witgate_codegen::overrides::{
    Overrides, OverridesError, OverridesFile, VERSION, parse_overrides, unused,
};
use witgate_codegen::text::is_hidden;

use crate::failure::{Failure, Kind, chain};
use crate::workspace::Workspace;
use crate::{output, terminal};

/// Largest file of overrides that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// Puts each server's overrides into the catalog, and warns of those that are not in use. A server without tools was not
/// asked for them, and its overrides are not read.
pub(crate) fn apply(workspace: &Workspace, catalog: &mut Catalog) -> Result<(), Failure> {
    for (name, server) in &mut catalog.servers {
        if server.tools.is_empty() {
            continue;
        }
        server.overrides = read(workspace, name)?;
        for unused in unused(name, server) {
            terminal::warn(&unused.to_string());
        }
    }
    Ok(())
}

/// Warns of files that belong to no server of the configuration. Two configurations may share a folder, so this is for the
/// commands that are about all servers.
pub(crate) fn warn_of_strangers(workspace: &Workspace) {
    let names = || workspace.config.servers.keys().map(String::as_str);
    let files: Vec<String> = names().map(file_name).collect();
    let Ok(entries) = std::fs::read_dir(folder(workspace)) else {
        return;
    };
    let mut strangers: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".json") && !files.contains(name))
        .collect();
    strangers.sort();
    for stranger in strangers {
        let near = nearest(stranger.trim_end_matches(".json"), names(), 1);
        let near = near
            .first()
            .map(|name| format!(", did you mean `{}`?", file_name(name)))
            .unwrap_or_default();
        terminal::warn(&format!(
            "`{}` belongs to no configured server{near}",
            folder(workspace).join(stranger).display()
        ));
    }
}

/// The overrides of one server; none where there is no file.
pub(crate) fn read(workspace: &Workspace, server: &str) -> Result<Overrides, Failure> {
    let path = path(workspace, server);
    let unreadable = |why: String| {
        Failure::new(
            Kind::Configuration,
            format!("cannot read `{}`: {why}", path.display()),
        )
    };
    let file = match std::fs::File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Overrides::new()),
        file => file.map_err(|e| unreadable(e.to_string()))?,
    };
    let mut text = String::new();
    let count = file
        .take(LARGEST)
        .read_to_string(&mut text)
        .map_err(|e| unreadable(e.to_string()))?;
    if count as u64 == LARGEST {
        return Err(unreadable("it is too large".to_owned()));
    }
    parse_overrides(&text).map_err(|error| {
        let mut failure = Failure::new(
            Kind::Configuration,
            format!("`{}`: {}", path.display(), chain(&error)),
        )
        .hint("its form is {\"version\": 1, \"tools\": {\"TOOL\": {\"outputSchema\": {...}}}}, with `inputSchema` beside or instead of it");
        if let OverridesError::Json(source) = &error {
            failure.at = Some(format!("{}:{}:{}", path.display(), source.line(), source.column()));
        }
        failure
    })
}

/// Writes the overrides of one server, whole or not at all.
pub(crate) fn write(
    workspace: &Workspace,
    server: &str,
    overrides: Overrides,
) -> Result<PathBuf, Failure> {
    let file = OverridesFile {
        version: VERSION,
        tools: overrides,
    };
    let text = serde_json::to_string_pretty(&file)
        .map_err(|e| Failure::host(format!("cannot write overrides: {e}")))?;
    let path = path(workspace, server);
    if text.len() as u64 >= LARGEST / 2 {
        return Err(Failure::usage(format!(
            "the overrides of `{server}` are too large for `{}`",
            path.display()
        ))
        .hint("learn fewer of its tools: `witgate learn SERVER/TOOL`"));
    }
    output::write(&path, show_hidden(&text).as_bytes())?;
    Ok(path)
}

/// Where the overrides of a server lie.
pub(crate) fn path(workspace: &Workspace, server: &str) -> PathBuf {
    folder(workspace).join(file_name(server))
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.folder().join(Path::new("witgate/overrides"))
}

/// A server's name as the name of a file in this folder, whatever the server is called.
fn file_name(server: &str) -> String {
    let mut out = String::new();
    for (at, c) in server.char_indices() {
        if c.is_alphanumeric() || matches!(c, '-' | '_' | ' ') || (c == '.' && at > 0) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out + ".json"
}

/// A person reviews this text: what does not show in it is written as an escape.
fn show_hidden(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if is_hidden(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_server_leaves_the_folder() {
        assert_eq!(file_name("GitHub (work)"), "GitHub %28work%29.json");
        assert_eq!(file_name("../../x"), "%2E.%2F..%2Fx.json");
        assert_eq!(file_name("a.b"), "a.b.json");
        assert_eq!(file_name(""), ".json");
    }

    #[test]
    fn what_is_hidden_is_seen() {
        let text = "{\n  \"a\u{202e}\u{e0041}\": \"\\n\"\n}";
        let shown = show_hidden(text);
        assert_eq!(shown, "{\n  \"a\\u202e\\udb40\\udc41\": \"\\n\"\n}\n");
    }
}
