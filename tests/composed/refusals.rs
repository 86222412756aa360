//! What a program is refused for because of its skills, before anything runs.

use std::collections::BTreeMap;

use serde_json::json;
use witgate_host::{Program, Refusal};
use witgate_tests::components;

use crate::ground::{ALL, Ground, any, declared, quick};

const CREATES: &str =
    "import { createIssue } from 'mcp:demo'; export default (input) => createIssue(input)";

fn refused(ground: &Ground, source: &str, grants: &str) -> Refusal {
    let program = ground.js(source, "program.js");
    ground
        .prepare(&program, grants, &quick())
        .map(|_| ())
        .unwrap_err()
}

fn said(refusal: &Refusal) -> Vec<(&str, &str)> {
    let reasons = refusal.reasons.iter();
    reasons
        .map(|reason| (reason.import.as_str(), reason.message.as_str()))
        .collect()
}

#[tokio::test]
async fn what_a_skill_calls_is_granted_to_the_program_or_not_at_all() {
    let mut ground = Ground::new(vec![any("creates"), any("also"), any("outer")]).await;
    ground.skill("creates", CREATES);
    ground.skill("also", CREATES);
    ground.skill(
        "outer",
        "import { creates } from 'mcp:skills'; export default (input) => creates(input)",
    );
    let calls = |names: &str| {
        format!(
            "import {{ {names} }} from 'mcp:skills'; import {{ getIssue }} from 'mcp:demo'; export default () => [{names}, getIssue].length"
        )
    };
    let reading = "[[grant]]\nserver = 'demo'\ntools = ['get_issue']\n";
    // Directly, and through another skill: the reason names the one that calls the tool.
    for program in [calls("creates"), calls("outer")] {
        let refusal = refused(&ground, &program, reading);
        assert_eq!(
            said(&refusal),
            [(
                "demo/create_issue",
                "through the skill `creates`: no grant allows it"
            )]
        );
        let reason = &refusal.reasons[0];
        assert_eq!(reason.allow.as_deref(), Some("--allow demo/create_issue"));
        assert_eq!(reason.through, ["creates"]);
        let text = refusal.to_string();
        assert!(
            text.contains("(`--allow demo/create_issue` would allow it)"),
            "{text}"
        );
        let granted = format!("{reading}{}", reason.grant.as_ref().unwrap());
        let program = ground.js(&program, "program.js");
        let plan = ground.admit(&program, &granted, &quick()).unwrap();
        let tools: BTreeMap<&str, usize> = plan
            .tools
            .iter()
            .map(|tool| (tool.tool.as_str(), tool.through.len()))
            .collect();
        assert_eq!(tools, [("create_issue", 1), ("get_issue", 0)].into());
    }
    // Two skills that call the same, and the program that calls it itself.
    let refusal = refused(&ground, &calls("creates, also"), reading);
    assert_eq!(
        said(&refusal),
        [(
            "demo/create_issue",
            "through the skills `also`, `creates`: no grant allows it"
        )]
    );
    let itself = "import { creates } from 'mcp:skills'; import { createIssue } from 'mcp:demo'; export default () => [creates, createIssue].length";
    let refusal = refused(&ground, itself, reading);
    assert_eq!(
        said(&refusal),
        [("demo/create_issue", "no grant allows it")]
    );
    assert_eq!(refusal.reasons[0].through, Vec::<String>::new());
    // The skill itself needs no grant, and a grant for it allows nothing.
    let skills = "[[grant]]\nserver = 'skills'\ntools = ['*']\n";
    let refusal = refused(&ground, &calls("creates"), skills);
    assert_eq!(refusal.reasons.len(), 2, "{refusal}");
}

