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

pub(super) fn read(text: &str) -> Result<Config, ConfigError> {
    parse(text, Path::new("/proj/.mcp.json"), &env)
}

pub(super) fn refusal(text: &str) -> (String, String) {
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
    assert_eq!(command, "/proj/./bin/git");
    assert_eq!(args, &["--repo", ".", "$5", "x"]);
    assert_eq!(env["GH"], "Bearer hunter2-hunter2");
    assert_eq!(env["N"], "1");
    assert_eq!(cwd, Path::new("/proj/sub"));
    let Transport::Http { url, headers, .. } = &config.servers["web"].transport else {
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
        ("uvx", Path::new("/proj"))
    );
    assert_eq!(args, &["/proj/a", "/home/kim"]);
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
    let config = parse(text, Path::new("/proj/.vscode/mcp.json"), &env).unwrap();
    let Transport::Stdio { command, cwd, .. } = &config.servers["a"].transport else {
        panic!("a is a child process")
    };
    assert_eq!(
        (command.as_str(), cwd.as_path()),
        ("/proj/./x", Path::new("/proj"))
    );
    assert_eq!(config.notices, ["`inputs` has no effect here"]);
}

#[test]
fn an_unset_variable_is_named_with_server_and_key() {
    let (message, hint) =
        refusal(r#"{"mcpServers": {"a": {"command": "x", "args": ["-t", "${MISSING}"]}}}"#);
    assert_eq!(
        message,
        "/proj/.mcp.json: server `a`, `args[1]`: the variable `MISSING` is not set"
    );
    assert_eq!(
        hint,
        "set `MISSING` in the environment, or write `${MISSING:-default}`"
    );
}

#[test]
fn malformed_json_has_line_and_column() {
    let (message, _) = refusal("{\n  \"mcpServers\": { /* a\n b */ \"a\": nope }\n}");
    assert_eq!(message, "/proj/.mcp.json:3:13: expected ident");
    let (message, _) = refusal(r#"{"mcpServers": {"a": {"command": "x"}, "a": {"command": "y"}}}"#);
    assert!(message.ends_with("the key `a` stands twice"), "{message}");
}

#[test]
fn unknown_keys_are_errors_with_the_nearest() {
    let (message, hint) = refusal(r#"{"mcpServers": {"a": {"comand": "x"}}}"#);
    assert_eq!(
        message,
        "/proj/.mcp.json: unknown key `comand` in server `a`"
    );
    assert_eq!(hint, "did you mean `command`?");
    let (message, hint) = refusal(r#"{"mcpServer": {}}"#);
    assert_eq!(
        message,
        "/proj/.mcp.json: unknown key `mcpServer` in the file"
    );
    assert_eq!(hint, "did you mean `mcpServers`?");
}

#[test]
fn who_shares_a_server_is_read() {
    let scope = |said: &str| {
        let text = format!(r#"{{"mcpServers": {{"a": {{"command": "x"{said}}}}}}}"#);
        read(&text).map(|config| config.servers["a"].scope)
    };
    for (said, expected) in [
        ("", Scope::Host),
        (r#", "scope": "host""#, Scope::Host),
        (r#", "scope": "session""#, Scope::Session),
        (r#", "scope": "run""#, Scope::Run),
    ] {
        assert_eq!(scope(said).unwrap(), expected);
    }
    for wrong in [r#", "scope": "conversation""#, r#", "scope": null"#] {
        let error = scope(wrong).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("`scope` is none of `host`, `session`, `run`")
        );
        assert!(error.hint().contains("`session` for one per session"));
    }
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
fn what_is_secret_is_found_and_the_rest_can_be_read() {
    let config = read(
        r#"{"mcpServers": {
            "a": {"command": "x",
                  "args": ["--api-key", "literal-1", "--auth=literal-2", "-e", "GH_TOKEN=literal-3",
                           "--header", "Authorization: Bearer literal-4", "--no-auth", "--verbose",
                           "https://user-5:p%40ss-6@host/mcp?mode=literal-7", "${NONE:-default-8}",
                           "/srv/ab1Cd2Ef3Gh4Ij5Kl6Mn7/data", "@modelcontextprotocol/server-2024-11-05"],
                  "env": {"DB": "postgres://kim-son:literal-9@db.example/x", "H": "Bearer literal-0"}},
            "b": {"url": "https://literal-a@h.example/s/0a1b2c3d4e5f60718293/mcp?key=literal-b&x=1",
                  "headers": {"Authorization": "Basic literal-c"}}}}"#,
    )
    .unwrap();
    let mut expected: Vec<String> = (0..=9).map(|n| format!("literal-{n}")).collect();
    expected.retain(|text| !["literal-5", "literal-6", "literal-8"].contains(&text.as_str()));
    expected.extend(
        [
            "user-5",
            "p%40ss-6",
            "p@ss-6",
            "default-8",
            "ab1Cd2Ef3Gh4Ij5Kl6Mn7",
        ]
        .map(str::to_owned),
    );
    for text in expected {
        assert_eq!(
            redact(&format!("<{text}>"), &config.servers["a"].secrets),
            "<***>"
        );
    }
    for text in [
        "literal-a",
        "literal-b",
        "literal-c",
        "0a1b2c3d4e5f60718293",
    ] {
        assert_eq!(
            redact(&format!("<{text}>"), &config.servers["b"].secrets),
            "<***>"
        );
    }
    for text in [
        "--verbose",
        "@modelcontextprotocol/server-2024-11-05",
        "/srv/",
        "db.example",
    ] {
        assert_eq!(redact(text, &config.servers["a"].secrets), text);
    }
}

#[test]
fn inherited_credentials_are_secrets_too() {
    let variables = [
        ("GITHUB_TOKEN", "inherited"),
        ("LANG", "C.UTF-8.long"),
        ("KEY", "short"),
    ];
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    let mut found = Vec::new();
    secrets::add_environment(variables.into_iter(), &mut found);
    assert_eq!(found, ["inherited"]);
}

#[test]
fn no_piece_of_a_secret_is_left() {
    let list = |secrets: &[&str]| secrets.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    for (secrets, text, expected) in [
        (
            list(&["secret", "secret-token"]),
            "a secret-token b secret",
            "a *** b ***",
        ),
        (
            list(&["abcdef", "defghi"]),
            "abcdefghi, abcdefabcdef",
            "***, ******",
        ),
        (list(&["abc"]), "abc", "abc"),
        (
            list(&["-----BEGIN KEY\nAbCdEfGh\nIj\n-----END KEY"]),
            "x\n  AbCdEfGh\n-----END KEY\n",
            "x\n  ***\n***\n",
        ),
        (list(&["-----BEGIN KEY\\nAbCdEfGh\\n"]), "AbCdEfGh", "***"),
        (
            list(&["pass\"word"]),
            r#"{"k": "pass\"word"}"#,
            r#"{"k": "***"}"#,
        ),
    ] {
        assert_eq!(redact(text, &secrets), expected);
    }
    let value = serde_json::json!({"a": ["x secret", 1, null], "secret": {"b": "secret"}});
    let expected = serde_json::json!({"a": ["x ***", 1, null], "***": {"b": "***"}});
    assert_eq!(redact_value(value, &list(&["secret"])), expected);
}

#[test]
fn a_line_is_cut_after_its_secrets_are_gone() {
    let secrets = vec!["sk-secret-123456".to_owned()];
    let line = format!("{}sk-secret-123456 and more", "x".repeat(1015));
    let shown = excerpt(line.as_bytes(), true, 1024, &secrets);
    assert_eq!(shown, format!("{}*** and m", "x".repeat(1015)));
    // Where the line goes on, its end may be half a secret.
    let shown = excerpt(b"sk-secret-123456sk-secret-12345", false, 1024, &secrets);
    assert!(!shown.contains("sk-"), "{shown}");
    let flood = "sk-secret-123456".repeat(LONGEST_LINE / 15);
    assert!(!excerpt(flood.as_bytes(), true, 1024, &secrets).contains('s'));
    assert_eq!(
        excerpt("\x1b[2Ja\tb\u{202e}\n".as_bytes(), true, 99, &[]),
        "\u{fffd}[2Ja b\u{fffd}"
    );
}

#[test]
fn a_file_that_is_not_there_is_an_error_and_an_empty_one_is_not_valid() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".mcp.json");
    assert!(matches!(load(&path), Err(ConfigError::Read { .. })));
    std::fs::write(&path, "").unwrap();
    assert!(matches!(load(&path), Err(ConfigError::Malformed { .. })));
    std::fs::write(&path, r#"{"mcpServers": {}}"#).unwrap();
    assert!(load(&path).unwrap().servers.is_empty());
}

#[cfg(unix)]
mod search {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::path::PathBuf;

    use super::super::find::{Person, find_for, others_may_write};
    use super::*;

    fn me() -> Person {
        Person {
            user: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
        }
    }

    /// A folder with `a/b/c` in it.
    fn folders() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let deep = top.join("a/b/c");
        std::fs::create_dir_all(&deep).unwrap();
        (folder, top, deep)
    }

    fn write(path: &Path) {
        std::fs::write(path, r#"{"mcpServers": {}}"#).unwrap();
        set_mode(path, 0o644);
        set_mode(path.parent().unwrap(), 0o755);
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_nearest_file_upwards_is_found() {
        let (_folder, top, deep) = folders();
        std::fs::create_dir(top.join("a/.vscode")).unwrap();
        write(&top.join("a/.vscode/mcp.json"));
        assert_eq!(find_for(&deep, Some(&top), &me()).unwrap(), None);
        write(&top.join(".mcp.json"));
        assert_eq!(find(&deep).unwrap(), Some(top.join(".mcp.json")));
        write(&top.join("a/.mcp.json"));
        assert_eq!(find(&deep).unwrap(), Some(top.join("a/.mcp.json")));
        // Where `witgate init` moved the servers, the clients' file holds witgate alone.
        write(&top.join("a/witgate.json"));
        assert_eq!(find(&deep).unwrap(), Some(top.join("a/witgate.json")));
        std::fs::remove_file(top.join("a/witgate.json")).unwrap();
    }

    #[test]
    fn the_search_ends_at_a_repository_and_at_home() {
        let (_folder, top, deep) = folders();
        write(&top.join(".mcp.json"));
        let found = |home: &Path| find_for(&deep, Some(home), &me()).unwrap();
        assert_eq!(found(&top), Some(top.join(".mcp.json")));
        assert_eq!(found(&top.join("a")), None);
        std::fs::create_dir(top.join("a/.git")).unwrap();
        assert_eq!(found(&top), None);
        write(&top.join("a/.mcp.json"));
        assert_eq!(found(&top), Some(top.join("a/.mcp.json")));
    }

    #[test]
    fn a_file_that_somebody_else_may_have_written_is_an_error() {
        let (_folder, top, deep) = folders();
        let path = top.join("a/.mcp.json");
        let refused = |person: &Person| {
            let error = find_for(&deep, Some(&top), person).unwrap_err();
            assert!(
                error
                    .hint()
                    .ends_with(&format!("`--config {}`", path.display()))
            );
            let message = error.to_string();
            let (file, reason) = message.split_once(" is not used: ").unwrap();
            assert_eq!(file, format!("`{}`", path.display()));
            reason.to_owned()
        };
        write(&path);
        set_mode(&path, 0o646);
        assert_eq!(refused(&me()), "others may write to it (mode 646)");
        set_mode(&path, 0o644);
        set_mode(&top.join("a"), 0o777);
        assert_eq!(refused(&me()), "others may write to its folder (mode 777)");
        set_mode(&top.join("a"), 0o1777);
        assert_eq!(find(&deep).unwrap(), Some(path.clone()));

        // Only root can give files away; for others, root's files and their own are all that they can make.
        if me().user == 0 {
            chown(&path, Some(65534), None).unwrap();
            assert_eq!(refused(&me()), "it belongs to another user (65534)");
            let nobody = Person {
                user: 65534,
                group: 65534,
            };
            assert_eq!(find_for(&deep, None, &nobody).unwrap(), Some(path.clone()));
            chown(&path, Some(0), None).unwrap();
            assert_eq!(find_for(&deep, None, &nobody).unwrap(), Some(path.clone()));
        } else {
            let other = Person {
                user: me().user + 1,
                group: me().group,
            };
            assert!(refused(&other).contains("belongs to another user"));
        }

        std::fs::remove_file(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        assert_eq!(refused(&me()), "it is no regular file");
        std::fs::remove_file(&path).unwrap();
        symlink("nothing", &path).unwrap();
        let error = find_for(&deep, Some(&top), &me()).unwrap_err();
        assert!(matches!(error, ConfigError::Read { .. }), "{error}");
    }

    #[test]
    fn a_group_may_write_where_it_is_the_users_own() {
        let kim = Person {
            user: 1000,
            group: 1000,
        };
        assert!(!others_may_write(0o100_664, 1000, &kim));
        assert!(others_may_write(0o100_664, 100, &kim));
        assert!(others_may_write(
            0o100_664,
            100,
            &Person {
                user: 1000,
                group: 100
            }
        ));
        assert!(others_may_write(0o100_602, 1000, &kim));
        assert!(!others_may_write(0o100_644, 100, &kim));
    }
}

#[test]
fn a_server_whose_variables_are_not_set_can_be_left_out() {
    let text =
        r#"{"mcpServers": {"a": {"command": "a", "args": ["${MISSING}"]}, "b": {"command": "b"}}}"#;
    let config = parse_with(
        text,
        Path::new("/proj/.mcp.json"),
        &|_| None,
        Unset::LeaveOut,
    )
    .unwrap();
    assert_eq!(config.servers.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(
        config.notices,
        ["server `a` is left out: the variable `MISSING` is not set"]
    );
    let other = text.replace("command\": \"b", "comand\": \"b");
    assert!(
        parse_with(
            &other,
            Path::new("/proj/.mcp.json"),
            &|_| None,
            Unset::LeaveOut
        )
        .is_err()
    );
}
