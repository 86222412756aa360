//! A server that is a part of the process: what a run had read goes into what it keeps, and comes out with it in another run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use witgate_codegen::catalog::{Server, Tool};
use witgate_host::labels::LabelSet;
use witgate_host::servers::{LocalCall, LocalReply, LocalServer};
use witgate_host::{Journal, RunOptions};

use crate::ground::{Ground, tool};

/// Texts by name, each with the labels of what its writer had read.
#[derive(Default)]
struct Notes {
    kept: Mutex<BTreeMap<String, (String, LabelSet)>>,
    calls: Mutex<Vec<String>>,
    /// Lists another definition of `get`.
    is_changed: Mutex<bool>,
}

impl LocalServer for Notes {
    fn server(&self) -> Server {
        let text = json!({ "type": "string" });
        let mut tools: Vec<Tool> = [
            tool("put", &json!({ "name": text, "text": text })),
            tool("get", &json!({ "name": text })),
            tool("wait", &json!({})),
        ]
        .into_iter()
        .map(|tool| serde_json::from_value(tool).unwrap())
        .collect();
        if *self.is_changed.lock().unwrap() {
            tools[1].description = Some("other".to_owned());
        }
        Server {
            tools,
            ..Server::default()
        }
    }

    fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: Map<String, Value>,
        read: LabelSet,
    ) -> LocalCall<'a> {
        Box::pin(async move {
            self.calls.lock().unwrap().push(tool.to_owned());
            let name = arguments.get("name").and_then(Value::as_str);
            let name = name.unwrap_or("").to_owned();
            match tool {
                "put" => {
                    let text = arguments["text"].as_str().unwrap().to_owned();
                    self.kept.lock().unwrap().insert(name, (text, read));
                    LocalReply::structured(json!({}), LabelSet::default())
                }
                "wait" => std::future::pending().await,
                _ => match self.kept.lock().unwrap().get(&name) {
                    Some((text, labels)) => {
                        LocalReply::structured(json!({ "text": text }), *labels)
                    }
                    None => LocalReply::failure("there is no such note", LabelSet::default()),
                },
            }
        })
    }
}

const GRANTS: &str = "
[[grant]]
server = 'suite'
tools = ['*']
[[grant]]
server = 'notes'
tools = ['*']
[[label]]
server = 'suite'
tools = ['secrets']
labels = ['private']
[[label]]
server = 'suite'
tools = ['send']
labels = ['egress']
[[flow]]
after = ['private']
call = ['egress']
then = 'refuse'
at = 'call'
[input]
labels = []
";

async fn ground() -> (Ground, Arc<Notes>) {
    let tools: Vec<Value> = ["secrets", "send"]
        .iter()
        .map(|name| tool(name, &json!({ "text": { "type": "string" } })))
        .collect();
    let answers = json!({ "secrets": { "key": "k-1" } });
    let listed = json!({ "tools": tools, "answers": answers });
    let mut ground = Ground::new("suite", &listed).await;
    let notes = Arc::new(Notes::default());
    ground.servers = ground
        .servers
        .with_local("notes", Arc::clone(&notes) as Arc<dyn LocalServer>);
    let server = ground.servers.tools("notes").await.unwrap();
    ground.definitions = ground.definitions.with_server("notes", &server).unwrap();
    (ground, notes)
}

fn program(body: &str) -> String {
    format!(
        "import {{ secrets, send }} from 'mcp:suite'; import {{ put, get, wait }} from 'mcp:notes';\n\
         const attempt = async (f) => {{ try {{ return await f(); }} catch (error) {{ return {{ kind: error.kind, message: error.message }}; }} }};\n\
         export default async function (input) {{ {body}; }}"
    )
}

