//! Admission: imports x grants x what was pinned -> a plan, or a refusal with *all* reasons. Before anything runs, and pure.
//! A program is admitted together with the skills that it may reach: what these call is granted to it, or refused to it.

use std::sync::Arc;

use serde::Serialize;
use witgate_codegen::drift::ChangeKind;
use witgate_codegen::lock::{self, Lock};

use crate::grants::{self, Grants};
use crate::imports::{BUILD_AGAIN, Built, ImportedTool, Imports};
use crate::labels::{At, Flow, LabelSet, Then};
use crate::limits::Limits;
use crate::program::Program;
use crate::rules::{Rules, ToolRules};
use crate::skills::ImportedSkill;

/// What an admitted program may do. Only what stands here is linked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The tools, one per server and tool, whatever the view.
    pub tools: Vec<PlannedTool>,
    /// Each import of the program with the index of its tool in `tools`.
    pub imports: Vec<(ImportedTool, usize)>,
    /// Each of its imports that is a skill, with the index in `skills`.
    pub calls: Vec<(ImportedTool, usize)>,
    /// The skills that may run with it.
    pub skills: Vec<PlannedSkill>,
    /// What a person allows.
    pub rules: Rules,
    /// The budgets of the run.
    pub limits: Limits,
    /// What a person is asked before anything runs.
    pub start: Vec<StartQuestion>,
    /// SHA-256 hex of the program and its skills; empty before it is linked.
    pub(crate) program: String,
}

/// A skill that may run with the program.
#[derive(Debug, Clone)]
pub struct PlannedSkill {
    /// Its name.
    pub name: String,
    /// What runs when it is called.
    pub program: Arc<Program>,
    /// As [`Plan::imports`], of the skill.
    pub imports: Vec<(ImportedTool, usize)>,
    /// As [`Plan::calls`], of the skill.
    pub calls: Vec<(ImportedTool, usize)>,
}

/// A combination of tools that a flow rule wants a person to look at before the program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartQuestion {
    /// The rule, as an index into [`Grants::flows`].
    pub flow: usize,
    /// Where the rule was written.
    pub origin: String,
    /// Tools whose results have the labels that the rule asks after, as `server/tool`.
    pub reads: Vec<String>,
    /// Tools that the rule speaks of, as `server/tool`.
    pub calls: Vec<String>,
    /// The same, as indices into [`Plan::tools`].
    pub(crate) tools: Vec<usize>,
}

/// A tool that was granted.
#[derive(Debug, Clone)]
pub struct PlannedTool {
    /// The server's name in the configuration.
    pub server: String,
    /// The tool's name on the wire.
    pub tool: String,
    /// Hash of the definition that was admitted; a call is made only while the server has the same.
    pub definition: String,
    /// What it is subject to.
    pub rules: Arc<ToolRules>,
    /// The skills that import it, where the program itself does not.
    pub through: Vec<String>,
}

/// Why a program is not admitted: every reason at once.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the program is refused:{}", list(reasons))]
pub struct Refusal {
    /// By the import's name.
    pub reasons: Vec<Reason>,
}

fn list(reasons: &[Reason]) -> String {
    let line = |r: &Reason| match (&r.allow, &r.hint) {
        (Some(allow), _) => format!("\n  {}: {} (`{allow}` would allow it)", r.import, r.message),
        (None, Some(hint)) => format!("\n  {}: {} ({hint})", r.import, r.message),
        (None, None) => format!("\n  {}: {}", r.import, r.message),
    };
    reasons.iter().map(line).collect()
}

/// One reason against a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// `server/tool`, or the import's name where it is no tool.
    pub import: String,
    /// What is wrong.
    pub message: String,
    /// The line that would allow it, on the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<String>,
    /// The lines that would allow it, in `grants.toml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// What to do about it, where no grant would help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The skills that it is about, where the program itself is not; the message says so too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<String>,
}

/// What to do about a tool that is not what was accepted.
pub(crate) const ACCEPT: &str =
    "see what changed with `witgate sync --check`, and accept it with `witgate sync`";
/// What to do about a component that is built against another text of the same types.
const PIN_AGAIN: &str = "look at what changed, then build the program again: `witgate build PROGRAM -o OUT.wasm`; or pin the component to it as it is: `witgate build OUT.wasm -o OUT.wasm`";

