//! Admission: imports x grants x what was pinned -> a plan, or a refusal with *all* reasons. Before anything runs, and pure.

use std::sync::Arc;

use serde::Serialize;
use witgate_codegen::drift::ChangeKind;
use witgate_codegen::lock::{self, Lock};

use crate::grants::{self, Grants};
use crate::imports::{BUILD_AGAIN, Built, ImportedTool, Imports};
use crate::labels::{At, Flow, LabelSet, Then};
use crate::limits::Limits;
use crate::rules::{Rules, ToolRules};

/// What an admitted program may do. Only what stands here is linked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The tools, one per server and tool, whatever the view.
    pub tools: Vec<PlannedTool>,
    /// Each import with the index of its tool in `tools`.
    pub imports: Vec<(ImportedTool, usize)>,
    /// What a person allows.
    pub rules: Rules,
    /// The budgets of the run.
    pub limits: Limits,
    /// What a person is asked before anything runs.
    pub start: Vec<StartQuestion>,
    /// SHA-256 hex of the program; empty before it is linked.
    pub(crate) program: String,
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
}

/// What to do about a tool that is not what was accepted.
pub(crate) const ACCEPT: &str =
    "see what changed with `witgate sync --check`, and accept it with `witgate sync`";
/// What to do about a component that is built against another text of the same types.
const PIN_AGAIN: &str = "look at what changed, then build the program again: `witgate build PROGRAM -o OUT.wasm`; or pin the component to it as it is: `witgate build OUT.wasm -o OUT.wasm`";

