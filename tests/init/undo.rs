//! Taking `init` back after the world went on: clients wrote into their files, people into witgate's, `init` ran again.

use serde_json::json;

use super::project::place;
use super::{Place, SECRET, says};

#[test]
fn what_a_client_wrote_since_stays() {
    let place = place();
    let before = place.everything();
    place.init(&[], 0);
    // Claude Code counts its starts, Codex notes a folder, a person adds a server.
    let claude = place
        .read(".claude.json")
        .replace("\"numStartups\": 3", "\"numStartups\": 4");
    place.write(".claude.json", &claude);
    let codex =
        place.read("p/.codex/config.toml") + "\n[projects.\"/x\"]\ntrust_level = \"trusted\"\n";
    place.write("p/.codex/config.toml", &codex);
    let cursor = place.read("p/.cursor/mcp.json").replacen(
        "{\r\n\t\t\"witgate\"",
        "{\r\n\t\t\"new\": {\"command\": \"n\"},\r\n\t\t\"witgate\"",
        1,
    );
    place.write("p/.cursor/mcp.json", &cursor);
    let output = place.init(&["--undo"], 0);
    says(
        &output.stdout,
        &[
            "p/.mcp.json  as it was before\n",
            ".claude.json  back: private; what was changed since stays\n",
            "p/.codex/config.toml  back: tracker; what was changed since stays\n",
            "p/.cursor/mcp.json  back: issues, files; what was changed since stays\n",
        ],
    );
    let was = |name: &str| String::from_utf8(before[name].1.clone()).unwrap();
    assert_eq!(place.read("p/.mcp.json"), was("p/.mcp.json"));
    assert_eq!(
        place.read(".claude.json"),
        was(".claude.json").replace("\"numStartups\": 3", "\"numStartups\": 4")
    );
    says(
        &place.read("p/.codex/config.toml"),
        &[
            "# its tracker\n[mcp_servers.tracker]\n",
            "[mcp_servers.tracker.env]\nMODE = \"fast\"\n",
            "[projects.\"/x\"]\n",
        ],
    );
    assert!(!place.read("p/.codex/config.toml").contains("witgate.json"));
    let cursor: serde_json::Value = serde_json::from_str(
        place
            .read("p/.cursor/mcp.json")
            .trim_start_matches('\u{feff}'),
    )
    .unwrap();
    let names: Vec<_> = cursor["mcpServers"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["new", "issues", "files"]);
    assert!(!place.path("p/.witgate").exists() && !place.path("p/witgate.json").exists());
}

#[test]
fn what_a_person_wrote_into_witgates_files_stays() {
    let place = place();
    place.init(&[], 0);
    let grants =
        place.read("p/grants.toml") + "\n[[grant]]\nserver = \"issues\"\ntools = [\"*\"]\n";
    place.write("p/grants.toml", &grants);
    let output = place.init(&["--undo"], 0);
    says(
        &output.stdout,
        &[
            "p/grants.toml  stays: it was changed since\n",
            "p/witgate.json  removed\n",
        ],
    );
    assert_eq!(place.read("p/grants.toml"), grants);
}

#[test]
fn what_contradicts_is_a_persons_to_decide() {
    let place = place();
    place.init(&[], 0);
    let claude = place.read("p/.mcp.json").replace(
        "\"odd\": {",
        "\"files\": {\"command\": \"mine\"},\n    \"odd\": {",
    );
    place.write("p/.mcp.json", &claude);
    let before = place.everything();
    let output = place.init(&["--undo"], 2);
    says(
        &output.stderr,
        &[
            "nothing was changed: `",
            "p/.mcp.json`: it was changed since: a server is there again, with other values: `files`; it was `",
            "init-backup/1/3-.mcp.json`",
            "`--force` puts the copy back",
        ],
    );
    assert_eq!(place.everything(), before);
    let output = place.init(&["--undo", "--force"], 0);
    says(
        &output.stdout,
        &["p/.mcp.json  as it was before; what was changed since is kept aside\n"],
    );
    says(&place.read("p/.mcp.json"), &["\"./bin/files\"", SECRET]);
    assert_eq!(place.read("p/.witgate/init-undone/1/1-.mcp.json"), claude);
    assert_eq!(
        super::mode(&place.path("p/.witgate/init-undone/1/1-.mcp.json")),
        0o600
    );
    assert!(!place.path("p/.witgate/init-backup.json").exists());

    // A file that cannot be read any more is no other case.
    place.init(&[], 0);
    place.write("p/.cursor/mcp.json", "{ broken");
    says(
        &place.init(&["--undo"], 2).stderr,
        &["it was changed since, and cannot be read"],
    );
    place.init(&["--undo", "--force"], 0);
    says(&place.read("p/.cursor/mcp.json"), &["\"issues\""]);
    assert_eq!(
        place.read("p/.witgate/init-undone/2/1-mcp.json"),
        "{ broken"
    );
}

