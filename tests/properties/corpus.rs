//! Every tool of the corpus: twenty values of each side through both views, and damaged ones that must be refused.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use witgate_codegen::catalog::{Catalog, Server, parse_tools_list};
use witgate_codegen::select::View;
use witgate_host::{Definitions, Side};

use crate::instances::instances;
use crate::judge::{Figures, Subject};
use crate::mutations::{Mutation, mutate};
use crate::refs::governing;
use crate::spread;

/// Values per tool and side.
const VALUES: usize = 22;
/// Changes per value.
const CHANGES: usize = 2;
/// What the issue asks for.
const WANTED: usize = 20;

/// The corpus as a catalog, in the order of the file names.
pub(crate) fn catalog() -> Option<Catalog> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no corpus beside the repository");
        return None;
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension().is_some_and(|end| end == "json") && !path.ends_with("manifest.json")
    });
    files.sort();
    let mut catalog = Catalog::default();
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let tools = parse_tools_list(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let server = Server {
            tools,
            ..Server::default()
        };
        catalog.servers.insert(name, server);
    }
    Some(catalog)
}

/// What came of one or all subjects.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) typed: Figures,
    pub(crate) json: Figures,
    /// Changed values that are still valid, in the typed view.
    pub(crate) changed: Figures,
    pub(crate) few: Vec<(String, usize, String)>,
    pub(crate) refused: BTreeMap<&'static str, usize>,
    /// Damaged values that were not refused, or not at the right place.
    pub(crate) wrong: Vec<String>,
}

impl Outcome {
    pub(crate) fn join(&mut self, other: Outcome) {
        self.typed.join(other.typed);
        self.json.join(other.json);
        self.changed.join(other.changed);
        self.few.extend(other.few);
        self.wrong.extend(other.wrong);
        for (what, count) in other.refused {
            *self.refused.entry(what).or_default() += count;
        }
    }
}

/// Makes values of a subject and sends them, and damaged ones, through both views.
pub(crate) fn examine(subject: &Subject, count: usize, runtime: &Runtime) -> Outcome {
    let mut outcome = Outcome::default();
    let name = subject.name();
    let seed = name
        .bytes()
        .fold(1_469_598_103_934_665_603_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
        });
    // Whatever a schema says, MCP's arguments are an object.
    let object = json!({"type": "object"});
    let schemas = match subject.side {
        Side::Input => vec![&subject.schema, &object],
        Side::Output => vec![&subject.schema],
    };
    let made = instances(&schemas, count, seed, &mut |value| {
        let checked = runtime.block_on(subject.check(value));
        checked.map_err(|violation| (violation.at, violation.why))
    });
    if made.valid.len() < WANTED {
        outcome
            .few
            .push((name, made.valid.len(), made.last.unwrap_or_default()));
    }
    let mut rng = Rng::with_seed(seed);
    for value in &made.valid {
        runtime.block_on(both(subject, value, &mut outcome));
        for _ in 0..CHANGES {
            if let Some(mutation) = mutate(value, &mut rng) {
                runtime.block_on(damaged(subject, mutation, &mut outcome));
            }
        }
    }
    outcome
}

async fn both(subject: &Subject, value: &Value, outcome: &mut Outcome) {
    let text = value.to_string();
    outcome
        .typed
        .add(subject.judge(View::Typed, value, &text).await);
    outcome
        .json
        .add(subject.judge(View::Json, value, &text).await);
}

