//! What the gate costs: the same call under grants that say nothing, and under grants with a condition, what the person
//! asked for, flow rules, an organisation's policy, and sealing. Each alone, in a loop, and as a whole call of a program.
//! The ways under comparison take turns within one round, so that what else the machine does meets all of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value, json};
use witgate_codegen::lock::LockedTool;
use witgate_codegen::select::View;
use witgate_host::gate::{self, Call, Passed, Spent};
use witgate_host::grants::Policy;
use witgate_host::imports::{Built, ImportedTool, Imports};
use witgate_host::sealed::Vault;
use witgate_host::{Grants, Limits, Plan, Prepared, admit, grants};

use crate::ground::{Ground, run_for, rust_program};
use crate::spread::{Row, seconds, without};

/// Calls in one sample of a whole call, and checks in one of a check alone.
const CALLS: u32 = 20;
const CHECKS: u32 = 50;
/// A thread's stack that is too small for Cedar, so that the gate decides on another, as it does on a guest's own.
const SMALL_STACK: usize = 512 << 10;

const PROGRAM: &str = r#"
use mcp::bank::{SendMoneyArgs, list_people, send_money};
use witgate_guest::prelude::*;

async fn run(input: Value) -> Result<Value> {
    let calls = input["calls"].as_u64().context("how many calls")?;
    let reads = input["reads"].as_bool() == Some(true);
    println!("first");
    let mut done = 0;
    for _ in 0..calls {
        if reads {
            done += u64::from(list_people().await?.people.len() == 20);
            continue;
        }
        let sent = send_money(SendMoneyArgs {
            amount: 12.5,
            recipient: "GB29 0500".into(),
            subject: "Rent for May".into(),
            times: 1,
        });
        done += u64::from(sent.await?.sent);
    }
    println!("last");
    Ok(json!(done))
}

program!(run);
"#;

const ALL: &str = "[[grant]]\nserver = 'bank'\ntools = ['*']\n";
const LABELS: &str = "
[input]
labels = ['untrusted']
[[label]]
server = 'bank'
tools = ['send_money']
labels = ['egress']
[[flow]]
after = ['untrusted']
call = ['egress']
then = 'refuse'
unless = 'context.args.amount.lessThan(decimal(\"100.0\")) && context.args.recipient like \"GB*\"'
";

/// One way to allow the same call; they stand in the order of `NAMES`.
struct Way {
    grants: Grants,
    request: Option<Arc<str>>,
}

const NAMES: [[&str; 3]; 5] = [
    ["gate.plain", "gate.plain.grown", "gate.call.plain"],
    ["gate.when", "gate.when.grown", "gate.call.when"],
    ["gate.stated", "gate.stated.grown", "gate.call.stated"],
    ["gate.flow", "gate.flow.grown", "gate.call.flow"],
    ["gate.policy", "gate.policy.grown", "gate.call.policy"],
];

const WHAT: [&str; 5] = [
    "a granted call without a condition",
    "with `when`: 4 arguments, a decimal compared, and one of 1,000 texts",
    "the same and `context.stated`, with a request of 1 kB",
    "without `when`, but labels and a flow rule with `unless`",
    "without `when`, but a `.cedar` file of 20 policies",
];

/// What stands before `WHAT` in each of the three columns of `NAMES`.
const HOW: [&str; 3] = [
    "`gate::check` alone",
    "the same on a stack that Cedar cannot measure or finds too small",
    "a whole call from a Rust program, the server included",
];

fn ways() -> anyhow::Result<[Way; 5]> {
    let payees: Vec<String> = (0..1_000).map(|n| format!("\"GB29 {n:04}\"")).collect();
    let sets = format!("[sets]\npayees = [{}]\n", payees.join(", "));
    let when = |more: &str| {
        format!(
            "{ALL}when = '''context.args.amount.lessThanOrEqual(decimal(\"100.0\")) && \
             context.sets.payees.contains(context.args.recipient){more}'''\n{sets}"
        )
    };
    // The condition speaks of one tool; the other is granted beside it.
    let one = |text: String| {
        let own = text.replace("tools = ['*']", "tools = ['send_money']");
        format!("[[grant]]\nserver = 'bank'\ntools = ['list_people']\n{own}")
    };
    let said = "Please pay the rent for May to GB29 0500, that is 12.50 as always. ";
    let more = " && context.stated.recipient && context.stated.amount";
    let way = |text: &str| -> anyhow::Result<Way> {
        Ok(Way {
            grants: grants::parse(text, "grants.toml")?,
            request: None,
        })
    };
    let mut policy = way(ALL)?;
    policy.grants.policy = Some(Policy {
        text: policies(),
        origin: "org.cedar".to_owned(),
    });
    let mut stated = way(&one(when(more)))?;
    // What is looked for comes last.
    let filler = "Nothing else is due this month, I think. ".repeat(23);
    stated.request = Some(format!("{filler}{said}").into());
    Ok([
        way(ALL)?,
        way(&one(when("")))?,
        stated,
        way(&format!("{ALL}{LABELS}"))?,
        policy,
    ])
}

