//! A queue and another one on the same folder, as another process has it.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::approval::tests::{items, no, question};

fn queue() -> (tempfile::TempDir, Queue) {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(&folder.path().join("state/approvals")).unwrap();
    (folder, queue)
}

fn names(queue: &Queue) -> Vec<String> {
    let entries = fs::read_dir(&queue.folder).unwrap();
    entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect()
}

async fn posted(queue: &Queue) -> Posted {
    for _ in 0..1_000 {
        if let Some(posted) = queue.list().unwrap().0.pop() {
            return posted;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no question comes");
}

/// Asks, and lets `answer` do what another process would.
async fn ask(answer: impl AsyncFnOnce(&Queue, Posted)) -> Result<Vec<Answer>, AskError> {
    let (_folder, queue) = queue();
    let asker = Arc::new(queue.clone());
    let asked = question(items(3));
    let asking = tokio::spawn(async move { asker.ask(&asked).await });
    let found = posted(&queue).await;
    answer(&queue, found).await;
    let answers = tokio::time::timeout(Duration::from_secs(10), asking).await;
    assert_eq!(names(&queue), Vec::<String>::new());
    answers.unwrap().unwrap()
}

#[tokio::test]
async fn another_process_answers() {
    let wanted = vec![
        Answer::Yes,
        no("spam"),
        Answer::YesWithin(crate::approval::Bounds {
            calls: 3,
            same: vec!["repo".into()],
        }),
    ];
    let given = wanted.clone();
    let answers = ask(async |queue: &Queue, posted: Posted| {
        assert_eq!(posted.state, State::Waiting);
        assert_eq!(posted.question.items, items(3));
        let file = queue.path(&posted.question.id, QUESTION);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&queue.folder)), (0o600, 0o700));
        let short = queue.find(&posted.question.id[..3]).unwrap();
        queue.answer(&short, given).unwrap();
        let again = queue.answer(&posted, vec![Answer::Yes; 3]);
        assert!(matches!(again, Err(QueueError::Answered { .. })));
    });
    assert_eq!(answers.await.unwrap(), wanted);
}

#[tokio::test]
async fn an_answer_for_another_call_is_none() {
    let changes: [fn(&mut Value); 7] = [
        |file| file["answers"][1]["digest"] = json!("00"),
        |file| drop(file["answers"].as_array_mut().unwrap().pop()),
        |file| file["answers"].as_array_mut().unwrap().swap(0, 1),
        |file| file["question"] = json!("ffffffffffff"),
        |file| file["version"] = json!(2),
        |file| file["answers"][0]["answer"] = json!("maybe"),
        |file| *file = json!("yes"),
    ];
    for change in changes {
        let answers = ask(async |queue: &Queue, posted: Posted| {
            let path = queue.path(&posted.question.id, ANSWER);
            let answers = posted.question.items.iter();
            let mut file = json!({
                "version": 1,
                "question": posted.question.id,
                "answers": answers.map(|i| json!({"digest": i.digest, "answer": "yes"})).collect::<Vec<_>>(),
            });
            change(&mut file);
            fs::write(path, file.to_string()).unwrap();
        });
        assert!(matches!(answers.await, Err(AskError::Unfit(_))));
    }
    let linked = ask(async |queue: &Queue, posted: Posted| {
        symlink("/dev/null", queue.path(&posted.question.id, ANSWER)).unwrap();
    });
    assert!(matches!(linked.await, Err(AskError::Unavailable(_))));
    let removed = ask(async |queue: &Queue, posted: Posted| queue.remove(&posted.question.id));
    assert!(matches!(removed.await, Err(AskError::Unavailable(_))));
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_goes() {
    let (_folder, queue) = queue();
    let asked = question(items(1));
    // Withdrawn.
    let asking = tokio::time::timeout(Duration::from_millis(150), queue.ask(&asked));
    assert!(asking.await.is_err());
    assert_eq!(names(&queue), Vec::<String>::new());
    // Its process died.
    queue.post(&asked).unwrap();
    let path = queue.path(&asked.id, QUESTION);
    let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    file["process"]["started"] = json!(1);
    fs::write(&path, file.to_string()).unwrap();
    fs::write(queue.path("gone", ANSWER), "{}").unwrap();
    let found = queue.find(&asked.id).unwrap();
    assert!(matches!(found.state, State::Stale { .. }), "{found:?}");
    assert_eq!(names(&queue), Vec::<String>::new());
    let answered = queue.answer(&found, vec![Answer::Yes]);
    assert!(matches!(answered, Err(QueueError::Stale { .. })));
    let unknown = queue.find(&asked.id);
    assert!(matches!(unknown, Err(QueueError::Unknown { .. })));
    // Its time is over.
    let mut late = asked.clone();
    late.asked -= 400_000;
    queue.post(&late).unwrap();
    assert!(matches!(posted(&queue).await.state, State::Stale { .. }));
}

#[tokio::test]
async fn an_id_may_be_short_where_it_is_clear() {
    let (_folder, queue) = queue();
    for id in ["abc1", "abc2", "abc"] {
        let mut asked = question(items(1));
        asked.id = id.into();
        queue.post(&asked).unwrap();
    }
    fs::write(queue.path("abd", QUESTION), "no JSON").unwrap();
    assert_eq!(queue.find("abc").unwrap().question.id, "abc");
    assert_eq!(queue.find("abc2").unwrap().question.id, "abc2");
    assert!(matches!(
        queue.find("ab").unwrap_err(),
        QueueError::Ambiguous { ids, .. } if ids.len() == 3
    ));
    for (id, malformed) in [("abd", true), ("x", false), ("", false)] {
        let error = queue.find(id).unwrap_err();
        assert_eq!(matches!(error, QueueError::Malformed { .. }), malformed);
    }
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let (own, link) = (folder.path().join("own"), folder.path().join("link"));
    Queue::open(&own).unwrap();
    symlink(&own, &link).unwrap();
    assert!(matches!(
        Queue::open(&link).unwrap_err(),
        QueueError::Unsafe { .. }
    ));
    for bits in [0o770, 0o707, 0o777] {
        mode(&own, bits);
        assert!(matches!(
            Queue::open(&own).unwrap_err(),
            QueueError::Unsafe { .. }
        ));
    }
    mode(&own, 0o700);
    mode(folder.path(), 0o777);
    assert!(Queue::open(&own).is_err());
    mode(folder.path(), 0o1777);
    Queue::open(&own).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(Queue::open(&folder.path().join("file")).is_err());
}
