//! Sessions with a small real server in another process, most of them hostile: each failure has its own error, comes in
//! time, and leaves no process behind. What such a server may not get through is in `hostile`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use serde_json::json;

use super::*;
use crate::config::Scope;

mod hostile;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/mcp/test_server.py");

/// A server in `mode`; `marker` stands in its command line, and in those of its children.
pub(crate) fn stdio_config(mode: &str, marker: &str, env: &[(&str, &str)]) -> ServerConfig {
    let env: IndexMap<String, String> = env
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    ServerConfig {
        secrets: env.values().cloned().collect(),
        transport: Transport::Stdio {
            command: "python3".to_owned(),
            args: [SCRIPT, mode, "stdio", marker].map(str::to_owned).to_vec(),
            env,
            cwd: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        },
        scope: Scope::Host,
    }
}

/// A text that no other process has in its command line.
pub(crate) fn marker(test: &str) -> String {
    format!("witgate-test-{test}-{}", std::process::id())
}

/// Whether a process with that text in its command line is alive.
pub(crate) fn is_running(marker: &str) -> bool {
    process(marker).is_some()
}

/// The process with that text in its command line.
fn process(marker: &str) -> Option<i32> {
    let mut processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.find_map(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        // A zombie has an empty command line.
        let is_it = String::from_utf8_lossy(&command)
            .split('\0')
            .any(|argument| argument == marker);
        is_it.then(|| entry.file_name().to_str()?.parse().ok())?
    })
}

