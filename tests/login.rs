//! `witgate login` and `logout` at a real server that wants a login, with a browser that does as it is told: what is printed,
//! what is kept where, and who may answer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use witgate_tests::{Stand, workspace};

const PROGRAM: &str = "import { whoami } from 'mcp:web';\nexport default () => whoami({});";
const RUN: &[&str] = &["run", "program.js", "--allow", "web/*"];

/// The server, killed when dropped.
struct Web(Child, String);

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn web(options: &Value) -> Web {
    let script = workspace::root().join("host/src/mcp/oauth/test_server.py");
    let mut child = Command::new("python3")
        .arg(script)
        .arg(options.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    let lines = child.stdout.take().unwrap();
    BufReader::new(lines).read_line(&mut port).unwrap();
    Web(child, format!("http://127.0.0.1:{}", port.trim()))
}

/// A stand whose one server is `web`, and whose person has a data folder beside it.
fn stand(web: &Web, oauth: &Value) -> Stand {
    let mut stand = Stand::new().unwrap();
    let server = json!({ "url": format!("{}/mcp", web.1), "oauth": oauth });
    let config = json!({ "mcpServers": { "web": server, "demo": { "command": "witgate", "args": ["demo-server"] } } });
    stand
        .write("project/.mcp.json", config.to_string())
        .unwrap();
    stand.write("project/program.js", PROGRAM).unwrap();
    stand.set(
        "XDG_DATA_HOME",
        stand.folder().join("data").to_string_lossy(),
    );
    stand.enter("project");
    stand
}

/// What a browser gets at an address: status, `Location`, body.
fn get(url: &str) -> (u16, Option<String>, String) {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let location = head
        .lines()
        .find_map(|line| line.strip_prefix("Location: "));
    (status, location.map(str::to_owned), body.to_owned())
}

/// A `witgate login` under way, the address that it prints, and all that it has printed.
struct Asking {
    process: Child,
    stderr: BufReader<std::process::ChildStderr>,
    said: String,
    url: String,
}

fn ask(stand: &Stand, arguments: &[&str]) -> Asking {
    let mut command = stand.command(&workspace::binary().unwrap());
    let mut process = command
        .args(["login", "web"])
        .args(arguments)
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(process.stderr.take().unwrap());
    let (mut said, mut url) = (String::new(), None);
    while url.is_none() {
        let mut line = String::new();
        assert!(
            stderr.read_line(&mut line).unwrap() > 0,
            "no address: {said}"
        );
        url = line
            .trim()
            .strip_prefix("http://")
            .map(|rest| format!("http://{rest}"));
        said.push_str(&line);
    }
    Asking {
        process,
        stderr,
        said,
        url: url.unwrap(),
    }
}

impl Asking {
    /// Exit code, stdout, stderr.
    fn finish(mut self) -> (Option<i32>, String, String) {
        let mut stdout = String::new();
        self.process
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut stdout)
            .unwrap();
        self.stderr.read_to_string(&mut self.said).unwrap();
        (self.process.wait().unwrap().code(), stdout, self.said)
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_person_logs_in_and_out() {
    let web = web(&json!({ "prm": { "scopes_supported": ["read"] } }));
    let stand = stand(&web, &json!({}));
    let output = stand.run(RUN).unwrap();
    assert_eq!(output.code, Some(5), "{output:#?}");
    assert!(
        output.stderr.contains("asks for authorization"),
        "{output:#?}"
    );
    assert!(output.stderr.contains("`witgate login web`"), "{output:#?}");

    let asking = ask(&stand, &["--json"]);
    let (status, back, _) = get(&asking.url);
    let back = back.unwrap();
    assert!(
        status == 302 && back.starts_with("http://127.0.0.1:"),
        "{back}"
    );
    // Whoever guesses gets nothing, learns nothing and ends nothing.
    let listener = back.split_once("/callback").unwrap().0;
    for guess in [
        "/callback?code=x&state=y&iss=z",
        "/callback",
        "/",
        "/callback?error=access_denied",
    ] {
        let (status, _, body) = get(&format!("{listener}{guess}"));
        assert_eq!(status, 404);
        assert!(!body.contains("code"), "{body}");
    }
    let (status, _, page) = get(&back);
    assert!(
        status == 200 && page.contains("You are logged in"),
        "{page}"
    );
    let (code, stdout, stderr) = asking.finish();
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let told: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (
            &told["server"],
            &told["scopes"],
            &told["renews"],
            &told["issuer"]
        ),
        (&json!("web"), &json!(["read"]), &json!(true), &json!(web.1))
    );

    let credentials = files(&stand.folder().join("data/witgate/credentials"));
    let file = credentials
        .iter()
        .find(|path| path.extension().is_some_and(|end| end == "json"));
    let text = std::fs::read_to_string(file.unwrap()).unwrap();
    let kept: Value = serde_json::from_str(&text).unwrap();
    let token = kept["access_token"].as_str().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file.unwrap())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let shown = format!("{stdout}{stderr}{page}");
    for secret in ["access_token", "refresh_token"] {
        assert!(!shown.contains(kept[secret].as_str().unwrap()), "{shown}");
    }
    let output = stand.run(RUN).unwrap();
    assert_eq!(
        output.stdout,
        format!("\"you are {token}\"\n"),
        "{output:#?}"
    );
    // Nothing of it in the project.
    let mut left = vec![stand.folder().join("project")];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(files(&path));
        } else {
            let text = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(!text.contains(token), "{}", path.display());
        }
    }

    let output = stand.run(&["logout", "web"]).unwrap();
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (Some(0), "logged out of `web`\n")
    );
    let output = stand.run(&["logout", "web", "--json"]).unwrap();
    assert_eq!(output.stdout, "{\"server\":\"web\",\"removed\":false}\n");
    assert_eq!(stand.run(RUN).unwrap().code, Some(5));
    assert_eq!(stand.orphans(), Vec::<String>::new());
}

