//! Who shares what a server keeps in mind: with the demo server, whose issues last as long as its process.

use serde_json::Value;
use witgate_host::{RunOptions, Servers};

use crate::ground::{ALL, Ground, quick};

/// Opens an issue, and gives its number: one more than the last one's.
async fn number(ground: &Ground, servers: &Servers, server: &str) -> i64 {
    let source = format!(
        "import {{ createIssue }} from 'mcp:{server}';
         export default async () => {{ await createIssue({{ title: 'x' }}); return (await createIssue({{ title: 'y' }})).number; }}"
    );
    let program = ground.js(&source, "program.js");
    let prepared = ground.prepare(&program, ALL, &quick()).unwrap();
    let ended = ground
        .run(&prepared, Value::Null, RunOptions::new(servers))
        .await;
    ended.value().as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_own_state_over_its_runs() {
    let ground = Ground::new(Vec::new()).await;
    let (one, two) = (ground.servers.session(), ground.servers.session());
    let first = number(&ground, &one, "session").await;
    assert_eq!(number(&ground, &one, "session").await, first + 2);
    assert_eq!(number(&ground, &two, "session").await, first);
    assert_eq!(number(&ground, &one, "session").await, first + 4);
    assert_eq!(number(&ground, &two, "session").await, first + 2);
    // What is shared by all is.
    let shared = number(&ground, &one, "demo").await;
    assert_eq!(number(&ground, &two, "demo").await, shared + 2);
    assert_eq!(number(&ground, &ground.servers, "demo").await, shared + 4);
    // A new session begins anew, and leaves nothing.
    // Three that listed the tools, and the two sessions'.
    assert_eq!(ground.servers_left(), 5);
    drop(two);
    assert_eq!(
        number(&ground, &ground.servers.session(), "session").await,
        first
    );
    ground.servers.shutdown().await;
    assert_eq!(ground.servers_left(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_begins_anew_where_the_server_is_for_it_alone() {
    let ground = Ground::new(Vec::new()).await;
    let session = ground.servers.session();
    let first = number(&ground, &session, "fresh").await;
    for servers in [&session, &ground.servers] {
        assert_eq!(number(&ground, servers, "fresh").await, first);
    }
    // Two at once, neither sees the other.
    let (one, two) = futures::join!(
        number(&ground, &session, "fresh"),
        number(&ground, &session, "fresh")
    );
    assert_eq!((one, two), (first, first));
    ground.servers.shutdown().await;
    assert_eq!(ground.servers_left(), 0);
}
