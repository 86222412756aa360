//! Sealing as a whole: rules, tokens, echoes, what is opened again. What each detector takes is in `detectors`.
#![allow(clippy::unwrap_used)]

mod detectors;
mod properties;

use serde_json::{Value, json};

use super::*;

pub(super) fn rule(fields: &[&str], class: Option<&str>, detect: &[&str]) -> SealRule {
    read(fields, class, detect).unwrap()
}

fn read(fields: &[&str], class: Option<&str>, detect: &[&str]) -> Result<SealRule, GrantsError> {
    let texts = |given: &[&str]| given.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let tools = Pattern::new("crm", &["*".to_owned()], "grants.toml:1").unwrap();
    SealRule::new(
        tools,
        &texts(fields),
        class,
        &texts(detect),
        "grants.toml:1".into(),
    )
}

pub(super) fn seal(vault: &Vault, rule: &SealRule, mut value: Value) -> Value {
    vault.seal(&[rule], &mut value);
    value
}

fn is_token(value: &Value) -> bool {
    value.as_str().is_some_and(tokens::looks_like)
}

#[test]
fn what_rules_cannot_say_is_an_error_with_a_way_out() {
    let hint = |fields: &[&str], class: Option<&str>, detect: &[&str]| {
        let error = read(fields, class, detect).unwrap_err();
        format!("{error} | {}", error.hint())
    };
    for (given, wanted) in [
        (hint(&["email"], None, &[]), "write \"/email\""),
        (hint(&["people.name"], None, &[]), "\"/people/name\""),
        (hint(&["$.email"], None, &[]), "behind slashes"),
        (hint(&["/a~2"], None, &[]), "`~0`"),
        (hint(&["/a/**"], None, &[]), "`**` is not known"),
        (hint(&[], None, &[]), "seals nothing"),
        (hint(&[], Some("pii"), &["email"]), "there are none"),
        (hint(&["/a"], Some("Big Secret"), &[]), "lower-case"),
        (hint(&[], None, &["e-mail"]), "did you mean `email`"),
        (hint(&[], None, &["zzz"]), "there are email, phone"),
    ] {
        assert!(given.contains(wanted), "{given}");
    }
    assert!(Class::named("", "x").is_err());
    assert!(Class::named(&"a".repeat(33), "x").is_err());
    assert_eq!(
        Class::named("national-id", "x").unwrap().name(),
        "national-id"
    );
    let rule = rule(&["/a"], None, &["email"]);
    let classes: Vec<String> = rule.classes().iter().map(ToString::to_string).collect();
    assert_eq!(classes, ["sealed", "email"]);
}

#[test]
fn pointers_name_what_is_sealed_and_nothing_else() {
    let vault = Vault::new().unwrap();
    let rule = rule(
        &[
            "/email",
            "/phones/*",
            "/people/*/ssn",
            "/a~1b",
            "/gone/*/x",
            "/list/1",
        ],
        Some("contact"),
        &[],
    );
    let sealed = seal(
        &vault,
        &rule,
        json!({
            "email": "anna@example.org", "phones": [4_930_123_456_u64, "+49 30 1", true, null, ""],
            "people": {"x": {"ssn": {"no": "abcde", "ok": false}, "age": 40}}, "a/b": "slash", "list": ["zero", "one"],
        }),
    );
    assert!(is_token(&sealed["email"]));
    assert!(is_token(&sealed["phones"][0]) && is_token(&sealed["phones"][1]));
    assert_eq!(
        sealed["phones"].as_array().unwrap()[2..],
        [json!(true), Value::Null, json!("")]
    );
    assert!(is_token(&sealed["people"]["x"]["ssn"]["no"]));
    assert_eq!(sealed["people"]["x"]["ssn"]["ok"], json!(false));
    assert_eq!(sealed["people"]["x"]["age"], json!(40));
    assert!(is_token(&sealed["a/b"]) && is_token(&sealed["list"][1]));
    assert_eq!(sealed["list"][0], json!("zero"));
    assert!(
        sealed["email"]
            .as_str()
            .unwrap()
            .starts_with("sealed:contact:")
    );
}

#[test]
fn the_whole_result_can_be_named() {
    let vault = Vault::new().unwrap();
    let rule = rule(&[""], None, &[]);
    let mut value = json!("all of it");
    let sealing = vault.seal(&[&rule], &mut value);
    assert!(value.as_str().unwrap().starts_with("sealed:sealed:"));
    assert_eq!(sealing.places.values().sum::<u64>(), 1);
}

