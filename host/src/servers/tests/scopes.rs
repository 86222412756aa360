//! Who shares a process with whom, and that none outlives who it was for.

use serde_json::Value;

use super::*;
use crate::labels::LabelSet;

/// A server `a` of this scope in this mode.
fn scoped(scope: Scope, mode: &str, marker: &str, limits: ServersLimits) -> Servers {
    let config = ServerConfig {
        scope,
        ..stdio_config(mode, marker, &[])
    };
    one(config, limits)
}

fn one(config: ServerConfig, limits: ServersLimits) -> Servers {
    let servers = [("a".to_owned(), config)].into();
    let config = Config {
        path: PathBuf::new(),
        servers,
        notices: Vec::new(),
    };
    Servers::new(&config, limits)
}

/// How many processes have that text in their command line.
fn count(marker: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let is_one = |command: &Vec<u8>| {
        let text = String::from_utf8_lossy(command).into_owned();
        text.split('\0').any(|argument| argument == marker)
    };
    let commands = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    commands.filter(is_one).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_shared_as_far_as_its_scope_goes() {
    for (scope, per_session, per_run) in [
        (Scope::Host, false, false),
        (Scope::Session, true, false),
        (Scope::Run, true, true),
    ] {
        let marker = marker(&format!("scope-{scope:?}"));
        let servers = scoped(scope, "good", &marker, quick());
        let (one, two) = (servers.session(), servers.session());
        let (first, second) = (one.one_run(), one.one_run());
        let here = pid(&first).await;
        // A view always reaches the same process.
        assert_eq!(here, pid(&first.clone()).await);
        assert_eq!(here != pid(&second).await, per_run, "{scope:?}");
        assert_eq!(here != pid(&two.one_run()).await, per_session, "{scope:?}");
        assert_eq!(here != pid(&servers).await, scope != Scope::Host);
        servers.shutdown().await;
        assert_eq!(count(&marker), 0, "{scope:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_ends_what_is_its_own_and_no_more() {
    let marker = marker("own");
    let servers = scoped(Scope::Session, "good", &marker, quick());
    let (one, two) = (servers.session(), servers.session());
    let (kept, _) = (pid(&one).await, pid(&two).await);
    assert_eq!(count(&marker), 2);
    two.shutdown().await;
    assert_eq!(count(&marker), 1);
    assert!(matches!(
        call(&two, "a", "pid", 5).await,
        Err(ServerError::Closed { .. })
    ));
    assert_eq!(pid(&one).await, kept);
    // Dropped while a run of it goes on: the run's view holds it.
    let run = one.one_run();
    drop(one);
    assert_eq!(pid(&run).await, kept);
    drop(run);
    assert!(is_gone_soon(&marker).await);
    // What is shared goes on without the views.
    let shared = scoped(Scope::Host, "good", &marker, quick());
    let session = shared.session();
    let here = pid(&session).await;
    session.shutdown().await;
    drop(session);
    assert_eq!(pid(&shared).await, here);
    shared.shutdown().await;
    assert_eq!(count(&marker), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_waits_for_what_a_dropped_view_left() {
    let marker = marker("left");
    // It takes a second to end, and has to be killed.
    let servers = scoped(Scope::Session, "stubborn", &marker, quick());
    let session = servers.session();
    session.tools("a").await.unwrap();
    drop(session);
    assert!(count(&marker) > 0);
    servers.shutdown().await;
    assert_eq!(count(&marker), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_view_lets_its_servers_tidy_up() {
    let marker = marker("tidy");
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("left");
    // What comes after its stdin is closed is done only where it is not killed.
    let mut config = stdio_config("good", &marker, &[]);
    let Transport::Stdio {
        command, args, env, ..
    } = &mut config.transport
    else {
        panic!();
    };
    let inner = args.join(" ");
    *args = vec![
        "-c".to_owned(),
        format!("python3 {inner}; touch \"$LEFT\""),
        marker.clone(),
    ];
    env.insert("LEFT".to_owned(), left.to_str().unwrap().to_owned());
    "sh".clone_into(command);
    config.scope = Scope::Session;
    let servers = one(config, quick());
    let session = servers.session();
    session.tools("a").await.unwrap();
    drop(session);
    servers.shutdown().await;
    assert!(left.exists(), "it was killed before it saw its stdin close");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_holds_over_all_views() {
    let limits = ServersLimits {
        calls_per_server: 1,
        ..quick()
    };
    let servers = scoped(Scope::Session, "good", &marker("views-cap"), limits);
    let (one, two) = (servers.session(), servers.session());
    let _ = (pid(&one).await, pid(&two).await);
    let (slow, waiting) = futures::join!(call(&one, "a", "slow", 2), call(&two, "a", "pid", 1));
    assert!(matches!(slow, Err(ServerError::Timeout { .. })));
    let error = waiting.unwrap_err();
    assert!(
        matches!(&error, ServerError::Timeout { doing, .. } if doing == "get ready to answer `pid`"),
        "{error}"
    );
    servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_start_is_not_tried_anew_by_every_run() {
    let marker = marker("no-start");
    let folder = tempfile::tempdir().unwrap();
    let starts = folder.path().join("starts");
    let script = "echo x >> \"$STARTS\"; exit 3";
    let mut config = stdio_config("good", &marker, &[]);
    config.scope = Scope::Run;
    config.transport = Transport::Stdio {
        command: "sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned(), marker.clone()],
        env: [("STARTS".to_owned(), starts.to_str().unwrap().to_owned())].into(),
        cwd: folder.path().to_owned(),
    };
    let limits = ServersLimits {
        backoff_min: Duration::from_secs(60),
        backoff_max: Duration::from_secs(60),
        ..quick()
    };
    let servers = one(config, limits);
    let first = servers.one_run().tools("a").await.unwrap_err();
    let tried = std::fs::read_to_string(&starts).unwrap();
    for _ in 0..3 {
        assert_eq!(servers.one_run().tools("a").await.unwrap_err(), first);
    }
    assert_eq!(std::fs::read_to_string(&starts).unwrap(), tried);
    // A death concerns who had the connection, and nobody else.
    let dying = scoped(Scope::Session, "dies", &marker, quick());
    let (one, two) = (dying.session(), dying.session());
    for _ in 0..2 {
        call(&one, "a", "echo", 20).await.unwrap_err();
    }
    let again = |error: ServerError| matches!(error, ServerError::Closed { status, .. } if status.contains("again"));
    assert!(again(call(&one, "a", "echo", 20).await.unwrap_err()));
    assert!(!again(call(&two, "a", "echo", 20).await.unwrap_err()));
    dying.shutdown().await;
}

/// One tool that gives back what it got.
struct Mirror;

impl LocalServer for Mirror {
    fn server(&self) -> Server {
        let tool = json!({"name": "mirror", "inputSchema": {"type": "object"}});
        Server {
            tools: vec![serde_json::from_value(tool).unwrap()],
            ..Server::default()
        }
    }

    fn call<'a>(
        &'a self,
        _: &'a str,
        arguments: Map<String, Value>,
        read: LabelSet,
    ) -> LocalCall<'a> {
        Box::pin(async move { LocalReply::structured(Value::Object(arguments), read) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_this_process_stands_beside_the_others() {
    let marker = marker("beside");
    let servers = scoped(Scope::Session, "good", &marker, quick());
    let session = servers.session();
    let with = session.with_local("here", Arc::new(Mirror));
    assert_eq!(with.names().collect::<Vec<_>>(), ["a", "here"]);
    assert!(!session.names().any(|name| name == "here"));
    let (catalog, failed) = with.sync(None).await;
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(catalog.servers["here"], Mirror.server());
    assert!(with.get_or_start("here").await.is_err());
    // The connections are those that were there before.
    assert_eq!(pid(&with).await, pid(&session).await);
    let definition = Mirror.server().tools[0].definition_hash();
    let arguments = Map::from_iter([("n".to_owned(), json!(1))]);
    let permit = Permit::for_tests("here", "mirror", &definition, arguments.clone());
    let deadline = Instant::now() + Duration::from_secs(20);
    let reply = with.call(permit, deadline).await.unwrap();
    assert_eq!(reply.reply.structured, Some(Value::Object(arguments)));
    let permit = Permit::for_tests("here", "mirror", "another", Map::new());
    assert!(matches!(
        with.call(permit, deadline).await,
        Err(CallError::Changed { now: Some(_), .. })
    ));
    with.shutdown().await;
    assert_eq!(count(&marker), 0);
}
