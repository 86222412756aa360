//! What maps to what: one folder of `tests/cases/` for each construct of JSON Schema and each trap. `tools.json` is a small
//! `tools/list`, `case.toml` says what it shows; `typed.wit`, `types.d.ts`, `rust.rs` and `losses.json` are what it becomes.
//! Each value of `valid.jsonl` comes back from both views as it was (or, in the typed view, as `becomes` says); each of
//! `invalid.jsonl` is refused, with the place and the reason. The tables of README.md and `tests/cases/README.md` are made of
//! the folders too. `WITGATE_BLESS=1 cargo test --test cases` writes all of it anew, but for the values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "cases/tables.rs"]
mod tables;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use serde_json::{Value, json};
use witgate_codegen::catalog::{Catalog, Server, parse_tools_list};
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::select::View;
use witgate_codegen::wit::{RUNTIME, WitOptions, print_package, print_server};
use witgate_codegen::{dts, rust};
use witgate_host::definitions::{Definition, Definitions, Violation};
use witgate_host::{Side, round_trip};
use witgate_tests::{texts, workspace};

/// The server of every case.
const SERVER: &str = "example";

/// One folder.
#[derive(Debug, Clone)]
struct Case {
    name: String,
    folder: PathBuf,
    about: About,
    definitions: Definitions,
}

/// `case.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    /// What the case shows, a line.
    title: String,
    /// Where in the tables it stands.
    part: Part,
    /// What a reader of the tables has to know beside the types.
    note: Option<String>,
    /// Its row in README.md; without, it is a trap, and stands in `tests/cases/README.md` only.
    row: Option<Row>,
}

/// The parts of the tables, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Part {
    Tools,
    Objects,
    Scalars,
    Choices,
    Arrays,
    References,
    Texts,
}