pub(crate) async fn is_gone_soon(marker: &str) -> bool {
    for _ in 0..40 {
        if !is_running(marker) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

fn limits() -> ClientLimits {
    ClientLimits {
        connect: Duration::from_secs(20),
        max_message: 1024 * 1024,
        ..ClientLimits::default()
    }
}

fn soon(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

async fn connect(mode: &str, marker: &str) -> Client {
    Client::connect(
        "s",
        &stdio_config(mode, marker, &[("SECRET", "hunter2-hunter2")]),
        &limits(),
    )
    .await
    .unwrap()
}

/// The error of a connection that must fail.
async fn refusal(config: &ServerConfig, limits: &ClientLimits) -> ServerError {
    match Client::connect("s", config, limits).await {
        Ok(_) => panic!("the server must not connect"),
        Err(error) => {
            assert!(!error.hint().is_empty());
            error
        }
    }
}

async fn call(client: &Client, tool: &str) -> Result<ToolReply, ServerError> {
    client.call(tool, Map::new(), soon(20)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_and_replies_come_as_they_were_sent() {
    let marker = marker("good");
    let client = connect("chatty", &marker).await;
    assert_eq!(client.protocol(), "2025-11-25");
    let server = client.tools().await.unwrap();
    assert_eq!(
        server.info,
        Some(ServerInfo {
            name: "test".to_owned(),
            version: "1".to_owned()
        })
    );
    let names: Vec<_> = server.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["echo", "fail", "slow", "ask", "pid", "big"]);
    assert_eq!(server.tools[0].annotations, Some(json!({"odd": 1})));
    assert_eq!(server.tools[0].extra["execution"], json!({"x": [1]}));

    let arguments = json!({"text": "a"}).as_object().unwrap().clone();
    let reply = client.call("echo", arguments, soon(20)).await.unwrap();
    let content = vec![json!({"type": "text", "text": "hi", "odd": 1})];
    assert_eq!(
        reply,
        ToolReply {
            is_error: false,
            structured: Some(json!({"got": {"text": "a"}})),
            content
        }
    );
    let failed = call(&client, "fail").await.unwrap();
    assert!(failed.is_error && failed.structured.is_none());
    let Err(ServerError::Rpc {
        code: -32602,
        message,
        ..
    }) = call(&client, "nothing").await
    else {
        panic!("an unknown tool is a JSON-RPC error")
    };
    assert_eq!(message, "unknown tool, ***");
    client.close().await;
    assert!(!client.is_alive() && !is_running(&marker));
    assert!(matches!(
        call(&client, "echo").await,
        Err(ServerError::Closed { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_offered_is_declined() {
    let client = connect("good", &marker("ask")).await;
    let answers = call(&client, "ask").await.unwrap().structured.unwrap();
    let answers = answers["answers"].as_array().unwrap();
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer["code"] == -32601)
            .count(),
        2
    );
    assert!(
        answers.contains(&json!({"action": "decline"})),
        "{answers:?}"
    );
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_call_is_cancelled_at_the_server() {
    let folder = tempfile::tempdir().unwrap();
    for dropped in [false, true] {
        let note = folder.path().join(dropped.to_string());
        let config = stdio_config(
            "good",
            &marker("slow"),
            &[("CANCELLED", note.to_str().unwrap())],
        );
        let client = Client::connect("s", &config, &limits()).await.unwrap();
        let deadline = Instant::now() + Duration::from_millis(if dropped { 20_000 } else { 200 });
        let slow = client.call("slow", Map::new(), deadline);
        match timeout(Duration::from_millis(600), slow).await {
            Ok(Err(ServerError::Timeout { doing, .. })) if !dropped => {
                assert_eq!(doing, "answer `slow`")
            }
            Err(_) if dropped => {}
            other => panic!("{other:?}"),
        }
        // The session lives on, and the server reads of the cancellation.
        assert!(!call(&client, "echo").await.unwrap().is_error);
        for _ in 0..100 {
            if note.exists() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(note.exists());
        client.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_in_mid_call_is_told_at_once() {
    let marker = marker("dies");
    let client = connect("dies", &marker).await;
    let started = Instant::now();
    let error = call(&client, "echo").await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3));
    let ServerError::Closed {
        status,
        stderr_tail,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (status.as_str(), stderr_tail.as_str()),
        ("exit status: 3", "boom ***")
    );
    assert!(error.is_unavailable() && error.hint().ends_with("boom ***"));
    assert!(!client.is_alive() && is_gone_soon(&marker).await);
}

/// On one thread that waits for nothing: whoever sees the end of processes has had no turn yet.
#[tokio::test]
async fn a_process_that_ended_is_known_before_anyone_saw_it_end() {
    let marker = marker("killed");
    let client = connect("good", &marker).await;
    assert!(client.is_alive());
    let id = process(&marker).unwrap();
    let pid = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let is_zombie = || {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('Z')
    };
    while !is_zombie() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(!client.is_alive());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_100_megabytes_is_an_error_and_is_not_kept() {
    let marker = marker("big");
    let client = connect("big", &marker).await;
    let error = call(&client, "echo").await.unwrap_err();
    assert_eq!(
        error,
        ServerError::TooLarge {
            server: "s".to_owned(),
            limit: 1024 * 1024,
            measure: Measure::Bytes,
        }
    );
    assert!(is_gone_soon(&marker).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_message_is_an_error() {
    let client = connect("broken", &marker("broken")).await;
    let error = call(&client, "echo").await.unwrap_err();
    assert!(
        matches!(&error, ServerError::Protocol { reason, .. } if reason.starts_with("a message cannot be read")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_silence_and_absence_are_told_apart() {
    let (garbage, silent) = (marker("garbage"), marker("silent"));
    let error = refusal(&stdio_config("garbage", &garbage, &[]), &limits()).await;
    assert!(matches!(&error, ServerError::Protocol { .. }), "{error}");
    let quick = ClientLimits {
        connect: Duration::from_millis(400),
        ..limits()
    };
    let error = refusal(&stdio_config("silent", &silent, &[]), &quick).await;
    assert_eq!(error.to_string(), "server `s` did not start within 400 ms");
    assert!(is_gone_soon(&garbage).await && is_gone_soon(&silent).await);

    let mut config = stdio_config("good", "x", &[]);
    let Transport::Stdio { command, .. } = &mut config.transport else {
        panic!("stdio")
    };
    *command = "witgate-no-such-command".to_owned();
    let error = refusal(&config, &quick).await;
    assert_eq!(
        error.to_string(),
        "server `s`: the command `witgate-no-such-command` was not found"
    );
    let Transport::Stdio { cwd, .. } = &mut config.transport else {
        panic!("stdio")
    };
    *cwd = PathBuf::from("/no/such/folder");
    let error = refusal(&config, &quick).await;
    assert!(
        matches!(&error, ServerError::Spawn { reason, .. } if reason.contains("/no/such/folder")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stubborn_server_and_its_children_are_killed() {
    for close in [true, false] {
        let marker = marker(if close {
            "stubborn-close"
        } else {
            "stubborn-drop"
        });
        let client = connect("stubborn", &marker).await;
        assert!(is_running(&marker));
        if close {
            client.close().await;
            assert!(!is_running(&marker));
        } else {
            drop(client);
            assert!(is_gone_soon(&marker).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_quits_over_discover_is_started_again_without_it() {
    let client = connect("quits", &marker("quits")).await;
    assert_eq!(client.protocol(), "2025-11-25");
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_yes_to_everything_is_asked_without_discover() {
    let web = web("yes");
    for config in [
        stdio_config("yes", &marker("yes"), &[]),
        http_config(&web.1),
    ] {
        let client = Client::connect("s", &config, &limits()).await.unwrap();
        assert_eq!(client.protocol(), "2025-11-25");
        assert_eq!(client.tools().await.unwrap().tools.len(), 6);
        client.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_to_discover_is_not_taken_for_that_to_initialize() {
    let client = connect("late", &marker("late")).await;
    assert!(!call(&client, "echo").await.unwrap().is_error);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stderr_lines_reach_the_hook_without_secrets() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = lines.clone();
    let hook =
        move |server: &str, line: &str| seen.lock().unwrap().push(format!("{server}: {line}"));
    let limits = ClientLimits {
        log: Some(LogHook(Arc::new(hook))),
        ..limits()
    };
    let config = stdio_config("dies", &marker("hook"), &[("SECRET", "hunter2-hunter2")]);
    let client = Client::connect("s", &config, &limits).await.unwrap();
    call(&client, "echo").await.unwrap_err();
    assert_eq!(*lines.lock().unwrap(), ["s: boom ***"]);
}

/// A server over HTTP, killed when dropped.
pub(crate) struct Web(std::process::Child, pub(crate) String);

pub(crate) fn web(mode: &str) -> Web {
    let mut child = Command::new("python3")
        .args([SCRIPT, mode, "http"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    Web(
        child,
        format!("http://127.0.0.1:{}/mcp?token=hunter2-hunter2", port.trim()),
    )
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn http_config(url: &str) -> ServerConfig {
    let headers = IndexMap::from([("X-Key".to_owned(), "hunter2-hunter2".to_owned())]);
    let secrets = vec!["hunter2-hunter2".to_owned()];
    ServerConfig {
        transport: Transport::Http {
            url: url.to_owned(),
            headers,
            oauth: crate::config::Oauth::default(),
        },
        secrets,
        scope: Scope::Host,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_carries_the_same_as_json_and_as_events() {
    for mode in ["json", "sse"] {
        let web = web(mode);
        let client = Client::connect("s", &http_config(&web.1), &limits())
            .await
            .unwrap();
        assert_eq!(client.protocol(), "2025-11-25", "{mode}");
        let server = client.tools().await.unwrap();
        assert_eq!(server.tools.len(), 6, "{mode}");
        assert_eq!(
            server.tools[0].extra["execution"],
            json!({"x": [1]}),
            "{mode}"
        );
        let reply = call(&client, "echo").await.unwrap();
        assert_eq!(
            reply.content,
            [json!({"type": "text", "text": "hi", "odd": 1})],
            "{mode}"
        );
        assert!(call(&client, "fail").await.unwrap().is_error, "{mode}");
        let error = call(&client, "big").await.unwrap_err();
        assert_eq!(
            error,
            ServerError::TooLarge {
                server: "s".to_owned(),
                limit: 1024 * 1024,
                measure: Measure::Bytes,
            },
            "{mode}"
        );
        assert!(
            matches!(
                call(&client, "nothing").await,
                Err(ServerError::Rpc { code: -32602, .. })
            ),
            "{mode}"
        );
        client.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_told_before_an_answer_is_known_with_it() {
    let web = web("changes");
    let client = Client::connect("s", &http_config(&web.1), &limits())
        .await
        .unwrap();
    client.tools().await.unwrap();
    for said in 1..=20 {
        call(&client, "echo").await.unwrap();
        assert_eq!(client.list_changes(), said);
    }
    let echo = client.listed_tool("echo").await.unwrap();
    assert_eq!(echo.unwrap().tool.name, "echo");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_subscription_a_client_lists_before_each_call() {
    let client = connect("forgets", &marker("forgets")).await;
    assert_eq!(client.protocol(), "2026-07-28");
    let listed = async || {
        let echo = client.listed_tool("echo").await.unwrap().unwrap();
        echo.tool.description.clone().unwrap()
    };
    assert_eq!([listed().await, listed().await], ["list 1", "list 1"]);
    call(&client, "echo").await.unwrap();
    for _ in 0..100 {
        if client.list_changes() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!([listed().await, listed().await], ["list 2", "list 3"]);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_errors_name_no_secret() {
    let locked = web("locked");
    let error = refusal(&http_config(&locked.1), &limits()).await;
    assert!(
        matches!(&error, ServerError::Unauthorized { .. }),
        "{error}"
    );
    let nobody = web("json");
    let config = http_config(&nobody.1);
    drop(nobody);
    let error = refusal(&config, &limits()).await;
    assert!(matches!(&error, ServerError::Handshake { .. }), "{error:?}");
    assert!(error.to_string().contains("onnection refused"), "{error}");
    let shown = format!("{error:?} {error}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("token"),
        "{error}"
    );

    let dies = web("json");
    let client = Client::connect("s", &http_config(&dies.1), &limits())
        .await
        .unwrap();
    drop(dies);
    let error = call(&client, "echo").await.unwrap_err();
    assert!(matches!(&error, ServerError::Closed { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}
