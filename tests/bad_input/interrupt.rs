//! Ctrl-C at every stage: the run ends at once with exit code 130, its servers with it, and a call under way is in the
//! journal as cancelled.

use std::time::{Duration, Instant};

use witgate_tests::process::Running;
use witgate_tests::{Output, Stand};

use crate::{Expected, bad_server, is_failure, only_record, program};

/// Waits until something is so; a test that waits longer is broken.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn interrupt(stand: &Stand, running: Running) -> Output {
    let pressed = Instant::now();
    running.interrupt().unwrap();
    let output = running.finish().unwrap();
    assert!(
        pressed.elapsed() < Duration::from_secs(8),
        "{:?} after Ctrl-C",
        pressed.elapsed()
    );
    assert_eq!(output.code, Some(130), "{output:#?}");
    is_failure(
        &output,
        &Expected {
            code: 130,
            kind: "interrupted",
            ..Expected::default()
        },
    );
    assert_eq!(stand.orphans(), Vec::<String>::new());
    output
}

#[test]
fn while_a_tool_works() {
    let source = "import { slowEcho } from \"mcp:demo\";\nexport default () => slowEcho({ text: \"x\", delay_ms: 100000 });\n";
    let stand = program("program.js", source);
    let running = stand
        .start(&[
            "run",
            "program.js",
            "--allow",
            "demo/*",
            "--journal",
            "journal",
            "--json",
        ])
        .unwrap();
    until("the call arrives", || !stand.read("arrived").is_empty());
    interrupt(&stand, running);
    let record = only_record(&stand);
    assert_eq!(record["outcome"], "cancelled", "{record:#}");
}

#[test]
fn while_the_program_computes() {
    let stand = program(
        "program.js",
        "export default () => { console.log(\"begun\"); for (;;); };\n",
    );
    let running = stand
        .start(&["run", "program.js", "--max-cpu", "100", "--json"])
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let output = interrupt(&stand, running);
    assert!(output.stderr.contains("begun"), "{output:#?}");
}

#[test]
fn while_a_server_starts() {
    let stand = bad_server("silent");
    stand
        .write(
            "program.js",
            "import { echo } from \"mcp:bad\";\nexport default () => echo();\n",
        )
        .unwrap();
    let running = stand
        .start(&["run", "program.js", "--allow", "bad/*", "--json"])
        .unwrap();
    until("the server starts", || {
        stand.marked().iter().any(|line| line.contains("silent"))
    });
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&stand, running);
}
