//! The same as `program.js`, typed.

use mcp::files::{
    ListDirectoryArgs, ReadTextFileArgs, WriteFileArgs, list_directory, read_text_file, write_file,
};
use witgate_guest::prelude::*;

fn at(path: &str) -> ReadTextFileArgs {
    ReadTextFileArgs {
        path: path.into(),
        ..Default::default()
    }
}

async fn run(_: Value) -> Result<Value> {
    let content = read_text_file(at("numbers.txt"))
        .await?
        .content
        .to_uppercase();
    write_file(WriteFileArgs {
        path: "copy.txt".into(),
        content,
        ..Default::default()
    })
    .await?;
    let head = Some(2.0);
    let copy = read_text_file(ReadTextFileArgs {
        head,
        ..at("copy.txt")
    })
    .await?;
    let listed = list_directory(ListDirectoryArgs {
        path: ".".into(),
        ..Default::default()
    })
    .await?;
    let mut lines: Vec<&str> = listed.content.split('\n').collect();
    lines.sort();
    let outside = read_text_file(at("/etc/hostname")).await;
    let outside = outside.err().context("it lies outside")?;
    Ok(json!({
        "copy": copy.content,
        "listed": lines,
        "outside": {
            "kind": outside.kind.as_str(),
            "denied": outside.message.starts_with("Access denied"),
        },
    }))
}

program!(run);
