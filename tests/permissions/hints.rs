//! What a refusal, a denial or a missing yes says, word for word in `texts.txt`, and that the lines which each of them hints
//! at do what they promise: pasted at the end of the grants file, they let the same program through.
//! `WITGATE_BLESS=1 cargo test --workspace --test permissions hints` writes the file anew.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use witgate_host::approval::{Answer, AskError, Asker, Asking, Question};
use witgate_host::grants::Policy;
use witgate_host::{Grants, Limits, RunError, RunOptions};

use crate::ground::{Ground, Person, no, program, rules, tool};

const SEALED: &str = "[[seal]]\nserver = 'suite'\ntools = ['contact']\nfields = ['/email']\nclass = 'email'\n\
    [[seal]]\nserver = 'suite'\ntools = ['contact']\nfields = ['/phone']\nclass = 'phone'\n\
    [[grant]]\nserver = 'suite'\ntools = ['contact']\n";

const FLOW: &str = "[[label]]\nserver = 'suite'\ntools = ['read_page']\nlabels = ['untrusted']\n\
    [[label]]\nserver = 'suite'\ntools = ['write_note']\nlabels = ['egress', 'note']\n\
    [input]\nlabels = []\n\
    [[grant]]\nserver = 'suite'\ntools = ['read_page']\n";

const ONCE: &str = "return attempt(() => writeNote({ text: 'x', n: 1 }));";
const TWICE: &str =
    "await writeNote({ text: 'x', n: 1 }); return attempt(() => writeNote({ text: 'x', n: 2 }));";
const PASSES_ON: &str =
    "const data = await readPage({}); return attempt(() => writeNote({ text: 'x', data }));";
const TELLS: &str = "const { email, phone } = await contact(); return attempt(() => writeNote({ text: email, data: input ? phone : null }));";

/// One thing that stands in the way of one program.
struct Case {
    /// What stands in the way.
    about: &'static str,
    grants: String,
    body: &'static str,
    input: Value,
    /// Who is asked.
    asker: Option<Arc<dyn Asker>>,
    limits: Limits,
    policy: Option<&'static str>,
    /// Whether lines are hinted at.
    helps: bool,
}

fn case(about: &'static str, grants: impl Into<String>, body: &'static str) -> Case {
    Case {
        about,
        grants: grants.into(),
        body,
        input: Value::Null,
        asker: None,
        limits: Limits::default(),
        policy: None,
        helps: true,
    }
}

fn note(more: &str) -> String {
    format!("[[grant]]\nserver = 'suite'\ntools = ['write_note']\n{more}\n")
}

/// Has no way to a person.
struct Broken;

impl Asker for Broken {
    fn ask<'a>(&'a self, _: &'a Question) -> Asking<'a> {
        Box::pin(async { Err(AskError::Unavailable("the line is dead".to_owned())) })
    }
}

/// Answers nothing.
struct Silent;

impl Asker for Silent {
    fn ask<'a>(&'a self, _: &'a Question) -> Asking<'a> {
        Box::pin(std::future::pending())
    }
}

