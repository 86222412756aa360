//! Configurations, good and bad, without a file system or an environment.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use super::*;

fn env(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("hunter2-hunter2".to_owned()),
        "EMPTY" => Some(String::new()),
        "HOME" => Some("/home/kim".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> Result<Config, ConfigError> {
    parse(text, Path::new("/work/.mcp.json"), &env)
}

fn refusal(text: &str) -> (String, String) {
    let error = read(text).unwrap_err();
    assert!(!error.to_string().contains("hunter2") && !error.hint().contains("hunter2"));
    (error.to_string(), error.hint())
}

#[test]
fn both_transports_are_read_and_expanded() {
    let config = read(
        r#"{ // comments are allowed
          "mcpServers": {
            "git": {"command": "./bin/git", "args": ["--repo", "${REPO:-.}", "$5", "${EMPTY:-x}"],
                    "env": {"GH": "Bearer ${TOKEN}", "N": 1}, "cwd": "sub", "description": "d"},
            "web": {"type": "http", "url": "https://h/${env:TOKEN}", "headers": {"Authorization": "${TOKEN}"}},
            "uvx": {"command": "uvx", "args": ["${workspaceFolder}/a", "${userHome}"]},
            "off": {"command": "x", "disabled": true}
          }
        }"#,
    )
    .unwrap();
    assert_eq!(
        config.servers.keys().collect::<Vec<_>>(),
        ["git", "web", "uvx"]
    );
    let Transport::Stdio {
        command,
        args,
        env,
        cwd,
    } = &config.servers["git"].transport
    else {
        panic!("git is a child process")
    };
    assert_eq!(command, "/work/./bin/git");
    assert_eq!(args, &["--repo", ".", "$5", "x"]);
    assert_eq!(env["GH"], "Bearer hunter2-hunter2");
    assert_eq!(env["N"], "1");
    assert_eq!(cwd, Path::new("/work/sub"));
    let Transport::Http { url, headers } = &config.servers["web"].transport else {
        panic!("web is reached by HTTP")
    };
    assert_eq!(url, "https://h/hunter2-hunter2");
    assert_eq!(headers["Authorization"], "hunter2-hunter2");
    let Transport::Stdio {
        command, args, cwd, ..
    } = &config.servers["uvx"].transport
    else {
        panic!("uvx is a child process")
    };
    assert_eq!(
        (command.as_str(), cwd.as_path()),
        ("uvx", Path::new("/work"))
    );
    assert_eq!(args, &["/work/a", "/home/kim"]);
    assert!(config.servers["uvx"].secrets.is_empty());
    assert_eq!(
        config.notices,
        [
            "server `git`: `description` has no effect here",
            "server `off` is disabled and left out"
        ]
    );
}

#[test]
fn debug_shows_no_value() {
    let config = read(
        r#"{"mcpServers": {
            "a": {"command": "x", "args": ["${TOKEN}"], "env": {"K": "${TOKEN}"}},
            "b": {"url": "http://h/?t=${TOKEN}", "headers": {"K": "${TOKEN}"}}}}"#,
    )
    .unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("\"K\""));
    let secrets = &config.servers["a"].secrets;
    assert_eq!(redact("got hunter2-hunter2!", secrets), "got ***!");
}

#[test]
fn vscode_files_are_read_from_the_folder_above() {
    let text = r#"{"inputs": [], "servers": {"a": {"type": "stdio", "command": "./x"}}}"#;
    let config = parse(text, Path::new("/work/.vscode/mcp.json"), &env).unwrap();
    let Transport::Stdio { command, cwd, .. } = &config.servers["a"].transport else {
        panic!("a is a child process")
    };
    assert_eq!(
        (command.as_str(), cwd.as_path()),
        ("/work/./x", Path::new("/work"))
    );
    assert_eq!(config.notices, ["`inputs` has no effect here"]);
}

