//! `context.stated`: what the person named, and what only looks as if.

use super::*;

fn stated(argument: &str, arguments: Value, request: Option<&str>) -> bool {
    let arguments = with(arguments);
    let facts = Facts {
        request,
        ..facts(&arguments)
    };
    let text = format!("context.stated{}", shape::access(argument));
    decide_for(&text, &facts).unwrap()
}

#[test]
fn texts_are_found_word_for_word() {
    let said = Some(
        "Please pay 10.00 to Bob Smith (bob.smith@bank.example), ref. R7, and 5 more -- 'x' [Zoë]",
    );
    for (recipient, expected) in [
        ("Bob Smith", true),
        ("bob smith", true),
        ("BOB", true),
        ("bob.smith@bank.example", true),
        ("R7", true),
        ("5", true),
        ("zoë", true),
        ("zo", false),
        ("Bo", false),
        ("ob Smith", false),
        ("Bob  Smith", false),
        ("Smith Bob", false),
        ("Mallory", false),
        ("mith", false),
        ("x", false),
        ("", false),
        (" ", false),
        ("--", false),
        ("1", false),
        ("10", false),
        ("Bob Smith\nMallory", false),
    ] {
        let found = stated("recipient", json!({"recipient": recipient}), said);
        assert_eq!(found, expected, "{recipient:?}");
    }
    // What is found first inside a word is found again by itself.
    for (recipient, request) in [("ana", "banana, ana"), ("aa aa", "baa aa aa")] {
        let found = stated("recipient", json!({"recipient": recipient}), Some(request));
        assert!(found, "{recipient}");
    }
    let bob = json!({"recipient": "Bob"});
    assert!(!stated("recipient", bob.clone(), None));
    assert!(!stated("recipient", bob, Some("")));
}

#[test]
fn numbers_are_found_by_their_value() {
    let said =
        Some("10.00, 007 and -3.5; 1,000 or 2027-01-05, v1.2, 9007199254740992, 12kg, 4. 8.");
    for (amount, expected) in [
        (json!(10), true),
        (json!(10.0), true),
        (json!(7), true),
        (json!(-3.5), true),
        (json!(4), true),
        (json!(8), true),
        (json!(3.5), false),
        (json!(1), false),
        (json!(0), false),
        (json!(1000), false),
        (json!(2027), false),
        (json!(1.2), false),
        (json!(12), false),
        (json!(100), false),
    ] {
        let found = stated("amount", json!({"amount": amount}), said);
        assert_eq!(found, expected, "{amount}");
    }
    // Equal as floats, and yet not what was said.
    for (times, expected) in [
        (9_007_199_254_740_992_u64, true),
        (9_007_199_254_740_993, false),
    ] {
        assert_eq!(stated("times", json!({"times": times}), said), expected);
    }
}

#[test]
fn every_leaf_counts_and_what_claims_nothing_is_stated() {
    let said = Some("send it to ann@x.org and bob@x.org, about Bob, header X-Id");
    for (argument, value, expected) in [
        ("cc", json!(["ann@x.org", "bob@x.org"]), true),
        ("cc", json!(["ann@x.org", "eve@x.org"]), false),
        ("cc", json!([]), true),
        ("cc", json!([""]), false),
        ("to", json!({"name": "Bob"}), true),
        ("to", json!({"name": "Bob", "email": "eve@x.org"}), false),
        ("note", json!(null), true),
        ("urgent", json!(true), true),
        ("filters", json!({}), true),
        // Keys that the schema does not name are data.
        ("headers", json!({"X-Id": "Bob"}), true),
        ("headers", json!({"X-To": "Bob"}), false),
        (
            "filters",
            json!({"about": [["Bob", {"header": null}]]}),
            true,
        ),
        (
            "filters",
            json!({"about": [["Bob", {"header": "Eve"}]]}),
            false,
        ),
    ] {
        let arguments = json!({argument: value});
        let found = stated(argument, arguments.clone(), said);
        assert_eq!(found, expected, "{arguments}");
        let nothing = ["[]", "null", "true", "{}"].contains(&value.to_string().as_str());
        let unsaid = stated(argument, arguments.clone(), None);
        assert_eq!(unsaid, nothing, "{arguments}");
    }
    assert!(stated("cc", json!({}), None));
}
