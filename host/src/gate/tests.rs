//! Sequences of calls, budgets, conditions of time, flow rules and approvals.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::admission::PlannedTool;
use crate::approval::Approval;
use crate::grants;
use crate::labels::Then;
use crate::limits::Limits;
use crate::rules::Rules;

pub(crate) mod oracle;
mod properties;

fn plan(grants: &str, limits: Limits) -> Plan {
    let grants = grants::parse(grants, "grants.toml").unwrap();
    let rules = Rules::unchecked(grants, &[("s", "read"), ("s", "write")]);
    let tools = ["read", "write"].map(|tool| PlannedTool {
        server: "s".into(),
        tool: tool.into(),
        definition: String::new(),
        rules: Arc::clone(rules.tool("s", tool).unwrap()),
        through: Vec::new(),
    });
    Plan {
        tools: tools.into(),
        imports: Vec::new(),
        calls: Vec::new(),
        skills: Vec::new(),
        rules,
        limits,
        start: Vec::new(),
        program: String::new(),
    }
}

/// Goes through without a person.
fn pass(plan: &Plan, spent: &mut Spent, mut call: Call) -> Result<(Permit, usize), Denial> {
    match check(plan, spent, &mut call)? {
        Passed::Permitted(permit, grant) => Ok((permit, grant)),
        Passed::Ask(pending) => panic!("{pending:?}"),
    }
}

fn call(tool: usize, bytes: u64) -> Call {
    Call {
        tool,
        arguments: Map::new(),
        shown: None,
        opened: BTreeSet::new(),
        bytes,
        now: 1_000_000,
        request: None,
    }
}

#[test]
fn no_permit_without_a_grant_for_that_tool() {
    let plan = plan("[[grant]]\nserver='s'\ntools=['read']", Limits::default());
    let mut spent = Spent::default();
    let (permit, grant) = pass(&plan, &mut spent, call(0, 1)).unwrap();
    assert_eq!((permit.server(), permit.tool(), grant), ("s", "read", 0));
    assert_eq!(
        pass(&plan, &mut spent, call(1, 1)).unwrap_err(),
        Denial::NotGranted
    );
    assert_eq!(
        pass(&plan, &mut spent, call(9, 1)).unwrap_err(),
        Denial::NotGranted
    );
    assert_eq!(spent.calls, 1);
}

#[test]
fn a_second_grant_pays_when_the_first_is_used_up() {
    let text = "[[grant]]\nserver='s'\ntools=['read']\nmax_calls=1\n[[grant]]\nserver='s'\ntools=['*']\nmax_bytes=10";
    let plan = plan(text, Limits::default());
    let mut spent = Spent::default();
    assert_eq!(pass(&plan, &mut spent, call(0, 4)).unwrap().1, 0);
    assert_eq!(pass(&plan, &mut spent, call(0, 4)).unwrap().1, 1);
    let denial = pass(&plan, &mut spent, call(0, 7)).unwrap_err();
    assert!(
        matches!(denial, Denial::GrantBytes { limit: 10, .. }),
        "{denial}"
    );
    assert!(!denial.is_limit());
}

#[test]
fn a_denied_call_changes_nothing_and_a_result_is_booked() {
    let limits = Limits {
        calls: 2,
        total_bytes: 100,
        call_bytes: 50,
        ..Limits::default()
    };
    let plan = plan("[[grant]]\nserver='s'\ntools=['*']", limits);
    let mut spent = Spent::default();
    assert!(pass(&plan, &mut spent, call(0, 51)).unwrap_err().is_limit());
    assert_eq!(spent, Spent::default());
    let (_, grant) = pass(&plan, &mut spent, call(0, 40)).unwrap();
    assert_eq!(
        book_result(&plan, &mut spent, grant, 51).unwrap_err(),
        Denial::ResultBytes {
            bytes: 51,
            limit: 50
        }
    );
    assert_eq!(
        book_result(&plan, &mut spent, grant, 10).unwrap_err(),
        Denial::RunBytes { limit: 100 }
    );
    assert_eq!(
        pass(&plan, &mut spent, call(0, 1)).unwrap_err(),
        Denial::RunBytes { limit: 100 }
    );
}

