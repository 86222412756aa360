//! Every server scenario of the suite against `witgate serve` over HTTP, at every version of the protocol that it has it for. Most of
//! them call tools, prompts and resources of a server that was made for the suite; those stand in `server.toml`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, bail, ensure};
use libtest_mimic::{Failed, Trial};
use witgate_tests::{Stand, workspace};

use crate::judge::{judge, read};
use crate::suite::{Check, Suite, Verdict};

/// The versions that `serve` speaks, as the suite calls them.
const VERSIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
const EXTENSION: &str = "extension";

/// One server for all scenarios, and what they came to: started by the first that runs.
type Ran = Arc<OnceLock<Result<BTreeMap<(String, String), Verdict>, String>>>;

pub(crate) fn trials(suite: &Suite) -> anyhow::Result<Vec<Trial>> {
    let mut listed = read("server.toml")?;
    let scenarios = suite.scenarios("Server scenarios")?;
    let mut wanted = Vec::new();
    for scenario in &scenarios {
        for version in &scenario.versions {
            // Older versions have scenarios of their own, or the same.
            if VERSIONS.contains(&version.as_str()) || version == EXTENSION {
                wanted.push((scenario.name.clone(), version.clone()));
            }
        }
    }
    let ran: Ran = Arc::default();
    let mut trials = Vec::new();
    for key in &wanted {
        let (suite, ran, key) = (suite.clone(), Arc::clone(&ran), key.clone());
        let (all, entry) = (wanted.clone(), listed.get(&key.0).cloned());
        let name = format!("server {} {}", key.1, key.0);
        trials.push(Trial::test(name, move || {
            let verdicts = ran.get_or_init(|| run(&suite, &all).map_err(|e| format!("{e:#}")));
            let judged = match verdicts {
                Ok(verdicts) => match verdicts.get(&key) {
                    Some(verdict) => judge(verdict, entry.as_ref()),
                    None => Err(anyhow::anyhow!("the suite did not run it")),
                },
                Err(error) => Err(anyhow::anyhow!("{error}")),
            };
            judged.map_err(|error| Failed::from(format!("{error:#}")))
        }));
    }
    listed.retain(|name, _| !wanted.iter().any(|(known, _)| known == name));
    if !listed.is_empty() {
        bail!(
            "server.toml lists what the suite does not have: {:?}",
            listed.keys()
        );
    }
    Ok(trials)
}

fn run(
    suite: &Suite,
    wanted: &[(String, String)],
) -> anyhow::Result<BTreeMap<(String, String), Verdict>> {
    let stand = Stand::new()?;
    stand.write(
        ".mcp.json",
        r#"{"mcpServers": {"demo": {"command": "witgate", "args": ["demo-server"]}}}"#,
    )?;
    let served = Served::start(&stand)?;
    let mut verdicts = BTreeMap::new();
    for version in VERSIONS {
        let of_version = run_server(
            suite,
            &served.url,
            &["--suite", "all", "--spec-version", version],
        )?;
        ensure!(
            !of_version.is_empty(),
            "the suite runs nothing at {version}"
        );
        for (scenario, verdict) in of_version {
            verdicts.insert((scenario, version.to_owned()), verdict);
        }
    }
    // Extensions are run one by one only.
    for (scenario, version) in wanted.iter().filter(|(_, version)| version == EXTENSION) {
        for (ran, verdict) in run_server(suite, &served.url, &["--scenario", scenario])? {
            verdicts.insert((ran, version.clone()), verdict);
        }
    }
    Ok(verdicts)
}

/// Runs scenarios; returns what came of each, by its name.
fn run_server(suite: &Suite, url: &str, which: &[&str]) -> anyhow::Result<Vec<(String, Verdict)>> {
    let results = tempfile::tempdir()?;
    let mut command = suite.command();
    command.args(["server", "--url", url]).args(which);
    command.arg("--output-dir").arg(results.path());
    let output = command.env("HOME", results.path()).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut ran = Vec::new();
    for entry in std::fs::read_dir(results.path())?.flatten() {
        let folder = entry.file_name().to_string_lossy().into_owned();
        let name = folder.strip_prefix("server-").and_then(|rest| {
            let end = rest.len().checked_sub("-2026-11-23T23-32-04-322Z".len())?;
            rest.get(..end)
        });
        let name = name.with_context(|| format!("`{folder}` is no result"))?;
        let checks = std::fs::read_to_string(entry.path().join("checks.json"))?;
        let checks: Vec<Check> = serde_json::from_str(&checks)?;
        // Several scenarios have one exit code.
        let passed = !checks.iter().any(|check| check.status == "FAILURE");
        let verdict = Verdict {
            passed,
            checks,
            said: String::new(),
        };
        ran.push((name.to_owned(), verdict));
    }
    ensure!(!ran.is_empty(), "the suite left no results:\n{said}");
    Ok(ran)
}

/// `witgate serve`. Dropping it ends the process.
struct Served {
    process: Child,
    url: String,
}

impl Served {
    fn start(stand: &Stand) -> anyhow::Result<Served> {
        let mut command = stand.command(&workspace::binary()?);
        let mut process = command.args(["serve", "--http", "0"]).spawn()?;
        let mut lines = BufReader::new(process.stderr.take().context("it was piped")?).lines();
        let mut served = Served {
            process,
            url: String::new(),
        };
        let mut said = String::new();
        while let Some(Ok(line)) = lines.next() {
            if let Some(url) = line.strip_prefix("listening on ") {
                served.url = url.to_owned();
                // Reads to the end, so that the server never blocks on a full pipe.
                std::thread::spawn(move || lines.count());
                return Ok(served);
            }
            said.push_str(&line);
        }
        bail!("serve does not listen: {said}")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It fails only where the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
