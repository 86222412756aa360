//! The budgets of a run are those of its skills too: going over one ends the run, whoever did.

use std::time::Duration;

use serde_json::{Value, json};
use witgate_host::{Exceeded, Limits, RunError};

use crate::ground::{Ended, Ground, any, quick};

fn exceeded(ended: Ended) -> Exceeded {
    match ended.finished.result {
        Err(RunError::Limit(exceeded)) => exceeded,
        other => panic!("{other:?}"),
    }
}

/// Calls the skill, and takes whatever it fails with.
const CALLS: &str = "import { skill } from 'mcp:skills';
    export default async (input) => { try { return await skill(input ?? {}); } catch (error) { return { kind: error.kind, message: error.message }; } }";

#[tokio::test]
async fn a_loop_that_does_not_end_ends_the_run() {
    let mut ground = Ground::new(vec![any("skill")]).await;
    let limits = Limits {
        cpu: Duration::from_millis(300),
        ..quick()
    };
    for source in [
        "export default () => { for (;;) {} }",
        "for (;;) {} export default () => 1",
        "export default async () => { for (;;) await null; }",
    ] {
        ground.skill("skill", source);
        let ended = ground.go_within(CALLS, Value::Null, &limits).await;
        assert_eq!(exceeded(ended), Exceeded::Cpu(limits.cpu), "{source}");
    }
    // Many that each take little.
    ground.skill(
        "skill",
        "export default () => { let n = 0; for (let i = 0; i < 1000000; i++) n += i; return n; }",
    );
    let many = "import { skill } from 'mcp:skills'; export default async () => { for (let i = 0; i < 10000; i++) await skill({}); }";
    let ended = ground.go_within(many, Value::Null, &limits).await;
    assert_eq!(exceeded(ended), Exceeded::Cpu(limits.cpu));
}

#[tokio::test]
async fn waiting_costs_wall_time_and_no_more() {
    let mut ground = Ground::new(vec![any("skill")]).await;
    ground.skill(
        "skill",
        "export default ({ ms }) => new Promise((done) => setTimeout(() => done('waited'), ms))",
    );
    let limits = Limits {
        cpu: Duration::from_millis(300),
        wall: Duration::from_secs(5),
        ..quick()
    };
    let ended = ground.go_within(CALLS, json!({ "ms": 600 }), &limits).await;
    assert_eq!(ended.value(), "waited");
    let ended = ground
        .go_within(CALLS, json!({ "ms": 60_000 }), &limits)
        .await;
    assert_eq!(exceeded(ended), Exceeded::Wall(limits.wall));
}

#[tokio::test]
async fn memory_is_counted_over_all_and_given_back() {
    let mut ground = Ground::new(vec![any("skill")]).await;
    let limits = Limits {
        memory: 64 << 20,
        ..quick()
    };
    ground.skill(
        "skill",
        "export default () => { const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1)); }",
    );
    let ended = ground.go_within(CALLS, Value::Null, &limits).await;
    assert_eq!(exceeded(ended), Exceeded::Memory(limits.memory));
    // 30 MiB is no trouble, in the skill or in its caller, one after another as often as anybody likes.
    ground.skill(
        "skill",
        "export default ({ mib }) => new Uint8Array(mib << 20).fill(1).length",
    );
    let each = "import { skill } from 'mcp:skills'; export default async (input) => { for (let i = 0; i < 10; i++) await skill({ mib: 30 }); return new Uint8Array(input.mib << 20).fill(1).length; }";
    let ended = ground.go_within(each, json!({ "mib": 30 }), &limits).await;
    assert_eq!(ended.value(), 30 << 20);
    // At the same time they are too much.
    let both = "import { skill } from 'mcp:skills'; export default async (input) => { const kept = new Uint8Array(input.mib << 20).fill(1); await skill({ mib: 30 }); return kept.length; }";
    let ended = ground.go_within(both, json!({ "mib": 30 }), &limits).await;
    assert_eq!(exceeded(ended), Exceeded::Memory(limits.memory));
}

#[tokio::test]
async fn calls_and_bytes_are_counted_together() {
    let mut ground = Ground::new(vec![any("skill")]).await;
    ground.skill(
        "skill",
        "import { getIssue } from 'mcp:demo'; export default async () => { await getIssue({ number: 1 }); await getIssue({ number: 2 }); return 'both'; }",
    );
    let twice = "import { skill } from 'mcp:skills'; import { getIssue } from 'mcp:demo';
        const attempt = (f) => f().catch((error) => [error.kind, error.detail?.cause?.kind ?? null]);
        export default async () => [await attempt(() => skill({})), await attempt(() => skill({})), await attempt(() => getIssue({ number: 3 }))]";
    let limits = Limits {
        calls: 3,
        ..quick()
    };
    ground.reached();
    let ended = ground.go_within(twice, Value::Null, &limits).await;
    assert_eq!(ended.finished.used.spent.calls, 3);
    assert_eq!(
        ended.value(),
        json!(["both", ["tool-failed", "limit"], ["limit", null]])
    );
    assert_eq!(ground.reached().len(), 3);
    // One that goes on in spite of it ends the run.
    ground.skill(
        "skill",
        "import { getIssue } from 'mcp:demo'; export default async () => { for (;;) await getIssue({ number: 1 }).catch(() => {}); }",
    );
    let ended = ground.go_within(CALLS, Value::Null, &limits).await;
    assert_eq!(exceeded(ended), Exceeded::Calls(3));
}

