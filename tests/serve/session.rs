//! What every client does first: it connects, lists four tools that never change, searches, describes, runs one program over seven
//! servers and one that finds what that left behind, and reads resources.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use witgate_tests::workspace;

use crate::client::{Answer, Client, Sdk};
use crate::ground::{ALL, Ground, Transport, demo, eventually, seven, seven_needs};
use crate::{BOTH, Case, each};

/// The budget of everything that a model reads before it does anything.
const TOKENS: usize = 400;

/// Three tools of a server, and a query of the model's that finds one of them.
const SEARCHES: [(&str, &str); 7] = [
    ("create an issue", "demo/create_issue"),
    ("read a text file", "files/read_text_file"),
    ("git log of commits", "git/git_log"),
    ("convert time between time zones", "time/convert_time"),
    (
        "create entities in the knowledge graph",
        "memory/create_entities",
    ),
    ("execute a SELECT query", "db/read_query"),
    ("everything get_sum", "everything/get-sum"),
];

const WIDE: &str = r#"
import { getIssue } from "mcp:demo";
import { getSum } from "mcp:everything";
import { readTextFile } from "mcp:files";
import { gitLog } from "mcp:git";
import { createEntities, openNodes } from "mcp:memory";
import { convertTime } from "mcp:time";
import { createTable, readQuery, writeQuery } from "mcp:db";
import { write } from "mcp:workspace";

export default async function (input: { issue: number }) {
  await createTable({ query: "CREATE TABLE poem (line TEXT)" });
  const [issue, sum, poem, log, time] = await Promise.all([
    getIssue({ number: input.issue }),
    getSum({ a: 2, b: 40 }),
    readTextFile({ path: "poem.txt" }),
    gitLog({ repo_path: "repository" }),
    convertTime({ source_timezone: "UTC", time: "12:00", target_timezone: "Asia/Tokyo" }),
  ]);
  for (const line of poem.content.trim().split("\n")) {
    await writeQuery({ query: `INSERT INTO poem VALUES ('${line.replaceAll("'", "''")}')` });
  }
  await createEntities({ entities: [{ name: "Ada", entityType: "person", observations: ["counts"] }] });
  const { entities } = await openNodes({ names: ["Ada"] });
  const result = {
    issue: issue.number,
    sum: /42/.test(sum),
    lines: await readQuery({ query: "SELECT count(*) AS n FROM poem" }),
    message: /the first/.test(log),
    tokyo: time.time_difference,
    known: entities.map((entity) => entity.name),
  };
  await write({ path: "result", value: result });
  return result;
}
"#;

const LATER: &str = r#"import { read, list } from "mcp:workspace"; export default async () => [await list(), (await read({ path: "result" })).sum];"#;

/// The client whose cases nothing depends on.
const SOME: [Sdk; 2] = [Sdk::TypeScript1, Sdk::Python2];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = each(
        "a session over seven servers",
        &Sdk::ALL,
        &BOTH,
        &seven_needs(),
        session,
    );
    cases.push(Case::new(
        "a program in Rust",
        vec![Sdk::TypeScript2.program()],
        rust,
    ));
    cases.extend(each("resources", &Sdk::ALL, &BOTH, &[], resources));
    cases.extend(each(
        "resources are paged",
        &SOME,
        &[Transport::Http],
        &[],
        pages,
    ));
    let fixed = [Sdk::TypeScript1, Sdk::TypeScript2];
    cases.extend(each(
        "the tools never change",
        &fixed,
        &[Transport::Stdio],
        &seven_needs(),
        fixed_tools,
    ));
    cases
}

fn connected(client: &Client, sdk: Sdk) -> anyhow::Result<()> {
    let told = &client.connected;
    ensure!(told["protocol"] == sdk.protocol(), "{told}");
    ensure!(told["server"]["name"] == "witgate", "{told}");
    let instructions = told["instructions"].as_str().context("instructions")?;
    ensure!(
        instructions.contains("export default async (input)"),
        "{told}"
    );
    Ok(())
}