fn cases() -> Vec<Case> {
    let person = |reason: &'static str| -> Option<Arc<dyn Asker>> {
        Some(Person::new(move |_, _| Answer::No {
            reason: reason.to_owned(),
        }))
    };
    let flow =
        |then: &str| format!("{FLOW}[[flow]]\nafter = ['untrusted']\ncall = ['egress']\n{then}\n");
    let small = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    vec![
        case("not granted", "", ONCE),
        case("not granted, one of two", FLOW, PASSES_ON),
        case(
            "condition",
            note("when = 'context.args has n && context.args.n == 2'"),
            ONCE,
        ),
        case(
            "condition of two grants",
            format!(
                "{}{}",
                note("when = 'context.args has n && context.args.n == 2'"),
                note("when = 'context.args has text && context.args.text == \"y\"'")
            ),
            ONCE,
        ),
        case(
            "condition, sealed argument",
            format!(
                "{}{SEALED}",
                note("reveal = ['email']\nwhen = 'context.args has n'")
            ),
            TELLS,
        ),
        case(
            "undecided",
            note(
                "when = 'context.args has n && context.args.n * 9223372036854775807 > context.args.n + 9223372036854775807'",
            ),
            ONCE,
        ),
        case("expired", note("expires = 2001-02-03"), ONCE),
        case("rate", note("rate = '1/1h'"), TWICE),
        case("max_calls", note("max_calls = 1"), TWICE),
        case("max_bytes, of arguments", note("max_bytes = 5"), ONCE),
        Case {
            helps: false,
            ..case("max_bytes, of a result", note("max_bytes = 30"), ONCE)
        },
        case("sealed", format!("{}{SEALED}", note("")), TELLS),
        Case {
            input: json!(true),
            ..case(
                "sealed, two classes",
                format!("{}{SEALED}", note("")),
                TELLS,
            )
        },
        Case {
            input: json!(true),
            ..case(
                "sealed, one of two classes",
                format!("{}{SEALED}", note("reveal = ['phone']")),
                TELLS,
            )
        },
        case(
            "flow at call",
            format!("{}{}", flow("then = 'refuse'\nat = 'call'"), note("")),
            PASSES_ON,
        ),
        case(
            "flow at start",
            format!("{}{}", flow("then = 'refuse'"), note("")),
            PASSES_ON,
        ),
        Case {
            asker: person(""),
            ..case(
                "flow wants a yes before the start: no",
                format!("{}{}", flow("then = 'approve'\nat = 'start'"), note("")),
                PASSES_ON,
            )
        },
        case(
            "flow wants a yes before the start: nobody to ask",
            format!("{}{}", flow("then = 'approve'\nat = 'start'"), note("")),
            PASSES_ON,
        ),
        Case {
            asker: person("not this page"),
            ..case(
                "flow wants a yes: no",
                format!("{}{}", flow("then = 'approve'"), note("")),
                PASSES_ON,
            )
        },
        case(
            "flow wants a yes: nobody to ask",
            format!("{}{}", flow("then = 'approve'"), note("")),
            PASSES_ON,
        ),
        Case {
            asker: person("not today"),
            ..case("each: no", note("approve = 'each'"), ONCE)
        },
        Case {
            asker: person(""),
            ..case("batch: no, and no reason", note("approve = 'batch'"), ONCE)
        },
        Case {
            asker: person(""),
            ..case(
                "sealed argument: no",
                format!("{}{SEALED}", note("approve = 'batch'\nreveal = ['email']")),
                TELLS,
            )
        },
        Case {
            asker: person(""),
            ..case(
                "batch and flow: no",
                format!("{}{}", flow("then = 'approve'"), note("approve = 'batch'")),
                PASSES_ON,
            )
        },
        case("nobody to ask", note("approve = 'each'"), ONCE),
        Case {
            asker: Some(Arc::new(Broken)),
            ..case("the asker fails", note("approve = 'each'"), ONCE)
        },
        Case {
            asker: Some(Arc::new(Silent)),
            ..case(
                "nobody answers",
                format!("{}[approvals]\ntimeout = '1s'\n", note("approve = 'each'")),
                ONCE,
            )
        },
        Case {
            helps: false,
            policy: Some(
                "permit(principal, action, resource) when { context.now > datetime(\"2999-01-01\") };",
            ),
            ..case("policy, nothing permits", note(""), ONCE)
        },
        Case {
            helps: false,
            policy: Some(
                "permit(principal, action, resource);\n@id(\"no-notes\") forbid(principal, action == Action::\"suite/write_note\", resource);",
            ),
            ..case("policy, one forbids", note(""), ONCE)
        },
        Case {
            helps: false,
            limits: small(|limits| limits.calls = 1),
            ..case("calls of the run", note(""), TWICE)
        },
        Case {
            helps: false,
            limits: small(|limits| limits.total_bytes = 75),
            ..case("bytes of the run", note(""), TWICE)
        },
        Case {
            helps: false,
            limits: small(|limits| limits.call_bytes = 10),
            ..case("bytes of one call", note(""), ONCE)
        },
        Case {
            helps: false,
            limits: small(|limits| limits.call_bytes = 30),
            ..case(
                "bytes of one result",
                note(""),
                "return attempt(() => writeNote({ text: 'long' }));",
            )
        },
    ]
}

