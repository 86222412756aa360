//! The binary as cargo built it. That it is built at all for `cargo test --workspace`, where the scenarios need it, follows
//! from this file: cargo builds a package's binary for its integration tests.
#![allow(clippy::unwrap_used)]

use std::process::Command;

fn witgate(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_witgate"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn it_says_its_version() {
    let output = witgate(&["--version"]);
    let expected = format!("witgate {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in ["run", "build", "check", "sync", "gen", "tools"] {
        let output = witgate(&[command, "--help"]);
        assert!(output.status.success(), "{command}");
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("Example"), "{command}: {help}");
    }
}

#[test]
fn no_command_at_all_is_a_usage_error() {
    let output = witgate(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}