fn session(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let mut ground = Ground::prepared(&json!({}), ALL)?;
    let servers = seven(&ground.stand)?;
    ground
        .stand
        .write(".mcp.json", json!({ "mcpServers": servers }).to_string())?;
    if transport == Transport::Http {
        ground.start(&[])?;
    }
    let mut client = ground.client(sdk)?;
    connected(&client, sdk)?;
    let all: Vec<&str> = SEARCHES.iter().map(|(_, tool)| *tool).collect();
    eventually("all servers have started", || {
        let described = client.call("describe", json!({ "tools": all }))?;
        Ok(!described.text().contains("does not answer"))
    })?;
    for (query, tool) in SEARCHES {
        let found = client.call("search", json!({ "query": query }))?;
        let mut lines = found.text().lines();
        ensure!(
            !found.is_error && lines.any(|line| line.starts_with(tool)),
            "{query}: {found:?}"
        );
    }
    let names = client.call("search", json!({ "query": "git", "detail": "name" }))?;
    ensure!(
        names.text().lines().any(|line| line == "git/git_status"),
        "{names:?}"
    );
    let full = client.call("search", json!({ "query": "git_log", "detail": "full" }))?;
    ensure!(full.text().contains("max_count"), "{full:?}");
    let described = client.call(
        "describe",
        json!({ "tools": ["demo/get_issue", "time/convert_time"] }),
    )?;
    for part in ["getIssue", "number", "convertTime", "target_timezone"] {
        ensure!(described.text().contains(part), "{described:?}");
    }
    let rust = client.call(
        "describe",
        json!({ "tools": ["demo/get_issue"], "language": "rust" }),
    )?;
    ensure!(rust.text().contains("get_issue"), "{rust:?}");
    let unknown = client.call("describe", json!({ "tools": ["demo/get_isue"] }))?;
    ensure!(
        unknown.is_error && unknown.text().contains("demo/get_issue"),
        "{unknown:?}"
    );

    let ran = client.call("run", json!({ "code": WIDE, "input": { "issue": 7 } }))?;
    let expected = json!({ "issue": 7, "sum": true, "lines": "[{'n': 2}]", "message": true, "tokyo": "+9.0h", "known": ["Ada"] });
    ensure!(ran.value()? == expected, "{ran:?}");
    let tools = ran.meta["witgate/ledger"]["tools"]
        .as_object()
        .context("a ledger")?;
    let servers: BTreeSet<&str> = tools
        .keys()
        .filter_map(|tool| tool.split('/').next())
        .collect();
    ensure!(
        servers.len() == 8 && tools["db/write_query"]["calls"] == 2,
        "{tools:?}"
    );

    // A protocol without sessions is told how to come back, where nothing else says who asks.
    let mut later = json!({ "code": LATER });
    let must_say = sdk.is_modern() && transport == Transport::Http;
    ensure!(
        ran.notes().contains("send resume \"") == must_say,
        "{ran:?}"
    );
    if must_say {
        let lost = client.call("run", later.clone())?;
        ensure!(
            lost.is_error && lost.text().contains("the workspace is empty"),
            "{lost:?}"
        );
        later["resume"] = json!(ran.token()?);
    }
    let found = client.call("run", later)?.value()?;
    ensure!(
        found[0][0]["path"] == "result" && found[1] == true,
        "{found}"
    );

    wrong(&mut client)?;
    client.close()?;
    ground.close()
}

