//! What each detector takes and what it leaves. `<` and `>` stand around what is to be found; a text without them has nothing.

use serde_json::json;

use super::{rule, seal};
use crate::sealed::Vault;
use crate::sealed::detect::{self, Detector};

fn check(detector: Detector, marked: &[&str]) {
    check_under(detector, "", marked);
}

fn check_under(detector: Detector, key: &str, marked: &[&str]) {
    let mut wrong = Vec::new();
    for wanted in marked {
        let text = wanted.replace(['<', '>'], "");
        let mut got = String::new();
        let mut from = 0;
        for hit in detect::find(&[detector], &text, key) {
            got += &format!("{}<{}>", &text[from..hit.start], &text[hit.start..hit.end]);
            from = hit.end;
        }
        got += &text[from..];
        if got != **wanted {
            wrong.push(format!("wanted {wanted}\n   got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn emails() {
    check(
        Detector::Email,
        &[
            "<anna@example.org>",
            "write to <a.b+c@x-y.co.uk>.",
            "mailto:<a@b.de>?subject=x",
            "(<a_b%c@b.museum>)",
            "<jörg@müller.de>, <用户@例子.公司>",
            "<o'brien@x.ie>",
            "'<a@b.de>'",
            "<A@B.DE>;<c@d.de>",
            "a=<b@x.de>",
            "<x@xn--mller-kva.de>",
            "<a@b.de>...",
            "https://u:p<ss@host.com>/x"
                .replace("p<ss", "<pss")
                .as_str(),
            "?to=<a%40b.de>&x",
            "<1@2.io>",
            "<a@b.de>-",
            "a@b",
            "@example.org",
            "a@",
            "a @b.de",
            "react@18.2.0",
            "@types/node@20.1",
            "a@-b",
            "a@.de",
            "a@b.c",
            "user@localhost",
            "a@b..de",
            "@@",
            "x@1.2.3.4",
            "me at example dot org",
        ],
    );
}

#[test]
fn phones() {
    check(
        Detector::Phone,
        &[
            "Call <+49 30 901820> or",
            "<+4930901820>",
            "<+49 (0)30 901820>.",
            "tel:<+1-212-736-5000>",
            "<+1 (212) 736-5000>",
            "<+44 20 7946 0958>",
            "<+33 1 42 68 53 00>",
            "<0049 30 901820>",
            "<(212) 736-5000>",
            "<(030) 901820>",
            "<030/901820>",
            "<030 901820>",
            "<0171-1234567>",
            "<01 42 68 53 00>",
            "<020 7946 0958>",
            "<212-736-5000>",
            "<1-800-275-2273>",
            "<212.736.5000>",
            "Fax <+49 30 90182099> 2024",
            "order 4930901820",
            "2024-05-20",
            "20.05.2024",
            "05/20/2024",
            "01.02.2024 10",
            "2024-05-20T10:11:12Z",
            "2024-05-20 10:11:12+02:00",
            "192.168.1.100",
            "10.0.0.1",
            "v1.20.300",
            "1716200000",
            "1716200000123",
            "+5",
            "+1 2 3",
            "+999 123 456 789",
            "12345",
            "(2024) 12",
            "550e8400-e29b-41d4-a716-446655440000",
            "978-3-16-148410-0",
            "0049301234567",
            "3.14159265",
            "01 2024",
            "1,234,567.89",
            "20 000 000",
            "ref 100-200-3000",
            "£(12) 3",
            "192.168.001.001",
        ],
    );
    check_under(
        Detector::Phone,
        "mobilePhone",
        &[
            "<0301234567>",
            "<4915112345678>",
            " <555 0123 4>",
            "unknown",
            "12",
            "see 0301234567",
        ],
    );
    check_under(Detector::Phone, "phone_id", &["0301234567"]);
}

#[test]
fn cards() {
    check(
        Detector::Card,
        &[
            "<4111111111111111>",
            "<4111 1111 1111 1111>",
            "<4111-1111-1111-1111>",
            "pay <5555555555554444>.",
            "<378282246310005>",
            "<3782 822463 10005>",
            "<30569309025904>",
            "<6011111111111117>",
            "<3530111333300000>",
            "<2223003122003222>",
            "<4012888888881881> 12/29",
            "<4111 1111 1111 1111> 123",
            "<6200000000000005>",
            "a: <4242424242424242>, b: <5105105105105100>",
            "4111111111111112",
            "4111 1111 1111 1112",
            "1234567890123456",
            "0000000000000000",
            "41111111111111111111111",
            "9111111111111111",
            "1716200000123",
            "4006381333931",
            "x4111111111111111",
            "4111111111111111x",
            "4111 1111-1111 1111",
            "4111.1111.1111.1111",
            "41 11 11 11 11 11 11 11",
            "12-4111111111111111",
            "7992739871",
        ],
    );
}

#[test]
fn ibans() {
    check(
        Detector::Iban,
        &[
            "<DE89370400440532013000>",
            "<DE89 3704 0044 0532 0130 00>",
            "<DE89 3704 0044 0532 0130 00> and more",
            "<GB82 WEST 1234 5698 7654 32>.",
            "<FR1420041010050500013M02606>",
            "<NL91ABNA0417164300>",
            "<BE68 5390 0754 7034>",
            "<NO9386011117947>",
            "<MT84MALT011000012345MTLCAST001S>",
            "<CH9300762011623852957>",
            "<de89370400440532013000>",
            "an AB12 <DE89 3704 0044 0532 0130 00>",
            "IBAN:<AT611904300234573201>",
            "<ES9121000418450200051332>,<IT60X0542811101000000123456>",
            "DE89370400440532013001",
            "DE8937040044053201300",
            "XX89370400440532013000",
            "DE893704004405320130001",
            "ADE89370400440532013000",
            "DE89-3704-0044-0532-0130-00",
            "AB12 CDEF 3456",
            "DE89",
            "GB82 WEST 1234 5698 7654 33",
            "US12345678901234567890",
            "DE89  3704 0044 0532 0130 00",
            "in 2024 DE12 and FR13",
            "sha DE0123456789abcdef0123",
            "",
        ],
    );
}

#[test]
fn national_numbers() {
    check(
        Detector::NationalId,
        &[
            // With a check of their own, and one beside it.
            "<36574261809>",
            "36574261808",
            "<26 954 371 827>",
            "26 954 371 828",
            "<295109912611193>",
            "295109912611194",
            "<2 95 10 99 126 111 93>",
            "<253072B07300470>",
            "253072B07300471",
            "<12345678Z>",
            "12345678A",
            "<X1234567L>",
            "X1234567M",
            "<54362315K>",
            "<X-2482300W>",
            "<RSSMRA85T10A562S>",
            "RSSMRA85T10A562T",
            "<rssmra85t10a562s>",
            "<44051401359>",
            "44051401358",
            "<811228-9874>",
            "811228-9875",
            "<19640823-3234>",
            "19640823-3235",
            "<15 070649 C 103>",
            "15 070649 C 104",
            "<15070649C103>",
            // Without.
            "<123-45-6789>",
            "SSN: <123 45 6789>",
            "ssn <123456789>",
            "my social security number is <123456789>",
            "<AB123456C>",
            "<AB 12 34 56 C>",
            "BSN <111222333>",
            "bsn: <123456782>",
            "bsn 123456781",
            "pnr <8112289874>",
            // What only looks like it.
            "123456789",
            "000-12-3456",
            "666-12-3456",
            "900-12-3456",
            "123-00-4567",
            "123-45-0000",
            "078-05-1120",
            "123 45 6789",
            "111222333",
            "123456782",
            "8112289874",
            "20240520-1530",
            "QQ123456C",
            "BG123456A",
            "AB123456E",
            "1-123-45-6789",
            "123-45-67890",
            "12345678901",
            "20240520123",
            "99999999999",
            "11111111111",
            "session 123456789",
            "x36574261809",
            "550e8400-e29b-41d4-a716-446655440000",
            "123-456-7890",
            "0.36574261809",
            "2024-05-20",
        ],
    );
    check_under(Detector::NationalId, "bsn", &["<123456782>", "123456781"]);
    check_under(Detector::NationalId, "customerSsn", &["<123456789>"]);
}

#[test]
fn api_keys() {
    let made = |head: &str, length: usize| {
        let body = "aB3dE5fG7hJ9kLmN2pQrS4tUvW6xYz8".repeat(5);
        format!("{head}{}", &body[..length])
    };
    let jwt = format!("{}.{}.{}", made("eyJ", 30), made("eyJ", 60), made("", 43));
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----";
    let found = [
        format!("<{}>", "AKIAIOSFODNN7EXAMPLE"),
        format!("key=<{}>;", made("ghp_", 36)),
        format!("<{}>", made("gho_", 36)),
        format!("<{}>", made("github_pat_", 60)),
        format!("\"<{}>\"", made("glpat-", 20)),
        format!("<{}>", made("xoxb-", 40)),
        format!("<{}>", made("xoxp-", 40)),
        format!("<{}>", made("sk-", 48)),
        format!("<{}>", made("sk-ant-api03-", 90)),
        format!("<{}>", made("AIza", 35)),
        format!("<{}>.", made("sk_live_", 24)),
        format!("<{}>", made("rk_live_", 24)),
        format!("at <{jwt}>"),
        format!("a\n<{pem}>\nb\n<{pem}>"),
        format!("x <{}>", &pem[..40]),
        format!("<{}>", made("npm_", 36)),
        format!("<{}>", made("pypi-", 60)),
        format!("Authorization: Bearer <{}>", made("", 30)),
        format!("aws_secret_access_key = <{}>", made("", 40)),
        format!("\"SecretAccessKey\": \"<{}>\"", made("", 40)),
    ];
    check(
        Detector::ApiKey,
        &found.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let left = [
        "AKIA".to_owned(),
        "AKIAIOSFODNN7EXAMPLEX".to_owned(),
        "akiaiosfodnn7example".to_owned(),
        made("ghp_", 20),
        made("xghp_", 36),
        "sk-this-is-only-a-long-name-with-hyphens".to_owned(),
        made("task-", 30),
        made("", 40),
        "da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned(),
        "550e8400-e29b-41d4-a716-446655440000".to_owned(),
        "eyJhbGciOiJI.eyJzdWIi".to_owned(),
        "bearer of bad news, whoever that is".to_owned(),
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----".to_owned(),
        "-----BEGIN CERTIFICATE-----".to_owned(),
        "password: hunter2".to_owned(),
        "AIzaShort".to_owned(),
    ];
    check(
        Detector::ApiKey,
        &left.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let key = made("", 40);
    check_under(
        Detector::ApiKey,
        "secret_access_key",
        &[&format!("<{key}>")],
    );
}

#[test]
fn numbers_are_found_too() {
    let vault = Vault::new().unwrap();
    let seals = rule(&[], None, &["card", "phone", "national-id"]);
    let value = json!({
        "card": 4_111_111_111_111_111_u64, "order": 4_111_111_111_111_112_u64, "at": 1_716_200_000_123_u64,
        "phone": 4_915_112_345_678_u64, "id": 4_915_112_345_678_u64, "bsn": 123_456_782, "n": 123_456_789, "x": 1.5, "phones": [4_930_901_820_u64],
    });
    let mut sealed = seal(&vault, &seals, value.clone());
    for (key, class) in [
        ("card", "card"),
        ("phone", "phone"),
        ("bsn", "national-id"),
        ("id", "phone"),
    ] {
        let token = sealed[key].as_str().unwrap();
        assert!(
            token.starts_with(&format!("sealed:{class}:")),
            "{key} {token}"
        );
    }
    assert!(sealed["phones"][0].is_string());
    for key in ["order", "at", "n", "x"] {
        assert_eq!(sealed[key], value[key], "{key}");
    }
    vault.open(&mut sealed, 1 << 30).unwrap();
    assert_eq!(sealed, value);
}

#[test]
fn where_detectors_overlap_the_more_certain_wins() {
    let all = [
        Detector::ApiKey,
        Detector::Email,
        Detector::Iban,
        Detector::NationalId,
        Detector::Card,
        Detector::Phone,
    ];
    for (text, wanted) in [
        ("0171-1234567", Detector::Phone),
        ("2 95 10 99 126 111 93", Detector::NationalId),
        ("DE89 3704 0044 0532 0130 00", Detector::Iban),
        ("4111 1111 1111 1111", Detector::Card),
        ("+49 30 901820", Detector::Phone),
    ] {
        let found = detect::find(&all, text, "");
        assert_eq!(found.len(), 1, "{text} {found:?}");
        assert_eq!(
            (found[0].start, found[0].end, found[0].detector),
            (0, text.len(), wanted)
        );
    }
    let found = detect::find(&all, "a@b.de, 4111111111111111 and +49 30 901820", "");
    let found: Vec<Detector> = found.iter().map(|hit| hit.detector).collect();
    assert_eq!(found, [Detector::Email, Detector::Card, Detector::Phone]);
}