/// One that permits, and 19 of which none forbids it.
fn policies() -> String {
    let action = "action == Action::\"bank/send_money\"";
    let mut text = "permit(principal, action, resource);\n".to_owned();
    for n in 0..19 {
        let body = match n % 4 {
            0 => format!(
                "context.args.amount.greaterThan(decimal(\"{}.0\"))",
                1_000 + n
            ),
            1 => format!("context.args.recipient like \"XX{n}*\""),
            2 => format!("context.args.times > {}", 10 + n),
            _ => format!("context.calls > 1000000 && context.args.subject == \"{n}\""),
        };
        text.push_str(&format!(
            "forbid(principal, {action}, resource) when {{ {body} }};\n"
        ));
    }
    text
}

pub(crate) async fn rows(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let ways = ways()?;
    let mut rows = alone(ground, &ways)?;
    rows.extend(whole(ground, &ways).await?);
    Ok(rows)
}

/// A column of rows: the times themselves, and what `when` and the like add to a plain call.
fn column(at: usize, times: &[Vec<Duration>; 5]) -> Vec<Row> {
    let rows = times.iter().enumerate().map(|(way, times)| {
        let what = format!("{}: {}", HOW[at], WHAT[way]);
        Row::new(NAMES[way][at], what, seconds(times)).microseconds()
    });
    rows.collect()
}

fn added(name: &'static str, what: &'static str, with: &[Duration], plain: &[Duration]) -> Row {
    Row::new(name, what, without(with, plain)).microseconds()
}

/// The check alone: on a usual stack and on a small one.
fn alone(ground: &Ground, ways: &[Way; 5]) -> anyhow::Result<Vec<Row>> {
    let plans = ways.iter().map(|way| plan(ground, &way.grants));
    let plans: Vec<Plan> = plans.collect::<Result<_, _>>()?;
    let rounds = ground.rounds(400);
    let measure = || -> anyhow::Result<[Vec<Duration>; 5]> {
        let mut times: [Vec<Duration>; 5] = Default::default();
        for round in 0..rounds + 10 {
            for ((plan, way), times) in plans.iter().zip(ways).zip(&mut times) {
                let time = checks(plan, way)?;
                if round >= 10 {
                    times.push(time);
                }
            }
        }
        Ok(times)
    };
    let usual = measure()?;
    let small = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(SMALL_STACK);
        let thread = thread.spawn_scoped(scope, measure)?;
        let result = thread.join();
        result.map_err(|_| anyhow::anyhow!("the thread with a small stack panicked"))?
    })?;
    let mut rows = column(0, &usual);
    rows.extend(column(1, &small));
    rows.push(
        added(
            "gate.when.added",
            "what `when` adds to the check, on a usual stack",
            &usual[1],
            &usual[0],
        )
        .aim(20.0, None),
    );
    rows.push(
        added(
            "gate.when.grown.added",
            "what `when` adds to the check, where it is decided on another stack",
            &small[1],
            &small[0],
        )
        .aim(20.0, None),
    );
    rows.extend(sealing(ground)?);
    Ok(rows)
}

fn arguments() -> Map<String, Value> {
    let arguments = json!({
        "amount": 12.5, "recipient": "GB29 0500", "subject": "Rent for May", "times": 1,
    });
    arguments.as_object().cloned().unwrap_or_default()
}

fn checks(plan: &Plan, way: &Way) -> anyhow::Result<Duration> {
    let arguments = arguments();
    let call = || Call {
        tool: 0,
        arguments: arguments.clone(),
        shown: None,
        opened: BTreeSet::new(),
        bytes: 80,
        now: 1_790_000_000_000,
        request: way.request.clone(),
    };
    let mut calls: Vec<Call> = (0..CHECKS).map(|_| call()).collect();
    let mut spent = Spent::reading(plan.rules.input_labels());
    let mut permits = Vec::with_capacity(calls.len());
    let started = Instant::now();
    for call in &mut calls {
        permits.push(gate::check(plan, &mut spent, call));
    }
    let time = started.elapsed() / CHECKS;
    for passed in permits {
        ensure!(
            matches!(&passed, Ok(Passed::Permitted(..))),
            "the call is not let through: {passed:?}"
        );
    }
    Ok(time)
}

/// A plan for `send_money`, as for a program that imports it.
fn plan(ground: &Ground, grants: &Grants) -> anyhow::Result<Plan> {
    let hash = || "0".repeat(64);
    let tool = ImportedTool {
        interface: "mcp:bank/tools".into(),
        function: "send-money".into(),
        server: "bank".into(),
        tool: "send_money".into(),
        view: View::Json,
        asynchronous: true,
        fits: true,
        live: LockedTool {
            definition: hash(),
            schemas: hash(),
            shape: hash(),
        },
        built: Built::Unsaid,
    };
    let imports = Imports {
        tools: vec![tool],
        ..Imports::default()
    };
    let rules = grants.check(&ground.definitions)?;
    Ok(admit(&imports, &rules, &Limits::default(), None)?)
}

