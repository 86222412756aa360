//! `witgate gen --sync`, for toolchains that know no async: `examples/cargo-component` is what that command writes, is
//! built with plain cargo and, where it is installed, with cargo-component, and runs; `bindings` holds the WIT of all
//! servers against the libraries inside cargo-component 0.21. `WITGATE_BLESS=1` writes the generated files of the example
//! anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod bindings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use witgate_builder::toolchain::Toolchain;
use witgate_tests::{Stand, workspace};

const ALLOW: [&str; 2] = ["--allow", "demo/list_issues"];

fn example() -> PathBuf {
    workspace::root().join("examples/cargo-component")
}

/// Where guests are compiled: kept, so that only what has changed is compiled again.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cargo-component")
}

/// The guest toolchain, or `None` where it is not set up.
fn toolchain() -> Option<Toolchain> {
    Toolchain::find(&workspace::cache())
        .map_err(|missing| {
            assert!(!workspace::nothing_may_be_skipped(), "{missing}");
            println!("skipped: {missing}");
        })
        .ok()
}

/// The compiler's options by which it finds its target, its library and its linker.
fn compiler_options(toolchain: &Toolchain) -> Vec<String> {
    let mut options = Vec::new();
    if let Some(sysroot) = &toolchain.sysroot {
        options.push(format!("--sysroot={}", sysroot.display()));
    }
    if let Some((linker, flavor)) = &toolchain.linker {
        options.push(format!("-Clinker={}", linker.display()));
        options.push(format!("-Clinker-flavor={flavor}"));
    }
    options
}

/// What the outer cargo and the person's settings would change in an inner one.
fn plain(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let foreign = name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_BUILD_")
            || name.starts_with("CARGO_PROFILE_")
            || [
                "CARGO",
                "CARGO_MANIFEST_DIR",
                "CARGO_TARGET_DIR",
                "RUSTFLAGS",
                "RUSTC",
            ]
            .contains(&&*name);
        if foreign {
            command.env_remove(&*name);
        }
    }
    command
}

fn succeeded(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

/// The example, compiled with the guest toolchain's cargo: the core module, and `wit_bindgen_rt` as a library beside it.
fn built(toolchain: &Toolchain) -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(toolchain.rustc.with_file_name("cargo"));
        let output = plain(&mut cargo)
            .args(["build", "--release", "--locked", "--target-dir"])
            .arg(target())
            .current_dir(example())
            .env("RUSTC", &toolchain.rustc)
            .env(
                "CARGO_ENCODED_RUSTFLAGS",
                compiler_options(toolchain).join("\u{1f}"),
            )
            .output()
            .unwrap();
        succeeded(&output);
        target().join(&toolchain.target).join("release")
    })
}

/// A folder with the examples' servers.
fn stand() -> Stand {
    let stand = Stand::new().unwrap();
    let config = std::fs::read(workspace::root().join("examples/.mcp.json")).unwrap();
    stand.write(".mcp.json", config).unwrap();
    stand
}

/// Makes a component of a core module and runs it.
fn component_runs(stand: &Stand, module: &Path) -> witgate_tests::Output {
    let module = module.display().to_string();
    let output = stand.run(&["build", &module, "-o", "out.wasm"]).unwrap();
    assert_eq!(output.code, Some(0), "{output:#?}");
    runs(stand, "out.wasm")
}

fn runs(stand: &Stand, component: &str) -> witgate_tests::Output {
    let input = format!("@{}", example().join("input.json").display());
    let arguments = ["run", component, "--input", &input];
    let arguments: Vec<&str> = arguments.into_iter().chain(ALLOW).collect();
    let output = stand.run(&arguments).unwrap();
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert_eq!(stand.orphans(), Vec::<String>::new());
    output
}

fn result() -> String {
    std::fs::read_to_string(example().join("result.json")).unwrap()
}

/// Files below a folder, by their path from there.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => {
                    let text = std::fs::read_to_string(&path).unwrap();
                    found.insert(path.strip_prefix(folder).unwrap().to_owned(), text);
                }
            }
        }
    }
    found
}

