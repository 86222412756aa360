//! Calls that need a person: a form at the client, in both generations of the protocol, or `witgate approvals` where the client
//! shows none. What was approved reaches the server, and nothing else.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::client::{Answer, Client, Sdk};
use crate::ground::{Ground, Transport, demo};
use crate::http::{Modern, post};
use crate::{BOTH, Case, each};

const GRANTS: &str = r#"
[[grant]]
server = "demo"
tools = ["create_issue", "update_issue"]
approve = "batch"
"#;

/// Three calls that wait together.
const THREE: &str = r#"
import { createIssue } from "mcp:demo";
export default async (input) => {
  const made = await Promise.allSettled(input.map((title) => createIssue({ title })));
  return made.map(({ value, reason }) => value?.title ?? `${reason.kind}: ${reason.message}`);
};
"#;

/// A call that waits for what another brings.
const TWO_ROUNDS: &str = r#"
import { createIssue, updateIssue } from "mcp:demo";
export default async () => {
  const { number } = await createIssue({ title: "first" });
  const { title } = await updateIssue({ number, title: "second" });
  return title;
};
"#;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = each("a form", &Sdk::ALL, &BOTH, &[], form);
    cases.extend(each(
        "two forms of one run",
        &Sdk::ALL,
        &BOTH,
        &[],
        two_rounds,
    ));
    cases.extend(each("no form", &Sdk::ALL, &BOTH, &[], queue));
    cases.push(Case::new("a form that is answered oddly", vec![], rounds));
    cases
}

/// With the demo server's calls written down.
fn ground(transport: Transport, grants: &str) -> anyhow::Result<Ground> {
    let mut ground = Ground::prepared(&demo(), grants)?;
    let got = ground.stand.folder().join("got").display().to_string();
    ground.stand.set("WITGATE_DEMO_TRANSCRIPT", got);
    if transport == Transport::Http {
        ground.start(&[])?;
    }
    Ok(ground)
}

/// The titles that reached the server, sorted.
fn arrived(ground: &Ground) -> anyhow::Result<Vec<String>> {
    let calls = ground.stand.lines("got")?;
    let titles = calls.iter().map(|call| {
        call["arguments"]["title"]
            .as_str()
            .unwrap_or("?")
            .to_owned()
    });
    let mut titles: Vec<String> = titles.collect();
    titles.sort();
    Ok(titles)
}

fn answered(client: &mut Client, id: u64, result: &Value) -> anyhow::Result<(String, Answer)> {
    let form = client.event(&["form"])?;
    client.ask("answer", json!({ "form": form["form"], "result": result }))?;
    let message = form["params"]["message"]
        .as_str()
        .context("a message")?
        .to_owned();
    let fields = &form["params"]["requestedSchema"]["properties"]["decision"];
    ensure!(
        fields["enum"] == json!(["approve all", "deny all", "deny some"]),
        "{form}"
    );
    Ok((message, client.answer(id)?))
}