#[test]
fn equal_values_have_equal_tokens_in_one_run_only() {
    let (one, two) = (Vault::new().unwrap(), Vault::new().unwrap());
    let rule = rule(&["/x"], None, &[]);
    let value = json!({"x": ["same", "same", "other", 12_345, "12345"]});
    let sealed = seal(&one, &rule, value.clone());
    assert_eq!(sealed["x"][0], sealed["x"][1]);
    assert_ne!(sealed["x"][0], sealed["x"][2]);
    // A number opens as a number.
    assert_ne!(sealed["x"][3], sealed["x"][4]);
    assert_eq!(sealed, seal(&one, &rule, value.clone()));
    assert_ne!(sealed["x"][0], seal(&two, &rule, value.clone())["x"][0]);
    let mut opened = sealed.clone();
    let classes = one.needed(&opened).unwrap();
    one.open(&mut opened, 1_000).unwrap();
    assert_eq!(opened, value);
    assert_eq!(classes.len(), 1);
    let error = two.open(&mut sealed.clone(), 1_000).unwrap_err();
    assert_eq!(error.to_string(), "`/x/0` is no sealed value of this run");
}

#[test]
fn forged_and_spliced_tokens_reveal_nothing() {
    let vault = Vault::new().unwrap();
    let rule = rule(&["/x"], Some("email"), &[]);
    let sealed = seal(&vault, &rule, json!({"x": "anna@example.org"}));
    let token = sealed["x"].as_str().unwrap();
    let other = if token.ends_with('a') { "e" } else { "a" };
    for forged in [
        format!("{}{other}", &token[..token.len() - 1]),
        token.replace("email", "phone"),
        "sealed:email:aaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(),
    ] {
        let mut arguments = json!({"to": [{"a/b": forged}]});
        let error = vault.open(&mut arguments, 1_000).unwrap_err();
        assert_eq!(error.at, "/to/0/a~1b");
        assert!(error.hint.contains("pass it on"));
    }
    // Within a text or as a key it goes out as it is.
    let mut key = serde_json::Map::new();
    key.insert(token.to_owned(), json!(format!("to {token}")));
    let spliced = json!([
        format!("{token} "),
        format!("x{token}"),
        format!("{token}{token}"),
        key,
        token.to_uppercase()
    ]);
    let arguments = spliced.clone();
    assert!(vault.needed(&arguments).unwrap().is_empty());
    assert_eq!(arguments, spliced);
}

#[test]
fn an_echo_reveals_nothing() {
    let vault = Vault::new().unwrap();
    let seals = rule(&["/email", "/name", "/pin", "/code"], Some("contact"), &[]);
    let person = json!({"note": "Anna wrote", "email": "Anna@Example.org", "name": "Anna", "pin": "77", "code": 81_264});
    let sealed = seal(&vault, &seals, person);
    // In the same result, before the place that is named.
    assert_eq!(
        sealed["note"],
        json!(format!("{} wrote", sealed["name"].as_str().unwrap()))
    );
    let email = sealed["email"].as_str().unwrap();

    let text = vault.seal_text(&[], "no mail for <ANNA@example.ORG>, code 81264");
    assert!(
        text.starts_with(&format!("no mail for <{email}>, code sealed:contact:")),
        "{text}"
    );
    let none = rule(&["/none"], None, &[]);
    let echo = seal(
        &vault,
        &none,
        json!({"anna@example.org": 77, "pin": "77", "n": [81_264, 812_645, "a77"], "x": email}),
    );
    assert_eq!(echo[email], json!(77));
    assert!(is_token(&echo["pin"]) && is_token(&echo["n"][0]));
    assert_eq!(
        echo["n"].as_array().unwrap()[1..],
        [json!(812_645), json!("a77")]
    );
    assert_eq!(echo["x"], sealed["email"]);
    // It opens as it was first seen.
    let mut opened = echo[email].clone();
    vault.open(&mut opened, 1 << 20).unwrap();
    let mut opened = json!(email);
    vault.open(&mut opened, 1 << 20).unwrap();
    assert_eq!(opened, json!("Anna@Example.org"));
}

#[test]
fn sealed_texts_that_overlap_are_sealed_as_one() {
    let vault = Vault::new().unwrap();
    let seals = rule(&["/x"], None, &["email"]);
    seal(
        &vault,
        &seals,
        json!({"x": ["Anna Berg", "Berg Street", "Anna", "Anna Berg <a@b.de>"]}),
    );
    let text = vault.seal_text(&[], "to Anna Berg Street 5");
    assert!(
        text.starts_with("to sealed:sealed:") && text.ends_with(" 5"),
        "{text}"
    );
    assert!(!text.contains("Street") && text.matches("sealed:sealed:").count() == 1);
    let text = vault.seal_text(&[&seals], "Anna Berg <a@b.de>, c@d.de");
    assert_eq!(text.matches("sealed:sealed:").count(), 1, "{text}");
    assert!(text.contains(", sealed:email:") && text.matches(':').count() == 4);
}

#[test]
fn what_reaches_into_two_needs_both_revealed() {
    let vault = Vault::new().unwrap();
    seal(
        &vault,
        &rule(&["/x"], Some("one"), &[]),
        json!({"x": "left-middle"}),
    );
    seal(
        &vault,
        &rule(&["/x"], Some("two"), &[]),
        json!({"x": "middle-right"}),
    );
    let mut text = json!(vault.seal_text(&[], "left-middle-right"));
    let classes = vault.needed(&text).unwrap();
    vault.open(&mut text, 1 << 20).unwrap();
    assert_eq!(text, json!("left-middle-right"));
    assert_eq!(classes.len(), 2);
}