#[test]
fn an_unset_variable_is_named_with_server_and_key() {
    let (message, hint) =
        refusal(r#"{"mcpServers": {"a": {"command": "x", "args": ["-t", "${MISSING}"]}}}"#);
    assert_eq!(
        message,
        "/work/.mcp.json: server `a`, `args[1]`: the variable `MISSING` is not set"
    );
    assert_eq!(
        hint,
        "set `MISSING` in the environment, or write `${MISSING:-default}`"
    );
}

#[test]
fn malformed_json_has_line_and_column() {
    let (message, _) = refusal("{\n  \"mcpServers\": { /* a\n b */ \"a\": nope }\n}");
    assert_eq!(message, "/work/.mcp.json:3:13: expected ident");
    let (message, _) = refusal(r#"{"mcpServers": {"a": {"command": "x"}, "a": {"command": "y"}}}"#);
    assert!(message.ends_with("the key `a` stands twice"), "{message}");
}

#[test]
fn unknown_keys_are_errors_with_the_nearest() {
    let (message, hint) = refusal(r#"{"mcpServers": {"a": {"comand": "x"}}}"#);
    assert_eq!(
        message,
        "/work/.mcp.json: unknown key `comand` in server `a`"
    );
    assert_eq!(hint, "did you mean `command`?");
    let (message, hint) = refusal(r#"{"mcpServer": {}}"#);
    assert_eq!(
        message,
        "/work/.mcp.json: unknown key `mcpServer` in the file"
    );
    assert_eq!(hint, "did you mean `mcpServers`?");
}

#[test]
fn contradictions_are_errors() {
    for (text, expected) in [
        (
            r#"{"mcpServers": {"a": {"url": "http://h", "type": "sse"}}}"#,
            "SSE transport is not supported",
        ),
        (
            r#"{"mcpServers": {"a": {"url": "http://h", "command": "x"}}}"#,
            "both `command` and `url`",
        ),
        (
            r#"{"mcpServers": {"a": {}}}"#,
            "neither `command` nor `url`",
        ),
        (
            r#"{"mcpServers": {"a": {"url": "http://h", "args": []}}}"#,
            "`args` does not go with `url`",
        ),
        (
            r#"{"mcpServers": {"a": {"command": "x", "type": "http"}}}"#,
            "contradict",
        ),
        (
            r#"{"mcpServers": {"a": {"command": "x", "envFile": ".env"}}}"#,
            "`envFile` is not supported",
        ),
        (
            r#"{"mcpServers": {"a": {"command": "x", "args": "y"}}}"#,
            "`args` is no list",
        ),
        (
            r#"{"mcpServers": {"a": {"command": ["x"]}}}"#,
            "`command` is no string",
        ),
        (
            r#"{"mcpServers": {"a": {"command": "${input:t}"}}}"#,
            "asks the person for an input",
        ),
        (
            r#"{"mcpServers": {"a": {"command": "${x"}}}"#,
            "without its `}`",
        ),
        (
            r#"{"mcpServers": {"a": {"url": "ftp://h"}}}"#,
            "no HTTP address",
        ),
        (
            r#"{"mcpServers": {}, "servers": {}}"#,
            "both `mcpServers` and `servers`",
        ),
        (r#"{}"#, "there is no `mcpServers`"),
        (r#"[]"#, "no JSON object"),
        (r#"{"mcpServers": {"a": []}}"#, "no JSON object"),
    ] {
        let (message, hint) = refusal(text);
        assert!(message.contains(expected), "{message}");
        assert!(!hint.is_empty());
    }
}

#[test]
fn the_nearest_file_upwards_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::create_dir(folder.path().join(".vscode")).unwrap();
    std::fs::write(folder.path().join(".vscode/mcp.json"), "{}").unwrap();
    assert_eq!(find(&deep), Some(folder.path().join(".vscode/mcp.json")));
    std::fs::write(folder.path().join("a/.mcp.json"), r#"{"mcpServers": {}}"#).unwrap();
    assert_eq!(find(&deep), Some(folder.path().join("a/.mcp.json")));
    assert!(
        load(&folder.path().join("a/.mcp.json"))
            .unwrap()
            .servers
            .is_empty()
    );
    assert!(matches!(
        load(&folder.path().join("none")),
        Err(ConfigError::Read { .. })
    ));
}
