//! `witgate grants`: what grants say of a program (`explain`), and the grants that a recorded run needed (`suggest`). Nothing
//! runs, and no grant is put in force.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use witgate_codegen::json;
use witgate_host::grants::explain::{AllowedBy, Explained, explain};
use witgate_host::grants::suggest::{Observed, suggest};
use witgate_host::grants::{Approve, Effect};
use witgate_host::journal::recording::{Recorded, read_folder};
use witgate_host::labels::{At, Then};

use super::GrantArguments;
use crate::failure::{Failure, Kind};
use crate::source::{self, Loaded};
use crate::workspace::{self, Workspace};
use crate::{output, terminal};

/// Read grants, and write them
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  witgate grants explain triage.js --grants grants.toml
  witgate run triage.js --allow 'github/*' --record
  witgate grants suggest triage.js -o grants.toml

Neither runs a program, and neither puts a grant in force: `witgate run --grants FILE` does.")]
pub(crate) enum Grants {
    /// Say which grants, labels, flow rules and seals concern each tool that a program imports
    Explain(Explain),
    /// Write the narrowest grants that a recorded run needed
    Suggest(Suggest),
}

/// Say which grants, labels, flow rules and seals concern each tool that a program imports
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate grants explain triage.js --grants grants.toml
  witgate grants explain triage.wasm --allow 'github/*' --json")]
pub(crate) struct Explain {
    /// A program (.js, .ts, .rs) or a component (.wasm)
    program: PathBuf,
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    grants: GrantArguments,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Write the narrowest grants that a recorded run needed
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate run triage.js --allow 'github/*' --record    keep what the calls say, in clear
  witgate grants suggest triage.js                     the grants that this run needed
  witgate grants suggest triage.js -o grants.toml

What the arguments were is in the conditions: look at them before you keep them.")]
pub(crate) struct Suggest {
    /// A program (.js, .ts, .rs) or a component (.wasm); calls of tools that it does not import are left out
    program: PathBuf,
    /// A recording, or a folder of them; else `.witgate/recordings` beside the configuration
    #[arg(long, value_name = "FILE|FOLDER")]
    recording: Option<PathBuf>,
    /// The run with this id; else the last one that called a tool of the program
    #[arg(long, value_name = "RUN_ID")]
    run: Option<String>,
    /// Write here instead of to stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Grants {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        match self {
            Grants::Explain(command) => command.exec().await,
            Grants::Suggest(command) => command.exec().await,
        }
    }

    /// Whether failures are to be told to a machine.
    pub(crate) fn json(&self) -> bool {
        matches!(self, Grants::Explain(Explain { json: true, .. }))
    }
}

impl Explain {
    async fn exec(&self) -> Result<(), Failure> {
        let rules = self.grants.read()?;
        let workspace = workspace::open(self.config.as_deref())?;
        let (_, imports) = load(&self.program, &workspace).await?;
        let explained = explain(&imports, &rules);
        if self.json {
            // Plain data always serialises.
            let text = serde_json::to_string(&explained).unwrap_or_default();
            terminal::data(&text);
        } else {
            terminal::data(&describe(&explained));
        }
        Ok(())
    }
}

impl Suggest {
    async fn exec(&self) -> Result<(), Failure> {
        let workspace = workspace::open(self.config.as_deref())?;
        let (loaded, imports) = load(&self.program, &workspace).await?;
        let place = match &self.recording {
            Some(place) => place.clone(),
            None => workspace.recordings_path(),
        };
        let mut picked = Picked::new(self.run.clone(), imports);
        let broken = if place.is_file() {
            read_file(&place, &mut |call| picked.take(call))
        } else {
            read_folder(&place, &mut |call| picked.take(call))
        };
        let broken = broken.map_err(|e| {
            Failure::usage(format!("cannot read `{}`: {e}", place.display()))
                .hint("name a recording, or a folder of them, with `--recording FILE|FOLDER`")
        })?;
        if broken > 0 {
            let place = place.display();
            terminal::warn(&format!(
                "{broken} lines of `{place}` are no recorded calls and are left out"
            ));
        }
        if picked.calls.is_empty() {
            return Err(self.nothing(&place, &picked));
        }
        let run = picked.run.clone().unwrap_or_default();
        let plural = if picked.calls.len() == 1 { "" } else { "s" };
        terminal::note(&terminal::clean(&format!(
            "from {} call{plural} of run {run}",
            picked.calls.len()
        )));
        if picked.others > 0 {
            terminal::warn(&format!(
                "{} calls of that run are of tools that the program does not import, and are left out",
                picked.others
            ));
        }
        let observed: Vec<Observed<'_>> = picked.calls.iter().map(Call::observed).collect();
        let text = suggest(&observed, &loaded.definitions);
        match &self.output {
            None => terminal::data(&text),
            Some(path) => {
                output::write(path, text.as_bytes())?;
                terminal::note(&format!("wrote {}", path.display()));
            }
        }
        let file = match &self.output {
            Some(path) => path.display().to_string(),
            None => "FILE".to_owned(),
        };
        terminal::hint(&format!(
            "review it, and run with it: `witgate run {} --grants {file}`",
            self.program.display()
        ));
        Ok(())
    }

