//! What the suite found, held against the list of what does not apply: check by check, each with its reason. All others have to pass,
//! and a listed one that passes by now fails, so that the list stays true.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use witgate_tests::workspace;

use crate::suite::Verdict;

/// Says of every message that was sent whether its form is right: it proves nothing of a scenario.
const FORM: &str = "wire-schema-valid";
/// Stands in the list for a scenario of which no check is left.
const NOTHING: &str = "nothing-checked";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(rename = "not-applicable")]
    not_applicable: Vec<NotApplicable>,
}

/// What does not apply of one scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotApplicable {
    scenario: String,
    /// Those that do not pass; the others have to.
    checks: BTreeSet<String>,
    reason: String,
}

/// A list, by scenario.
pub(crate) fn read(file: &str) -> anyhow::Result<BTreeMap<String, NotApplicable>> {
    let path = workspace::root().join("tests/conformance").join(file);
    let list: List = toml::from_str(&std::fs::read_to_string(path)?).context(file.to_owned())?;
    let mut listed = BTreeMap::new();
    for entry in list.not_applicable {
        ensure!(entry.reason.len() > 20, "{}: no reason", entry.scenario);
        ensure!(!entry.checks.is_empty(), "{}: no checks", entry.scenario);
        let before = listed.insert(entry.scenario.clone(), entry);
        ensure!(before.is_none(), "{before:?} stands there twice");
    }
    Ok(listed)
}

/// Whether a scenario went as it has to.
pub(crate) fn judge(verdict: &Verdict, entry: Option<&NotApplicable>) -> anyhow::Result<()> {
    let none = BTreeSet::new();
    let excused = entry.map_or(&none, |entry| &entry.checks);
    let bad = |status: &str| matches!(status, "FAILURE" | "WARNING");
    let mut failed = BTreeSet::new();
    let mut proved = false;
    for check in &verdict.checks {
        let passed = check.status == "SUCCESS";
        proved |= passed && check.id != FORM;
        if bad(&check.status) {
            failed.insert(check.id.as_str());
        }
    }
    let unproved = !proved && failed.is_empty();
    if unproved {
        failed.insert(NOTHING);
    }
    for check in verdict.checks.iter().filter(|check| bad(&check.status)) {
        ensure!(
            excused.contains(&check.id),
            "`{}`: {} ({})\n{}",
            check.id,
            check.description,
            check.message.as_deref().unwrap_or_default(),
            verdict.said
        );
    }
    ensure!(
        !unproved || excused.contains(NOTHING),
        "nothing was checked\n{}",
        verdict.said
    );
    for excuse in excused {
        ensure!(
            failed.contains(excuse.as_str()),
            "`{excuse}` passes by now: take it out of the list"
        );
    }
    // The other side itself may have failed, or hung, without a check that says so.
    ensure!(
        verdict.passed || !failed.is_empty(),
        "the suite says no\n{}",
        verdict.said
    );
    Ok(())
}
