//! `witgate login`: a person logs in to a server, in a browser. The login itself is the host's; here are the listener that the
//! browser comes back to, and what is said meanwhile.

use std::io::IsTerminal as _;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use witgate_host::config::redact;
use witgate_host::mcp::oauth::{Credentials, Login as Started, LoginOptions};

use crate::failure::{Failure, Kind};
use crate::{logins, terminal, workspace};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long a request to the listener may take, and how long its head may be.
const REQUEST: (Duration, u64) = (Duration::from_secs(5), 16 * 1024);
/// Where the browser comes back to, unless the configuration says otherwise.
const CALLBACK: &str = "/callback";

/// Log in to a server over HTTP, in a browser
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate login linear
  witgate login linear --no-browser            only print the address to open
  witgate login wiki --allow-private           a server of your own network

The login is kept in `$WITGATE_DATA/credentials`, else `$XDG_DATA_HOME/witgate/credentials`,
else `~/.local/share/witgate/credentials`, readable by you alone, and renewed while it can be.
On another machine than the browser's: paste the address at which the browser ends, though it
shows nothing there.

A client that you registered by hand stands in the configuration:
  \"linear\": { \"url\": \"https://mcp.linear.app/mcp\",
              \"oauth\": { \"clientId\": \"...\", \"clientSecret\": \"${SECRET}\", \"callbackPort\": 3118 } }")]
pub(crate) struct Login {
    /// The server's name in the configuration
    server: String,
    /// The MCP servers; else `witgate.json` or `.mcp.json` from this folder upwards
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Let the server lead to addresses of a private network
    #[arg(long)]
    allow_private: bool,
    /// Open no browser
    #[arg(long)]
    no_browser: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Login {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let workspace = workspace::open(self.config.as_deref())?;
        let (config, url, oauth) = logins::remote(&workspace, &self.server)?;
        let shown = redact(url, &config.secrets);
        let listening = Listening::at(oauth.redirect_uri.as_deref()).await?;
        let tokens = logins::needed_tokens()?;
        let options = LoginOptions {
            redirect: listening.redirect.clone(),
            client_metadata_url: None,
            allow_private: self.allow_private,
            limits: logins::limits().client,
        };
        let progress = terminal::progress(format!("asking {}", self.server));
        let login = Started::start(&self.server, config, &tokens, &options).await?;
        drop(progress);
        let name = terminal::clean(&self.server);
        terminal::note(&format!(
            "to log in to `{name}` ({}), open:\n\n  {}\n",
            terminal::clean(&shown),
            terminal::clean(login.url())
        ));
        let person = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if person && !self.no_browser && open_browser(login.url()) {
            terminal::note("your browser should show it now");
        }
        if person {
            terminal::note("or paste here the address at which the browser ends");
        }
        let waited = timeout(PATIENCE, listening.answer(login, person)).await;
        let credentials = waited.map_err(|_| {
            let message = format!(
                "nobody logged in to `{name}` within {} s",
                PATIENCE.as_secs()
            );
            Failure::new(Kind::Unavailable, message)
                .hint(format!("try again: `witgate login {name}`"))
        })??;
        self.tell(&credentials);
        Ok(())
    }

    fn tell(&self, credentials: &Credentials) {
        if self.json {
            let answer = json!({
                "server": self.server,
                "issuer": credentials.issuer,
                "scopes": credentials.scopes,
                "expires": credentials.expires,
                "renews": credentials.refresh_token.is_some(),
            });
            terminal::data(&answer.to_string());
            return;
        }
        let scopes = match credentials.scopes.join(", ") {
            scopes if scopes.is_empty() => String::new(),
            scopes => format!(", for {scopes}"),
        };
        let line = format!("logged in to `{}`{scopes}", self.server);
        terminal::note(&terminal::clean(&line));
        if credentials.refresh_token.is_none() && credentials.expires.is_some() {
            terminal::note("the server gives no way to renew it: you will have to log in again");
        }
    }
}

/// Where the browser comes back to.
struct Listening {
    listeners: Vec<TcpListener>,
    redirect: String,
    /// What a browser that comes back calls this machine.
    host: String,
}

/// One request: its path and query, where the page goes that it is answered with, and when that is sent.
struct Request {
    target: String,
    page: oneshot::Sender<Page>,
    sent: oneshot::Receiver<()>,
}

#[derive(Clone, Copy)]
enum Page {
    Done,
    Failed,
    Unknown,
}

