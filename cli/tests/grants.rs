//! `witgate grants` with the real command: a run is recorded, the grants that it needed are suggested, and with these alone
//! the program is admitted again.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &str = "import { listIssues, getIssue } from 'mcp:demo';
export default async () => {
    const page = await listIssues({ per_page: 2, label: 'bug' });
    for (const number of [3, 1, 2, 7]) await getIssue({ number });
    return page !== null;
};
";

fn stand() -> tempfile::TempDir {
    let stand = tempfile::tempdir().unwrap();
    let servers = serde_json::json!({"mcpServers": {"demo": {"command": "witgate", "args": ["demo-server"]}}});
    std::fs::write(stand.path().join(".mcp.json"), servers.to_string()).unwrap();
    std::fs::write(stand.path().join("p.js"), PROGRAM).unwrap();
    std::fs::write(
        stand.path().join("other.js"),
        "import { getIssue } from 'mcp:demo';\nexport default () => getIssue({ number: 9 });\n",
    )
    .unwrap();
    stand
}

fn witgate(stand: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_witgate"))
        .args(arguments)
        .current_dir(stand)
        .output()
        .unwrap()
}

/// What a command prints, which must succeed.
fn run(stand: &Path, arguments: &[&str]) -> String {
    let output = witgate(stand, arguments);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_recorded_run_becomes_the_grants_that_it_needs() {
    let stand = stand();
    let stand = stand.path();
    let nothing = witgate(stand, &["grants", "suggest", "p.js"]);
    assert_eq!(nothing.status.code(), Some(2));
    let told = String::from_utf8(nothing.stderr).unwrap();
    assert!(
        told.contains("no calls are recorded") && told.contains("--record`"),
        "{told}"
    );

    run(stand, &["run", "p.js", "--allow", "demo/*", "--record"]);
    run(stand, &["run", "other.js", "--allow", "demo/*", "--record"]);
    let text = run(stand, &["grants", "suggest", "other.js"]);
    assert!(
        text.contains("max_calls = 1\n") && text.contains("when = 'context.args.number == 9'"),
        "{text}"
    );

    let recordings = stand.join(".witgate/recordings");
    let mut files: Vec<_> = std::fs::read_dir(recordings)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    let first = files[0].to_str().unwrap();
    let id = files[0].file_stem().unwrap().to_str().unwrap();
    let by_file = run(stand, &["grants", "suggest", "p.js", "--recording", first]);
    let by_run = run(stand, &["grants", "suggest", "p.js", "--run", id]);
    assert_eq!(by_file, by_run);
    run(
        stand,
        &[
            "grants",
            "suggest",
            "p.js",
            "--run",
            id,
            "-o",
            "grants.toml",
        ],
    );
    assert_eq!(
        std::fs::read_to_string(stand.join("grants.toml")).unwrap(),
        by_run
    );
    let lines: Vec<&str> = by_run
        .lines()
        .filter(|l| !l.starts_with("max_bytes"))
        .collect();
    assert_eq!(lines.join("\n"), WANTED);
    run(stand, &["check", "p.js", "--grants", "grants.toml"]);
}

const WANTED: &str = r#"[[grant]]
server = "demo"
tools = ["list_issues"]
max_calls = 1
when = '''
!(context.args has state) &&
(if context.args has label then context.args.label == "bug" else true) &&
!(context.args has assignee) &&
!(context.args has page) &&
(if context.args has per_page then context.args.per_page == 2 else true)'''

[[grant]]
server = "demo"
tools = ["get_issue"]
max_calls = 4
when = 'context.args.number >= 1 && context.args.number <= 7'"#;

#[test]
fn what_grants_mean_is_told_to_people_and_machines() {
    let stand = stand();
    let stand = stand.path();
    std::fs::write(
        stand.join("g.toml"),
        "[[grant]]\nserver = \"demo\"\ntools = [\"get_*\"]\nmax_calls = 3\n\n[[label]]\nserver = \"demo\"\nlabels = [\"private\"]\n",
    )
    .unwrap();
    let text = run(stand, &["grants", "explain", "p.js", "--grants", "g.toml"]);
    let wanted = "demo/get_issue
  allowed by g.toml:1: at most 3 calls
  label private (g.toml:6)

demo/list_issues
  label private (g.toml:6)
  no grant allows it; these lines would:
    [[grant]]
    server = \"demo\"
    tools = [\"list_issues\"]
";
    assert_eq!(text, wanted);
    let arguments = [
        "grants", "explain", "p.js", "--allow", "demo/*", "--grants", "g.toml", "--json",
    ];
    let told: serde_json::Value = serde_json::from_str(&run(stand, &arguments)).unwrap();
    assert_eq!(told[0]["grants"][0]["origin"], "--allow demo/*");
    assert_eq!(told[0]["grants"][1]["max_calls"], 3);
    for command in ["explain", "suggest"] {
        assert!(run(stand, &["grants", command, "--help"]).contains("Examples:"));
    }
}