#[test]
fn a_tool_that_changed_is_denied_from_then_on_and_costs_nothing() {
    let plan = plan(
        "[[grant]]\nserver='s'\ntools=['*']\nmax_calls=2",
        Limits::default(),
    );
    let mut spent = Spent::default();
    let (permit, grant) = pass(&plan, &mut spent, call(0, 5)).unwrap();
    drop(permit);
    let denial = take_back(&mut spent, 0, grant, 5, ChangeKind::Removed);
    assert!(!denial.is_limit());
    assert_eq!((spent.calls, spent.bytes), (0, 0));
    assert_eq!(spent.grants, [GrantSpent::default()]);
    assert_eq!(pass(&plan, &mut spent, call(0, 1)).unwrap_err(), denial);
    pass(&plan, &mut spent, call(1, 1)).unwrap();
    pass(&plan, &mut spent, call(1, 1)).unwrap();
}

/// Every order of many small steps: budgets are never exceeded, whatever is asked.
#[test]
fn budgets_hold_for_any_sequence_of_calls() {
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..300 {
        let (calls, bytes, run_calls) = (next(6), next(200), next(10));
        let text =
            format!("[[grant]]\nserver='s'\ntools=['read']\nmax_calls={calls}\nmax_bytes={bytes}");
        let plan = plan(
            &text,
            Limits {
                calls: run_calls,
                ..Limits::default()
            },
        );
        let mut spent = Spent::default();
        let mut permits = 0;
        for _ in 0..40 {
            let tool = next(3) as usize;
            if pass(&plan, &mut spent, call(tool, next(60))).is_ok() {
                permits += 1;
                assert_eq!(tool, 0);
            }
        }
        assert!(permits <= calls.min(run_calls));
        assert_eq!(permits, spent.calls);
        assert!(spent.bytes <= bytes);
    }
}

