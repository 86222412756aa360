//! What `init` does not do: touch anything where one file cannot be read or written, or put witgate behind itself.

use serde_json::json;

use super::project::place;
use super::{Place, says};

/// Refused, and nothing is different.
fn refused(place: &Place, arguments: &[&str], parts: &[&str]) {
    let before = place.everything();
    says(&place.init(arguments, 2).stderr, parts);
    assert_eq!(place.everything(), before);
}

#[test]
fn a_malformed_file_stops_all() {
    for (name, text, parts) in [
        (
            "p/.mcp.json",
            "{\n  \"mcpServers\": {\n    \"a\": { \"command\": 'hunter2' }\n  }\n}",
            "p/.mcp.json:3:23: single-quoted strings are not allowed",
        ),
        (
            "p/.cursor/mcp.json",
            "{\"mcpServers\": {\"a\": {},\n \"a\": {}}}",
            "mcp.json:2:2: the key `a` stands twice",
        ),
        (
            "p/.vscode/mcp.json",
            "{\"servers\": [\"hunter2\"]}",
            "mcp.json: `servers` is no JSON object",
        ),
        (
            "p/.codex/config.toml",
            "a = 1\n[mcp_servers.x]\ncommand = \"hunter2\n",
            "config.toml:3:",
        ),
        ("p/.codex/config.toml", "a = \"\u{1}\"\n", "config.toml:1:"),
        (".claude.json", "{\"projects\": {", ".claude.json:1:"),
        (
            "p/witgate.json",
            "{\"mcpServers\": {}",
            "witgate.json:1:1: unterminated object",
        ),
    ] {
        let place = place();
        place.write(name, text);
        refused(&place, &[], &[parts, "\n\nhint: "]);
        let output = place.init(&["--json"], 2);
        let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(value["kind"], "configuration");
    }
    let place = place();
    place.write("p/.mcp.json", b"{\"a\": \"\xff\xfe\"}");
    refused(&place, &[], &["the file is not UTF-8"]);
}

#[test]
fn a_file_that_cannot_be_written_stops_all() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = place();
    let path = place.path("p/.vscode/mcp.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    refused(
        &place,
        &[],
        &[
            "mcp.json` is read-only; nothing was changed",
            "leave its client out with `--client`",
        ],
    );
    place.init(&["--client", "claude-code,cursor"], 0);
    assert_eq!(super::mode(&path), 0o444);

    // A folder that cannot be made, found only while writing.
    let place = self::place();
    place.write("p/.witgate", "a file");
    refused(&place, &[], &["cannot read `"]);
    std::fs::remove_file(place.path("p/.witgate")).unwrap();
    std::fs::create_dir(place.path("p/witgate.json")).unwrap();
    refused(&place, &[], &["cannot read `"]);
}

#[test]
fn a_file_that_others_may_write_is_not_used_unless_it_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = place();
    let path = place.path("p/.cursor/mcp.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    refused(
        &place,
        &[],
        &[
            "mcp.json` is not used: others may write to it (mode 666)",
            "name its client with `--client`",
        ],
    );
    place.init(&["--client", "cursor"], 0);
    assert_eq!(super::mode(&path), 0o666);
}

