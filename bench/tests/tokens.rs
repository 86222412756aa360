//! The committed token bill says what its transcripts say, and what is measured now is what the transcripts say. Whether the
//! figures are good is not judged here.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tokens")
}

fn tokens(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_witgate-bench-tokens"))
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A transcript with its times, which no two runs share, taken out: `57 ms` is `T ms`.
fn without_times(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(" ms]") {
        let before = rest[..at].trim_end_matches(|c: char| c.is_ascii_digit());
        out.push_str(before);
        out.push_str("T ms]");
        rest = &rest[at + " ms]".len()..];
    }
    out + rest
}

#[test]
fn a_recount_of_the_transcripts_gives_the_table_and_the_plot() {
    let output = tokens(&["--check"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_table_that_says_something_else_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &Path, to: &Path| std::fs::copy(from, to).map(|_| ()).unwrap();
    let (from, to) = (committed(), folder.path());
    for name in ["transcripts", "transcripts/texts"] {
        std::fs::create_dir_all(to.join(name)).unwrap();
        for entry in std::fs::read_dir(from.join(name)).unwrap().flatten() {
            if entry.path().is_file() {
                copy(&entry.path(), &to.join(name).join(entry.file_name()));
            }
        }
    }
    for name in ["results.md", "results.svg"] {
        copy(&from.join(name), &to.join(name));
    }
    let into = to.to_str().unwrap();
    assert!(tokens(&["--check", "--into", into]).status.success());
    // One word more that a model would have read.
    let file = to.join("transcripts/lookup-20-js.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let longer = text.replacen("What is the value", "What exactly is the value", 1);
    assert_ne!(text, longer);
    std::fs::write(&file, longer).unwrap();
    let output = tokens(&["--check", "--into", into]);
    assert!(!output.status.success());
    assert!(
        said(&output).contains("| lookup | 20 |"),
        "{}",
        said(&output)
    );
}

#[test]
fn what_is_measured_now_is_what_was_measured() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if !corpus.is_dir() {
        eprintln!("skipped: there is no corpus in {}", corpus.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().to_str().unwrap();
    let output = tokens(&[
        "--only", "lookup", "--only", "meeting", "--at", "20", "--into", into,
    ]);
    assert!(output.status.success(), "{}", said(&output));
    let mut seen = 0;
    for scenario in ["lookup", "meeting"] {
        for mode in ["direct", "search", "js", "rust"] {
            let name = format!("transcripts/{scenario}-20-{mode}.json");
            let now = without_times(&folder.path().join(&name));
            let then = without_times(&committed().join(&name));
            assert!(
                now == then,
                "{name} is no longer what a run gives; measure again, as bench/tokens/README.md says\n--- committed\n{then}\n--- now\n{now}"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 8);
}

#[test]
fn where_direct_is_cheaper_describe_says_so() {
    let says = |size: usize| {
        let file = format!("transcripts/lookup-{size}-js.json");
        let text = std::fs::read_to_string(committed().join(file)).unwrap();
        let texts = std::fs::read_to_string(committed().join("transcripts/texts/lookup.json"));
        let texts: serde_json::Value = serde_json::from_str(&texts.unwrap()).unwrap();
        let beside = texts
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, _)| text.contains(key.as_str()));
        let beside = beside.map(|(_, text)| text.as_str().unwrap().to_owned());
        (text.clone() + &beside.collect::<String>()).contains("directly is cheaper")
    };
    assert!(says(1));
    assert!(!says(250));
}
