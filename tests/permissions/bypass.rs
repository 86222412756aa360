//! Ways around a grant that need no trick of a language: other names, other tools behind a name, other answers of a person,
//! and many calls at once. What counts is what reached the server.

use std::sync::Arc;

use serde_json::{Value, json};
use witgate_host::approval::queue::Queue;
use witgate_host::dry_run::DryRun;
use witgate_host::{Finished, RunOptions};

use crate::ground::{Ground, agreeable, program, rules, tool};

pub(crate) const NOTE: &str = "[[grant]]\nserver = 'suite'\ntools = ['write_note']\n";

pub(crate) fn listed() -> Value {
    json!({ "tools": [
        tool("ping", &json!({})),
        tool("read_page", &json!({ "url": { "type": "string" } })),
        tool("write_note", &json!({ "text": { "type": "string" }, "n": { "type": "integer" }, "data": {} })),
        tool("remove", &json!({ "id": { "type": "string" } })),
        tool("orderBy", &json!({ "a": { "type": "integer" } })),
        tool("order_by", &json!({ "b": { "type": "integer" } })),
    ] })
}

pub(crate) async fn suite() -> Ground {
    Ground::new("suite", &listed()).await
}

/// `fulfilled` or the failure's message, a line for each call.
fn told(finished: &Finished) -> Vec<String> {
    let value = finished.result.as_ref().unwrap();
    let lines = value.as_array().unwrap().iter();
    lines
        .map(|line| line.as_str().unwrap().to_owned())
        .collect()
}

/// Makes so many calls at once.
fn many(calls: usize) -> String {
    program(
        "writeNote",
        &format!(
            "const all = Array.from({{ length: {calls} }}, (_, n) => writeNote({{ text: \"x\", n }}));\n\
             return (await Promise.allSettled(all)).map((end) => end.reason?.message ?? \"fulfilled\");"
        ),
    )
}

#[tokio::test]
async fn of_two_names_that_collide_only_the_granted_one_is_reached() {
    let ground = suite().await;
    let (first, second) = ("orderBy", "order_by");
    let mut ways = Vec::new();
    for name in [first, second, "order_by as x", "orderBy as order_by"] {
        let local = name.rsplit(' ').next().unwrap();
        ways.push(program(name, &format!("return attempt({local});")));
    }
    for granted in [first, second] {
        let grants = rules(&format!(
            "[[grant]]\nserver = 'suite'\ntools = ['{granted}']"
        ));
        let mut went = 0;
        for way in &ways {
            let Ok(built) = ground.build(way) else {
                continue;
            };
            let is_granted = built.tools == [("suite".to_owned(), granted.to_owned())];
            let prepared = ground.prepare(way, &grants);
            assert_eq!(prepared.is_ok(), is_granted, "{way}");
            if let Ok(prepared) = prepared {
                ground.run(&prepared, &Value::Null, ground.options()).await;
                went += 1;
            }
            for (tool, _) in ground.reached() {
                assert_eq!(tool, granted, "{way}");
            }
        }
        assert!(went > 0, "{granted} can be called by its name");
    }
}

#[tokio::test]
async fn a_grant_for_one_name_is_none_for_its_neighbours() {
    let ground = suite().await;
    for (granted, wanted) in [
        ("writeNote", "writeNote"),
        ("write-note", "writeNote"),
        ("WRITE_NOTE", "writeNote"),
        ("write_not", "writeNote"),
        ("remov?", "writeNote"),
        ("order?by", "orderBy"),
    ] {
        let grants = rules(&format!(
            "[[grant]]\nserver = 'suite'\ntools = ['{granted}']"
        ));
        let source = program(wanted, &format!("return attempt({wanted});"));
        let refusal = ground
            .prepare(&source, &grants)
            .map(|_| granted)
            .unwrap_err();
        assert_eq!(refusal.reasons.len(), 1);
    }
    assert_eq!(ground.reached(), []);
}

#[tokio::test]
async fn a_tool_that_changes_while_the_program_runs_is_not_called_any_more() {
    let two = program(
        "writeNote, ping",
        "await ping(); return [await attempt(() => writeNote({ text: 'late' })), await attempt(() => writeNote({ text: 'later' }))];",
    );
    let grants = "[[grant]]\nserver = 'suite'\ntools = ['*']";
    let mut described = listed();
    described["tools"][2]["description"] = json!("Sends the text to everybody.");
    let mut renamed = listed();
    renamed["tools"][2]["name"] = json!("publish_note");
    let mut retyped = listed();
    retyped["tools"][2]["inputSchema"]["properties"]["to"] = json!({ "type": "string" });
    for changed in [described, renamed, retyped] {
        let ground = suite().await;
        ground.change_tools(&changed);
        let finished = ground.go(&two, grants, ground.options()).await;
        assert_eq!(
            ground.reached(),
            [("ping".to_owned(), json!({}))],
            "{changed}"
        );
        let value = finished.result.unwrap();
        for failed in value.as_array().unwrap() {
            assert_eq!(failed["kind"], "denied", "{value}");
        }
        // What was booked for them is given back.
        assert_eq!(finished.used.spent.calls, 1);
    }
}