#[test]
fn several_runs_are_taken_back_together() {
    let place = place();
    let before = place.everything();
    place.init(&["--client", "claude-code"], 0);
    let claude = place.read("p/.mcp.json").replace(
        "\"odd\": {",
        "\"later\": {\"command\": \"l\"},\n    \"odd\": {",
    );
    place.write("p/.mcp.json", claude);
    place.init(&[], 0);
    assert_eq!(
        place.json("p/.witgate/init-backup.json")["runs"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let output = place.init(&["--undo"], 0);
    says(
        &output.stdout,
        &[
            "p/.mcp.json  back: issues, files; what was changed since stays\n",
            "p/.cursor/mcp.json  as it was before\n",
        ],
    );
    // The server of the second run came after the first, and is still there.
    let text = place.read("p/.mcp.json");
    says(
        &text,
        &[
            "\"later\": {\"command\": \"l\"}",
            "\"./bin/files\"",
            "\"issues\": {\n      \"type\": \"stdio\"",
        ],
    );
    assert!(!text.contains("witgate.json"));
    let mut after = place.everything();
    after.insert("p/.mcp.json".to_owned(), before["p/.mcp.json"].clone());
    assert_eq!(after, before);
}

#[test]
fn several_runs_are_taken_back_from_a_file_that_went_on() {
    let run = |place: &Place| {
        place.init(&["--client", "claude-code"], 0);
        let claude = place.read("p/.mcp.json").replace(
            "\"odd\": {",
            "\"later\": {\"command\": \"l\"},\n    \"odd\": {",
        );
        place.write("p/.mcp.json", claude);
        place.init(&[], 0);
    };
    let place = place();
    run(&place);
    let more = |name: &str| {
        let text = place.read("p/.mcp.json");
        place.write(
            "p/.mcp.json",
            text.replace(
                "\"odd\": {",
                &format!("\"{name}\": {{\"command\": \"mine\"}},\n    \"odd\": {{"),
            ),
        );
    };
    // Of the later run, and of the earlier one, a server is there again: neither is taken back before a person decided.
    more("later");
    let before = place.everything();
    says(
        &place.init(&["--undo"], 2).stderr,
        &["with other values: `later`"],
    );
    assert_eq!(place.everything(), before);
    let text = place.read("p/.mcp.json").replace("\"later\"", "\"mine\"");
    place.write("p/.mcp.json", text);
    let output = place.init(&["--undo"], 0);
    says(
        &output.stdout,
        &["p/.mcp.json  back: later, issues, files; what was changed since stays\n"],
    );
    says(
        &place.read("p/.mcp.json"),
        &[
            "\"mine\": {\"command\": \"mine\"}",
            "\"later\": {\"command\": \"l\"}",
            "\"./bin/files\"",
        ],
    );

    let place = self::place();
    run(&place);
    let text = place.read("p/.mcp.json").replace(
        "\"odd\": {",
        "\"later\": {\"command\": \"mine\"},\n    \"odd\": {",
    );
    place.write("p/.mcp.json", &text);
    let output = place.init(&["--undo", "--force"], 0);
    says(
        &output.stdout,
        &["p/.mcp.json  as it was before; what was changed since is kept aside\n"],
    );
    assert_eq!(place.read("p/.witgate/init-undone/1/1-.mcp.json"), text);
    says(
        &place.read("p/.mcp.json"),
        &["\"later\": {\"command\": \"l\"}", "\"./bin/files\""],
    );
}

#[test]
fn a_run_that_was_cut_off_can_be_taken_back() {
    let place = place();
    let before = place.everything();
    place.init(&[], 0);
    // As if it had ended after the first client's file.
    for name in [
        "p/.cursor/mcp.json",
        "p/.vscode/mcp.json",
        "p/.codex/config.toml",
        ".claude.json",
    ] {
        std::fs::write(place.path(name), &before[name].1).unwrap();
    }
    std::fs::remove_file(place.path("p/grants.toml")).unwrap();
    let output = place.init(&["--undo"], 0);
    says(
        &output.stdout,
        &[
            "p/.mcp.json  as it was before\n",
            "p/.cursor/mcp.json  is as it was already\n",
        ],
    );
    assert_eq!(place.everything(), before);
}

#[test]
fn a_copy_that_was_changed_is_not_used() {
    let place = place();
    place.init(&[], 0);
    place.write("p/.witgate/init-backup/1/3-.mcp.json", "{}");
    let before = place.everything();
    says(
        &place.init(&["--undo"], 2).stderr,
        &["the copy of `", "is gone or was changed"],
    );
    assert_eq!(place.everything(), before);
    place.write(
        "p/.witgate/init-backup.json",
        "{\"version\": 9, \"runs\": []}",
    );
    says(
        &place.init(&["--undo"], 2).stderr,
        &["its version is 9, this witgate reads 1"],
    );
}

/// A manifest that came with a folder, for a copy that came with it too.
fn hostile(place: &Place, path: &str, role: &str, keys: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    let copy = "{\"mcpServers\": {\"evil\": {\"command\": \"evil\"}}}";
    place.write("p/.witgate/init-backup/1/1-x", copy);
    let manifest = json!({"version": 1, "runs": [{"folders": [], "files": [{
        "path": path, "role": role, "after": "0",
        "before": {"sha256": "c89d00499a61cf2593bebbaaa2d920758cdd630d2bba91bbd5eb904b5deacf30", "backup": "init-backup/1/1-x"},
        "lists": [{"keys": [keys], "removed": ["evil"], "entry": null, "after": "0"}]}]}]});
    place.write("p/.witgate/init-backup.json", manifest.to_string());
    for name in [
        "p/.witgate/init-backup.json",
        "p/.witgate/init-backup/1/1-x",
    ] {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(place.path(name), mode).unwrap();
    }
}

#[test]
fn a_manifest_that_came_with_a_folder_writes_nothing() {
    for (path, role, keys, mode, why) in [
        (
            ".bashrc",
            "own",
            "mcpServers",
            0o600,
            "which `init` does not touch here",
        ),
        (
            "../.profile",
            "json",
            "mcpServers",
            0o600,
            "which `init` does not touch here",
        ),
        (
            "../.claude.json",
            "json",
            "hooks",
            0o600,
            "which `init` does not touch here",
        ),
        (
            ".mcp.json",
            "json",
            "mcpServers",
            0o644,
            "others may read or write it",
        ),
    ] {
        let place = Place::new();
        hostile(&place, path, role, keys, mode);
        let before = place.everything();
        for force in [&["--undo"][..], &["--undo", "--force"]] {
            says(&place.init(force, 2).stderr, &[why, "nothing was changed"]);
        }
        assert_eq!(place.everything(), before);
    }
    // The same, as `init` would have made it, is undone.
    let place = Place::new();
    hostile(&place, ".mcp.json", "json", "mcpServers", 0o600);
    place.init(&["--undo"], 0);
    says(&place.read("p/.mcp.json"), &["evil"]);
}

#[test]
fn a_project_that_was_moved_is_undone_where_it_is() {
    let mut place = place();
    let before = place.everything();
    place.init(&["--client", "cursor,codex"], 0);
    std::fs::rename(place.path("p"), place.path("q")).unwrap();
    place.stand.enter("home/q");
    place.init(&["--undo"], 0);
    std::fs::rename(place.path("q"), place.path("p")).unwrap();
    assert_eq!(place.everything(), before);
}

#[test]
fn a_client_whose_file_is_gone_gets_it_back() {
    let place = Place::new();
    let text = json!({"mcpServers": {"a": {"command": "a"}}}).to_string();
    place.write("p/.mcp.json", &text);
    place.init(&[], 0);
    std::fs::remove_file(place.path("p/.mcp.json")).unwrap();
    place.init(&["--undo"], 0);
    assert_eq!(place.read("p/.mcp.json"), text);
}
