//! Programs that were written against the builder: that hide from the scan what the compiler then reads, that nest too
//! deeply, that compile for ever; and what is left of a build whose host was killed. Those that need the toolchain for
//! Rust programs are skipped where it is missing, unless `WITGATE_TEST_ALL` is set.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::compile::{TIME_LIMIT, withheld};
use super::*;

const BODY: &str = "use witgate_guest::prelude::*;
async fn run(i: Value) -> Result<Value> { Ok(i) }
program!(run);
";
/// A constant that is computed for ever.
const ENDLESS: &str =
    "#![allow(long_running_const_eval)]\nconst X: u8 = loop {};\nstatic Y: u8 = X;\n";

pub(super) fn toolchain() -> Option<Toolchain> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = set("WITGATE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("witgate")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/witgate")))
        .unwrap_or_default();
    match Toolchain::find(&cache) {
        Ok(toolchain) => Some(toolchain),
        Err(missing) => {
            assert!(std::env::var_os("WITGATE_TEST_ALL").is_none(), "{missing}");
            eprintln!("skipped: {missing}");
            None
        }
    }
}

/// A file that no program may see, and what stands in it.
fn secret() -> (tempfile::TempDir, String, &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "hunter2:x:0:0").unwrap();
    let path = path.to_str().unwrap().to_string();
    (folder, path, "hunter2")
}

/// Programs that read a file while they are compiled, some behind what the scan reads otherwise than the compiler.
fn readers(path: &str) -> Vec<String> {
    [
        "#!/usr/bin/env \"\ncompile_error!(include_str!(\"PATH\"));\n// \"\n",
        "#!/usr/bin/env \"\ninclude!(\"PATH\");\n// \"\n",
        "\u{feff}#!/usr/bin/env \"\ninclude!(\"PATH\");\n// \"\n",
        "#! /* \" */\ninclude!(\"PATH\");\n// \"\n",
        "---\"\n---\ncompile_error!(include_str!(\"PATH\"));\n//\"\n",
        "\n \u{200e}\n--- \"\n---\ninclude!(\"PATH\");\n//\"\n",
        "const X: u8 = include_str!(\"PATH\");\n",
        "#[path = \"PATH\"] mod x;\n",
        "macro_rules! m { ($i:ident) => { $i!(\"PATH\") } } m!(include);\n",
    ]
    .map(|text| text.replace("PATH", path) + BODY)
    .to_vec()
}

#[test]
fn what_the_compiler_skips_at_the_start_is_refused() {
    for program in readers("/etc/passwd") {
        let error = scan(&program, "main.rs", &[]).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, RustError::Refused { .. }), "{text}");
        assert!(text.starts_with("main.rs:"), "{text}");
    }
    let error = scan("#!/usr/bin/env witgate\n", "main.rs", &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "main.rs:1:1: a program has no `#!` line: `witgate run` starts it"
    );
    for start in ["#![allow(unused)]\n", "\u{feff}", "\n// ---\n"] {
        assert!(scan(&format!("{start}{BODY}"), "main.rs", &[]).is_ok());
    }
}

#[test]
fn the_compiler_cannot_read_other_files() {
    let Some(toolchain) = toolchain() else { return };
    let (_folder, path, content) = secret();
    for program in readers(&path) {
        // Past the scan, as if it had been misled.
        let call = call(&program, "main.rs", &toolchain, None);
        let error = compile(&call, "main.rs", &toolchain).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(content), "{error}");
        let cache = tempfile::tempdir().unwrap();
        let error = build_rust(&program, "main.rs", &[], &toolchain, cache.path()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(content), "{error}");
    }
    // What it may read for its own work is not for the program.
    let library = toolchain.externs.values().next().unwrap();
    let program = format!("const X: &[u8] = include_bytes!({library:?});\n{BODY}");
    let error = compile(
        &call(&program, "main.rs", &toolchain, None),
        "main.rs",
        &toolchain,
    )
    .unwrap_err();
    assert!(matches!(error, RustError::Refused { .. }), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let text = format!("compile_error!(include_str!({path:?}));");
    std::fs::write(folder.path().join("a.rs"), text).unwrap();
    let args = ["--crate-type=lib", "--emit=metadata", "a.rs"].map(String::from);
    let run = rustc::run(&toolchain, &args, &[], folder.path(), TIME_LIMIT).unwrap();
    // Where the system cannot confine it, the list of what was read and `withheld` are what protects.
    assert_eq!(
        run.messages.contains(content),
        !run.confined,
        "{}",
        run.messages
    );
    if run.confined {
        assert!(
            run.messages.contains("Permission denied"),
            "{}",
            run.messages
        );
    }
}

