//! A world of grants and flow rules at random, calls at random, and what the gate has to say to them, told in the plainest
//! way: lists of what was booked, names for labels, conditions as functions.

use std::collections::BTreeMap;

use witgate_codegen::catalog::{Catalog, Server, Tool};

use super::*;
use crate::admission::StartQuestion;
use crate::definitions::Definitions;
use crate::sealed::Class;

/// Small random numbers that are the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    pub(crate) fn some<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        let all = of.iter().copied();
        all.filter(|_| self.one_in(2)).collect()
    }
}

pub(super) const TOOLS: [(&str, &str); 4] =
    [("s", "read"), ("s", "write"), ("s", "pay"), ("t2", "read")];
const LABEL_NAMES: [&str; 3] = ["untrusted", "private", "egress"];
const CLASSES: [&str; 2] = ["email", "phone"];

/// Whether a glob of `*` and `?` fits.
fn fits(glob: &str, text: &str) -> bool {
    match (glob.chars().next(), text.chars().next()) {
        (None, end) => end.is_none(),
        (Some('*'), _) => fits(&glob[1..], text) || (!text.is_empty() && fits(glob, &text[1..])),
        (Some('?'), Some(_)) => fits(&glob[1..], &text[1..]),
        (Some(a), Some(b)) => a == b && fits(&glob[1..], &text[1..]),
        (Some(_), None) => false,
    }
}

/// What a condition may look at.
pub(super) struct Seen<'a> {
    arguments: &'a Map<String, Value>,
    read: &'a BTreeSet<&'static str>,
    calls: u64,
    now: u64,
    request: bool,
}

/// `None` where it cannot be decided.
type Decide = fn(&Seen<'_>) -> Option<bool>;
type When = (&'static str, Decide);

fn number(seen: &Seen<'_>, name: &str) -> Option<i64> {
    seen.arguments.get(name)?.as_i64()
}

fn to<'a>(seen: &Seen<'a>) -> &'a str {
    seen.arguments["to"].as_str().unwrap()
}

const CONDITIONS: [When; 9] = [
    ("context.args.n < 3", |s| Some(number(s, "n")? < 3)),
    ("context.args.to == \"anna\"", |s| Some(to(s) == "anna")),
    ("context.args has more && context.args.more > 1", |s| {
        Some(number(s, "more").is_some_and(|more| more > 1))
    }),
    ("!context.read.contains(\"private\")", |s| {
        Some(!s.read.contains("private"))
    }),
    ("context.calls < 2", |s| Some(s.calls < 2)),
    ("context.sets.known.contains(context.args.to)", |s| {
        Some(["anna", "bob"].contains(&to(s)))
    }),
    // Too large for Cedar's numbers from 2 on.
    ("context.args.n * 4611686018427387904 >= 0", |s| {
        (number(s, "n")? < 2).then_some(true)
    }),
    // Years that no calendar has are never.
    ("context.now < datetime(\"1970-01-01T00:00:05Z\")", |s| {
        (s.now < 1 << 50).then_some(s.now < 5_000)
    }),
    ("context.stated.to || context.args.n == 0", |s| {
        Some((s.request && to(s) == "anna") || number(s, "n")? == 0)
    }),
];

pub(super) struct Given {
    pub(super) server: &'static str,
    pub(super) tools: Vec<&'static str>,
    pub(super) when: Option<When>,
    pub(super) max_calls: Option<u64>,
    pub(super) max_bytes: Option<u64>,
    pub(super) rate: Option<(u64, u64)>,
    pub(super) expires: Option<u64>,
    pub(super) approve: Approve,
    pub(super) reveal: Vec<&'static str>,
}

pub(super) struct Rule {
    pub(super) after: Vec<&'static str>,
    pub(super) call: Vec<&'static str>,
    pub(super) then: Then,
    pub(super) unless: Option<When>,
}

/// A world, and as a grants file says it.
pub(super) struct World {
    pub(super) grants: Vec<Given>,
    pub(super) labels: BTreeMap<usize, Vec<&'static str>>,
    pub(super) flows: Vec<Rule>,
    pub(super) limits: Limits,
}

fn list(names: &[&str]) -> String {
    format!("{names:?}")
}

impl World {
    pub(super) fn random(random: &mut Random) -> World {
        let grants = (0..random.below(7)).map(|_| Given {
            server: random.pick(&["s", "*", "t?", "s", "*2"]),
            tools: match random.pick(&[0, 1, 2, 3]) {
                0 => vec!["*"],
                1 => vec!["re*", "p?y"],
                2 => vec!["*r*"],
                _ => vec!["read"],
            },
            when: random.one_in(2).then(|| random.pick(&CONDITIONS)),
            max_calls: random.one_in(3).then(|| random.below(9)),
            max_bytes: random.one_in(3).then(|| random.below(600)),
            rate: random
                .one_in(3)
                .then(|| (1 + random.below(3), 1 + random.below(3_000))),
            expires: random.one_in(4).then(|| random.below(10) * 1_000),
            approve: random.pick(&[
                Approve::Never,
                Approve::Never,
                Approve::Batch,
                Approve::Each,
            ]),
            reveal: random.some(&CLASSES),
        });
        let grants = grants.collect();
        let labels = (0..TOOLS.len()).map(|at| (at, random.some(&LABEL_NAMES)));
        let labels = labels.collect();
        let flows = (0..random.below(4)).map(|_| Rule {
            after: random.some(&LABEL_NAMES),
            call: vec![random.pick(&LABEL_NAMES)],
            then: random.pick(&[Then::Allow, Then::Refuse, Then::Approve, Then::Approve]),
            unless: random.one_in(2).then(|| random.pick(&CONDITIONS)),
        });
        World {
            grants,
            labels,
            flows: flows.collect(),
            limits: Limits {
                calls: random.pick(&[7, 30, 100, u64::MAX]),
                call_bytes: random.pick(&[80, 110, u64::MAX]),
                total_bytes: random.pick(&[400, 3_000, u64::MAX]),
                ..Limits::default()
            },
        }
    }

