//! What grants say of a program's imports, as data: which grants allow each, which labels it carries and from where, which
//! flow rules may speak of it, what of it is sealed. Nothing is decided here; `admission` and the gate do that.

use std::time::Duration;

use serde::Serialize;

use super::{Approve, Effect, Grant, Grants, lines_that_allow};
use crate::labels::{At, Flow, LabelSet, Then};

/// What the grants say of one import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The server's name in the configuration.
    pub server: String,
    /// The tool's name on the wire.
    pub tool: String,
    /// Every grant that speaks of it, in the order of the file.
    pub grants: Vec<AllowedBy>,
    /// The labels that it carries.
    pub labels: Vec<LabelFrom>,
    /// The flow rules that may speak of its calls in this program.
    pub flows: Vec<FlowOver>,
    /// The seal rules that apply to its results: where each was written.
    pub seals: Vec<String>,
    /// The lines that would allow it, where no grant does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<String>,
}

/// A grant that allows an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AllowedBy {
    /// Where it was written.
    pub origin: String,
    /// Its condition, Cedar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Calls in total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u64>,
    /// Bytes in total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// `10 calls in 1m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// `2027-01-31T00:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Whether a person is asked.
    pub approve: Approve,
    /// The classes of sealed values that it gets in clear.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reveal: Vec<String>,
    /// Whether `--dry-run` calls it.
    pub effect: Effect,
}

/// A label of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelFrom {
    /// Its name.
    pub label: String,
    /// Where it was given.
    pub origin: String,
}

/// A flow rule that may speak of an import's calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowOver {
    /// Where it was written.
    pub origin: String,
    /// What it decides.
    pub then: Then,
    /// When.
    pub at: At,
    /// The labels of the import by which it does.
    pub call: Vec<String>,
    /// Each label that the run must have read, and who supplies it: `server/tool`, or `the input`.
    pub after: Vec<SuppliedBy>,
    /// It does not where this holds for the call: Cedar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
}

/// A label and who may bring it into a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuppliedBy {
    /// Its name.
    pub label: String,
    /// `server/tool`, or `the input`.
    pub by: Vec<String>,
}

/// What the grants say of each import, given as server and tool. Flow rules that need a label which neither an import nor
/// the run's input has are left out: they can never speak in this program.
#[must_use]
pub fn explain(imports: &[(String, String)], grants: &Grants) -> Vec<Explained> {
    let labelled: Vec<(String, LabelSet)> = imports
        .iter()
        .map(|(server, tool)| (format!("{server}/{tool}"), labels_of(server, tool, grants)))
        .collect();
    let mut sources = labelled.clone();
    sources.push(("the input".to_owned(), input_labels(grants)));
    imports
        .iter()
        .zip(&labelled)
        .map(|((server, tool), (_, labels))| {
            let allowing = grants
                .grants
                .iter()
                .filter(|grant| grant.allows(server, tool));
            let allowing: Vec<AllowedBy> = allowing.map(allowed_by).collect();
            let flows = grants.flows.iter();
            let allow = allowing.is_empty().then(|| lines_that_allow(server, tool));
            Explained {
                server: server.clone(),
                tool: tool.clone(),
                labels: labels_with_origins(server, tool, grants),
                flows: flows
                    .filter_map(|flow| flow_over(flow, *labels, &sources, grants))
                    .collect(),
                seals: grants
                    .seals
                    .iter()
                    .filter(|seal| seal.tools.matches(server, tool))
                    .map(|seal| seal.origin.clone())
                    .collect(),
                grants: allowing,
                allow,
            }
        })
        .collect()
}

fn allowed_by(grant: &Grant) -> AllowedBy {
    AllowedBy {
        origin: grant.origin.clone(),
        when: grant.when.as_ref().map(|when| when.text.trim().to_owned()),
        max_calls: grant.max_calls,
        max_bytes: grant.max_bytes,
        rate: grant.rate.map(|rate| {
            let plural = if rate.calls == 1 { "" } else { "s" };
            format!("{} call{plural} in {}", rate.calls, stretch(rate.per))
        }),
        expires: grant.expires.map(date),
        approve: grant.approve,
        reveal: grant
            .reveal
            .iter()
            .map(|class| class.name().to_owned())
            .collect(),
        effect: grant.effect,
    }
}

fn labels_of(server: &str, tool: &str, grants: &Grants) -> LabelSet {
    let given = grants.labels.iter();
    given
        .filter(|labelled| labelled.tools.matches(server, tool))
        .fold(LabelSet::default(), |all, labelled| {
            all.with(labelled.labels)
        })
}

fn labels_with_origins(server: &str, tool: &str, grants: &Grants) -> Vec<LabelFrom> {
    let given = grants.labels.iter();
    given
        .filter(|labelled| labelled.tools.matches(server, tool))
        .flat_map(|labelled| {
            grants.names.of(labelled.labels).map(|label| LabelFrom {
                label: label.to_owned(),
                origin: labelled.origin.clone(),
            })
        })
        .collect()
}

