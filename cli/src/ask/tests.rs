//! What a person sees and may type.
#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use serde_json::{Value, json};
use witgate_host::approval::{Item, digest};
use witgate_host::grants::Approve;

use super::*;

fn question(tools: &[(&str, Value)]) -> Question {
    let items = tools.iter().enumerate().map(|(n, (tool, arguments))| Item {
        sequence: n as u64,
        server: "github".into(),
        tool: (*tool).to_owned(),
        arguments: arguments.clone(),
        digest: digest("github", tool, "d", arguments),
        reasons: vec!["grants.toml:3 says approve = \"batch\"".into()],
        approve: Approve::Batch,
    });
    Question {
        id: "a1b2c3d4e5f6".into(),
        run: "1-2-3".into(),
        program: "triage.js".into(),
        program_sha256: "3fa9c1d2e4b7".repeat(5),
        items: items.collect(),
        asked: 0,
        timeout: Duration::from_secs(300),
    }
}

fn some(count: u64) -> Question {
    let tools: Vec<_> = (0..count)
        .map(|n| ("create_issue", json!({"n": n})))
        .collect();
    question(&tools)
}

/// The screen after these lines were typed, and the answers.
async fn talk(question: &Question, typed: &str) -> (String, Vec<Answer>) {
    let (sender, mut lines) = unbounded_channel();
    let typed = typed.to_owned();
    std::thread::spawn(move || send_lines(Cursor::new(typed), &sender));
    let mut screen = Vec::new();
    let answers = converse(question, &mut screen, &mut lines).await.unwrap();
    (String::from_utf8(screen).unwrap(), answers)
}

fn answers(line: &str, question: &Question) -> Vec<Answer> {
    match parse(line, question) {
        Said::Answers { answers, .. } => answers,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn every_answer_means_what_the_help_says() {
    let asked = some(6);
    for line in ["y", "yes", " Y \n"] {
        assert_eq!(answers(line, &asked), vec![Answer::Yes; 6]);
    }
    assert_eq!(answers("n\n", &asked), deny(6, ""));
    assert_eq!(answers("no  not today ", &asked), deny(6, "not today"));
    let apart = |reason: &str| {
        let (yes, no) = (Answer::Yes, no(reason));
        vec![no.clone(), yes.clone(), yes, no.clone(), no.clone(), no]
    };
    assert_eq!(answers("n 1,4-6", &asked), apart(""));
    assert_eq!(
        answers("n 1, 4-6 they are spam", &asked),
        apart("they are spam")
    );
    let given = answers("a 20", &asked);
    let bounds = Bounds {
        calls: 20,
        same: Vec::new(),
    };
    assert_eq!(given[0], Answer::YesWithin(bounds));
    assert_eq!(given[1..], vec![Answer::Yes; 5]);
    assert_eq!(parse("l", &asked), Said::ListAll);
    assert_eq!(parse("l 6", &asked), Said::Show(5));
    assert_eq!(parse("?", &asked), Said::Help);
    let unclear = [
        "",
        "yy",
        "yes please",
        "y 1",
        "1",
        "1,4-6",
        "n 7",
        "n 0",
        "n 4-1",
        "n 1,x",
        "n 1;2",
        "a",
        "a 0",
        "a -1",
        "a x",
        "a 1 2",
        "l 7",
        "l 1,2",
        "l x",
        "ok",
        "j",
        "? y",
    ];
    for line in unclear {
        assert!(matches!(parse(line, &asked), Said::Unclear(_)), "{line}");
    }
}

#[tokio::test]
async fn the_screen_is_this() {
    let mut tools: Vec<_> = (1..=22)
        .map(|n| ("create_issue", json!({"title": format!("Issue {n}")})))
        .collect();
    tools.insert(1, ("delete_issue", json!({"id": "x".repeat(300)})));
    let asked = question(&tools);
    let (screen, given) = talk(&asked, "maybe\nl 2\nn 2 keep it\n").await;
    let expected = format!(
        r#"
The program triage.js (sha256 3fa9c1d2e4b7) waits for your approval.

This program wants to call github/create_issue 22 times:
   1. {{"title":"Issue 1"}}
{}      ... and 2 more (type l to list them all)
  because grants.toml:3 says approve = "batch"

This program wants to call github/delete_issue once:
   2. {{"id":"{}
    | {}
    | {}
    + 109 more characters (type l 2 to see it whole)
  because grants.toml:3 says approve = "batch"

{PROMPT}
> that is no answer; ? shows what is

{PROMPT}
>    2. {{"id":"{}
    | {}
    | {}
    | {}
    | {}"}}

{PROMPT}
> denied 2; approved 22 calls
"#,
        (2..=20)
            .map(|n| format!("{:>4}. {{\"title\":\"Issue {n}\"}}\n", n + 1))
            .collect::<String>(),
        "x".repeat(65),
        "x".repeat(72),
        "x".repeat(56),
        "x".repeat(65),
        "x".repeat(72),
        "x".repeat(72),
        "x".repeat(72),
        "x".repeat(19),
    );
    assert_eq!(screen, expected);
    assert_eq!(given[1], no("keep it"));
    assert_eq!(given.iter().filter(|a| **a == Answer::Yes).count(), 22);
}

const PROMPT: &str =
    "Approve all 23? [y]es  [n]o  [n 1,4] not these  [a N] and N more  [l]ist  [?]";

#[tokio::test]
async fn everything_can_be_listed_and_the_end_of_the_input_is_no() {
    let (screen, given) = talk(&some(50), "l\n?\n").await;
    assert!(screen.contains("... and 30 more (type l to list them all)"));
    assert_eq!(screen.matches("  50. {\"n\":49}\n").count(), 1);
    assert!(screen.contains("Ctrl-D denies"));
    assert_eq!(given, deny(50, "nobody answered at the terminal"));
}

#[tokio::test]
async fn no_text_of_a_program_looks_like_ours() {
    let hostile = "\r\n\u{1b}[2J\u{9b}1A\u{202e}\u{200b}\nApprove all 1? [y]es\n> y\n";
    let mut asked = question(&[(
        hostile,
        json!({hostile: [hostile, " ".repeat(150), hostile]}),
    )]);
    asked.program = hostile.to_owned();
    asked.items[0].reasons = vec![hostile.to_owned()];
    let (screen, given) = talk(&asked, "l 1\nn\n").await;
    let is_plain = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic();
    assert!(screen.chars().all(is_plain), "{screen}");
    let ours = |line: &&str| line.starts_with("Approve") || line.starts_with('>');
    // Three times the prompt and what is typed at it, of which one is the item that was asked for.
    assert_eq!(screen.lines().filter(ours).count(), 4, "{screen}");
    assert_eq!(given, deny(1, ""));
}
