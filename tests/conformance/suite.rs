//! The suite as a command: which scenarios it has, and what it says of one. What that means is not known here.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use witgate_tests::servers;

/// Where `./test` put it.
#[derive(Debug, Clone)]
pub(crate) struct Suite {
    node: PathBuf,
    script: PathBuf,
}

/// One scenario, and the versions of the protocol for which the suite has it.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// `2025-11-25` ..., or `extension`.
    pub(crate) versions: Vec<String>,
}

/// What the suite found.
#[derive(Debug, Deserialize)]
pub(crate) struct Check {
    pub(crate) id: String,
    /// `SUCCESS`, `FAILURE`, `WARNING`, `SKIPPED`, `INFO`.
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default, rename = "errorMessage")]
    pub(crate) message: Option<String>,
}

/// One scenario, run.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The suite's own, over all.
    pub(crate) passed: bool,
    pub(crate) checks: Vec<Check>,
    /// What the suite and the player printed.
    pub(crate) said: String,
}

impl Suite {
    /// `None` where it is not installed, with a line that says so.
    pub(crate) fn installed() -> Option<Suite> {
        let (node, script) = servers::conformance()?;
        Some(Suite { node, script })
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(&self.script).env("NO_COLOR", "1");
        command
    }

    /// The scenarios under a heading of its list.
    pub(crate) fn scenarios(&self, heading: &str) -> anyhow::Result<Vec<Scenario>> {
        let output = self.command().arg("list").output()?;
        let text = String::from_utf8(output.stdout)?;
        let lines = text.lines().skip_while(|line| !line.starts_with(heading));
        let lines = lines.skip(1).take_while(|line| line.starts_with("  - "));
        let scenarios: Option<Vec<Scenario>> = lines
            .map(|line| {
                let (name, versions) = line.strip_prefix("  - ")?.split_once(" [")?;
                let versions = versions.strip_suffix(']')?.split(',');
                Some(Scenario {
                    name: name.to_owned(),
                    versions: versions.map(str::to_owned).collect(),
                })
            })
            .collect();
        match scenarios {
            Some(scenarios) if !scenarios.is_empty() => Ok(scenarios),
            _ => bail!("the suite lists no scenarios under `{heading}`:\n{text}"),
        }
    }

    /// Runs a scenario against this very program as the client.
    pub(crate) fn run_client(&self, scenario: &str, version: &str) -> anyhow::Result<Verdict> {
        let results = tempfile::tempdir()?;
        let mut command = self.command();
        command
            .args(["client", "--scenario", scenario, "--output-dir"])
            .arg(results.path())
            // The suite hands this to a shell: so the path may hold any character.
            .args(["--command", "\"$WITGATE_PLAYER\""])
            .env("WITGATE_PLAYER", std::env::current_exe()?)
            .env("HOME", results.path());
        if version != "extension" {
            command.args(["--spec-version", version]);
        }
        let output = command.output()?;
        let said =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        let said = said.concat();
        // One folder, named by scenario and time; a scenario's `/` makes a folder above it.
        let checks = find(results.path().to_owned(), "checks.json")
            .with_context(|| format!("the suite left no checks:\n{said}"))?;
        let checks = serde_json::from_str(&std::fs::read_to_string(checks)?)?;
        Ok(Verdict {
            passed: output.status.success(),
            checks,
            said,
        })
    }
}

fn find(folder: PathBuf, name: &str) -> Option<PathBuf> {
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.ends_with(name) => return Some(path),
                _ => {}
            }
        }
    }
    None
}
