//! The files of one folder: what each of four clients' files, and Claude Code's own list for the folder, becomes.

use serde_json::json;

use super::{Place, SECRET, mode, says};

const CLAUDE: &str = r#"{
  // for everybody who works here
  "mcpServers": {
    // the tracker
    "issues": {
      "type": "stdio",
      "command": "witgate",
      "args": ["demo-server"],
      "timeout": 5000
    }, // see the wiki
    "files": { "command": "./bin/files", "args": ["${CLAUDE_PROJECT_DIR:-.}/data"], "env": { "KEY": "hunter2-hunter2" } },
    "odd": { "command": "odd", "envFile": ".env" },
  },
  "unknown": [1, 2]
}
"#;
const CURSOR: &str = "\u{feff}{\r\n\t\"mcpServers\": {\r\n\t\t\"issues\": {\r\n\t\t\t\"command\": \"witgate\",\r\n\t\t\t\"args\": [\"demo-server\"]\r\n\t\t},\r\n\t\t\"files\": { \"command\": \"other\", \"env\": { \"TOKEN\": \"${env:PATH}\" } }\r\n\t}\r\n}\r\n";
const VSCODE: &str = r#"{
    "inputs": [{ "id": "key", "type": "promptString", "description": "a key" }],
    "servers": {
        "ask": { "type": "stdio", "command": "ask", "env": { "KEY": "${input:key}" } },
        /* the web */
        "web": { "type": "http", "url": "https://example.com/mcp", "headers": { "X-Key": "hunter2-hunter2" } },
        "workspace": { "type": "stdio", "command": "ws", "args": ["${workspaceFolder}/x"] }
    }
}"#;
const CODEX: &str = r#"# Codex in this folder
model = "m"   # kept

# its tracker
[mcp_servers.tracker]
command = "witgate"
args = ["demo-server"]
env_vars = ["TRACKER_TOKEN"]
startup_timeout_sec = 20

[mcp_servers.tracker.env]
MODE = "fast"

[tools]
web_search = true
"#;

fn own_list(place: &Place) -> String {
    let folder = place.path("p").canonicalize().unwrap();
    let list = json!({
        "numStartups": 3,
        "projects": {
            folder.to_str().unwrap(): {
                "mcpServers": { "private": { "type": "stdio", "command": "private", "args": [], "env": { "KEY": SECRET } } },
                "disabledMcpjsonServers": ["off"],
            },
            "/elsewhere": { "mcpServers": { "stranger": { "command": "x" } } },
        },
        "mcpServers": { "everywhere": { "command": "x" } },
    });
    serde_json::to_string_pretty(&list).unwrap()
}

pub(super) fn place() -> Place {
    let place = Place::new();
    place.write("p/.mcp.json", CLAUDE);
    place.write("p/.cursor/mcp.json", CURSOR);
    place.write("p/.vscode/mcp.json", VSCODE);
    place.write("p/.codex/config.toml", CODEX);
    place.write(".claude.json", own_list(&place));
    place
}

