//! A finished run -> what a model reads of it: the value, cut to size with its shape kept, the log, and one line about what it did.
//! The whole stays with the session.

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde_json::Value;
use witgate_codegen::infer::infer;
use witgate_host::run::Finished;

use super::cut::cut;
use super::resources::RESULTS;
use super::session::Session;
use super::underway::{Keep, Underway};
use super::{Front, SKILLS, WORKSPACE, told};
use crate::failure::chain;
use crate::skills::{Manifest, description_of};
use crate::terminal::clean;

/// The key of the ledger in a result's `_meta`.
const LEDGER: &str = "witgate/ledger";

/// The answer of a run that has ended.
pub(crate) fn finished(
    front: &Front,
    session: &Session,
    underway: &Underway,
    finished: Finished,
) -> CallToolResult {
    let Finished { result, used } = finished;
    let mut notes: Vec<String> = underway
        .log
        .lines()
        .into_iter()
        .map(|line| format!("log: {}", clean(&line)))
        .collect();
    let (text, length, is_error) = match result {
        Ok(value) => {
            let cut = cut(&value, underway.answer);
            let length = cut.text.len();
            if let Some(keep) = &underway.keep {
                notes.push(kept(front, session, underway, keep, &value));
            }
            if !cut.left_out.is_empty() {
                let token = session.keep(value.to_string());
                notes.push(format!(
                    "cut: {}; whole: resource {RESULTS}{token}, or `run` with resume \"{token}\" and a JSON pointer as input",
                    cut.left_out.join("; ")
                ));
            }
            (cut.text, length, false)
        }
        Err(error) => {
            let text = told::run(error, front.grants.path());
            let length = text.len();
            (text, length, true)
        }
    };
    session.has_read(labels(session, underway));
    if let Some(token) = session.way_back() {
        notes.push(format!(
            "send resume \"{token}\" with the next run to find the workspace and skills of this one"
        ));
    }
    notes.push(underway.ledger.line(length, used.wall));
    let content = vec![
        ContentBlock::text(text),
        ContentBlock::text(notes.join("\n")),
    ];
    let mut answer = match is_error {
        true => CallToolResult::error(content),
        false => CallToolResult::success(content),
    };
    let ledger = underway.ledger.whole(length, used.wall, used.cpu);
    let mut meta = MetaObject::new();
    meta.insert(LEDGER.to_owned(), ledger);
    answer.meta = Some(meta);
    answer
}

/// A part of a result that was too long: what a JSON pointer leads to, with `/3..20` at its end for some items of a list.
pub(crate) fn part(whole: &Value, pointer: &str, bytes: usize) -> Result<String, String> {
    let (at, range) = match pointer.rsplit_once('/') {
        Some((at, last)) if last.contains("..") => (at, Some(last)),
        _ => (pointer, None),
    };
    let found = whole
        .pointer(at)
        .ok_or_else(|| format!("the result has nothing at `{at}`"))?;
    let ranged;
    let found = match range {
        None => found,
        Some(range) => {
            let items = found
                .as_array()
                .ok_or_else(|| format!("`{at}` is no list"))?;
            let bounds = range.split_once("..").and_then(|(from, to)| {
                let to = if to.is_empty() {
                    items.len()
                } else {
                    to.parse().ok()?
                };
                Some((from.parse::<usize>().ok()?, to.min(items.len())))
            });
            let (from, to) = bounds
                .ok_or_else(|| format!("`{range}` is no range; write for example `{at}/20..40`"))?;
            ranged = Value::Array(items.get(from..to.max(from)).unwrap_or_default().to_vec());
            &ranged
        }
    };
    let cut = cut(found, bytes);
    Ok(match cut.left_out.as_slice() {
        [] => cut.text,
        left_out => format!("{}\ncut: {}", cut.text, left_out.join("; ")),
    })
}

/// The labels of all that the run can have read: what its client is told may be of that, and so may what the client writes next.
fn labels(session: &Session, underway: &Underway) -> Vec<String> {
    let rules = &underway.rules;
    let names = &rules.grants().names;
    let called = underway.ledger.called();
    let tools = called.iter().filter_map(|tool| tool.split_once('/'));
    let tools = tools.filter_map(|(server, tool)| rules.tool(server, tool));
    let mut labels: Vec<String> = tools
        .flat_map(|tool| names.of(tool.labels))
        .map(str::to_owned)
        .collect();
    if called.iter().any(|tool| {
        tool.split_once('/')
            .is_some_and(|(server, _)| server == WORKSPACE)
    }) {
        labels.extend(session.files.labels());
    }
    labels
}

/// Keeps a program that worked; says how to use it, or why it could not be kept.
fn kept(
    front: &Front,
    session: &Session,
    underway: &Underway,
    keep: &Keep,
    value: &Value,
) -> String {
    if !session.may_make() {
        return "not kept: this session has made enough skills; the person can review and remove some".to_owned();
    }
    let manifest = Manifest {
        name: keep.name.clone(),
        description: description_of(&keep.source, keep.language.of_skill())
            .unwrap_or_else(|| "A program that was kept without a description".to_owned()),
        language: keep.language.of_skill(),
        tools: underway.ready.tools.clone(),
        input: underway.input.is_object().then(|| infer([&underway.input])),
        output: Some(infer([value])),
    };
    match front
        .skills
        .keep(&manifest, &underway.ready.component, Some(&keep.source))
    {
        Ok(skill) => {
            let name = &skill.manifest.name;
            session.has_made(&skill);
            format!(
                "kept as {SKILLS}/{name} for this session; for others once the person has run `witgate skills approve {name}`"
            )
        }
        Err(error) => format!("not kept: {}", chain(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_part_is_what_a_pointer_leads_to() {
        let whole = json!({"issues": [{"n": 1}, {"n": 2}, {"n": 3}], "next": null});
        let part = |pointer: &str| part(&whole, pointer, 1_000);
        assert_eq!(part("/issues/1/n").as_deref(), Ok("2"));
        assert_eq!(part("/issues/1..9").as_deref(), Ok(r#"[{"n":2},{"n":3}]"#));
        assert_eq!(part("/issues/1..").as_deref(), Ok(r#"[{"n":2},{"n":3}]"#));
        assert_eq!(part("/issues/9..").as_deref(), Ok("[]"));
        assert_eq!(
            part("").as_deref().map(str::len),
            Ok(whole.to_string().len())
        );
        assert_eq!(part("/next/0..1"), Err("`/next` is no list".to_owned()));
        assert_eq!(part("/x"), Err("the result has nothing at `/x`".to_owned()));
        assert!(part("/issues/a..b").is_err());
    }
}
