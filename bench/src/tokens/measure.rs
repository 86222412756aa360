//! One scenario with so many tools, in each mode: real servers, a real client, and for witgate a real `witgate serve` in front.
//! The modes must agree: the same calls at the servers, the same changes, the same answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::connection::{Connection, Launch};
use crate::conversation::{Conversation, Given, Message, rendered};
use crate::corpus::{Connected, Corpus, given};
use crate::model::{Model, search_tool};
use crate::scenario::Scenario;
use crate::server::definitions;

/// How a model gets at the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// Every definition is in the context.
    Direct,
    /// A search tool returns definitions, which are then called.
    Search,
    /// `witgate serve`, programs in JavaScript.
    Js,
    /// `witgate serve`, programs in Rust.
    Rust,
}

/// In the table's order.
pub(crate) const MODES: [Mode; 4] = [Mode::Direct, Mode::Search, Mode::Js, Mode::Rust];

impl Mode {
    /// The name in files and tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Direct => "direct",
            Mode::Search => "search",
            Mode::Js => "js",
            Mode::Rust => "rust",
        }
    }
}

/// Tools that the search tool returns: as many as those that exist do.
const FOUND: usize = 5;
/// The name of `witgate serve` in the client's configuration.
const WITGATE: &str = "witgate";

/// The folder in which witgate keeps its journal and what it asks a person.
const STATE: &str = "WITGATE_STATE";

/// What one mode came to.
struct Done {
    conversation: Conversation,
    /// The calls that reached servers, sorted: those that are made at once arrive in any order.
    calls: Vec<String>,
    changes: Vec<String>,
}

/// A folder with a configuration, its catalog pinned, and what the servers note.
struct Ground {
    folder: TempDir,
    witgate: PathBuf,
    connected: Vec<Connected>,
}

/// All modes of a scenario at a size.
///
/// # Errors
/// Something does not start, a script fails, or the modes do not agree.
pub(crate) async fn measure(
    corpus: &Corpus,
    scenario: &Scenario,
    count: usize,
    witgate: &Path,
) -> anyhow::Result<Vec<Conversation>> {
    let ground = prepare(corpus, scenario, count, witgate).await?;
    let mut all = Vec::new();
    for mode in MODES {
        let about = || format!("{}, {count} tools, {}", scenario.name, mode.name());
        all.push(
            ground
                .done(corpus, scenario, count, mode)
                .await
                .with_context(about)?,
        );
    }
    for pair in all.windows(2) {
        let [one, other] = pair else { continue };
        let names = (one.conversation.name(), other.conversation.name());
        ensure!(
            one.calls == other.calls,
            "{names:?}: other calls reached the servers"
        );
        ensure!(
            one.changes == other.changes,
            "{names:?}: the servers are not in the same state"
        );
        let last = |done: &Done| done.conversation.messages.last().cloned();
        ensure!(
            last(one) == last(other),
            "{names:?}: the answers are not the same"
        );
    }
    Ok(all.into_iter().map(|done| done.conversation).collect())
}

async fn prepare(
    corpus: &Corpus,
    scenario: &Scenario,
    count: usize,
    witgate: &Path,
) -> anyhow::Result<Ground> {
    let ground = Ground {
        folder: tempfile::tempdir().context("cannot make a folder to work in")?,
        witgate: witgate.to_owned(),
        connected: corpus.connected(scenario.used, count)?,
    };
    let mut servers = serde_json::Map::new();
    for connected in &ground.connected {
        let launch = Launch::of(connected, ground.notes())?;
        let arguments: Vec<_> = launch
            .arguments
            .iter()
            .map(|a| a.to_string_lossy())
            .collect();
        let entry = json!({ "command": launch.program, "args": arguments });
        servers.insert(connected.server.clone(), entry);
    }
    let config = json!({ "mcpServers": servers });
    std::fs::write(ground.notes().join("servers.json"), config.to_string())?;
    let grants: Vec<String> = scenario
        .used
        .iter()
        .map(|(server, tool)| format!("[[grant]]\nserver = \"{server}\"\ntools = [\"{tool}\"]\n"))
        .collect();
    std::fs::write(ground.notes().join("grants.toml"), grants.join("\n"))?;
    // Servers then start when they are called, as they do for a person who has run it once.
    let synced = Command::new(witgate)
        .args(["sync", "--json", "--config", "servers.json"])
        .current_dir(ground.notes())
        .env(STATE, ground.notes().join("state"))
        .output()
        .await?;
    if !synced.status.success() {
        bail!(
            "`witgate sync` failed: {}",
            String::from_utf8_lossy(&synced.stderr)
        );
    }
    Ok(ground)
}

