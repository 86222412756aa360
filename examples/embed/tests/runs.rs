//! The embedded host gives the same bytes as the command does.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use witgate_builder::toolchain::Toolchain;
use witgate_tests::{Stand, workspace};

#[test]
fn a_component_runs_under_one_grant() {
    if let Err(missing) = Toolchain::find(&workspace::cache()) {
        assert!(!workspace::nothing_may_be_skipped(), "{missing}");
        return eprintln!("skipped: {missing}");
    }
    let example = workspace::root().join("examples/02-filter-10k-rows");
    let stand = Stand::new().unwrap();
    let witgate = workspace::binary().unwrap();
    let config = format!(
        r#"{{"mcpServers": {{"demo": {{"command": "{}", "args": ["demo-server"]}}}}}}"#,
        witgate.display()
    );
    stand.write(".mcp.json", config).unwrap();
    let program = std::fs::read(example.join("program.rs")).unwrap();
    stand.write("program.rs", program).unwrap();
    let built = stand
        .run(&["build", "program.rs", "-o", "program.wasm"])
        .unwrap();
    assert_eq!(built.code, Some(0), "{built:#?}");

    let embed = |allow: &str| {
        Command::new(env!("CARGO_BIN_EXE_witgate-example-embed"))
            .current_dir(stand.folder())
            .args([".mcp.json", "program.wasm", allow])
            .arg(std::fs::read_to_string(example.join("input.json")).unwrap())
            .output()
            .unwrap()
    };
    let ran = embed("demo/list_issues");
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(
        ran.stdout,
        std::fs::read(example.join("result.json")).unwrap()
    );

    let refused = embed("demo/get_issue");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && refused.stdout.is_empty(),
        "{refused:?}"
    );
    assert!(said.contains("--allow demo/list_issues"), "{said}");
}
