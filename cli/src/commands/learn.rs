//! `witgate learn`: from recorded results to output types that a server does not declare, in a file for a person to review.
//! What a schema is inferred to be is `codegen`'s; here is which results count, and what is left alone.

use std::path::{Path, PathBuf};

use clap::Args;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};
use witgate_codegen::catalog::{Catalog, Server};
use witgate_codegen::infer::{Inference, summary};
use witgate_codegen::model::{ServerModel, Type};
use witgate_codegen::names::nearest;
use witgate_codegen::overrides::{Inferred, ToolOverride};
use witgate_codegen::server::model_server;
use witgate_host::journal::recording::read_folder;

use crate::failure::{Failure, Kind};
use crate::workspace::Workspace;
use crate::{overrides, terminal, workspace};

/// Infer the types of results that a server does not declare, from recorded runs
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate run report.js --allow 'github/*' --record     keep what the calls return, in clear
  witgate learn                                         infer, and write witgate/overrides/SERVER.json
  witgate learn github/list_issues --dry-run            only show what would be inferred

Every result that was recorded fits what is inferred; a key is required where all results have it; objects stay open.
Tools that declare an output, and entries written by hand, are left alone. Learning again widens what was inferred.")]
pub(crate) struct Learn {
    /// Only this server, or this tool; can be given many times
    #[arg(value_name = "SERVER[/TOOL]")]
    only: Vec<String>,
    /// Recordings of another place; else `.witgate/recordings` beside the configuration
    #[arg(long, value_name = "DIR")]
    recordings: Option<PathBuf>,
    /// Leave tools alone of which fewer results were recorded
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_results: u64,
    /// Write nothing
    #[arg(long)]
    dry_run: bool,
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What was learned of one tool.
#[derive(Serialize)]
struct Learned {
    server: String,
    tool: String,
    /// Recorded results, failures not counted.
    results: u64,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
enum Verdict {
    /// It has a schema now.
    Inferred { schema: Value },
    /// It had this schema already.
    Unchanged { schema: Value },
    /// It is left alone.
    LeftAlone { why: String },
}

/// By server and tool, in the order in which they were first called.
type Results = IndexMap<(String, String), Seen>;

/// The results of one tool, as far as they were read.
struct Seen {
    results: u64,
    /// Of these, and of what was inferred before; the error is why that cannot be widened.
    inference: Result<Inference, String>,
}

impl Learn {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let workspace = workspace::open(self.config.as_deref())?;
        self.check_names(&workspace)?;
        let folder = match &self.recordings {
            Some(folder) => folder.clone(),
            None => workspace.recordings_path(),
        };
        let (seen, broken) = self.read(&workspace, &folder)?;
        if broken > 0 {
            terminal::warn(&format!(
                "{broken} lines of `{}` are no recorded calls and are left out",
                folder.display()
            ));
        }
        if seen.is_empty() {
            return Err(Failure::usage(format!(
                "no results are recorded in `{}`{}",
                folder.display(),
                if self.only.is_empty() {
                    ""
                } else {
                    " of what is named"
                }
            ))
            .hint("record some: `witgate run PROGRAM --record`"));
        }
        let wanted = |name: &str| seen.keys().any(|(server, _)| server == name);
        let catalog = workspace.catalog(wanted, true, true).await;
        workspace.servers.shutdown().await;
        let mut catalog = catalog?;
        overrides::warn_of_strangers(&workspace);

        let mut learned = Vec::new();
        for ((server, tool), seen) in seen {
            let verdict = self.judge(&mut catalog, &server, &tool, &seen);
            learned.push(Learned {
                server,
                tool,
                results: seen.results,
                verdict,
            });
        }
        let files = self.write(&workspace, &catalog)?;
        self.tell(&learned, &files);
        Ok(())
    }

    /// Reads all recordings; the inference of each tool starts from what was inferred before.
    fn read(&self, workspace: &Workspace, folder: &Path) -> Result<(Results, u64), Failure> {
        let mut seen = Results::new();
        let mut kept = IndexMap::new();
        for name in workspace.config.servers.keys() {
            kept.insert(name.clone(), overrides::read(workspace, name)?);
        }
        let broken = read_folder(folder, &mut |call| {
            if call.failed || !self.is_wanted(&call.server, &call.tool) {
                return;
            }
            let key = (call.server.into_owned(), call.tool.into_owned());
            let entry = kept.get(&key.0).and_then(|tools| tools.get(&key.1));
            let seen = seen.entry(key).or_insert_with(|| Seen::new(entry));
            seen.results += 1;
            if let Ok(inference) = &mut seen.inference {
                inference.observe(&call.result);
            }
        })
        .map_err(|e| Failure::usage(format!("cannot read `{}`: {e}", folder.display())))?;
        Ok((seen, broken))
    }