impl Ground {
    /// Where everything of this measurement lies.
    fn notes(&self) -> &Path {
        self.folder.path()
    }

    async fn done(
        &self,
        corpus: &Corpus,
        scenario: &Scenario,
        count: usize,
        mode: Mode,
    ) -> anyhow::Result<Done> {
        let (calls, changes) = (
            self.notes().join("calls.jsonl"),
            self.notes().join("changes.jsonl"),
        );
        for file in [&calls, &changes] {
            std::fs::write(file, "")?;
        }
        let mut model = Model {
            conversation: Conversation {
                scenario: scenario.name.to_owned(),
                connected: count,
                mode: mode.name().to_owned(),
                given: Given::default(),
                messages: vec![Message::User(scenario.task.to_owned())],
            },
            servers: BTreeMap::new(),
        };
        let outcome = match mode {
            Mode::Direct => {
                self.connect(corpus, &mut model, scenario).await?;
                scenario.which.directly(&mut model).await?
            }
            Mode::Search => {
                self.connect(corpus, &mut model, scenario).await?;
                model.conversation.given = Given {
                    definitions: vec![search_tool()],
                    ..Given::default()
                };
                self.search(&mut model, scenario).await?;
                scenario.which.directly(&mut model).await?
            }
            Mode::Js | Mode::Rust => self.through_witgate(&mut model, scenario, mode).await?,
        };
        let answer = scenario.which.answer(&outcome)?;
        model.answer(answer);
        let mut made = noted(&calls)?;
        made.sort();
        Ok(Done {
            conversation: model.conversation,
            calls: made,
            changes: noted(&changes)?,
        })
    }

    /// Starts every server, lists its tools for the model, and keeps those that are called.
    async fn connect(
        &self,
        corpus: &Corpus,
        model: &mut Model,
        scenario: &Scenario,
    ) -> anyhow::Result<()> {
        let started = self.connected.iter().map(async |connected| {
            let launch = Launch::of(connected, self.notes())?;
            let connection = Connection::start(&launch, self.notes()).await?;
            let mut listed = Vec::new();
            for tool in connection.tools().await? {
                listed.push(given(&connected.server, &serde_json::to_value(tool)?));
            }
            let definitions = corpus.definitions(std::slice::from_ref(connected))?;
            let same = definitions.iter().map(|(_, _, given)| given).eq(&listed);
            let silent = connection.instructions().is_none();
            ensure!(
                same && silent,
                "`{}` lists something else than the corpus",
                connected.server
            );
            let chosen = (!connected.is_whole).then(|| connected.tools.clone());
            anyhow::Ok((connected.server.clone(), chosen, connection))
        });
        for (server, chosen, connection) in try_join_all(started).await? {
            if scenario.used.iter().any(|(used, _)| *used == server) {
                model.servers.insert(server.clone(), connection);
            }
            model.conversation.given.servers.insert(server, chosen);
        }
        Ok(())
    }

    async fn serve(&self) -> anyhow::Result<Connection> {
        let arguments = [
            "serve",
            "--config",
            "servers.json",
            "--grants",
            "grants.toml",
        ];
        let launch = Launch {
            environment: vec![(STATE, self.notes().join("state"))],
            program: self.witgate.clone(),
            arguments: arguments.map(Into::into).to_vec(),
        };
        Connection::start(&launch, self.notes()).await
    }

