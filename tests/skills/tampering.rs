//! A real registry whose content somebody changed who can write to it: none of it is kept.

use serde_json::json;

use crate::ground::*;

#[test]
fn a_component_that_was_changed_where_it_lies() {
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
    let (manifest, _) = registry.manifest("team/hello", "1.0");
    let file = registry.file(manifest["layers"][0]["digest"].as_str().unwrap());
    let mut component = std::fs::read(&file).unwrap();
    let last = component.len() - 3;
    component[last] ^= 1;
    std::fs::write(&file, component).unwrap();
    for key in [&["--key", "team.pub"][..], &["--unsigned"]] {
        let pull = [
            &[
                "skills",
                "pull",
                &reference,
                "--insecure",
                "--name",
                "theirs",
            ],
            key,
        ]
        .concat();
        fails(
            &stand,
            &pull,
            3,
            &["the component is not what it should be: expected sha256:"],
        );
    }
    nothing_kept(&stand);
}

#[test]
fn a_signature_that_was_changed_or_taken_from_elsewhere() {
    let Some(registry) = Registry::plain() else {
        return;
    };
    let stand = with_hello();
    let push = |reference: &str, key: &[&str]| {
        ok(
            &stand,
            &[&["skills", "push", "hello", reference, "--insecure"], key].concat(),
        );
    };
    push(&registry.at("team/hello:1.0"), &["--key", "team.key"]);
    let (_, digest) = registry.manifest("team/hello", "1.0");
    let (signatures, _) = registry.manifest("team/hello", &sig_tag(&digest));
    let payload = registry.blob(
        "team/hello",
        signatures["layers"][0]["digest"].as_str().unwrap(),
    );
    let pull = |reference: &str, words: &[&str]| {
        fails(
            &stand,
            &[
                "skills",
                "pull",
                reference,
                "--insecure",
                "--name",
                "theirs",
                "--key",
                "team.pub",
            ],
            3,
            words,
        );
    };

    // The same component in another repository, with the signature of the first: who signed one did not sign the other.
    push(&registry.at("evil/hello:1.0"), &[]);
    for blob in [&signatures["config"], &signatures["layers"][0]] {
        let digest = blob["digest"].as_str().unwrap();
        registry.put_blob("evil/hello", digest, &registry.blob("team/hello", digest));
    }
    registry.put("evil/hello", &sig_tag(&digest), &signatures);
    let named = format!("the repository `{}`", registry.at("team/hello"));
    pull(
        &registry.at("evil/hello:1.0"),
        &["the key signed something else", &named],
    );

    // The tag is moved to a component that nobody signed, first alone, then with the signature of the other one.
    stand
        .write(
            "evil.js",
            "/** Greets whoever is named. */\nexport default () => \"evil\";\n",
        )
        .unwrap();
    ok(&stand, &["skills", "remove", "hello"]);
    ok(&stand, &["skills", "add", "evil.js", "--name", "hello"]);
    push(&registry.at("team/hello:2.0"), &[]);
    let (_, other) = registry.manifest("team/hello", "2.0");
    assert_ne!(other, digest);
    std::fs::write(registry.link("team/hello", "1.0"), &other).unwrap();
    assert_eq!(registry.manifest("team/hello", "1.0").1, other);
    pull(&registry.at("team/hello:1.0"), &["nobody signed", &other]);
    registry.put("team/hello", &sig_tag(&other), &signatures);
    pull(
        &registry.at("team/hello:1.0"),
        &["the key signed something else", &digest],
    );
    // By its digest the first is still what it was, whatever the tag says.
    let pinned = registry.at(&format!("team/hello:1.0@{digest}"));
    ok(
        &stand,
        &[
            "skills",
            "pull",
            &pinned,
            "--insecure",
            "--name",
            "theirs",
            "--key",
            "team.pub",
        ],
    );
    ok(&stand, &["skills", "remove", "theirs"]);

    // The payload speaks of the other component: then the signature is not of it.
    let text = String::from_utf8(payload).unwrap().replace(&digest, &other);
    let file = stand.folder().join("payload");
    std::fs::write(&file, &text).unwrap();
    let sum = system(stand.folder(), &["sha256sum", "payload"]);
    let changed = format!("sha256:{}", sum.split(' ').next().unwrap());
    registry.put_blob("team/hello", &changed, text.as_bytes());
    let mut forged = signatures.clone();
    forged["layers"][0]["digest"] = json!(changed);
    registry.put("team/hello", &sig_tag(&other), &forged);
    pull(
        &registry.at("team/hello:1.0"),
        &["its signature is not by this key"],
    );

    // The signature itself.
    let written = signatures["layers"][0]["annotations"][SIGNATURE]
        .as_str()
        .unwrap();
    for wrong in [
        written.replacen(
            &written[20..21],
            if &written[20..21] == "A" { "B" } else { "A" },
            1,
        ),
        String::new(),
        "é".to_owned(),
    ] {
        let mut changed = signatures.clone();
        changed["layers"][0]["annotations"][SIGNATURE] = json!(wrong);
        registry.put("team/hello", &sig_tag(&digest), &changed);
        let pinned = registry.at(&format!("team/hello@{digest}"));
        pull(&pinned, &["its signature is not by this key"]);
    }
    nothing_kept(&stand);
}

