//! Servers started, shared, restarted and closed, with real processes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use serde_json::{Map, json};

use super::*;
use crate::config::{ServerConfig, Transport};
use crate::mcp::ToolReply;
use crate::mcp::testing::{http_config, is_gone_soon, is_running, marker, stdio_config, web};

mod scopes;

fn servers(entries: &[(&str, &str)], marker: &str, limits: ServersLimits) -> Servers {
    let servers = entries
        .iter()
        .map(|(name, mode)| ((*name).to_owned(), stdio_config(mode, marker, &[])))
        .collect();
    Servers::new(
        &Config {
            path: PathBuf::new(),
            servers,
            notices: Vec::new(),
        },
        limits,
    )
}

fn quick() -> ServersLimits {
    let client = ClientLimits {
        connect: Duration::from_secs(5),
        ..ClientLimits::default()
    };
    ServersLimits {
        client,
        ..ServersLimits::default()
    }
}

async fn call(
    servers: &Servers,
    server: &str,
    tool: &str,
    seconds: u64,
) -> Result<ToolReply, ServerError> {
    let permit = Permit::for_tests(server, tool, &definition(tool), Map::new());
    let deadline = Instant::now() + Duration::from_secs(seconds);
    match servers.call(permit, deadline).await {
        Ok(reply) => Ok(reply.reply),
        Err(CallError::Server(error)) => Err(error),
        Err(changed) => panic!("{changed}"),
    }
}

/// Hash of a tool's definition as the test server lists it.
fn definition(tool: &str) -> String {
    let schema = json!({"type": "object", "properties": {"text": {"type": "string"}}});
    let mut entry = json!({"name": tool, "inputSchema": schema});
    if tool == "echo" {
        entry["description"] = json!("d");
        entry["annotations"] = json!({"odd": 1});
        entry["execution"] = json!({"x": [1]});
    }
    let tool: Tool = serde_json::from_value(entry).unwrap();
    tool.definition_hash()
}