#[test]
fn a_login_that_does_not_reach_is_told_with_what_to_do() {
    let web = web(&json!({ "scopes": { "tools/list": "list", "tools/call": "call" } }));
    let stand = stand(&web, &json!({ "scopes": "list" }));
    for scopes in ["scope=list&", "scope=list+call"] {
        let asking = ask(&stand, &[]);
        let given = format!("{}&", asking.url);
        assert!(given.contains(scopes), "{given}");
        let (_, back, _) = get(&asking.url);
        get(&back.unwrap());
        assert_eq!(asking.finish().0, Some(0));
        let output = stand.run(RUN).unwrap();
        if scopes == "scope=list+call" {
            assert_eq!(output.code, Some(0), "{output:#?}");
            return;
        }
        assert_eq!(output.code, Some(5), "{output:#?}");
        assert!(
            output.stderr.contains("the login is not good for `call`"),
            "{output:#?}"
        );
        assert!(
            output
                .stderr
                .contains("hint: log in with `witgate login web`"),
            "{output:#?}"
        );
    }
}

#[test]
fn a_registered_client_comes_back_to_its_own_port() {
    let web = web(&json!({}));
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let stand = stand(
        &web,
        &json!({ "clientId": "by-hand", "callbackPort": port }),
    );
    let asking = ask(&stand, &[]);
    let (_, back, _) = get(&asking.url);
    let back = back.unwrap();
    assert!(
        back.starts_with(&format!("http://localhost:{port}/callback?")),
        "{back}"
    );
    assert!(asking.url.contains("client_id=by-hand"), "{}", asking.url);
    assert_eq!(get(&back).0, 200);
    let (code, stdout, stderr) = asking.finish();
    assert_eq!((code, stdout.as_str()), (Some(0), ""), "{stderr}");
    assert!(stderr.contains("logged in to `web`"), "{stderr}");
}

#[test]
fn a_refused_login_says_why_to_the_person_and_not_to_the_browser() {
    let web = web(&json!({ "deny": ["access_denied", "not today \u{1b}[2J"] }));
    let stand = stand(&web, &json!({}));
    let asking = ask(&stand, &["--no-browser"]);
    let (_, back, _) = get(&asking.url);
    let (status, _, page) = get(&back.unwrap());
    assert!(status == 400 && !page.contains("today"), "{page}");
    let (code, _, stderr) = asking.finish();
    assert_eq!(code, Some(5), "{stderr}");
    assert!(
        stderr.contains("the login was refused: access_denied: not today"),
        "{stderr}"
    );
    assert!(
        !stderr.contains('\u{1b}') && stderr.contains("hint: try again: `witgate login web`"),
        "{stderr}"
    );
    assert!(files(&stand.folder().join("data/witgate/credentials")).is_empty());
}

#[test]
fn what_cannot_be_logged_in_to_says_so() {
    let web = web(&json!({ "metadata": { "registration_endpoint": null } }));
    let stand = stand(&web, &json!({}));
    for (arguments, code, message, hint) in [
        (["login", "demo"], 2, "is a child process", "under `env`"),
        (["logout", "demo"], 2, "is a child process", "under `env`"),
        (
            ["login", "wep"],
            2,
            "`wep` is not in the configuration",
            "web, demo",
        ),
        (
            ["login", "web"],
            5,
            "no client could be registered",
            "\"clientId\"",
        ),
    ] {
        let output = stand.run(&arguments).unwrap();
        assert_eq!(output.code, Some(code), "{output:#?}");
        assert!(
            output.stderr.contains(message) && output.stderr.contains(hint),
            "{output:#?}"
        );
    }
}
