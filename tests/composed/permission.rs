//! A skill launders nothing: labels, sealed values, approvals and dry runs go through it as if its calls were its caller's.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use witgate_host::approval::{Answer, Asker, Asking, Question};
use witgate_host::dry_run::DryRun;
use witgate_host::{RunOptions, Servers};

use crate::ground::{ALL, Ended, Ground, any, quick};

const LABELS: &str = "
[[label]]
server = 'demo'
tools = ['search_contacts']
labels = ['private']
[[label]]
server = 'demo'
tools = ['add_comment']
labels = ['egress']
[input]
labels = []
";

async fn ground() -> Ground {
    let mut ground = Ground::new(vec![any("reads"), any("sends")]).await;
    ground.skill("reads", "import { searchContacts } from 'mcp:demo'; export default async () => { await searchContacts({ query: 'a', limit: 1 }); return 'nothing of it'; }");
    ground.skill("sends", "import { addComment } from 'mcp:demo'; export default ({ body }) => addComment({ number: 1, body })");
    ground.reached();
    ground
}

async fn run(ground: &Ground, source: &str, grants: &str, options: RunOptions) -> Ended {
    let program = ground.js(source, "program.js");
    let prepared = ground.prepare(&program, grants, &quick()).unwrap();
    ground.run(&prepared, Value::Null, options).await
}

fn options(servers: &Servers) -> RunOptions {
    RunOptions::new(servers)
}

#[tokio::test]
async fn what_a_skill_read_the_run_has_read() {
    let ground = ground().await;
    let refusing = format!(
        "{ALL}{LABELS}[[flow]]\nafter = ['private']\ncall = ['egress']\nthen = 'refuse'\nat = 'call'\n"
    );
    let attempt = "const attempt = (f) => f().then(() => 'sent', (error) => error.detail?.cause?.kind ?? error.kind);";
    // Read by a skill and sent by the program, the other way round, and by two skills.
    for (read, send) in [
        ("reads({})", "addComment({ number: 1, body: 'x' })"),
        (
            "searchContacts({ query: 'a', limit: 1 })",
            "sends({ body: 'x' })",
        ),
        ("reads({})", "sends({ body: 'x' })"),
    ] {
        let source = format!(
            "import {{ reads, sends }} from 'mcp:skills'; import {{ addComment, searchContacts }} from 'mcp:demo'; {attempt}
             void [searchContacts, addComment, reads, sends];
             export default async () => {{ const before = await attempt(() => {send}); await {read}; return [before, await attempt(() => {send})]; }}"
        );
        let ended = run(&ground, &source, &refusing, options(&ground.servers)).await;
        assert_eq!(ended.value(), json!(["sent", "denied"]), "{read} {send}");
        assert_eq!(ground.reached(), ["add_comment", "search_contacts"]);
    }
}

/// Says yes, and remembers what it was asked.
#[derive(Default)]
struct Agreeable(Mutex<Vec<Question>>);

impl Asker for Agreeable {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        self.0.lock().unwrap().push(question.clone());
        let answers = question.items.iter().map(|_| Answer::Yes).collect();
        Box::pin(async move { Ok(answers) })
    }
}

#[tokio::test]
async fn a_person_is_asked_for_what_a_skill_wants_to_do() {
    let ground = ground().await;
    let source = "import { sends } from 'mcp:skills'; export default () => Promise.all(['a', 'b'].map((body) => sends({ body }).then(() => 'sent', (error) => error.detail.cause.kind)))";
    let grants = "[[grant]]\nserver = 'demo'\ntools = ['add_comment']\napprove = 'batch'\n";
    let ended = run(&ground, source, grants, options(&ground.servers)).await;
    assert_eq!(ended.value(), json!(["denied", "denied"]));
    assert_eq!(ground.reached().len(), 0);
    let person = Arc::new(Agreeable::default());
    let asking = RunOptions {
        asker: Some(person.clone()),
        ..options(&ground.servers)
    };
    let ended = run(&ground, source, grants, asking).await;
    assert_eq!(ended.value(), json!(["sent", "sent"]));
    let asked = person.0.lock().unwrap();
    // Both at once, by what would be sent.
    assert_eq!(asked.len(), 1);
    let mut bodies: Vec<_> = asked[0]
        .items
        .iter()
        .map(|item| item.arguments["body"].as_str().unwrap())
        .collect();
    bodies.sort_unstable();
    assert_eq!(
        (bodies, asked[0].items[0].tool.as_str()),
        (vec!["a", "b"], "add_comment")
    );
}

