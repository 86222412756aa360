//! Admission: imports x grants -> a plan, or a refusal with *all* reasons. Before anything runs, and pure.

use serde::Serialize;

use crate::grants::{self, Grant, Grants};
use crate::imports::{ImportedTool, Imports};
use crate::limits::Limits;

/// What an admitted program may do. Only what stands here is linked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The tools, one per server and tool, whatever the view.
    pub tools: Vec<PlannedTool>,
    /// Each import with the index of its tool in `tools`.
    pub imports: Vec<(ImportedTool, usize)>,
    /// The grants of the person, in their order.
    pub grants: Vec<Grant>,
    /// The budgets of the run.
    pub limits: Limits,
}

/// A tool that was granted.
#[derive(Debug, Clone)]
pub struct PlannedTool {
    /// The server's name in the configuration.
    pub server: String,
    /// The tool's name on the wire.
    pub tool: String,
    /// The grants that allow it, as indices into [`Plan::grants`].
    pub grants: Vec<usize>,
}

/// Why a program is not admitted: every reason at once.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the program is refused:{}", list(reasons))]
pub struct Refusal {
    /// By the import's name.
    pub reasons: Vec<Reason>,
}

fn list(reasons: &[Reason]) -> String {
    let line = |r: &Reason| match &r.allow {
        Some(allow) => format!("\n  {}: {} (`{allow}` would allow it)", r.import, r.message),
        None => format!("\n  {}: {}", r.import, r.message),
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
}

/// Decides whether a program with these imports may run.
///
/// # Errors
/// The refusal, with all reasons.
pub fn admit(imports: &Imports, grants: &Grants, limits: &Limits) -> Result<Plan, Refusal> {
    let mut reasons = Vec::new();
    let mut plan = Plan {
        tools: Vec::new(),
        imports: Vec::new(),
        grants: grants.grants.clone(),
        limits: limits.clone(),
    };
    for import in &imports.tools {
        let known = plan
            .tools
            .iter()
            .position(|t| t.server == import.server && t.tool == import.tool);
        if let Some(index) = known {
            plan.imports.push((import.clone(), index));
            continue;
        }
        let allowing: Vec<usize> = (0..plan.grants.len())
            .filter(|&g| plan.grants[g].allows(&import.server, &import.tool))
            .collect();
        if allowing.is_empty() {
            let reason = not_granted(&import.server, &import.tool);
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
            continue;
        }
        plan.imports.push((import.clone(), plan.tools.len()));
        plan.tools.push(PlannedTool {
            server: import.server.clone(),
            tool: import.tool.clone(),
            grants: allowing,
        });
    }
    for (import, message) in &imports.unknown {
        reasons.push(Reason {
            import: import.clone(),
            message: message.clone(),
            allow: None,
            grant: None,
        });
    }
    reasons.sort_by(|a, b| a.import.cmp(&b.import));
    if reasons.is_empty() {
        Ok(plan)
    } else {
        Err(Refusal { reasons })
    }
}

fn not_granted(server: &str, tool: &str) -> Reason {
    let name = format!("{server}/{tool}");
    let allow = if name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.'))
    {
        format!("--allow {name}")
    } else {
        format!("--allow '{}'", name.replace('\'', r"'\''"))
    };
    Reason {
        import: name,
        message: "no grant allows it".into(),
        allow: Some(allow),
        grant: Some(grants::lines_that_allow(server, tool)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use witgate_codegen::select::View;

    use super::*;

    fn import(tool: &str, view: View) -> ImportedTool {
        ImportedTool {
            interface: "mcp:s/tools".into(),
            function: tool.replace('_', "-"),
            server: "s".into(),
            tool: tool.into(),
            view,
            asynchronous: true,
        }
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
        imports.unknown.push(("wasi:cli/run".into(), "no".into()));
        let refusal = admit(&imports, &Grants::default(), &Limits::default()).unwrap_err();
        let names: Vec<_> = refusal.reasons.iter().map(|r| r.import.as_str()).collect();
        assert_eq!(names, ["s/a", "s/b", "wasi:cli/run"]);
    }

    #[test]
    fn the_line_of_a_reason_allows_it_and_a_tool_in_two_views_is_one_tool() {
        let imports = imports(vec![import("a", View::Json), import("a", View::Typed)]);
        let refusal = admit(&imports, &Grants::default(), &Limits::default()).unwrap_err();
        let [reason] = refusal.reasons.as_slice() else {
            panic!("{refusal}");
        };
        let grants = grants::parse(reason.grant.as_ref().unwrap(), "grants.toml").unwrap();
        let plan = admit(&imports, &grants, &Limits::default()).unwrap();
        assert_eq!((plan.tools.len(), plan.imports.len()), (1, 2));
    }
}
