//! Grants files, right and wrong.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::*;
use crate::labels::{At, Then};

#[test]
fn a_grant_allows_what_its_patterns_say_and_nothing_else() {
    let grants = parse(
        "[[grant]]\nserver = \"git*\"\ntools = [\"list_*\", \"get_issue\"]\nmax_calls = 3\n",
        "grants.toml",
    )
    .unwrap();
    let grant = &grants.grants[0];
    assert!(grant.allows("github", "list_issues"));
    assert!(grant.allows("gitlab", "get_issue"));
    assert!(!grant.allows("github", "get_issues"));
    assert!(!grant.allows("slack", "list_issues"));
    assert_eq!(grant.max_calls, Some(3));
    assert_eq!(grant.origin, "grants.toml:1");
}

#[test]
fn every_key_is_read() {
    let text = r#"
[[grant]]
server = "bank"
tools = ["send_*"]
when = 'context.args.amount < 3'
rate = "10/min"
expires = 2027-01-31T01:00:00+01:00
approve = "batch"
reveal = ["email"]
effect = "read"

[[seal]]
server = "bank"
detect = ["email"]

[[label]]
server = "bank"
labels = ["egress"]

[[label]]
server = "mail"
labels = ["private", "untrusted"]

[[flow]]
after = ["untrusted"]
call = ["egress"]
then = "approve"
unless = "true"

[[flow]]
after = ["private", "untrusted"]
call = ["egress"]
then = "refuse"

[sets]
payees = ["A"]

[input]
labels = []

[approvals]
timeout = "30s"
"#;
    let grants = parse(text, "g.toml").unwrap();
    let grant = &grants.grants[0];
    let when = grant.when.as_ref().unwrap();
    assert_eq!(
        (when.text.as_str(), when.origin.as_str()),
        ("context.args.amount < 3", "g.toml:5")
    );
    assert_eq!(
        grant.rate,
        Some(Rate {
            calls: 10,
            per: Duration::from_secs(60)
        })
    );
    assert_eq!(grant.expires, Some(1_801_353_600_000));
    assert_eq!(
        (grant.approve, grant.effect),
        (Approve::Batch, Effect::Read)
    );
    assert_eq!(grants.names.all(), ["egress", "private", "untrusted"]);
    assert!(grants.labels[1].tools.matches("mail", "anything"));
    let flows: Vec<_> = grants.flows.iter().map(|f| (f.then, f.at)).collect();
    assert_eq!(
        flows,
        [(Then::Approve, At::Call), (Then::Refuse, At::Start)]
    );
    assert!(grants.input.unwrap().is_empty());
    assert_eq!(grants.approvals.timeout, Duration::from_secs(30));
}

#[test]
fn a_wrong_value_is_an_error_with_its_line_and_what_to_write() {
    for (line, part) in [
        ("rate = \"ten\"", "is no rate"),
        ("rate = \"0/s\"", "is no rate"),
        ("expires = 07:00:00", "is no date"),
        ("approve = \"sometimes\"", "sometimes"),
        ("effect = \"none\"", "none"),
        ("server = \"[\"", "valid"),
    ] {
        let text = match line.starts_with("server") {
            true => format!("[[grant]]\n{line}\ntools = []\n"),
            false => format!("[[grant]]\nserver = \"a\"\ntools = []\n{line}\n"),
        };
        let error = parse(&text, "g.toml").unwrap_err();
        let told = error.to_string();
        assert!(told.contains(part) && told.contains("g.toml"), "{told}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn an_unknown_key_is_an_error_with_its_line() {
    let error = parse(
        "[[grant]]\nserver = \"a\"\ntools = []\nmax_call = 1\n",
        "g.toml",
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.contains("max_call") && error.contains("line 4"),
        "{error}"
    );
}

#[test]
fn the_suggested_lines_allow_exactly_that_tool() {
    let text = lines_that_allow("my \"server\"", "weird*tool");
    let grants = parse(&text, "g").unwrap();
    assert!(grants.grants[0].allows("my \"server\"", "weird*tool"));
    assert!(!grants.grants[0].allows("my \"server\"", "weird-other-tool"));
}

#[test]
fn allow_needs_a_server_and_a_tool() {
    for bad in ["github", "/x", "x/", ""] {
        assert!(allow(bad).is_err(), "{bad}");
    }
    assert!(allow("github/*").unwrap().allows("github", "x"));
}

#[test]
fn a_slip_in_a_word_is_an_error_and_no_rule_without_effect() {
    let label = "[[label]]\nserver = \"a\"\nlabels = [\"egress\", \"private\"]\n";
    let flow = |after: &str, call: &str| {
        format!("{label}[[flow]]\nafter = {after}\ncall = {call}\nthen = \"refuse\"\n")
    };
    parse(&flow("[\"private\"]", "[\"egress\"]"), "g").unwrap();
    let grant =
        "[[seal]]\nserver = \"a\"\ndetect = [\"email\"]\n[[grant]]\nserver = \"a\"\ntools = []\n";
    for (text, told, hint) in [
        (flow("[\"privat\"]", "[\"egress\"]"), "privat", "`private`"),
        (
            flow("[\"private\"]", "[\"outwards\"]"),
            "outwards",
            "[[label]]",
        ),
        (flow("[\"private\"]", "[]"), "no tool", "labels"),
        (format!("{grant}reveal = [\"emial\"]\n"), "emial", "`email`"),
    ] {
        let error = parse(&text, "g.toml").unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        assert!(error.hint().contains(hint), "{}", error.hint());
    }
}
