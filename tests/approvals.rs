//! A question in a queue, answered by the command in a process of its own. What a run does with the answer is not seen here.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use witgate_host::approval::queue::Queue;
use witgate_host::approval::{Answer, AskError, Asker, Bounds, Item, Question, digest};
use witgate_host::grants::Approve;
use witgate_tests::process::{Output, Stand};

fn question(tools: &[&str]) -> Question {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let items = tools.iter().enumerate().map(|(n, tool)| {
        let arguments = json!({"n": n, "text": "\u{1b}[2J\u{202e}"});
        Item {
            sequence: n as u64,
            server: "github".into(),
            tool: (*tool).to_owned(),
            digest: digest("github", tool, "d", &arguments),
            arguments,
            reasons: vec!["grants.toml:3 says approve = \"batch\"".into()],
            approve: Approve::Batch,
        }
    });
    Question {
        id: "a1b2c3d4e5f6".into(),
        run: "1-2-3".into(),
        program: "triage.js".into(),
        program_sha256: "3f".repeat(32),
        items: items.collect(),
        asked: now.unwrap().as_millis() as u64,
        timeout: Duration::from_secs(300),
    }
}

/// A stand whose queue asks one question, and how that was answered.
async fn asked(answer: impl FnOnce(&dyn Fn(&[&str]) -> Output)) -> Result<Vec<Answer>, AskError> {
    let mut stand = Stand::new().unwrap();
    let state = stand.folder().join("state");
    stand.set("WITGATE_STATE", state.to_str().unwrap());
    let folder: PathBuf = state.join("approvals");
    let queue = Queue::open(&folder).unwrap();
    let asking = tokio::spawn(async move {
        let question = question(&["create", "create", "delete", "create"]);
        queue.ask(&question).await
    });
    while std::fs::read_dir(&folder).unwrap().count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    answer(&|arguments| {
        let arguments: Vec<&str> = ["approvals"].iter().chain(arguments).copied().collect();
        stand.run(&arguments).unwrap()
    });
    let answers = tokio::time::timeout(Duration::from_secs(10), asking).await;
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    answers.unwrap().unwrap()
}

fn no(reason: &str) -> Answer {
    Answer::No {
        reason: reason.into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_listed_shown_and_approved_in_part() {
    let answers = asked(|approvals| {
        let listed = approvals(&["list"]);
        assert!(
            listed
                .stdout
                .starts_with("a1b2c3d4e5f6  triage.js wants 4 calls: waits for "),
            "{listed:?}"
        );
        assert!(
            listed
                .stdout
                .contains("    3 x github/create\n    1 x github/delete\n")
        );
        let json: Value = serde_json::from_str(&approvals(&["list", "--json"]).stdout).unwrap();
        assert_eq!(json["questions"][0]["state"], "waiting");
        assert_eq!(
            json["questions"][0]["question"]["items"][2]["tool"],
            "delete"
        );

        let shown = approvals(&["show", "a1"]);
        let line = r#"   3. {"n":2,"text":"\u001b[2J\u202e"}"#;
        assert!(shown.stdout.contains(line), "{shown:?}");
        assert!(shown.stdout.is_ascii() && !shown.stdout.contains('\u{1b}'));

        let unknown = approvals(&["approve", "ff"]);
        assert_eq!(unknown.code, Some(2));
        assert!(
            unknown.stderr.contains("no question `ff` waits"),
            "{unknown:?}"
        );
        assert!(unknown.stderr.contains("hint: `witgate approvals list`"));
        let outside = approvals(&["approve", "a1b2", "--only", "5"]);
        assert_eq!(outside.code, Some(2));
        assert!(
            outside.stderr.contains("there is no item 5, only 1 to 4"),
            "{outside:?}"
        );

        let approved = approvals(&["approve", "a1b2", "--only", "2-3", "--calls", "7"]);
        assert_eq!(approved.code, Some(0), "{approved:?}");
        assert!(
            approved
                .stderr
                .starts_with("of triage.js, approved 2-3; denied 1,4\n"),
            "{approved:?}"
        );
    });
    let answers = answers.await.unwrap();
    let more = Answer::YesWithin(Bounds {
        calls: 7,
        same: Vec::new(),
    });
    assert_eq!(answers[1..3], [more.clone(), more]);
    let is_no = |answer: &Answer| matches!(answer, Answer::No { .. });
    assert!(is_no(&answers[0]) && is_no(&answers[3]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_denied_in_part_and_whole() {
    let answers = asked(|approvals| {
        let denied = approvals(&["deny", "a1b2c3d4e5f6", "--only", "3", "--reason", "keep it"]);
        assert!(
            denied
                .stderr
                .starts_with("of triage.js, approved 1-2,4; denied 3\n"),
            "{denied:?}"
        );
    });
    let answers = answers.await.unwrap();
    assert_eq!(
        answers,
        [Answer::Yes, Answer::Yes, no("keep it"), Answer::Yes]
    );
    let answers = asked(|approvals| {
        assert_eq!(
            approvals(&["deny", "a"]).stderr,
            "denied 4 calls of triage.js\n"
        );
    });
    assert_eq!(answers.await.unwrap(), vec![no(""); 4]);
}

#[test]
fn a_queue_that_is_not_there_is_empty_and_one_that_is_open_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let stand = Stand::new().unwrap();
    let listed = stand
        .run(&["approvals", "list", "--folder", "none"])
        .unwrap();
    assert_eq!(
        (listed.code, listed.stderr.as_str()),
        (Some(0), "no question waits\n")
    );
    assert!(!stand.folder().join("none").exists());
    let open = stand.folder().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let refused = stand
        .run(&["approvals", "list", "--folder", "open"])
        .unwrap();
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("`open` can be written by others"),
        "{refused:?}"
    );
    assert!(refused.stderr.contains("hint: "));
}
