//! Whether a value came back as it went in, and if not, whether a loss had said so beforehand. What counts as said is strict:
//! the loss announces that values are refused or changed, and stands at a schema that governs the place.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Number, Value};
use witgate_codegen::loss::Loss;
use witgate_codegen::select::View;
use witgate_host::definitions::{Definition, Definitions, Violation};
use witgate_host::{Side, round_trip};

use crate::refs::{escape, governing};

/// One schema of one tool.
pub(crate) struct Subject {
    pub(crate) definition: Arc<Definition>,
    pub(crate) side: Side,
    /// The original schema; any value where a tool declares no output.
    pub(crate) schema: Value,
    /// Those of this side, pointers from the schema's own root.
    pub(crate) losses: Vec<Loss>,
    /// Pointers of what is no JSON Schema in it.
    blemishes: Vec<String>,
}

impl Subject {
    /// Both sides of every tool.
    pub(crate) fn all(definitions: &Definitions) -> Vec<Subject> {
        let mut subjects = Vec::new();
        for model in definitions.models.iter() {
            let mut losses: BTreeMap<&str, Vec<&Loss>> = BTreeMap::new();
            for loss in &model.losses {
                losses.entry(&loss.tool).or_default().push(loss);
            }
            for tool in &model.tools {
                let definition = definitions.get(&model.server, &tool.tool).unwrap();
                for side in [Side::Input, Side::Output] {
                    let base = base(side);
                    let of_tool = losses.get(tool.tool.as_str()).into_iter().flatten();
                    let own = of_tool.filter_map(|loss| {
                        let pointer = loss.pointer.strip_prefix(base)?.to_owned();
                        Some(Loss {
                            pointer,
                            ..(*loss).clone()
                        })
                    });
                    let blemishes = definition.schema_blemishes().into_iter();
                    let own_blemishes =
                        blemishes.filter_map(|at| Some(at.strip_prefix(base)?.to_owned()));
                    subjects.push(Subject {
                        blemishes: own_blemishes.collect(),
                        definition: Arc::clone(definition),
                        side,
                        schema: match side {
                            Side::Input => definition.tool.input_schema.clone(),
                            Side::Output => definition
                                .tool
                                .output_schema
                                .clone()
                                .unwrap_or(Value::Bool(true)),
                        },
                        losses: own.collect(),
                    });
                }
            }
        }
        subjects
    }

    pub(crate) fn name(&self) -> String {
        let Definition { server, tool, .. } = &*self.definition;
        format!("{server}/{}{}", tool.name, base(self.side))
    }

    /// Whether the original schema allows the value, as the host decides it.
    pub(crate) async fn check(&self, value: &Value) -> Result<(), Violation> {
        match self.side {
            Side::Input => self.definition.check_arguments(value).await,
            Side::Output => self.definition.check_result(value).await,
        }
    }

    /// Sends a valid value there and back.
    pub(crate) async fn judge(&self, view: View, value: &Value, text: &str) -> Verdict {
        let (at, what) = match round_trip(&self.definition, self.side, view, text).await {
            Ok(back) => {
                let back = serde_json::from_str(&back).unwrap_or(Value::Null);
                match difference(value, &back) {
                    None if loses_digits(text) => (String::new(), "digits are lost".to_owned()),
                    None => return Verdict::Equal,
                    Some(difference) => difference,
                }
            }
            Err(violation) => (violation.at, format!("refused: {}", violation.why)),
        };
        if loses_digits(text) && what.contains("more than 64 bits") {
            let class = "integers of more than 64 bits are refused in both views".to_owned();
            return Verdict::Reported { class, what };
        }
        // The person was told that validation leaves this out; the types go by what it was meant to say.
        let levels = governing(&self.schema, &at);
        let left_out = |place: &String| self.blemishes.iter().any(|at| place.starts_with(at));
        if view == View::Typed && levels.iter().flatten().any(left_out) {
            let class = "no JSON Schema, and left out of validation".to_owned();
            return Verdict::Reported { class, what };
        }
        let excuse = match view {
            // JSON text is what it was: there is nothing to excuse, but that arguments are an object.
            View::Json => self.excuse(&at).filter(|loss| says(loss, &OBJECT)),
            View::Typed => self.excuse(&at),
        };
        match excuse {
            Some(loss) => Verdict::Reported {
                class: format!("{}: {}", loss.keyword, loss.consequence),
                what: format!("{} at `{at}` {what}", self.name()),
            },
            None => Verdict::Unreported(format!(
                "{} at `{at}` {what}; {}",
                self.name(),
                self.spoken(&at)
            )),
        }
    }