    pub(super) fn text(&self) -> String {
        use std::fmt::Write as _;
        let mut out = "[sets]\nknown = ['anna', 'bob']\n".to_owned();
        for grant in &self.grants {
            let (server, tools) = (grant.server, list(&grant.tools));
            let _ = writeln!(out, "[[grant]]\nserver = '{server}'\ntools = {tools}");
            if let Some((when, _)) = grant.when {
                let _ = writeln!(out, "when = '{when}'");
            }
            for (key, value) in [
                ("max_calls", grant.max_calls),
                ("max_bytes", grant.max_bytes),
            ] {
                if let Some(value) = value {
                    let _ = writeln!(out, "{key} = {value}");
                }
            }
            if let Some((calls, per)) = grant.rate {
                let _ = writeln!(out, "rate = '{calls}/{per}ms'");
            }
            if let Some(expires) = grant.expires {
                let _ = writeln!(out, "expires = 1970-01-01T00:00:{:02}Z", expires / 1_000);
            }
            let approve = format!("{:?}", grant.approve).to_lowercase();
            let reveal = list(&grant.reveal);
            let _ = writeln!(out, "approve = '{approve}'\nreveal = {reveal}");
        }
        // Every name is known, whoever has it.
        let all = list(&LABEL_NAMES);
        let _ = writeln!(out, "[[label]]\nserver = 'none'\nlabels = {all}");
        for class in CLASSES {
            let _ = writeln!(
                out,
                "[[seal]]\nserver = 'none'\nfields = ['/x']\nclass = '{class}'"
            );
        }
        for (at, labels) in &self.labels {
            let ((server, tool), labels) = (TOOLS[*at], list(labels));
            let _ = writeln!(
                out,
                "[[label]]\nserver = '{server}'\ntools = ['{tool}']\nlabels = {labels}"
            );
        }
        for flow in &self.flows {
            let then = format!("{:?}", flow.then).to_lowercase();
            let (after, call) = (list(&flow.after), list(&flow.call));
            let _ = writeln!(
                out,
                "[[flow]]\nafter = {after}\ncall = {call}\nthen = '{then}'\nat = 'call'"
            );
            if let Some((unless, _)) = flow.unless {
                let _ = writeln!(out, "unless = '{unless}'");
            }
        }
        out
    }

    pub(super) fn plan(&self, definitions: &Definitions) -> Plan {
        let text = self.text();
        let grants = grants::parse(&text, "grants.toml").unwrap_or_else(|e| panic!("{e}\n{text}"));
        let rules = grants.check(definitions);
        let rules = rules.unwrap_or_else(|e| panic!("{e}\n{text}"));
        Plan {
            tools: TOOLS
                .map(|(server, tool)| PlannedTool {
                    server: server.into(),
                    tool: tool.into(),
                    definition: String::new(),
                    rules: Arc::clone(rules.tool(server, tool).unwrap()),
                    through: Vec::new(),
                })
                .into(),
            imports: Vec::new(),
            calls: Vec::new(),
            skills: Vec::new(),
            rules,
            limits: self.limits.clone(),
            start: Vec::new(),
            program: "p".into(),
        }
    }
}

pub(super) fn definitions() -> Definitions {
    let mut catalog = Catalog::default();
    for (server, tool) in TOOLS {
        let schema = json!({
            "type": "object",
            "properties": {"n": {"type": "integer"}, "more": {"type": "integer"}, "to": {"type": "string"}},
            "required": ["n", "to"],
        });
        let tool: Tool =
            serde_json::from_value(json!({"name": tool, "inputSchema": schema})).unwrap();
        let servers = catalog.servers.entry(server.to_owned());
        servers.or_insert_with(Server::default).tools.push(tool);
    }
    Definitions::new(&catalog).unwrap()
}

