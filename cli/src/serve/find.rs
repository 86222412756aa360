//! `search` and `describe`: from a task to names, from names to declarations.

use witgate_codegen::describe::{describe_js, describe_rust};
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::search::Found;
use witgate_codegen::select;
use witgate_codegen::text::clean;

use super::known::Known;
use super::program::Language;

/// How much `search` says of each tool.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Detail {
    /// Its name.
    Name,
    /// Its name and one line.
    #[default]
    Summary,
    /// Its declaration.
    Full,
}

impl Detail {
    /// Tools on one page.
    fn page(self) -> usize {
        match self {
            Detail::Name => 50,
            Detail::Summary => 5,
            Detail::Full => 3,
        }
    }
}

/// Longest one-line summary, in characters.
const SUMMARY: usize = 60;

/// Longest answer of `describe`, in bytes: beyond, a model asks for fewer.
const DESCRIBED: usize = 40_000;

/// Below so many bytes of definitions, a client that is given them all pays less for a single call.
const DIRECT: usize = 2_700;

/// One page of what fits a task.
pub(crate) fn search(known: &Known, query: &str, detail: Detail, offset: usize) -> String {
    let found = of_all_tasks(known, query);
    let page = found.iter().skip(offset).take(detail.page());
    let page: Vec<(&ServerModel, &ToolModel)> = page.filter_map(|hit| at(known, hit)).collect();
    let mut lines: Vec<String> = match detail {
        Detail::Name => page
            .iter()
            .map(|(server, tool)| name(server, tool))
            .collect(),
        Detail::Summary => page
            .iter()
            .map(|(server, tool)| match summary(tool) {
                summary if summary.is_empty() => name(server, tool),
                summary => format!("{}: {summary}", name(server, tool)),
            })
            .collect(),
        Detail::Full => page
            .iter()
            .map(|(server, tool)| describe_js(server, &[*tool]))
            .collect(),
    };
    let shown = offset + page.len();
    match (found.len(), shown) {
        (0, _) => lines.push("No tool fits. Try other words, or a server's name.".to_owned()),
        (all, shown) if shown < all => lines.push(format!("(offset {shown} for more)")),
        _ => {}
    }
    if !known.missing.is_empty() && (found.is_empty() || offset == 0 && found.len() < detail.page())
    {
        let missing: Vec<String> = known
            .missing
            .iter()
            .map(|(name, why)| format!("{name} ({})", cut(why, 80)))
            .collect();
        lines.push(format!("Not answering: {}", missing.join(", ")));
    }
    lines.join("\n")
}

/// Most tasks that one query may name, with commas or semicolons between them.
const TASKS: usize = 5;

/// Below this part of the best score, what is found hardly fits.
const HARDLY: f32 = 0.35;

/// What fits each task, in turn: the best of each, then the second of each.
fn of_all_tasks(known: &Known, query: &str) -> Vec<Found> {
    let tasks: Vec<&str> = query
        .split([',', ';', '\n'])
        .map(str::trim)
        .filter(|task| !task.is_empty())
        .collect();
    if tasks.len() < 2 || tasks.len() > TASKS {
        return fitting(known.index.search(query));
    }
    let found: Vec<Vec<Found>> = tasks
        .iter()
        .map(|task| fitting(known.index.search(task)))
        .collect();
    let longest = found.iter().map(Vec::len).max().unwrap_or(0);
    let mut all: Vec<Found> = Vec::new();
    for place in 0..longest {
        for hit in found.iter().filter_map(|found| found.get(place)) {
            if !all
                .iter()
                .any(|other| (other.server, other.tool) == (hit.server, hit.tool))
            {
                all.push(*hit);
            }
        }
    }
    all
}

/// What fits, without the long tail that has a word in common.
fn fitting(mut found: Vec<Found>) -> Vec<Found> {
    let best = found.first().map_or(0.0, |hit| hit.score);
    if best > 0.0 {
        found.retain(|hit| hit.score >= best * HARDLY);
    }
    found
}

/// The tool that was found.
fn at<'a>(known: &'a Known, hit: &Found) -> Option<(&'a ServerModel, &'a ToolModel)> {
    let server = known.definitions.models.get(hit.server)?;
    Some((server, server.tools.get(hit.tool)?))
}

