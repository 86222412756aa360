//! Grants that runs needed: golden, read back by the parser of grants files and by Cedar's.
#![allow(clippy::unwrap_used)]

use std::str::FromStr;

use cedar_policy::{
    Context, Entities, EntityUid, EvalResult, Expression, Request, RestrictedExpression,
    eval_expression,
};
use serde_json::json;
use witgate_codegen::catalog::{Catalog, Server, parse_tools_list};

use super::*;
use crate::grants::parse;

fn definitions() -> Definitions {
    let tools = json!({"tools": [
        {"name": "send_money", "inputSchema": {"type": "object", "properties": {
            "amount": {"type": "number"}, "recipient": {"type": "string"}, "day": {"type": "integer"},
            "kind": {"enum": ["sepa", "card"]}, "urgent": {"type": "boolean"},
            "start-date": {"type": "string"}, "cc": {"type": "array", "items": {"type": "string"}},
            "note": {"type": ["string", "null"]}, "meta": {"type": "object"}},
            "required": ["amount", "recipient", "day", "kind", "urgent"]}},
        {"name": "weird*tool", "inputSchema": {"type": "object", "properties": {"has": {"type": "string"}}, "required": ["has"]}},
        {"name": "ping", "inputSchema": {"type": "object"}}]});
    let server = Server {
        tools: parse_tools_list(&tools.to_string()).unwrap(),
        ..Server::default()
    };
    let mut catalog = Catalog::default();
    catalog.servers.insert("bank".into(), server);
    Definitions::new(&catalog).unwrap()
}

/// The grants for these calls; they are a grants file whose conditions are Cedar.
fn suggested(calls: &[(&str, Value)], effect: Option<Effect>) -> String {
    let calls: Vec<Observed<'_>> = calls
        .iter()
        .map(|(tool, arguments)| Observed {
            server: "bank",
            tool,
            arguments: arguments.as_object().unwrap(),
            bytes: 40_000,
            effect,
        })
        .collect();
    let text = suggest(&calls, &definitions());
    check(&text);
    let grants = parse(&text, "g.toml").unwrap();
    grants.check(&definitions()).unwrap();
    let grants = grants.grants;
    for call in &calls {
        let grant = grants.iter().find(|grant| grant.allows("bank", call.tool));
        if let Some(condition) = &grant.unwrap().when {
            assert!(holds(&condition.text, call.arguments), "{text}");
        }
    }
    text
}

/// Whether a condition holds for arguments, as Cedar sees them: without `null`, numbers as decimals.
fn holds(condition: &str, arguments: &Map<String, Value>) -> bool {
    let given = arguments.iter().filter(|(_, value)| !value.is_null());
    let pairs = given.map(|(name, value)| (name.clone(), cedar_value(name, value)));
    let arguments = RestrictedExpression::new_record(pairs).unwrap();
    let context = Context::from_pairs([("args".to_owned(), arguments)]).unwrap();
    let uid = EntityUid::from_str("Any::\"one\"").unwrap();
    let request = Request::new(uid.clone(), uid.clone(), uid, context, None).unwrap();
    let condition = Expression::from_str(condition).unwrap();
    let result = eval_expression(&request, &Entities::empty(), &condition);
    matches!(result, Ok(EvalResult::Bool(true)))
}

fn cedar_value(name: &str, value: &Value) -> RestrictedExpression {
    match value {
        Value::Bool(value) => RestrictedExpression::new_bool(*value),
        Value::Number(value) if name == "amount" => {
            // Of a number that has no decimal nothing is said.
            let text = format!("{:.4}", value.as_f64().unwrap().clamp(-1e9, 1e9));
            RestrictedExpression::new_decimal(text)
        }
        Value::Number(value) => RestrictedExpression::new_long(value.as_i64().unwrap()),
        Value::Array(items) => {
            RestrictedExpression::new_set(items.iter().map(|item| cedar_value("", item)))
        }
        Value::String(text) => RestrictedExpression::new_string(text.clone()),
        other => RestrictedExpression::new_string(other.to_string()),
    }
}

