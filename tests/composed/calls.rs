//! What a call of a skill does: arguments in, a result out, in both languages, one within another, many at once.

use std::sync::Arc;

use serde_json::{Value, json};
use witgate_host::{Journal, RunOptions};

use crate::ground::{ALL, Ground, any, declared, quick};

const TOP: &str = "
import { listIssues } from 'mcp:demo';
export default async function ({ count }) {
    const issues = await listIssues({ state: 'open', per_page: 100 });
    return { numbers: issues.slice(0, count).map((issue) => issue.number) };
}";

fn top() -> witgate_codegen::catalog::Tool {
    declared(
        "top-issues",
        json!({ "type": "object", "properties": { "count": { "type": "integer", "minimum": 1 } }, "required": ["count"], "additionalProperties": false }),
        Some(
            json!({ "type": "object", "properties": { "numbers": { "type": "array", "items": { "type": "integer" } } }, "required": ["numbers"] }),
        ),
    )
}

#[tokio::test]
async fn a_program_calls_a_skill_that_calls_a_tool() {
    let mut ground = Ground::new(vec![top()]).await;
    ground.skill("top-issues", TOP);
    let source = "
        import { topIssues } from 'mcp:skills';
        export default async (input) => (await topIssues({ count: input.count })).numbers.length";
    let program = ground.js(source, "program.js");
    let prepared = ground
        .prepare(
            &program,
            "[[grant]]\nserver = 'demo'\ntools = ['list_issues']\n",
            &quick(),
        )
        .unwrap();
    let file = ground.stand.folder().join("journal.jsonl");
    let options = RunOptions {
        journal: Arc::new(Journal::append_to(&file).unwrap()),
        ..RunOptions::new(&ground.servers)
    };
    ground.reached();
    let ended = ground
        .run(&prepared, json!({ "count": 3 }), options.clone())
        .await;
    assert_eq!(ended.finished.used.spent.calls, 1);
    assert_eq!(ended.value(), 3);
    assert_eq!(ground.reached(), ["list_issues"]);
    // One record: that of the tool's call.
    let journal = std::fs::read_to_string(&file).unwrap();
    let record: Value = serde_json::from_str(journal.trim()).unwrap();
    assert_eq!(
        (record["server"].as_str(), record["verdict"].as_str()),
        (Some("demo"), Some("permitted"))
    );
    // As often as anybody likes.
    for count in 1..4 {
        let ended = ground
            .run(&prepared, json!({ "count": count }), options.clone())
            .await;
        assert_eq!(ended.value(), count);
    }
    // What runs is the program with its skills, and has another digest than the program alone.
    assert_ne!(prepared.digest(), program.digest);
}

#[tokio::test]
async fn rust_and_javascript_call_each_other() {
    let double = declared(
        "double",
        json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] }),
        Some(
            json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] }),
        ),
    );
    let mut ground = Ground::new(vec![top(), double]).await;
    let skill = "
