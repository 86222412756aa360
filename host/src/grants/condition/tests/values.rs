//! What arguments and the rest of a call look like to a condition.

use super::*;
use witgate_codegen::model::Type;

#[test]
fn values_of_every_kind_are_seen_as_their_type() {
    let all = with(json!({
        "amount": 99.5, "level": 2, "cc": ["a", "b", "a"], "to": {"name": "Bob", "email": "b@x"},
        "start-date": "2027-01-01", "note": "n", "filters": {"any": [1]}, "headers": {"h": "v"},
        "key": 7,
    }));
    for text in r#"
        context.args.amount == decimal("99.5")
        context.args.amount.lessThan(decimal("100.0"))
        context.args.recipient == "Alice" && context.args.recipient like "Al*"
        context.args.times == 3 && context.args.times < 4
        context.args.urgent
        context.args.state == "open"
        context.args has level && context.args.level == 2
        context.args has cc && context.args.cc == ["b", "a"]
        context.args.to has email && context.args.to.email == "b@x"
        context.args.to.name == "Bob"
        context.args has "start-date" && context.args["start-date"] like "2027-*"
        context.args has note && context.args.note == "n"
        context.args has key && context.args.key has integer && context.args.key.integer == 7
        context.args has key.integer && !(context.args.key has string)
        context.args.kind == "transfer"
        context.sets.payees.contains(context.args.recipient)
        context has sets.payees && context has args && context has sets
        {s: context.sets.payees}.s.contains("Alice")
        [context.sets.none, context.sets.payees].contains(context.sets.payees)
        !context.sets.none.contains(context.args.recipient)
        context.read.contains("untrusted") && !context.read.contains("private")
        context.calls == 2 && context.calls < 10
        context.now > datetime("2026-01-01") && context.now < datetime("2027-01-01")
        context.program == "abc" && principal == Program::"abc"
        resource == Server::"bank" && action == Action::"bank/send_money"
        action in Action::"bank"
        true // a comment"#
        .lines()
        .skip(1)
    {
        assert_eq!(decide(text, &all), Ok(true), "{text}");
    }
}

#[test]
fn what_is_absent_or_null_is_absent() {
    for arguments in [with(json!({})), with(json!({"note": null}))] {
        assert_eq!(decide("context.args has note", &arguments), Ok(false));
        assert_eq!(decide("context.args has key", &arguments), Ok(false));
        assert_eq!(decide("context.args.to has email", &arguments), Ok(false));
    }
    let text = "context.args has key && context.args.key has string";
    assert_eq!(decide(text, &with(json!({"key": "7"}))), Ok(true));
}

#[test]
fn what_cedar_cannot_hold_is_never_decided() {
    let places = "cannot be evaluated: `amount` has more than four decimal places";
    let size = "cannot be evaluated: `amount` is larger than Cedar's decimals go";
    for (amount, why) in [
        (json!(1.23456), places),
        (json!(1e-9), places),
        (json!(1e15), size),
        (json!(-1e300), size),
        (json!(u64::MAX), size),
    ] {
        let arguments = with(json!({"amount": amount}));
        for text in [
            "context.args.amount.lessThan(decimal(\"100.0\"))",
            "context.args has amount",
            "context has args.amount",
            "context.args.urgent || context.args.amount == decimal(\"1.0\")",
            "context.stated.amount",
            "[context.args].contains(context.args)",
        ] {
            assert_eq!(decide(text, &arguments), Err(why.to_owned()), "{text}");
        }
        assert_eq!(decide("context.args.times == 3", &arguments), Ok(true));
    }
    let wrong = [
        (json!(u64::MAX), "is no integer from -2^63 to 2^63-1"),
        (json!("2"), "is of another type than its schema says"),
    ];
    for (times, why) in wrong {
        let found = decide("context.args.times < 3", &with(json!({"times": times})));
        assert_eq!(found, Err(format!("cannot be evaluated: `times` {why}")));
    }
    let nulls = with(json!({"cc": [null]}));
    assert!(decide("context.args has cc", &nulls).is_err());
    let mut missing = with(json!({}));
    missing.shift_remove("times");
    assert!(decide("context.args.times < 3", &missing).is_err());
}

#[test]
fn decimals_are_exact() {
    for (amount, text) in [
        (json!(922337203685477.0), "922337203685477.0"),
        (json!(-922337203685477.0), "-922337203685477.0"),
        (json!(-0.0), "0.0"),
        (json!(0.0001), "0.0001"),
        (json!(10.00), "10.0"),
        (json!(12.34), "12.3400"),
    ] {
        let text = format!("context.args.amount == decimal(\"{text}\")");
        let arguments = with(json!({"amount": amount}));
        assert_eq!(decide(&text, &arguments), Ok(true), "{text}");
    }
}

