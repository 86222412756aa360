//! The text of a grants file -> `Grants`. Every key is known or an error with its line.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::{
    ApprovalSettings, Approve, Condition, Effect, Grant, Grants, GrantsError, Labelled, Pattern,
    Rate,
};
use crate::labels::{At, Flow, LABELS, LabelSet, Names, Then};
use crate::sealed::{Class, SealRule};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    grant: Vec<Spanned<GrantEntry>>,
    #[serde(default)]
    label: Vec<Spanned<LabelEntry>>,
    #[serde(default)]
    flow: Vec<Spanned<FlowEntry>>,
    #[serde(default)]
    seal: Vec<Spanned<SealEntry>>,
    #[serde(default)]
    sets: BTreeMap<String, Vec<String>>,
    input: Option<InputEntry>,
    approvals: Option<Spanned<ApprovalsEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantEntry {
    server: String,
    tools: Vec<String>,
    when: Option<Spanned<String>>,
    max_calls: Option<u64>,
    max_bytes: Option<u64>,
    rate: Option<String>,
    expires: Option<Datetime>,
    #[serde(default)]
    approve: Approve,
    #[serde(default)]
    reveal: Vec<String>,
    #[serde(default)]
    effect: Effect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelEntry {
    server: String,
    #[serde(default = "every")]
    tools: Vec<String>,
    labels: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlowEntry {
    #[serde(default)]
    after: Vec<String>,
    call: Vec<String>,
    then: Then,
    unless: Option<Spanned<String>>,
    at: Option<At>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SealEntry {
    server: String,
    #[serde(default = "every")]
    tools: Vec<String>,
    #[serde(default)]
    fields: Vec<String>,
    class: Option<String>,
    #[serde(default)]
    detect: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputEntry {
    labels: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalsEntry {
    quiet: Option<String>,
    window: Option<String>,
    timeout: Option<String>,
}

fn every() -> Vec<String> {
    vec!["*".to_owned()]
}

/// What is needed to read any entry.
struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    names: Names,
}

/// Reads a grants file's text; `origin` names it in messages.
///
/// # Errors
/// [`GrantsError`], with line and column.
pub fn parse(text: &str, origin: &str) -> Result<Grants, GrantsError> {
    let file: File = toml::from_str(text).map_err(|e| GrantsError::Syntax {
        origin: origin.to_owned(),
        message: e.to_string().trim_end().to_owned(),
    })?;
    let mut reader = Reader {
        text,
        file: origin,
        names: Names::default(),
    };
    let mut out = Grants::default();
    for entry in file.grant {
        out.grants.push(reader.grant(entry)?);
    }
    for entry in file.label {
        let origin = reader.place(entry.span().start);
        let entry = entry.into_inner();
        out.labels.push(Labelled {
            tools: Pattern::new(&entry.server, &entry.tools, &origin)?,
            labels: reader.labels("labels", &entry.labels, &origin)?,
            origin,
        });
    }
    for entry in file.flow {
        out.flows.push(reader.flow(entry)?);
    }
    for entry in file.seal {
        let origin = reader.place(entry.span().start);
        let entry = entry.into_inner();
        let tools = Pattern::new(&entry.server, &entry.tools, &origin)?;
        let class = entry.class.as_deref();
        out.seals.push(SealRule::new(
            tools,
            &entry.fields,
            class,
            &entry.detect,
            origin,
        )?);
    }
    if let Some(input) = file.input {
        out.input = Some(reader.labels("labels", &input.labels, origin)?);
    }
    if let Some(entry) = file.approvals {
        out.approvals = reader.approvals(entry)?;
    }
    out.sets = Arc::new(file.sets);
    out.names = reader.names;
    hold_together(&out)?;
    Ok(out)
}

/// A slip in a word would otherwise leave a rule without effect: what is revealed is sealed somewhere, and what a flow rule
/// speaks of is given to some tool.
fn hold_together(grants: &Grants) -> Result<(), GrantsError> {
    let sealed: Vec<Class> = grants.seals.iter().flat_map(SealRule::classes).collect();
    for grant in &grants.grants {
        if let Some(class) = grant.reveal.iter().find(|class| !sealed.contains(class)) {
            let known: Vec<&str> = sealed.iter().map(Class::name).collect();
            return Err(GrantsError::Value {
                key: "reveal",
                given: format!("{:?}", class.name()),
                origin: grant.origin.clone(),
                message: "names a class that no `[[seal]]` seals".into(),
                hint: nearest(class.name(), &known, "`[[seal]]` says what is sealed"),
            });
        }
    }
    let input = grants.input.unwrap_or_default();
    let given = grants.labels.iter();
    let given = given.fold(input, |all, labelled| all.with(labelled.labels));
    let known: Vec<&str> = grants.names.of(given).collect();
    for flow in &grants.flows {
        for (key, set) in [("after", flow.after), ("call", flow.call)] {
            if let Some(name) = grants.names.of(set).find(|name| !known.contains(name)) {
                return Err(GrantsError::Value {
                    key,
                    given: format!("{name:?}"),
                    origin: flow.origin.clone(),
                    message: "names a label that no `[[label]]` gives".into(),
                    hint: nearest(name, &known, "`[[label]]` gives labels to tools"),
                });
            }
        }
        if flow.call.is_empty() {
            return Err(GrantsError::Value {
                key: "call",
                given: "[]".into(),
                origin: flow.origin.clone(),
                message: "speaks of no tool".into(),
                hint: "name the labels of the tools that the rule is about".into(),
            });
        }
    }
    Ok(())
}

fn nearest(given: &str, known: &[&str], otherwise: &str) -> String {
    let likeness = |known: &&&str| strsim::jaro_winkler(given, known);
    let nearest = known
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|known| likeness(known) > 0.7) {
        Some(known) => format!("did you mean `{known}`?"),
        None => otherwise.to_owned(),
    }
}

/// Reads a grants file.
///
/// # Errors
/// [`GrantsError`].
pub fn load(path: &std::path::Path) -> Result<Grants, GrantsError> {
    let text = std::fs::read_to_string(path).map_err(|source| GrantsError::Read {
        path: path.display().to_string(),
        source,
    })?;
    parse(&text, &path.display().to_string())
}

impl Reader<'_> {
    /// `grants.toml:3`
    fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        format!("{}:{line}", self.file)
    }

    fn grant(&self, entry: Spanned<GrantEntry>) -> Result<Grant, GrantsError> {
        let origin = self.place(entry.span().start);
        let entry = entry.into_inner();
        let rate = entry
            .rate
            .map(|rate| read_rate(&rate, &origin))
            .transpose()?;
        let expires = entry.expires.map(|at| read_time(at, &origin)).transpose()?;
        let reveal = entry.reveal.iter().map(|name| Class::named(name, &origin));
        Ok(Grant {
            tools: Pattern::new(&entry.server, &entry.tools, &origin)?,
            when: entry.when.map(|when| self.condition(when)),
            max_calls: entry.max_calls,
            max_bytes: entry.max_bytes,
            rate,
            expires,
            approve: entry.approve,
            reveal: reveal.collect::<Result<_, _>>()?,
            effect: entry.effect,
            origin,
        })
    }

    fn flow(&mut self, entry: Spanned<FlowEntry>) -> Result<Flow, GrantsError> {
        let origin = self.place(entry.span().start);
        let entry = entry.into_inner();
        let at = match (entry.at, entry.then, &entry.unless) {
            (Some(At::Start), _, Some(_)) => {
                return Err(GrantsError::Value {
                    key: "at",
                    given: "\"start\"".into(),
                    origin,
                    message: "cannot be together with `unless`: before anything runs there are no arguments".into(),
                    hint: "leave out `at`, or `unless`".into(),
                });
            }
            (Some(at), _, _) => at,
            // What can only end in a refusal need not begin.
            (None, Then::Refuse, None) => At::Start,
            (None, _, _) => At::Call,
        };
        Ok(Flow {
            after: self.labels("after", &entry.after, &origin)?,
            call: self.labels("call", &entry.call, &origin)?,
            then: entry.then,
            unless: entry.unless.map(|unless| self.condition(unless)),
            at,
            origin,
        })
    }

    fn condition(&self, text: Spanned<String>) -> Condition {
        Condition {
            origin: self.place(text.span().start),
            text: text.into_inner(),
        }
    }

    fn labels(
        &mut self,
        key: &'static str,
        names: &[String],
        origin: &str,
    ) -> Result<LabelSet, GrantsError> {
        let mut all = LabelSet::default();
        for name in names {
            let set = self.names.set(name).ok_or_else(|| GrantsError::Value {
                key,
                given: format!("{name:?}"),
                origin: origin.to_owned(),
                message: "is one label too many".into(),
                hint: format!("a grants file can use {LABELS} different labels"),
            })?;
            all = all.with(set);
        }
        Ok(all)
    }

    fn approvals(&self, entry: Spanned<ApprovalsEntry>) -> Result<ApprovalSettings, GrantsError> {
        let origin = self.place(entry.span().start);
        let entry = entry.into_inner();
        let mut settings = ApprovalSettings::default();
        let keys = [
            ("quiet", entry.quiet, &mut settings.quiet),
            ("window", entry.window, &mut settings.window),
            ("timeout", entry.timeout, &mut settings.timeout),
        ];
        for (key, given, place) in keys {
            if let Some(given) = given {
                *place = read_duration(&given).ok_or_else(|| GrantsError::Value {
                    key,
                    given: format!("{given:?}"),
                    origin: origin.clone(),
                    message: "is no length of time".into(),
                    hint: "write for example \"100ms\", \"30s\", \"5m\" or \"1h\"".into(),
                })?;
            }
        }
        Ok(settings)
    }
}

/// `10/min`, `5/s`, `100/30m`.
fn read_rate(given: &str, origin: &str) -> Result<Rate, GrantsError> {
    let read = || {
        let (calls, per) = given.split_once('/')?;
        let per = match per.trim() {
            "s" | "sec" | "second" => Duration::from_secs(1),
            "m" | "min" | "minute" => Duration::from_secs(60),
            "h" | "hour" => Duration::from_secs(3_600),
            "d" | "day" => Duration::from_secs(86_400),
            other => read_duration(other)?,
        };
        // The times of so many calls are remembered.
        let calls = calls
            .trim()
            .parse()
            .ok()
            .filter(|calls| (1..=100_000).contains(calls))?;
        Some(Rate { calls, per })
    };
    read().ok_or_else(|| GrantsError::Value {
        key: "rate",
        given: format!("{given:?}"),
        origin: origin.to_owned(),
        message: "is no rate".into(),
        hint: "write calls per stretch of time, for example \"10/min\", \"5/s\" or \"100/1h\"; at most 100000 calls".into(),
    })
}

/// `100ms`, `30s`, `5m`, `1h`, `2d`; never nothing.
fn read_duration(given: &str) -> Option<Duration> {
    let given = given.trim();
    let end = given.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = given.split_at(end);
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let milliseconds = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(milliseconds)?))
}

/// A date means its start, and without an offset both mean UTC. In milliseconds since 1970.
fn read_time(given: Datetime, origin: &str) -> Result<u64, GrantsError> {
    let read = || {
        let date = given.date?;
        let day = chrono::NaiveDate::from_ymd_opt(
            i32::from(date.year),
            u32::from(date.month),
            u32::from(date.day),
        )?;
        let time = match given.time {
            None => chrono::NaiveTime::MIN,
            Some(time) => chrono::NaiveTime::from_hms_opt(
                u32::from(time.hour),
                u32::from(time.minute),
                u32::from(time.second.unwrap_or(0)),
            )?,
        };
        let minutes = match given.offset {
            None | Some(toml::value::Offset::Z) => 0,
            Some(toml::value::Offset::Custom { minutes }) => i64::from(minutes),
        };
        let seconds = day.and_time(time).and_utc().timestamp() - minutes * 60;
        u64::try_from(seconds).ok()?.checked_mul(1_000)
    };
    read().ok_or_else(|| GrantsError::Value {
        key: "expires",
        given: given.to_string(),
        origin: origin.to_owned(),
        message: "is no date".into(),
        hint: "write a date, for example 2027-01-31 or 2027-01-31T18:00:00Z".into(),
    })
}