impl Listening {
    /// Listens at a registered address, or on a free port of 127.0.0.1.
    async fn at(registered: Option<&str>) -> Result<Listening, Failure> {
        let cannot = |error: std::io::Error| {
            let failure = Failure::host(format!(
                "cannot listen for the browser at `{}`: {error}",
                registered.unwrap_or("127.0.0.1")
            ));
            failure.hint("end what else listens there, or register another address")
        };
        let Some(redirect) = registered else {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(cannot)?;
            let port = listener.local_addr().map_err(cannot)?.port();
            return Ok(Listening {
                listeners: vec![listener],
                redirect: format!("http://127.0.0.1:{port}{CALLBACK}"),
                host: format!("127.0.0.1:{port}"),
            });
        };
        let url = reqwest::Url::parse(redirect)
            .map_err(|error| Failure::new(Kind::Configuration, error.to_string()))?;
        let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or(80));
        let mut listeners = Vec::new();
        if host != "[::1]" {
            listeners.push(
                TcpListener::bind(("127.0.0.1", port))
                    .await
                    .map_err(cannot)?,
            );
        }
        // `localhost` is either; a machine without IPv6 has only the one.
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(listener) if host != "127.0.0.1" => listeners.push(listener),
            Err(error) if host == "[::1]" => return Err(cannot(error)),
            Ok(_) | Err(_) => {}
        }
        Ok(Listening {
            listeners,
            redirect: redirect.to_owned(),
            host: format!("{host}:{port}"),
        })
    }

    /// Waits for the answer to this login; whatever else comes is turned away. `person` says that somebody may paste it.
    async fn answer(self, login: Started, person: bool) -> Result<Credentials, Failure> {
        let (sender, mut requests) = mpsc::channel(16);
        let mut listening = JoinSet::new();
        for listener in self.listeners {
            listening.spawn(listen(listener, self.host.clone(), sender.clone()));
        }
        let mut pasted = person.then(|| tokio::io::BufReader::new(tokio::io::stdin()).lines());
        loop {
            let paste = async {
                match &mut pasted {
                    Some(lines) => lines.next_line().await.ok().flatten(),
                    None => std::future::pending().await,
                }
            };
            let (target, page) = tokio::select! {
                Some(request) = requests.recv() => {
                    (request.target, Some((request.page, request.sent)))
                }
                line = paste => match line {
                    Some(line) if line.trim().is_empty() => continue,
                    Some(line) => (line.trim().to_owned(), None),
                    None => {
                        pasted = None;
                        continue;
                    }
                },
            };
            if !login.is_answered_by(&target) {
                match page {
                    Some((page, _)) => drop(page.send(Page::Unknown)),
                    None => terminal::note("that is not the answer to this login"),
                }
                continue;
            }
            let finished = login.finish(&target).await;
            if let Some((page, sent)) = page {
                let shown = match finished {
                    Ok(_) => Page::Done,
                    Err(_) => Page::Failed,
                };
                let _ = page.send(shown);
                // A browser that does not take it is not waited for.
                let _ = timeout(Duration::from_secs(1), sent).await;
            }
            return Ok(finished?);
        }
    }
}

async fn listen(listener: TcpListener, host: String, requests: mpsc::Sender<Request>) {
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    serving.spawn(timeout(PATIENCE, serve(stream, host.clone(), requests.clone())));
                }
            }
            Some(_) = serving.join_next() => {}
        }
    }
}

/// Reads one request and answers it with a page that holds nothing of it.
async fn serve(mut stream: TcpStream, host: String, requests: mpsc::Sender<Request>) {
    let head = timeout(REQUEST.0, read_head(&mut stream)).await;
    let target = head.ok().flatten().and_then(|head| target(&head, &host));
    // Closed when this task is done.
    let (_done, sent) = oneshot::channel();
    let page = match target {
        Some(target) => {
            let (page, shown) = oneshot::channel();
            let request = Request { target, page, sent };
            match requests.send(request).await {
                Ok(()) => shown.await.unwrap_or(Page::Unknown),
                Err(_) => Page::Unknown,
            }
        }
        None => Page::Unknown,
    };
    let (status, text) = match page {
        Page::Done => ("200 OK", "You are logged in. This window can be closed."),
        Page::Failed => (
            "400 Bad Request",
            "The login failed: the terminal says why. This window can be closed.",
        ),
        Page::Unknown => ("404 Not Found", "There is nothing here."),
    };
    let body = format!("<!doctype html><meta charset=utf-8><title>witgate</title><p>{text}</p>\n");
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // A browser that is gone needs no page.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// The lines before the empty one.
async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut lines = tokio::io::BufReader::new(stream.take(REQUEST.1)).lines();
    let mut head = String::new();
    while let Some(line) = lines.next_line().await.ok()? {
        if line.is_empty() {
            return Some(head);
        }
        head.push_str(&line);
        head.push('\n');
    }
    None
}

/// What a GET for this machine asks for.
fn target(head: &str, host: &str) -> Option<String> {
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let named = lines.filter_map(|line| line.split_once(':'));
    let mut named = named.filter(|(name, _)| name.eq_ignore_ascii_case("host"));
    let right = named.next().is_some_and(|(_, value)| value.trim() == host);
    (method == "GET" && target.starts_with('/') && right && named.next().is_none())
        .then(|| target.to_owned())
}

/// Shows an address, which is https or on this machine, in the person's browser, if there is a way to.
fn open_browser(url: &str) -> bool {
    let command = if cfg!(target_os = "macos") {
        "open"
    } else if std::env::var_os("DISPLAY").is_some() || std::env::var_os("WAYLAND_DISPLAY").is_some()
    {
        "xdg-open"
    } else {
        return false;
    };
    let mut browser = std::process::Command::new(command);
    browser
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    browser.spawn().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_get_for_this_machine_is_a_request() {
        let head = |line: &str, host: &str| format!("{line}\nHost: {host}\nAccept: */*\n");
        let read = |head: &str| target(head, "127.0.0.1:3118");
        let good = head("GET /callback?code=x HTTP/1.1", "127.0.0.1:3118");
        assert_eq!(read(&good).as_deref(), Some("/callback?code=x"));
        for bad in [
            head("POST /callback?code=x HTTP/1.1", "127.0.0.1:3118"),
            head("GET /callback?code=x HTTP/1.1", "evil.example:3118"),
            head(
                "GET http://127.0.0.1:3118/callback HTTP/1.1",
                "127.0.0.1:3118",
            ),
            format!("{good}Host: 127.0.0.1:3118\n"),
            "GET /callback HTTP/1.1\n".to_owned(),
            "GET".to_owned(),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }
}
