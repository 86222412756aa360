//! What was moved really starts, as it did: by witgate's other commands, with the paths and the folder it had.

use serde_json::json;
use witgate_tests::workspace;

use super::{Place, says};

#[test]
fn servers_start_where_they_were_moved_to() {
    let place = Place::new();
    let binary = workspace::binary().unwrap();
    // A relative program that wants its folder and its variables.
    let script = format!(
        "#!/bin/sh\ntest -f marker -a \"$MODE\" = fast || exit 7\nexec '{}' demo-server\n",
        binary.display()
    );
    place.write("p/bin/near", script);
    place.write("p/marker", "");
    let mut mode = place.path("p/bin/near").metadata().unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(place.path("p/bin/near"), mode).unwrap();
    place.write(
        "p/.vscode/mcp.json",
        json!({"servers": {"near": {"type": "stdio", "command": "./bin/near", "env": {"MODE": "${env:NEAR_MODE}"}}}}).to_string(),
    );
    place.write(
        "p/.mcp.json",
        json!({"mcpServers": {"demo": {"command": "witgate", "args": ["demo-server"]}}})
            .to_string(),
    );
    place.init(&[], 0);
    let mut stand = place.stand;
    stand.set("NEAR_MODE", "fast");
    for folder in ["home/p", "home"] {
        stand.enter(folder);
        let configuration = stand.folder().join("home/p/witgate.json");
        let output = stand
            .run(&["tools", "--config", configuration.to_str().unwrap()])
            .unwrap();
        assert_eq!(output.code, Some(0), "{output:#?}");
        says(&output.stdout, &["demo/list_issues", "near/list_issues"]);
    }
    assert_eq!(stand.orphans(), Vec::<String>::new());
}

#[test]
fn the_entry_starts_this_program() {
    let mut place = Place::new();
    place.write(
        "p/.mcp.json",
        json!({"mcpServers": {"demo": {"command": "witgate", "args": ["demo-server"]}}})
            .to_string(),
    );
    place.init(&[], 0);
    let entry = place.json("p/.mcp.json")["mcpServers"]["witgate"].clone();
    let arguments: Vec<&str> = entry["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_str().unwrap())
        .collect();
    let configuration = place.path("p/witgate.json").display().to_string();
    assert_eq!(arguments, ["serve", "--config", &configuration]);
    let program = std::path::PathBuf::from(entry["command"].as_str().unwrap());
    let output = place
        .stand
        .command(&program)
        .args(["serve", "--help"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    says(
        &String::from_utf8(output.stdout).unwrap(),
        &["Be one MCP server in front of all others"],
    );
    place.init(&["--undo"], 0);

    // By its name, where that starts the same program; not for Claude Desktop, which has another `PATH`.
    place.write("bin/keep", "");
    std::os::unix::fs::symlink(workspace::binary().unwrap(), place.path("bin/witgate")).unwrap();
    let path = format!(
        "{}:{}",
        place.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    place.stand.set("PATH", path);
    place.init(&[], 0);
    assert_eq!(
        place.json("p/.mcp.json")["mcpServers"]["witgate"]["command"],
        "witgate"
    );
    place.init(&["--client", "claude-desktop"], 0);
    let applications = if cfg!(target_os = "macos") {
        "Library/Application Support"
    } else {
        ".config"
    };
    let desktop = place.json(&format!("{applications}/Claude/claude_desktop_config.json"));
    assert_eq!(
        desktop["mcpServers"]["witgate"]["command"],
        json!(place.path("bin/witgate"))
    );

    // A program that is gone is replaced; one that is there is left, whatever else stands in the entry.
    let text = place.read("p/.mcp.json").replace(
        "\"command\": \"witgate\"",
        "\"env\": {\"A\": \"1\"}, \"command\": \"/gone/witgate\"",
    );
    place.write("p/.mcp.json", text);
    place.init(&[], 0);
    let entry = place.json("p/.mcp.json")["mcpServers"]["witgate"].clone();
    assert_eq!(
        (&entry["command"], &entry["env"]),
        (&json!("witgate"), &json!({"A": "1"}))
    );
}
