//! What happens around a client that stays connected: servers that die, are slow, or have other tools by now; grants that are
//! edited; the end of `witgate serve` itself. The client notices nothing of it but the answers.

use std::net::TcpListener;

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use witgate_tests::workspace;

use crate::client::Sdk;
use crate::ground::{ALL, Ground, Transport, demo, eventually};
use crate::{BOTH, Case, each};

const GET: &str = r#"import { getIssue } from "mcp:demo"; export default async () => (await getIssue({ number: 1 })).number;"#;

/// One of each generation: what is behind does not depend on the client.
const SOME: [Sdk; 2] = [Sdk::TypeScript1, Sdk::Python2];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = each("a server that is killed", &SOME, &BOTH, &[], killed);
    cases.extend(each("tools that change", &SOME, &BOTH, &[], changed));
    cases.extend(each(
        "servers that do not answer",
        &SOME,
        &[Transport::Stdio],
        &[],
        silent,
    ));
    cases.extend(each(
        "grants that are edited",
        &Sdk::ALL,
        &BOTH,
        &[],
        edited,
    ));
    cases.extend(each(
        "the end in the middle of a run",
        &Sdk::ALL,
        &BOTH,
        &[],
        ended,
    ));
    cases.extend(each(
        "the end of a run without one",
        &[Sdk::Python2],
        &BOTH,
        &[],
        cut_off,
    ));
    cases.push(Case::new("a port that is taken", vec![], taken));
    cases
}

fn killed(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let ground = Ground::new(transport, &demo(), ALL, &[])?;
    let mut client = ground.client(sdk)?;
    let mut works = || -> anyhow::Result<()> {
        let ran = client.run(GET)?;
        ensure!(ran.value()? == json!(1), "{ran:?}");
        Ok(())
    };
    works()?;
    let behind = ground.process("demo-server")?;
    kill_process(behind, Signal::KILL)?;
    eventually("it is gone", || Ok(has_ended(behind)))?;
    works()?;
    // In the middle of a call: that call's fate is not known, and is told to the program.
    let slow = r#"import { slowEcho } from "mcp:demo"; export default async () => slowEcho({ text: "x", delay_ms: 600000 }).catch((e) => e.kind);"#;
    let id = client.start_run(json!({ "code": slow }))?;
    client.event(&["progress"])?;
    kill_process(ground.process("demo-server")?, Signal::KILL)?;
    let ran = client.answer(id)?;
    ensure!(ran.value()? == "unavailable", "{ran:?}");
    // A second death in a row: it is left alone for a moment, and tried again.
    eventually("it works again", || Ok(!client.run(GET)?.is_error))?;
    client.close()?;
    ground.close()
}

/// Whether a process does nothing more, waited for by its parent or not.
fn has_ended(id: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero()));
    stat.map_or(true, |text| {
        text.rsplit_once(')')
            .is_some_and(|(_, fields)| fields.trim_start().starts_with('Z'))
    })
}

/// A server says that it has other tools, or that one of them is another by now.
fn changed(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let script = workspace::root().join("tests/scenarios/changes/server.py");
    let server = |more: &[&str]| {
        let mut args = vec![json!(script)];
        args.extend(more.iter().map(|word| json!(word)));
        json!({ "command": "python3", "args": args })
    };
    let mut ground = Ground::prepared(
        &json!({ "older": server(&[]), "newer": server(&["modern"]) }),
        ALL,
    )?;
    if transport == Transport::Http {
        ground.start(&[])?;
    }
    let mut client = ground.client(sdk)?;
    for name in ["older", "newer"] {
        let tool = format!("{name}/drop_all");
        let search = json!({ "query": "drop_all", "detail": "name" });
        let found = client.call("search", search.clone())?;
        ensure!(!found.text().lines().any(|line| line == tool), "{found:?}");
        let uses = format!(
            r#"import {{ dropAll }} from "mcp:{name}"; export default async () => dropAll({{}});"#
        );
        let early = client.run(&uses)?;
        ensure!(
            early.is_error && early.text().contains("dropAll"),
            "{early:?}"
        );
        let become_ = |to: &str| {
            format!(
                r#"import {{ become }} from "mcp:{name}"; export default async () => become({{ to: "{to}" }});"#
            )
        };
        let ran = client.run(&become_("more"))?;
        ensure!(!ran.is_error, "{ran:?}");
        eventually("the new tool is found", || {
            let found = client.call("search", search.clone())?;
            Ok(found.text().lines().any(|line| line == tool))
        })?;
        let ran = client.run(&uses)?;
        ensure!(ran.value()?["done"] == "drop_all", "{ran:?}");
        // The declaration follows, and so does the program that is held against it.
        let ran = client.run(&become_("typed"))?;
        ensure!(!ran.is_error, "{ran:?}");
        eventually("the new type is described", || {
            let described = client.call("describe", json!({ "tools": [format!("{name}/get")] }))?;
            Ok(described.text().contains("id: string"))
        })?;
        let get = format!(
            r#"import {{ get }} from "mcp:{name}"; export default async (id) => (await get({{ id }})).title;"#
        );
        let ran = client.call("run", json!({ "code": get, "input": "7" }))?;
        ensure!(ran.value()? == "A bug", "{ran:?}");
        let found = client.call("search", search)?;
        ensure!(!found.text().lines().any(|line| line == tool), "{found:?}");
    }
    client.close()?;
    ground.close()
}