/// What to do about a skill that was made for other tools than those that are there.
const KEEP_AGAIN: &str = "make the skill again from its source, and have it reviewed";

/// Decides whether a program with these imports may run, together with its skills: each tool granted, no flow rule against the
/// combination. A skill itself needs no grant. With a lock, the tools of the servers that it pins must be what it pins.
///
/// # Errors
/// The refusal, with all reasons.
pub fn admit(
    imports: &Imports,
    rules: &Rules,
    limits: &Limits,
    lock: Option<&Lock>,
) -> Result<Plan, Refusal> {
    let mut reasons = Reasons::default();
    let skills = imports.skills.iter();
    let mut plan = Plan {
        tools: Vec::new(),
        imports: Vec::new(),
        calls: Vec::new(),
        skills: skills.map(PlannedSkill::new).collect(),
        rules: rules.clone(),
        limits: limits.clone(),
        start: Vec::new(),
        program: String::new(),
    };
    for (part, (through, imports)) in imports.parts().enumerate() {
        let mut tools = Vec::new();
        for import in &imports.tools {
            let drifted = [since_locked(import, lock), since_built(import)];
            reasons.extend(drifted.into_iter().flatten(), through);
            match plan.tool(import, through) {
                Ok(index) => tools.push((import.clone(), index)),
                Err(reason) => reasons.add(*reason, through),
            }
        }
        let mut calls = Vec::new();
        for call in &imports.calls {
            reasons.extend(since_kept(call), through);
            // One that was not found is among the unknown ones.
            if let Some(index) = plan.skills.iter().position(|s| s.name == call.tool) {
                calls.push((call.clone(), index));
            }
        }
        let unknown = imports.unknown.iter().map(|unknown| Reason {
            import: unknown.import.clone(),
            message: unknown.message.clone(),
            allow: None,
            grant: None,
            hint: unknown.hint.map(str::to_owned),
            through: Vec::new(),
        });
        reasons.extend(unknown, through);
        match part.checked_sub(1).and_then(|at| plan.skills.get_mut(at)) {
            Some(skill) => (skill.imports, skill.calls) = (tools, calls),
            None => (plan.imports, plan.calls) = (tools, calls),
        }
    }
    for (reason, through) in plan.combine() {
        match through.as_slice() {
            [] => reasons.add(reason, None),
            through => {
                for skill in through {
                    reasons.add(reason.clone(), Some(skill));
                }
            }
        }
    }
    match reasons.told() {
        reasons if reasons.is_empty() => Ok(plan),
        reasons => Err(Refusal { reasons }),
    }
}

/// Reasons, each once, with the skills that they are about; an empty list says that it is the program itself.
#[derive(Default)]
struct Reasons(Vec<(Reason, Vec<String>)>);

impl Reasons {
    fn add(&mut self, reason: Reason, through: Option<&str>) {
        match self.0.iter_mut().find(|(known, _)| *known == reason) {
            // What is said of the program need not be said of its skills.
            Some((_, skills)) if skills.is_empty() => {}
            Some((_, skills)) => match through {
                Some(skill) if !skills.iter().any(|known| known == skill) => {
                    skills.push(skill.to_owned());
                }
                Some(_) => {}
                None => skills.clear(),
            },
            None => {
                let through = through.map(str::to_owned);
                self.0.push((reason, through.into_iter().collect()));
            }
        }
    }

    fn extend(&mut self, reasons: impl IntoIterator<Item = Reason>, through: Option<&str>) {
        for reason in reasons {
            self.add(reason, through);
        }
    }

    /// By the import's name.
    fn told(self) -> Vec<Reason> {
        let told = |(mut reason, through): (Reason, Vec<String>)| {
            if !through.is_empty() {
                let plural = if through.len() == 1 { "" } else { "s" };
                let names = through.join("`, `");
                reason.message = format!("through the skill{plural} `{names}`: {}", reason.message);
                // A skill is no file that a person builds.
                let hint = reason.hint.as_deref();
                if hint.is_some_and(|hint| hint == BUILD_AGAIN || hint == PIN_AGAIN) {
                    reason.hint = Some(KEEP_AGAIN.to_owned());
                }
            }
            reason.through = through;
            reason
        };
        let mut reasons: Vec<Reason> = self.0.into_iter().map(told).collect();
        reasons.sort_by(|a, b| a.import.cmp(&b.import));
        reasons
    }
}

