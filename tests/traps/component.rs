//! What a JavaScript program becomes: the shape of the linked component, what its WIT shows, under which keys it and the
//! engine are kept compiled, and that the grants, not the program, say which tools are linked.

use serde_json::{Value, json};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId, WorldItem};
use witgate_builder::js::JsComponent;
use witgate_builder::{engine, link};
use witgate_host::{Grants, Limits, Program, admit, grants};
use witgate_tests::{Stand, workspace};

use crate::ground::{Failed, Ground};

const TWO_TOOLS: &str = "import { getIssue, listDeals as deals } from \"mcp:demo\";
    export default async () => [await getIssue({ number: 1 }), await deals({})].length;";

fn world(component: &JsComponent) -> (Resolve, WorldId) {
    match wit_component::decode(&component.to_bytes()).unwrap() {
        DecodedWasm::Component(resolve, world) => (resolve, world),
        DecodedWasm::WitPackage(..) => panic!("it is a component"),
    }
}

#[tokio::test]
async fn the_module_split_keeps_its_shape() {
    let ground = Ground::new().await;
    let built = ground.build(TWO_TOOLS, "two.js").unwrap();
    let bytes = built.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    let name = link::engine_import(engine::engine().unwrap());
    assert_eq!(
        text.matches(&name).count(),
        1,
        "exactly one core module import, the engine"
    );
    assert_eq!(built.engine_import, name);
    // The engine itself is 1.5 MB: it is not inside.
    assert!(
        (8_000..40_000).contains(&built.component.len()),
        "{} bytes",
        built.component.len()
    );
    // Every start of the same program is the same bytes, and the order of names does not matter.
    assert_eq!(bytes, ground.build(TWO_TOOLS, "two.js").unwrap().to_bytes());
    let other = TWO_TOOLS.replace(
        "getIssue, listDeals as deals",
        "list_deals as deals, get_issue as getIssue",
    );
    assert_eq!(
        built.component,
        ground.build(&other, "other.js").unwrap().component
    );
    let fewer = ground.build("export default () => 1;", "none.js").unwrap();
    assert_ne!(built.component, fewer.component);
    assert_eq!(fewer.tools, []);
    ground.servers.shutdown().await;
}

#[tokio::test]
async fn the_wit_shows_only_tools_and_the_contract() {
    let ground = Ground::new().await;
    let built = ground.build(TWO_TOOLS, "two.js").unwrap();
    let (resolve, world) = world(&built);
    let mut functions = Vec::new();
    for (name, item) in &resolve.worlds[world].imports {
        let WorldItem::Interface { id, .. } = item else {
            assert!(matches!(item, WorldItem::Type { .. }), "{name:?}");
            continue;
        };
        let interface = &resolve.interfaces[*id];
        let package = &resolve.packages[interface.package.unwrap()].name;
        for function in interface.functions.keys() {
            functions.push(format!(
                "{package}/{}/{function}",
                interface.name.as_deref().unwrap_or("")
            ));
        }
    }
    functions.sort();
    functions.retain(|name| !name.starts_with("witgate:runtime@"));
    functions.dedup();
    assert_eq!(
        functions,
        ["mcp:demo/json/get-issue", "mcp:demo/json/list-deals"]
    );
    let exports: Vec<_> = resolve.worlds[world]
        .exports
        .keys()
        .map(|key| resolve.name_world_key(key))
        .collect();
    assert!(exports.iter().any(|name| name == "run"), "{exports:?}");
    let expected = ["get_issue", "list_deals"].map(|tool| ("demo".to_owned(), tool.to_owned()));
    assert_eq!(built.tools, expected);
    ground.servers.shutdown().await;
}

#[tokio::test]
async fn a_tool_that_is_not_granted_is_not_linked() {
    let ground = Ground::new().await;
    let built = ground.build(TWO_TOOLS, "two.js").unwrap();
    let program = Program::load(&ground.host, &built.to_bytes()).unwrap();
    let granted = Grants::from(grants::allow("demo/get_issue").unwrap());
    let granted = granted.check(&ground.definitions).unwrap();
    let imports = program.imports(&ground.host, &ground.definitions);
    let refusal = admit(&imports, &granted, &Limits::default(), None).unwrap_err();
    assert!(
        refusal.reasons.iter().any(|reason| reason
            .allow
            .as_deref()
            .is_some_and(|line| line.contains("demo/list_deals"))),
        "{refusal:#?}"
    );

    // Names in the text alone give nothing: the world was made of the imports.
    let sly = "import { getIssue } from \"mcp:demo\";
        export default () => { const all = globalThis.__witgate.servers.demo; return [typeof all.list_deals, typeof all.listDeals, typeof getIssue]; };";
    let ended = ground
        .run_within(
            sly,
            "sly.js",
            &Value::Null,
            "demo/get_issue",
            std::time::Duration::from_secs(20),
        )
        .await;
    assert_eq!(
        ended.result.unwrap(),
        json!(["undefined", "undefined", "function"])
    );
    let sly = "import { getIssue } from \"mcp:demo\";
        import { create_issue } from \"witgate:mcp\"; export default () => create_issue(getIssue);";
    let ended = ground.run(sly, "sly.js", &Value::Null).await;
    assert!(matches!(ended.result, Err(Failed::Build(_))));
    ground.servers.shutdown().await;
}

#[test]
fn compile_caches_are_keyed_by_engine_version_and_configuration() {
    let mut stand = Stand::new().unwrap();
    let cache = stand.folder().join("cache");
    stand.set("WITGATE_CACHE", cache.display().to_string());
    let config = json!({ "mcpServers": { "demo": { "command": workspace::binary().unwrap(), "args": ["demo-server"] } } });
    stand.write(".mcp.json", config.to_string()).unwrap();
    stand.write("two.js", TWO_TOOLS).unwrap();
    stand
        .write("same.js", TWO_TOOLS.replace("length", "length + 0"))
        .unwrap();
    stand.write("none.js", "export default () => 0;").unwrap();
    let names = |folder: &str| {
        let entries = std::fs::read_dir(cache.join(folder)).unwrap();
        let mut names: Vec<_> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let run = |program: &str| {
        let output = stand.run(&["run", program, "--allow", "demo/*"]).unwrap();
        assert_eq!(output.code, Some(0), "{output:#?}");
    };
    run("two.js");
    let first = names("code");
    // The engine and one set of imports; each key is the digest of the bytes and one of version and configuration.
    assert_eq!((first.len(), names("linked").len()), (2, 1), "{first:?}");
    let engine_digest = &engine::engine().unwrap().digest;
    assert!(
        first
            .iter()
            .any(|name| name.starts_with(engine_digest.as_str())),
        "{first:?}"
    );
    let versions: Vec<_> = first
        .iter()
        .map(|name| name.rsplit_once('-').unwrap().1)
        .collect();
    assert_eq!(versions[0], versions[1]);
    run("two.js");
    run("same.js");
    assert_eq!(names("code"), first, "the same imports compile nothing");
    run("none.js");
    assert_eq!((names("code").len(), names("linked").len()), (3, 2));
    // A damaged file is made again, not trusted and not fatal.
    for name in names("code") {
        std::fs::write(cache.join("code").join(name), b"damaged").unwrap();
    }
    run("two.js");
    assert_eq!(stand.orphans(), Vec::<String>::new());
}