#[tokio::test]
async fn combinations_are_of_program_and_skills_together() {
    let mut ground = Ground::new(vec![any("reads"), any("sends")]).await;
    ground.skill("reads", "import { searchContacts } from 'mcp:demo'; export default () => searchContacts({ query: 'a' })");
    ground.skill(
        "sends",
        "import { addComment } from 'mcp:demo'; export default (input) => addComment(input)",
    );
    let grants = format!(
        "{ALL}[[label]]\nserver = 'demo'\ntools = ['search_contacts']\nlabels = ['private']\n\
         [[label]]\nserver = 'demo'\ntools = ['add_comment']\nlabels = ['egress']\n\
         [[flow]]\nafter = ['private']\ncall = ['egress']\nthen = 'refuse'\n"
    );
    for (program, through) in [
        (
            "import { reads, sends } from 'mcp:skills'; export default () => [reads, sends].length",
            true,
        ),
        (
            "import { sends } from 'mcp:skills'; import { searchContacts } from 'mcp:demo'; export default () => [searchContacts, sends].length",
            true,
        ),
        (
            "import { reads } from 'mcp:skills'; import { addComment } from 'mcp:demo'; export default () => [reads, addComment].length",
            false,
        ),
    ] {
        let refusal = refused(&ground, program, &grants);
        assert_eq!(refusal.reasons.len(), 1, "{refusal}");
        let reason = &refusal.reasons[0];
        assert_eq!(reason.import, "demo/add_comment");
        assert!(
            reason.message.contains("(`demo/search_contacts`)"),
            "{refusal}"
        );
        assert_eq!(
            reason.message.starts_with("through the skill `sends`: "),
            through
        );
    }
    for alone in ["reads", "sends"] {
        let program = format!(
            "import {{ {alone} }} from 'mcp:skills'; export default () => [{alone}].length"
        );
        let program = ground.js(&program, "program.js");
        ground
            .prepare(&program, &grants, &quick())
            .map(|_| ())
            .unwrap();
    }
}

#[tokio::test]
async fn a_skill_that_is_not_there_is_refused_with_those_that_are() {
    let mut ground = Ground::new(vec![any("top-issues"), any("unmade")]).await;
    ground.skill("top-issues", "export default () => 1");
    let both = "import { topIssues, unmade } from 'mcp:skills'; export default () => [topIssues, unmade].length";
    let refusal = refused(&ground, both, ALL);
    assert_eq!(said(&refusal), [("skills/unmade", "nobody made it")]);
    // Built when there was one of that name, which is now called otherwise.
    let program = ground.bytes(
        "import { topIssues } from 'mcp:skills'; export default () => [topIssues].length",
        "program.js",
    );
    let renamed = Ground::new(vec![any("top-issue")]).await;
    let program = Program::load(&renamed.host, &program).unwrap();
    let refusal = renamed
        .prepare(&program, ALL, &quick())
        .map(|_| ())
        .unwrap_err();
    let message = &refusal.reasons[0].message;
    assert_eq!(refusal.reasons[0].import, "mcp:skills/json#top-issues");
    assert_eq!(
        message,
        "there is no skill `top-issues`; the nearest names are `top-issue`"
    );
}

#[tokio::test]
async fn skills_in_a_circle_are_refused() {
    let names = ["a", "b", "c"];
    let mut ground = Ground::new(names.map(any).to_vec()).await;
    for (name, calls) in [("a", "b"), ("b", "c"), ("c", "a")] {
        ground.skill(
            name,
            &format!(
                "import {{ {calls} }} from 'mcp:skills'; export default (input) => {calls}(input)"
            ),
        );
    }
    let refusal = refused(
        &ground,
        "import { a, b } from 'mcp:skills'; export default () => [a, b].length",
        ALL,
    );
    assert_eq!(
        said(&refusal),
        [(
            "skills/a",
            "through the skill `c`: it calls itself: `a` -> `b` -> `c` -> `a`"
        )]
    );
    ground.skill(
        "c",
        "import { c } from 'mcp:skills'; export default (input) => c(input)",
    );
    let refusal = refused(
        &ground,
        "import { c } from 'mcp:skills'; export default () => c({})",
        ALL,
    );
    assert_eq!(
        said(&refusal),
        [(
            "skills/c",
            "through the skill `c`: it calls itself: `c` -> `c`"
        )]
    );
}

#[tokio::test]
async fn skills_call_one_another_eight_deep_and_no_deeper() {
    let names: Vec<String> = (1..=9).map(|n| format!("s{n}")).collect();
    let mut ground = Ground::new(names.iter().map(|name| any(name)).collect()).await;
    ground.skill("s9", "export default ({ n }) => n");
    for n in 1..9 {
        let next = n + 1;
        ground.skill(&format!("s{n}"), &format!("import {{ s{next} }} from 'mcp:skills'; export default async ({{ n }}) => (await s{next}({{ n: n + 1 }}))"));
    }
    let ended = ground
        .go(
            "import { s2 } from 'mcp:skills'; export default () => s2({ n: 0 })",
            json!(null),
        )
        .await;
    assert_eq!(ended.value(), 7);
    // Whichever way it is met first.
    for first in ["s1", "s2, s1", "s5, s1"] {
        let program = format!(
            "import {{ {first} }} from 'mcp:skills'; export default () => [{first}].length"
        );
        let refusal = refused(&ground, &program, ALL);
        let message = &refusal.reasons[0].message;
        assert!(
            message.ends_with("skills call one another more than 8 deep"),
            "{refusal}"
        );
    }
}

