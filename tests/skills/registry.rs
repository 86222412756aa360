//! Skills in a real registry: there and back, and each thing that somebody who can write to it may have changed.

use serde_json::{Value, json};

use crate::ground::*;

#[test]
fn there_and_back() {
    let Some(registry) = Registry::plain() else {
        return;
    };
    let stand = with_hello();
    let reference = registry.at("team/hello:1.0");
    let pushed = ok_json(
        &stand,
        &[
            "skills",
            "push",
            "hello",
            &reference,
            "--key",
            "team.key",
            "--insecure",
            "--json",
        ],
    );
    let pinned = pushed["reference"].as_str().unwrap().to_owned();
    assert!(
        pinned.starts_with(&registry.at("team/hello@sha256:")),
        "{pinned}"
    );
    assert!(
        pushed["key"].as_str().unwrap().starts_with("SHA256:"),
        "{pushed}"
    );
    // What is pushed again is the same.
    let again = ok(
        &stand,
        &[
            "skills",
            "push",
            "hello",
            &reference,
            "--key",
            "team.key",
            "--insecure",
        ],
    );
    assert_eq!(again.stdout.trim(), pinned);

    let elsewhere = with_hello();
    ok(&elsewhere, &["skills", "remove", "hello"]);
    elsewhere.write("team.pub", stand.read("team.pub")).unwrap();
    for from in [&reference, &pinned] {
        let pulled = ok(
            &elsewhere,
            &["skills", "pull", from, "--key", "team.pub", "--insecure"],
        );
        assert_eq!(pulled.stdout, "hello\n");
        assert!(
            pulled.stderr.contains("signed by SHA256:")
                && pulled.stderr.contains("not yet reviewed"),
            "{}",
            pulled.stderr
        );
        assert!(
            pulled.stderr.contains("calls no tools"),
            "{}",
            pulled.stderr
        );
    }
    // The very bytes, with what they say of themselves, reviewed by nobody here.
    assert_eq!(
        bytes(&elsewhere, &component("hello")),
        bytes(&stand, &component("hello"))
    );
    let listed = ok_json(&elsewhere, &["skills", "list", "--json"]);
    assert_eq!(
        listed["skills"][0]["description"],
        "Greets whoever is named."
    );
    assert_eq!(listed["skills"][0]["reviewed"], false);
    assert!(
        !elsewhere
            .folder()
            .join(".witgate/skills/hello/source.js")
            .exists()
    );
    let ran = ok(
        &elsewhere,
        &["run", &component("hello"), "--input", "{\"name\":\"you\"}"],
    );
    assert_eq!(ran.stdout.trim(), "{\"hello\":\"you\"}");

    // Under another name it says another name; the reviewed one stays what it is.
    ok(&elsewhere, &["skills", "approve", "hello", "--yes"]);
    let named = ok(
        &elsewhere,
        &[
            "skills",
            "pull",
            &reference,
            "--key",
            "team.pub",
            "--insecure",
            "--name",
            "theirs",
        ],
    );
    assert_eq!(named.stdout, "theirs\n");
    let listed = ok_json(&elsewhere, &["skills", "list", "--json"]);
    assert_eq!(
        (
            &listed["skills"][0]["reviewed"],
            &listed["skills"][1]["name"]
        ),
        (&json!(true), &json!("theirs"))
    );
    stand
        .write("hello.js", "// Greets nobody.\nexport default () => 0;\n")
        .unwrap();
    ok(&stand, &["skills", "add", "hello.js"]);
    ok(
        &stand,
        &[
            "skills",
            "push",
            "hello",
            &reference,
            "--key",
            "team.key",
            "--insecure",
        ],
    );
    let pull = [
        "skills",
        "pull",
        &reference,
        "--key",
        "team.pub",
        "--insecure",
    ];
    fails(
        &elsewhere,
        &pull,
        3,
        &["the skill `hello` is reviewed, and is not replaced"],
    );
    // The old one is still where its digest leads.
    ok(
        &elsewhere,
        &["skills", "pull", &pinned, "--key", "team.pub", "--insecure"],
    );
}