/// Decides whether a program with these imports may run: each tool granted, no flow rule against the combination. With a
/// lock, the tools of the servers that it pins must be what it pins.
///
/// # Errors
/// The refusal, with all reasons.
pub fn admit(
    imports: &Imports,
    rules: &Rules,
    limits: &Limits,
    lock: Option<&Lock>,
) -> Result<Plan, Refusal> {
    let mut reasons = Vec::new();
    let mut plan = Plan {
        tools: Vec::new(),
        imports: Vec::new(),
        rules: rules.clone(),
        limits: limits.clone(),
        start: Vec::new(),
        program: String::new(),
    };
    for import in &imports.tools {
        let drifted = [since_locked(import, lock), since_built(import)];
        for reason in drifted.into_iter().flatten() {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        let known = plan
            .tools
            .iter()
            .position(|t| t.server == import.server && t.tool == import.tool);
        if let Some(index) = known {
            plan.imports.push((import.clone(), index));
            continue;
        }
        let allowing = rules.tool(&import.server, &import.tool);
        let Some(allowing) = allowing.filter(|rules| !rules.grants.is_empty()) else {
            let mut reason = not_granted(&import.server, &import.tool);
            if let Some(unfit) = rules
                .tool(&import.server, &import.tool)
                .and_then(|rules| rules.unfit.first())
            {
                reason.message = format!("the condition of its grant does not fit it: {unfit}");
            }
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
            continue;
        };
        plan.imports.push((import.clone(), plan.tools.len()));
        plan.tools.push(PlannedTool {
            server: import.server.clone(),
            tool: import.tool.clone(),
            definition: import.live.definition.clone(),
            rules: Arc::clone(allowing),
        });
    }
    reasons.extend(plan.combine());
    for unknown in &imports.unknown {
        reasons.push(Reason {
            import: unknown.import.clone(),
            message: unknown.message.clone(),
            allow: None,
            grant: None,
            hint: unknown.hint.map(str::to_owned),
        });
    }
    reasons.sort_by(|a, b| a.import.cmp(&b.import));
    if reasons.is_empty() {
        Ok(plan)
    } else {
        Err(Refusal { reasons })
    }
}

impl Plan {
    /// Holds the tools together against the flow rules that are decided before anything runs: notes what a person is to be
    /// asked, and returns what is refused.
    fn combine(&mut self) -> Vec<Reason> {
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
                Then::Refuse => reasons.extend(
                    calls
                        .iter()
                        .map(|tool| combined(tool, flow, &reads, grants)),
                ),
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
    }
}

#[cfg(test)]
mod combinations;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use witgate_codegen::built::BuiltTool;
    use witgate_codegen::lock::LockedTool;
    use witgate_codegen::select::View;

    use super::*;
    use crate::imports::Unknown;

    fn import(tool: &str, view: View) -> ImportedTool {
        ImportedTool {
            interface: "mcp:s/tools".into(),
            function: tool.replace('_', "-"),
            server: "s".into(),
            tool: tool.into(),
            view,
            asynchronous: true,
            fits: true,
            live: pinned("d", "s", "t"),
            built: Built::Unsaid,
        }
    }

    fn pinned(definition: &str, schemas: &str, shape: &str) -> LockedTool {
        LockedTool {
            definition: definition.into(),
            schemas: schemas.into(),
            shape: shape.into(),
        }
    }

    fn against(definition: &str, shape: &str) -> Built {
        Built::Against(BuiltTool {
            interface: "mcp:s/tools".into(),
            function: "a".into(),
            tool: "a".into(),
            definition: definition.into(),
            shape: shape.into(),
        })
    }

    fn rules(text: &str) -> Rules {
        let grants = grants::parse(text, "grants.toml").unwrap();
        Rules::unchecked(grants, &[("s", "a"), ("s", "b"), ("s", "c")])
    }

    fn allowing() -> Rules {
        rules("[[grant]]\nserver = 's'\ntools = ['a']")
    }

    /// What is said against importing `a`, fully granted.
    fn said(built: Built, lock: Option<&Lock>) -> Vec<(String, String)> {
        let mut import = import("a", View::Json);
        import.built = built;
        match admit(
            &imports(vec![import]),
            &allowing(),
            &Limits::default(),
            lock,
        ) {
            Ok(_) => Vec::new(),
            Err(refusal) => {
                let said = |r: Reason| (r.message, r.hint.unwrap_or_default());
                refusal.reasons.into_iter().map(said).collect()
            }
        }
    }

    #[test]
    fn a_component_is_held_to_what_it_was_built_against() {
        assert_eq!(said(Built::Unsaid, None), []);
        assert_eq!(said(against("d", "t"), None), []);
        for (built, message, hint) in [
            (
                against("d2", "t"),
                "description or schema changed",
                "pin the component",
            ),
            (
                against("d2", "t2"),
                "its types changed",
                "build the program again",
            ),
            (
                against("d", "t2"),
                "its types changed",
                "build the program again",
            ),
            (Built::Omitted, "does not say", "build the program again"),
        ] {
            let said = said(built, None);
            assert_eq!(said.len(), 1);
            assert!(
                said[0].0.contains(message) && said[0].1.contains(hint),
                "{said:?}"
            );
        }
    }

    #[test]
    fn a_tool_of_another_type_is_refused_whatever_the_component_says() {
        for built in [Built::Unsaid, against("d", "t"), against("d", "t2")] {
            let mut import = import("a", View::Typed);
            (import.fits, import.built) = (false, built);
            let refusal = admit(
                &imports(vec![import]),
                &allowing(),
                &Limits::default(),
                None,
            );
            assert_eq!(refusal.unwrap_err().reasons.len(), 1);
        }
    }

    #[test]
    fn a_tool_is_held_to_the_lock_where_its_server_is_in_it() {
        let lock = |server: &str, tool: &str, pinned: LockedTool| -> Lock {
            let pinned = serde_json::to_value(pinned).unwrap();
            let text = serde_json::json!({"version": 2, "servers": {server: {"package": "s", "tools": {tool: pinned}}}});
            lock::parse(&text.to_string()).unwrap()
        };
        for (lock, message) in [
            (lock("s", "a", pinned("d", "s", "t")), ""),
            // What a program is typed by is no matter of approval.
            (lock("s", "a", pinned("d", "s", "t2")), ""),
            (lock("other", "b", pinned("d", "s", "t")), ""),
            (lock("s", "b", pinned("d", "s", "t")), "it is new"),
            (
                lock("s", "a", pinned("d2", "s", "t")),
                "its description changed",
            ),
            (
                lock("s", "a", pinned("d2", "s2", "t")),
                "its schema changed, its types did not",
            ),
            (
                lock("s", "a", pinned("d2", "", "t")),
                "its description or schema changed",
            ),
            (
                lock("s", "a", pinned("d2", "s2", "t2")),
                "its types changed",
            ),
        ] {
            let said = said(Built::Unsaid, Some(&lock));
            match said.as_slice() {
                [] => assert_eq!(message, ""),
                [(told, hint)] => {
                    assert!(!message.is_empty() && told.contains(message), "{said:?}");
                    assert!(hint.contains("witgate sync --check"), "{said:?}");
                }
                more => panic!("{more:?}"),
            }
        }
    }

    #[test]
    fn reasons_of_every_kind_come_together() {
        let mut import = import("a", View::Json);
        import.built = against("d2", "t");
        let text = r#"{"version": 2, "servers": {"s": {"package": "s", "tools": {}}}}"#;
        let lock = lock::parse(text).unwrap();
        let imports = imports(vec![import]);
        let none = Rules::default();
        let refusal = admit(&imports, &none, &Limits::default(), Some(&lock)).unwrap_err();
        assert_eq!(refusal.reasons.len(), 3, "{refusal}");
    }

    fn imports(tools: Vec<ImportedTool>) -> Imports {
        Imports {
            tools,
            ..Imports::default()
        }
    }

    #[test]
    fn nothing_is_granted_by_default_and_every_reason_is_told() {
        let mut imports = imports(vec![import("b", View::Json), import("a", View::Typed)]);
        imports.unknown.push(Unknown {
            import: "wasi:cli/run".into(),
            message: "no".into(),
            hint: None,
        });
        let refusal = admit(&imports, &Rules::default(), &Limits::default(), None).unwrap_err();
        let names: Vec<_> = refusal.reasons.iter().map(|r| r.import.as_str()).collect();
        assert_eq!(names, ["s/a", "s/b", "wasi:cli/run"]);
    }

    #[test]
    fn the_line_of_a_reason_allows_it_and_a_tool_in_two_views_is_one_tool() {
        let imports = imports(vec![import("a", View::Json), import("a", View::Typed)]);
        let refusal = admit(&imports, &Rules::default(), &Limits::default(), None).unwrap_err();
        let [reason] = refusal.reasons.as_slice() else {
            panic!("{refusal}");
        };
        let rules = rules(reason.grant.as_ref().unwrap());
        let plan = admit(&imports, &rules, &Limits::default(), None).unwrap();
        assert_eq!((plan.tools.len(), plan.imports.len()), (1, 2));
    }

    const LABELS: &str = "[[grant]]\nserver = 's'\ntools = ['*']\n[[label]]\nserver = 's'\ntools = ['a']\nlabels = ['private']\n[[label]]\nserver = 's'\ntools = ['b']\nlabels = ['untrusted']\n[[label]]\nserver = 's'\ntools = ['c']\nlabels = ['egress']\n[input]\nlabels = []\n";

    #[test]
    fn a_combination_is_refused_before_anything_runs_and_the_line_of_the_reason_allows_it() {
        let flow =
            "[[flow]]\nafter = ['private', 'untrusted']\ncall = ['egress']\nthen = 'refuse'\n";
        let text = format!("{LABELS}{flow}");
        let of = |tools: &[&str]| imports(tools.iter().map(|t| import(t, View::Json)).collect());
        let limits = Limits::default();
        for harmless in [&["a", "b"][..], &["a", "c"], &["b", "c"]] {
            admit(&of(harmless), &rules(&text), &limits, None).unwrap();
        }
        let all = of(&["a", "b", "c"]);
        let refusal = admit(&all, &rules(&text), &limits, None).unwrap_err();
        let [reason] = refusal.reasons.as_slice() else {
            panic!("{refusal}");
        };
        assert_eq!(reason.import, "s/c");
        assert!(reason.message.contains("`s/a`, `s/b`"), "{refusal}");
        let pasted = format!("{text}\n{}", reason.grant.as_ref().unwrap());
        admit(&all, &rules(&pasted), &limits, None).unwrap();
    }

    #[test]
    fn a_combination_can_be_a_question_at_the_start() {
        let flow =
            "[[flow]]\nafter = ['private']\ncall = ['egress']\nthen = 'approve'\nat = 'start'\n";
        let both = imports(vec![import("c", View::Json), import("a", View::Json)]);
        let plan = admit(
            &both,
            &rules(&format!("{LABELS}{flow}")),
            &Limits::default(),
            None,
        )
        .unwrap();
        let [question] = plan.start.as_slice() else {
            panic!();
        };
        assert_eq!(
            (question.reads.as_slice(), question.calls.as_slice()),
            (&["s/a".to_owned()][..], &["s/c".to_owned()][..])
        );
    }
}