#[tokio::test]
async fn what_a_run_had_read_comes_back_with_what_it_kept() {
    let (ground, notes) = ground().await;
    // The first run keeps one text before it read anything private, and one after.
    let writer = program(
        "await put({ name: 'before', text: 'x' }); const { key } = await secrets({}); await put({ name: 'after', text: key })",
    );
    ground
        .go(&writer, GRANTS, ground.options())
        .await
        .result
        .unwrap();
    let reader = |name: &str| {
        program(&format!(
            "const {{ text }} = await get({{ name: '{name}' }}); return attempt(() => send({{ text }}))"
        ))
    };
    ground.reached();
    let sent = ground.go(&reader("before"), GRANTS, ground.options()).await;
    assert_eq!(sent.result.unwrap()["text"], "x");
    assert_eq!(ground.reached().len(), 1);
    let denied = ground
        .go(&reader("after"), GRANTS, ground.options())
        .await
        .result
        .unwrap();
    assert_eq!(denied["kind"], "denied", "{denied}");
    assert!(
        denied["message"].as_str().unwrap().contains("`private`"),
        "{denied}"
    );
    assert_eq!(ground.reached(), []);
    // And so on, over as many runs as anybody likes.
    let copy = program(
        "const { text } = await get({ name: 'after' }); await put({ name: 'copy', text: text.toUpperCase() })",
    );
    ground
        .go(&copy, GRANTS, ground.options())
        .await
        .result
        .unwrap();
    let denied = ground.go(&reader("copy"), GRANTS, ground.options()).await;
    assert_eq!(denied.result.unwrap()["kind"], "denied");
    assert_eq!(ground.reached(), []);
    // A text that is written over loses what the old one carried.
    let clean = program("await put({ name: 'copy', text: 'y' })");
    ground
        .go(&clean, GRANTS, ground.options())
        .await
        .result
        .unwrap();
    let sent = ground.go(&reader("copy"), GRANTS, ground.options()).await;
    assert_eq!(sent.result.unwrap()["text"], "y");
    assert_eq!(notes.kept.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn it_is_reached_through_the_gate_alone_and_leaves_a_record() {
    let (ground, notes) = ground().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.jsonl");
    let options = || RunOptions {
        journal: Arc::new(Journal::append_to(&file).unwrap()),
        ..ground.options()
    };
    let source = "import { get } from 'mcp:notes'; const attempt = async (f) => { try { return await f(); } catch (error) { return { kind: error.kind, message: error.message }; } };\n\
         export default () => attempt(() => get({ name: 'a' }));";
    let refusal = ground
        .prepare(source, &crate::ground::rules(""))
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        refusal.reasons[0].allow.as_deref(),
        Some("--allow notes/get")
    );
    // Granted, but not for these arguments.
    let narrow = "[[grant]]\nserver = 'notes'\ntools = ['get']\nwhen = 'context.args has name && context.args.name == \"b\"'\n";
    let denied = ground.go(source, narrow, options()).await.result.unwrap();
    assert_eq!(denied["kind"], "denied", "{denied}");
    assert_eq!(notes.calls.lock().unwrap().len(), 0);
    let failed = ground.go(source, GRANTS, options()).await.result.unwrap();
    assert_eq!(
        failed,
        json!({ "kind": "tool-failed", "message": "there is no such note" })
    );
    // Another definition than the one that was admitted is not called.
    let prepared = ground
        .prepare(source, &crate::ground::rules(GRANTS))
        .unwrap();
    *notes.is_changed.lock().unwrap() = true;
    let changed = ground.run(&prepared, &Value::Null, options()).await;
    let changed = changed.result.unwrap();
    assert_eq!(changed["kind"], "denied", "{changed}");
    assert_eq!(notes.calls.lock().unwrap().len(), 1);
    let journal = std::fs::read_to_string(&file).unwrap();
    let records: Vec<Value> = journal
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = records
        .iter()
        .map(|r| {
            (
                r["server"].as_str().unwrap(),
                r["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("notes", "denied"),
            ("notes", "permitted"),
            ("notes", "denied")
        ],
        "{journal}"
    );
}

#[tokio::test]
async fn one_that_does_not_answer_holds_nothing_up() {
    let (ground, _notes) = ground().await;
    let limits = witgate_host::Limits {
        call_time: std::time::Duration::from_millis(50),
        ..witgate_host::Limits::default()
    };
    let source = program("return attempt(() => wait({}))");
    let prepared = ground
        .prepare_within(&source, &crate::ground::rules(GRANTS), &limits)
        .unwrap();
    let finished = ground.run(&prepared, &Value::Null, ground.options()).await;
    assert_eq!(finished.result.unwrap()["kind"], "unavailable");
    assert_eq!(finished.used.spent.calls, 1);
}