#[test]
fn it_is_the_layout_that_others_read_and_the_signature_that_others_check() {
    let Some(registry) = Registry::plain() else {
        return;
    };
    let stand = with_hello();
    ok(
        &stand,
        &[
            "skills",
            "push",
            "hello",
            &registry.at("team/hello:1.0"),
            "--key",
            "team.key",
            "--insecure",
        ],
    );
    let (manifest, digest) = registry.manifest("team/hello", "1.0");
    assert_eq!(manifest["mediaType"], MANIFEST);
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.wasm.config.v0+json"
    );
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(
        manifest["annotations"]["org.opencontainers.image.title"],
        "hello"
    );
    assert_eq!(
        manifest["annotations"]["org.opencontainers.image.description"],
        "Greets whoever is named."
    );
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    assert_eq!(
        registry.blob("team/hello", layer),
        bytes(&stand, &component("hello"))
    );
    let config = registry.blob("team/hello", manifest["config"]["digest"].as_str().unwrap());
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(
        (&config["architecture"], &config["os"]),
        (&json!("wasm"), &json!("wasip2"))
    );
    assert_eq!(config["layerDigests"], json!([layer]));
    let exports = config["component"]["exports"].as_array().unwrap();
    assert!(exports.contains(&json!("run")), "{config}");

    let (signatures, _) = registry.manifest("team/hello", &sig_tag(&digest));
    let signed = &signatures["layers"][0];
    assert_eq!(
        signed["mediaType"],
        "application/vnd.dev.cosign.simplesigning.v1+json"
    );
    let payload = registry.blob("team/hello", signed["digest"].as_str().unwrap());
    let said: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(said["critical"]["image"]["docker-manifest-digest"], digest);
    assert_eq!(
        said["critical"]["identity"]["docker-reference"],
        registry.at("team/hello")
    );
    // Another implementation finds the signature good, with the key as it was written.
    if !has("openssl") {
        return;
    }
    stand.write("payload", &payload).unwrap();
    stand
        .write(
            "signature",
            signed["annotations"][SIGNATURE].as_str().unwrap(),
        )
        .unwrap();
    system(
        stand.folder(),
        &[
            "openssl",
            "base64",
            "-d",
            "-A",
            "-in",
            "signature",
            "-out",
            "signature.der",
        ],
    );
    let checked = system(
        stand.folder(),
        &[
            "openssl",
            "dgst",
            "-sha256",
            "-verify",
            "team.pub",
            "-signature",
            "signature.der",
            "payload",
        ],
    );
    assert_eq!(checked.trim(), "Verified OK");
    // And the other way: what openssl signs is taken.
    system(
        stand.folder(),
        &[
            "openssl",
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-out",
            "theirs.key",
        ],
    );
    system(
        stand.folder(),
        &[
            "openssl",
            "pkey",
            "-in",
            "theirs.key",
            "-pubout",
            "-out",
            "theirs.pub",
        ],
    );
    system(
        stand.folder(),
        &[
            "openssl",
            "dgst",
            "-sha256",
            "-sign",
            "theirs.key",
            "-out",
            "theirs.der",
            "payload",
        ],
    );
    let theirs = system(
        stand.folder(),
        &["openssl", "base64", "-A", "-in", "theirs.der"],
    );
    let pull = [
        "skills",
        "pull",
        &registry.at("team/hello:1.0"),
        "--key",
        "theirs.pub",
        "--insecure",
    ];
    fails(&stand, &pull, 3, &["its signature is not by this key"]);
    let mut both = signatures.clone();
    let mut second = signed.clone();
    second["annotations"][SIGNATURE] = json!(theirs.trim());
    both["layers"].as_array_mut().unwrap().push(second);
    registry.put("team/hello", &sig_tag(&digest), &both);
    ok(&stand, &pull);
    ok(
        &stand,
        &[
            "skills",
            "pull",
            &registry.at("team/hello:1.0"),
            "--key",
            "team.pub",
            "--insecure",
        ],
    );
    // A third one joins them.
    ok(
        &stand,
        &[
            "skills",
            "push",
            "hello",
            &registry.at("team/hello:1.0"),
            "--key",
            "other.key",
            "--insecure",
        ],
    );
    let (signatures, _) = registry.manifest("team/hello", &sig_tag(&digest));
    assert_eq!(signatures["layers"].as_array().unwrap().len(), 3);
    ok(
        &stand,
        &[
            "skills",
            "pull",
            &registry.at("team/hello:1.0"),
            "--key",
            "other.pub",
            "--insecure",
        ],
    );
}

#[test]
fn one_that_nobody_signed_is_taken_only_when_that_is_said() {
    let Some(registry) = Registry::plain() else {
        return;
    };
    let stand = with_hello();
    let reference = registry.at("team/hello:1.0");
    let pushed = ok(
        &stand,
        &["skills", "push", "hello", &reference, "--insecure"],
    );
    assert!(
        pushed.stderr.contains("warning: it is not signed"),
        "{}",
        pushed.stderr
    );
    ok(&stand, &["skills", "remove", "hello"]);
    let pull = ["skills", "pull", &reference, "--insecure"];
    fails(
        &stand,
        &pull,
        2,
        &["whose skill it should be is not said", "--unsigned"],
    );
    fails(
        &stand,
        &[&pull[..], &["--key", "team.pub"]].concat(),
        3,
        &["nobody signed"],
    );
    assert!(!stand.folder().join(".witgate/skills/hello").exists());
    let taken = ok(&stand, &[&pull[..], &["--unsigned"]].concat());
    assert!(
        taken.stderr.contains("warning: no signature is asked for")
            && taken.stderr.contains("not signed"),
        "{}",
        taken.stderr
    );
    let refused = stand
        .run(&[&pull[..], &["--unsigned", "--key", "team.pub"]].concat())
        .unwrap();
    assert_eq!(refused.code, Some(2));
}

#[test]
fn another_key_is_not_the_key() {
    let Some(registry) = Registry::plain() else {
        return;
    };
    let stand = with_hello();
    let reference = registry.at("team/hello:1.0");
    ok(
        &stand,
        &[
            "skills",
            "push",
            "hello",
            &reference,
            "--key",
            "team.key",
            "--insecure",
        ],
    );
    let other = [
        "skills",
        "pull",
        &reference,
        "--insecure",
        "--name",
        "theirs",
        "--key",
    ];
    fails(
        &stand,
        &[&other[..], &["other.pub"]].concat(),
        3,
        &["its signature is not by this key"],
    );
    fails(
        &stand,
        &[&other[..], &["team.key"]].concat(),
        2,
        &["it is a private key"],
    );
    fails(
        &stand,
        &[&other[..], &["hello.js"]].concat(),
        2,
        &["no key on the curve P-256"],
    );
    fails(
        &stand,
        &[
            "skills",
            "push",
            "hello",
            &reference,
            "--key",
            "team.pub",
            "--insecure",
        ],
        2,
        &["it is a public key"],
    );
    fails(
        &stand,
        &["skills", "keygen", "-o", "team"],
        2,
        &["it is there already"],
    );
    nothing_kept(&stand);
}