    /// Decides over one tool; what is inferred goes into the catalog's overrides.
    fn judge(&self, catalog: &mut Catalog, name: &str, tool: &str, seen: &Seen) -> Verdict {
        let left_alone = |why: &str| Verdict::LeftAlone {
            why: why.to_owned(),
        };
        let Some(server) = catalog.servers.get_mut(name) else {
            return left_alone("the server is not configured");
        };
        let Some(listed) = server.tools.iter().find(|listed| listed.name == tool) else {
            return left_alone(match server.tools.is_empty() {
                true => "the server's tools are not known; `witgate sync` lists them",
                false => "the server has no such tool any more",
            });
        };
        if listed.output_schema.as_ref().is_some_and(|s| !s.is_null()) {
            return left_alone("the server declares its output");
        }
        let entry = server.overrides.get(tool);
        let before = entry.and_then(|entry| entry.inferred.as_ref());
        if before.is_none() && entry.is_some_and(|entry| entry.output_schema.is_some()) {
            return left_alone("its output in `witgate/overrides` is written by hand");
        }
        let inference = match &seen.inference {
            Ok(inference) => inference,
            Err(why) => return left_alone(why),
        };
        if seen.results < self.min_results {
            return left_alone("too few results; record more, or lower `--min-results`");
        }
        if inference.is_plain_text() {
            return left_alone("all results are plain text, which needs no schema");
        }
        let schema = inference.schema();
        let old = entry.and_then(|entry| entry.output_schema.clone());
        let results = before.map_or(0, |before| before.results).max(seen.results);
        let changed = ToolOverride {
            input_schema: entry.and_then(|entry| entry.input_schema.clone()),
            output_schema: Some(schema.clone()),
            inferred: Some(Inferred { results }),
        };
        let previous = server.overrides.insert(tool.to_owned(), changed);
        if old.as_ref() == Some(&schema) {
            return Verdict::Unchanged { schema };
        }
        if previous.is_none() && !is_typed(server, tool) {
            server.overrides.shift_remove(tool);
            return left_alone("its results have nothing in common that could be typed");
        }
        Verdict::Inferred { schema }
    }

    /// Writes the file of every server whose overrides changed.
    fn write(&self, workspace: &Workspace, catalog: &Catalog) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for (name, server) in &catalog.servers {
            // A server without tools was not asked; of its file nothing was read.
            if server.tools.is_empty() || overrides::read(workspace, name)? == server.overrides {
                continue;
            }
            files.push(match self.dry_run {
                true => overrides::path(workspace, name),
                false => overrides::write(workspace, name, server.overrides.clone())?,
            });
        }
        Ok(files)
    }

    fn tell(&self, learned: &[Learned], files: &[PathBuf]) {
        if self.json {
            let report = json!({"tools": learned, "files": files, "written": !self.dry_run});
            terminal::data(&report.to_string());
            return;
        }
        for Learned {
            server,
            tool,
            results,
            verdict,
        } in learned
        {
            let plural = if *results == 1 { "" } else { "s" };
            let (what, schema) = match verdict {
                Verdict::Inferred { schema } => ("inferred", Some(schema)),
                Verdict::Unchanged { schema } => ("as before", Some(schema)),
                Verdict::LeftAlone { why } => (why.as_str(), None),
            };
            let line = format!("{server}/{tool}: {results} result{plural}, {what}");
            terminal::data(&terminal::clean(&line));
            for line in schema.map(summary).unwrap_or_default().lines() {
                terminal::data(&format!("  {}", terminal::clean(line)));
            }
        }
        for file in files {
            let verb = if self.dry_run { "would write" } else { "wrote" };
            terminal::note(&format!("{verb} {}", file.display()));
        }
        if files.is_empty() {
            return;
        }
        let few = learned.iter().any(|learned| {
            learned.results < 3 && matches!(learned.verdict, Verdict::Inferred { .. })
        });
        if few {
            terminal::warn(
                "of few results, a key that is in all of them counts as required; more recorded runs show which are not",
            );
        }
        if !self.dry_run {
            terminal::hint(
                "review the file and commit it; `witgate sync` then pins the new types, and what was built before has to be built again",
            );
        }
    }

    fn is_wanted(&self, server: &str, tool: &str) -> bool {
        self.only.is_empty()
            || self.only.iter().any(|given| match given.split_once('/') {
                None => given == server,
                Some((of, name)) => of == server && name == tool,
            })
    }

    fn check_names(&self, workspace: &Workspace) -> Result<(), Failure> {
        let servers = &workspace.config.servers;
        let named = self.only.iter().map(|given| {
            given
                .split_once('/')
                .map_or(given.as_str(), |(server, _)| server)
        });
        for name in named {
            if !servers.contains_key(name) {
                let near = nearest(name, servers.keys().map(String::as_str), 3);
                let names = match near.is_empty() {
                    true => servers.keys().cloned().collect::<Vec<_>>(),
                    false => near,
                };
                return Err(
                    Failure::new(Kind::Usage, format!("no server `{name}` is configured"))
                        .hint(format!("there is `{}`", names.join("`, `"))),
                );
            }
        }
        Ok(())
    }
}

impl Seen {
    fn new(entry: Option<&ToolOverride>) -> Seen {
        let earlier = entry.filter(|entry| entry.inferred.is_some());
        let inference = match earlier.and_then(|entry| entry.output_schema.as_ref()) {
            None => Ok(Inference::default()),
            Some(schema) => Inference::widen(schema).map_err(|edited| {
                format!("it was inferred and then edited ({edited}); take `inferred` out of its entry to keep it, or the entry to learn anew")
            }),
        };
        Seen {
            results: 0,
            inference,
        }
    }
}

/// Whether the tool's result has a type now.
fn is_typed(server: &Server, tool: &str) -> bool {
    let alone = Server {
        tools: server
            .tools
            .iter()
            .filter(|t| t.name == tool)
            .take(1)
            .cloned()
            .collect(),
        overrides: server.overrides.clone(),
        ..Server::default()
    };
    let typed = |model: ServerModel| model.tools.iter().any(|tool| tool.output != Type::Json);
    model_server("", &alone).is_ok_and(typed)
}