#[test]
fn a_thousand_concurrent_calls_get_ten_permits() {
    let plan = plan(
        "[[grant]]\nserver='s'\ntools=['read']\nmax_calls=10",
        Limits::default(),
    );
    let spent = Mutex::new(Spent::default());
    let permits: usize = std::thread::scope(|scope| {
        let work = || {
            (0..250)
                .filter(|_| pass(&plan, &mut spent.lock().unwrap(), call(0, 1)).is_ok())
                .count()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(permits, 10);
}

const ALL: &str = "[[grant]]\nserver='s'\ntools=['*']\n";
const LABELS: &str = "[[label]]\nserver='s'\ntools=['read']\nlabels=['untrusted']\n[[label]]\nserver='s'\ntools=['write']\nlabels=['egress']\n";

fn waits(plan: &Plan, spent: &mut Spent, mut call: Call) -> Pending {
    match check(plan, spent, &mut call).unwrap() {
        Passed::Ask(pending) => *pending,
        Passed::Permitted(permit, _) => panic!("{permit:?}"),
    }
}

fn with(tool: usize, arguments: Value) -> Call {
    let Value::Object(arguments) = arguments else {
        panic!();
    };
    Call {
        arguments,
        ..call(tool, 1)
    }
}

#[test]
fn a_grant_of_the_past_allows_nothing() {
    let plan = plan(
        "[[grant]]\nserver='s'\ntools=['read']\nexpires=1970-01-01T00:16:40Z",
        Limits::default(),
    );
    let mut spent = Spent::default();
    let denial = pass(&plan, &mut spent, call(0, 1)).unwrap_err();
    assert!(matches!(denial, Denial::Expired { .. }), "{denial}");
    let before = Call {
        now: 999_999,
        ..call(0, 1)
    };
    pass(&plan, &mut spent, before).unwrap();
}

#[test]
fn a_rate_counts_the_calls_of_its_stretch_of_time() {
    let plan = plan(
        "[[grant]]\nserver='s'\ntools=['read']\nrate='2/10s'",
        Limits::default(),
    );
    let mut spent = Spent::default();
    let at = |now| Call { now, ..call(0, 1) };
    pass(&plan, &mut spent, at(10_000)).unwrap();
    pass(&plan, &mut spent, at(15_000)).unwrap();
    let denial = pass(&plan, &mut spent, at(19_999)).unwrap_err();
    assert!(
        matches!(denial, Denial::Rate { wait_ms: 1, .. }),
        "{denial}"
    );
    pass(&plan, &mut spent, at(20_000)).unwrap();
    assert!(pass(&plan, &mut spent, at(24_999)).is_err());
    pass(&plan, &mut spent, at(25_000)).unwrap();
}

#[test]
fn the_grant_that_asks_least_decides_whatever_the_order() {
    let text = "[[grant]]\nserver='s'\ntools=['*']\napprove='each'\n[[grant]]\nserver='s'\ntools=['*']\napprove='batch'\n[[grant]]\nserver='s'\ntools=['read']\nmax_calls=1";
    let plan = plan(text, Limits::default());
    let mut spent = Spent::default();
    assert_eq!(pass(&plan, &mut spent, call(0, 1)).unwrap().1, 2);
    let pending = waits(&plan, &mut spent, call(0, 1));
    assert_eq!((pending.approve(), pending.grant()), (Approve::Batch, 1));
    assert!(pending.reasons()[0].contains("grants.toml:5"));
}

#[test]
fn an_approval_is_good_for_exactly_what_was_shown() {
    let text = "[[grant]]\nserver='s'\ntools=['*']\napprove='batch'\nmax_calls=2";
    let plan = plan(text, Limits::default());
    let mut spent = Spent::default();
    let first = waits(&plan, &mut spent, with(0, json!({"to": "a"})));
    let other = waits(&plan, &mut spent, with(0, json!({"to": "b"})));
    assert_ne!(first.digest(), other.digest());
    assert!(
        check(&plan, &mut spent, &mut call(0, 1)).is_err(),
        "what waits is booked"
    );
    let stolen = Approval::for_tests(other.digest());
    let denial = approve(&plan, &mut spent, first, stolen, 0).unwrap_err();
    assert_eq!(denial, Denial::OtherApproval);
    let right = Approval::for_tests(other.digest());
    let (permit, _) = approve(&plan, &mut spent, other, right, 0).unwrap();
    assert_eq!(permit.into_parts().arguments["to"], "b");
    assert_eq!(spent.calls, 1, "what was not approved is given back");
}

#[test]
fn a_tool_that_changed_while_a_person_was_asked_is_not_called() {
    let plan = plan(
        "[[grant]]\nserver='s'\ntools=['*']\napprove='each'",
        Limits::default(),
    );
    let mut spent = Spent::default();
    let pending = waits(&plan, &mut spent, call(0, 1));
    spent.changed.push((0, ChangeKind::Removed));
    let approval = Approval::for_tests(pending.digest());
    let denial = approve(&plan, &mut spent, pending, approval, 0).unwrap_err();
    assert!(matches!(denial, Denial::Changed(_)));
    assert_eq!(spent.calls, 0);
}

#[test]
fn flow_rules_go_by_what_the_run_has_read() {
    let flow = |then: &str| {
        format!("[[flow]]\nafter=['untrusted']\ncall=['egress']\nthen='{then}'\nat='call'\n")
    };
    let refused = plan(
        &format!("{ALL}{LABELS}{}", flow("refuse")),
        Limits::default(),
    );
    let mut spent = Spent::default();
    pass(&refused, &mut spent, call(1, 1)).unwrap();
    pass(&refused, &mut spent, call(0, 1)).unwrap();
    // Its answer is not there yet: nothing of it can be in what is sent.
    pass(&refused, &mut spent, call(1, 1)).unwrap();
    read(&refused, &mut spent, 0, LabelSet::default());
    let before = spent.clone();
    let denial = pass(&refused, &mut spent, call(1, 1)).unwrap_err();
    assert!(matches!(denial, Denial::Flow { .. }), "{denial}");
    assert_eq!(spent, before);

    let asked = plan(
        &format!("{ALL}{LABELS}{}", flow("approve")),
        Limits::default(),
    );
    let mut spent = Spent::reading(asked.rules.input_labels());
    let pending = waits(&asked, &mut spent, call(1, 1));
    assert!(
        pending.reasons()[0].contains("`egress`"),
        "{:?}",
        pending.reasons()
    );

    let text = format!(
        "{ALL}{LABELS}{}{}{}",
        flow("refuse"),
        flow("approve"),
        flow("allow")
    );
    let allowed = plan(&text, Limits::default());
    let mut spent = Spent::reading(allowed.rules.input_labels());
    pass(&allowed, &mut spent, call(1, 1)).unwrap();
}
