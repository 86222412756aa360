//! How a registry is reached: with a password, and over TLS.

use serde_json::json;

use crate::ground::*;

#[test]
fn a_registry_that_asks_for_a_password() {
    // `htpasswd -nbB me secret`
    const USERS: &str = "me:$2b$05$CCCCCCCCCCCCCCCCCCCCC.pIKrLVkBX9/OvQMSygY1pWEVn72t6na\n";
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("htpasswd");
    std::fs::write(&users, USERS).unwrap();
    let auth = format!(
        "auth:\n  htpasswd:\n    realm: test\n    path: {}\n",
        users.display()
    );
    let Some(registry) = Registry::start("", &auth) else {
        return;
    };
    let mut stand = with_hello();
    let reference = registry.at("team/hello:1.0");
    let push = [
        "skills",
        "push",
        "hello",
        &reference,
        "--key",
        "team.key",
        "--insecure",
    ];
    fails(
        &stand,
        &push,
        3,
        &["asks for a name and a password", "docker login"],
    );
    let folder = stand.folder().join("docker").display().to_string();
    stand.set("DOCKER_CONFIG", folder);
    // `me:wrong`, then `me:secret`, as `docker login` writes them.
    let config = |auth: &str| json!({ "auths": { &registry.host: { "auth": auth } } }).to_string();
    stand
        .write("docker/config.json", config("bWU6d3Jvbmc="))
        .unwrap();
    let refused = fails(&stand, &push, 3, &["does not let this through"]);
    assert!(!refused.stderr.contains("wrong"), "{}", refused.stderr);
    stand
        .write("docker/config.json", config("bWU6c2VjcmV0"))
        .unwrap();
    let pushed = ok(&stand, &push);
    let pulled = ok(
        &stand,
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
    for output in [pushed, pulled] {
        assert!(
            !output.stderr.contains("secret") && !output.stdout.contains("secret"),
            "{output:?}"
        );
    }
    stand.write("docker/config.json", "{").unwrap();
    fails(&stand, &push, 2, &["config.json`: it is no JSON"]);
    let helper = json!({ "auths": { &registry.host: {} }, "credsStore": "desktop" });
    stand
        .write("docker/config.json", helper.to_string())
        .unwrap();
    fails(&stand, &push, 3, &["with the helper `desktop`"]);
}

#[test]
fn over_tls_with_a_certificate_authority_of_ones_own() {
    if !has("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(
        folder.path().join("names"),
        "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n",
    )
    .unwrap();
    let new = [
        "openssl",
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    system(
        folder.path(),
        &[
            &new[..],
            &[
                "-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem",
            ],
        ]
        .concat(),
    );
    system(
        folder.path(),
        &[
            &new[..],
            &[
                "-subj",
                "/CN=registry",
                "-keyout",
                "key.pem",
                "-out",
                "request.pem",
            ],
        ]
        .concat(),
    );
    system(
        folder.path(),
        &[
            "openssl",
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            "request.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "names",
            "-out",
            "cert.pem",
        ],
    );
    let tls = format!(
        "  tls:\n    certificate: {}\n    key: {}\n",
        at("cert.pem"),
        at("key.pem")
    );
    let Some(registry) = Registry::start(&tls, "") else {
        return;
    };
    let mut stand = with_hello();
    let reference = registry.at("team/hello:1.0");
    let push = ["skills", "push", "hello", &reference, "--key", "team.key"];
    fails(
        &stand,
        &push,
        5,
        &["cannot reach the registry", "SSL_CERT_FILE"],
    );
    stand.set("SSL_CERT_FILE", at("ca.pem"));
    ok(&stand, &push);
    ok(
        &stand,
        &[
            "skills", "pull", &reference, "--key", "team.pub", "--name", "theirs",
        ],
    );
    // Plain HTTP does not find it.
    fails(
        &stand,
        &[&push[..], &["--insecure"]].concat(),
        5,
        &["the registry `127.0.0.1"],
    );
}