/// Where nothing is said of the input, it counts as everything that a rule speaks of.
fn input_labels(grants: &Grants) -> LabelSet {
    grants.input.unwrap_or_else(|| {
        let flows = grants.flows.iter();
        flows.fold(LabelSet::default(), |all, flow| all.with(flow.after))
    })
}

fn flow_over(
    flow: &Flow,
    labels: LabelSet,
    sources: &[(String, LabelSet)],
    grants: &Grants,
) -> Option<FlowOver> {
    if !labels.has_any(flow.call) {
        return None;
    }
    let mut after = Vec::new();
    for label in grants.names.of(flow.after) {
        let set = grants.names.get(label)?;
        let by: Vec<String> = sources
            .iter()
            .filter(|(_, labels)| labels.has_any(set))
            .map(|(name, _)| name.clone())
            .collect();
        if by.is_empty() {
            return None;
        }
        after.push(SuppliedBy {
            label: label.to_owned(),
            by,
        });
    }
    let has = |label: &&str| {
        let set = grants.names.get(label);
        set.is_some_and(|set| labels.has_any(set))
    };
    let call = grants.names.of(flow.call).filter(has).map(str::to_owned);
    Some(FlowOver {
        origin: flow.origin.clone(),
        then: flow.then,
        at: flow.at,
        call: call.collect(),
        after,
        unless: flow
            .unless
            .as_ref()
            .map(|unless| unless.text.trim().to_owned()),
    })
}

/// As a grants file has it: `1m`, `1500ms`.
fn stretch(time: Duration) -> String {
    let milliseconds = time.as_millis();
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
    ];
    let unit = units
        .into_iter()
        .find(|(unit, _)| milliseconds.is_multiple_of(*unit));
    match unit {
        Some((unit, name)) => format!("{}{name}", milliseconds / unit),
        None => format!("{milliseconds}ms"),
    }
}

/// Milliseconds since 1970 as a date; what no calendar reaches stays a number.
fn date(milliseconds: u64) -> String {
    let date = i64::try_from(milliseconds)
        .ok()
        .and_then(chrono::DateTime::from_timestamp_millis);
    match date {
        Some(date) => date.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        None => milliseconds.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grants::parse;

    const GRANTS: &str = r#"
[[grant]]
server = "mail"
tools = ["*"]
when = 'context.args.to == "a"'
max_calls = 3
rate = "10/min"
expires = 2027-01-31
approve = "batch"
reveal = ["email"]

[[grant]]
server = "web"
tools = ["get"]
effect = "read"

[[label]]
server = "web"
labels = ["untrusted"]

[[label]]
server = "mail"
tools = ["send"]
labels = ["egress"]

[[flow]]
after = ["untrusted"]
call = ["egress"]
then = "refuse"
unless = 'true'

[[flow]]
after = ["private"]
call = ["egress"]
then = "refuse"

[[seal]]
server = "mail"
fields = ["/to"]
class = "email"

[[label]]
server = "files"
labels = ["private"]

[input]
labels = []
"#;

    fn import(server: &str, tool: &str) -> (String, String) {
        (server.to_owned(), tool.to_owned())
    }

    #[test]
    fn everything_that_concerns_an_import_is_told_with_its_place() {
        let grants = parse(GRANTS, "g.toml").unwrap();
        let imports = [import("mail", "send"), import("web", "get")];
        let explained = serde_json::to_value(explain(&imports, &grants)).unwrap();
        let wanted = json!([
            {"server": "mail", "tool": "send",
             "grants": [{"origin": "g.toml:2", "when": "context.args.to == \"a\"", "max_calls": 3, "rate": "10 calls in 1m",
                "expires": "2027-01-31T00:00:00Z", "approve": "batch", "reveal": ["email"], "effect": "write"}],
             "labels": [{"label": "egress", "origin": "g.toml:21"}],
             "flows": [{"origin": "g.toml:26", "then": "refuse", "at": "call", "call": ["egress"],
                "after": [{"label": "untrusted", "by": ["web/get"]}], "unless": "true"}],
             "seals": ["g.toml:37"]},
            {"server": "web", "tool": "get", "grants": [{"origin": "g.toml:12", "approve": "never", "effect": "read"}],
             "labels": [{"label": "untrusted", "origin": "g.toml:17"}], "flows": [], "seals": []},
        ]);
        assert_eq!(explained, wanted);
    }

    #[test]
    fn an_input_of_which_nothing_is_said_may_bring_any_label() {
        let text = GRANTS.replace("[input]\nlabels = []\n", "");
        let grants = parse(&text, "g.toml").unwrap();
        let explained = explain(&[import("mail", "send")], &grants);
        let suppliers: Vec<_> = explained[0].flows.iter().map(|f| &f.after[0].by).collect();
        assert_eq!(suppliers, [&["the input"], &["the input"]]);
    }

    #[test]
    fn what_nothing_allows_is_told_with_the_lines_that_would() {
        let explained = explain(&[import("crm", "get")], &Grants::default());
        let lines = "[[grant]]\nserver = \"crm\"\ntools = [\"get\"]";
        assert_eq!(explained[0].allow.as_deref(), Some(lines));
        assert!(explained[0].grants.is_empty());
    }
}