async fn suite() -> Ground {
    let text = json!({ "text": { "type": "string" }, "n": { "type": "integer" }, "data": {} });
    Ground::new(
        "suite",
        &json!({
            "tools": [tool("write_note", &text), tool("read_page", &text), tool("contact", &json!({}))],
            "answers": {
                "contact": { "email": "ann@example.org", "phone": "+49 30 901820" },
                "write_note": { "kept": "as it was given, and a little more" },
            },
        }),
    )
    .await
}

/// What a program came to.
struct Came {
    /// Empty where it went through.
    said: String,
    hints: Vec<String>,
}

async fn come(ground: &Ground, case: &Case, grants: &str) -> Came {
    let mut grants: Grants = rules(grants);
    grants.policy = case.policy.map(|text| Policy {
        text: text.to_owned(),
        origin: "policy.cedar".to_owned(),
    });
    let wanted = ["writeNote", "readPage", "contact"];
    let imports: Vec<&str> = wanted
        .into_iter()
        .filter(|name| case.body.contains(name))
        .collect();
    let source = program(&imports.join(", "), case.body);
    let limits = Limits {
        wall: Duration::from_secs(30),
        ..case.limits.clone()
    };
    let prepared = match ground.prepare_within(&source, &grants, &limits) {
        Ok(prepared) => prepared,
        Err(refusal) => {
            return Came {
                said: refusal.to_string(),
                hints: refusal
                    .reasons
                    .into_iter()
                    .filter_map(|reason| reason.grant)
                    .collect(),
            };
        }
    };
    let options = RunOptions {
        asker: case.asker.clone(),
        ..ground.options()
    };
    match ground.run(&prepared, &case.input, options).await.result {
        Ok(value) if value["kind"].is_string() => Came {
            said: format!(
                "{}: {}",
                value["kind"].as_str().unwrap(),
                value["message"].as_str().unwrap()
            ),
            hints: value["detail"]["hint"]
                .as_str()
                .map(str::to_owned)
                .into_iter()
                .collect(),
        },
        Ok(_) => Came {
            said: String::new(),
            hints: Vec::new(),
        },
        Err(RunError::Disapproved { origin, why, hint }) => Came {
            hints: hint.clone().into_iter().collect(),
            said: RunError::Disapproved { origin, why, hint }.to_string(),
        },
        Err(error) => panic!("{}: {error}", case.about),
    }
}

