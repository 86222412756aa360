//! The files that the user has everywhere: one configuration for five clients, in the user's own folder.

use serde_json::{Value, json};

use super::{Place, SECRET, mode, says};

/// Where the applications keep their settings.
fn applications() -> &'static str {
    if cfg!(target_os = "macos") {
        "Library/Application Support"
    } else {
        ".config"
    }
}

fn desktop() -> String {
    format!("{}/Claude/claude_desktop_config.json", applications())
}

fn vscode() -> String {
    format!("{}/Code/User/mcp.json", applications())
}

fn place() -> Place {
    let place = Place::new();
    place.write(
        ".claude.json",
        json!({"numStartups": 1, "mcpServers": {"git": {"type": "stdio", "command": "git-mcp", "args": [], "env": {"T": SECRET}}}}).to_string(),
    );
    place.write(
        &desktop(),
        json!({"globalShortcut": "", "mcpServers": {"git": {"command": "git-mcp", "env": {"T": SECRET}}, "dollar": {"command": "x", "args": ["${A}"]}}})
            .to_string(),
    );
    place.write(
        ".cursor/mcp.json",
        json!({"mcpServers": {"near": {"command": "./near"}, "web": {"url": "https://h/mcp", "headers": {"A": "${env:WEB_TOKEN}"}}}}).to_string(),
    );
    place.write(&vscode(), "{\n\t// mine\n\t\"servers\": {\n\t\t\"open\": {\"type\": \"stdio\", \"command\": \"x\", \"args\": [\"${workspaceFolder}\"]}\n\t}\n}\n");
    place.write(
        ".codex/config.toml",
        "model = \"m\"\n\n[mcp_servers.docs]\nurl = \"https://d/mcp\"\nbearer_token_env_var = \"DOCS_TOKEN\"\nhttp_headers = { X = \"1\" }\n",
    );
    place
}

#[test]
fn one_configuration_for_all_clients() {
    let place = place();
    let before = place.everything();
    let output = place.init(&["--user"], 0);
    let home = place
        .path("")
        .to_str()
        .unwrap()
        .trim_end_matches('/')
        .to_owned();
    let configuration = ".config/witgate/servers.json";
    assert_eq!(
        place.json(configuration),
        json!({"mcpServers": {
            "git": {"command": "git-mcp", "env": {"T": SECRET}, "cwd": home},
            "web": {"url": "https://h/mcp", "headers": {"A": "${WEB_TOKEN}"}},
            "docs": {"url": "https://d/mcp", "headers": {"Authorization": "Bearer ${DOCS_TOKEN}", "X": "1"}},
        }})
    );
    assert_eq!(mode(&place.path(configuration)), 0o600);
    assert_eq!(mode(&place.path(".config/witgate")), 0o700);
    says(
        &place.read(".config/witgate/grants.toml"),
        &["server = \"workspace\"", "# server = \"docs\""],
    );
    let entry = place.entry(configuration);
    assert_eq!(
        place.json(".claude.json"),
        json!({"numStartups": 1, "mcpServers": {"witgate": entry}})
    );
    let kept = json!({"command": "x", "args": ["${A}"]});
    assert_eq!(
        place.json(&desktop()),
        json!({"globalShortcut": "", "mcpServers": {"witgate": entry, "dollar": kept}})
    );
    assert_eq!(
        place.json(".cursor/mcp.json"),
        json!({"mcpServers": {"near": {"command": "./near"}, "witgate": entry}})
    );
    let mut typed = entry.clone();
    typed["type"] = json!("stdio");
    let text = place.read(&vscode());
    says(&text, &["\t// mine\n", "\t\t\"open\": {"]);
    let vscode_file: Value = serde_json::from_str(&text.replace("// mine", "")).unwrap();
    assert_eq!(vscode_file["servers"]["witgate"], typed);
    says(
        &place.read(".codex/config.toml"),
        &[
            "model = \"m\"\n\n[mcp_servers.witgate]\n",
            "env_vars = [\"WEB_TOKEN\", \"DOCS_TOKEN\"]\n",
        ],
    );
    says(
        &output.stdout,
        &[
            "= near  stays: `command` is a path from the folder that the client has open",
            "= dollar  stays: `args[0]` holds a `${` that stands for itself there",
            "= open  stays: `args[0]` speaks of the folder that the client has open",
        ],
    );
    says(
        &output.stderr,
        &[
            "warning: `git`: it runs in your home folder now",
            "Claude Desktop gives its servers few variables: write `WEB_TOKEN`, `DOCS_TOKEN` under `env`",
            "`witgate init --undo --user` puts them back",
        ],
    );
    let after = place.everything();
    place.init(&["--user"], 0);
    assert_eq!(place.everything(), after);
    place.init(&["--user", "--undo"], 0);
    assert_eq!(place.everything(), before);
}