const SEALED: &str = "[[seal]]\nserver = 'bank'\ndetect = ['email', 'phone']\n";

/// Sealing a result of two kilobytes, its values seen for the first time and seen before.
fn sealing(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let grants = grants::parse(SEALED, "grants.toml")?;
    let rules: Vec<_> = grants.seals.iter().collect();
    let result = people();
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for round in 0..ground.rounds(400) + 10 {
        let vault = Vault::new()?;
        let mut copies: Vec<Value> = (0..20).map(|_| result.clone()).collect();
        let mut copies = copies.iter_mut();
        let new = copies.next().context("there are copies")?;
        let started = Instant::now();
        let sealed = vault.seal(&rules, new);
        let time = started.elapsed();
        let places: u64 = sealed.places.values().sum();
        ensure!(places == 40, "not all was sealed: {sealed:?}");
        let started = Instant::now();
        for value in copies {
            vault.seal(&rules, value);
        }
        if round >= 10 {
            first.push(time);
            again.push(started.elapsed() / 19);
        }
    }
    Ok(vec![
        Row::new(
            "gate.seal",
            "a result of 2 kB sealed: addresses and numbers found in it, none of which the run has seen",
            seconds(&first),
        )
        .microseconds(),
        Row::new("gate.seal.again", "the same with values that it has seen", seconds(&again))
            .microseconds(),
    ])
}

/// As the server answers `list_people`.
fn people() -> Value {
    let entry = |n: usize| {
        json!({
            "name": format!("Person {n}"),
            "note": format!("write to person.{n}@example.com, or call +1 415 555 01{n:02} before noon"),
        })
    };
    json!({ "people": (0..20).map(entry).collect::<Vec<_>>() })
}

/// Whole calls of a program.
async fn whole(ground: &Ground, ways: &[Way; 5]) -> anyhow::Result<Vec<Row>> {
    let host = &ground.on_demand;
    let program = rust_program(ground, host, PROGRAM)?;
    let prepare = |grants: &Grants| -> anyhow::Result<Prepared> {
        let imports = program.imports(host, &ground.definitions);
        let rules = grants.check(&ground.definitions)?;
        let plan = admit(&imports, &rules, &Limits::default(), None)?;
        Ok(Prepared::new(host, &program, plan, &ground.definitions)?)
    };
    let prepared = ways.iter().map(|way| prepare(&way.grants));
    let prepared: Vec<Prepared> = prepared.collect::<Result<_, _>>()?;
    let sealed = prepare(&grants::parse(&format!("{ALL}{SEALED}"), "grants.toml")?)?;
    let mut times: [Vec<Duration>; 5] = Default::default();
    let (mut clear, mut tokens) = (Vec::new(), Vec::new());
    for round in 0..ground.rounds(300) + 10 {
        let mut taken = Vec::new();
        for (prepared, way) in prepared.iter().zip(ways) {
            taken.push(calling(ground, prepared, way.request.as_ref(), false).await?);
        }
        let plain = calling(ground, &prepared[0], None, true).await?;
        let with = calling(ground, &sealed, None, true).await?;
        if round < 10 {
            continue;
        }
        for (times, time) in times.iter_mut().zip(taken) {
            times.push(time);
        }
        clear.push(plain);
        tokens.push(with);
    }
    let mut rows = column(2, &times);
    rows.push(
        added(
            "gate.call.when.added",
            "what `when` adds to a whole call",
            &times[1],
            &times[0],
        )
        .aim(20.0, None),
    );
    for (name, what, way) in [
        (
            "gate.call.stated.added",
            "what `when` with `context.stated` adds to a whole call",
            2,
        ),
        (
            "gate.call.flow.added",
            "what the flow rule adds to a whole call",
            3,
        ),
        (
            "gate.call.policy.added",
            "what the policy adds to a whole call",
            4,
        ),
    ] {
        rows.push(added(name, what, &times[way], &times[0]));
    }
    rows.push(
        Row::new(
            "gate.call.read",
            "a whole call whose result is 2 kB, the server included",
            seconds(&clear),
        )
        .microseconds(),
    );
    rows.push(added(
        "gate.call.seal.added",
        "what sealing addresses and numbers in it adds",
        &tokens,
        &clear,
    ));
    Ok(rows)
}

async fn calling(
    ground: &Ground,
    prepared: &Prepared,
    request: Option<&Arc<str>>,
    reads: bool,
) -> anyhow::Result<Duration> {
    let input = json!({ "calls": CALLS, "reads": reads });
    let ran = run_for(ground, &ground.on_demand, prepared, &input, request).await?;
    ensure!(ran.value == json!(CALLS), "the program's result is wrong");
    match ran.marks.as_slice() {
        [first, last] => Ok((*last - *first) / CALLS),
        _ => anyhow::bail!("the program wrote {} lines", ran.marks.len()),
    }
}
