//! Random labels, flow rules and sets of imports: what is said before a program starts is what the gate would say to it, had
//! it read everything that it can, and both are what an oracle over plain names says.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use serde_json::Map;
use witgate_codegen::lock::LockedTool;
use witgate_codegen::select::View;

use super::*;
use crate::gate::tests::oracle::Random;
use crate::gate::{self, Call, Denial, Passed, Spent};

const TOOLS: [&str; 4] = ["a", "b", "c", "d"];
const LABELS: [&str; 4] = ["untrusted", "private", "egress", "own"];

type Names = BTreeSet<&'static str>;

/// A flow rule, as names.
struct Rule {
    after: Vec<&'static str>,
    call: Vec<&'static str>,
    then: Then,
    at: At,
    /// Whether it has an exception, which no call here meets.
    unless: bool,
}

struct World {
    input: Option<Vec<&'static str>>,
    labels: [Vec<&'static str>; 4],
    flows: Vec<Rule>,
}

impl World {
    fn random(random: &mut Random) -> World {
        let flows = (0..random.below(5)).map(|_| {
            let at = random.pick(&[At::Start, At::Start, At::Call]);
            Rule {
                after: random.some(&LABELS),
                call: vec![random.pick(&LABELS)],
                then: random.pick(&[Then::Allow, Then::Refuse, Then::Approve]),
                at,
                unless: at == At::Call && random.one_in(3),
            }
        });
        World {
            flows: flows.collect(),
            input: random.one_in(2).then(|| random.some(&LABELS)),
            labels: [(); 4].map(|()| random.some(&LABELS)),
        }
    }

    fn rules(&self) -> Rules {
        let mut text = "[[grant]]\nserver = 's'\ntools = ['*']\n".to_owned();
        // Every name is known, whoever has it.
        text.push_str(&format!(
            "[[label]]\nserver = 'none'\nlabels = {LABELS:?}\n"
        ));
        for (tool, labels) in TOOLS.iter().zip(&self.labels) {
            text.push_str(&format!(
                "[[label]]\nserver = 's'\ntools = ['{tool}']\nlabels = {labels:?}\n"
            ));
        }
        for Rule {
            after,
            call,
            then,
            at,
            ..
        } in &self.flows
        {
            let (then, at) = (format!("{then:?}"), format!("{at:?}"));
            text.push_str(&format!(
                "[[flow]]\nafter = {after:?}\ncall = {call:?}\nthen = '{}'\nat = '{}'\n",
                then.to_lowercase(),
                at.to_lowercase(),
            ));
        }
        if let Some(input) = &self.input {
            text.push_str(&format!("[input]\nlabels = {input:?}\n"));
        }
        let mut grants = grants::parse(&text, "grants.toml").unwrap();
        for (flow, rule) in grants.flows.iter_mut().zip(&self.flows) {
            // Admission goes by whether there is one; the gate has none to decide, and the rule stands.
            flow.unless = rule.unless.then(|| grants::Condition {
                text: "false".into(),
                origin: String::new(),
            });
        }
        Rules::unchecked(grants, &TOOLS.map(|tool| ("s", tool)))
    }

    /// Every set of labels that a run may have read, by which of the imports it has called.
    fn reads(&self, imports: &[usize]) -> Vec<Names> {
        let sets = (0..1_u32 << imports.len()).map(|chosen| {
            let called = imports.iter().enumerate();
            let called = called.filter(|(at, _)| chosen & (1 << at) != 0);
            let labels = called.flat_map(|(_, tool)| self.labels[*tool].iter().copied());
            labels.collect()
        });
        sets.collect()
    }

    fn concerns(&self, rule: &Rule, read: &Names, tool: usize) -> bool {
        rule.after.iter().all(|label| read.contains(label))
            && rule
                .call
                .iter()
                .any(|label| self.labels[tool].contains(label))
    }