    /// A search that ranks as witgate does and returns definitions.
    async fn search(&self, model: &mut Model, scenario: &Scenario) -> anyhow::Result<()> {
        let engine = self.serve().await?;
        let mut missing = scenario.used.to_vec();
        for query in scenario.queries {
            let names = engine
                .call("search", &json!({ "query": query, "detail": "name" }))
                .await?;
            // What witgate has of its own, such as a workspace, is no server of the client's.
            let found: Vec<(&str, &str)> = words(&names.first)
                .filter_map(|word| word.split_once('/'))
                .filter(|(server, _)| self.connected.iter().any(|one| one.server == *server))
                .take(FOUND)
                .collect();
            let mut lines = Vec::new();
            for (server, tool) in &found {
                lines.push(self.definition(server, tool)?.to_string());
            }
            model.note("search_tools", json!({ "query": query }), lines.join("\n"));
            missing.retain(|tool| !found.contains(tool));
            if missing.is_empty() {
                return Ok(());
            }
        }
        bail!("no query found {missing:?}")
    }

    /// What a model is given of a tool.
    fn definition(&self, server: &str, tool: &str) -> anyhow::Result<Value> {
        let connected = self.connected.iter().find(|one| one.server == server);
        let connected = connected.with_context(|| format!("no server `{server}`"))?;
        let tools = definitions(&connected.file, &[tool.to_owned()])?;
        let found = tools
            .first()
            .with_context(|| format!("no tool `{server}/{tool}`"))?;
        Ok(given(server, found))
    }

    async fn through_witgate(
        &self,
        model: &mut Model,
        scenario: &Scenario,
        mode: Mode,
    ) -> anyhow::Result<Value> {
        let serve = self.serve().await?;
        model.conversation.given.instructions = serve.instructions();
        for tool in serve.tools().await? {
            let schema = Value::Object((*tool.input_schema).clone());
            let description = tool.description.as_deref().unwrap_or_default();
            let given = rendered(WITGATE, &tool.name, description, &schema);
            model.conversation.given.definitions.push(given);
        }
        model.servers.insert(WITGATE.to_owned(), serve);
        let mut missing: Vec<String> = scenario
            .used
            .iter()
            .map(|(server, tool)| format!("{server}/{tool}"))
            .collect();
        let used = missing.clone();
        for query in scenario.queries {
            let found = model
                .ask(WITGATE, "search", json!({ "query": query }))
                .await?;
            ensure!(!found.is_error, "{}", found.shown);
            missing.retain(|tool| !words(&found.shown).any(|word| word == tool));
            if missing.is_empty() {
                break;
            }
        }
        ensure!(missing.is_empty(), "no query found {missing:?}");
        let (described, run) = match mode {
            Mode::Rust => (
                json!({ "tools": used, "language": "rust" }),
                json!({ "code": scenario.rust, "language": "rust" }),
            ),
            _ => (json!({ "tools": used }), json!({ "code": scenario.js })),
        };
        let types = model.ask(WITGATE, "describe", described).await?;
        ensure!(!types.is_error, "{}", types.shown);
        let ran = model.ask(WITGATE, "run", run).await?;
        ensure!(!ran.is_error, "{}\nafter\n{}", ran.shown, types.shown);
        // The value comes first, then what is said about the run.
        let mut values = serde_json::Deserializer::from_str(&ran.shown).into_iter();
        let value = values.next().and_then(Result::ok);
        value.with_context(|| format!("`run` answered {}", ran.shown))
    }
}

/// The words of an answer that may be names of tools.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    text.split(move |c| !is_name(c))
        .filter(|word| !word.is_empty())
}

/// What servers noted, a line each, so that what is the same is the same text.
fn noted(file: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(file)?;
    let lines = text
        .lines()
        .map(|line| anyhow::Ok(alike(serde_json::from_str(line)?).to_string()));
    lines.collect()
}

/// A value with its keys sorted and 1.0 as 1: in this, programs in two languages may differ.
fn alike(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(alike).collect(),
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map
                .into_iter()
                .map(|(key, item)| (key, alike(item)))
                .collect();
            sorted.into_iter().collect()
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => json!(float as i64),
            _ => Value::Number(number),
        },
        other => other,
    }
}