/// The declarations of tools named `server/tool`, or the tools of a `server`. The error tells what is not there.
pub(crate) fn describe(
    known: &Known,
    names: &[String],
    language: Language,
) -> Result<String, String> {
    let models = &known.definitions.models;
    let mut wanted: Vec<(&ServerModel, Vec<&ToolModel>)> = Vec::new();
    let mut wrong = Vec::new();
    for given in names {
        let given = given.trim().trim_start_matches("mcp:");
        let Some((server, tool)) = given.split_once('/') else {
            match models
                .iter()
                .find(|model| model.server == given || model.package == given)
            {
                Some(server) if server.tools.is_empty() => wrong.push(format!(
                    "`{}` has no tools: {}",
                    server.server,
                    known
                        .missing
                        .get(&server.server)
                        .map_or("it lists none", String::as_str)
                )),
                Some(server) => {
                    let tools: Vec<&str> =
                        server.tools.iter().map(|tool| tool.tool.as_str()).collect();
                    wrong.push(format!(
                        "`{}` is a server; name its tools: {}",
                        server.server,
                        cut(&tools.join(", "), 2_000)
                    ));
                }
                None => wrong.push(unknown(known, given)),
            }
            continue;
        };
        match find(models, server, tool) {
            Some((server, tool)) => match wanted
                .iter_mut()
                .find(|(other, _)| other.server == server.server)
            {
                Some((_, tools)) if tools.iter().any(|other| other.tool == tool.tool) => {}
                Some((_, tools)) => tools.push(tool),
                None => wanted.push((server, vec![tool])),
            },
            None => wrong.push(match known.missing.get_key_value(server) {
                Some((server, why)) => {
                    format!("`{server}` does not answer ({why}): try again in a while")
                }
                None => unknown(known, given),
            }),
        }
    }
    let mut parts: Vec<String> = wanted
        .iter()
        .map(|(server, tools)| match language {
            Language::Js => describe_js(server, tools),
            Language::Rust => describe_rust(server, tools),
        })
        .map(|text| text.trim_end().to_owned())
        .collect();
    if !parts.is_empty() && language == Language::Rust {
        parts.insert(0, RUST.to_owned());
    }
    parts.extend(wrong.iter().cloned());
    if wanted.is_empty() {
        return Err(match parts.as_slice() {
            [] => "name at least one tool as server/tool; `search` finds them".to_owned(),
            _ => parts.join("\n"),
        });
    }
    if known.definition_bytes < DIRECT {
        parts.push(format!("(All {} tools here are only about {} tokens: for single calls, connecting the servers directly is cheaper.)", tools(models), known.definition_bytes / 4));
    }
    let text = parts.join("\n");
    match text.len() > DESCRIBED {
        true => Err(format!(
            "these declarations are {} kB; ask for fewer tools at a time",
            text.len() / 1_000
        )),
        false => Ok(text),
    }
}

/// How a Rust program looks around its calls.
const RUST: &str = "// use witgate_guest::prelude::*; async fn run(input: Value) -> Result<Value> { Ok(json!(...)) } program!(run);";

fn tools(models: &[ServerModel]) -> usize {
    models
        .iter()
        .filter(|model| ![super::WORKSPACE, super::SKILLS].contains(&model.server.as_str()))
        .map(|model| model.tools.len())
        .sum()
}

/// A tool by the names of the configuration, or as programs spell them.
fn find<'a>(
    models: &'a [ServerModel],
    server: &str,
    tool: &str,
) -> Option<(&'a ServerModel, &'a ToolModel)> {
    let server = models
        .iter()
        .find(|model| model.server == server || model.package == server)?;
    let found = select::find_js(server, tool).ok()?;
    Some((server, found))
}

fn unknown(known: &Known, given: &str) -> String {
    let near = known.index.search(&given.replace('/', " "));
    let near: Vec<String> = near
        .iter()
        .take(3)
        .filter_map(|hit| at(known, hit))
        .map(|(server, tool)| name(server, tool))
        .collect();
    match near.as_slice() {
        [] => format!(
            "there is no `{}`; `search` finds tools by their task",
            cut(given, 80)
        ),
        near => format!(
            "there is no `{}`; did you mean {}?",
            cut(given, 80),
            near.join(" or ")
        ),
    }
}

fn name(server: &ServerModel, tool: &ToolModel) -> String {
    format!("{}/{}", server.server, tool.tool)
}

/// The first sentence of the description, on one line.
pub(crate) fn summary(tool: &ToolModel) -> String {
    let doc = tool.doc.as_deref().unwrap_or("");
    let text = clean(doc, 2 * SUMMARY).unwrap_or_default();
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("");
    let line = unlabelled(line);
    let sentence = line.split_once(". ").map_or(line, |(first, _)| first);
    cut(sentence.trim_end_matches('.'), SUMMARY)
}

/// Without a label in brackets before it (`[Wiki]-`), which says no more than the names do.
fn unlabelled(line: &str) -> &str {
    let rest = line
        .strip_prefix('[')
        .and_then(|label| label.split_once(']'))
        .map_or(line, |(_, rest)| rest.trim_start_matches([' ', '-', ':']));
    if rest.is_empty() { line } else { rest }
}

fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}...", text[..end].trim_end()),
        None => text.to_owned(),
    }
}
