//! The values of a generator that this project did not write, hypothesis-jsonschema, judged as our own are. A sample of the
//! corpus; all of it where `WITGATE_TEST_WHOLE_CORPUS` is set, which takes half an hour.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use witgate_codegen::select::View;
use witgate_host::Definitions;
use witgate_tests::{servers, workspace};

use crate::corpus::catalog;
use crate::judge::{Figures, Subject};
use crate::spread;

/// Values per schema.
const VALUES: usize = 20;
/// Of so many schemas one is in the sample.
const SAMPLE: usize = 60;

/// The generator's values as JSON texts with the place of their subject, and why there are none.
struct Made {
    texts: Vec<(usize, String)>,
    failed: Vec<String>,
}

fn generate(subjects: &[Subject], chosen: &[usize]) -> Made {
    let python = servers::folder().join("hypothesis/bin/python");
    let script = workspace::root().join("tests/properties/instances.py");
    // It leaves a folder where it runs.
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(&python)
        .arg(script)
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start `{}`: {error}", python.display()));
    let mut asked = String::new();
    for index in chosen {
        let line =
            json!({"name": index.to_string(), "schema": subjects[*index].schema, "count": VALUES});
        asked.push_str(&format!("{line}\n"));
    }
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(asked.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let mut made = Made {
        texts: Vec::new(),
        failed: Vec::new(),
    };
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let mut answer: HashMap<String, String> = serde_json::from_str(line).unwrap();
        let index: usize = answer["name"].parse().unwrap();
        match (answer.remove("text"), answer.remove("error")) {
            (Some(text), _) => made.texts.push((index, text)),
            (None, why) => made.failed.push(format!(
                "{}: {}",
                subjects[index].name(),
                why.unwrap_or_default()
            )),
        }
    }
    made
}

#[test]
fn every_value_of_another_generator_comes_back() {
    if !servers::folder().join("hypothesis").exists() && !workspace::nothing_may_be_skipped() {
        println!("skipped: hypothesis-jsonschema is not installed; `./test --install` does that");
        return;
    }
    let Some(catalog) = catalog() else { return };
    let definitions = Definitions::new(&catalog).unwrap();
    let subjects = Subject::all(&definitions);
    let whole = std::env::var_os("WITGATE_TEST_WHOLE_CORPUS").is_some();
    let chosen: Vec<usize> = (0..subjects.len())
        .filter(|index| subjects[*index].schema != Value::Bool(true))
        .step_by(if whole { 1 } else { SAMPLE })
        .collect();
    // Interleaved, because neighbours are of one server and equally slow.
    let halves: Vec<Vec<usize>> = (0..2)
        .map(|half| chosen.iter().copied().skip(half).step_by(2).collect())
        .collect();
    let judged = spread(&halves, |half, runtime| {
        let made = generate(&subjects, half);
        let (mut typed, mut as_json, mut invalid) = (Figures::default(), Figures::default(), 0);
        for (index, text) in &made.texts {
            let subject = &subjects[*index];
            let value: Value = serde_json::from_str(text).unwrap();
            // Formats and drafts are read in more than one way; the host's reading counts.
            if runtime.block_on(subject.check(&value)).is_err() {
                invalid += 1;
                continue;
            }
            typed.add(runtime.block_on(subject.judge(View::Typed, &value, text)));
            as_json.add(runtime.block_on(subject.judge(View::Json, &value, text)));
        }
        (typed, as_json, invalid, made.failed)
    });
    let (mut typed, mut as_json, mut invalid, mut failed) =
        (Figures::default(), Figures::default(), 0, Vec::new());
    for (part, json_part, part_invalid, part_failed) in judged {
        typed.join(part);
        as_json.join(json_part);
        invalid += part_invalid;
        failed.extend(part_failed);
    }
    println!(
        "{} schemas, {} of them beyond the generator, {invalid} values not valid here",
        chosen.len(),
        failed.len()
    );
    for line in &failed {
        println!("  {line}");
    }
    typed.print("hypothesis-jsonschema, typed view");
    as_json.print("hypothesis-jsonschema, JSON view");
    assert!(
        typed.unreported.is_empty() && as_json.unreported.is_empty(),
        "a loss that nothing reported"
    );
}