#[test]
fn decimals_are_compared_as_cedar_compares_them() {
    let list = json!({"type": "array", "items": {"type": "number"}});
    let schema = json!({
        "type": "object", "properties": {"x": {"type": "number"}, "all": list}, "required": ["x", "all"],
    });
    let schema = ToolSchema::new(&definition("bank", "sum", schema), &[], &sets()).unwrap();
    let values = ["-12.5", "-0.0001", "0.0", "0.5", "7.0", "922337203685477.0"];
    for (at, x) in values.iter().enumerate() {
        for (of, y) in values.iter().enumerate() {
            let number: Value = serde_json::from_str(x).unwrap();
            let arguments = map(json!({"x": number, "all": [1, number, 0.25]}));
            for (text, holds) in [
                (
                    format!("context.args.x.lessThan(decimal(\"{y}\"))"),
                    at < of,
                ),
                (
                    format!("context.args.x.lessThanOrEqual(decimal(\"{y}\"))"),
                    at <= of,
                ),
                (
                    format!("decimal(\"{y}\").greaterThan(context.args.x)"),
                    of > at,
                ),
                (
                    format!("decimal(\"{y}\").greaterThanOrEqual(context.args.x)"),
                    of >= at,
                ),
                (format!("context.args.x != decimal(\"{y}\")"), at != of),
                (
                    format!("context.args.all.contains(decimal(\"{y}\"))"),
                    at == of,
                ),
                (
                    format!("[decimal(\"{y}\"), decimal(\"0.125\")].contains(context.args.x)"),
                    at == of,
                ),
                (
                    format!(
                        "(if true then {{v: decimal(\"{y}\")}} else {{v: context.args.x}}).v == context.args.x"
                    ),
                    at == of,
                ),
            ] {
                let checked = schema
                    .check(&condition(&text))
                    .unwrap_or_else(|e| panic!("{text}: {e:?}"));
                let request = schema.request(&facts(&arguments));
                assert_eq!(checked.holds(&request), Ok(holds), "{text} {x}");
            }
        }
    }
    // A whole number is none, and no text makes it one.
    assert!(schema.check(&condition("context.args.x == 5000")).is_err());
    assert!(
        schema
            .check(&condition("context.args.x == context.calls"))
            .is_err()
    );
}

#[test]
fn a_time_that_no_calendar_has_is_none() {
    let arguments = with(json!({}));
    let later = |now| {
        let facts = Facts {
            now,
            ..facts(&arguments)
        };
        decide_for("context.now > datetime(\"2026-01-01\")", &facts)
    };
    assert_eq!(later(0), Ok(false));
    assert!(later(u64::MAX).is_err());
    // The year 10000.
    assert!(later(253_402_300_800_000).is_err());
}

#[test]
fn a_union_without_a_tag_is_decided_by_its_schemas() {
    let case = |pattern: &str| {
        let properties = json!({"at": {"type": "string", "pattern": pattern}});
        json!({"type": "object", "properties": properties, "required": ["at"]})
    };
    let to = json!({"anyOf": [case("@"), case("^[+]")]});
    let schema = json!({"type": "object", "properties": {"to": to}, "required": ["to"]});
    let schema = ToolSchema::new(&definition("bank", "notify", schema), &[], &sets()).unwrap();
    let Shape::Union(cases) = &schema.arguments().slots()[0].shape else {
        panic!("{:?}", schema.arguments());
    };
    let text = format!("context.args.to has {}", shape::after_has(&cases[1].name));
    let checked = schema.check(&condition(&text)).unwrap();
    let is_phone = |at: &str| {
        let arguments = map(json!({"to": {"at": at}}));
        checked.holds(&schema.request(&facts(&arguments)))
    };
    assert_eq!(is_phone("+44"), Ok(true));
    assert_eq!(is_phone("a@b"), Ok(false));
    assert!(is_phone("44").is_err());
}

#[test]
fn names_that_look_like_other_names_stay_apart() {
    let names = [
        ("label:egress", "x"),
        ("a/b", "c"),
        ("a", "b/c"),
        ("a%2Fb", "c"),
        ("a\"b\n", "c\"\u{1}d'\\"),
    ];
    for (server, tool) in names {
        let definition = definition(server, tool, json!({"type": "object"}));
        let schema = ToolSchema::new(&definition, &labels(), &sets()).unwrap();
        let text = format!("action == Action::{:?}", action_id(server, tool));
        let itself = schema.check(&condition(&text)).unwrap();
        let label = condition("context.calls == 7 || action in Action::\"label:egress\"");
        let label = schema.check(&label).unwrap();
        let arguments = Map::new();
        let request = schema.request(&facts(&arguments));
        assert_eq!(itself.holds(&request), Ok(true), "{text}");
        assert_eq!(label.holds(&request), Ok(false), "{text}");
    }
    assert_ne!(action_id("a/b", "c"), action_id("a", "b/c"));
    assert_ne!(action_id("a/b", "c"), action_id("a%2Fb", "c"));
}

#[test]
fn a_tool_says_what_conditions_may_use() {
    let lines = schema().describe();
    for line in r#"context.args.amount: decimal
context.args.state: String, one of "open", "closed", "held"
context.args.cc: Set<String>, may be absent
context.args.to.name: String
context.args.to.email: String, may be absent
context.args["start-date"]: String, may be absent
context.args.key: Record, may be absent
context.args.key.integer: Long, may be absent
context.stated.filters: Bool
context.sets.payees: Set<String>
context.read: Set<String>
context.calls: Long
context.now: datetime
context.program: String"#
        .lines()
    {
        assert!(lines.iter().any(|l| l == line), "{line} in {lines:#?}");
    }
    let opaque = |line: &String| line.starts_with("context.args.filters");
    assert!(!lines.iter().any(opaque), "{lines:#?}");
}

#[test]
fn arguments_without_a_schema_cannot_be_looked_into() {
    let mut tool = definition("x", "free", json!({"type": "object"}));
    Arc::get_mut(&mut tool).unwrap().model.input = Some(Type::Json);
    let schema = ToolSchema::new(&tool, &[], &sets()).unwrap();
    let arguments = map(json!({"a": 1}));
    let found = schema.check(&condition("context.args.a == 1"));
    assert_eq!(
        found.unwrap_err().message,
        "conditions cannot look into what `x/free` takes, since its schema says nothing of its inside"
    );
    let calls = schema.check(&condition("context.calls == 2")).unwrap();
    let request = schema.request(&facts(&arguments));
    assert_eq!(calls.holds(&request), Ok(true));
}
