//! Whole programs against real servers. Each folder of `examples/` and of `tests/scenarios/` is one test: its commands are
//! run, and what they print, how they end and which calls they attempted is compared with the folder's `transcript`. A denied
//! call is thereby a line that says so, and an absent line among what the server got.
//!
//! A scenario is a folder with a program, an `.mcp.json`, `commands` (one `witgate ...` a line) and perhaps `setup`, a bash
//! script that is run first, and again at each line `setup`; an example has its commands in its README. A command may end with
//! ` > FILE`. The same command
//! with `program.*` in another language must print the same bytes. `WITGATE_BLESS=1 cargo test --test scenarios` writes
//! transcripts anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use witgate_tests::servers::HttpServer;
use witgate_tests::{Output, Stand, servers, workspace};

/// The environment variables that a scenario's `.mcp.json` may use.
const SERVERS: &str = "WITGATE_TEST_SERVERS";
const FOLDER: &str = "SCENARIO";
const URL: &str = "EVERYTHING_URL";
/// The script, and the command that runs it again.
const SETUP: &str = "setup";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match collect() {
        Ok(trials) => trials,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// One folder.
#[derive(Debug, Clone)]
struct Scenario {
    name: String,
    source: PathBuf,
    /// What lies above the source and is needed too.
    config: PathBuf,
    commands: Vec<Vec<String>>,
    /// For an example: the one result that every command prints.
    result: Option<String>,
    golden: PathBuf,
}

fn collect() -> anyhow::Result<Vec<Trial>> {
    let goldens = workspace::root().join("tests/scenarios");
    let mut trials = Vec::new();
    let examples = workspace::root().join("examples");
    for (kind, parent) in [("example", &examples), ("scenario", &goldens)] {
        for source in folders(parent)? {
            let name = source
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            // A project of its own has a test of its own.
            if source.join("Cargo.toml").exists() {
                continue;
            }
            // The transcript of an example lies here, the example itself does not.
            let commands = if kind == "example" {
                "README.md"
            } else {
                "commands"
            };
            let Ok(text) = std::fs::read_to_string(source.join(commands)) else {
                continue;
            };
            let commands: Vec<Vec<String>> = text
                .lines()
                .filter(|line| {
                    line.starts_with("witgate run ")
                        || (kind == "scenario" && (line.starts_with("witgate ") || *line == SETUP))
                })
                .map(split)
                .collect();
            if commands.is_empty() {
                continue;
            }
            let config = if kind == "example" {
                examples.join(".mcp.json")
            } else {
                source.join(".mcp.json")
            };
            let result = std::fs::read_to_string(source.join("result.json")).ok();
            let golden = goldens.join(&name).join("transcript");
            let scenario = Scenario {
                name: name.clone(),
                source,
                config,
                commands,
                result,
                golden,
            };
            let missing = missing(&scenario)?;
            let skipped = missing.is_some() && !workspace::nothing_may_be_skipped();
            if let Some(missing) = missing.as_ref().filter(|_| skipped) {
                eprintln!("skipped: {kind} {name}: {missing}; `./test` installs it");
            }
            let trial = Trial::test(name, move || match missing {
                Some(missing) => Err(Failed::from(missing)),
                None => run(&scenario).map_err(|error| Failed::from(format!("{error:#}"))),
            });
            trials.push(trial.with_kind(kind).with_ignored_flag(skipped));
        }
    }
    let readme = Trial::test("the-first-command", || {
        first_command().map_err(|error| Failed::from(format!("{error:#}")))
    });
    trials.push(readme.with_kind("readme"));
    Ok(trials)
}

/// What README.md tells a newcomer to type prints what the example says it prints.
fn first_command() -> anyhow::Result<()> {
    let text = std::fs::read_to_string(workspace::root().join("README.md"))?;
    let command = text
        .lines()
        .find_map(|line| line.strip_prefix("cargo run -q --bin witgate -- "))
        .context("README.md has no first command")?;
    let stand = Stand::new()?;
    copy(
        &workspace::root().join("examples"),
        &stand.folder().join("examples"),
    )?;
    let words = split(command);
    let output = stand.run(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
    let expected = stand.read("examples/02-filter-10k-rows/result.json");
    ensure!(
        output.code == Some(0) && output.stdout == expected,
        "it prints:\n{}{}",
        output.stdout,
        output.stderr
    );
    Ok(())
}

fn folders(parent: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(parent).with_context(|| format!("cannot list `{}`", parent.display()))?;
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    Ok(folders)
}

/// Words of a command line; single and double quotes hold one together.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for character in line.trim().chars() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, ' ') => words.push(String::new()),
            _ => words
                .last_mut()
                .expect("there is always one word")
                .push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What is not installed of what the scenario needs.
fn missing(scenario: &Scenario) -> anyhow::Result<Option<String>> {
    let config = std::fs::read_to_string(&scenario.config).unwrap_or_default();
    let folder = servers::folder().display().to_string();
    let mut commands: Vec<String> = serde_json::from_str::<Value>(&config)
        .with_context(|| format!("`{}`", scenario.config.display()))?["mcpServers"]
        .as_object()
        .context("`mcpServers` is an object")?
        .values()
        .filter_map(|server| {
            Some(
                server["command"]
                    .as_str()?
                    .replace(&format!("${{{SERVERS}}}"), &folder),
            )
        })
        .collect();
    if config.contains(URL) {
        commands.push(format!(
            "{folder}/npm/node_modules/.bin/mcp-server-everything"
        ));
    }
    if let Some(absent) = commands
        .iter()
        .find(|command| command.contains('/') && !Path::new(command).exists())
    {
        return Ok(Some(format!("the server `{absent}` is not installed")));
    }
    let rust = scenario
        .commands
        .iter()
        .flatten()
        .any(|word| word.ends_with(".rs"));
    Ok(if rust {
        witgate_builder::toolchain::Toolchain::find(&workspace::cache())
            .err()
            .map(|e| e.to_string())
    } else {
        None
    })
}

fn run(scenario: &Scenario) -> anyhow::Result<()> {
    let mut stand = Stand::new()?;
    copy(&scenario.source, &stand.folder().join(&scenario.name))?;
    std::fs::copy(&scenario.config, stand.folder().join(".mcp.json"))?;
    stand.enter(&scenario.name);
    let inside = stand.folder().join(&scenario.name);
    stand.set(SERVERS, servers::folder().display().to_string());
    stand.set(FOLDER, inside.display().to_string());
    let config = stand.read(".mcp.json");
    let http = if config.contains(URL) {
        Some(HttpServer::start()?)
    } else {
        None
    };
    if let Some(http) = &http {
        stand.set(URL, http.url.clone());
    }
    if scenario.source.join(SETUP).exists() {
        set_up(&stand)?;
    }
    let mut printed: BTreeMap<String, (&str, String)> = BTreeMap::new();
    let mut transcript = String::new();
    for (number, command) in scenario.commands.iter().enumerate() {
        if command[0] == SETUP {
            set_up(&stand)?;
            continue;
        }
        stand.set(
            "WITGATE_DEMO_TRANSCRIPT",
            stand
                .folder()
                .join(format!("got-{number}"))
                .display()
                .to_string(),
        );
        let journal = format!("{}/journal-{number}", stand.folder().display());
        let mut arguments: Vec<&str> = command.iter().skip(1).map(String::as_str).collect();
        let file = match arguments[..] {
            [.., ">", file] => Some(file),
            _ => None,
        };
        if file.is_some() {
            arguments.truncate(arguments.len() - 2);
        }
        if arguments.first() == Some(&"run") {
            arguments.extend(["--journal", &journal]);
        }
        let mut output = stand.run(&arguments)?;
        if let Some(file) = file {
            std::fs::write(inside.join(file), std::mem::take(&mut output.stdout))?;
        }
        let orphans = stand.orphans();
        ensure!(
            orphans.is_empty(),
            "`{}` left processes behind: {orphans:#?}",
            command.join(" ")
        );
        if let Some(result) = &scenario.result {
            ensure!(
                output.code == Some(0) && output.stdout.trim_end() == result.trim_end(),
                "`{}` does not print `result.json` but:\n{}{}",
                command.join(" "),
                output.stdout,
                output.stderr
            );
        }
        if let Some((program, whatever_the_language)) = without_language(command) {
            let first = printed.entry(whatever_the_language);
            let (other, text) = first.or_insert((program, output.stdout.clone()));
            ensure!(
                *text == output.stdout,
                "`{other}` prints\n{text}but `{program}` prints\n{}{}",
                output.stdout,
                output.stderr
            );
        }
        write_command(&mut transcript, command, &output, &stand, number)?;
    }
    compare(&scenario.golden, &transcript)
}

fn set_up(stand: &Stand) -> anyhow::Result<()> {
    let done = stand
        .command(Path::new("bash"))
        .args(["-eu", SETUP])
        .output()?;
    let told = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "`{SETUP}` failed: {told}");
    Ok(())
}

/// The program of a command, and the command without that program's language. Only `program.*` is the same in all.
fn without_language(command: &[String]) -> Option<(&str, String)> {
    let is_program =
        |word: &String| matches!(word.as_str(), "program.js" | "program.ts" | "program.rs");
    let at = command.iter().position(is_program)?;
    let mut words = command.to_vec();
    words[at] = "program".into();
    Some((command[at].as_str(), words.join(" ")))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)?.flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The command, its output, its end; then each attempted call as the journal has it, and what reached the demo server.
fn write_command(
    text: &mut String,
    command: &[String],
    output: &Output,
    stand: &Stand,
    number: usize,
) -> anyhow::Result<()> {
    let folder = stand.folder().display().to_string();
    writeln!(text, "$ {}", command.join(" "))?;
    text.push_str(&without_hashes(&output.stdout.replace(&folder, "<folder>")));
    match output.code {
        Some(0) => {}
        Some(code) => {
            text.push_str(&output.stderr.replace(&folder, "<folder>"));
            writeln!(text, "exit {code}")?;
        }
        None => bail!("a signal ended `{}`:\n{}", command.join(" "), output.stderr),
    }
    let mut records = stand.lines(&format!("journal-{number}"))?;
    records.sort_by_key(|record| record["sequence"].as_u64());
    let field = |record: &Value, name: &str| record[name].as_str().map(str::to_owned);
    let mut attempts: Vec<(String, usize)> = Vec::new();
    for record in &records {
        let parts = ["verdict", "outcome", "blame"].map(|name| field(record, name));
        let [server, tool] = ["server", "tool"].map(|name| field(record, name).unwrap_or_default());
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let attempt = format!("{server}/{tool} {}", parts.join(" "));
        match attempts.last_mut() {
            Some((last, times)) if *last == attempt => *times += 1,
            _ => attempts.push((attempt, 1)),
        }
    }
    for (attempt, times) in attempts {
        match times {
            1 => writeln!(text, "journal: {attempt}")?,
            _ => writeln!(text, "journal: {attempt} x {times}")?,
        }
    }
    let got = stand.lines(&format!("got-{number}"))?;
    // Calls in parallel arrive in any order.
    let mut got: Vec<String> = got
        .iter()
        .map(|call| {
            format!(
                "{} {}",
                call["tool"].as_str().unwrap_or("?"),
                call["arguments"]
            )
        })
        .collect();
    got.sort();
    if stand.read(".mcp.json").contains("demo-server") {
        let permitted = records
            .iter()
            .filter(|record| record["verdict"] == "permitted")
            .count();
        ensure!(
            got.len() == permitted,
            "{permitted} calls were permitted, but {} reached the demo server",
            got.len()
        );
    }
    for call in got {
        writeln!(text, "arrived: {call}")?;
    }
    text.push('\n');
    Ok(())
}

/// SHA-256 of a program or a plan is another with each version of the engine.
fn without_hashes(text: &str) -> String {
    let is_hash = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words = text.split_inclusive([' ', '\n', '"', '`']);
    let words = words.map(|word| {
        let inner = word.trim_end_matches([' ', '\n', '"', '`']);
        match is_hash(inner) {
            true => word.replace(inner, "<sha256>"),
            false => word.to_owned(),
        }
    });
    words.collect()
}

fn compare(golden: &Path, actual: &str) -> anyhow::Result<()> {
    if std::env::var_os("WITGATE_BLESS").is_some() {
        std::fs::create_dir_all(golden.parent().unwrap_or(golden))?;
        return Ok(std::fs::write(golden, actual)?);
    }
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    if expected != actual {
        let diff = similar::TextDiff::from_lines(expected.as_str(), actual);
        let diff = diff
            .unified_diff()
            .context_radius(2)
            .header("transcript", "this run")
            .to_string();
        bail!("the transcript differs; if that is right, bless it with WITGATE_BLESS=1\n{diff}");
    }
    Ok(())
}
