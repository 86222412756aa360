//! The official inspector on the command line: another client, which opens and closes a connection for every question, looks at the
//! tools with the eyes of those who know what models stumble over, and puts the server under load.

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::client::{node, packages};
use crate::ground::{ALL, Ground, Transport, demo};
use witgate_tests::{Output, workspace};

const GET: &str = r#"import { getIssue } from "mcp:demo"; export default async (input) => (await getIssue({ number: input.number })).number;"#;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (transport, over) in [(Transport::Stdio, "stdio"), (Transport::Http, "http")] {
        for era in ["legacy", "modern"] {
            let needs = vec![node(), inspector()];
            let name = format!("the inspector ({era}, {over})");
            cases.push(Case::new(&name, needs, move || inspected(transport, era)));
        }
    }
    cases
}

fn inspector() -> std::path::PathBuf {
    packages().join("node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js")
}

/// What it prints, with its exit code.
fn inspect(
    ground: &Ground,
    transport: Transport,
    era: &str,
    words: &[&str],
) -> anyhow::Result<Output> {
    let mut command = ground.stand.command(&node());
    // It keeps files of its own in the home folder.
    command
        .arg(inspector())
        .arg("--cli")
        .env("HOME", ground.stand.folder());
    match transport {
        Transport::Stdio => command.arg(workspace::binary()?).arg("serve"),
        Transport::Http => command.arg(ground.url()?).args(["--transport", "http"]),
    };
    let output = command.args(["--protocol-era", era]).args(words).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Output {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        took: std::time::Duration::ZERO,
    })
}

fn inspected(transport: Transport, era: &str) -> anyhow::Result<()> {
    let ground = Ground::new(transport, &demo(), ALL, &[])?;
    let ask = |words: &[&str]| -> anyhow::Result<Value> {
        let output = inspect(&ground, transport, era, words)?;
        if output.code != Some(0) {
            bail!("{words:?}: {output:?}");
        }
        serde_json::from_str(&output.stdout).with_context(|| format!("{words:?}: {output:?}"))
    };
    let call = |tool: &str, arguments: Value| {
        ask(&[
            "--method",
            "tools/call",
            "--tool-name",
            tool,
            "--tool-args-json",
            &arguments.to_string(),
        ])
    };
    // With `--strict` it ends with 6 where a schema is one that some model's maker refuses.
    let listed = ask(&["--method", "tools/list", "--strict"])?;
    ensure!(
        listed["tools"]
            .as_array()
            .is_some_and(|tools| tools.len() == 4),
        "{listed}"
    );
    let found = call("search", json!({ "query": "get_issue" }))?;
    ensure!(
        found["content"][0]["text"]
            .as_str()
            .is_some_and(|text| text.contains("demo/get_issue")),
        "{found}"
    );
    let described = call("describe", json!({ "tools": ["demo/get_issue"] }))?;
    ensure!(
        described["content"][0]["text"]
            .as_str()
            .is_some_and(|text| text.contains("getIssue")),
        "{described}"
    );
    let ran = call("run", json!({ "code": GET, "input": { "number": 7 } }))?;
    ensure!(ran["content"][0]["text"] == "7", "{ran}");
    let resources = ask(&["--method", "resources/list"])?;
    ensure!(
        resources["resources"]
            .as_array()
            .is_some_and(|all| all.len() == 15),
        "{resources}"
    );
    let read = ask(&[
        "--method",
        "resources/read",
        "--uri",
        "witgate://servers/demo/get_issue.d.ts",
    ])?;
    ensure!(
        read["contents"][0]["text"]
            .as_str()
            .is_some_and(|text| text.contains("getIssue")),
        "{read}"
    );
    let templates = ask(&["--method", "resources/templates/list"])?;
    ensure!(
        templates["resourceTemplates"]
            .as_array()
            .is_some_and(|all| all.len() == 3),
        "{templates}"
    );
    let failed = inspect(
        &ground,
        transport,
        era,
        &[
            "--method",
            "tools/call",
            "--tool-name",
            "run",
            "--tool-args-json",
            "{}",
        ],
    )?;
    ensure!(
        failed.code != Some(0),
        "a failed call is none that ends well: {failed:?}"
    );

    let arguments = json!({ "code": GET, "input": { "number": 3 } }).to_string();
    let load = [
        "--method",
        "tools/call",
        "--tool-name",
        "run",
        "--tool-args-json",
        &arguments,
        "--load",
        "--load-requests",
        "100",
        "--format",
        "json",
    ];
    let load = inspect(&ground, transport, era, &load)?;
    ensure!(load.code == Some(0), "{load:?}");
    let calls = ground.journal("get_issue")?;
    ensure!(
        calls.len() == 101 && calls.iter().all(|call| call["outcome"] == "ok"),
        "{} calls: {load:?}",
        calls.len()
    );
    ground.close()
}
