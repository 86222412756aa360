//! Every server of the corpus through the real command, and what comes out through the tools that others read it with:
//! `wasm-tools`, `tsc`, `rustc`. Without a corpus beside the repository there is only the command's own behaviour to see.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod commands;
mod describe;
mod foreign;
mod rust_views;

use std::path::{Path, PathBuf};
use std::process::Command;

use witgate_codegen::catalog::{Server, parse_tools_list};
use witgate_codegen::model::ServerModel;
use witgate_codegen::model_server;
use witgate_tests::{Stand, corpus, workspace};

/// One server of the corpus, modelled.
fn model(file: &Path) -> ServerModel {
    let tools = parse_tools_list(&std::fs::read_to_string(file).unwrap()).unwrap();
    let server = Server {
        tools,
        ..Server::default()
    };
    model_server(&corpus::name(file), &server).unwrap()
}

/// `witgate gen` of every file, into `folder/SERVER` of the stand.
fn generate(stand: &Stand, files: &[PathBuf], folder: &str, more: &[&str]) {
    for file in files {
        let output = format!("{folder}/{}", corpus::name(file));
        let mut arguments = vec!["gen", "-o", &output, "--catalog", file.to_str().unwrap()];
        arguments.extend(more);
        let done = stand.run(&arguments).unwrap();
        assert_eq!(done.code, Some(0), "{done:#?}");
    }
}

/// Whether a program succeeds in the stand's folder, and what it prints.
fn run(stand: &Stand, program: &Path, arguments: &[&str]) -> (bool, String) {
    let command: &mut Command = &mut stand.command(program);
    let output = command.args(arguments).output().unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

/// Fails where a tool is missing although everything is installed.
fn skip<T>() -> Option<T> {
    assert!(
        !workspace::nothing_may_be_skipped(),
        "it must be installed: run `./test --install`"
    );
    None
}
