//! Many calls that wait at once, and an asker that remembers what it was asked.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::*;
use crate::grants::ApprovalSettings;

pub(crate) fn item(sequence: u64, arguments: Value) -> Item {
    Item {
        sequence,
        server: "github".into(),
        tool: "create_issue".into(),
        digest: digest("github", "create_issue", "d", &arguments),
        arguments,
        reasons: vec!["grants.toml:3 says approve = \"batch\"".into()],
        approve: Approve::Batch,
    }
}

pub(crate) fn items(count: u64) -> Vec<Item> {
    (0..count).map(|n| item(n, json!({"title": n}))).collect()
}

pub(crate) fn question(items: Vec<Item>) -> Question {
    Question {
        id: "a1b2c3d4e5f6".into(),
        run: "1-2-3".into(),
        program: "triage.js".into(),
        program_sha256: "0123456789abcdef".repeat(4),
        items,
        asked: crate::call::now(),
        timeout: Duration::from_secs(300),
    }
}

pub(crate) fn no(reason: &str) -> Answer {
    Answer::No {
        reason: reason.into(),
    }
}

fn each(mut item: Item) -> Item {
    item.approve = Approve::Each;
    item
}

/// Answers by a function, as soon as it may.
struct Recorder<F> {
    asked: Mutex<Vec<Question>>,
    may: Semaphore,
    withdrawn: AtomicUsize,
    answer: F,
}

struct Withdrawn<'a>(&'a AtomicUsize, bool);

impl Drop for Withdrawn<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl<F: Fn(&Item) -> Answer + Send + Sync> Asker for Recorder<F> {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(question.clone());
            let mut guard = Withdrawn(&self.withdrawn, false);
            self.may.acquire().await.unwrap().forget();
            guard.1 = true;
            Ok(question.items.iter().map(&self.answer).collect())
        })
    }
}

impl<F> Recorder<F> {
    /// How many items each question had.
    fn sizes(&self) -> Vec<usize> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|q| q.items.len()).collect()
    }
}

fn recorder<F>(may: usize, answer: F) -> Arc<Recorder<F>>
where
    F: Fn(&Item) -> Answer + Send + Sync + 'static,
{
    Arc::new(Recorder {
        asked: Mutex::default(),
        may: Semaphore::new(may),
        withdrawn: AtomicUsize::new(0),
        answer,
    })
}

fn approvals(asker: Option<Arc<dyn Asker>>, timeout: Duration) -> Arc<Approvals> {
    let settings = ApprovalSettings {
        quiet: Duration::from_millis(150),
        window: Duration::from_secs(3),
        timeout,
    };
    Arc::new(Approvals::new(asker, settings, who(), None))
}

fn who() -> RunIdentity {
    RunIdentity {
        run: "1-2-3".into(),
        program: "triage.js".into(),
        program_sha256: "ab".repeat(32),
    }
}

const LONG: Duration = Duration::from_secs(60);

/// Each call in a task of its own.
async fn all(approvals: &Arc<Approvals>, items: Vec<Item>) -> Vec<Result<Approval, Refused>> {
    let calls = items.into_iter().map(|item| {
        let approvals = Arc::clone(approvals);
        tokio::spawn(async move { approvals.approve(item).await })
    });
    let done = join_all(calls).await;
    done.into_iter().map(|result| result.unwrap()).collect()
}