    /// The tools of which a rule of the start speaks: some run reaches it, and none is let through for certain once it has
    /// read everything.
    fn caught(&self, rule: &Rule, imports: &[usize]) -> Vec<usize> {
        let reads = self.reads(imports);
        let all = reads.iter().flatten().copied().collect();
        let is_caught = |tool: &&usize| {
            let leave =
                |r: &Rule| r.then == Then::Allow && !r.unless && self.concerns(r, &all, **tool);
            reads.iter().any(|read| self.concerns(rule, read, **tool))
                && !self.flows.iter().any(leave)
        };
        imports.iter().filter(is_caught).copied().collect()
    }
}

fn imports(tools: &[usize]) -> Imports {
    let hash = || LockedTool {
        definition: "d".into(),
        schemas: "s".into(),
        shape: "t".into(),
    };
    let tools = tools.iter().map(|at| ImportedTool {
        interface: "mcp:s/tools".into(),
        function: TOOLS[*at].into(),
        server: "s".into(),
        tool: TOOLS[*at].into(),
        view: View::Json,
        asynchronous: true,
        fits: true,
        live: hash(),
        built: Built::Unsaid,
    });
    Imports {
        tools: tools.collect(),
        ..Imports::default()
    }
}

fn call(tool: usize) -> Call {
    Call {
        tool,
        arguments: Map::new(),
        shown: None,
        opened: BTreeSet::new(),
        bytes: 0,
        now: 0,
        request: None,
    }
}

#[test]
fn what_is_said_at_the_start_is_what_some_run_would_meet() {
    let mut random = Random(3);
    let (mut refused, mut asked, mut free) = (0, 0, 0);
    for _ in 0..3_000 {
        let world = World::random(&mut random);
        let mut tools = random.some(&[0, 1, 2, 3]);
        if random.one_in(2) {
            tools.reverse();
        }
        let rules = world.rules();
        let start = |then: Then| {
            let rules = world.flows.iter().enumerate();
            let rules = rules.filter(move |(_, rule)| rule.at == At::Start && rule.then == then);
            let caught = rules.map(|(at, rule)| (at, world.caught(rule, &tools)));
            caught
                .filter(|(_, caught)| !caught.is_empty())
                .collect::<Vec<_>>()
        };
        let refusing: usize = start(Then::Refuse)
            .iter()
            .map(|(_, caught)| caught.len())
            .sum();
        let plan = match admit(&imports(&tools), &rules, &Limits::default(), None) {
            Err(refusal) => {
                assert_eq!(refusal.reasons.len(), refusing, "{refusal}");
                refused += 1;
                continue;
            }
            Ok(plan) => plan,
        };
        assert_eq!(refusing, 0);
        let questions = plan.start.iter().map(|question| {
            let calls = question.tools.iter().map(|at| tools[*at]);
            (question.flow, calls.collect::<Vec<_>>())
        });
        let questions: Vec<_> = questions.collect();
        assert_eq!(questions, start(Then::Approve));
        match questions.is_empty() {
            true => free += 1,
            false => asked += 1,
        }
        // Whatever it has read, the gate goes by the rules, less what was asked at the start.
        for read in world.reads(&tools) {
            let names = &rules.grants().names;
            let labels = read.iter().filter_map(|name| names.get(name));
            let labels = labels.fold(LabelSet::default(), LabelSet::with);
            for (at, tool) in tools.iter().enumerate() {
                let stands = |then: Then| {
                    world.flows.iter().enumerate().any(|(flow, rule)| {
                        let settled = questions.iter().any(|q| q.0 == flow && q.1.contains(tool));
                        rule.then == then && world.concerns(rule, &read, *tool) && !settled
                    })
                };
                let answer = gate::check(&plan, &mut Spent::reading(labels), &mut call(at));
                let (allow, refuse) = (stands(Then::Allow), stands(Then::Refuse));
                match answer {
                    Ok(Passed::Permitted(..)) => {
                        assert!(allow || !refuse && !stands(Then::Approve))
                    }
                    Ok(Passed::Ask(_)) => assert!(!allow && !refuse && stands(Then::Approve)),
                    Err(denial) => {
                        assert!(matches!(denial, Denial::Flow { .. }), "{denial}");
                        assert!(!allow && refuse);
                    }
                }
            }
        }
    }
    // Otherwise it tests nothing.
    assert!(
        refused > 300 && asked > 100 && free > 300,
        "{refused} {asked} {free}"
    );
}