fn check(text: &str) {
    let grants = parse(text, "g.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    for condition in grants.grants.iter().filter_map(|grant| grant.when.as_ref()) {
        Expression::from_str(&condition.text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    }
}

#[test]
fn one_call_is_allowed_as_it_was() {
    let call = json!({"amount": 98.7, "recipient": "GB29", "day": 3, "kind": "sepa", "urgent": false,
        "start-date": "2026-01-01", "cc": ["a@b.c", "d@e.f"], "meta": {"x": 1}});
    let text = suggested(&[("send_money", call.clone())], None);
    let wanted = r#"# `meta` is not bounded: its type has no conditions here
[[grant]]
server = "bank"
tools = ["send_money"]
max_calls = 1
max_bytes = 131072
when = '''
context.args.amount == decimal("98.7") &&
context.args.recipient == "GB29" &&
context.args.day == 3 &&
context.args.kind == "sepa" &&
context.args.urgent == false &&
(if context.args has "start-date" then context.args["start-date"] == "2026-01-01" else true) &&
(if context.args has cc then ["a@b.c", "d@e.f"].containsAll(context.args.cc) else true) &&
!(context.args has note)'''
"#;
    assert_eq!(text, wanted);
    let definitions = definitions();
    let definition = definitions.get("bank", "send_money").unwrap();
    let exact = lines_for_call("bank", "send_money", definition, call.as_object().unwrap());
    check(&exact);
    let grants = parse(&exact, "g.toml").unwrap().grants;
    let condition = &grants[0].when.as_ref().unwrap().text;
    let arguments = call.as_object().unwrap();
    assert!(holds(condition, arguments));
    for (key, other) in [
        ("amount", json!(98.71)),
        ("recipient", json!("GB28")),
        ("urgent", json!(true)),
        ("cc", json!(["a@b.c"])),
        ("start-date", Value::Null),
        ("note", json!("x")),
    ] {
        let mut arguments = arguments.clone();
        arguments.insert(key.to_owned(), other);
        assert!(!holds(condition, &arguments), "{key}");
    }
    for part in [
        "(context.args has cc && context.args.cc == [\"a@b.c\", \"d@e.f\"])",
        "(context.args has \"start-date\" && ",
    ] {
        assert!(exact.contains(part), "{exact}");
    }
    assert!(!exact.contains("max_"));
}

#[test]
fn many_calls_are_bounded_as_a_person_would() {
    let calls: Vec<(&str, Value)> = (1..=9)
        .map(|n| {
            let recipient = if n % 2 == 0 { "A" } else { "B" };
            let mut call = json!({"amount": 10.5 * f64::from(n), "recipient": recipient, "day": n,
                "kind": "card", "urgent": n > 3, "note": format!("note {n}")});
            if n == 1 {
                call["cc"] = json!([]);
                call["note"] = Value::Null;
            }
            ("send_money", call)
        })
        .collect();
    let text = suggested(&calls, Some(Effect::Write));
    let wanted = r#"# `meta` is not bounded: its type has no conditions here
[[grant]]
server = "bank"
tools = ["send_money"]
max_calls = 9
max_bytes = 1048576
when = '''
context.args.amount.greaterThanOrEqual(decimal("10.5")) && context.args.amount.lessThanOrEqual(decimal("94.5")) &&
["B", "A"].contains(context.args.recipient) &&
context.args.day >= 1 && context.args.day <= 9 &&
context.args.kind == "card" &&
!(context.args has "start-date") &&
(if context.args has cc then context.args.cc.isEmpty() else true) &&
(if context.args has note then ["note 2", "note 3", "note 4", "note 5", "note 6", "note 7", "note 8", "note 9"].contains(context.args.note) else true)'''
"#;
    assert_eq!(text, wanted);
}

#[test]
fn what_is_odd_is_written_rightly_or_not_bounded() {
    let odd = "'''\"\\\n\0\u{202e}\u{7f}\u{1f600}é\r\t";
    let text = suggested(
        &[
            ("weird*tool", json!({"has": odd})),
            ("ping", json!({})),
            ("ping", json!({})),
            ("gone", json!({"x\n[[grant]]": 1})),
        ],
        Some(Effect::Read),
    );
    let wanted = r#"[[grant]]
server = "bank"
tools = ["weird[*]tool"]
max_calls = 1
max_bytes = 131072
when = '''
context.args["has"] == "\'\'\'\"\\\n\0\u{202e}\u{7f}\u{1f600}é\r\t"'''
effect = "read"

[[grant]]
server = "bank"
tools = ["ping"]
max_calls = 2
max_bytes = 262144
effect = "read"

# the arguments are not bounded: the tool's definition is not known
[[grant]]
server = "bank"
tools = ["gone"]
max_calls = 1
max_bytes = 131072
effect = "read"
"#;
    assert_eq!(text, wanted);
    let base = json!({"amount": 1, "recipient": "a", "day": 1, "kind": "card", "urgent": true});
    for (key, value, part) in [
        ("amount", json!(0.00001), "`amount` is not bounded"),
        ("amount", json!(1e30), "`amount` is not bounded"),
        ("amount", json!(100), "decimal(\"100.0\")"),
        ("amount", json!(-0.25), "decimal(\"-0.25\")"),
        (
            "recipient",
            json!("x".repeat(500)),
            "`recipient` is not bounded",
        ),
        ("day", json!(i64::MIN), "`day` is not bounded"),
        ("day", json!(-5), "context.args.day == -5"),
    ] {
        let mut call = base.clone();
        call[key] = value;
        let text = suggested(&[("send_money", call)], None);
        assert!(text.contains(part), "{text}");
    }
}
