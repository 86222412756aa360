//! What belongs to one client: its workspace, its tokens, the results that were too long for an answer. Another client has none of it.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::client::{Client, Sdk};
use crate::ground::{ALL, Ground, Transport, demo, eventually};
use crate::http::{Modern, post};
use crate::{BOTH, Case, each};

const WRITE: &str = r#"import { write } from "mcp:workspace"; export default async (input) => write({ path: "mine", value: input });"#;
const READ: &str =
    r#"import { read } from "mcp:workspace"; export default async () => read({ path: "mine" });"#;
/// 10,000 issues.
const LONG: &str = r#"import { listIssues } from "mcp:demo"; export default async () => ({ issues: await listIssues({ per_page: 10000 }), next: null });"#;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = each("a result that is too long", &Sdk::ALL, &BOTH, &[], long);
    cases.extend(each(
        "two clients",
        &Sdk::ALL,
        &[Transport::Http],
        &[],
        isolated,
    ));
    cases.extend(each(
        "servers of one session",
        &Sdk::ALL,
        &[Transport::Http],
        &[],
        scoped,
    ));
    cases.push(Case::new("many clients at once", vec![], crowd));
    cases
}

/// Cut to size with its shape kept; the rest by `resume`, and the whole as a resource.
fn long(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let ground = Ground::new(transport, &demo(), ALL, &[])?;
    let mut client = ground.client(sdk)?;
    let ran = client.call("run", json!({ "code": LONG, "limits": { "answer": 3000 } }))?;
    let value = ran.value()?;
    let shown = value["issues"].as_array().context("a list")?.len();
    ensure!(
        ran.text().len() <= 3000 && shown > 0 && value.get("next").is_some(),
        "{ran:?}"
    );
    ensure!(
        ran.notes().contains("of 10000 items") && ran.notes().contains("MB kept out"),
        "{ran:?}"
    );
    let token = ran.token()?;
    let part = client.call(
        "run",
        json!({ "resume": token, "input": "/issues/9998..", "limits": { "answer": 100000 } }),
    )?;
    let part = part.value()?;
    ensure!(
        part.as_array().is_some_and(|part| part.len() == 2) && part[1]["number"] == 10000,
        "{part}"
    );
    let cut = client.call(
        "run",
        json!({ "resume": token, "input": "/issues", "limits": { "answer": 1000 } }),
    )?;
    ensure!(cut.text().contains("of 10000 items"), "{cut:?}");
    let wrong = client.call("run", json!({ "resume": token, "input": "/nothing" }))?;
    ensure!(
        wrong.is_error && wrong.text().contains("JSON pointer"),
        "{wrong:?}"
    );

    let uri = format!("witgate://results/{token}");
    ensure!(ran.notes().contains(&uri), "{ran:?}");
    let read = client.ask("read", json!({ "uri": uri }))?;
    let whole: Value =
        serde_json::from_str(read["contents"][0]["text"].as_str().context("a text")?)?;
    ensure!(
        whole["issues"]
            .as_array()
            .is_some_and(|all| all.len() == 10000),
        "the whole is there"
    );
    // Where a request says nothing of who asks, there is no list of what it has.
    if !(sdk.is_modern() && transport == Transport::Http) {
        let listed = client.ask("resources", json!({}))?;
        ensure!(
            listed["resources"][0]["uri"] == uri,
            "{}",
            listed["resources"][0]
        );
        ensure!(
            listed["resources"][0]["size"].as_u64() > Some(1_000_000),
            "{}",
            listed["resources"][0]
        );
    }
    client.close()?;
    ground.close()
}

/// A run that has to be taken further by its token.
fn parked(client: &mut Client) -> anyhow::Result<String> {
    let code = r#"import { createIssue } from "mcp:demo"; export default async () => createIssue({ title: "theirs" });"#;
    let waits = client.run(code)?;
    ensure!(waits.text().starts_with("The run waits"), "{waits:?}");
    waits.token()
}