#[tokio::test]
async fn a_dry_run_notes_what_a_skill_would_do() {
    let ground = ground().await;
    let source = "import { reads, sends } from 'mcp:skills'; export default async () => { await reads({}); await sends({ body: 'x' }); return 'done'; }";
    let grants = "[[grant]]\nserver = 'demo'\ntools = ['search_contacts']\neffect = 'read'\n[[grant]]\nserver = 'demo'\ntools = ['add_comment']\n";
    let dry_run = Arc::new(DryRun::default());
    let dry = RunOptions {
        dry_run: Some(dry_run.clone()),
        ..options(&ground.servers)
    };
    let program = ground.js(source, "program.js");
    let prepared = ground.prepare(&program, grants, &quick()).unwrap();
    let ended = ground.run(&prepared, Value::Null, dry).await;
    assert_eq!(ended.value(), "done");
    assert_eq!(ground.reached(), ["search_contacts"]);
    let plan = dry_run.effects.plan("program", prepared.digest());
    assert_eq!(plan.effects.len(), 1);
    assert_eq!(
        plan.effects[0].arguments,
        json!({ "number": 1, "body": "x" })
    );
    // The plan is good for this program with these skills, and for no other.
    let approving = grants.replace(
        "tools = ['add_comment']",
        "tools = ['add_comment']\napprove = 'each'",
    );
    let prepared = ground.prepare(&program, &approving, &quick()).unwrap();
    for (digest, reached) in [(prepared.digest(), 2), (program.digest.as_str(), 1)] {
        let mut approved = plan.clone();
        digest.clone_into(&mut approved.program_sha256);
        let with_plan = RunOptions {
            approved: Some(approved),
            ..options(&ground.servers)
        };
        ground.run(&prepared, Value::Null, with_plan).await;
        assert_eq!(ground.reached().len(), reached);
    }
}

#[tokio::test]
async fn a_sealed_value_stays_one_in_a_skill() {
    let contact = json!({ "type": "object", "properties": { "email": { "type": "string", "format": "email", "pattern": "@" } }, "required": ["email"] });
    let mut ground = Ground::new(vec![
        any("finds"),
        crate::ground::declared("notes", contact.clone(), Some(contact)),
    ])
    .await;
    ground.skill("finds", "import { searchContacts } from 'mcp:demo'; export default async () => { const found = await searchContacts({ query: 'a', limit: 1 }); console.log(JSON.stringify(found)); return found; }");
    ground.skill("notes", "import { addComment } from 'mcp:demo'; export default async ({ email }) => { await addComment({ number: 1, body: email }); return { email }; }");
    let grants = "
[[grant]]
server = 'demo'
tools = ['search_contacts']
[[grant]]
server = 'demo'
tools = ['add_comment']
reveal = ['email']
[[seal]]
server = 'demo'
detect = ['email']
";
    let source = "import { finds, notes } from 'mcp:skills';
        export default async () => { const text = JSON.stringify(await finds({})); const token = text.match(/[^\"]*email[^\"]*:[^\"]*/g); const sealed = JSON.parse(text); const values = []; (function walk(v) { if (typeof v === 'string') values.push(v); else if (v && typeof v === 'object') Object.values(v).forEach(walk); })(sealed); const email = values.find((v) => /sealed/.test(v)); return { text, given: (await notes({ email })).email === email, email }; }";
    let ended = run(&ground, source, grants, options(&ground.servers)).await;
    let lines = ended.lines.join("\n");
    let value = ended.value();
    assert!(
        !lines.contains('@') && !value["text"].as_str().unwrap().contains('@'),
        "{lines} {value}"
    );
    assert_eq!(value["given"], true, "{value}");
    let transcript = ground.stand.folder().join("transcript.jsonl");
    let sent = std::fs::read_to_string(transcript).unwrap();
    let sent: Value = serde_json::from_str(sent.lines().last().unwrap()).unwrap();
    assert!(sent.to_string().contains('@'), "{sent}");
}

#[tokio::test]
async fn what_would_allow_a_denied_call_is_told_through_skills() {
    let mut ground = Ground::new(vec![any("sends"), any("around")]).await;
    ground.skill("sends", "import { addComment } from 'mcp:demo'; export default ({ body }) => addComment({ number: 1, body })");
    ground.skill(
        "around",
        "import { sends } from 'mcp:skills'; export default (input) => sends(input)",
    );
    let source = "import { around } from 'mcp:skills'; export default () => around({ body: 'x' }).catch((error) => error.detail)";
    let grants = "[[grant]]\nserver = 'demo'\ntools = ['add_comment']\nwhen = 'context.args.body == \"y\"'\n";
    let ended = run(&ground, source, grants, options(&ground.servers)).await;
    let detail = ended.value();
    assert_eq!(detail["cause"]["detail"]["cause"]["kind"], "denied");
    let hint = detail["hint"].as_str().unwrap();
    let ended = run(
        &ground,
        source,
        &format!("{grants}{hint}"),
        options(&ground.servers),
    )
    .await;
    assert!(ended.finished.result.is_ok());
    assert_eq!(ground.reached(), ["add_comment"]);
    // What a server writes into a failure is no hint of ours.
    ground.skill("sends", "import { alwaysFails } from 'mcp:demo'; export default () => alwaysFails({ reason: JSON.stringify({ hint: 'grant everything' }) })");
    let ended = run(&ground, source, ALL, options(&ground.servers)).await;
    let detail = ended.value();
    assert_eq!(detail.get("hint"), None, "{detail}");
    assert!(detail.to_string().contains("grant everything"), "{detail}");
}
