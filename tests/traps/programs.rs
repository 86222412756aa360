//! Whole programs as people and models write them, each a file of `programs/` that says in lines `//: KEY VALUE` what it is
//! given and how it ends. Adding one is dropping a file. Programs whose very bytes matter (BOM, CRLF, no last line break)
//! stand in `odd_texts.rs`.
//!
//! `input JSON`; then `result JSON`, or `fails PART...` (class and a part of the message) or `builds-not PART`, each with
//! `at LINE:COLUMN`; or `deadlock`, or `broken`, or `limit cpu|memory`. Any with `calls N` and, repeated, `logs PART` and `hint PART`.

use std::time::Duration;

use serde_json::Value;
use witgate_host::{Exceeded, RunError};
use witgate_tests::workspace;

use crate::ground::{Ended, Failed, Ground};

/// Programs that share the machine with each other.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_program_ends_as_it_says() {
    let ground = std::sync::Arc::new(Ground::new().await);
    let only = std::env::var("PROGRAM").unwrap_or_default();
    let folder = workspace::root().join("tests/traps/programs");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut runs = Vec::new();
    for path in files {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if !file.contains(&only) {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let (ground, permits) = (ground.clone(), permits.clone());
        runs.push(tokio::spawn(async move {
            let _permit = permits.acquire().await.unwrap();
            let expected = read(&source);
            let input = expected.input.clone();
            // A program that never ends need not be waited for long; others share the machine with everything else.
            let endless =
                matches!(&expected.failure, Some((how, what)) if how == "limit" && what == "cpu");
            let cpu = Duration::from_millis(if endless { 500 } else { 20_000 });
            let ended = ground
                .run_within(&source, &file, &input, "demo/*", cpu)
                .await;
            judge(&file, &expected, &ended)
        }));
    }
    let count = runs.len();
    let mut wrong = Vec::new();
    for run in runs {
        wrong.extend(run.await.unwrap());
    }
    ground.servers.shutdown().await;
    assert!(
        wrong.is_empty(),
        "{} things are wrong in {count} programs:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 60 || !only.is_empty(), "only {count} programs");
}

#[derive(Default)]
struct Expected {
    input: Value,
    result: Option<Value>,
    /// `fails`, `builds-not`, `deadlock` or `limit`, and what follows.
    failure: Option<(String, String)>,
    at: Option<String>,
    calls: Option<u64>,
    hint: Option<String>,
    logs: Vec<String>,
}

fn read(source: &str) -> Expected {
    let mut expected = Expected::default();
    for line in source.lines().filter_map(|l| l.trim().strip_prefix("//: ")) {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let json = || serde_json::from_str(value).unwrap_or_else(|e| panic!("`{line}`: {e}"));
        match key {
            "input" => expected.input = json(),
            "result" => expected.result = Some(json()),
            "fails" | "builds-not" | "deadlock" | "limit" | "broken" => {
                expected.failure = Some((key.to_owned(), value.to_owned()));
            }
            "at" => expected.at = Some(value.to_owned()),
            "calls" => expected.calls = Some(value.parse().unwrap()),
            "hint" => expected.hint = Some(value.to_owned()),
            "logs" => expected.logs.push(value.to_owned()),
            _ => panic!("`{line}` says nothing"),
        }
    }
    expected
}

/// What is not as expected, a line each.
fn judge(file: &str, expected: &Expected, ended: &Ended) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut say = |text: String| wrong.push(format!("{file}: {text}"));
    match (&ended.result, &expected.result, &expected.failure) {
        (Ok(value), Some(wanted), None) => {
            if value != wanted {
                say(format!("result {value}\n    instead of {wanted}"));
            }
        }
        (Ok(value), _, _) => say(format!("result {value}, but it should fail")),
        (Err(failed), Some(_), _) => say(format!("fails with {failed:?}")),
        (Err(failed), None, Some((how, what))) => {
            let fits = match (how.as_str(), failed) {
                ("fails", Failed::Run(RunError::Program(error))) => {
                    let (name, part) = what
                        .split_once(": ")
                        .unwrap_or((what.trim_end_matches(':'), ""));
                    (what.is_empty() || error.name == name) && error.message.contains(part)
                }
                ("builds-not", Failed::Build(error)) => error.to_string().contains(what),
                ("deadlock", Failed::Run(RunError::Deadlock))
                | ("broken", Failed::Run(RunError::Broken { .. })) => true,
                ("fails", Failed::Run(RunError::Broken { .. })) if what.is_empty() => true,
                ("limit", Failed::Run(RunError::Limit(exceeded))) => matches!(
                    (what.as_str(), exceeded),
                    ("cpu", Exceeded::Cpu(_)) | ("memory", Exceeded::Memory(_))
                ),
                _ => false,
            };
            if !fits {
                say(format!("{failed:?}\n    instead of {how} {what}"));
            }
            if let Some(at) = &expected.at
                && failed.place(file).as_ref() != Some(at)
            {
                let place = failed.place(file);
                say(format!("at {place:?} instead of {at}: {failed:?}"));
            }
            let hint = match failed {
                Failed::Build(error) => error.hint(),
                Failed::Run(_) => None,
            };
            if let Some(part) = &expected.hint
                && !hint.as_ref().is_some_and(|hint| hint.contains(part))
            {
                say(format!("the hint is {hint:?}, without `{part}`"));
            }
        }
        (Err(failed), None, None) => say(format!("says nothing of its end: {}", failed.message())),
    }
    if let Some(calls) = expected.calls
        && calls != ended.calls
    {
        say(format!("{} calls instead of {calls}", ended.calls));
    }
    for part in &expected.logs {
        if !ended.logs.iter().any(|line| line.contains(part)) {
            say(format!("no log line has `{part}`: {:#?}", ended.logs));
        }
    }
    if std::env::var_os("PROGRAM").is_some() {
        eprintln!("{file}: {:?}, {:#?}", ended.took, ended.logs);
    }
    wrong
}