#[test]
fn links_that_came_with_a_folder_lead_nowhere() {
    let link = |place: &Place, to: &str, from: &str| {
        let from = place.path(from);
        std::fs::create_dir_all(from.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(place.path(to), from).unwrap();
    };
    // What `init` keeps would be written through them.
    for (to, from) in [
        (".profile", "p/.witgate/init-backup/.gitignore"),
        (".profile", "p/.witgate/init-backup/1/3-.mcp.json"),
        (".ssh", "p/.witgate"),
        (".ssh", "p/.witgate/init-backup"),
        (".ssh/new", "p/.witgate/init-backup.json"),
    ] {
        let place = self::place();
        place.write(".profile", "mine");
        place.write(".ssh/config", "mine");
        link(&place, to, from);
        refused(
            &place,
            &[],
            &[
                "` is not used: it is a link",
                "if it came with this folder, take it away",
            ],
        );
    }
    for name in ["witgate.json", "grants.toml"] {
        let place = self::place();
        link(&place, ".config/autostart/x", &format!("p/{name}"));
        refused(&place, &[], &["is a link to nothing"]);
    }
}

#[test]
fn links_are_followed_and_stay() {
    let place = place();
    let text = place.read("p/.mcp.json");
    place.write("dotfiles/mcp.json", &text);
    std::fs::remove_file(place.path("p/.mcp.json")).unwrap();
    std::os::unix::fs::symlink("../dotfiles/mcp.json", place.path("p/.mcp.json")).unwrap();
    // Two names of one file: it has one entry.
    std::fs::remove_file(place.path("p/.cursor/mcp.json")).unwrap();
    std::os::unix::fs::symlink("../.mcp.json", place.path("p/.cursor/mcp.json")).unwrap();
    let before = place.everything();
    let output = place.init(&[], 0);
    says(&output.stdout, &["(Claude Code, Cursor)"]);
    assert!(
        place.path("p/.mcp.json").is_symlink() && place.path("p/.cursor/mcp.json").is_symlink()
    );
    assert_eq!(
        place
            .read("dotfiles/mcp.json")
            .matches("\"witgate\"")
            .count(),
        1
    );
    let after = place.everything();
    place.init(&[], 0);
    assert_eq!(place.everything(), after);
    place.init(&["--undo"], 0);
    assert_eq!(place.everything(), before);
}

#[test]
fn witgate_is_never_its_own_server() {
    let place = Place::new();
    let serve = json!({"command": "/old/witgate", "args": ["serve"]});
    place.write(
        "p/.mcp.json",
        json!({"mcpServers": {"front": serve, "a": {"command": "a"}}}).to_string(),
    );
    refused(
        &place,
        &["--config", ".mcp.json"],
        &[
            "is the file of a client",
            "name another file with `--config`",
        ],
    );
    place.init(&[], 0);
    // The entry that served the client's own file now serves the servers' new place, under its name.
    assert_eq!(
        place.json("p/.mcp.json"),
        json!({"mcpServers": {"front": place.entry("p/witgate.json")}})
    );
    assert_eq!(
        place.json("p/witgate.json"),
        json!({"mcpServers": {"a": {"command": "a"}}})
    );

    let place = Place::new();
    place.write(
        "p/.mcp.json",
        json!({"mcpServers": {"a": {"command": "a"}}}).to_string(),
    );
    place.write(
        "p/witgate.json",
        json!({"mcpServers": {"me": {"command": "sh", "args": ["-c", "exec witgate serve"]}}})
            .to_string(),
    );
    refused(
        &place,
        &[],
        &[
            "its server `me` is `witgate serve`",
            "hint: take that server out",
        ],
    );

    // Somebody's own entry for another configuration.
    let place = Place::new();
    place.write("p/other.json", "{\"mcpServers\": {}}");
    let other = json!({"command": witgate_tests::workspace::binary().unwrap(), "args": ["serve", "--config", "other.json"]});
    place.write(
        "p/.mcp.json",
        json!({"mcpServers": {"witgate": other, "a": {"command": "a"}}}).to_string(),
    );
    refused(
        &place,
        &[],
        &[
            "its entry `witgate` serves another configuration",
            "--config ",
        ],
    );
    place.init(&["--config", "other.json"], 0);
    assert_eq!(
        place.json("p/.mcp.json"),
        json!({"mcpServers": {"witgate": other}})
    );
    assert_eq!(
        place.json("p/other.json"),
        json!({"mcpServers": {"a": {"command": "a"}}})
    );
    place.init(&["--undo", "--config", "other.json"], 0);
    assert_eq!(
        place.json("p/.mcp.json")["mcpServers"]["a"],
        json!({"command": "a"})
    );
}

#[test]
fn a_server_called_witgate_is_one_like_others() {
    let place = Place::new();
    let demo = json!({"command": "witgate", "args": ["demo-server"]});
    place.write(
        "p/.mcp.json",
        json!({"mcpServers": {"witgate": demo}}).to_string(),
    );
    place.write(
        "p/.cursor/mcp.json",
        json!({"mcpServers": {"witgate": {"command": "x", "envFile": "e"}}}).to_string(),
    );
    place.init(&[], 0);
    let entry = place.entry("p/witgate.json");
    assert_eq!(
        place.json("p/witgate.json"),
        json!({"mcpServers": {"witgate": demo}})
    );
    assert_eq!(
        place.json("p/.mcp.json"),
        json!({"mcpServers": {"witgate": entry}})
    );
    assert_eq!(
        place.json("p/.cursor/mcp.json")["mcpServers"]["witgate-serve"],
        entry
    );
}

#[test]
fn where_there_is_nothing_the_way_is_shown() {
    let mut place = Place::new();
    refused(
        &place,
        &[],
        &[
            "no MCP client's file is here",
            "witgate init --client claude-code",
        ],
    );
    place.write(
        "p/.mcp.json",
        "{\"mcpServers\": {\"odd\": {\"command\": \"x\", \"envFile\": \"e\"}}}",
    );
    refused(
        &place,
        &[],
        &["no server that could be moved is in `", "p/.mcp.json`"],
    );
    // In a folder of a project, the user's files are not meant.
    place.write(".claude.json", r#"{"mcpServers": {"a": {"command": "a"}}}"#);
    place.write("p/src/lib.rs", "");
    place.stand.enter("home/p/src");
    refused(
        &place,
        &[],
        &[
            "this folder has no MCP client's file; `",
            "run `witgate init` there",
        ],
    );
}
