//! Logins at a small real server that is its own authorization server: what is sent, what is kept, what is told. What it does
//! when it is hostile is in `hostile`, what becomes of tokens in `renewal`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::*;
use crate::config::{Oauth, ServerConfig, Transport};
use crate::mcp::{Client, ClientLimits, ServerError, ToolReply};

mod folder;
mod hostile;
mod renewal;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/mcp/oauth/test_server.py");
const REDIRECT: &str = "http://127.0.0.1:1/callback";

/// The server, killed when dropped.
struct Web(std::process::Child, String);

impl Web {
    fn new(options: &Value) -> Web {
        let mut child = Command::new("python3")
            .args([SCRIPT, &options.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let lines = child.stdout.take().unwrap();
        BufReader::new(lines).read_line(&mut port).unwrap();
        Web(child, format!("http://127.0.0.1:{}", port.trim()))
    }

    fn url(&self) -> String {
        format!("{}/mcp", self.1)
    }

    fn config(&self) -> ServerConfig {
        config(&self.url(), Oauth::default())
    }

    async fn control(&self, options: &Value) {
        let post = http().post(format!("{}/control", self.1));
        let post = post.header("content-type", "application/json");
        post.body(options.to_string()).send().await.unwrap();
    }

    /// The requests to a path.
    async fn asked(&self, path: &str) -> Vec<Value> {
        let log = http().get(format!("{}/log", self.1)).send().await.unwrap();
        let log: Value = serde_json::from_str(&log.text().await.unwrap()).unwrap();
        let log = log.as_array().unwrap().iter();
        log.filter(|entry| entry["path"] == path).cloned().collect()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn http() -> reqwest::Client {
    let builder = crate::mcp::http::builder("http://127.0.0.1");
    let builder = builder.redirect(reqwest::redirect::Policy::none());
    builder.build().unwrap()
}

fn config(url: &str, oauth: Oauth) -> ServerConfig {
    ServerConfig {
        scope: crate::config::Scope::default(),
        secrets: oauth.client_secret.clone().into_iter().collect(),
        transport: Transport::Http {
            url: url.to_owned(),
            headers: IndexMap::new(),
            oauth,
        },
    }
}

fn tokens(folder: &Path) -> Tokens {
    Tokens(Arc::new(TokenFolder::new(folder)))
}

fn limits(tokens: &Tokens) -> ClientLimits {
    ClientLimits {
        connect: Duration::from_secs(20),
        tokens: Some(tokens.clone()),
        ..ClientLimits::default()
    }
}

fn options() -> LoginOptions {
    LoginOptions {
        redirect: REDIRECT.to_owned(),
        client_metadata_url: None,
        allow_private: false,
        limits: ClientLimits::default(),
    }
}

async fn start(config: &ServerConfig, tokens: &Tokens) -> Result<Login, LoginError> {
    Login::start("s", config, tokens, &options()).await
}

/// Opens the address as a browser would, and says where it is sent.
async fn agree(login: &Login) -> String {
    let answer = http().get(login.url()).send().await.unwrap();
    let location = &answer.headers()["location"];
    location.to_str().unwrap().to_owned()
}

async fn log_in(config: &ServerConfig, tokens: &Tokens) -> Credentials {
    let login = start(config, tokens).await.unwrap();
    let target = agree(&login).await;
    login.finish(&target).await.unwrap()
}

async fn connect(config: &ServerConfig, tokens: &Tokens) -> Result<Client, ServerError> {
    Client::connect("s", config, &limits(tokens)).await
}

async fn call(client: &Client, tool: &str) -> Result<ToolReply, ServerError> {
    let deadline = Instant::now() + Duration::from_secs(20);
    client.call(tool, Map::new(), deadline).await
}

async fn whoami(client: &Client) -> String {
    let reply = call(client, "whoami").await.unwrap();
    let said = reply.content[0]["text"].as_str().unwrap().to_owned();
    said.trim_start_matches("you are ").to_owned()
}

fn kept(tokens: &Tokens, web: &Web) -> Option<Credentials> {
    tokens.0.load("s", &web.url()).unwrap()
}

/// The query of the address that a person would open.
fn query(login: &Login, key: &str) -> Option<String> {
    let url = reqwest::Url::parse(login.url()).unwrap();
    let mut pairs = url.query_pairs();
    pairs
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_kept_and_used() {
    let web = Web::new(&json!({ "prm": { "scopes_supported": ["read", "write"] } }));
    let folder = tempfile::tempdir().unwrap();
    let (config, tokens) = (web.config(), tokens(folder.path()));
    let Err(error) = connect(&config, &tokens).await else {
        panic!("there is no login yet")
    };
    assert_eq!(
        error.to_string(),
        "server `s` asks for authorization: there is no login, or it is over"
    );
    assert!(error.hint().contains("`witgate login s`"));

    let login = start(&config, &tokens).await.unwrap();
    let query = |key| query(&login, key);
    assert_eq!(query("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(query("resource"), Some(web.url()));
    assert_eq!(query("scope").as_deref(), Some("read write"));
    assert_eq!(query("redirect_uri").as_deref(), Some(REDIRECT));
    let target = agree(&login).await;
    let credentials = login.finish(&target).await.unwrap();
    assert_eq!(credentials.scopes, ["read", "write"]);
    assert_eq!(credentials.issuer.as_deref(), Some(web.1.as_str()));
    assert_eq!(kept(&tokens, &web), Some(credentials.clone()));

    let client = connect(&config, &tokens).await.unwrap();
    assert_eq!(client.tools().await.unwrap().tools.len(), 1);
    assert_eq!(whoami(&client).await, credentials.access_token);
    client.close().await;
    let exchanged = &web.asked("/token").await[0]["body"];
    assert_eq!(exchanged["resource"], web.url());
    assert!(exchanged.get("client_secret").is_none());
    // Nobody else than the server sees the token.
    for path in [
        "/register",
        "/authorize",
        "/.well-known/oauth-protected-resource/mcp",
    ] {
        let asked = web.asked(path).await;
        assert!(!asked.is_empty() && asked.iter().all(|entry| entry["authorization"].is_null()));
    }
    // Another name, and another address, is another server.
    let elsewhere = format!("{}?x", web.url());
    assert_eq!(tokens.0.load("t", &web.url()).unwrap(), None);
    assert_eq!(tokens.0.load("s", &elsewhere).unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_the_registered_one_else_a_document_else_a_new_one() {
    let document = json!({ "metadata": { "client_id_metadata_document_supported": true } });
    let folder = tempfile::tempdir().unwrap();
    let tokens = tokens(folder.path());
    let published = LoginOptions {
        client_metadata_url: Some("https://client.example/metadata.json".to_owned()),
        ..options()
    };
    let by_hand = Oauth {
        client_id: Some("by-hand".to_owned()),
        client_secret: Some("hunter2-hunter2".to_owned()),
        scopes: vec!["just-this".to_owned()],
        ..Oauth::default()
    };
    for (options, oauth, expected, registered) in [
        (&document, by_hand.clone(), Some("by-hand"), 0),
        (
            &document,
            Oauth::default(),
            Some("https://client.example/metadata.json"),
            0,
        ),
        (&json!({}), Oauth::default(), None, 1),
    ] {
        let web = Web::new(options);
        let config = config(&web.url(), oauth);
        let login = Login::start("s", &config, &tokens, &published)
            .await
            .unwrap();
        let id = query(&login, "client_id").unwrap();
        assert!(
            expected.map_or(id.starts_with("client-"), |expected| id == expected),
            "{id}"
        );
        assert_eq!(web.asked("/register").await.len(), registered);
        let target = agree(&login).await;
        let credentials = login.finish(&target).await.unwrap();
        assert_eq!(
            (credentials.client_id, credentials.client_secret),
            (id, None)
        );
    }
    // Its secret goes into the one header, and not into the file.
    let web = Web::new(&json!({}));
    let config = config(&web.url(), by_hand);
    let login = start(&config, &tokens).await.unwrap();
    assert_eq!(query(&login, "scope").as_deref(), Some("just-this"));
    let target = agree(&login).await;
    login.finish(&target).await.unwrap();
    let exchanged = &web.asked("/token").await[0];
    assert!(
        exchanged["authorization"]
            .as_str()
            .unwrap()
            .starts_with("Basic ")
    );
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }
    // That of a client that was registered at the login does.
    let web = Web::new(&json!({ "secret": "given-secret-1" }));
    let credentials = log_in(&web.config(), &tokens).await;
    assert_eq!(credentials.client_secret.as_deref(), Some("given-secret-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asks_for_no_login_gets_none() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = tokens(folder.path());
    let open = json!({ "open": ["initialize", "server/discover", "notifications/initialized", "tools/list"],
        "answers": { "/.well-known/oauth-protected-resource/mcp": [404, {}, 0],
                     "/.well-known/oauth-authorization-server": [404, {}, 0] } });
    let web = Web::new(&open);
    let error = start(&web.config(), &tokens).await.unwrap_err();
    assert!(matches!(error, LoginError::NotAsked { .. }), "{error}");

    let mut own = web.config();
    let Transport::Http { headers, .. } = &mut own.transport else {
        panic!("http")
    };
    headers.insert("authorization".to_owned(), "Bearer own-token-1".to_owned());
    let error = start(&own, &tokens).await.unwrap_err();
    assert!(matches!(error, LoginError::Header { .. }), "{error}");
    let client = connect(&own, &tokens).await.unwrap();
    let error = call(&client, "whoami").await.unwrap_err();
    assert!(
        error.to_string().ends_with("what the configuration sends"),
        "{error}"
    );
    client.close().await;
    let shown = web.asked("/mcp").await;
    assert!(
        shown
            .iter()
            .any(|entry| entry["authorization"] == "Bearer own-token-1")
    );

    let child = crate::mcp::tests::stdio_config("good", "x", &[]);
    let error = start(&child, &tokens).await.unwrap_err();
    assert!(matches!(error, LoginError::NotHttp { .. }), "{error}");
    let plain = config("http://mcp.example/mcp", Oauth::default());
    let asked = super::discovery::Asked {
        server: "s",
        url: "http://mcp.example/mcp",
        secrets: &[],
        challenge: None,
        allow_private: true,
    };
    let error = asked.discover().await.err().unwrap();
    assert!(matches!(error, LoginError::Plain { .. }), "{error}");
    assert!(super::super::client::access("s", &plain, Some(tokens)).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_metadata_is_logged_in_to_as_in_2025_03_26() {
    let web = Web::new(&json!({ "challenge": false, "answers": {
        "/.well-known/oauth-protected-resource/mcp": [404, {}, 0],
        "/.well-known/oauth-authorization-server": [404, {}, 0] }, "iss": "" }));
    let folder = tempfile::tempdir().unwrap();
    let tokens = tokens(folder.path());
    let login = start(&web.config(), &tokens).await.unwrap();
    assert!(login.url().starts_with(&format!("{}/authorize?", web.1)));
    // Nobody said who the issuer is, so none may be claimed.
    let target = agree(&login).await;
    let target = target.replace("&iss=", "");
    login.finish(&target).await.unwrap();
    let client = connect(&web.config(), &tokens).await.unwrap();
    assert_eq!(
        whoami(&client).await,
        kept(&tokens, &web).unwrap().access_token
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_shown_holds_a_token() {
    let web = Web::new(&json!({}));
    let folder = tempfile::tempdir().unwrap();
    let tokens = tokens(folder.path());
    let credentials = log_in(&web.config(), &tokens).await;
    let shown = format!("{credentials:?} {tokens:?} {:?}", limits(&tokens));
    assert!(
        !shown.contains("access-") && !shown.contains("refresh-"),
        "{shown}"
    );
    let client = connect(&web.config(), &tokens).await.unwrap();
    // A failure that the server words with the token in it, as a result and as an error.
    let failed = call(&client, "nobody").await.unwrap();
    assert_eq!(
        failed.content,
        [json!({"type": "text", "text": "you are ***"})]
    );
    web.control(
        &json!({ "answers": { "/mcp": [200, {}, {"jsonrpc": "2.0", "id": null, "result": 1}] } }),
    )
    .await;
    let login = start(&web.config(), &tokens).await;
    assert!(!format!("{login:?}").contains("access-"));
}