#[test]
fn without_files_in_the_folder_it_is_the_users() {
    let place = place();
    let output = place.init(&["--json"], 0);
    let value: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(value["scope"], "user");
    says(
        &value["warnings"].to_string(),
        &["this folder has no MCP client's file"],
    );
    // Its undo is found as it was made: without a word.
    place.init(&["--undo"], 0);
    assert_eq!(
        place.json(".claude.json")["mcpServers"]["git"]["command"],
        "git-mcp"
    );
}

#[test]
fn one_client_is_picked_and_gets_a_file_where_it_has_none() {
    let place = place();
    let before = place.everything();
    place.init(&["--client", "cursor,codex"], 0);
    assert_eq!(
        place.json("p/.cursor/mcp.json"),
        json!({"mcpServers": {"witgate": place.entry("p/witgate.json")}})
    );
    assert_eq!(place.json("p/witgate.json"), json!({"mcpServers": {}}));
    says(
        &place.read("p/.codex/config.toml"),
        &["[mcp_servers.witgate]\ncommand = "],
    );
    assert!(!place.path("p/.mcp.json").exists() && !place.path("p/.vscode").exists());
    assert_eq!(
        place.json(".cursor/mcp.json")["mcpServers"]["near"],
        json!({"command": "./near"})
    );
    place.init(&["--undo"], 0);
    assert_eq!(place.everything(), before);

    // Claude Desktop has servers of the user only.
    let output = place.init(&["--client", "claude-desktop", "--json", "--dry-run"], 0);
    says(&output.stdout, &["\"scope\":\"user\""]);
    says(
        &place.init(&["--client", "claude-desktop,cursor"], 2).stderr,
        &["hint: add `--user`"],
    );
    says(
        &place.init(&["--client", "emacs"], 2).stderr,
        &["possible values: claude-code, claude-desktop, cursor, vscode, codex"],
    );
}

#[test]
fn in_the_home_folder_its_files_are_the_users() {
    let mut place = place();
    place.stand.enter("home");
    let output = place.init(&["--json", "--dry-run"], 0);
    says(&output.stdout, &["\"scope\":\"user\""]);
    says(
        &place.init(&["--client", "cursor"], 2).stderr,
        &["has no file for this folder", "add `--user`"],
    );
}

#[test]
fn other_folders_of_the_clients_are_honoured() {
    let mut place = place();
    for (name, folder) in [
        ("CODEX_HOME", "c"),
        ("CLAUDE_CONFIG_DIR", "cc"),
        ("XDG_CONFIG_HOME", "x"),
    ] {
        let folder = place.path(folder);
        place.stand.set(name, folder.display().to_string());
    }
    place.write("c/config.toml", "[mcp_servers.a]\ncommand = \"a\"\n");
    place.write(
        "cc/.claude.json",
        r#"{"mcpServers": {"b": {"command": "b"}}}"#,
    );
    place.init(&["--user"], 0);
    assert_eq!(
        place.json("cc/.claude.json")["mcpServers"],
        json!({"witgate": place.entry("x/witgate/servers.json")})
    );
    let servers = place.json("x/witgate/servers.json")["mcpServers"].clone();
    assert!(
        servers["a"].is_object() && servers["b"].is_object(),
        "{servers}"
    );
    says(&place.read(".codex/config.toml"), &["[mcp_servers.docs]"]);
}

#[test]
fn the_users_entry_is_not_hidden_by_a_folders() {
    let place = place();
    place.write(
        "p/.cursor/mcp.json",
        r#"{"mcpServers": {"here": {"command": "x"}}}"#,
    );
    place.init(&[], 0);
    place.init(&["--user", "--client", "cursor"], 0);
    let users = place.json(".cursor/mcp.json")["mcpServers"].clone();
    assert_eq!(
        users["witgate-user"],
        place.entry(".config/witgate/servers.json")
    );
}

#[test]
fn a_folders_entry_does_not_hide_the_users() {
    let place = place();
    place.init(&["--user"], 0);
    place.write(
        "p/.mcp.json",
        r#"{"mcpServers": {"here": {"command": "x"}}}"#,
    );
    place.write("p/.vscode/mcp.json", r#"{"servers": {}}"#);
    place.init(&[], 0);
    let entry = place.entry("p/witgate.json");
    assert_eq!(
        place.json("p/.mcp.json"),
        json!({"mcpServers": {"witgate-project": entry}})
    );
    let after = place.everything();
    place.init(&[], 0);
    place.init(&["--user"], 0);
    assert_eq!(place.everything(), after);
}