async fn damaged(subject: &Subject, mutation: Mutation, outcome: &mut Outcome) {
    let text = mutation.value.to_string();
    let Err(violation) = subject.check(&mutation.value).await else {
        outcome
            .changed
            .add(subject.judge(View::Typed, &mutation.value, &text).await);
        return;
    };
    *outcome.refused.entry(mutation.what).or_default() += 1;
    for view in [View::Typed, View::Json] {
        let said = witgate_host::round_trip(&subject.definition, subject.side, view, &text).await;
        let why = match &said {
            Err(refusal) if *refusal == violation => {
                at_the_right_place(&subject.schema, &mutation.at, &refusal.at)
            }
            // Whatever else is wrong, arguments are an object.
            Err(refusal)
                if subject.side == Side::Input
                    && !mutation.value.is_object()
                    && refusal.at.is_empty() =>
            {
                None
            }
            Err(_) => Some("refused for another reason than the schema gives"),
            Ok(_) => Some("not refused"),
        };
        if let Some(why) = why {
            outcome.wrong.push(format!(
                "{} {view:?}, {} at `{}`: {why}: `{}` {}",
                subject.name(),
                mutation.what,
                mutation.at,
                violation.at,
                violation.why
            ));
        }
    }
}

/// A refusal names the changed place or its holder; a place further out only where a schema there joins several, so that
/// no single one of them is broken.
fn at_the_right_place(schema: &Value, changed: &str, named: &str) -> Option<&'static str> {
    let joins = [
        "anyOf",
        "oneOf",
        "not",
        "if",
        "allOf",
        "contains",
        "const",
        "enum",
        "uniqueItems",
        "propertyNames",
        "dependentSchemas",
        "dependencies",
    ];
    let joined = |at: &str| {
        governing(schema, at)
            .last()
            .into_iter()
            .flatten()
            .any(|place| {
                let schema = schema.pointer(place).and_then(Value::as_object);
                schema.is_some_and(|schema| joins.iter().any(|key| schema.contains_key(*key)))
            })
    };
    let holder = changed.rsplit_once('/').map_or("", |(holder, _)| holder);
    let inside = named.strip_prefix(changed);
    if named == holder || inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        None
    } else if changed
        .strip_prefix(named)
        .is_some_and(|rest| rest.starts_with('/'))
    {
        (!joined(named)).then_some("the place is too far out")
    } else {
        // Of several alternatives another may now be the nearest.
        let steps = changed.split('/').zip(named.split('/'));
        let common: Vec<&str> = steps.take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
        (!joined(&common.join("/"))).then_some("another place")
    }
}

fn outcome() -> Option<&'static Outcome> {
    static OUTCOME: OnceLock<Option<Outcome>> = OnceLock::new();
    let made = OUTCOME.get_or_init(|| {
        let definitions = Definitions::new(&catalog()?).unwrap();
        let subjects = Subject::all(&definitions);
        let mut all = Outcome::default();
        for one in spread(&subjects, |subject, runtime| {
            examine(subject, VALUES, runtime)
        }) {
            all.join(one);
        }
        Some(all)
    });
    made.as_ref()
}

#[test]
fn every_valid_value_of_the_corpus_comes_back() {
    let Some(outcome) = outcome() else { return };
    outcome.typed.print("corpus, typed view");
    outcome.json.print("corpus, JSON view");
    outcome.changed.print("corpus, typed view, changed values");
    println!(
        "{} schemas have fewer than {WANTED} distinct values, or the generator finds no more",
        outcome.few.len()
    );
    for (name, count, last) in &outcome.few {
        println!("  {count:2} {name}: {last}");
    }
    for figures in [&outcome.typed, &outcome.json, &outcome.changed] {
        assert!(
            figures.unreported.is_empty(),
            "a loss that nothing reported"
        );
    }
    assert!(outcome.typed.share_unannounced() >= 0.999);
    // No loss excused, of values that seek the edges: a guard against losses that grow.
    assert!(outcome.typed.share() >= 0.96, "{}", outcome.typed.share());
}

#[test]
fn every_damaged_value_of_the_corpus_is_refused_where_it_is_damaged() {
    let Some(outcome) = outcome() else { return };
    println!(
        "damaged values refused in both views: {:?}",
        outcome.refused
    );
    for line in outcome.wrong.iter().take(40) {
        println!("  {line}");
    }
    assert!(
        outcome.wrong.is_empty(),
        "{} of them are not",
        outcome.wrong.len()
    );
}
