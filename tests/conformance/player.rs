//! The client that the suite starts: the host's own, at the address that it is given, doing what a program and a person would
//! do. It lists the tools, calls each, and logs in when the server asks for that, with a browser that agrees to everything.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use witgate_codegen::catalog::Tool;
use witgate_host::config::{GrantType, Oauth, ServerConfig, Transport};
use witgate_host::mcp::oauth::{Login, LoginOptions, TokenFolder, Tokens};
use witgate_host::mcp::{Client, ClientLimits, ServerError};

/// Names the scenario.
pub(crate) const SCENARIO: &str = "MCP_CONFORMANCE_SCENARIO";
const CONTEXT: &str = "MCP_CONFORMANCE_CONTEXT";
/// A person does not log in more often over one call.
const LOGINS: usize = 3;
/// What the suite expects of a client that publishes its metadata.
const DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";
const REDIRECT: &str = "http://127.0.0.1:3000/callback";

/// What the suite tells besides the address.
#[derive(Default, Deserialize)]
struct Context {
    client_id: Option<String>,
    client_secret: Option<String>,
    #[serde(default, rename = "toolCalls")]
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    name: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

/// Plays the scenario at the address in the last argument.
pub(crate) fn play(scenario: &str) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match runtime.block_on(perform(scenario)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn perform(scenario: &str) -> anyhow::Result<()> {
    let url = std::env::args().next_back().context("an address")?;
    let context = match std::env::var(CONTEXT) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => Context::default(),
    };
    let folder = tempfile::tempdir()?;
    let grant_type = match scenario.starts_with("auth/client-credentials") {
        true => GrantType::ClientCredentials,
        false => GrantType::AuthorizationCode,
    };
    let oauth = Oauth {
        client_id: context.client_id,
        client_secret: context.client_secret,
        grant_type,
        ..Oauth::default()
    };
    let tokens = Tokens(Arc::new(TokenFolder::new(folder.path())));
    let mut player = Player {
        config: ServerConfig {
            scope: witgate_host::config::Scope::default(),
            transport: Transport::Http {
                url,
                headers: Default::default(),
                oauth,
            },
            secrets: Vec::new(),
        },
        limits: ClientLimits {
            tokens: Some(tokens.clone()),
            ..ClientLimits::default()
        },
        tokens,
        client: None,
        logins: 0,
    };
    let tools = player.tools().await?;
    let calls = if context.calls.is_empty() {
        tools.iter().map(|tool| call_of(tool, &tools)).collect()
    } else {
        context.calls
    };
    for call in calls {
        match player.call(&call).await {
            Ok(()) => {}
            // A tool that says no is an answer.
            Err(error) if error.is::<ServerError>() => eprintln!("{}: {error:#}", call.name),
            Err(error) => return Err(error),
        }
    }
    player.close().await;
    Ok(())
}

struct Player {
    config: ServerConfig,
    limits: ClientLimits,
    tokens: Tokens,
    client: Option<Client>,
    logins: usize,
}

impl Player {
    async fn client(&mut self) -> Result<&Client, ServerError> {
        if self.client.is_none() {
            let connected = Client::connect("suite", &self.config, &self.limits).await?;
            self.client = Some(connected);
        }
        Ok(self.client.as_ref().unwrap())
    }

    async fn tools(&mut self) -> anyhow::Result<Vec<Tool>> {
        loop {
            let listed = match self.client().await {
                Ok(client) => client.tools().await,
                Err(error) => Err(error),
            };
            match listed {
                Ok(server) => return Ok(server.tools),
                Err(error) => self.log_in(error).await?,
            }
        }
    }

    async fn call(&mut self, call: &Call) -> anyhow::Result<()> {
        loop {
            let deadline = Instant::now() + Duration::from_secs(20);
            let called = match self.client().await {
                Ok(client) => {
                    client
                        .call(&call.name, call.arguments.clone(), deadline)
                        .await
                }
                Err(error) => Err(error),
            };
            match called {
                Ok(reply) => {
                    println!("{}: {:?}", call.name, reply.content);
                    return Ok(());
                }
                Err(error) => self.log_in(error).await?,
            }
        }
    }

    /// What `witgate login` does, where that is what the error asks for.
    async fn log_in(&mut self, error: ServerError) -> anyhow::Result<()> {
        if !matches!(error, ServerError::Unauthorized { .. }) || self.logins == LOGINS {
            return Err(error.into());
        }
        eprintln!("{error}");
        self.logins += 1;
        let options = LoginOptions {
            redirect: REDIRECT.to_owned(),
            client_metadata_url: Some(DOCUMENT.to_owned()),
            allow_private: false,
            limits: self.limits.clone(),
        };
        let login = Login::start("suite", &self.config, &self.tokens, &options).await?;
        let target = agree(login.url()).await?;
        login.finish(&target).await?;
        Ok(())
    }

    async fn close(&self) {
        if let Some(client) = &self.client {
            client.close().await;
        }
    }
}

/// Opens the address as a browser would, and says where it is sent.
async fn agree(url: &str) -> anyhow::Result<String> {
    let rest = url.strip_prefix("http://").context("a local address")?;
    let (host, path) = rest.split_once('/').context("a path")?;
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let location = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim())
    });
    match location {
        Some(location) => Ok(location.to_owned()),
        None => bail!("the authorization server sends nobody back:\n{answer}"),
    }
}

/// A call that the tool's schema takes; to one that asks for a schema, that of the tool before it.
fn call_of(tool: &Tool, tools: &[Tool]) -> Call {
    let schema = json!(tool.input_schema);
    let properties = schema["properties"].as_object();
    let arguments = properties.into_iter().flatten().map(|(name, property)| {
        let value = match property["type"].as_str() {
            Some("number" | "integer") => json!(5),
            Some("boolean") => json!(true),
            Some("array") => json!([]),
            Some("object") if name == "schema" => json!(tools[0].input_schema),
            Some("object") => json!({}),
            _ => json!("text"),
        };
        (name.clone(), value)
    });
    Call {
        name: tool.name.clone(),
        arguments: arguments.collect(),
    }
}
