//! Calls that wait for a person: together, apart, beside others, and not at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;
use witgate_host::approval::{Answer, Asker, Asking, Bounds, Question};
use witgate_host::dry_run::{DryRun, EffectPlan};
use witgate_host::{Limits, RunOptions};

use crate::bypass::{NOTE, suite};
use crate::ground::{Ground, Person, agreeable, program, rules, tool};

const READ: &str = "[[grant]]\nserver = 'suite'\ntools = ['read_page']\neffect = 'read'\n";

fn batch() -> String {
    format!("{NOTE}approve = 'batch'\n{READ}")
}

/// Answers yes when it is told to.
#[derive(Default)]
struct Patient {
    asked: Notify,
    go: Notify,
}

impl Asker for Patient {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        Box::pin(async move {
            self.asked.notify_one();
            self.go.notified().await;
            Ok(question.items.iter().map(|_| Answer::Yes).collect())
        })
    }
}

/// Answers after a while.
struct After(Duration);

impl Asker for After {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        Box::pin(async move {
            tokio::time::sleep(self.0).await;
            Ok(question.items.iter().map(|_| Answer::Yes).collect())
        })
    }
}

const FIFTY: &str = "const all = Array.from({ length: 50 }, (_, n) => writeNote({ text: 'x', n }));\n\
     const ends = await Promise.allSettled(all);\n\
     return ends.map((end, n) => end.reason ? `${n}: ${end.reason.kind}: ${end.reason.message}` : 'done');";