fn form(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let ground = ground(transport, GRANTS)?;
    let mut client = ground.client(sdk)?;
    let mut ask = |titles: [&str; 3], answer: Value| -> anyhow::Result<(String, Value)> {
        let id = client.start_run(json!({ "code": THREE, "input": titles }))?;
        let (message, ran) = answered(&mut client, id, &answer)?;
        Ok((message, ran.value()?))
    };
    let (message, all) = ask(
        ["a1", "a2", "a3"],
        json!({ "action": "accept", "content": { "decision": "approve all" } }),
    )?;
    ensure!(all == json!(["a1", "a2", "a3"]), "{all}");
    let shown = [
        "demo/create_issue",
        r#"{"title":"a1"}"#,
        r#"{"title":"a2"}"#,
        r#"{"title":"a3"}"#,
    ];
    ensure!(shown.iter().all(|part| message.contains(part)), "{message}");
    ensure!(
        arrived(&ground)? == ["a1", "a2", "a3"],
        "{:?}",
        arrived(&ground)?
    );

    let none = [
        json!({ "action": "decline" }),
        json!({ "action": "cancel" }),
        json!({ "action": "accept", "content": { "decision": "deny all" } }),
    ];
    for answer in none {
        let (_, denied) = ask(["b1", "b2", "b3"], answer.clone())?;
        let denied = denied.as_array().context("a list")?;
        let is_denied = |it: &Value| it.as_str().is_some_and(|it| it.starts_with("denied: "));
        ensure!(
            denied.len() == 3 && denied.iter().all(is_denied),
            "{answer}: {denied:?}"
        );
    }
    ensure!(arrived(&ground)?.len() == 3, "{:?}", arrived(&ground)?);

    let some = json!({ "decision": "deny some", "deny_numbers": "2", "reason": "spam" });
    let (_, partly) = ask(
        ["c1", "c2", "c3"],
        json!({ "action": "accept", "content": some }),
    )?;
    ensure!(partly[0] == "c1" && partly[2] == "c3", "{partly}");
    ensure!(
        partly[1]
            .as_str()
            .is_some_and(|it| it.starts_with("denied: ")),
        "{partly}"
    );
    ensure!(
        arrived(&ground)? == ["a1", "a2", "a3", "c1", "c3"],
        "{:?}",
        arrived(&ground)?
    );
    let denied = ground
        .journal("create_issue")?
        .into_iter()
        .filter(|record| record["verdict"] == "denied");
    ensure!(
        denied.count() == 10,
        "three, three, three and one were denied"
    );
    client.close()?;
    ground.close()
}

fn two_rounds(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let ground = ground(transport, GRANTS)?;
    let mut client = ground.client(sdk)?;
    let yes = json!({ "action": "accept", "content": { "decision": "approve all" } });
    let id = client.start_run(json!({ "code": TWO_ROUNDS }))?;
    let first = client.event(&["form"])?;
    // The call is under way meanwhile, and its client is told why nothing comes. (Python's hears nothing while it shows a form.)
    if sdk == Sdk::TypeScript1 {
        let mut told = String::new();
        while !told.contains("waits for the person") {
            told = client.event(&["progress"])?["message"].to_string();
        }
    }
    client.ask("answer", json!({ "form": first["form"], "result": yes }))?;
    let (message, ran) = answered(&mut client, id, &yes)?;
    ensure!(message.contains("demo/update_issue"), "{message}");
    ensure!(ran.value()? == "second", "{ran:?}");
    // A run that a person keeps waiting can be given up; their yes comes too late then.
    let id = client.start_run(json!({ "code": TWO_ROUNDS }))?;
    let late = client.event(&["form"])?;
    client.ask("abort", json!({ "of": id }))?;
    client.ask("answer", json!({ "form": late["form"], "result": yes }))?;
    ensure!(client.reply(id)?.is_err(), "an aborted call has no result");
    client.close()?;
    ensure!(
        arrived(&ground)? == ["first", "second"],
        "{:?}",
        arrived(&ground)?
    );
    ground.close()
}

/// The question's id, from what the model is told to tell its person.
fn question(answer: &Answer) -> anyhow::Result<String> {
    let (_, rest) = answer
        .text()
        .split_once("`witgate approvals show ")
        .with_context(|| format!("{answer:?}"))?;
    Ok(rest.split('`').next().unwrap_or("").to_owned())
}

