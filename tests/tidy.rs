//! The rules of the house that a compiler does not hold: which room may know which, how files look, and that ARCHITECTURE.md
//! speaks of things that exist. What code does is not looked at here.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use witgate_tests::workspace::root;

/// Folders that hold no source of ours.
const FOREIGN: [&str; 6] = [
    "target",
    ".git",
    ".witgate",
    "node_modules",
    ".venv",
    "__pycache__",
];
const LONGEST: usize = 600;

/// Every file of the repository below a folder, as paths from the root with `/`, sorted.
fn files(below: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(below)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if FOREIGN.contains(&entry.file_name().to_string_lossy().as_ref()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(root()).unwrap();
                found.push(
                    path.components()
                        .map(|part| part.as_os_str().to_string_lossy())
                        .collect::<Vec<_>>()
                        .join("/"),
                );
            }
        }
    }
    found.sort();
    found
}

fn sources(below: &str) -> Vec<String> {
    let programs =
        |path: &str| path.starts_with("examples/") || path.starts_with("tests/scenarios/");
    let golden = |path: &str| path.starts_with("tests/cases/") && path.ends_with("/rust.rs");
    files(below)
        .into_iter()
        .filter(|path| path.ends_with(".rs") && !programs(path) && !golden(path))
        .collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Lines that hold one of the words as a word, outside comments, as `file:line: text`.
fn mentions(paths: &[String], words: &[&str]) -> Vec<String> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut found = Vec::new();
    for path in paths {
        for (number, line) in read(path).lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            let hit = words.iter().any(|word| {
                code.match_indices(word).any(|(at, _)| {
                    !code[..at].ends_with(is_name) && !code[at + word.len()..].starts_with(is_name)
                })
            });
            if hit {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

/// The rows of the one table of ARCHITECTURE.md that has this column, as first cell and that column's cell.
fn table(column: &str) -> Vec<(String, String)> {
    let text = read("ARCHITECTURE.md");
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_start_matches('|').trim_end_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = text.lines();
    let header = lines
        .by_ref()
        .find(|line| line.starts_with('|') && cells(line).iter().any(|cell| cell == column));
    let header = cells(
        header.unwrap_or_else(|| panic!("ARCHITECTURE.md has no table with the column `{column}`")),
    );
    let at = header.iter().position(|cell| cell == column).unwrap();
    let rows = lines
        .take_while(|line| line.starts_with('|'))
        .skip(1)
        .map(cells);
    let rows: Vec<_> = rows
        .map(|row| {
            (
                row[0].trim_matches('`').trim_end_matches('/').to_owned(),
                row[at].clone(),
            )
        })
        .collect();
    assert!(!rows.is_empty(), "the table with `{column}` is empty");
    rows
}

/// The workspace's own crates that a manifest names, by room, with the section.
fn dependencies(manifest: &str, rooms: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let manifest: toml::Table = read(manifest).parse().unwrap();
    let mut found = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
            continue;
        };
        found.extend(
            table
                .keys()
                .filter_map(|name| Some((rooms.get(name)?.clone(), section.to_owned()))),
        );
    }
    found
}

#[test]
fn rooms_depend_on_what_architecture_says_they_may() {
    let allowed = table("may depend on");
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let members = workspace["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member.as_str().unwrap().to_owned());
    let folders: Vec<String> = members
        .chain(["guest-sdk".to_owned(), "examples/embed".to_owned()])
        .collect();
    let mut rooms = BTreeMap::new();
    for folder in folders
        .iter()
        .filter(|folder| root().join(folder).join("Cargo.toml").exists())
    {
        let manifest: toml::Table = read(&format!("{folder}/Cargo.toml")).parse().unwrap();
        rooms.insert(
            manifest["package"]["name"].as_str().unwrap().to_owned(),
            folder.clone(),
        );
    }
    assert!(rooms.len() >= 6, "{rooms:?}");
    let mut wrong = String::new();
    for folder in rooms.values() {
        let room = folder.split('/').next().unwrap();
        let Some((_, may)) = allowed.iter().find(|(name, _)| name == room) else {
            writeln!(
                wrong,
                "the room `{room}` is not in the table of ARCHITECTURE.md"
            )
            .unwrap();
            continue;
        };
        let may: Vec<&str> = may
            .split(|character: char| !(character.is_alphanumeric() || character == '-'))
            .collect();
        for (other, section) in dependencies(&format!("{folder}/Cargo.toml"), &rooms) {
            if other != *folder && !may.contains(&other.as_str()) {
                writeln!(
                    wrong,
                    "{folder}/Cargo.toml, {section}: `{room}` may not depend on `{other}`"
                )
                .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn codegen_is_pure() {
    let impure = [
        "tokio",
        "futures",
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::thread",
        "std::time",
        "SystemTime",
        "Instant",
        "HashMap",
        "HashSet",
    ];
    let sources: Vec<String> = sources("codegen/src")
        .into_iter()
        .filter(|path| !path.ends_with("/tests.rs"))
        .collect();
    // A `HashMap` is no impurity, but its order is; what is only looked up may use one, what is printed may not.
    let lookups = |line: &String| line.contains("HashMap") || line.contains("HashSet");
    let found: Vec<_> = mentions(&sources, &impure)
        .into_iter()
        .filter(|line| !lookups(line))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
    let manifest: toml::Table = read("codegen/Cargo.toml").parse().unwrap();
    let names: Vec<_> = manifest["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    for foreign in [
        "tokio", "futures", "reqwest", "rmcp", "wasmtime", "tempfile", "rustix",
    ] {
        assert!(
            !names.iter().any(|name| name == foreign),
            "codegen depends on `{foreign}`"
        );
    }
}

#[test]
fn host_and_builder_do_not_know_each_other() {
    assert_eq!(
        mentions(&sources("host"), &["witgate_builder"]),
        Vec::<String>::new()
    );
    assert_eq!(
        mentions(&sources("builder"), &["witgate_host"]),
        Vec::<String>::new()
    );
}

#[test]
fn one_room_of_the_host_and_the_servers_know_rmcp() {
    // Servers of our own, and the clients that measure one of them.
    let rooms = [
        "host/src/mcp",
        "cli/src/demo_",
        "cli/src/serve",
        "bench/src/",
    ];
    let knows = |path: &str| rooms.iter().any(|room| path.starts_with(room));
    let others: Vec<_> = sources("")
        .into_iter()
        .filter(|path| !knows(path) && path != "tests/tidy.rs")
        .collect();
    assert_eq!(mentions(&others, &["rmcp"]), Vec::<String>::new());
}

#[test]
fn every_source_says_what_it_does_and_is_no_longer_than_can_be_read() {
    let mut wrong = Vec::new();
    for path in sources("") {
        let text = read(&path);
        let generated = text.starts_with("// Generated by ");
        if !text.starts_with("//!") && !generated {
            wrong.push(format!("{path} does not open with `//!`"));
        }
        let lines = text.lines().count();
        if lines > LONGEST && !generated {
            wrong.push(format!("{path} has {lines} lines, more than {LONGEST}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_is_left_for_later() {
    let others: Vec<_> = sources("")
        .into_iter()
        .filter(|path| path != "tests/tidy.rs")
        .collect();
    assert_eq!(
        mentions(&others, &["#[ignore]", "todo!", "unimplemented!"]),
        Vec::<String>::new()
    );
    let notes: Vec<_> = others
        .iter()
        .filter(|path| read(path).contains("TODO") || read(path).contains("FIXME"))
        .collect();
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn no_file_holds_what_is_true_of_one_machine_only() {
    // Where this checkout and its user's files lie, whatever machine it is.
    let home = std::env::var("HOME").unwrap_or_default();
    let local: Vec<String> = [root().display().to_string(), format!("{home}/")]
        .into_iter()
        .filter(|path| path.len() > 4)
        .chain([".cargo/registry".to_owned()])
        .collect();
    let mut found = Vec::new();
    for path in files("") {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else {
            continue;
        };
        if path != "tests/tidy.rs" {
            found.extend(
                local
                    .iter()
                    .filter(|part| text.contains(part.as_str()))
                    .map(|part| format!("{path}: {part}")),
            );
        }
        // A lock file with a registry's address in it would send everybody there.
        if path.ends_with("package-lock.json") && text.contains("\"resolved\"") {
            found.push(format!("{path} names a registry; make it with `npm install --omit-lockfile-registry-resolved`"));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_invariant_names_tests_that_exist() {
    for (number, held) in table("held by") {
        let names: Vec<&str> = held.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "invariant {number} names no test");
        for name in names {
            assert!(is_test(name), "invariant {number}: `{name}` is no test");
        }
    }
}

/// `path`, a file with tests; or `path::name`, a test in it or, for a folder, in one of its files.
fn is_test(name: &str) -> bool {
    let (path, test) = name
        .split_once("::")
        .map_or((name, None), |(path, test)| (path, Some(test)));
    let candidates = [
        path.to_owned(),
        format!("{path}.rs"),
        format!("{path}/main.rs"),
    ];
    let Some(found) = candidates
        .iter()
        .map(|path| root().join(path))
        .find(|path| path.exists())
    else {
        return false;
    };
    let texts: Vec<String> = if found.is_dir() || found.ends_with("main.rs") {
        let folder: PathBuf = if found.is_dir() {
            found
        } else {
            found.parent().unwrap_or(Path::new("")).to_owned()
        };
        let folder = folder.strip_prefix(root()).unwrap().display().to_string();
        sources(&folder).iter().map(|path| read(path)).collect()
    } else {
        vec![std::fs::read_to_string(found).unwrap_or_default()]
    };
    match test {
        Some(test) => texts.iter().any(|text| {
            text.contains(&format!("fn {}(", test.rsplit("::").next().unwrap_or(test)))
        }),
        None => texts.iter().any(|text| {
            text.contains("test]") || text.contains("::test(") || text.contains("Trial::test")
        }),
    }
}