use witgate_guest::prelude::*;
async fn run(input: Value) -> Result<Value> {
    let n = input[\"n\"].as_i64().unwrap_or_default();
    if n == 13 {
        panic!(\"thirteen is not doubled\");
    }
    Ok(json!({ \"n\": n * 2 }))
}
program!(run);";
    let Some(skill) = ground.rust(skill) else {
        return;
    };
    ground.programs.insert("double".to_owned(), skill);
    ground.skill("top-issues", TOP);
    let ended = ground
        .go(
            "import { double } from 'mcp:skills';
            const attempt = (n) => double({ n }).then((r) => r.n, (error) => [error.kind, error.tool, error.message]);
            export default async () => [await attempt(21), await attempt(13), await attempt('x')]",
            Value::Null,
        )
        .await;
    let value = ended.value();
    assert_eq!(value[0], 42);
    assert_eq!(value[1][0], "tool-failed");
    assert_eq!(value[1][1], "skills/double");
    let message = value[1][2].as_str().unwrap();
    assert!(message.contains("thirteen is not doubled"), "{message}");
    assert_eq!(value[2][0], "invalid-arguments", "{value}");
    // The typed view.
    let program = "
use mcp::skills::{double, top_issues, DoubleArgs, TopIssuesArgs};
use witgate_guest::prelude::*;
async fn run(_input: Value) -> Result<Value> {
    let top = top_issues(TopIssuesArgs { count: 2, ..Default::default() }).await?;
    let doubled = double(DoubleArgs { n: top.numbers.len() as i64, ..Default::default() }).await?;
    let wrong = top_issues(TopIssuesArgs { count: 0, ..Default::default() }).await;
    Ok(json!([doubled.n, wrong.is_err()]))
}
program!(run);";
    let program = ground.rust(program).unwrap();
    let prepared = ground.prepare(&program, ALL, &quick()).unwrap();
    let ended = ground
        .run(&prepared, Value::Null, RunOptions::new(&ground.servers))
        .await;
    assert_eq!(ended.value(), json!([4, true]));
}

#[tokio::test]
async fn skills_call_skills_and_each_has_its_own_state() {
    let mut ground = Ground::new(vec![any("one"), any("two"), any("three")]).await;
    ground.skill(
        "three",
        "let calls = 0; import { getIssue } from 'mcp:demo';
         export default async ({ n }) => { calls += 1; const { number } = await getIssue({ number: n }); return [number, calls]; }",
    );
    ground.skill(
        "two",
        "import { three } from 'mcp:skills'; export default async ({ n }) => [await three({ n }), await three({ n: n + 1 })]",
    );
    ground.skill(
        "one",
        "import { two, three } from 'mcp:skills'; export default async ({ n }) => ({ two: await two({ n }), three: await three({ n }) })",
    );
    let ended = ground
        .go(
            "import { one, three } from 'mcp:skills'; export default async () => [await one({ n: 5 }), await three({ n: 9 })]",
            Value::Null,
        )
        .await;
    assert_eq!(ended.finished.used.spent.calls, 4);
    assert_eq!(
        ended.value(),
        json!([{ "two": [[5, 1], [6, 1]], "three": [5, 1] }, [9, 1]])
    );
}

#[tokio::test]
async fn skills_run_side_by_side() {
    let mut ground = Ground::new(vec![any("slow"), any("square")]).await;
    ground.skill(
        "slow",
        "import { slowEcho } from 'mcp:demo';
         export default async ({ text }) => { console.log(`start ${text}`); await slowEcho({ text, delay_ms: 1500 }); console.log(`end ${text}`); return text; }",
    );
    ground.skill("square", "export default ({ n }) => n * n");
    let ended = ground
        .go(
            "import { slow } from 'mcp:skills'; export default () => Promise.all(['a', 'b', 'c'].map((text) => slow({ text })))",
            Value::Null,
        )
        .await;
    let starts = ended
        .lines
        .iter()
        .take_while(|l| l.starts_with("slow: start "));
    assert_eq!(starts.count(), 3, "{:?}", ended.lines);
    assert_eq!(ended.value(), json!(["a", "b", "c"]));
    // More than run at the same time: the others come to their turn.
    let ended = ground
        .go(
            "import { square } from 'mcp:skills'; export default () => Promise.all(Array.from({ length: 100 }, (_, n) => square({ n })))",
            Value::Null,
        )
        .await;
    let squares: Vec<u64> = (0..100).map(|n| n * n).collect();
    assert_eq!(ended.value(), json!(squares));
}

#[tokio::test]
async fn skills_within_skills_do_not_wait_for_one_another_in_a_circle() {
    let mut ground = Ground::new(vec![any("inner"), any("outer")]).await;
    ground.skill("inner", "export default ({ n }) => n");
    ground.skill(
        "outer",
        "import { inner } from 'mcp:skills'; export default async ({ n }) => { const all = await Promise.all(Array.from({ length: 20 }, () => inner({ n }))); return all.length; }",
    );
    let ended = ground
        .go(
            "import { outer } from 'mcp:skills'; export default () => Promise.all(Array.from({ length: 20 }, (_, n) => outer({ n })))",
            Value::Null,
        )
        .await;
    assert_eq!(ended.value(), json!(vec![20; 20]));
}

#[tokio::test]
async fn what_a_skill_says_is_told_with_its_name() {
    let mut ground = Ground::new(vec![any("talks")]).await;
    ground.skill(
        "talks",
        "export default () => { for (let i = 0; i < 4; i++) console.log(`line ${i}\\u001b[31m`); console.error(new Error('odd').stack); return null; }",
    );
    let source = "import { talks } from 'mcp:skills'; export default async () => { console.log('before'); await talks({}); console.log('after'); }";
    let ended = ground.go(source, Value::Null).await;
    assert_eq!(ended.lines[..2], ["before", "talks: line 0\u{fffd}[31m"]);
    assert!(
        ended.lines[5].starts_with("talks: ") && ended.lines[5].contains("talks.js:1:"),
        "{:?}",
        ended.lines
    );
    assert_eq!(ended.lines[6], "after");
    // All lines of a run are counted together.
    let limits = witgate_host::Limits {
        log_lines: 3,
        ..quick()
    };
    let ended = ground.go_within(source, Value::Null, &limits).await;
    assert_eq!(ended.lines.len(), 4, "{:?}", ended.lines);
    assert_eq!(
        ended.lines[3],
        "more than 3 log lines; further ones are dropped"
    );
    assert_eq!(ended.finished.used.log_lines_dropped, 4);
}

#[tokio::test]
async fn a_skill_that_nobody_waits_for_any_more_is_ended() {
    let input = json!({ "type": "object", "properties": { "ms": { "type": "integer" } }, "required": ["ms"] });
    let mut ground = Ground::new(vec![declared("slow", input, None)]).await;
    let program = "
use mcp::demo::{slow_echo, SlowEchoArgs};
use mcp::skills::{slow, SlowArgs};
use witgate_guest::futures::future::{select, Either};
use witgate_guest::prelude::*;
async fn run(input: Value) -> Result<Value> {
    let delay_ms = input[\"patience\"].as_i64().unwrap_or_default();
    let called = Box::pin(slow(SlowArgs { ms: 1500, ..Default::default() }));
    let patience = std::pin::pin!(slow_echo(SlowEchoArgs { text: \"x\".into(), delay_ms, ..Default::default() }));
    let answer = match select(called, patience).await {
        Either::Left((answer, _)) => json!(answer?),
        Either::Right(_) => json!(\"no more\"),
    };
    slow_echo(SlowEchoArgs { text: \"x\".into(), delay_ms: input[\"after\"].as_i64().unwrap_or_default(), ..Default::default() }).await?;
    Ok(answer)
}
program!(run);";
    let Some(program) = ground.rust(program) else {
        return;
    };
    ground.skill(
        "slow",
        "export default async ({ ms }) => { console.log('begins'); await new Promise((done) => setTimeout(done, ms)); console.log('ends'); return 'done'; }",
    );
    let prepared = ground.prepare(&program, ALL, &quick()).unwrap();
    for (patience, after, answer, lines) in [
        (10_000, 1, "done", &["slow: begins", "slow: ends"][..]),
        (500, 2_000, "no more", &["slow: begins"]),
    ] {
        let input = json!({ "patience": patience, "after": after });
        let ended = ground
            .run(&prepared, input, RunOptions::new(&ground.servers))
            .await;
        assert_eq!(ended.lines, lines);
        assert_eq!(ended.value(), answer);
    }
}