/// What a model gets wrong, and is told.
fn wrong(client: &mut Client) -> anyhow::Result<()> {
    let mut told = |tool: &str, arguments: Value, parts: &[&str]| -> anyhow::Result<Answer> {
        let answer = client.call(tool, arguments)?;
        let fits = parts.iter().all(|part| answer.text().contains(part));
        ensure!(answer.is_error && fits, "{parts:?} in {answer:?}");
        Ok(answer)
    };
    told(
        "search",
        json!({ "words": "x" }),
        &["unknown field `words`", "next: "],
    )?;
    told("run", json!({}), &["`code` is missing"])?;
    told(
        "run",
        json!({ "code": "export default async () => {" }),
        &["program.ts:1"],
    )?;
    let misspelt =
        r#"import { getIsue } from "mcp:demo"; export default async () => getIsue({ number: 1 });"#;
    told(
        "run",
        json!({ "code": misspelt }),
        &["getIsue", "getIssue", "program.ts:1"],
    )?;
    let unfit = r#"import { getIssue } from "mcp:demo"; export default async () => getIssue({ number: "one" });"#;
    told(
        "run",
        json!({ "code": unfit }),
        &["demo/get_issue", "number", "next: `describe`"],
    )?;
    told(
        "run",
        json!({ "resume": "r99" }),
        &["nothing waits under this token"],
    )?;
    told(
        "skills",
        json!({ "name": "no-such" }),
        &["there is no skill `no-such`"],
    )?;
    let skills = client.call("skills", json!({}))?;
    ensure!(!skills.is_error, "{skills:?}");
    let error = client.ask("call", json!({ "name": "get_issue", "arguments": {} }));
    let error = error
        .err()
        .context("a tool that is behind cannot be called directly")?;
    ensure!(
        error.to_string().contains("there is no tool `get_issue`"),
        "{error}"
    );
    Ok(())
}

/// Found out by its text, compiled, run; what the compiler says comes back.
fn rust() -> anyhow::Result<()> {
    if let Err(missing) = witgate_builder::toolchain::Toolchain::find(&workspace::cache()) {
        ensure!(!workspace::nothing_may_be_skipped(), "{missing}");
        println!("skipped: {missing}");
        return Ok(());
    }
    let ground = Ground::new(Transport::Stdio, &demo(), ALL, &[])?;
    let mut client = ground.client(Sdk::TypeScript2)?;
    let code = r#"use witgate_guest::prelude::*;
use mcp::demo::{get_issue, GetIssueArgs};

async fn run(input: Value) -> Result<Value> {
    let number = input["number"].as_i64().unwrap_or(1);
    let issue = get_issue(GetIssueArgs { number, ..Default::default() }).await?;
    Ok(json!(issue.number))
}
program!(run);
"#;
    let ran = client.call("run", json!({ "code": code, "input": { "number": 7 } }))?;
    ensure!(ran.value()? == json!(7), "{ran:?}");
    let wrong = client.run(&code.replace("issue.number", "issue.numbr"))?;
    ensure!(
        wrong.is_error && wrong.text().contains("program.rs:7") && wrong.text().contains("numbr"),
        "{wrong:?}"
    );
    client.close()?;
    ground.close()
}