impl PlannedSkill {
    fn new(skill: &ImportedSkill) -> PlannedSkill {
        PlannedSkill {
            name: skill.name.clone(),
            program: Arc::clone(&skill.program),
            imports: Vec::new(),
            calls: Vec::new(),
        }
    }
}

impl Plan {
    /// The index of a tool that is granted; where it is new, it is taken in.
    fn tool(&mut self, import: &ImportedTool, through: Option<&str>) -> Result<usize, Box<Reason>> {
        let same = |t: &PlannedTool| t.server == import.server && t.tool == import.tool;
        if let Some(index) = self.tools.iter().position(same) {
            // The program comes first: what it imports itself is through no skill.
            let skills = &mut self.tools[index].through;
            if let Some(skill) = through
                && !skills.is_empty()
                && !skills.iter().any(|known| known == skill)
            {
                skills.push(skill.to_owned());
            }
            return Ok(index);
        }
        let rules = self.rules.tool(&import.server, &import.tool);
        let Some(allowing) = rules.filter(|rules| !rules.grants.is_empty()) else {
            let mut reason = not_granted(&import.server, &import.tool);
            if let Some(unfit) = rules.and_then(|rules| rules.unfit.first()) {
                reason.message = format!("the condition of its grant does not fit it: {unfit}");
            }
            return Err(Box::new(reason));
        };
        self.tools.push(PlannedTool {
            server: import.server.clone(),
            tool: import.tool.clone(),
            definition: import.live.definition.clone(),
            rules: Arc::clone(allowing),
            through: through.map(str::to_owned).into_iter().collect(),
        });
        Ok(self.tools.len() - 1)
    }

    /// Holds the tools together against the flow rules that are decided before anything runs: notes what a person is to be
    /// asked, and returns what is refused, with the skills that a tool is reached through.
    fn combine(&mut self) -> Vec<(Reason, Vec<String>)> {
        let rules = self.rules.clone();
        let grants = rules.grants();
        let tools = self.tools.iter();
        let all = tools.fold(LabelSet::default(), |all, tool| all.with(tool.rules.labels));
        let wanted = |wanted: &dyn Fn(LabelSet) -> bool| -> Vec<usize> {
            let tools = self.tools.iter().enumerate();
            let tools = tools.filter(|(_, tool)| wanted(tool.rules.labels));
            tools.map(|(at, _)| at).collect()
        };
        let named = |tools: &[usize]| -> Vec<String> {
            let tools = tools.iter().filter_map(|at| self.tools.get(*at));
            tools
                .map(|tool| format!("{}/{}", tool.server, tool.tool))
                .collect()
        };
        let allowed = |tool: LabelSet| {
            let mut flows = grants.flows.iter();
            flows.any(|f| f.then == Then::Allow && f.unless.is_none() && f.concerns(all, tool))
        };
        let (mut reasons, mut questions) = (Vec::new(), Vec::new());
        let flows = grants.flows.iter().enumerate();
        for (index, flow) in flows.filter(|(_, flow)| flow.at == At::Start) {
            let tools = wanted(&|labels| flow.concerns(all, labels) && !allowed(labels));
            let calls = named(&tools);
            let reads = named(&wanted(&|labels| labels.has_any(flow.after)));
            match flow.then {
                Then::Allow => {}
                _ if calls.is_empty() => {}
                Then::Refuse => reasons.extend(calls.iter().zip(&tools).map(|(tool, at)| {
                    let through = self.tools.get(*at).map(|tool| tool.through.clone());
                    let reason = combined(tool, flow, &reads, grants);
                    (reason, through.unwrap_or_default())
                })),
                Then::Approve => questions.push(StartQuestion {
                    flow: index,
                    origin: flow.origin.clone(),
                    reads,
                    calls,
                    tools,
                }),
            }
        }
        self.start = questions;
        reasons
    }
}