fn queue(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let ground = ground(transport, GRANTS)?;
    let mut client = ground.mute_client(sdk)?;
    let approvals = |arguments: &[&str]| -> anyhow::Result<String> {
        let words: Vec<&str> = ["approvals"].iter().chain(arguments).copied().collect();
        let output = ground.stand.run(&words)?;
        ensure!(output.code == Some(0), "{words:?}: {output:?}");
        Ok(output.stdout)
    };
    for (words, expected) in [
        (&["approve"][..], ["x", "y", "z"]),
        (&["approve", "--only", "1,3"][..], ["x", "denied", "z"]),
        (&["deny"][..], ["denied", "denied", "denied"]),
    ] {
        let waits = client.call("run", json!({ "code": THREE, "input": ["x", "y", "z"] }))?;
        ensure!(
            waits
                .text()
                .starts_with("The run waits: the person has to approve 3 calls."),
            "{waits:?}"
        );
        let (id, token) = (question(&waits)?, waits.token()?);
        ensure!(
            approvals(&["show", &id])?.contains(r#"{"title":"y"}"#),
            "it is shown"
        );
        let mut command = vec![words[0], id.as_str()];
        command.extend(&words[1..]);
        approvals(&command)?;
        let ran = client.call("run", json!({ "resume": token }))?.value()?;
        let ran = ran.as_array().context("a list")?;
        let fits =
            |(it, expected): (&Value, &str)| it.as_str().is_some_and(|it| it.starts_with(expected));
        ensure!(ran.iter().zip(expected).all(fits), "{words:?}: {ran:?}");
        // A token is good once.
        let again = client.call("run", json!({ "resume": token }))?;
        ensure!(
            again.is_error && again.text().contains("nothing waits under this token"),
            "{again:?}"
        );
    }
    ensure!(
        arrived(&ground)? == ["x", "x", "y", "z", "z"],
        "{:?}",
        arrived(&ground)?
    );
    client.close()?;
    ground.close()
}

/// What no SDK sends: states of nobody, answers to nothing.
fn rounds() -> anyhow::Result<()> {
    let ground = ground(Transport::Http, GRANTS)?;
    let url = ground.url()?.to_owned();
    let call = |more: Value| {
        post(
            &url,
            &Modern::call(
                "run",
                json!({ "code": THREE, "input": ["a", "b", "c"] }),
                more,
            ),
        )
    };
    let state_of = |result: &Value| -> anyhow::Result<String> {
        ensure!(
            result["result"]["resultType"] == "input_required",
            "{result}"
        );
        ensure!(
            result["result"]["inputRequests"]["approval"]["method"] == "elicitation/create",
            "{result}"
        );
        Ok(result["result"]["requestState"]
            .as_str()
            .context("a state")?
            .to_owned())
    };
    let yes =
        json!({ "approval": { "action": "accept", "content": { "decision": "approve all" } } });

    let state = state_of(&call(json!({}))?)?;
    for tampered in [
        format!("{state}0"),
        state.replace('.', ""),
        state.to_uppercase() + "x",
        String::new(),
        "../x".to_owned(),
    ] {
        let refused = call(json!({ "requestState": tampered, "inputResponses": yes }))?;
        ensure!(refused["error"]["code"] == -32602, "{tampered}: {refused}");
    }
    // Who comes back without the answer is asked again; what the server did not ask for is left aside.
    let again = state_of(&call(
        json!({ "requestState": state, "inputResponses": { "other": yes["approval"] } }),
    )?)?;
    let once_more = state_of(&call(json!({ "requestState": again }))?)?;
    let mut extra = yes.clone();
    extra["other"] = yes["approval"].clone();
    let ran = call(json!({ "requestState": once_more, "inputResponses": extra }))?;
    ensure!(
        ran["result"]["content"][0]["text"] == r#"["a","b","c"]"#,
        "{ran}"
    );
    let replayed = call(json!({ "requestState": once_more, "inputResponses": yes }))?;
    ensure!(replayed["error"]["code"] == -32602, "{replayed}");

    // An answer that is none is a no.
    for odd in [
        json!({ "action": "yes" }),
        json!({ "action": "accept" }),
        json!({ "action": "accept", "content": { "decision": "APPROVE ALL" } }),
        json!("accept"),
    ] {
        let state = state_of(&call(json!({}))?)?;
        let ran = call(json!({ "requestState": state, "inputResponses": { "approval": odd } }))?;
        let text = ran.to_string();
        ensure!(
            text.contains("denied: ") || ran["error"]["code"] == -32602,
            "{odd}: {ran}"
        );
    }
    ensure!(
        arrived(&ground)? == ["a", "b", "c"],
        "{:?}",
        arrived(&ground)?
    );
    ground.close()
}
