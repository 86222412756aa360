//! What a hostile or stubborn server may not get through: secrets, hidden names, floods of values, and its own end.

use super::*;

const SECRET: &str = "hunter2-hunter2";

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_redacted_and_results_are_not() {
    let client = connect("good", &marker("leak")).await;
    let reply = call(&client, "leak").await.unwrap();
    assert!(reply.is_error);
    assert_eq!(
        reply.content,
        [json!({"type": "text", "text": "bad token ***"})]
    );
    assert_eq!(reply.structured, Some(json!({"the ***": ["***"]})));
    let reply = call(&client, "tell").await.unwrap();
    assert!(!reply.is_error);
    assert_eq!(
        reply.structured.unwrap()[format!("the {SECRET}")],
        json!([SECRET])
    );
    let error = call(&client, &format!("no {SECRET}")).await.unwrap_err();
    assert!(
        matches!(&error, ServerError::Rpc { message, .. } if message.ends_with("***")),
        "{error}"
    );
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stderr_is_redacted_before_it_is_cut() {
    let pem = "-----BEGIN KEY-----\nAbCdEfGhIjKl\nMnOpQrSt\n-----END KEY-----";
    let config = stdio_config(
        "spills",
        &marker("spills"),
        &[("SECRET", SECRET), ("PEM", pem)],
    );
    let client = Client::connect("s", &config, &limits()).await.unwrap();
    let error = call(&client, "echo").await.unwrap_err();
    let ServerError::Closed { stderr_tail, .. } = &error else {
        panic!("{error:?}")
    };
    let lines: Vec<&str> = stderr_tail.lines().collect();
    assert_eq!(lines[..4], ["key: ***", "***", "***", "***"]);
    assert!(
        lines[4].starts_with("xxx") && !lines[4].contains('h'),
        "{}",
        lines[4]
    );
    assert_eq!(lines[5], "\u{fffd}[2Jhint: all is well");
    assert!(!error.hint().contains("\nhint:"), "{}", error.hint());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_show_is_refused_and_that_of_the_server_is_cleaned() {
    let client = connect("hidden", &marker("hidden")).await;
    let error = client.tools().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "server `s` broke the protocol: the name of tool 1 of `tools/list` holds the character U+202E, which does not show"
    );
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_values_is_an_error_and_is_not_read() {
    let limits = ClientLimits {
        max_values: 50_000,
        ..limits()
    };
    let expected = ServerError::TooLarge {
        server: "s".to_owned(),
        limit: 50_000,
        measure: Measure::Values,
    };
    assert_eq!(
        expected.to_string(),
        "server `s` sent a message of more than 50000 JSON values"
    );
    let config = stdio_config("good", &marker("zeros"), &[]);
    let client = Client::connect("s", &config, &limits).await.unwrap();
    assert_eq!(call(&client, "zeros").await.unwrap_err(), expected);
    for mode in ["json", "sse"] {
        let web = web(mode);
        let client = Client::connect("s", &http_config(&web.1), &limits)
            .await
            .unwrap();
        assert_eq!(
            call(&client, "zeros").await.unwrap_err(),
            expected,
            "{mode}"
        );
        assert!(!call(&client, "echo").await.unwrap().is_error, "{mode}");
        client.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_of_a_request_that_ended() {
    let web = web("json");
    let session = Session::connect("s", &http_config(&web.1), &limits(), None)
        .await
        .unwrap();
    for tool in ["nothing", "big", "echo"] {
        let answer = session.call_tool(tool, Map::new(), soon(20)).await;
        assert_eq!(answer.is_ok(), tool == "echo", "{answer:?}");
        assert!(session.raw.table().is_empty(), "{tool}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_may_not_hold_more_tools_than_a_server() {
    let config = stdio_config("good", &marker("many"), &[]);
    for (max_tools, fits) in [(6, true), (5, false)] {
        let limits = ClientLimits {
            max_tools,
            ..limits()
        };
        let client = Client::connect("s", &config, &limits).await.unwrap();
        match client.tools().await {
            Ok(_) => assert!(fits),
            Err(error) => {
                assert!(!fits, "{error}");
                assert_eq!(
                    error.to_string(),
                    "server `s` broke the protocol: it lists more than 5 tools"
                );
            }
        }
        client.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deaf_server_is_closed_in_time() {
    let marker = marker("deaf");
    let client = connect("deaf", &marker).await;
    let started = Instant::now();
    client.close().await;
    assert!(started.elapsed() < Duration::from_secs(2));
    assert!(!is_running(&marker));
}

#[test]
fn a_dropped_client_ends_its_group_without_the_help_of_the_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (done, under_way) = (marker("dropped"), marker("dropped-early"));
    let client = runtime.block_on(connect("stubborn", &done));
    let config = stdio_config("silent", &under_way, &[]);
    let mut connecting =
        Box::pin(async { Client::connect("s", &config, &limits()).await.map(|_| ()) });
    runtime.block_on(async {
        while !is_running(&under_way) {
            assert!(
                timeout(Duration::from_millis(20), &mut connecting)
                    .await
                    .is_err()
            );
        }
    });
    // From here on the runtime does nothing any more.
    drop((client, connecting));
    for _ in 0..100 {
        if !is_running(&done) && !is_running(&under_way) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("processes are left");
}

/// The kernel ends the children of a thread that ends, and a runtime's threads come and go.
#[test]
fn a_server_outlives_the_thread_that_connected() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_keep_alive(Duration::from_millis(10))
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    runtime.block_on(async {
        let connected = tokio::task::spawn_blocking(move || {
            handle.block_on(connect("good", &marker("thread")))
        });
        let client = connected.await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!call(&client, "echo").await.unwrap().is_error);
        client.close().await;
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_host_takes_its_servers_with_it() {
    const HOST: &str = "WITGATE_TEST_HOST";
    let wait = || std::thread::sleep(Duration::from_millis(20));
    if let Ok(marker) = std::env::var(HOST) {
        // This is the process that is killed.
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _client = runtime.block_on(connect("deaf", &marker));
        loop {
            wait();
        }
    }
    let marker = marker("killed");
    let name = "mcp::tests::hostile::a_killed_host_takes_its_servers_with_it";
    let mut host = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(HOST, &marker)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !is_running(&marker) {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "the host does not start"
        );
        wait();
    }
    host.kill().unwrap();
    host.wait().unwrap();
    let killed = Instant::now();
    while is_running(&marker) {
        assert!(
            killed.elapsed() < Duration::from_secs(2),
            "the server is left"
        );
        wait();
    }
}