#[test]
fn every_client_keeps_one_entry_and_witgate_has_the_servers() {
    let place = place();
    let output = place.init(&[], 0);
    says(
        &output.stdout,
        &[
            "witgate.json  (new)\n  + issues\n  + files\n  + files-cursor\n",
            ".mcp.json  (Claude Code)\n  - issues\n  - files\n  = odd  stays: `envFile` is not supported\n  + witgate  ",
            "mcp.json  (Cursor)\n  - issues  witgate has it already\n  - files  as files-cursor\n",
            "  = ask  stays: `env.KEY` asks the person for an input\n",
            "  - workspace  as workspace-vscode\n",
        ],
    );
    says(
        &output.stderr,
        &[
            "warning: `issues`: `timeout` has no effect in witgate and was left out",
            "warning: not set here, and needed where witgate is started: `TRACKER_TOKEN`",
            "`witgate init --undo` puts them back",
            "\n\nhint: start the clients anew",
            "witgate tools --config ",
            "grants.toml",
        ],
    );
    let (command, configuration) = (
        witgate_tests::workspace::binary().unwrap(),
        place.path("p/witgate.json"),
    );
    let (command, configuration) = (command.display(), configuration.display());
    assert_eq!(
        place.read("p/.mcp.json"),
        format!(
            r#"{{
  // for everybody who works here
  "mcpServers": {{
    // the tracker
    "witgate": {{
      "command": "{command}",
      "args": ["serve", "--config", "{configuration}"]
    }}, // see the wiki
    "odd": {{ "command": "odd", "envFile": ".env" }},
  }},
  "unknown": [1, 2]
}}
"#
        )
    );
    assert_eq!(
        place.read("p/.cursor/mcp.json"),
        format!(
            "\u{feff}{{\r\n\t\"mcpServers\": {{\r\n\t\t\"witgate\": {{\r\n\t\t\t\"command\": \"{command}\",\r\n\t\t\t\"args\": [\"serve\", \"--config\", \"{configuration}\"]\r\n\t\t}}\r\n\t}}\r\n}}\r\n"
        )
    );
    assert_eq!(
        place.read("p/.vscode/mcp.json"),
        format!(
            r#"{{
    "inputs": [{{ "id": "key", "type": "promptString", "description": "a key" }}],
    "servers": {{
        "ask": {{ "type": "stdio", "command": "ask", "env": {{ "KEY": "${{input:key}}" }} }},
        /* the web */
        "witgate": {{
            "type": "stdio",
            "command": "{command}",
            "args": ["serve", "--config", "{configuration}"]
        }}
    }}
}}"#
        )
    );
    assert_eq!(
        place.read("p/.codex/config.toml"),
        format!(
            r#"# Codex in this folder
model = "m"   # kept

# its tracker
[mcp_servers.witgate]
command = "{command}"
args = ["serve", "--config", "{configuration}"]
env_vars = ["TRACKER_TOKEN"]

[tools]
web_search = true
"#
        )
    );
    // Of the user's file, only the list for this folder; the lists of others are not there.
    let claude = place.json(".claude.json");
    let folder = place.path("p").canonicalize().unwrap();
    assert_eq!(
        claude["projects"][folder.to_str().unwrap()]["mcpServers"],
        json!({"witgate": place.entry("p/witgate.json")})
    );
    assert_eq!(
        claude["projects"]["/elsewhere"]["mcpServers"],
        json!({"stranger": {"command": "x"}})
    );
    assert_eq!(
        claude["mcpServers"],
        json!({"everywhere": {"command": "x"}})
    );
    assert_eq!(
        place.json("p/witgate.json"),
        json!({"mcpServers": {
            "issues": {"command": "witgate", "args": ["demo-server"]},
            "files": {"command": "./bin/files", "args": ["${workspaceFolder}/data"], "env": {"KEY": SECRET}},
            "files-cursor": {"command": "other", "env": {"TOKEN": "${PATH}"}},
            "web": {"url": "https://example.com/mcp", "headers": {"X-Key": SECRET}},
            "workspace-vscode": {"command": "ws", "args": ["${workspaceFolder}/x"]},
            "tracker": {"command": "witgate", "args": ["demo-server"], "env": {"MODE": "fast"}},
            "private": {"command": "private", "env": {"KEY": SECRET}},
        }})
    );
    assert_eq!(mode(&place.path("p/witgate.json")), 0o600);
    assert_eq!(mode(&place.path("p/.mcp.json")), 0o644);
    let grants = place.read("p/grants.toml");
    says(
        &grants,
        &[
            "[[grant]]\nserver = \"workspace\"\ntools = [\"*\"]\n",
            "# server = \"files-cursor\"\n",
        ],
    );
    assert_eq!(
        witgate_host::grants::parse(&grants, "grants.toml")
            .unwrap()
            .grants
            .len(),
        1
    );
    // Copies hold secrets.
    assert_eq!(mode(&place.path("p/.witgate/init-backup")), 0o700);
    assert_eq!(place.read("p/.witgate/init-backup/.gitignore"), "*\n");
    assert!(!place.read("p/.witgate/init-backup.json").contains(SECRET));
    let copy = place.path("p/.witgate/init-backup/1/3-.mcp.json");
    assert_eq!(
        (mode(&copy), std::fs::read_to_string(&copy).unwrap()),
        (0o600, CLAUDE.to_owned())
    );
}