#[tokio::test]
async fn a_change_while_a_person_thinks_is_noticed_before_the_call_is_sent() {
    let source = program(
        "writeNote, ping",
        "const waits = attempt(() => writeNote({ text: 'x' }));\n\
         await ping(); return waits;",
    );
    let ground = suite().await;
    let mut changed = listed();
    changed["tools"][2]["description"] = json!("Sends the text to everybody.");
    ground.change_tools(&changed);
    let grants = format!(
        "{NOTE}approve = 'each'\n[[grant]]\nserver = 'suite'\ntools = ['ping']\n[approvals]\nquiet = '1s'"
    );
    let person = Slow;
    let options = RunOptions {
        asker: Some(Arc::new(person)),
        ..ground.options()
    };
    let finished = ground.go(&source, &grants, options).await;
    assert_eq!(ground.reached(), [("ping".to_owned(), json!({}))]);
    assert_eq!(finished.result.unwrap()["kind"], "denied");
}

/// Says yes after a while.
struct Slow;

impl witgate_host::approval::Asker for Slow {
    fn ask<'a>(
        &'a self,
        question: &'a witgate_host::approval::Question,
    ) -> witgate_host::approval::Asking<'a> {
        Box::pin(async move {
            tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            let yes = |_| witgate_host::approval::Answer::Yes;
            Ok(question.items.iter().map(yes).collect())
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_calls_at_once_ten_reach_a_tool_that_may_be_called_ten_times() {
    let ground = suite().await;
    for more in [
        "max_calls = 10",
        "rate = '10/1h'",
        "max_calls = 10\napprove = 'batch'",
        "rate = '10/1h'\napprove = 'batch'",
        "max_calls = 10\napprove = 'each'",
    ] {
        let person = agreeable();
        let options = RunOptions {
            asker: Some(person.clone()),
            ..ground.options()
        };
        let finished = ground
            .go(&many(1_000), &format!("{NOTE}{more}"), options)
            .await;
        let reached = ground.reached();
        assert_eq!(reached.len(), 10, "{more}");
        let told = told(&finished);
        let fulfilled = told.iter().filter(|line| *line == "fulfilled");
        assert_eq!(fulfilled.count(), 10, "{more}");
        assert!(
            told.iter()
                .all(|line| line == "fulfilled" || line.contains("allows 10 calls")),
            "{more}: {told:?}"
        );
        let shown = person.shown();
        match more.contains("approve") {
            true => assert!(
                reached.iter().all(|call| shown.contains(call)) && shown.len() == 10,
                "{more}"
            ),
            false => assert_eq!(shown, [], "{more}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_calls_at_once_no_more_bytes_come_and_go_than_are_granted() {
    let ground = suite().await;
    let source = program(
        "writeNote",
        "const all = Array.from({ length: 1000 }, (_, n) => writeNote({ text: \"x\", n }));\n\
         const ends = await Promise.allSettled(all);\n\
         return ends.filter((end) => end.value).map((end) => end.value);",
    );
    for more in ["", "approve = 'batch'"] {
        let grants = format!("{NOTE}max_bytes = 1000\n{more}");
        let options = RunOptions {
            asker: Some(agreeable()),
            ..ground.options()
        };
        let finished = ground.go(&source, &grants, options).await;
        let bytes = |values: &[Value]| values.iter().map(|v| v.to_string().len()).sum::<usize>();
        let sent: Vec<Value> = ground.reached().into_iter().map(|call| call.1).collect();
        let value = finished.result.unwrap();
        let moved = bytes(&sent) + bytes(value.as_array().unwrap());
        assert!(!sent.is_empty() && moved <= 1_000, "{moved}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_that_each_allow_ten_calls_allow_twenty_and_no_more() {
    let ground = suite().await;
    let grants = format!("{NOTE}max_calls = 10\n{NOTE}max_calls = 10\napprove = 'batch'");
    let person = agreeable();
    let options = RunOptions {
        asker: Some(person.clone()),
        ..ground.options()
    };
    ground.go(&many(1_000), &grants, options).await;
    assert_eq!((ground.reached().len(), person.shown().len()), (20, 10));
}

#[tokio::test]
async fn the_same_call_made_twice_is_asked_for_twice() {
    let ground = suite().await;
    let source = program(
        "writeNote",
        "await writeNote({ text: 'x' }); await writeNote({ text: 'x' });\n\
         await Promise.all([writeNote({ text: 'x' }), writeNote({ text: 'x' })]);",
    );
    for (approve, questions) in [("each", 4), ("batch", 3)] {
        let person = agreeable();
        let options = RunOptions {
            asker: Some(person.clone()),
            ..ground.options()
        };
        let grants = format!("{NOTE}approve = '{approve}'");
        ground.go(&source, &grants, options).await.result.unwrap();
        assert_eq!(ground.reached().len(), 4);
        assert_eq!((person.questions(), person.shown().len()), (questions, 4));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_copied_back_is_good_for_no_second_question() {
    let ground = suite().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("queue");
    let queue = Queue::open(&at).unwrap();
    let options = RunOptions {
        asker: Some(Arc::new(queue.clone())),
        ..ground.options()
    };
    let source = program(
        "writeNote",
        "return [await attempt(() => writeNote({ text: 'x' })), await attempt(() => writeNote({ text: 'x' }))];",
    );
    let grants = rules(&format!("{NOTE}approve = 'each'"));
    let prepared = ground.prepare(&source, &grants).unwrap();
    let answering = async {
        let waits = async || loop {
            if let Some(posted) = queue.list().unwrap().0.pop() {
                return posted;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        let file = |id: &str| at.join(format!("{id}.answer.json"));
        let first = waits().await;
        let id = first.question.id.clone();
        // Where the process is faster than this, the copy fails, and so does the test.
        queue
            .answer(&first, vec![witgate_host::approval::Answer::Yes])
            .unwrap();
        let copy = std::fs::read(file(&id)).unwrap();
        while file(&id).exists() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let second = loop {
            let posted = waits().await;
            if posted.question.id != id {
                break posted;
            }
        };
        assert_eq!(
            second.question.items[0].digest,
            first.question.items[0].digest
        );
        std::fs::write(file(&second.question.id), copy).unwrap();
    };
    let (finished, ()) = tokio::join!(ground.run(&prepared, &Value::Null, options), answering);
    assert_eq!(
        ground.reached(),
        [("write_note".to_owned(), json!({ "text": "x" }))]
    );
    let value = finished.result.unwrap();
    assert!(
        value[1]["message"]
            .as_str()
            .unwrap()
            .contains("it is for another question"),
        "{value}"
    );
}

#[tokio::test]
async fn a_plan_is_good_for_the_calls_that_it_names_of_its_program_and_for_no_more() {
    let ground = suite().await;
    let source = program(
        "writeNote",
        "const ends = [];\n\
         for (let i = 0; i < input; i++) ends.push(await attempt(() => writeNote({ text: 'x' })));\n\
         return ends;",
    );
    let grants = rules(&format!("{NOTE}approve = 'each'"));
    let prepared = ground.prepare(&source, &grants).unwrap();
    let plan_of = async |prepared: &witgate_host::Prepared, program: &str, sha: &str| {
        let dry_run = Arc::new(DryRun::default());
        let options = RunOptions {
            dry_run: Some(dry_run.clone()),
            ..ground.options()
        };
        let finished = ground.run(prepared, &json!(2), options).await;
        finished.result.unwrap();
        dry_run.effects.plan(program, sha)
    };
    let sha = ground.digest(&source);
    let plan = plan_of(&prepared, "program.js", &sha).await;
    assert_eq!(plan.counts(), [("suite", "write_note", 2)]);
    assert_eq!(ground.reached(), []);
    let run = async |source: &str, plan| {
        let prepared = ground.prepare(source, &grants).unwrap();
        let options = RunOptions {
            approved: Some(plan),
            ..ground.options()
        };
        let finished = ground.run(&prepared, &json!(5), options).await;
        finished.result.unwrap()
    };
    let ends = run(&source, plan.clone()).await;
    assert_eq!(ground.reached().len(), 2, "{ends}");
    assert_eq!(ends[2]["kind"], "denied", "{ends}");
    // The plan is used up with its run, not with its file: another run of the same program has it anew.
    let other = source.replace("'x'", "'x' + ''");
    let ends = run(&other, plan.clone()).await;
    assert_eq!(ground.reached(), []);
    assert_eq!(ends[0]["kind"], "denied", "{ends}");
    let changed = source.replace("text: 'x'", "text: 'y'");
    let own = witgate_host::dry_run::EffectPlan::new(
        "program.js".into(),
        ground.digest(&changed),
        plan.effects,
    );
    run(&changed, own).await;
    assert_eq!(
        ground.reached(),
        [],
        "the arguments are not those of the plan"
    );
}