#[test]
fn what_is_no_component_is_told() {
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
            "--insecure",
        ],
    );
    let (manifest, _) = registry.manifest("team/hello", "1.0");
    let pull = |tag: &str| {
        [
            "skills",
            "pull",
            tag,
            "--insecure",
            "--unsigned",
            "--name",
            "theirs",
        ]
        .map(str::to_owned)
    };
    let told = |tag: &str, code, words: &[&str]| {
        let reference = registry.at(tag);
        let arguments = pull(&reference);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        fails(&stand, &arguments, code, words);
    };
    told("team/hello:9.9", 2, &["there is no `"]);
    told("nobody/nothing:1.0", 2, &["there is no `"]);
    let mut image = manifest.clone();
    image["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json");
    registry.put("team/hello", "image", &image);
    told(
        "team/hello:image",
        1,
        &["is no WebAssembly component", "image.config.v1+json"],
    );
    let mut two = manifest.clone();
    let layer = two["layers"][0].clone();
    two["layers"].as_array_mut().unwrap().push(layer);
    registry.put("team/hello", "two", &two);
    told("team/hello:two", 1, &["it has 2 layers"]);

    // The layer says that it is a component, and is not; or is one and no program.
    for (bytes, why) in [
        (&b"hello"[..], "not a WebAssembly component"),
        (b"\0asm\x0d\0\x01\0", "does not export `run"),
    ] {
        stand.write("layer", bytes).unwrap();
        let sum = system(stand.folder(), &["sha256sum", "layer"]);
        let digest = format!("sha256:{}", sum.split(' ').next().unwrap());
        registry.put_blob("team/hello", &digest, bytes);
        let mut other = manifest.clone();
        other["layers"][0]["digest"] = json!(digest);
        other["layers"][0]["size"] = json!(bytes.len());
        registry.put("team/hello", "other", &other);
        told("team/hello:other", 1, &[why]);
    }
    nothing_kept(&stand);
    // A component of another maker, who knows nothing of skills, is called as its repository is.
    ok(&stand, &["build", "hello.js", "-o", "plain.wasm"]);
    let plain = bytes(&stand, "plain.wasm");
    let sum = system(stand.folder(), &["sha256sum", "plain.wasm"]);
    let digest = format!("sha256:{}", sum.split(' ').next().unwrap());
    registry.put_blob("team/hello", &digest, &plain);
    let mut other = manifest.clone();
    other["layers"][0]["digest"] = json!(digest);
    other["layers"][0]["size"] = json!(plain.len());
    registry.put("team/hello", "plain", &other);
    ok(&stand, &["skills", "remove", "hello"]);
    let pulled = ok(
        &stand,
        &[
            "skills",
            "pull",
            &registry.at("team/hello:plain"),
            "--insecure",
            "--unsigned",
        ],
    );
    assert_eq!(pulled.stdout, "hello\n");
    let listed = ok_json(&stand, &["skills", "list", "--json"]);
    assert_eq!(listed["skills"][0]["language"], "component");
    assert_eq!(
        listed["skills"][0]["description"],
        "Greets whoever is named."
    );
}