/// What of the first tool a row shows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// Where in the table it stands.
    order: usize,
    /// `input` or `output`.
    side: String,
    /// The properties that are shown; none: the whole schema.
    #[serde(default)]
    fields: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = match collect() {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let failed = |error: anyhow::Error| Failed::from(format!("{error:#}"));
    let all = cases.clone();
    let tables = Trial::test("tables", move || tables::check(&all).map_err(failed));
    let mut trials = vec![tables];
    trials.extend(cases.into_iter().map(|case| {
        Trial::test(case.name.clone(), move || run(&case).map_err(failed)).with_kind("case")
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn collect() -> anyhow::Result<Vec<Case>> {
    let parent = workspace::root().join("tests/cases");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&parent)? {
        let folder = entry?.path();
        if folder.is_dir() {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let case = read(&folder, &name).with_context(|| format!("tests/cases/{name}"))?;
            cases.push(case);
        }
    }
    cases.sort_by_key(|case| {
        let row = case.about.row.as_ref().map_or(usize::MAX, |row| row.order);
        (case.about.part, row, case.name.clone())
    });
    Ok(cases)
}

fn read(folder: &Path, name: &str) -> anyhow::Result<Case> {
    let text = |file: &str| {
        std::fs::read_to_string(folder.join(file)).with_context(|| format!("cannot read `{file}`"))
    };
    let tools = parse_tools_list(&text("tools.json")?)?;
    let server = Server {
        tools,
        ..Server::default()
    };
    let mut catalog = Catalog::default();
    catalog.servers.insert(SERVER.to_string(), server);
    Ok(Case {
        name: name.to_string(),
        folder: folder.to_owned(),
        about: toml::from_str(&text("case.toml")?)?,
        definitions: Definitions::new(&catalog)?,
    })
}

impl Case {
    fn model(&self) -> &ServerModel {
        &self.definitions.models[0]
    }
}

/// What the first view of a case prints, and the tables show.
fn print_typed(model: &ServerModel) -> String {
    let tools: Vec<&ToolModel> = model.tools.iter().collect();
    print_package(model, &tools, &[View::Typed], &WitOptions::default())
}

fn run(case: &Case) -> anyhow::Result<()> {
    let model = case.model();
    let wit = print_typed(model);
    let declared = dts::declare_server(model);
    let rust = rust::declarations(model, None);
    let both = print_server(model, &WitOptions::default());
    texts::accept_wit(&[RUNTIME, &wit])?;
    texts::accept_wit(&[RUNTIME, &both])?;
    texts::accept_declarations(&declared)?;
    texts::accept_rust(&rust)?;
    for text in [&both, &declared, &rust] {
        texts::accept_visible(text)?;
    }

    let mut wrong = String::new();
    for (file, text) in [
        ("typed.wit", &wit),
        ("types.d.ts", &declared),
        ("rust.rs", &rust),
        ("losses.json", &print_losses(model)?),
    ] {
        wrong.push_str(&compare(&case.folder.join(file), text)?);
    }
    // Longest runs of validation are given up on a timer.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    wrong.push_str(&runtime.block_on(valid(case))?);
    wrong.push_str(&runtime.block_on(invalid(case))?);
    ensure!(wrong.is_empty(), "\n{wrong}");
    Ok(())
}

/// JSON text in ASCII, so that what hides stays visible in the files.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for unit in json.encode_utf16() {
        match u8::try_from(unit).map(char::from) {
            Ok(c) if c.is_ascii() && c != '\u{7f}' => out.push(c),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out
}

/// One loss a line.
fn print_losses(model: &ServerModel) -> anyhow::Result<String> {
    let losses: Result<Vec<String>, _> = model.losses.iter().map(serde_json::to_string).collect();
    Ok(match ascii(&losses?.join(",\n  ")) {
        none if none.is_empty() => "[]\n".to_string(),
        some => format!("[\n  {some}\n]\n"),
    })
}

/// The difference between a file and what it should hold; empty where there is none, or where it was written anew.
fn compare(golden: &Path, actual: &str) -> anyhow::Result<String> {
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    if expected == actual {
        return Ok(String::new());
    }
    if std::env::var_os("WITGATE_BLESS").is_some() {
        std::fs::write(golden, actual)?;
        return Ok(String::new());
    }
    let file = golden
        .strip_prefix(workspace::root())?
        .display()
        .to_string();
    let diff = similar::TextDiff::from_lines(expected.as_str(), actual);
    let diff = diff
        .unified_diff()
        .context_radius(2)
        .header(&file, "now")
        .to_string();
    Ok(format!(
        "if this is right, bless it with WITGATE_BLESS=1\n{diff}"
    ))
}

/// A line of `valid.jsonl` or `invalid.jsonl`; those of the latter are printed anew with `at` and `why`.
#[derive(Debug, Deserialize)]
struct Line {
    /// The tool; the first one where it is left out.
    tool: Option<String>,
    /// `input` or `output`.
    side: String,
    value: Value,
    /// Valid only: what the typed view makes of it, where it is not the same; a loss tells.
    becomes: Option<Value>,
    /// Invalid only: the view that refuses it, where the other one accepts it.
    view: Option<String>,
}

fn side(name: &str) -> anyhow::Result<Side> {
    match name {
        "input" => Ok(Side::Input),
        "output" => Ok(Side::Output),
        other => bail!("`{other}` is no side: `input` or `output`"),
    }
}

impl Line {
    fn definition<'a>(&self, case: &'a Case) -> anyhow::Result<&'a Definition> {
        let tool = match &self.tool {
            Some(tool) => tool,
            None => &case.model().tools.first().context("no tool")?.tool,
        };
        let found = case.definitions.get(SERVER, tool);
        found
            .map(|found| &**found)
            .with_context(|| format!("no tool `{tool}`"))
    }

    async fn trip(&self, case: &Case, view: View) -> anyhow::Result<Result<Value, Violation>> {
        let text = self.value.to_string();
        let trip = round_trip(self.definition(case)?, side(&self.side)?, view, &text).await;
        Ok(match trip {
            Ok(text) => Ok(serde_json::from_str(&text)?),
            Err(violation) => Err(violation),
        })
    }
}

fn lines(case: &Case, file: &str) -> anyhow::Result<Vec<Line>> {
    // A tool without any valid value has an empty file, one that takes anything has no file of invalid ones.
    let text = std::fs::read_to_string(case.folder.join(file)).unwrap_or_default();
    let lines: Result<Vec<Line>, _> = text.lines().map(serde_json::from_str).collect();
    lines.with_context(|| format!("`{file}` is not JSON Lines"))
}

async fn valid(case: &Case) -> anyhow::Result<String> {
    let mut wrong = String::new();
    for line in lines(case, "valid.jsonl")? {
        ensure!(
            line.becomes.is_none() || !case.model().losses.is_empty(),
            "{} becomes another, but no loss is recorded",
            line.value
        );
        for view in [View::Typed, View::Json] {
            let wanted = match (&line.becomes, view) {
                (Some(other), View::Typed) => other,
                _ => &line.value,
            };
            match line.trip(case, view).await? {
                Ok(back) if same(&back, wanted) => {}
                Ok(back) => writeln!(wrong, "{view:?} view: {} came back as {back}", line.value)?,
                Err(Violation { at, why }) => {
                    writeln!(
                        wrong,
                        "{view:?} view: {} is refused: `{at}` {why}",
                        line.value
                    )?;
                }
            }
        }
    }
    Ok(wrong)
}

/// Equal as JSON Schema sees it, where `1.0` is `1`; an integer never equals another one that is merely near.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a.to_string().trim_end_matches(".0") == b.to_string().trim_end_matches(".0")
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

async fn invalid(case: &Case) -> anyhow::Result<String> {
    let mut wrong = String::new();
    let mut printed = String::new();
    for line in lines(case, "invalid.jsonl")? {
        let views = match line.view.as_deref() {
            None => vec![View::Typed, View::Json],
            Some("typed") => vec![View::Typed],
            Some(other) => bail!("`{other}` cannot refuse alone: `typed`"),
        };
        let mut reasons = Vec::new();
        for view in [View::Typed, View::Json] {
            match (line.trip(case, view).await?, views.contains(&view)) {
                (Err(violation), true) => reasons.push(violation),
                (Ok(_), false) => {}
                (Ok(back), true) => {
                    writeln!(
                        wrong,
                        "{view:?} view: {} is not refused: {back}",
                        line.value
                    )?;
                }
                (Err(Violation { at, why }), false) => {
                    writeln!(
                        wrong,
                        "{view:?} view: {} is refused too: `{at}` {why}",
                        line.value
                    )?;
                }
            }
        }
        reasons.dedup();
        if let [Violation { at, why }] = reasons.as_slice() {
            let mut whole = serde_json::Map::new();
            whole.extend(line.tool.map(|tool| ("tool".to_string(), json!(tool))));
            whole.insert("side".to_string(), json!(line.side));
            whole.extend(line.view.map(|view| ("view".to_string(), json!(view))));
            whole.insert("value".to_string(), line.value);
            whole.insert("at".to_string(), json!(at));
            whole.insert("why".to_string(), json!(why));
            writeln!(printed, "{}", ascii(&Value::Object(whole).to_string()))?;
        } else if reasons.len() > 1 {
            writeln!(wrong, "{}: the views differ: {reasons:?}", line.value)?;
        }
    }
    if wrong.is_empty() {
        wrong = compare(&case.folder.join("invalid.jsonl"), &printed)?;
    }
    Ok(wrong)
}