#[tokio::test]
async fn what_goes_in_and_comes_out_is_bounded() {
    let mut ground = Ground::new(vec![any("skill")]).await;
    ground.skill(
        "skill",
        "export default ({ give }) => 'x'.repeat(give ?? 0)",
    );
    let limits = Limits {
        call_bytes: 1_000,
        ..quick()
    };
    let source = "import { skill } from 'mcp:skills';
        const attempt = (args) => skill(args).then((value) => value.length, (error) => [error.kind, error.message]);
        export default async () => [await attempt({ give: 990 }), await attempt({ give: 2000 }), await attempt({ pad: 'x'.repeat(2000) })]";
    let ended = ground.go_within(source, Value::Null, &limits).await;
    assert_eq!(
        ended.value(),
        json!([
            990,
            [
                "limit",
                "the result is 2002 bytes, at most 1000 are allowed; ask for less per call"
            ],
            [
                "limit",
                "the arguments are 2010 bytes, at most 1000 are allowed"
            ]
        ])
    );
    // What waits for its turn is held, and not without end.
    ground.skill("skill", "export default async () => { await new Promise((done) => setTimeout(done, 50)); return 1; }");
    let source = "import { skill } from 'mcp:skills'; const pad = 'x'.repeat(8 << 20);
        export default async () => { const all = await Promise.allSettled(Array.from({ length: 12 }, () => skill({ pad }))); return all.map((one) => one.value ?? one.reason.kind); }";
    let limits = Limits {
        memory: 2 << 30,
        cpu: Duration::from_secs(60),
        ..quick()
    };
    let ended = ground.go_within(source, Value::Null, &limits).await;
    let value = ended.value();
    let kinds: Vec<&Value> = value.as_array().unwrap().iter().collect();
    assert!(
        kinds.contains(&&json!(1)) && kinds.contains(&&json!("limit")),
        "{value}"
    );
}

#[tokio::test]
async fn a_host_without_room_for_a_skill_says_so() {
    let mut ground = Ground::with_places(vec![any("skill")], Some(4)).await;
    ground.skill("skill", "export default async () => { await new Promise((done) => setTimeout(done, 1000)); return 1; }");
    let source = "import { skill } from 'mcp:skills'; export default async () => (await Promise.allSettled(Array.from({ length: 8 }, () => skill({})))).map((one) => one.value ?? one.reason.kind)";
    let ended = ground.go(source, Value::Null).await;
    let value = ended.value();
    let kinds: Vec<&str> = value
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    // The program has a place itself.
    assert_eq!(kinds, ["unavailable"; 5], "{value}");
    // What was taken is given back.
    for _ in 0..3 {
        let ended = ground.go(CALLS, Value::Null).await;
        assert_eq!(ended.value(), 1);
    }
}

#[tokio::test]
async fn what_waits_for_a_place_is_no_more_than_the_run_may_move() {
    let ground = Ground::new(Vec::new()).await;
    let source = "import { slowEcho, addComment } from 'mcp:demo';
        export default async () => {
            const told = [];
            const note = (name) => [() => told.push(name), (error) => told.push(`${name}: ${error.kind}, ${error.message}`)];
            const first = slowEcho({ text: 'x', delay_ms: 3000 }).then(...note('first'));
            const body = 'x'.repeat(1 << 20);
            const rest = Array.from({ length: 5 }, (_, n) => addComment({ number: 1, body }).then(...note(`waits ${n}`)));
            await Promise.all([first, ...rest]);
            return told;
        }";
    let limits = Limits {
        in_flight: 1,
        total_bytes: 7 << 19,
        ..quick()
    };
    let ended = ground.go_within(source, Value::Null, &limits).await;
    let told = ended.value();
    let why = "limit, the run may move 3670016 bytes and they are used up";
    // Those that are too much are not kept until it is their turn.
    assert_eq!(told[0], format!("waits 3: {why}"), "{told}");
    assert_eq!(told[1], format!("waits 4: {why}"), "{told}");
    assert_eq!(told[2], "first");
}