async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "it never happens");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_wait_together_are_asked_together_and_answered_apart() {
    let asker = recorder(9, |item| match item.arguments["title"].as_u64() {
        Some(3 | 7 | 41) => no("spam"),
        _ => Answer::Yes,
    });
    let approvals = approvals(Some(asker.clone()), LONG);
    let wanted = items(50);
    let answers = all(&approvals, wanted.clone()).await;
    assert_eq!(asker.sizes(), [50]);
    for (item, answer) in wanted.iter().zip(answers) {
        match (item.sequence, answer) {
            (3 | 7 | 41, Err(Refused::No { reason })) => assert_eq!(reason, "spam"),
            (_, Ok(approval)) => {
                assert_eq!(approval.digest(), item.digest);
                assert_eq!(approval.how(), How::Asked);
            }
            (n, answer) => panic!("{n}: {answer:?}"),
        }
    }
    assert_eq!(approvals.pending(), 0);
    assert!(approvals.waited() >= Duration::from_millis(50));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_while_a_question_is_open_goes_into_the_next() {
    let asker = recorder(0, |_| Answer::Yes);
    let approvals = approvals(Some(asker.clone()), LONG);
    let ran = {
        let approvals = Arc::clone(&approvals);
        tokio::spawn(async move { all(&approvals, items(2)).await })
    };
    until(|| asker.sizes() == [2]).await;
    // Two equal calls are two items.
    let twice = vec![item(5, json!({})), item(6, json!({})), item(7, json!(1))];
    let more = {
        let approvals = Arc::clone(&approvals);
        tokio::spawn(async move { all(&approvals, twice).await })
    };
    until(|| approvals.pending() == 5).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asker.sizes(), [2]);
    asker.may.add_permits(2);
    assert!(ran.await.unwrap().iter().all(Result::is_ok));
    assert!(more.await.unwrap().iter().all(Result::is_ok));
    assert_eq!(asker.sizes(), [2, 3]);
    let asked = asker.asked.lock().unwrap();
    assert_ne!(asked[0].id, asked[1].id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_asked_alone_and_in_order() {
    let asker = recorder(9, |_| Answer::Yes);
    let approvals = approvals(Some(asker.clone()), LONG);
    let [a, b, c, d] = [0, 1, 2, 3].map(|n| item(n, json!({"n": n})));
    // One task, so that they join in this order.
    let calls = [a, each(b), c, each(d)].map(|item| approvals.approve(item));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    let asked = asker.asked.lock().unwrap();
    let sequences: Vec<Vec<u64>> = asked
        .iter()
        .map(|q| q.items.iter().map(|i| i.sequence).collect())
        .collect();
    assert_eq!(sequences, [vec![0, 2], vec![1], vec![3]]);
}

#[tokio::test]
async fn without_an_answer_it_is_no() {
    let asker = recorder(0, |_| Answer::Yes);
    let after = Duration::from_millis(50);
    let asking = approvals(Some(asker.clone()), after);
    for answer in all(&asking, items(3)).await {
        assert_eq!(answer.unwrap_err(), Refused::TimedOut { after });
    }
    assert_eq!(asker.withdrawn.load(Ordering::SeqCst), 1);
    let nobody = approvals(None, LONG);
    let refused = nobody.approve(item(0, json!({}))).await.unwrap_err();
    assert_eq!(refused, Refused::NobodyToAsk);
}

#[tokio::test]
async fn an_asker_that_fails_approves_nothing() {
    let short = Callback(|_: &Question| async { vec![Answer::Yes] });
    let broken = Callback(|q: &Question| {
        assert!(q.items.is_empty(), "on purpose");
        async { Vec::new() }
    });
    let askers: [Arc<dyn Asker>; 2] = [Arc::new(short), Arc::new(broken)];
    for asker in askers {
        let approvals = approvals(Some(asker), LONG);
        for answer in all(&approvals, items(2)).await {
            assert!(matches!(answer, Err(Refused::Ask(_))), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_is_withdrawn() {
    let asker = recorder(0, |_| Answer::Yes);
    let approvals = approvals(Some(asker.clone()), LONG);
    let start = |n| {
        let approvals = Arc::clone(&approvals);
        tokio::spawn(async move { approvals.approve(item(n, json!(n))).await })
    };
    // Before it is asked for: it is not in the question.
    let (first, second) = (start(1), start(2));
    until(|| approvals.pending() == 2).await;
    first.abort();
    until(|| asker.sizes() == [1]).await;
    // While it is asked for: the question goes, and the next one comes.
    second.abort();
    until(|| asker.withdrawn.load(Ordering::SeqCst) == 1).await;
    until(|| approvals.pending() == 0).await;
    asker.may.add_permits(1);
    assert!(start(3).await.unwrap().is_ok());
    assert_eq!(asker.sizes(), [1, 1]);
}

#[tokio::test]
async fn the_end_of_a_run_withdraws_its_question() {
    let asker = recorder(0, |_| Answer::Yes);
    let approvals = approvals(Some(asker.clone()), LONG);
    {
        let approvals = Arc::clone(&approvals);
        let call = tokio::time::timeout(Duration::from_millis(600), async move {
            approvals.approve(item(0, json!({}))).await
        });
        assert!(call.await.is_err());
    }
    drop(approvals);
    until(|| asker.withdrawn.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_plan_is_good_for_each_of_its_calls_once() {
    let [a, b] = [item(0, json!({"n": 1})), item(1, json!({"n": 2}))];
    let plan = [&a, &a, &b].map(|item| item.digest.clone());
    let plan: PreApproved = plan.into_iter().collect();
    let approvals = Approvals::new(None, ApprovalSettings::default(), who(), Some(plan));
    for (item, good) in [(&a, true), (&b, true), (&a, true), (&a, false), (&b, false)] {
        match approvals.approve(item.clone()).await {
            Ok(approval) => assert!(good && approval.how() == How::Plan),
            Err(refused) => assert!(!good && refused == Refused::NobodyToAsk),
        }
    }
}

#[tokio::test]
async fn a_yes_within_bounds_is_good_for_so_many_calls_like_it() {
    let bounds = Bounds {
        calls: 2,
        same: vec!["repo".into(), "draft".into()],
    };
    let (answer, may) = (Answer::YesWithin(bounds), 1);
    let asker = recorder(may, move |_| answer.clone());
    let approvals = approvals(Some(asker.clone()), Duration::from_millis(150));
    let call = |n: u64, more: Value| {
        let mut arguments = json!({"repo": "a", "title": n});
        for (key, value) in more.as_object().unwrap() {
            arguments[key] = value.clone();
        }
        item(n, arguments)
    };
    let first = approvals.approve(call(0, json!({}))).await.unwrap();
    assert_eq!(first.how(), How::Asked);
    let mut other_tool = call(1, json!({}));
    other_tool.tool = "delete_issue".into();
    let mut other_reason = call(1, json!({}));
    other_reason.reasons.push("a flow rule".into());
    let outside = [
        call(1, json!({"repo": "b"})),
        call(1, json!({"draft": null})),
        other_tool,
        other_reason,
    ];
    for item in outside {
        let refused = approvals.approve(item.clone()).await;
        assert!(matches!(refused, Err(Refused::TimedOut { .. })), "{item:?}");
    }
    for n in 2..4 {
        let approval = approvals.approve(call(n, json!({}))).await.unwrap();
        assert_eq!(approval.how(), How::Within);
    }
    assert!(approvals.approve(call(4, json!({}))).await.is_err());
}

#[tokio::test]
async fn a_question_has_a_thousand_calls_and_a_run_ten_thousand_that_wait() {
    let asker = recorder(0, |_| Answer::Yes);
    let approvals = approvals(Some(asker.clone()), LONG);
    let waiting = {
        let approvals = Arc::clone(&approvals);
        tokio::spawn(async move { all(&approvals, items(10_000)).await })
    };
    until(|| approvals.pending() == 10_000).await;
    let refused = approvals.approve(item(0, json!({}))).await;
    assert_eq!(refused.unwrap_err(), Refused::TooMany);
    asker.may.add_permits(10_000);
    assert!(waiting.await.unwrap().iter().all(Result::is_ok));
    let sizes = asker.sizes();
    assert_eq!(sizes.iter().max(), Some(&1_000));
    assert_eq!(sizes.iter().sum::<usize>(), 10_000);
}

#[tokio::test]
async fn the_wall_clock_stands_still_while_a_call_waits() {
    let asker = recorder(0, |_| Answer::Yes);
    let approvals = approvals(Some(asker.clone()), LONG);
    let (started, limit) = (Instant::now(), Duration::from_millis(200));
    let wall = async {
        approvals.wall(started, limit).await;
        started.elapsed()
    };
    let call = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let answer = async {
            tokio::time::sleep(Duration::from_millis(400)).await;
            asker.may.add_permits(1);
        };
        let (approved, ()) = tokio::join!(approvals.approve(item(0, json!({}))), answer);
        approved.unwrap();
    };
    let (wall, ()) = tokio::join!(wall, call);
    assert!(wall >= limit + Duration::from_millis(390), "{wall:?}");
    assert!(wall < Duration::from_secs(5), "{wall:?}");
}

#[test]
fn a_digest_tells_all_parts_of_a_call_apart() {
    let one = digest("s", "t", "d", &json!({"a": 1, "b": [2]}));
    assert_eq!(one, digest("s", "t", "d", &json!({"b": [2], "a": 1})));
    let others = [
        digest("s2", "t", "d", &json!({"a": 1, "b": [2]})),
        digest("st", "", "d", &json!({"a": 1, "b": [2]})),
        digest("s", "t", "e", &json!({"a": 1, "b": [2]})),
        digest("s", "t", "d", &json!({"a": "1", "b": [2]})),
    ];
    assert!(others.iter().all(|other| *other != one));
}