/// A line's milliseconds are of the moment.
fn steady(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split("; wait ").enumerate() {
        match (at, part.split_once(" ms")) {
            (1.., Some((_, rest))) => write!(out, "; wait N ms{rest}").unwrap(),
            _ => out.push_str(part),
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_is_as_it_was_and_every_hint_lets_the_same_program_through() {
    let ground = suite().await;
    let mut texts = String::from("What stands in the way, and the lines that are hinted at.\n");
    for case in cases() {
        ground.reached();
        let first = come(&ground, &case, &case.grants).await;
        let before = ground.reached().len();
        assert_ne!(first.said, "", "{}: nothing stands in the way", case.about);
        write!(texts, "\n=== {}\n{}\n", case.about, steady(&first.said)).unwrap();
        for hint in &first.hints {
            writeln!(texts, "--- hint\n{hint}").unwrap();
        }
        assert_eq!(
            !first.hints.is_empty(),
            case.helps,
            "{}: {}",
            case.about,
            first.said
        );
        if case.helps {
            let pasted = format!("{}\n{}\n", case.grants, first.hints.join("\n\n"));
            let second = come(&ground, &case, &pasted).await;
            assert_eq!(second.said, "", "{}, under\n{pasted}", case.about);
            assert!(ground.reached().len() > before, "{}", case.about);
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("permissions/texts.txt");
    if std::env::var_os("WITGATE_BLESS").is_some() {
        std::fs::write(&file, &texts).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    if kept != texts {
        let diff = similar::TextDiff::from_lines(&kept, &texts);
        panic!(
            "{}\n`WITGATE_BLESS=1` keeps it",
            diff.unified_diff().header("texts.txt", "now")
        );
    }
}

#[tokio::test]
async fn a_hint_allows_the_call_that_was_denied_and_not_another() {
    let ground = suite().await;
    let source = program("writeNote", "return attempt(() => writeNote(input));");
    let clean = || RunOptions {
        labels: Some(witgate_host::labels::LabelSet::default()),
        ..ground.options()
    };
    let base = note("max_calls = 0");
    let prepared = ground.prepare(&source, &rules(&base)).unwrap();
    for (given, other) in [
        (json!({ "text": "x" }), json!({ "text": "y" })),
        (
            json!({ "text": "x", "n": 1 }),
            json!({ "text": "x", "n": 2 }),
        ),
        (json!({ "text": "x" }), json!({ "text": "x", "n": 1 })),
        (json!({ "text": "" }), json!({})),
        (
            json!({ "text": "it's \"quoted\" \\ 'all' '''over'''" }),
            json!({ "text": "its" }),
        ),
        (
            json!({ "text": "line\nline\r\t\u{0}\u{7f}" }),
            json!({ "text": "line" }),
        ),
        (json!({ "text": "*" }), json!({ "text": "anything" })),
        (
            json!({ "text": "\u{202e}\u{200b}e\u{301}\u{1f600}" }),
            json!({ "text": "e" }),
        ),
        (
            json!({ "text": "x".repeat(5_000) }),
            json!({ "text": "x".repeat(4_999), "n": 1 }),
        ),
        (
            json!({ "n": -9_007_199_254_740_991_i64 }),
            json!({ "n": 0 }),
        ),
    ] {
        let denied = ground.run(&prepared, &given, clean()).await.result.unwrap();
        let hint = denied["detail"]["hint"].as_str().unwrap();
        let prepared = ground
            .prepare(&source, &rules(&format!("{base}\n{hint}")))
            .unwrap();
        ground.reached();
        let allowed = ground.run(&prepared, &given, clean()).await.result.unwrap();
        assert!(allowed["kind"].is_null(), "{given}\n{hint}\n{allowed}");
        assert_eq!(ground.reached(), [("write_note".to_owned(), given.clone())]);
        ground.run(&prepared, &other, clean()).await;
        assert_eq!(ground.reached(), [], "{other} under\n{hint}");
    }
}

#[tokio::test]
async fn a_hint_names_its_tool_and_no_other_whatever_the_tool_is_called() {
    for odd in [
        "*",
        "a*",
        "[ab]",
        "{a,b}",
        "a?c",
        "quo\"te",
        "back\\slash",
        "a!b",
        "it's",
    ] {
        let ground = Ground::new("suite", &json!({ "tools": [tool(odd, &json!({}))] })).await;
        let models = &ground.definitions.models;
        let name = witgate_codegen::names::camel_case(&models[0].tools[0].wit);
        let source = program(&name, &format!("return attempt({name});"));
        let refusal = ground.prepare(&source, &rules("")).map(|_| ()).unwrap_err();
        let pasted = refusal.reasons[0].grant.clone().unwrap();
        // On the command line the quotes are the shell's.
        let allow = refusal.reasons[0].allow.clone().unwrap();
        let allow = allow.strip_prefix("--allow ").unwrap().trim_matches('\'');
        let allowed = witgate_host::grants::allow(&allow.replace(r"'\''", "'")).unwrap();
        ground.go(&source, &pasted, ground.options()).await;
        assert_eq!(ground.reached(), [(odd.to_owned(), json!({}))], "{pasted}");
        let granted = rules(&pasted);
        assert!(allowed.allows("suite", odd), "{allow}");
        for other in ["ab", "a", "b", "abc", "a.c", "c", "[ab", "a-b", "backslash"] {
            assert!(!granted.grants[0].allows("suite", other), "{pasted}");
            assert!(!allowed.allows("suite", other), "{allow}");
        }
    }
}

#[tokio::test]
async fn what_was_denied_reached_nobody() {
    let ground = suite().await;
    let person = Person::new(|_, _| no());
    let options = RunOptions {
        asker: Some(person),
        ..ground.options()
    };
    ground
        .go(
            &program("writeNote", ONCE),
            &note("approve = 'each'"),
            options,
        )
        .await;
    assert_eq!(ground.reached(), []);
}