#[test]
fn the_example_is_what_gen_writes() {
    let stand = stand();
    let readme = std::fs::read_to_string(example().join("README.md")).unwrap();
    let command = readme
        .lines()
        .find_map(|line| line.strip_prefix("witgate gen "))
        .expect("its README says how its WIT was made");
    let arguments: Vec<&str> = ["gen"].into_iter().chain(command.split(' ')).collect();
    let output = stand.run(&arguments).unwrap();
    assert_eq!(output.code, Some(0), "{output:#?}");
    let written = files(&stand.folder().join("wit"));
    let packages: Vec<&str> = written.values().map(String::as_str).collect();
    let rust = bindings::generate(&packages).unwrap();
    if std::env::var_os("WITGATE_BLESS").is_some() {
        for (path, text) in &written {
            let path = example().join("wit").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::fs::write(example().join("src/bindings.rs"), &rust).unwrap();
    }
    assert_eq!(files(&example().join("wit")), written);
    let kept = std::fs::read_to_string(example().join("src/bindings.rs")).unwrap();
    assert!(
        kept == rust,
        "src/bindings.rs is not what cargo-component writes for wit/"
    );
    // Each package has its line in the metadata.
    let manifest = std::fs::read_to_string(example().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let target = &manifest["package"]["metadata"]["component"]["target"];
    let mut named: Vec<PathBuf> = target["dependencies"]
        .as_table()
        .unwrap()
        .values()
        .map(|dependency| dependency["path"].as_str().unwrap().into())
        .collect();
    named.sort();
    let folders = written.keys().filter_map(|path| path.parent());
    let folders: Vec<PathBuf> = folders
        .filter(|folder| folder.starts_with("deps"))
        .map(|folder| Path::new("wit").join(folder))
        .collect();
    assert_eq!(named, folders);
}

#[test]
fn plain_cargo_builds_the_example_and_it_runs() {
    let Some(toolchain) = toolchain() else { return };
    let stand = stand();
    let output = component_runs(&stand, &built(&toolchain).join("urgent_issues.wasm"));
    assert_eq!(output.stdout, result());
    assert!(
        output.stderr.contains("1746 issues are open"),
        "{output:#?}"
    );
    // A component built so is still held to its grants.
    let output = stand
        .run(&["run", "out.wasm", "--allow", "demo/get_*"])
        .unwrap();
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(
        output.stderr.contains("--allow demo/list_issues"),
        "{output:#?}"
    );
}

/// cargo-component asks rustup for `wasm32-wasip1` where that is not installed, whatever it builds for; a test does not.
#[test]
fn cargo_component_builds_the_example_and_it_runs() {
    let asked = |program: &str, arguments: &[&str]| {
        let output = plain(&mut Command::new(program)).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let library = |target: &str| {
        let sysroot = sysroot.as_ref().ok();
        sysroot.is_some_and(|sysroot| Path::new(sysroot).join("lib/rustlib").join(target).exists())
    };
    let missing = [
        (!asked("cargo", &["component", "--version"])).then_some("cargo-component"),
        (!library("wasm32-wasip1")).then_some("wasm32-wasip1"),
        (!library("wasm32-unknown-unknown")).then_some("wasm32-unknown-unknown"),
    ];
    if let Some(missing) = missing.into_iter().flatten().next() {
        // Even where nothing may be skipped: not every machine can install it.
        println!("skipped: {missing} is not installed");
        return;
    }
    let bindings = example().join("src/bindings.rs");
    let kept = std::fs::read_to_string(&bindings).unwrap();
    let output = plain(&mut Command::new("cargo"))
        .args([
            "component",
            "build",
            "--release",
            "--locked",
            "--target-dir",
        ])
        .arg(target().join("component"))
        .current_dir(example())
        .output()
        .unwrap();
    succeeded(&output);
    let written = std::fs::read_to_string(&bindings).unwrap();
    assert!(
        kept == written,
        "cargo-component writes another src/bindings.rs"
    );
    let built = target().join("component/wasm32-unknown-unknown/release/urgent_issues.wasm");
    let stand = stand();
    let output = runs(&stand, &built.display().to_string());
    assert_eq!(output.stdout, result());
}

/// A guest that sleeps, with the contract's plain `sleep`, and then ends with an error of its own.
const SLEEPER: &str = "
    #[allow(warnings)]
    mod bindings;
    struct Sleeper;
    impl bindings::Guest for Sleeper {
        fn run(input: String) -> Result<String, bindings::ProgramError> {
            let before = bindings::witgate::runtime::clock::now();
            bindings::witgate::runtime::clock::sleep(30);
            let slept = bindings::witgate::runtime::clock::now() - before;
            Err(bindings::ProgramError {
                name: \"Slept\".into(),
                message: format!(\"long enough: {}\", slept >= 30),
                stack: None,
                cause: None,
            })
        }
    }
    bindings::export!(Sleeper with_types_in bindings);
";

#[test]
fn a_plain_sleep_waits_and_a_plain_run_can_fail() {
    let Some(toolchain) = toolchain() else { return };
    let stand = stand();
    stand.write("lib.rs", SLEEPER).unwrap();
    std::fs::copy(
        example().join("src/bindings.rs"),
        stand.folder().join("bindings.rs"),
    )
    .unwrap();
    let output = bindings::rustc(&toolchain, built(&toolchain), stand.folder())
        .args([
            "--crate-type=cdylib",
            "--emit=link",
            "lib.rs",
            "-Cpanic=abort",
            "-o",
            "sleeper.wasm",
        ])
        .output()
        .unwrap();
    succeeded(&output);
    let output = stand
        .run(&["build", "sleeper.wasm", "-o", "out.wasm"])
        .unwrap();
    assert_eq!(output.code, Some(0), "{output:#?}");
    let output = stand.run(&["run", "out.wasm"]).unwrap();
    assert_eq!(output.code, Some(1), "{output:#?}");
    assert!(
        output.stderr.contains("error: Slept: long enough: true"),
        "{output:#?}"
    );
}
