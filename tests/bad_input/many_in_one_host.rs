//! One host runs broken programs and a sound one at the same time, again and again: what one does is seen by no other.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use witgate_builder::{engine, js, link};
use witgate_host::{
    Definitions, Exceeded, Grants, Host, HostOptions, Limits, Prepared, Program, RunError,
    RunOptions, Servers, admit, config, grants, servers::ServersLimits,
};
use witgate_tests::workspace;

use crate::demo;

const SOUND: &str = "import { slowEcho } from \"mcp:demo\";
    export default async ({ n }) => {
      const texts = await Promise.all([1, 2, 3].map((i) => slowEcho({ text: `${n}-${i}`, delay_ms: 20 })));
      return texts.join(\" \");
    };";
const BROKEN: [&str; 5] = [
    "export default () => { for (;;); };",
    "export default () => { const all = []; for (;;) all.push('x'.repeat(8e6)); };",
    "const down = (n) => 1 + down(n + 1); export default () => down(0);",
    "import { alwaysFails } from \"mcp:demo\"; export default () => alwaysFails();",
    "export default () => new Promise(() => {});",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_host_survives_them_all() {
    let stand = demo();
    let text = json!({ "mcpServers": { "demo": { "command": workspace::binary().unwrap(), "args": ["demo-server"] } } });
    let config = config::parse(
        &text.to_string(),
        &stand.folder().join(".mcp.json"),
        &|_| None,
    )
    .unwrap();
    let servers = Servers::new(&config, ServersLimits::default());
    let (catalog, failed) = servers.sync(None).await;
    assert!(failed.is_empty(), "{failed:?}");
    let definitions = Definitions::new(&catalog).unwrap();

    let host = Host::new(HostOptions {
        cache: Some(workspace::cache().join("code")),
        pooled_instances: None,
    })
    .unwrap();
    let module = engine::engine().unwrap();
    host.add_module(&link::engine_import(module), &module.wasm)
        .unwrap();
    let host = Arc::new(host);
    let limits = Limits {
        cpu: Duration::from_secs(2),
        memory: 64 << 20,
        ..Limits::default()
    };
    let granted = Grants::from(grants::allow("demo/*").unwrap());
    let granted = granted.check(&definitions).unwrap();
    let prepare = |source: &str| {
        let built =
            js::build_js(source, "program.js", &definitions.models, |_, link| link()).unwrap();
        let program = Program::load(&host, &built.to_bytes()).unwrap();
        let plan = admit(
            &program.imports(&host, &definitions),
            &granted,
            &limits,
            None,
        )
        .unwrap();
        Arc::new(Prepared::new(&host, &program, plan, &definitions).unwrap())
    };
    let sound = prepare(SOUND);
    let broken = BROKEN.map(prepare);
    let options = RunOptions {
        log: Arc::new(|_, _| {}),
        ..RunOptions::new(&servers)
    };

    for round in 0..2 {
        let run = |prepared: &Arc<Prepared>, input: Value| {
            let (prepared, host, options) =
                (Arc::clone(prepared), Arc::clone(&host), options.clone());
            tokio::spawn(async move { prepared.run(&host, &input, options).await.result })
        };
        let sound: Vec<_> = (0..10).map(|n| run(&sound, json!({ "n": n }))).collect();
        let [endless, greedy, deep, failing, waiting] =
            broken.each_ref().map(|program| run(program, Value::Null));
        for (n, result) in sound.into_iter().enumerate() {
            assert_eq!(
                result.await.unwrap().unwrap(),
                json!(format!("{n}-1 {n}-2 {n}-3")),
                "round {round}"
            );
        }
        let [endless, greedy, deep, failing, waiting] = [endless, greedy, deep, failing, waiting]
            .map(async |run| run.await.unwrap().unwrap_err());
        let error = endless.await;
        assert!(
            matches!(error, RunError::Limit(Exceeded::Cpu(_))),
            "{error:?}"
        );
        let error = greedy.await;
        assert!(
            matches!(error, RunError::Limit(Exceeded::Memory(_))),
            "{error:?}"
        );
        let error = deep.await;
        assert!(
            matches!(error, RunError::Program(_) | RunError::Broken { .. }),
            "{error:?}"
        );
        let error = failing.await;
        assert!(
            matches!(&error, RunError::Program(error) if error.cause.is_some()),
            "{error:?}"
        );
        let error = waiting.await;
        assert!(matches!(error, RunError::Deadlock), "{error:?}");
    }
    servers.shutdown().await;
}
