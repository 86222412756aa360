//! Sealed values on every way out: what the guest, a person, the journal and the recording get is a token, and only a tool
//! that may have the value gets it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use witgate_host::journal::recording::RECORDING_BYTES;
use witgate_host::{Finished, Journal, Recording, RunOptions};

use crate::ground::{Ground, Person, Reached, agreeable, no, program, rules, tool};

const EMAIL: &str = "ann.sealed@example.org";
const NUMBER: i64 = 4_711_471_147;

const GRANTS: &str = "
[[grant]]
server = 'suite'
tools = ['contact', 'echo', 'fails', 'rejects']
[[grant]]
server = 'suite'
tools = ['send_mail', 'gossip', 'refuses']
reveal = ['email', 'account']
[[seal]]
server = 'suite'
tools = ['contact']
fields = ['/email']
class = 'email'
[[seal]]
server = 'suite'
tools = ['contact']
fields = ['/account']
class = 'account'
";

async fn suite() -> Ground {
    let free = json!({ "to": {}, "data": {} });
    let failure =
        |text: String| json!({ "isError": true, "content": [{ "type": "text", "text": text }] });
    Ground::new(
        "suite",
        &json!({
            "tools": [
                tool("contact", &json!({})),
                tool("echo", &free),
                tool("send_mail", &json!({ "to": { "type": "string" }, "n": { "type": "integer" } })),
                tool("gossip", &free),
                tool("fails", &free),
                tool("rejects", &free),
                tool("refuses", &json!({ "to": { "type": "string", "maxLength": 3 } })),
            ],
            "answers": {
                "contact": { "name": "Ann", "email": EMAIL, "account": NUMBER },
                "gossip": { "said": format!("I told <{}> all, and {NUMBER} too", EMAIL.to_uppercase()), EMAIL: 1 },
                "fails": failure(format!("no mailbox {EMAIL}")),
                "rejects": { "rpcError": { "code": -32000, "message": format!("{EMAIL} is not known to {NUMBER}") } },
            },
        }),
    )
    .await
}

/// Everything that a run leaves behind.
#[derive(Clone, Default)]
struct Left(Arc<Mutex<Vec<u8>>>);

