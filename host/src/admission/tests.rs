//! What is said against single imports, and against their combination.
#![allow(clippy::unwrap_used)]

use witgate_codegen::built::BuiltTool;
use witgate_codegen::lock::LockedTool;
use witgate_codegen::select::View;

use super::*;
use crate::imports::Unknown;

fn import(tool: &str, view: View) -> ImportedTool {
    ImportedTool {
        interface: "mcp:s/tools".into(),
        function: tool.replace('_', "-"),
        server: "s".into(),
        tool: tool.into(),
        view,
        asynchronous: true,
        fits: true,
        live: pinned("d", "s", "t"),
        built: Built::Unsaid,
    }
}

fn pinned(definition: &str, schemas: &str, shape: &str) -> LockedTool {
    LockedTool {
        definition: definition.into(),
        schemas: schemas.into(),
        shape: shape.into(),
    }
}

fn against(definition: &str, shape: &str) -> Built {
    Built::Against(BuiltTool {
        interface: "mcp:s/tools".into(),
        function: "a".into(),
        tool: "a".into(),
        definition: definition.into(),
        shape: shape.into(),
    })
}

fn rules(text: &str) -> Rules {
    let grants = grants::parse(text, "grants.toml").unwrap();
    Rules::unchecked(grants, &[("s", "a"), ("s", "b"), ("s", "c")])
}

fn allowing() -> Rules {
    rules("[[grant]]\nserver = 's'\ntools = ['a']")
}

/// What is said against importing `a`, fully granted.
fn said(built: Built, lock: Option<&Lock>) -> Vec<(String, String)> {
    let mut import = import("a", View::Json);
    import.built = built;
    match admit(
        &imports(vec![import]),
        &allowing(),
        &Limits::default(),
        lock,
    ) {
        Ok(_) => Vec::new(),
        Err(refusal) => {
            let said = |r: Reason| (r.message, r.hint.unwrap_or_default());
            refusal.reasons.into_iter().map(said).collect()
        }
    }
}

#[test]
fn a_component_is_held_to_what_it_was_built_against() {
    assert_eq!(said(Built::Unsaid, None), []);
    assert_eq!(said(against("d", "t"), None), []);
    for (built, message, hint) in [
        (
            against("d2", "t"),
            "description or schema changed",
            "pin the component",
        ),
        (
            against("d2", "t2"),
            "its types changed",
            "build the program again",
        ),
        (
            against("d", "t2"),
            "its types changed",
            "build the program again",
        ),
        (Built::Omitted, "does not say", "build the program again"),
    ] {
        let said = said(built, None);
        assert_eq!(said.len(), 1);
        assert!(
            said[0].0.contains(message) && said[0].1.contains(hint),
            "{said:?}"
        );
    }
}

#[test]
fn a_tool_of_another_type_is_refused_whatever_the_component_says() {
    for built in [Built::Unsaid, against("d", "t"), against("d", "t2")] {
        let mut import = import("a", View::Typed);
        (import.fits, import.built) = (false, built);
        let refusal = admit(
            &imports(vec![import]),
            &allowing(),
            &Limits::default(),
            None,
        );
        assert_eq!(refusal.unwrap_err().reasons.len(), 1);
    }
}

#[test]
fn a_tool_is_held_to_the_lock_where_its_server_is_in_it() {
    let lock = |server: &str, tool: &str, pinned: LockedTool| -> Lock {
        let pinned = serde_json::to_value(pinned).unwrap();
        let text = serde_json::json!({"version": 2, "servers": {server: {"package": "s", "tools": {tool: pinned}}}});
        lock::parse(&text.to_string()).unwrap()
    };
    for (lock, message) in [
        (lock("s", "a", pinned("d", "s", "t")), ""),
        // What a program is typed by is no matter of approval.
        (lock("s", "a", pinned("d", "s", "t2")), ""),
        (lock("other", "b", pinned("d", "s", "t")), ""),
        (lock("s", "b", pinned("d", "s", "t")), "it is new"),
        (
            lock("s", "a", pinned("d2", "s", "t")),
            "its description changed",
        ),
        (
            lock("s", "a", pinned("d2", "s2", "t")),
            "its schema changed, its types did not",
        ),
        (
            lock("s", "a", pinned("d2", "", "t")),
            "its description or schema changed",
        ),
        (
            lock("s", "a", pinned("d2", "s2", "t2")),
            "its types changed",
        ),
    ] {
        let said = said(Built::Unsaid, Some(&lock));
        match said.as_slice() {
            [] => assert_eq!(message, ""),
            [(told, hint)] => {
                assert!(!message.is_empty() && told.contains(message), "{said:?}");
                assert!(hint.contains("witgate sync --check"), "{said:?}");
            }
            more => panic!("{more:?}"),
        }
    }
}