    /// What the schema says of a place, for the person who must find out.
    fn spoken(&self, at: &str) -> String {
        let levels = governing(&self.schema, at);
        let places = levels
            .iter()
            .rev()
            .find(|level| !level.is_empty())
            .into_iter()
            .flatten();
        let said = places.map(|place| {
            format!(
                "`{place}` says {}",
                self.schema.pointer(place).unwrap_or(&Value::Null)
            )
        });
        said.collect::<Vec<_>>()
            .join(", ")
            .chars()
            .take(700)
            .collect()
    }

    fn excuse(&self, at: &str) -> Option<&Loss> {
        // What is said of a place is said there or of its holder, or where the type of all below it was chosen.
        let levels = governing(&self.schema, at);
        let near = levels.len().saturating_sub(2);
        self.losses
            .iter()
            .filter(|loss| announces(loss))
            .find(|loss| {
                let chosen = CHOICES
                    .iter()
                    .any(|phrase| loss.consequence.contains(phrase));
                let heard = if chosen { &levels[..] } else { &levels[near..] };
                heard.iter().any(|level| level.contains(&loss.pointer))
            })
    }
}

/// Losses that speak of a whole value, whichever part of it then does not fit.
const CHOICES: [&str; 5] = [
    "elements beyond the listed ones",
    "no key tells the cases apart",
    "leaves the key open",
    "matches no pattern",
    "not stated",
];

fn base(side: Side) -> &'static str {
    match side {
        Side::Input => "/inputSchema",
        Side::Output => "/outputSchema",
    }
}

/// The two of them that hold for both views: what MCP calls arguments.
const OBJECT: [&str; 2] = ["arguments are an object,", "arguments are no object;"];

/// Losses that say that valid values are refused or changed. All others say what is checked at run time, given as JSON or only
/// a note, and take nothing away.
const ANNOUNCED: [&str; 13] = [
    "takes no arguments",
    OBJECT[0],
    OBJECT[1],
    "wrapper is taken off",
    "integers outside -2^63 to 2^63-1",
    "64-bit float cannot hold",
    "elements beyond the listed ones",
    "fits nothing together with the rest",
    "no listed value has the stated type",
    "no key tells the cases apart",
    "leaves the key open",
    "matches no pattern",
    "not stated; taken from",
];

fn says(loss: &Loss, phrases: &[&str]) -> bool {
    phrases
        .iter()
        .any(|phrase| loss.consequence.contains(phrase))
}

fn announces(loss: &Loss) -> bool {
    says(loss, &ANNOUNCED)
}

/// What became of one value.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// As it went in.
    Equal,
    /// Refused or changed, as a loss of this class said.
    Reported { class: String, what: String },
    /// Refused or changed, and nothing had said so.
    Unreported(String),
}

/// What became of many values.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) values: usize,
    pub(crate) equal: usize,
    /// By class: how many, and one of them.
    pub(crate) reported: BTreeMap<String, (usize, String)>,
    pub(crate) unreported: Vec<String>,
}