/// The reason against a tool that could send on what others read.
fn combined(tool: &str, flow: &Flow, reads: &[String], grants: &Grants) -> Reason {
    let names = |set| grants.names.of(set).collect::<Vec<_>>().join("`, `");
    Reason {
        import: tool.to_owned(),
        message: format!(
            "{} refuses a program that calls a `{}` tool and reads `{}` (`{}`)",
            flow.origin,
            names(flow.call),
            names(flow.after),
            reads.join("`, `"),
        ),
        allow: None,
        grant: Some(grants.lines_that_let_flow(flow.after, flow.call)),
        hint: None,
        through: Vec::new(),
    }
}

/// The tool as it is now against the one that the component was built for.
fn since_built(import: &ImportedTool) -> Option<Reason> {
    let (message, hint) = match &import.built {
        Built::Against(built) if built.shape != import.live.shape => (
            "since the component was built, its types changed",
            BUILD_AGAIN,
        ),
        _ if !import.fits => (
            "its type is not the one of this catalog: the component was built against another definition of the tool",
            BUILD_AGAIN,
        ),
        Built::Unsaid => return None,
        Built::Omitted => (
            "the component does not say against which definition of it it was built, though it does of others",
            BUILD_AGAIN,
        ),
        Built::Against(built) if built.definition != import.live.definition => (
            "since the component was built, its description or schema changed, its types did not",
            PIN_AGAIN,
        ),
        Built::Against(_) => return None,
    };
    let message = message.to_owned();
    Some(drifted(&import.server, &import.tool, message, hint))
}

/// A skill as it is now against what its caller was built for. Its description is for whoever looks for it, and what it does is
/// for whoever reviews it: only its types concern a caller that is built.
fn since_kept(call: &ImportedTool) -> Option<Reason> {
    let other_types =
        matches!(&call.built, Built::Against(built) if built.shape != call.live.shape);
    let message = "the skill takes or gives other types than when its caller was built".to_owned();
    (other_types || !call.fits).then(|| drifted(&call.server, &call.tool, message, BUILD_AGAIN))
}

/// The tool as it is now against the one that a person accepted. Types that changed alone concern no person.
fn since_locked(import: &ImportedTool, lock: Option<&Lock>) -> Option<Reason> {
    let server = lock?.servers.get(&import.server)?;
    let message = match server.tools.get(&import.tool) {
        None => "it is new: `witgate.lock` pins its server without it".to_owned(),
        Some(pinned) if pinned.definition == import.live.definition => return None,
        Some(pinned) => {
            let what = match lock::compare(pinned, &import.live) {
                Some(ChangeKind::Description) => "its description changed, its schemas did not",
                Some(ChangeKind::Compatible) if pinned.schemas.is_empty() => {
                    "its description or schema changed, its types did not"
                }
                Some(ChangeKind::Compatible) => "its schema changed, its types did not",
                _ => "its types changed",
            };
            format!("since `witgate.lock` was written, {what}")
        }
    };
    Some(drifted(&import.server, &import.tool, message, ACCEPT))
}

/// The reason against a program's source that names a tool which `witgate.lock` pins and the server has no more.
#[must_use]
pub fn vanished(server: &str, tool: &str) -> Reason {
    let message = format!("{}, and `witgate.lock` pins it", ChangeKind::Removed.what());
    drifted(server, tool, message, ACCEPT)
}

fn drifted(server: &str, tool: &str, message: String, hint: &str) -> Reason {
    Reason {
        import: format!("{server}/{tool}"),
        message,
        allow: None,
        grant: None,
        hint: Some(hint.to_owned()),
        through: Vec::new(),
    }
}

fn not_granted(server: &str, tool: &str) -> Reason {
    let name = format!("{server}/{tool}");
    // The server chose the name: it is no pattern.
    let pattern = format!("{}/{}", grants::escaped(server), grants::escaped(tool));
    let allow = if pattern
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.'))
    {
        format!("--allow {pattern}")
    } else {
        format!("--allow '{}'", pattern.replace('\'', r"'\''"))
    };
    Reason {
        import: name,
        message: "no grant allows it".into(),
        allow: Some(allow),
        grant: Some(grants::lines_that_allow(server, tool)),
        hint: None,
        through: Vec::new(),
    }
}

#[cfg(test)]
mod combinations;
#[cfg(test)]
mod tests;