    fn nothing(&self, place: &Path, picked: &Picked) -> Failure {
        let hint = format!(
            "record a run: `witgate run {} --allow 'SERVER/*' --record`",
            self.program.display()
        );
        let place = place.display();
        let message = match (&self.run, picked.seen) {
            (_, false) => format!("no calls are recorded in `{place}`"),
            (Some(run), _) => format!(
                "run `{}` has no recorded calls of the program's tools in `{place}`",
                terminal::clean(run)
            ),
            (None, _) => format!("no calls of the program's tools are recorded in `{place}`"),
        };
        Failure::new(Kind::Usage, message).hint(hint)
    }
}

/// The program and the tools that it imports, each once, by name.
async fn load(
    program: &Path,
    workspace: &Workspace,
) -> Result<(Loaded, Vec<(String, String)>), Failure> {
    let source = source::read(program)?;
    let loaded = source::load(source, workspace, true).await;
    workspace.servers.shutdown().await;
    let (host, loaded) = loaded?;
    let imports = loaded.imports(&host);
    let tools = imports.tools.into_iter();
    let mut tools: Vec<_> = tools.map(|import| (import.server, import.tool)).collect();
    tools.sort();
    tools.dedup();
    Ok((loaded, tools))
}

/// The recorded calls of one run, as far as they are of the program's tools.
struct Picked {
    wanted: Option<String>,
    imports: Vec<(String, String)>,
    /// Whose calls these are: of the runs that called the program's tools, the one read last.
    run: Option<String>,
    calls: Vec<Call>,
    others: u64,
    /// Calls of the run under way, none of which is of the program's tools yet.
    strange: (String, u64),
    seen: bool,
}

struct Call {
    server: String,
    tool: String,
    arguments: Map<String, Value>,
    bytes: u64,
}

impl Call {
    fn observed(&self) -> Observed<'_> {
        Observed {
            server: &self.server,
            tool: &self.tool,
            arguments: &self.arguments,
            bytes: self.bytes,
            // What a tool does is for a person to say, not for its server.
            effect: None,
        }
    }
}

impl Picked {
    fn new(wanted: Option<String>, imports: Vec<(String, String)>) -> Picked {
        Picked {
            wanted,
            imports,
            run: None,
            calls: Vec::new(),
            others: 0,
            strange: Default::default(),
            seen: false,
        }
    }

    fn take(&mut self, call: Recorded<'_>) {
        self.seen = true;
        if self.wanted.as_ref().is_some_and(|run| *run != call.run) {
            return;
        }
        let is_same = self.run.as_deref() == Some(call.run.as_ref());
        let is_imported = self
            .imports
            .iter()
            .any(|(server, tool)| *server == call.server && *tool == call.tool);
        if !is_imported {
            if is_same {
                self.others += 1;
            } else if self.strange.0 == call.run {
                self.strange.1 += 1;
            } else {
                self.strange = (call.run.into_owned(), 1);
            }
            return;
        }
        if !is_same {
            self.calls.clear();
            self.others = if self.strange.0 == call.run {
                self.strange.1
            } else {
                0
            };
            self.run = Some(call.run.to_string());
        }
        let bytes = call.arguments.to_string().len() + call.result.to_string().len();
        let Value::Object(arguments) = call.arguments.into_owned() else {
            return;
        };
        self.calls.push(Call {
            server: call.server.into_owned(),
            tool: call.tool.into_owned(),
            arguments,
            bytes: bytes as u64,
        });
    }
}