fn isolated(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let grants = "[[grant]]\nserver = \"workspace\"\ntools = [\"*\"]\n[[grant]]\nserver = \"demo\"\ntools = [\"list_issues\"]\n[[grant]]\nserver = \"demo\"\ntools = [\"create_issue\"]\napprove = \"each\"\n";
    let ground = Ground::new(transport, &demo(), grants, &[])?;
    let mut mine = ground.mute_client(sdk)?;
    let mut others = ground.mute_client(sdk)?;
    let written = mine.call("run", json!({ "code": WRITE, "input": "secret" }))?;
    let long = mine
        .call("run", json!({ "code": LONG, "limits": { "answer": 500 } }))?
        .token()?;
    let waiting = parked(&mut mine)?;
    let way_back = written.token().ok();
    ensure!(way_back.is_some() == sdk.is_modern(), "{written:?}");

    // Another client, without and with tokens that are not its own: numbered alike, or with a digit changed.
    let read = others.run(READ)?;
    ensure!(
        read.is_error && read.text().contains("the workspace is empty"),
        "{read:?}"
    );
    let changed = |token: &str| match sdk.is_modern() {
        // Whoever has the token is the session: nobody can guess it.
        true => {
            let last = if token.starts_with('0') { "1" } else { "0" };
            format!("{last}{}", &token[1..])
        }
        false => token.to_owned(),
    };
    for token in [&long, &waiting] {
        let token = changed(token);
        let gone = others.call("run", json!({ "resume": token }))?;
        ensure!(
            gone.is_error && gone.text().contains("nothing waits under this token"),
            "{token}: {gone:?}"
        );
        let id = others.send(
            "read",
            json!({ "uri": format!("witgate://results/{token}") }),
        )?;
        ensure!(others.reply(id)?.is_err(), "another's result can be read");
    }
    if let Some(way_back) = &way_back {
        let read = others.call("run", json!({ "code": READ, "resume": changed(way_back) }))?;
        ensure!(
            read.is_error && read.text().contains("the workspace is empty"),
            "{read:?}"
        );
    }
    let listed = others.ask("resources", json!({}))?;
    ensure!(
        !listed.to_string().contains("witgate://results/"),
        "{listed}"
    );

    // What the other tried took nothing away.
    let read = mine.call(
        "run",
        match &way_back {
            Some(token) => json!({ "code": READ, "resume": token }),
            None => json!({ "code": READ }),
        },
    )?;
    ensure!(read.value()? == "secret", "{read:?}");
    let rest = mine.call(
        "run",
        json!({ "resume": long, "input": "/issues/0/number" }),
    )?;
    ensure!(rest.value()? == json!(1), "{rest:?}");
    let id = ground.stand.run(&["approvals", "list", "--json"])?;
    let listed: Value = serde_json::from_str(&id.stdout)?;
    let id = listed["questions"][0]["question"]["id"]
        .as_str()
        .context("a question")?
        .to_owned();
    ensure!(
        ground.stand.run(&["approvals", "approve", &id])?.code == Some(0),
        "approved"
    );
    let made = mine.call("run", json!({ "resume": waiting }))?;
    ensure!(made.value()?["title"] == "theirs", "{made:?}");
    mine.close()?;
    others.close()?;
    ground.close()
}

/// A server of scope `session` is a process for each client, and ends with it; where a protocol has no sessions, it is found again by
/// the token of an earlier answer.
fn scoped(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let demo =
        json!({ "demo": { "command": "witgate", "args": ["demo-server"], "scope": "session" } });
    let ground = Ground::new(transport, &demo, ALL, &[])?;
    // Issues are numbered on, as long as the process lives; and each leaves something to come back for.
    let code = r#"
        import { createIssue } from "mcp:demo";
        import { write } from "mcp:workspace";
        export default async () => {
          await write({ path: "x", value: 1 });
          return (await createIssue({ title: "x" })).number;
        };"#;
    let (mut one, mut other) = (ground.client(sdk)?, ground.client(sdk)?);
    for client in [&mut one, &mut other] {
        let first = client.run(code)?;
        ensure!(first.value()? == json!(10001), "{first:?}");
        let mut again = json!({ "code": code });
        if sdk.is_modern() {
            let alone = client.run(code)?;
            ensure!(alone.value()? == json!(10001), "{alone:?}");
            again["resume"] = json!(first.token()?);
        }
        let second = client.call("run", again)?;
        ensure!(second.value()? == json!(10002), "{second:?}");
    }
    one.close()?;
    other.close()?;
    if !sdk.is_modern() {
        // The one that was started to list its tools stays.
        let left = || {
            Ok(ground
                .stand
                .marked()
                .iter()
                .filter(|line| line.contains("demo-server"))
                .count()
                == 1)
        };
        eventually("their servers are gone", left)?;
    }
    ground.close()
}

/// Forty clients that each run several programs at the same time: every answer is its own.
fn crowd() -> anyhow::Result<()> {
    let ground = Ground::new(Transport::Http, &demo(), ALL, &["--max-runs", "4"])?;
    let url = ground.url()?;
    let code = r#"import { slowEcho } from "mcp:demo"; export default async (input) => slowEcho({ text: input, delay_ms: 20 });"#;
    let one = |client: usize| -> anyhow::Result<()> {
        for turn in 0..5 {
            let input = format!("client {client}, turn {turn}");
            let answer = post(
                url,
                &Modern::call("run", json!({ "code": code, "input": input }), json!({})),
            )?;
            let text = answer["result"]["content"][0]["text"].as_str();
            ensure!(text == Some(&json!(input).to_string()), "{input}: {answer}");
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..40)
            .map(|client| scope.spawn(move || one(client)))
            .collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().map_err(|_| anyhow::anyhow!("it broke"))?)
    })?;
    ensure!(
        ground.journal("slow_echo")?.len() == 200,
        "each call is in the journal"
    );
    ground.close()
}
