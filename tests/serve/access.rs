//! Who is let in over HTTP: whoever is on this machine and no web page of another site, or whoever has the person's token, or one
//! of an authorization server for this very server.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use witgate_tests::Stand;

use crate::client::{Client, Sdk, Way, node, packages, script};
use crate::ground::{ALL, Ground, Transport, demo};
use crate::http::{Modern, Reply, request, send};
use crate::{Case, each};

const TOKEN: &str = "token-that-the-person-chose";
const RESOURCE: &str = "https://witgate.example.com/mcp";

pub(crate) fn cases() -> Vec<Case> {
    let http = [Transport::Http];
    let mut cases = each("a bearer token", &Sdk::ALL, &http, &[], bearer);
    let authority = vec![node(), packages().join("node_modules/jose/package.json")];
    let typescript = [Sdk::TypeScript1, Sdk::TypeScript2];
    cases.extend(each(
        "a client that logs in",
        &typescript,
        &http,
        &authority,
        logs_in,
    ));
    cases.push(Case::new(
        "tokens of an authorization server",
        authority,
        tokens,
    ));
    cases.push(Case::new("pages of other sites", vec![], pages));
    cases.push(Case::new("doors that stay shut", vec![], shut));
    cases
}

fn ask(url: &str, headers: &[(&str, &str)]) -> anyhow::Result<Reply> {
    send(url, &Modern::tools(), headers)
}