/// As `read_folder`, of one file.
fn read_file(path: &Path, visit: &mut dyn FnMut(Recorded<'_>)) -> std::io::Result<u64> {
    let mut broken = 0;
    for line in std::fs::read(path)?.split(|byte| *byte == b'\n') {
        if line.is_empty() {
            continue;
        }
        match json::parse(line).ok().map(serde_json::from_value) {
            Some(Ok(call)) => visit(call),
            _ => broken += 1,
        }
    }
    Ok(broken)
}

/// The text form.
fn describe(explained: &[Explained]) -> String {
    let mut lines = Vec::new();
    for import in explained {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("{}/{}", import.server, import.tool));
        for grant in &import.grants {
            lines.push(format!("  allowed by {}{}", grant.origin, terms(grant)));
            if let Some(when) = &grant.when {
                lines.push(format!("    when {}", flat(when)));
            }
        }
        for label in &import.labels {
            lines.push(format!("  label {} ({})", label.label, label.origin));
        }
        for flow in &import.flows {
            let then = match flow.then {
                Then::Allow => "allowed",
                Then::Refuse => "refused",
                Then::Approve => "asked for",
            };
            let at = match flow.at {
                At::Start => " before anything runs",
                At::Call => "",
            };
            let after: Vec<String> = flow
                .after
                .iter()
                .map(|label| format!("{} (from {})", label.label, label.by.join(", ")))
                .collect();
            let after = match after.is_empty() {
                true => String::new(),
                false => format!(" after {}", after.join(" and ")),
            };
            lines.push(format!(
                "  {then}{at} as {}{after}: {}",
                flow.call.join(", "),
                flow.origin
            ));
            if let Some(unless) = &flow.unless {
                lines.push(format!("    unless {}", flat(unless)));
            }
        }
        lines.extend(
            import
                .seals
                .iter()
                .map(|origin| format!("  sealed by {origin}")),
        );
        if let Some(allow) = &import.allow {
            lines.push("  no grant allows it; these lines would:".to_owned());
            lines.extend(allow.lines().map(|line| format!("    {line}")));
        }
    }
    if explained.is_empty() {
        lines.push("it imports no tools, and needs no grants".to_owned());
    }
    let lines: Vec<String> = lines.iter().map(|line| terminal::clean(line)).collect();
    lines.join("\n") + "\n"
}

/// What bounds a grant, but its condition.
fn terms(grant: &AllowedBy) -> String {
    let mut terms = Vec::new();
    terms.extend(
        grant
            .max_calls
            .map(|calls| format!("at most {calls} calls")),
    );
    terms.extend(
        grant
            .max_bytes
            .map(|bytes| format!("at most {bytes} bytes")),
    );
    terms.extend(grant.rate.clone());
    terms.extend(grant.expires.as_ref().map(|date| format!("until {date}")));
    match grant.approve {
        Approve::Never => {}
        Approve::Batch => terms.push("asks once for calls that wait together".to_owned()),
        Approve::Each => terms.push("asks for each call".to_owned()),
    }
    if !grant.reveal.is_empty() {
        terms.push(format!("reveals {}", grant.reveal.join(", ")));
    }
    if grant.effect == Effect::Read {
        terms.push("only reads".to_owned());
    }
    match terms.is_empty() {
        true => String::new(),
        false => format!(": {}", terms.join(", ")),
    }
}

/// A condition on one line.
fn flat(condition: &str) -> String {
    condition
        .split('\n')
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_an_import_stands_under_it() {
        let rules = witgate_host::grants::parse(
            r#"
[[grant]]
server = "mail"
tools = ["*"]
when = '''
context.args.to == "a" &&
context.args.cc == "b"'''
max_calls = 3
rate = "10/min"
expires = 2027-01-31
approve = "each"
[[label]]
server = "*"
labels = ["untrusted"]
[[label]]
server = "mail"
labels = ["egress"]
[[flow]]
after = ["untrusted"]
call = ["egress"]
then = "approve"
unless = 'true'
[[seal]]
server = "mail"
detect = ["email"]
"#,
            "g.toml",
        )
        .unwrap();
        let import = |server: &str, tool: &str| (server.to_owned(), tool.to_owned());
        let text = describe(&explain(
            &[import("mail", "send"), import("web", "g\x1bt")],
            &rules,
        ));
        let wanted = "mail/send
  allowed by g.toml:2: at most 3 calls, 10 calls in 1m, until 2027-01-31T00:00:00Z, asks for each call
    when context.args.to == \"a\" && context.args.cc == \"b\"
  label untrusted (g.toml:12)
  label egress (g.toml:15)
  asked for as egress after untrusted (from mail/send, web/g\u{fffd}t, the input): g.toml:18
    unless true
  sealed by g.toml:23

web/g\u{fffd}t
  label untrusted (g.toml:12)
  no grant allows it; these lines would:
    [[grant]]
    server = \"web\"
    tools = [\"g\\u001Bt\"]
";
        assert_eq!(text, wanted);
        assert_eq!(describe(&[]), "it imports no tools, and needs no grants\n");
    }
}