/// One that is slow to start, and one that never does: the others are there meanwhile.
fn silent(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let list = workspace::root().join("tests/bad_input/list_server.py");
    let wait = format!(
        "while ! test -e go; do sleep 0.05; done; exec python3 '{}' list.json",
        list.display()
    );
    let servers = json!({
        "demo": { "command": "witgate", "args": ["demo-server"] },
        "slow": { "command": "sh", "args": ["-c", wait] },
        "broken": { "command": "false" },
    });
    let ground = Ground::new(transport, &servers, ALL, &[])?;
    ground.stand.write(
        "list.json",
        r#"{"tools": [{"name": "late_tool", "inputSchema": {"type": "object"}}]}"#,
    )?;
    let mut client = ground.client(sdk)?;
    let late = r#"import { lateTool } from "mcp:slow"; export default async () => lateTool({});"#;
    for (server, why) in [
        ("slow", "it is still starting"),
        ("broken", "server `broken` is gone"),
    ] {
        let found = client.call("search", json!({ "query": "late_tool", "detail": "name" }))?;
        ensure!(
            found.text().contains(&format!("{server} ({why}")),
            "{found:?}"
        );
        let described = client.call(
            "describe",
            json!({ "tools": [format!("{server}/late_tool")] }),
        )?;
        ensure!(
            described.is_error && described.text().contains(why),
            "{described:?}"
        );
        let ran = client.run(&late.replace("mcp:slow", &format!("mcp:{server}")))?;
        ensure!(
            ran.is_error
                && ran
                    .text()
                    .contains(&format!("`{server}` does not answer ({why}")),
            "{ran:?}"
        );
    }
    let ran = client.run(GET)?;
    ensure!(ran.value()? == json!(1), "{ran:?}");
    ground.stand.write("go", "")?;
    eventually("the slow one is there", || Ok(!client.run(late)?.is_error))?;
    client.close()?;
    ground.close()
}

/// Refused with the lines to add; a person adds them; the same program runs; they are taken away again.
fn edited(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let ground = Ground::new(transport, &demo(), "", &[])?;
    let mut client = ground.client(sdk)?;
    let refused = client.run(GET)?;
    let text = refused.text().to_owned();
    let (_, lines) = text
        .split_once("by adding to ")
        .with_context(|| format!("{refused:?}"))?;
    let (path, lines) = lines.split_once(":\n").context("a path")?;
    ensure!(
        refused.is_error && path.ends_with("/grants.toml"),
        "{refused:?}"
    );
    let lines = lines.split("\nnext: ").next().unwrap_or(lines);
    ground.stand.write("grants.toml", lines)?;
    let ran = client.run(GET)?;
    ensure!(ran.value()? == json!(1), "{ran:?}");
    ground.stand.write(
        "grants.toml",
        "[[grant]]\nserver = \"demo\"\ntools = [\"list_*\"]\n",
    )?;
    let refused = client.run(GET)?;
    ensure!(
        refused.is_error && refused.text().contains("no grant allows it"),
        "{refused:?}"
    );
    // A slip is told, and nothing runs on what stood there before.
    ground.stand.write("grants.toml", "[[grant]\n")?;
    let slip = client.run(GET)?;
    ensure!(
        slip.is_error && slip.text().contains("not a valid grants file"),
        "{slip:?}"
    );
    let denied: Vec<Value> = ground.journal("get_issue")?;
    ensure!(denied.len() == 1, "one call was made: {denied:?}");
    client.close()?;
    ground.close()
}

/// A run under way ends with its answer.
fn ended(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let mut ground = Ground::prepared(&demo(), ALL)?;
    let got = ground.stand.folder().join("got").display().to_string();
    ground.stand.set("WITGATE_DEMO_TRANSCRIPT", got);
    if transport == Transport::Http {
        ground.start(&[])?;
    }
    let mut client = ground.client(sdk)?;
    let slow = r#"import { slowEcho } from "mcp:demo"; export default async () => slowEcho({ text: "the answer", delay_ms: 2000 });"#;
    let id = client.send(
        "call",
        json!({ "name": "run", "arguments": { "code": slow } }),
    )?;
    eventually("the call has reached the server", || {
        Ok(ground.stand.lines("got")?.len() == 1)
    })?;
    kill_process(ground.own()?, Signal::TERM)?;
    let ran = client.answer(id)?;
    ensure!(ran.value()? == "the answer", "{ran:?}");
    eventually("nothing is left but the client", || {
        Ok(ground.stand.processes().len() == 1)
    })?;
    if transport == Transport::Http {
        let status = ground.serve()?.ended()?;
        ensure!(status.success(), "serve ends with {status}");
    }
    client.kill()?;
    ground.close()
}

/// A run that would go on for ever is given a while, and ended.
fn cut_off(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let mut ground = Ground::new(transport, &demo(), ALL, &["--max-time", "3600"])?;
    let mut client = ground.client(sdk)?;
    let endless = r#"import { slowEcho } from "mcp:demo"; export default async () => slowEcho({ text: "x", delay_ms: 600000 });"#;
    let id = client.start_run(json!({ "code": endless }))?;
    client.event(&["progress"])?;
    kill_process(ground.own()?, Signal::TERM)?;
    eventually("nothing is left but the client", || {
        Ok(ground.stand.processes().len() == 1)
    })?;
    ensure!(client.reply(id)?.is_err(), "it has no result");
    let calls = ground.journal("slow_echo")?;
    ensure!(
        calls.len() == 1 && calls[0]["outcome"] == "cancelled",
        "{calls:?}"
    );
    if transport == Transport::Http {
        let status = ground.serve()?.ended()?;
        ensure!(status.success(), "serve ends with {status}");
    }
    client.kill()?;
    ground.close()
}

fn taken() -> anyhow::Result<()> {
    let ground = Ground::prepared(&demo(), ALL)?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port().to_string();
    let output = ground.stand.run(&["serve", "--http", &port])?;
    ensure!(output.code == Some(2), "{output:?}");
    ensure!(
        output.stderr.contains("cannot listen on") && output.stderr.contains("hint: "),
        "{output:?}"
    );
    ground.close()
}