/// A component that exports `run` and imports this, whose functions do nothing.
fn component(import: &str, package: &str) -> Vec<u8> {
    let world = format!(
        "package test:hand; world hand {{ include witgate:runtime/program@0.1.0; {import} }} {package}"
    );
    components::component(&world).unwrap()
}

#[tokio::test]
async fn a_hostile_component_gets_no_further_as_a_skill() {
    let mut ground = Ground::new(vec![any("odd")]).await;
    let calls = "import { odd } from 'mcp:skills'; export default () => odd({})";
    let json = "interface json { use witgate:runtime/types@0.1.0.{json, tool-error}; NAME: async func(args: json) -> result<json, tool-error>; }";
    for (import, package, expected) in [
        (
            "import wasi:sockets/tcp;",
            "package wasi:sockets { interface tcp { go: func(); } }".to_owned(),
            "gives programs no WASI",
        ),
        (
            "import witgate:host/admin;",
            "package witgate:host { interface admin { all: func(); } }".to_owned(),
            "no such interface",
        ),
        ("import ambient: func();", String::new(), "only tools"),
        (
            "import mcp:demo/json;",
            format!(
                "package mcp:demo {{ {} }}",
                json.replace("NAME", "remove-all")
            ),
            "has no tool `remove-all`",
        ),
        (
            "import mcp:demo/json;",
            format!(
                "package mcp:demo {{ {} }}",
                json.replace("NAME", "get-issue")
                    .replace("args: json", "args: u32")
            ),
            "its type is not the one of this catalog",
        ),
    ] {
        let program = Program::load(&ground.host, &component(import, &package)).unwrap();
        ground.programs.insert("odd".to_owned(), program);
        let refusal = refused(&ground, calls, ALL);
        let message = &refusal.reasons[0].message;
        assert!(
            message.starts_with("through the skill `odd`: "),
            "{refusal}"
        );
        assert!(message.contains(expected), "{refusal}");
    }
    // One that imports nothing and only breaks is admitted, and breaks.
    let program = Program::load(&ground.host, &component("", "")).unwrap();
    ground.programs.insert("odd".to_owned(), program);
    let ended = ground.go(
        "import { odd } from 'mcp:skills'; export default () => odd({}).catch((error) => [error.kind, error.message])",
        json!(null),
    ).await;
    let value = ended.value();
    assert_eq!(value[0], "tool-failed", "{value}");
    assert!(
        value[1].as_str().unwrap().starts_with("the skill broke: "),
        "{value}"
    );
}

#[tokio::test]
async fn a_skill_that_was_made_for_other_tools_is_refused() {
    let number = |ty: &str| {
        declared(
            "inner",
            json!({ "type": "object", "properties": { "n": { "type": ty } } }),
            None,
        )
    };
    let sources = [
        (
            "outer",
            "import { inner } from 'mcp:skills'; export default () => inner({ n: 1 })",
        ),
        ("inner", "export default ({ n }) => n"),
    ];
    let before = Ground::new(vec![number("integer"), any("outer")]).await;
    let kept = sources.map(|(name, source)| (name, before.bytes(source, "skill.js")));
    let moved = |mut ground: Ground| {
        for (name, bytes) in &kept {
            let program = Program::load(&ground.host, bytes).unwrap();
            ground.programs.insert((*name).to_owned(), program);
        }
        ground
    };
    let after = moved(Ground::new(vec![number("string"), any("outer")]).await);
    let calls = "import { outer } from 'mcp:skills'; export default () => outer({})";
    let refusal = refused(&after, calls, ALL);
    let reason = &refusal.reasons[0];
    assert_eq!(reason.import, "skills/inner");
    assert!(
        reason
            .message
            .starts_with("through the skill `outer`: the skill takes or gives other types"),
        "{refusal}"
    );
    assert_eq!(
        reason.hint.as_deref(),
        Some("make the skill again from its source, and have it reviewed")
    );
    // Another description of a skill changes nothing for who calls it.
    let mut told = number("integer");
    told.description = Some("Told otherwise.".to_owned());
    let after = moved(Ground::new(vec![told, any("outer")]).await);
    assert_eq!(after.go(calls, json!(null)).await.value(), 1);
}