async fn pid(servers: &Servers) -> u64 {
    let reply = call(servers, "a", "pid", 20).await.unwrap();
    reply.structured.unwrap()["pid"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_server_does_not_stop_the_others() {
    let marker = marker("sync");
    let servers = servers(
        &[
            ("a", "good"),
            ("dead", "garbage"),
            ("silent", "silent"),
            ("b", "good"),
        ],
        &marker,
        quick(),
    );
    let (catalog, failed) = servers.sync(None).await;
    assert_eq!(catalog.servers.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(catalog.servers["b"].tools.len(), 6);
    let failed: Vec<_> = failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(failed, ["dead", "silent"]);
    let (catalog, failed) = servers.sync(Some(&["b".to_owned(), "bb".to_owned()])).await;
    assert_eq!(catalog.servers.len(), 1);
    assert_eq!(failed[0].1.hint(), "did you mean `b`?");
    servers.shutdown().await;
    assert!(!is_running(&marker));
    assert!(matches!(
        call(&servers, "a", "pid", 5).await,
        Err(ServerError::Closed { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_is_good_for_one_definition_only() {
    let servers = servers(&[("a", "good")], &marker("definition"), quick());
    let deadline = Instant::now() + Duration::from_secs(20);
    for (tool, listed) in [("echo", true), ("tell", false)] {
        let permit = Permit::for_tests("a", tool, &definition("pid"), Map::new());
        let error = servers.call(permit, deadline).await.unwrap_err();
        let CallError::Changed { now, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(
            now.as_ref().map(|now| now.name.as_str()),
            listed.then_some(tool)
        );
    }
    call(&servers, "a", "echo", 20).await.unwrap();
    servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_calls_share_one_process() {
    let marker = marker("shared");
    let servers = servers(&[("a", "good")], &marker, quick());
    let pids = join_all((0..20).map(|_| pid(&servers))).await;
    assert!(pids.iter().all(|other| *other == pids[0]));
    drop(servers);
    assert!(is_gone_soon(&marker).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_makes_calls_wait_within_their_deadline() {
    let limits = ServersLimits {
        calls_per_server: 1,
        ..quick()
    };
    let servers = servers(&[("a", "good")], &marker("cap"), limits);
    pid(&servers).await;
    let (slow, waiting) = futures::join!(
        call(&servers, "a", "slow", 2),
        call(&servers, "a", "pid", 1)
    );
    assert!(matches!(slow, Err(ServerError::Timeout { .. })));
    let error = waiting.unwrap_err();
    assert!(
        matches!(&error, ServerError::Timeout { doing, .. } if doing == "get ready to answer `pid`"),
        "{error}"
    );
    pid(&servers).await;
    servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_died_is_started_again_with_back_off() {
    let marker = marker("backoff");
    let servers = servers(&[("a", "dies")], &marker, quick());
    for _ in 0..2 {
        let error = call(&servers, "a", "echo", 20).await.unwrap_err();
        assert!(
            matches!(&error, ServerError::Closed { status, .. } if status == "exit status: 3"),
            "{error}"
        );
    }
    // The second death in a row: left alone for a second, and then tried again.
    let error = call(&servers, "a", "echo", 20).await.unwrap_err();
    assert!(
        matches!(&error, ServerError::Closed { status, .. } if status.contains("again")),
        "{error}"
    );
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let error = call(&servers, "a", "echo", 20).await.unwrap_err();
    assert!(
        matches!(&error, ServerError::Closed { status, .. } if status == "exit status: 3"),
        "{error}"
    );
    servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_does_not_wait_for_a_start() {
    let marker = marker("shutdown");
    let servers = servers(&[("a", "silent")], &marker, ServersLimits::default());
    let starting = tokio::spawn({
        let servers = servers.clone();
        async move { servers.get_or_start("a").await.map(|_| ()) }
    });
    while !is_running(&marker) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let started = Instant::now();
    servers.shutdown().await;
    assert!(started.elapsed() < Duration::from_secs(2));
    assert!(matches!(
        starting.await.unwrap(),
        Err(ServerError::Closed { .. })
    ));
    assert!(is_gone_soon(&marker).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_is_bounded_however_servers_behave() {
    let marker = marker("bounded");
    let modes = ["deaf", "stubborn", "deaf", "stubborn", "good"];
    let names = ["a", "b", "c", "d", "e"];
    let entries: Vec<_> = names.into_iter().zip(modes).collect();
    let servers = servers(&entries, &marker, quick());
    let (_, failed) = servers.sync(None).await;
    assert!(failed.is_empty(), "{failed:?}");
    let started = Instant::now();
    servers.shutdown().await;
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert!(!is_running(&marker));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_servers_end_a_start_under_way() {
    let marker = marker("abandoned");
    let servers = servers(&[("a", "silent")], &marker, ServersLimits::default());
    let starting = tokio::spawn({
        let servers = servers.clone();
        async move { servers.get_or_start("a").await.map(|_| ()) }
    });
    while !is_running(&marker) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    starting.abort();
    drop(servers);
    assert!(is_gone_soon(&marker).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_not_repeated_in_a_new_session_where_the_tool_is_another() {
    let web = web("redeployed");
    let config = Config {
        path: PathBuf::new(),
        servers: [("a".to_owned(), http_config(&web.1))].into(),
        notices: Vec::new(),
    };
    let servers = Servers::new(&config, quick());
    let error = call(&servers, "a", "echo", 20).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "server `a` is gone (its session ended before this request, and nothing was done)"
    );
    let permit = Permit::for_tests("a", "echo", &definition("echo"), Map::new());
    let deadline = Instant::now() + Duration::from_secs(20);
    let changed = servers.call(permit, deadline).await;
    assert!(
        matches!(changed, Err(CallError::Changed { .. })),
        "{changed:?}"
    );
    assert!(call(&servers, "a", "fail", 20).await.unwrap().is_error);
    servers.shutdown().await;
}