#[test]
fn reasons_of_every_kind_come_together() {
    let mut import = import("a", View::Json);
    import.built = against("d2", "t");
    let text = r#"{"version": 2, "servers": {"s": {"package": "s", "tools": {}}}}"#;
    let lock = lock::parse(text).unwrap();
    let imports = imports(vec![import]);
    let none = Rules::default();
    let refusal = admit(&imports, &none, &Limits::default(), Some(&lock)).unwrap_err();
    assert_eq!(refusal.reasons.len(), 3, "{refusal}");
}

fn imports(tools: Vec<ImportedTool>) -> Imports {
    Imports {
        tools,
        ..Imports::default()
    }
}

#[test]
fn nothing_is_granted_by_default_and_every_reason_is_told() {
    let mut imports = imports(vec![import("b", View::Json), import("a", View::Typed)]);
    imports.unknown.push(Unknown {
        import: "wasi:cli/run".into(),
        message: "no".into(),
        hint: None,
    });
    let refusal = admit(&imports, &Rules::default(), &Limits::default(), None).unwrap_err();
    let names: Vec<_> = refusal.reasons.iter().map(|r| r.import.as_str()).collect();
    assert_eq!(names, ["s/a", "s/b", "wasi:cli/run"]);
}

#[test]
fn the_line_of_a_reason_allows_it_and_a_tool_in_two_views_is_one_tool() {
    let imports = imports(vec![import("a", View::Json), import("a", View::Typed)]);
    let refusal = admit(&imports, &Rules::default(), &Limits::default(), None).unwrap_err();
    let [reason] = refusal.reasons.as_slice() else {
        panic!("{refusal}");
    };
    let rules = rules(reason.grant.as_ref().unwrap());
    let plan = admit(&imports, &rules, &Limits::default(), None).unwrap();
    assert_eq!((plan.tools.len(), plan.imports.len()), (1, 2));
}

const LABELS: &str = "[[grant]]\nserver = 's'\ntools = ['*']\n[[label]]\nserver = 's'\ntools = ['a']\nlabels = ['private']\n[[label]]\nserver = 's'\ntools = ['b']\nlabels = ['untrusted']\n[[label]]\nserver = 's'\ntools = ['c']\nlabels = ['egress']\n[input]\nlabels = []\n";

#[test]
fn a_combination_is_refused_before_anything_runs_and_the_line_of_the_reason_allows_it() {
    let flow = "[[flow]]\nafter = ['private', 'untrusted']\ncall = ['egress']\nthen = 'refuse'\n";
    let text = format!("{LABELS}{flow}");
    let of = |tools: &[&str]| imports(tools.iter().map(|t| import(t, View::Json)).collect());
    let limits = Limits::default();
    for harmless in [&["a", "b"][..], &["a", "c"], &["b", "c"]] {
        admit(&of(harmless), &rules(&text), &limits, None).unwrap();
    }
    let all = of(&["a", "b", "c"]);
    let refusal = admit(&all, &rules(&text), &limits, None).unwrap_err();
    let [reason] = refusal.reasons.as_slice() else {
        panic!("{refusal}");
    };
    assert_eq!(reason.import, "s/c");
    assert!(reason.message.contains("`s/a`, `s/b`"), "{refusal}");
    let pasted = format!("{text}\n{}", reason.grant.as_ref().unwrap());
    admit(&all, &rules(&pasted), &limits, None).unwrap();
}

#[test]
fn a_combination_can_be_a_question_at_the_start() {
    let flow = "[[flow]]\nafter = ['private']\ncall = ['egress']\nthen = 'approve'\nat = 'start'\n";
    let both = imports(vec![import("c", View::Json), import("a", View::Json)]);
    let plan = admit(
        &both,
        &rules(&format!("{LABELS}{flow}")),
        &Limits::default(),
        None,
    )
    .unwrap();
    let [question] = plan.start.as_slice() else {
        panic!();
    };
    assert_eq!(
        (question.reads.as_slice(), question.calls.as_slice()),
        (&["s/a".to_owned()][..], &["s/c".to_owned()][..])
    );
}