/// What was booked and not given back.
#[derive(Default)]
pub(super) struct Booked {
    pub(super) calls: Vec<(usize, usize, u64)>,
    /// Bytes of results, with the grant.
    pub(super) results: Vec<(usize, u64)>,
    /// When calls went through a grant, whatever became of them.
    pub(super) times: Vec<(usize, u64)>,
    pub(super) read: BTreeSet<&'static str>,
    pub(super) changed: BTreeSet<usize>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Expected {
    Denied,
    Through(usize, Approve),
}

impl Booked {
    pub(super) fn bytes(&self, grant: Option<usize>) -> u64 {
        let ours = |of: usize| grant.is_none_or(|grant| grant == of);
        let calls = self.calls.iter().filter(|call| ours(call.1));
        let results = self.results.iter().filter(|result| ours(result.0));
        calls.map(|call| call.2).sum::<u64>() + results.map(|result| result.1).sum::<u64>()
    }

    pub(super) fn expected(&self, world: &World, start: &[StartQuestion], call: &Call) -> Expected {
        let Some((server, tool)) = TOOLS.get(call.tool) else {
            return Expected::Denied;
        };
        let limits = &world.limits;
        if self.changed.contains(&call.tool)
            || call.bytes > limits.call_bytes
            || self.calls.len() as u64 >= limits.calls
            || self.bytes(None) + call.bytes > limits.total_bytes
        {
            return Expected::Denied;
        }
        let seen = Seen {
            arguments: &call.arguments,
            read: &self.read,
            calls: self.calls.iter().filter(|c| c.0 == call.tool).count() as u64,
            now: call.now,
            request: call.request.is_some(),
        };
        let pays = |(at, grant): &(usize, &Given)| {
            let calls = self.calls.iter().filter(|c| c.1 == *at).count() as u64;
            let within = |(most, per): (u64, u64)| {
                let times = self.times.iter().filter(|(of, _)| of == at);
                let recent = times
                    .filter(|(_, time)| u128::from(*time) + u128::from(per) > u128::from(call.now));
                (recent.count() as u64) < most
            };
            let revealed = |class: &Class| grant.reveal.contains(&class.name());
            fits(grant.server, server)
                && grant.tools.iter().any(|glob| fits(glob, tool))
                && grant.expires.is_none_or(|expires| call.now < expires)
                && call.opened.iter().all(revealed)
                && grant.max_calls.is_none_or(|most| calls < most)
                && grant
                    .max_bytes
                    .is_none_or(|most| self.bytes(Some(*at)) + call.bytes <= most)
                && grant.rate.is_none_or(within)
                && grant
                    .when
                    .is_none_or(|(_, holds)| holds(&seen) == Some(true))
        };
        let paying = world.grants.iter().enumerate().filter(pays);
        let Some((grant, mut approve)) = paying
            .map(|(at, grant)| (at, grant.approve))
            .min_by_key(|(at, approve)| (*approve, *at))
        else {
            return Expected::Denied;
        };
        let own = &world.labels[&call.tool];
        let stands = |(at, flow): &(usize, &Rule)| {
            let excepted = match flow.unless.map(|(_, holds)| holds(&seen)) {
                None => false,
                Some(Some(holds)) => holds,
                Some(None) => flow.then == Then::Allow,
            };
            let asked = start
                .iter()
                .any(|q| q.flow == *at && q.tools.contains(&call.tool));
            flow.after.iter().all(|label| self.read.contains(label))
                && flow.call.iter().any(|label| own.contains(label))
                && !excepted
                && !(flow.then == Then::Approve && asked)
        };
        let standing: Vec<Then> = world
            .flows
            .iter()
            .enumerate()
            .filter(stands)
            .map(|(_, flow)| flow.then)
            .collect();
        if !standing.contains(&Then::Allow) {
            if standing.contains(&Then::Refuse) {
                return Expected::Denied;
            }
            if standing.contains(&Then::Approve) {
                approve = approve.max(Approve::Batch);
            }
        }
        Expected::Through(grant, approve)
    }
}

pub(super) fn random_call(random: &mut Random, now: u64) -> Call {
    let mut arguments = Map::new();
    arguments.insert("n".into(), json!(random.below(5)));
    arguments.insert("to".into(), json!(random.pick(&["anna", "bob", "eve"])));
    if random.one_in(2) {
        arguments.insert("more".into(), json!(random.below(4)));
    }
    let opened = match random.one_in(6) {
        true => random.some(&CLASSES),
        false => Vec::new(),
    };
    Call {
        tool: random.below(TOOLS.len() as u64 + 1) as usize,
        arguments,
        shown: random.one_in(5).then(|| json!({"to": "sealed"})),
        opened: opened
            .iter()
            .map(|name| Class::named(name, "").unwrap())
            .collect(),
        bytes: random.below(120),
        now,
        request: random.one_in(2).then(|| "Write to Anna, please.".into()),
    }
}

/// A question about one of the rules that ask, for some of the tools.
pub(super) fn random_start(random: &mut Random, world: &World) -> Vec<StartQuestion> {
    let asking = world
        .flows
        .iter()
        .enumerate()
        .filter(|(_, flow)| flow.then == Then::Approve);
    let asking: Vec<usize> = asking.map(|(at, _)| at).collect();
    let asked = random.some(&asking).into_iter().map(|flow| StartQuestion {
        origin: "grants.toml:1".into(),
        reads: Vec::new(),
        calls: Vec::new(),
        flow,
        tools: random.some(&[0, 1, 2, 3]),
    });
    asked.collect()
}