#[test]
fn all_of_it_is_taken_back_to_the_byte() {
    let place = place();
    place.write("p/.vscode/settings.json", "{}");
    let before = place.everything();
    place.init(&[], 0);
    assert_ne!(place.everything(), before);
    let output = place.init(&["--undo"], 0);
    says(
        &output.stdout,
        &[
            "p/.mcp.json  as it was before\n",
            "p/witgate.json  removed\n",
            "p/grants.toml  removed\n",
        ],
    );
    assert_eq!(place.everything(), before);
    says(&place.init(&["--undo"], 2).stderr, &["nothing to undo"]);
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let place = place();
    let before = place.everything();
    let dry = place.init(&["--dry-run"], 0);
    assert_eq!(place.everything(), before);
    says(&dry.stderr, &["nothing was written"]);
    let wet = place.init(&[], 0);
    assert_eq!(dry.stdout, wet.stdout);
    let after = place.everything();
    place.init(&["--undo", "--dry-run"], 0);
    assert_eq!(place.everything(), after);
}

#[test]
fn a_second_time_changes_nothing_until_there_is_something_new() {
    let place = place();
    place.init(&[], 0);
    let after = place.everything();
    let output = place.init(&[], 0);
    assert_eq!(place.everything(), after);
    says(
        &output.stdout,
        &[".mcp.json  (Claude Code, as it is)\n  = odd  stays"],
    );
    says(
        &output.stderr,
        &["nothing to do: witgate stands in front already"],
    );

    // A server that was added since is moved too, to the others; a person's own additions to witgate's files stay.
    let own = place
        .read("p/witgate.json")
        .replacen("\"issues\"", "// by hand\n    \"issues\"", 1);
    place.write("p/witgate.json", own);
    place.write("p/grants.toml", "# mine\n");
    let claude = place.read("p/.mcp.json").replace(
        "\"odd\": {",
        "\"new\": { \"command\": \"new\" },\n    \"odd\": {",
    );
    place.write("p/.mcp.json", claude);
    let output = place.init(&[], 0);
    says(
        &output.stdout,
        &[
            "witgate.json\n  + new\n",
            ".mcp.json  (Claude Code)\n  - new\n  = odd",
        ],
    );
    let own = place.read("p/witgate.json");
    says(
        &own,
        &[
            "// by hand\n",
            "\"new\": {\n      \"command\": \"new\"\n    }\n  }\n}\n",
        ],
    );
    assert_eq!(place.read("p/grants.toml"), "# mine\n");
    assert!(!place.read("p/.mcp.json").contains("\"new\""));
    assert_eq!(place.read("p/.mcp.json").matches("\"witgate\"").count(), 1);
}