#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_are_one_question_and_each_gets_its_own_answer() {
    let ground = suite().await;
    let denied = [7, 23, 49];
    let person = Person::new(move |_, args: &Value| match args["n"].as_u64() {
        Some(n) if denied.contains(&n) => Answer::No {
            reason: format!("not number {n}"),
        },
        _ => Answer::Yes,
    });
    let options = RunOptions {
        asker: Some(person.clone()),
        ..ground.options()
    };
    let mut grants = rules(&batch());
    // On a busy machine, too, they come together.
    grants.approvals.quiet = Duration::from_millis(300);
    let prepared = ground
        .prepare(&program("writeNote", FIFTY), &grants)
        .unwrap();
    let finished = ground.run(&prepared, &Value::Null, options).await;
    let asked = person.asked.lock().unwrap().clone();
    assert_eq!((asked.len(), asked[0].items.len()), (1, 50));
    let ends = finished.result.unwrap();
    let failed: Vec<&str> = ends
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|end| end.as_str().filter(|end| *end != "done"))
        .collect();
    let expected: Vec<String> = denied
        .iter()
        .map(|n| format!("{n}: denied: a person said no: not number {n}"))
        .collect();
    assert_eq!(failed, expected);
    let mut reached: Vec<u64> = ground
        .reached()
        .iter()
        .map(|(_, args)| args["n"].as_u64().unwrap())
        .collect();
    reached.sort_unstable();
    let left: Vec<u64> = (0..50).filter(|n| !denied.contains(n)).collect();
    assert_eq!(reached, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_done_while_a_write_waits_for_a_person() {
    let ground = suite().await;
    let patient = Arc::new(Patient::default());
    let options = RunOptions {
        asker: Some(patient.clone()),
        ..ground.options()
    };
    // More writes wait than calls may be under way.
    let source = program(
        "writeNote, readPage",
        "const writes = Array.from({ length: 9 }, (_, n) => writeNote({ text: 'x', n }));\n\
         for (const url of ['a', 'b', 'c']) await readPage({ url });\n\
         return (await Promise.all(writes)).length;",
    );
    let limits = Limits {
        in_flight: 2,
        ..Limits::default()
    };
    let prepared = ground
        .prepare_within(&source, &rules(&batch()), &limits)
        .unwrap();
    let watch = async {
        patient.asked.notified().await;
        let mut reads = 0;
        let patience = Instant::now();
        while reads < 3 && patience.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let reached = ground.reached();
            assert!(reached.iter().all(|(tool, _)| tool == "read_page"));
            reads += reached.len();
        }
        assert_eq!(reads, 3, "the reads do not wait");
        patient.go.notify_one();
    };
    let (finished, ()) = tokio::join!(ground.run(&prepared, &Value::Null, options), watch);
    assert_eq!(finished.result.unwrap(), json!(9));
    assert_eq!(ground.reached().len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_time_is_not_the_programs() {
    let ground = suite().await;
    let limits = Limits {
        cpu: Duration::from_millis(200),
        wall: Duration::from_secs(1),
        ..Limits::default()
    };
    let options = RunOptions {
        asker: Some(Arc::new(After(Duration::from_secs(2)))),
        ..ground.options()
    };
    let source = program("writeNote", "return writeNote({ text: 'x' });");
    let prepared = ground
        .prepare_within(&source, &rules(&batch()), &limits)
        .unwrap();
    let finished = ground.run(&prepared, &Value::Null, options.clone()).await;
    assert_eq!(finished.result.unwrap(), json!({ "text": "x" }));
    assert!(finished.used.wall > Duration::from_secs(2));
    assert_eq!(ground.reached().len(), 1);
    // To wait is no way to compute for longer.
    let spins = program(
        "writeNote",
        "const waits = writeNote({ text: 'x' }); for (;;) { await null; }",
    );
    let prepared = ground
        .prepare_within(&spins, &rules(&batch()), &limits)
        .unwrap();
    let started = Instant::now();
    let finished = ground.run(&prepared, &Value::Null, options).await;
    assert!(matches!(
        finished.result,
        Err(witgate_host::RunError::Limit(_))
    ));
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(ground.reached(), []);
}

#[tokio::test]
async fn nobody_to_ask_and_nobody_who_answers_is_no() {
    let ground = suite().await;
    let source = program(
        "writeNote",
        "return attempt(() => writeNote({ text: 'x' }));",
    );
    let finished = ground.go(&source, &batch(), ground.options()).await;
    let value = finished.result.unwrap();
    let told = "a person has to approve it, and this run has nobody to ask";
    assert_eq!(
        (&value["kind"], &value["message"]),
        (&json!("denied"), &json!(told))
    );
    let options = RunOptions {
        asker: Some(Arc::new(Patient::default())),
        ..ground.options()
    };
    let grants = format!("{}[approvals]\ntimeout = '1s'", batch());
    let finished = ground.go(&source, &grants, options).await;
    let told = "a person was asked, and nobody answered within 1 seconds";
    assert_eq!(finished.result.unwrap()["message"], told);
    assert_eq!(ground.reached(), []);
    assert_eq!(
        finished.used.spent.calls, 0,
        "what was booked is given back"
    );
}

#[tokio::test]
async fn a_yes_within_bounds_is_good_for_calls_within_them() {
    let ground = suite().await;
    let person = Person::new(|_, args: &Value| match args["n"] == 0 {
        true => Answer::YesWithin(Bounds {
            calls: 3,
            same: vec!["text".into()],
        }),
        false => crate::ground::no(),
    });
    let options = RunOptions {
        asker: Some(person.clone()),
        ..ground.options()
    };
    let source = program(
        "writeNote",
        "const ends = [];\n\
         for (const args of [{ text: 'x', n: 0 }, { text: 'x', n: 1 }, { text: 'y', n: 2 }, { n: 3 }, { text: 'x', n: 4 }, { text: 'x', n: 5 }, { text: 'x', n: 6 }])\n\
           ends.push((await attempt(() => writeNote(args))).kind ?? 'done');\n\
         return ends;",
    );
    let grants = format!("{NOTE}approve = 'each'");
    let ends = ground.go(&source, &grants, options).await.result.unwrap();
    assert_eq!(
        ends,
        json!(["done", "done", "denied", "denied", "done", "done", "denied"])
    );
    let reached: Vec<Value> = ground
        .reached()
        .iter()
        .map(|(_, args)| args["n"].clone())
        .collect();
    assert_eq!(reached, [0, 1, 4, 5]);
    assert_eq!(person.questions(), 4);
}

#[tokio::test]
async fn each_asks_one_by_one() {
    let ground = suite().await;
    let person = agreeable();
    let options = RunOptions {
        asker: Some(person.clone()),
        ..ground.options()
    };
    let grants = format!("{NOTE}approve = 'each'");
    ground
        .go(&program("writeNote", FIFTY), &grants, options)
        .await;
    let asked = person.asked.lock().unwrap().clone();
    assert!(asked.len() == 50 && asked.iter().all(|question| question.items.len() == 1));
    assert_eq!(ground.reached().len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_takes_its_questions_back() {
    let ground = suite().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("queue");
    let queue = witgate_host::approval::queue::Queue::open(&at).unwrap();
    let options = RunOptions {
        asker: Some(Arc::new(queue.clone())),
        ..ground.options()
    };
    let source = program(
        "writeNote",
        "await Promise.race([writeNote({ text: 'x' }), new Promise((_, no) => setTimeout(() => no(new Error('enough')), 700))]);",
    );
    let prepared = ground.prepare(&source, &rules(&batch())).unwrap();
    let watch = async {
        while queue.list().unwrap().0.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (finished, ()) = tokio::join!(ground.run(&prepared, &Value::Null, options), watch);
    assert!(finished.result.unwrap_err().to_string().contains("enough"));
    let patience = Instant::now();
    while std::fs::read_dir(&at).unwrap().count() > 0 {
        assert!(patience.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(ground.reached(), []);
}

/// What a dry run of a program would have changed, and what the program returned.
async fn plan(ground: &Ground, source: &str, grants: &str, input: &Value) -> (EffectPlan, Value) {
    let dry_run = Arc::new(DryRun::default());
    let options = RunOptions {
        dry_run: Some(Arc::clone(&dry_run)),
        ..ground.options()
    };
    let prepared = ground.prepare(source, &rules(grants)).unwrap();
    let finished = ground.run(&prepared, input, options).await;
    let plan = dry_run.effects.plan("program.js", &ground.digest(source));
    (
        EffectPlan::read(&serde_json::to_string(&plan).unwrap()).unwrap(),
        finished.result.unwrap(),
    )
}

#[tokio::test]
async fn a_dry_run_reads_and_changes_nothing_and_its_plan_is_leave_for_what_it_shows() {
    let mut made = tool("create", &json!({ "name": { "type": "string" } }));
    made["outputSchema"] = json!({ "type": "object", "properties": { "id": { "type": "integer" }, "state": { "enum": ["open", "closed"] } }, "required": ["id", "state"] });
    let listed = json!({
        "tools": [made, tool("read_page", &json!({ "url": { "type": "string" } })), tool("write_note", &json!({ "text": { "type": "string" } }))],
        "answers": { "read_page": ["a", "b", "c"] },
    });
    let ground = Ground::new("suite", &listed).await;
    let grants = format!(
        "{}[[grant]]\nserver = 'suite'\ntools = ['create']\napprove = 'each'\n",
        batch()
    );
    let source = program(
        "readPage, create, writeNote",
        "const states = [];\n\
         for (const name of await readPage({ url: 'x' })) { await writeNote({ text: name + (input ?? '') }); states.push((await create({ name })).state); }\n\
         await writeNote({ text: 'end' });\n\
         return states;",
    );
    let (planned, value) = plan(&ground, &source, &grants, &Value::Null).await;
    assert_eq!(
        ground.reached(),
        [("read_page".to_owned(), json!({ "url": "x" }))]
    );
    let states = value.as_array().unwrap();
    assert!(
        states.len() == 3 && states.iter().all(|s| s == "open" || s == "closed"),
        "{value}"
    );
    assert_eq!(
        planned.counts(),
        [("suite", "write_note", 4), ("suite", "create", 3)]
    );
    let order: Vec<&str> = planned
        .effects
        .iter()
        .map(|call| call.tool.as_str())
        .collect();
    assert_eq!(
        order,
        [
            "write_note",
            "create",
            "write_note",
            "create",
            "write_note",
            "create",
            "write_note"
        ]
    );
    assert!(
        planned
            .effects
            .iter()
            .all(|call| call.needs_approval && !call.reasons.is_empty())
    );

    // Here `create` answers what its schema does not allow: what counts is what was sent.
    let prepared = ground.prepare(&source, &rules(&grants)).unwrap();
    for (approved, input, questions) in [
        (Some(planned.clone()), Value::Null, 0),
        (None, Value::Null, 1),
        (Some(planned.clone()), json!("!"), 1),
    ] {
        let person = Person::new(|_, _| crate::ground::no());
        let options = RunOptions {
            asker: Some(person.clone()),
            approved,
            labels: Some(witgate_host::labels::LabelSet::default()),
            ..ground.options()
        };
        ground.run(&prepared, &input, options).await;
        assert_eq!(person.questions(), questions, "{input}");
        let reached = ground.reached();
        let writes = reached
            .iter()
            .filter(|(tool, _)| tool != "read_page")
            .count();
        assert_eq!(writes > 0, questions == 0, "{reached:?}");
    }
    let other = format!("{source}// another program");
    let person = Person::new(|_, _| crate::ground::no());
    let options = RunOptions {
        asker: Some(person.clone()),
        approved: Some(planned),
        ..ground.options()
    };
    ground.go(&other, &grants, options).await;
    assert_eq!((person.questions(), ground.reached().len()), (1, 1));
}

#[tokio::test]
async fn a_dry_run_asks_nobody_and_denies_what_a_run_would() {
    let ground = suite().await;
    let grants = format!(
        "{NOTE}max_calls = 2\napprove = 'each'\nwhen = 'context.args has text && context.args.text == \"x\"'"
    );
    let source = program(
        "writeNote",
        "const ends = [];\n\
         for (const text of ['x', 'y', 'x', 'x']) { const end = await attempt(() => writeNote({ text })); ends.push(end.kind ?? 'done'); }\n\
         return ends;",
    );
    let (planned, ends) = plan(&ground, &source, &grants, &Value::Null).await;
    assert_eq!(ends, json!(["done", "denied", "done", "denied"]));
    assert_eq!(planned.effects.len(), 2);
    assert_eq!(ground.reached(), []);
    let options = RunOptions {
        approved: Some(planned),
        ..ground.options()
    };
    let ran = ground.go(&source, &grants, options).await.result.unwrap();
    assert_eq!((ran, ground.reached().len()), (ends, 2));
}