fn bearer(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let mut ground = Ground::prepared(&demo(), ALL)?;
    ground.stand.set("WITGATE_TOKEN", TOKEN);
    ensure!(transport == Transport::Http, "it is about HTTP");
    ground.start(&[])?;
    let url = ground.url()?.to_owned();
    let connect = |token: Option<&str>| {
        let headers = match token {
            Some(token) => json!({ "Authorization": format!("Bearer {token}") }),
            None => json!({}),
        };
        Client::start(
            &ground.stand,
            sdk,
            &Way::Http(url.clone(), headers),
            &json!({}),
        )
    };
    let mut client = connect(Some(TOKEN))?;
    let ran = client.run("export default async () => 1;")?;
    ensure!(ran.value()? == json!(1), "{ran:?}");
    client.close()?;
    for wrong in [None, Some("another-token-of-that-len"), Some("")] {
        ensure!(connect(wrong).is_err(), "{wrong:?} is let in");
    }
    // A session that somebody was let into is nobody else's.
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "by hand", "version": "1" } } });
    let json = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    let authorization = format!("Bearer {TOKEN}");
    let with = |more: &[(&'static str, &str)]| -> Vec<(&str, String)> {
        json.iter()
            .chain(more)
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect()
    };
    let post = |headers: Vec<(&str, String)>, body: &Value| {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        request(&url, "POST", &headers, &body.to_string())
    };
    let opened = post(with(&[("authorization", &authorization)]), &initialize)?;
    let session = opened
        .header("mcp-session-id")
        .context("a session")?
        .to_owned();
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let mine = [
        ("mcp-session-id", session.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    let refused = post(with(&mine), &list)?;
    ensure!(refused.status == 401, "{refused:?}");

    let refused = ask(&url, &[])?;
    ensure!(
        refused.status == 401 && refused.header("www-authenticate") == Some("Bearer"),
        "{refused:?}"
    );
    for wrong in ["Bearer x", "Bearer", "Basic YTpi", "bearer  ", TOKEN] {
        let refused = ask(&url, &[("authorization", wrong)])?;
        ensure!(refused.status == 401, "`{wrong}`: {refused:?}");
    }
    let odd = ask(&url, &[("authorization", &format!("bEARER  {TOKEN}"))])?;
    ensure!(
        odd.status == 200,
        "the scheme's case does not matter: {odd:?}"
    );
    let none = request(
        &url.replace("/mcp", "/.well-known/oauth-protected-resource"),
        "GET",
        &[],
        "",
    )?;
    ensure!(none.status == 404, "{none:?}");
    ground.close()
}

/// DNS rebinding, and pages that send requests to every port of the machine that they are read on.
fn pages() -> anyhow::Result<()> {
    let arguments = [
        "--allow-host",
        "witgate.test",
        "--allow-origin",
        "https://app.example.com:443",
    ];
    let ground = Ground::new(Transport::Http, &demo(), ALL, &arguments)?;
    let url = ground.url()?;
    let authority = url.trim_start_matches("http://").trim_end_matches("/mcp");
    let port = authority.rsplit(':').next().unwrap_or("");
    for host in [
        authority,
        &format!("localhost:{port}"),
        "localhost",
        &format!("[::1]:{port}"),
        &format!("witgate.test:{port}"),
    ] {
        let let_in = ask(url, &[("host", host)])?;
        ensure!(let_in.status == 200, "`{host}`: {let_in:?}");
    }
    for host in [
        "evil.example.com",
        &format!("evil.example.com:{port}"),
        "127.0.0.1.evil.example.com",
        "localhost.evil.example.com",
        "witgate.test.evil.example.com",
        "0.0.0.0",
        "",
        "127.0.0.1@evil.example.com",
    ] {
        let refused = ask(url, &[("host", host)])?;
        ensure!(
            (400..500).contains(&refused.status),
            "`{host}`: {refused:?}"
        );
    }
    for origin in [
        &format!("http://{authority}"),
        "http://localhost:3000",
        "http://[::1]:8080",
        "https://app.example.com",
    ] {
        let let_in = ask(url, &[("origin", origin)])?;
        ensure!(let_in.status == 200, "`{origin}`: {let_in:?}");
    }
    for origin in [
        "http://evil.example.com",
        "https://app.example.com.evil.com",
        "http://app.example.com",
        "https://localhost.evil.com",
        "null",
        "file://",
        "http://127.0.0.1.evil.com:80",
    ] {
        let refused = ask(url, &[("origin", origin)])?;
        ensure!(refused.status == 403, "`{origin}`: {refused:?}");
    }
    // What a page can send without asking first: a form, in whose type no message is read.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let refused = ask(url, &[("content-type", kind)])?;
        ensure!(
            (400..500).contains(&refused.status),
            "`{kind}`: {refused:?}"
        );
    }
    let preflight = request(
        url,
        "OPTIONS",
        &[
            ("origin", "http://evil.example.com"),
            ("access-control-request-method", "POST"),
        ],
        "",
    )?;
    ensure!(
        preflight.header("access-control-allow-origin").is_none(),
        "{preflight:?}"
    );
    let let_in = ask(url, &[])?;
    ensure!(
        let_in.header("access-control-allow-origin").is_none(),
        "{let_in:?}"
    );
    ground.close()
}

/// What `serve` refuses to do.
fn shut() -> anyhow::Result<()> {
    let mut ground = Ground::prepared(&demo(), ALL)?;
    let serve = |stand: &Stand, arguments: &[&str], part: &str| -> anyhow::Result<()> {
        let words: Vec<&str> = ["serve"].iter().chain(arguments).copied().collect();
        let output = stand.run(&words)?;
        ensure!(
            output.code == Some(2) && output.stderr.contains(part),
            "{words:?}: {output:?}"
        );
        ensure!(
            output.stderr.contains("hint: ") && output.stdout.is_empty(),
            "{words:?}: {output:?}"
        );
        Ok(())
    };
    serve(
        &ground.stand,
        &["--http", "0.0.0.0:0"],
        "nobody has to say who they are",
    )?;
    serve(
        &ground.stand,
        &["--http", "here"],
        "is no port and no address",
    )?;
    serve(
        &ground.stand,
        &[
            "--http",
            "0",
            "--authorization-server",
            "http://login.example.com",
        ],
        "not reached over https",
    )?;
    serve(
        &ground.stand,
        &[
            "--http",
            "0",
            "--authorization-server",
            "http://127.0.0.1:1",
        ],
        "the authorization server cannot be used",
    )?;
    let config = |servers: Value| json!({ "mcpServers": servers }).to_string();
    ground.stand.write(
        "own.json",
        config(json!({ "me": { "command": "witgate", "args": ["serve"] } })),
    )?;
    serve(
        &ground.stand,
        &["--config", "own.json"],
        "is `witgate serve` itself",
    )?;
    ground.stand.write(
        "taken.json",
        config(json!({ "workspace": { "command": "witgate", "args": ["demo-server"] } })),
    )?;
    serve(
        &ground.stand,
        &["--config", "taken.json"],
        "a server is named `workspace`",
    )?;
    ground.stand.set("WITGATE_TOKEN", "short");
    serve(
        &ground.stand,
        &["--http", "0"],
        "shorter than 16 characters",
    )?;
    ground.close()
}

/// A process that issues tokens. Dropping it ends it.
struct Authority {
    process: Child,
    said: Value,
}

impl Authority {
    fn start(stand: &Stand, resource: &str) -> anyhow::Result<Authority> {
        let setup = json!({ "packages": packages(), "resource": resource });
        let mut process = stand
            .command(&node())
            .arg(script("authority.mjs"))
            .arg(setup.to_string())
            .stdin(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("it was piped")?).read_line(&mut line)?;
        let said = serde_json::from_str(&line).with_context(|| format!("it says {line:?}"));
        let mut authority = Authority {
            process,
            said: Value::Null,
        };
        authority.said = said?;
        Ok(authority)
    }

    fn issuer(&self) -> &str {
        self.said["issuer"].as_str().unwrap_or("")
    }

    fn tokens(&self, kind: &str) -> Vec<(String, String)> {
        let tokens = self.said[kind].as_object().into_iter().flatten();
        tokens
            .map(|(name, token)| (name.clone(), token.as_str().unwrap_or("").to_owned()))
            .collect()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn tokens() -> anyhow::Result<()> {
    let mut ground = Ground::prepared(&demo(), ALL)?;
    ground.stand.set("WITGATE_TOKEN", TOKEN);
    let authority = Authority::start(&ground.stand, RESOURCE)?;
    ground.start(&[
        "--authorization-server",
        authority.issuer(),
        "--resource",
        RESOURCE,
    ])?;
    let url = ground.url()?.to_owned();
    // Where to get one is told without one.
    let challenge = ask(&url, &[])?;
    let metadata = r#"Bearer resource_metadata="https://witgate.example.com/.well-known/oauth-protected-resource/mcp""#;
    ensure!(
        challenge.status == 401 && challenge.header("www-authenticate") == Some(metadata),
        "{challenge:?}"
    );
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
    ] {
        let told = request(&url.replace("/mcp", path), "GET", &[], "")?;
        let told: Value = serde_json::from_str(&told.body).with_context(|| format!("{told:?}"))?;
        ensure!(
            told["resource"] == RESOURCE
                && told["authorization_servers"] == json!([authority.issuer()]),
            "{told}"
        );
    }
    let (good, bad) = (authority.tokens("good"), authority.tokens("bad"));
    ensure!(good.len() == 5 && bad.len() == 19, "{}", authority.said);
    for (name, token) in &good {
        let let_in = ask(&url, &[("authorization", &format!("Bearer {token}"))])?;
        ensure!(let_in.status == 200, "`{name}`: {let_in:?}");
    }
    for (name, token) in &bad {
        let refused = ask(&url, &[("authorization", &format!("Bearer {token}"))])?;
        ensure!(refused.status == 401, "`{name}` is let in: {refused:?}");
        let told = refused.header("www-authenticate").unwrap_or("");
        ensure!(
            told.contains(r#"error="invalid_token""#) && told.contains("resource_metadata="),
            "`{name}`: {told}"
        );
    }
    // The person's own token is good beside them.
    let let_in = ask(&url, &[("authorization", &format!("Bearer {TOKEN}"))])?;
    ensure!(let_in.status == 200, "{let_in:?}");
    // What was refused is nowhere repeated.
    let said = ground.serve()?.said();
    ensure!(!said.contains("eyJ"), "{said}");
    drop(authority);
    ground.close()
}

/// The client is given an address and its own name and secret, and finds out the rest.
fn logs_in(sdk: Sdk, transport: Transport) -> anyhow::Result<()> {
    let mut ground = Ground::prepared(&demo(), ALL)?;
    ensure!(transport == Transport::Http, "it is about HTTP");
    // The server's own address stands in the tokens: it takes a port that has just been free.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port();
    let resource = format!("http://127.0.0.1:{port}/mcp");
    let authority = Authority::start(&ground.stand, &resource)?;
    ground.start_at(port, &["--authorization-server", authority.issuer()])?;
    ensure!(ground.url()? == resource, "{}", ground.url()?);
    let connect = |secret: &str| {
        let oauth = json!({ "clientId": "robot", "clientSecret": secret, "expectedIssuer": authority.issuer() });
        let way = Way::Http(resource.clone(), json!({}));
        Client::start(&ground.stand, sdk, &way, &json!({ "oauth": oauth }))
    };
    let mut client = connect("its secret")?;
    let ran = client.run("export default async () => 1;")?;
    ensure!(ran.value()? == json!(1), "{ran:?}");
    client.close()?;
    ensure!(
        connect("a wrong secret").is_err(),
        "a client without a token is let in"
    );
    drop(authority);
    ground.close()
}