impl Figures {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        self.values += 1;
        match verdict {
            Verdict::Equal => self.equal += 1,
            Verdict::Reported { class, what } => {
                self.reported.entry(class).or_insert((0, what)).0 += 1;
            }
            Verdict::Unreported(what) => self.unreported.push(what),
        }
    }

    pub(crate) fn join(&mut self, other: Figures) {
        self.values += other.values;
        self.equal += other.equal;
        self.unreported.extend(other.unreported);
        for (class, (count, what)) in other.reported {
            self.reported.entry(class).or_insert((0, what)).0 += count;
        }
    }

    /// Values that came back as they were, of all: no loss excuses anything.
    pub(crate) fn share(&self) -> f64 {
        self.equal as f64 / self.values.max(1) as f64
    }

    /// Values that came back as they were, of those that no loss spoke of.
    pub(crate) fn share_unannounced(&self) -> f64 {
        self.equal as f64 / (self.equal + self.unreported.len()).max(1) as f64
    }

    pub(crate) fn print(&self, what: &str) {
        println!(
            "{what}: {} values, {} equal ({:.4} %), {} differ as reported, {} unreported",
            self.values,
            self.equal,
            self.share() * 100.0,
            self.reported
                .values()
                .map(|(count, _)| count)
                .sum::<usize>(),
            self.unreported.len()
        );
        for (class, (count, what)) in &self.reported {
            println!("  {count} reported by {class}, as {what}");
        }
        // Of many for the same reason, one is enough.
        let mut lines = self.unreported.clone();
        lines.dedup();
        lines.dedup_by_key(|line| line.split(" at ").next().map(str::to_owned));
        for line in lines.iter().take(40) {
            println!("  unreported: {line}");
        }
    }
}

/// Whether a JSON text has an integer that neither 64 bits nor a float hold, so that reading it alone changes it.
fn loses_digits(text: &str) -> bool {
    let mut outside = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for letter in text.chars() {
        match (in_string, letter) {
            (true, '"') if !escaped => in_string = false,
            (true, _) => escaped = letter == '\\' && !escaped,
            (false, '"') => in_string = true,
            (false, _) => outside.push(letter),
        }
    }
    outside
        .split(|letter: char| !matches!(letter, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
        .filter(|token| !token.is_empty() && !token.contains(['.', 'e', 'E']))
        .filter(|token| token.parse::<i64>().is_err() && token.parse::<u64>().is_err())
        .any(|token| {
            token
                .parse::<f64>()
                .is_ok_and(|x| format!("{x:.0}") != token)
        })
}

/// The first place where two values differ, and how. Numbers are compared by value, exactly: `1.0` is `1`, and no two
/// integers are taken for one.
pub(crate) fn difference(a: &Value, b: &Value) -> Option<(String, String)> {
    let here = |what: &str| Some((String::new(), what.to_owned()));
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if same(a, b) => None,
        (Value::Number(a), Value::Number(b)) => here(&format!("number {a} became {b}")),
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return here(&format!("{} elements became {}", a.len(), b.len()));
            }
            let inner = |(index, (a, b))| below(&index, difference(a, b));
            a.iter().zip(b).enumerate().find_map(inner)
        }
        (Value::Object(a), Value::Object(b)) => {
            let of_a = a.iter().find_map(|(key, value)| match b.get(key) {
                Some(other) => below(key, difference(value, other)),
                None => below(key, here("is lost")),
            });
            of_a.or_else(|| {
                let added = b.keys().find(|key| !a.contains_key(*key))?;
                below(added, here("is new"))
            })
        }
        (a, b) if a == b => None,
        _ => here("became another value"),
    }
}

fn below(key: &impl ToString, found: Option<(String, String)>) -> Option<(String, String)> {
    found.map(|(at, what)| (format!("/{}{at}", escape(&key.to_string())), what))
}

fn same(a: &Number, b: &Number) -> bool {
    let whole = |n: &Number| {
        n.as_i64()
            .map(i128::from)
            .or(n.as_u64().map(i128::from))
            .or_else(|| {
                let x = n.as_f64()?;
                (x.fract() == 0.0 && x.abs() < 1e30).then_some(x as i128)
            })
    };
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a.as_f64() == b.as_f64(),
        _ => false,
    }
}