#[test]
fn texts_that_look_like_tokens_hide_nothing() {
    let vault = Vault::new().unwrap();
    let seals = rule(&["/x"], None, &["email"]);
    seal(&vault, &seals, json!({"x": "annaannaanna"}));
    let text = vault.seal_text(&[], "sealed:x:annaannaannaannaannaannaan");
    assert!(!text.contains("annaanna"), "{text}");
    // A token that was given stays one, and nothing is sealed within it.
    let x = seal(&vault, &seals, json!({"x": "sealed"}));
    let again = seal(
        &vault,
        &seals,
        json!({"x": x["x"], "y": format!("<{}>", x["x"].as_str().unwrap())}),
    );
    assert_eq!(again["x"], x["x"]);
    assert_eq!(again["y"], json!(format!("<{}>", x["x"].as_str().unwrap())));
}

#[test]
fn keys_that_are_found_are_sealed_and_none_is_lost() {
    let vault = Vault::new().unwrap();
    let seals = rule(&[], None, &["email"]);
    let sealed = seal(
        &vault,
        &seals,
        json!({"b": 0, "a@x.de": 1, "A@x.de": 2, "c": {"a@x.de": 3}, "d": 4}),
    );
    let keys: Vec<&String> = sealed.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 5);
    assert!(keys[0] == "b" && tokens::looks_like(keys[1]) && keys[2] == &format!("{}~2", keys[1]));
    assert_eq!(sealed[keys[2].as_str()], json!(2));
    assert_eq!(sealed["c"][keys[1].as_str()], json!(3));
}

#[test]
fn long_values_are_known_by_their_beginning() {
    let vault = Vault::new().unwrap();
    let seals = rule(&["/x"], None, &[]);
    let long = format!("{}ü{}", "ab".repeat(127), "0123456789".repeat(100));
    seal(
        &vault,
        &seals,
        json!({"x": [long, format!("{}other", &long[..600])]}),
    );
    let cut = vault.seal_text(
        &[],
        &format!("<{}> <{}> <{long}>", &long[..500], &long[..200]),
    );
    assert_eq!(cut.matches("sealed:sealed:").count(), 2, "{cut}");
    assert!(!cut.contains("0123456789") && cut.ends_with('>'));
}

#[test]
fn many_values_in_many_results() {
    let vault = Vault::new().unwrap();
    let seals = rule(&["/x"], None, &[]);
    for round in 0..40 {
        let values: Vec<String> = (0..50).map(|i| format!("value-{round}-{i}.")).collect();
        seal(&vault, &seals, json!({ "x": values }));
    }
    let all: String = (0..40).map(|round| format!("value-{round}-7. ")).collect();
    let text = vault.seal_text(&[], &all);
    assert_eq!(text.matches("sealed:sealed:").count(), 40);
    assert!(!text.contains("value"));
}

#[test]
fn eight_threads_agree() {
    let vault = Vault::new().unwrap();
    let rule = rule(&["/x"], None, &["email", "phone"]);
    let value = json!({"x": (0..100).map(|i| format!("value {i}")).collect::<Vec<_>>(), "y": "a@b.de or +49 30 901820"});
    let sealed: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| seal(&vault, &rule, value.clone())))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(sealed.iter().all(|s| *s == sealed[0]));
    assert!(sealed[0]["y"].as_str().unwrap().matches("sealed:").count() == 2);
}

#[test]
fn long_texts_stay_quick() {
    let vault = Vault::new().unwrap();
    let rule = rule(
        &["/x"],
        None,
        &["email", "phone", "card", "iban", "national-id", "api-key"],
    );
    seal(
        &vault,
        &rule,
        json!({"x": ["aaaa", "a".repeat(100_000), "Anna", "1 2 3 4"]}),
    );
    for part in [
        "Call +49 30 901820 or write to anna@example.org today. ",
        "a",
        "@",
        "1 ",
        "0",
        "+1 (",
        "aaaa@",
        "-eyJaaaaaaaa-AKIA1234567890ABCDEF ",
        "-----BEGIN PRIVATE KEY----- ",
        "sealed:email:",
        "DE12 ",
        "ü@ü.ü ",
        "secret ",
        "bearer ",
        "01 23 ",
        "aws: ",
        "%40a.de",
    ] {
        let text = part.repeat(500_000 / part.len());
        let sealed = seal(&vault, &rule, json!({ "y": text }));
        assert!(sealed["y"].is_string());
    }
    let text = "A line of prose of 64 bytes with nothing in it that is private. ".repeat(80_000);
    assert_eq!(seal(&vault, &rule, json!({ "y": text }))["y"], json!(text));
}