impl Write for Left {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A run, what reached the server, and all the text that it left: journal, recording, log lines, questions, and its result.
async fn left(
    ground: &Ground,
    source: &str,
    grants: &str,
    input: &Value,
) -> (Finished, Vec<Reached>, String) {
    let left = Left::default();
    let lines = left.clone();
    let person = agreeable();
    let options = RunOptions {
        asker: Some(person.clone()),
        journal: Arc::new(Journal::new(Box::new(left.clone()))),
        recording: Some(Arc::new(Recording::new(
            Box::new(left.clone()),
            RECORDING_BYTES,
        ))),
        log: Arc::new(move |_, text| lines.clone().write_all(text.as_bytes()).unwrap()),
        ..ground.options()
    };
    let prepared = ground.prepare(source, &rules(grants)).unwrap();
    let finished = prepared.run(&ground.host, input, options).await;
    let written = String::from_utf8_lossy(&left.0.lock().unwrap()).into_owned();
    let asked = serde_json::to_string(&*person.asked.lock().unwrap()).unwrap();
    let text = format!("{written}\n{asked}\n{finished:?}");
    (finished, ground.reached(), text)
}

fn holds_plaintext(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains(EMAIL) || text.contains("ann.sealed") || text.contains(&NUMBER.to_string())
}

#[tokio::test]
async fn a_token_goes_in_clear_to_the_tool_that_may_have_it_and_nowhere_else() {
    let ground = suite().await;
    let source = program(
        "contact, sendMail, echo, gossip, fails, rejects, refuses",
        "const { email, account } = await contact(); console.log(email, account, JSON.stringify({ email }));\n\
         const ends = [email, account];\n\
         for (const call of [\n\
           () => sendMail({ to: email, n: account }),\n\
           () => sendMail({ to: `Dear ${email}` }),\n\
           () => gossip({ to: email, data: [account, { deep: email }] }),\n\
           () => gossip({ to: { [email]: 1, x: email + email } }),\n\
           () => echo({ to: email }),\n\
           () => echo({ to: `x${email}` , data: { [email]: email.split('') } }),\n\
           () => fails({}), () => rejects({}), () => refuses({ to: email }),\n\
         ]) { const end = await attempt(call); console.log(JSON.stringify(end)); ends.push(end); }\n\
         return ends;",
    );
    for more in ["", "\n[[seal]]\nserver = '*'\ndetect = ['email']\n"] {
        let grants = format!("{GRANTS}{more}");
        let (finished, reached, text) = left(&ground, &source, &grants, &Value::Null).await;
        let ends = finished.result.unwrap();
        assert!(!holds_plaintext(&text), "{text}");
        let (email, account) = (ends[0].as_str().unwrap(), ends[1].as_str().unwrap());
        assert!(email.starts_with("sealed:email:") && account.starts_with("sealed:account:"));
        let clear: Vec<(&str, bool)> = reached
            .iter()
            .map(|(tool, args)| (tool.as_str(), holds_plaintext(&args.to_string())))
            .collect();
        assert_eq!(
            clear,
            [
                ("contact", false),
                ("send_mail", true),
                // Within a longer text it stays a token.
                ("send_mail", false),
                ("gossip", true),
                ("gossip", false),
                // The echo without `reveal` got no call with a token of its own, only one that spells it out.
                ("echo", false),
                ("fails", false),
                ("rejects", false),
            ],
            "{reached:#?}"
        );
        assert_eq!(reached[1].1, json!({ "to": EMAIL, "n": NUMBER }));
        assert_eq!(
            ends[2],
            json!({ "to": email, "n": account }),
            "an echo comes back sealed"
        );
        assert_eq!(ends[6]["kind"], "denied", "{ends}");
        assert!(
            ends[8]["message"]
                .as_str()
                .unwrap()
                .contains("sealed:email:"),
            "{ends}"
        );
        assert!(
            ends[9]["message"].as_str().unwrap().contains("sealed:"),
            "{ends}"
        );
        assert_eq!(ends[10]["kind"], "invalid-arguments", "{ends}");
    }
}

#[tokio::test]
async fn a_token_that_is_forged_or_of_another_run_opens_nothing() {
    let ground = suite().await;
    let token = program("contact", "return (await contact()).email;");
    let (first, ..) = left(&ground, &token, GRANTS, &Value::Null).await;
    let other_run = first.result.unwrap();
    let send = program(
        "contact, sendMail",
        "const own = (await contact()).email;\n\
         const flip = own.slice(0, -1) + (own.endsWith('a') ? 'e' : 'a');\n\
         return [await attempt(() => sendMail({ to: input })), await attempt(() => sendMail({ to: flip })), await attempt(() => sendMail({ to: own.replace('email', 'account') }))];",
    );
    for forged in [
        other_run,
        json!("sealed:email:aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        json!("sealed:nobody:aaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ] {
        let (finished, reached, _) = left(&ground, &send, GRANTS, &forged).await;
        assert_eq!(reached, [("contact".to_owned(), json!({}))]);
        for end in finished.result.unwrap().as_array().unwrap() {
            assert_eq!(end["kind"], "invalid-arguments", "{end}");
        }
    }
}

#[tokio::test]
async fn a_condition_sees_the_value_and_tells_nobody() {
    let ground = suite().await;
    let source = program(
        "contact, sendMail",
        "const { email, account } = await contact(); return [email, await attempt(() => sendMail({ to: email, n: account }))];",
    );
    let base = GRANTS.replace("tools = ['send_mail', ", "tools = [");
    let send =
        "[[grant]]\nserver = 'suite'\ntools = ['send_mail']\nreveal = ['email', 'account']\n";
    for (when, goes) in [
        (
            format!("context.args has to && context.args.to == \"{EMAIL}\""),
            true,
        ),
        (
            "context.args has to && context.args.to like \"sealed:*\"".to_owned(),
            false,
        ),
        (
            format!("context.args has n && context.args.n == {NUMBER}"),
            true,
        ),
        // Cedar tells the numbers when it cannot count on.
        (
            "context.args has n && context.args.n * 9000000000000 > 0".to_owned(),
            false,
        ),
    ] {
        let grants = format!("{base}{send}when = '{when}'\n");
        let (finished, reached, text) = left(&ground, &source, &grants, &Value::Null).await;
        assert_eq!(
            reached.len(),
            if goes { 2 } else { 1 },
            "{when}: {finished:?}"
        );
        // What the person wrote into the grants themselves is no secret to them.
        let text = text
            .replace(&when, "WHEN")
            .replace(&when.replace('"', "\\\""), "WHEN");
        let text = text
            .replace(&when.replace('"', "\\\\\""), "WHEN")
            .replace(&when.replace('"', "\\\\\\\""), "WHEN");
        assert!(!holds_plaintext(&text), "{when}: {text}");
    }
}

#[tokio::test]
async fn a_person_is_asked_about_tokens_and_a_no_reaches_nobody() {
    let ground = suite().await;
    let source = program(
        "contact, sendMail",
        "const { email } = await contact(); return [email, await attempt(() => sendMail({ to: email }))];",
    );
    let grants = GRANTS.replace("reveal =", "approve = 'each'\nreveal =");
    let (finished, reached, text) = left(&ground, &source, &grants, &Value::Null).await;
    let value = finished.result.unwrap();
    assert_eq!(reached[1].1, json!({ "to": EMAIL }));
    assert!(!holds_plaintext(&text) && text.contains(value[0].as_str().unwrap()));
    let person = Person::new(|_, _| no());
    let options = RunOptions {
        asker: Some(person.clone()),
        ..ground.options()
    };
    let finished = ground.go(&source, &grants, options).await;
    assert_eq!(ground.reached(), [("contact".to_owned(), json!({}))]);
    assert!(!holds_plaintext(&format!(
        "{finished:?} {:?}",
        person.asked
    )));
}

#[tokio::test]
async fn what_the_host_says_itself_is_not_sealed_away() {
    let ground = suite().await;
    let source = program(
        "contact, echo",
        "await contact(); return attempt(() => echo({ to: 'bob@example.org' }));",
    );
    let grants = "[[grant]]\nserver = 'suite'\ntools = ['contact']\n[[grant]]\nserver = 'suite'\ntools = ['echo']\nmax_calls = 0\n\
        [[seal]]\nserver = '*'\nfields = ['/*']\ndetect = ['email']\n";
    let (finished, reached, _) = left(&ground, &source, grants, &Value::Null).await;
    assert_eq!(reached.len(), 1);
    let hint = finished.result.unwrap()["detail"]["hint"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        hint.starts_with("# ") || hint.starts_with("[[grant]]"),
        "{hint}"
    );
}