#[test]
fn a_program_with_tools_compiles_where_it_is_confined() {
    let Some(toolchain) = toolchain() else { return };
    let cache = tempfile::tempdir().unwrap();
    let program = "use mcp::crm::{ListDealsArgs, list_deals};
use witgate_guest::prelude::*;
async fn run(_: Value) -> Result<Value> {
    println!(\"seen\");
    Ok(json!(list_deals(ListDealsArgs::default()).await?))
}
program!(run);
";
    // The second time the library of the tools is there already.
    for end in ["", "// changed\n"] {
        let source = format!("{program}{end}");
        let servers = tests::servers();
        let built = build_rust(&source, "main.rs", &servers, &toolchain, cache.path()).unwrap();
        assert_eq!(built.tools, [("crm".into(), "list_deals".into())]);
        assert_eq!(built.warnings, "");
    }
}

#[test]
fn messages_that_may_quote_anything_are_withheld() {
    let messages = "error: root:x:0:0\n --> /etc/passwd:1:5\n  |\n1 | root:x\n --> main.rs:2:1\n";
    let text = withheld(messages, "main.rs");
    assert!(
        text.ends_with(" --> main.rs:2:1") && !text.contains("root"),
        "{text}"
    );
    assert!(withheld("error: x\n --> main.rs:root\n", "main.rs").ends_with(" --> main.rs"));
}

#[test]
fn deep_nesting_is_refused_at_its_place() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] {
        let nested =
            |depth: usize| format!("{}{}\n{BODY}", open.repeat(depth), close.repeat(depth));
        assert!(scan(&nested(256), "main.rs", &[]).is_ok());
        for depth in [257, 400_000] {
            let error = scan(&nested(depth), "main.rs", &[]).unwrap_err();
            assert_eq!(
                error.to_string(),
                "main.rs:1:257: brackets are nested more than 256 deep here"
            );
        }
        let error = scan(&open.repeat(400_000), "main.rs", &[]).unwrap_err();
        assert!(matches!(error, RustError::Syntax { .. }), "{error}");
    }
    let renames: String = (0..100)
        .rev()
        .map(|n| format!("use m{n} as m{};\n", n + 1))
        .collect();
    let error = scan(&format!("{renames}use mcp as m0;\n{BODY}"), "main.rs", &[]).unwrap_err();
    assert!(error.to_string().contains("reverse order"), "{error}");
}

#[test]
fn the_compilers_own_stack_is_a_limit() {
    let Some(toolchain) = toolchain() else { return };
    let cache = tempfile::tempdir().unwrap();
    let program = format!("fn f() -> bool {{ {}true }}\n{BODY}", "!".repeat(300_000));
    let error = build_rust(&program, "main.rs", &[], &toolchain, cache.path()).unwrap_err();
    assert!(matches!(error, RustError::Limit(_)), "{error}");
    assert!(error.to_string().contains("nested too deeply"), "{error}");
}

#[test]
fn a_program_that_compiles_for_ever_is_ended() {
    let Some(toolchain) = toolchain() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.rs"), ENDLESS).unwrap();
    let args = ["--crate-type=lib", "--emit=metadata", "a.rs"].map(String::from);
    let start = Instant::now();
    let limit = Duration::from_secs(1);
    let Err(error) = rustc::run(&toolchain, &args, &[], folder.path(), limit) else {
        panic!("it compiled");
    };
    assert!(matches!(error, RustError::Limit(_)), "{error}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// Only a child of the next test does something here: it compiles until it is killed.
#[test]
fn compiling_for_ever_in_a_child() {
    let Some(folder) = std::env::var_os("WITGATE_TEST_ENDLESS") else {
        return;
    };
    let toolchain = toolchain().unwrap();
    let folder = PathBuf::from(folder);
    std::fs::write(folder.join("a.rs"), ENDLESS).unwrap();
    let args = ["--crate-type=lib", "--emit=metadata", "a.rs"].map(String::from);
    let _ = rustc::run(&toolchain, &args, &[], &folder, TIME_LIMIT);
}

#[cfg(target_os = "linux")]
#[test]
fn the_compiler_does_not_outlive_a_killed_host() {
    if toolchain().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut host = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "rust::hostile_tests::compiling_for_ever_in_a_child",
        ])
        .env("WITGATE_TEST_ENDLESS", folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Processes that work in the folder: the compiler alone does.
    let inside = || {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let works_there = |entry: &std::fs::DirEntry| {
            std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder.path())
        };
        entries.filter(works_there).count()
    };
    let until = |wanted: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !wanted() {
            assert!(start.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until(&|| inside() > 0);
    host.kill().unwrap();
    host.wait().unwrap();
    until(&|| inside() == 0);
}

#[test]
fn an_unchanged_program_is_not_compiled_again() {
    let Some(toolchain) = toolchain() else { return };
    let cache = tempfile::tempdir().unwrap();
    let build = |source: &str, toolchain: &Toolchain| {
        build_rust(source, "main.rs", &[], toolchain, cache.path())
    };
    let first = build(BODY, &toolchain).unwrap();
    let without = Toolchain {
        rustc: "/nowhere/rustc".into(),
        ..toolchain.clone()
    };
    assert_eq!(build(BODY, &without).unwrap(), first);
    let other = format!("{BODY}// changed\n");
    assert!(build(&other, &without).is_err());
    let newer = Toolchain {
        key: "another".into(),
        ..without.clone()
    };
    assert!(build(BODY, &newer).is_err());
    // A warning is to be seen each time.
    let warned = BODY.replace("Ok(i)", "async { 1 }; Ok(i)");
    let warnings = build(&warned, &toolchain).unwrap().warnings;
    assert!(warnings.contains("unused"), "{warnings}");
    assert!(build(&warned, &without).is_err());
    // What lies there and is no component is made anew.
    let kept = std::fs::read_dir(cache.path().join("rust/programs")).unwrap();
    for entry in kept {
        std::fs::write(entry.unwrap().path(), "no component").unwrap();
    }
    assert_eq!(build(BODY, &toolchain).unwrap(), first);
}