/// Declarations as a tree, whole results, and what is not there.
fn resources(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let ground = Ground::new(transport, &demo(), ALL, &[])?;
    let mut client = ground.client(sdk)?;
    let listed = client.ask("resources", json!({}))?;
    let listed = listed["resources"].as_array().context("a list")?;
    let uri = |name: &str| {
        let found = listed.iter().find(|resource| resource["name"] == name);
        found.map(|resource| resource["uri"].clone())
    };
    let issue = uri("demo/get_issue").context("the declaration of `get_issue`")?;
    ensure!(uri("workspace/read").is_some(), "{listed:?}");
    let read = client.ask("read", json!({ "uri": issue }))?;
    let content = &read["contents"][0];
    ensure!(
        content["uri"] == issue && content["mimeType"] == "application/typescript",
        "{read}"
    );
    ensure!(
        content["text"]
            .as_str()
            .is_some_and(|text| text.contains("getIssue")),
        "{read}"
    );
    let templates = client.ask("templates", json!({}))?;
    let templates: Vec<&Value> = templates["resourceTemplates"]
        .as_array()
        .context("a list")?
        .iter()
        .collect();
    let pattern = "witgate://servers/{server}/{tool}.d.ts";
    ensure!(
        templates
            .iter()
            .any(|template| template["uriTemplate"] == pattern),
        "{templates:?}"
    );
    let named = client.ask(
        "read",
        json!({ "uri": pattern.replace("{server}", "demo").replace("{tool}", "get_issue") }),
    )?;
    ensure!(named["contents"][0]["text"] == content["text"], "{named}");
    for missing in [
        "witgate://servers/demo/none.d.ts",
        "witgate://results/r1",
        "witgate://skills/none/SKILL.md",
        "file:///etc/hostname",
        "witgate://servers/../../etc/hostname",
    ] {
        let id = client.send("read", json!({ "uri": missing }))?;
        let error = client
            .reply(id)?
            .err()
            .with_context(|| format!("{missing} is there"))?;
        // SEP-2164 gave it another number.
        let code = if sdk.is_modern() { -32602 } else { -32002 };
        ensure!(error["code"] == code, "{missing}: {error}");
    }
    client.close()?;
    ground.close()
}

/// More tools than one page has.
fn pages(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let tools: Vec<Value> = (0..450)
        .map(|n| json!({ "name": format!("tool_{n}"), "inputSchema": { "type": "object" } }))
        .collect();
    let script = workspace::root().join("tests/bad_input/list_server.py");
    let mut ground = Ground::prepared(
        &json!({ "many": { "command": "python3", "args": [script, "list.json"] } }),
        ALL,
    )?;
    ground
        .stand
        .write("list.json", json!({ "tools": tools }).to_string())?;
    if transport == Transport::Http {
        ground.start(&[])?;
    }
    let mut client = ground.client(sdk)?;
    let (mut cursor, mut seen, mut count) = (Value::Null, BTreeSet::new(), 0);
    for _ in 0..10 {
        let page = client.ask(
            "resources",
            match &cursor {
                Value::Null => json!({}),
                cursor => json!({ "cursor": cursor }),
            },
        )?;
        for resource in page["resources"].as_array().context("a list")? {
            seen.insert(resource["uri"].to_string());
            count += 1;
        }
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    ensure!(
        count == 454 && seen.len() == count,
        "{count} resources, {} of them different",
        seen.len()
    );
    let id = client.send("resources", json!({ "cursor": "nonsense" }))?;
    let error = client.reply(id)?.err().context("a cursor of nobody")?;
    ensure!(error["code"] == -32602, "{error}");
    client.close()?;
    ground.close()
}

/// The same bytes, and few, whatever is behind.
fn fixed_tools(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let told = |servers: &Value, grants: &str| -> anyhow::Result<String> {
        let ground = Ground::new(transport, servers, grants, &[])?;
        let mut client = ground.client(sdk)?;
        let mut listed = client.ask("tools", json!({}))?;
        let names: Vec<&Value> = listed["tools"]
            .as_array()
            .context("a list")?
            .iter()
            .map(|tool| &tool["name"])
            .collect();
        ensure!(
            names == ["search", "describe", "run", "skills"],
            "{names:?}"
        );
        let instructions = client.connected["instructions"]
            .as_str()
            .context("instructions")?;
        let text = format!("{instructions}\n{}", listed["tools"].take());
        client.close()?;
        ground.close()?;
        Ok(text)
    };
    let none = told(&json!({}), "")?;
    let folder = Ground::prepared(&json!({}), ALL)?;
    let seven = told(&seven(&folder.stand)?, ALL)?;
    ensure!(none == seven, "{none}\n{seven}");
    let tokens = tiktoken_rs::o200k_base()?.encode_ordinary(&none).len();
    ensure!(tokens <= TOKENS, "{tokens} tokens:\n{none}");
    Ok(())
}