#[test]
fn of_two_servers_with_one_name_both_are_kept() {
    let place = Place::new();
    let of = |command: &str| json!({"mcpServers": {"github": {"command": command}}}).to_string();
    place.write("p/.mcp.json", of("a"));
    place.write("p/.cursor/mcp.json", of("b"));
    place.write("p/.vscode/mcp.json", r#"{"servers": {"github": {"type": "stdio", "command": "a"}, "github-cursor": {"type": "stdio", "command": "c"}}}"#);
    place.init(&[], 0);
    let wanted = json!({"mcpServers": {
        "github": {"command": "a"}, "github-cursor": {"command": "b"}, "github-cursor-vscode": {"command": "c"}}});
    assert_eq!(place.json("p/witgate.json"), wanted);
    // A third, later, under both names.
    place.write("p/.cursor/mcp.json", of("d"));
    place.init(&[], 0);
    assert_eq!(
        place.json("p/witgate.json")["mcpServers"]["github-cursor-2"],
        json!({"command": "d"})
    );
    place.write("p/.cursor/mcp.json", of("d"));
    let output = place.init(&[], 0);
    says(&output.stdout, &["  - github  as github-cursor-2\n"]);
    assert_eq!(
        place.json("p/witgate.json")["mcpServers"]
            .as_object()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn what_a_person_switched_off_or_excepts_stays() {
    let place = place();
    place.write(
        "p/.mcp.json",
        r#"{"mcpServers": {"off": {"command": "off"}, "local": {"command": "l"}, "kept": {"command": "k"}, "on": {"command": "o"}}}"#,
    );
    place.write(
        "p/.claude/settings.local.json",
        r#"{"disabledMcpjsonServers": ["local"]}"#,
    );
    let output = place.init(&["--except", "kept", "--client", "claude-code"], 0);
    says(
        &output.stdout,
        &[
            "= off  stays: it is switched off for this folder",
            "= local  stays",
            "= kept  stays: `--except` says so",
            "- on\n",
        ],
    );
    assert_eq!(
        place.json("p/witgate.json")["mcpServers"]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["on", "private"]
    );
    says(
        &place.init(&["--except", "kpet"], 2).stderr,
        &["no client has such a server", "did you mean `kept`?"],
    );
}

#[test]
fn the_answer_to_a_machine() {
    let place = place();
    let output = place.init(&["--json", "--dry-run"], 0);
    let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        (&value["dryRun"], &value["scope"]),
        (&json!(true), &json!("project"))
    );
    assert_eq!(value["configuration"], json!(place.path("p/witgate.json")));
    let claude = &value["files"][2];
    assert_eq!(claude["clients"], json!(["claude-code"]));
    assert_eq!(claude["change"], "changed");
    assert_eq!(
        claude["servers"][0],
        json!({"name": "issues", "status": "moved", "to": "issues", "kind": "moved", "dropped": ["timeout"]})
    );
    assert_eq!(claude["servers"][2]["status"], "stays");
    assert_eq!(
        claude["servers"][3]["args"],
        place.entry("p/witgate.json")["args"]
    );
    assert_eq!(output.stderr, "");
    place.init(&[], 0);
    let output = place.init(&["--undo", "--json"], 0);
    let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(value["files"][0]["status"], "removed");
    assert_eq!(value["files"][2]["status"], "restored");
}

#[test]
fn values_that_only_the_user_had_are_kept_out_of_version_control() {
    let place = place();
    let warning = "keep it out of version control";
    assert!(!place.init(&["--dry-run"], 0).stderr.contains(warning));
    std::fs::create_dir(place.path("p/.git")).unwrap();
    says(&place.init(&["--dry-run"], 0).stderr, &[warning]);
    place.write(".claude.json", "{}");
    assert!(!place.init(&["--dry-run"], 0).stderr.contains(warning));
}

#[test]
fn a_name_can_neither_steer_the_terminal_nor_pass_for_ours() {
    let place = Place::new();
    let name = "a\u{1b}[31m\n  + witgate  /bin/evil";
    place.write(
        "p/.mcp.json",
        json!({"mcpServers": {name: {"command": "a", "timeout": 1}}}).to_string(),
    );
    let output = place.init(&[], 0);
    for told in [&output.stdout, &output.stderr] {
        assert!(
            !told.contains('\u{1b}') && !told.contains("\n  + witgate  /bin/evil"),
            "{told}"
        );
    }
    assert_eq!(
        place.json("p/witgate.json")["mcpServers"][name],
        json!({"command": "a"})
    );
    assert_eq!(
        witgate_host::grants::parse(&place.read("p/grants.toml"), "g")
            .unwrap()
            .grants
            .len(),
        1
    );
    place.init(&["--undo"], 0);
}
