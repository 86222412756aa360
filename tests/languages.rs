//! One task in two languages: the same bytes, the same list of tools, and a Rust component that imports only those and the
//! runtime contract. What each program prints is the scenarios' matter.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use wit_component::DecodedWasm;
use wit_parser::WorldItem;
use witgate_builder::toolchain::Toolchain;
use witgate_tests::{Stand, workspace};

const GRANTED: [&str; 6] = [
    "--input",
    "@input.json",
    "--allow",
    "tracker/list_issues",
    "--allow",
    "crm/list_deals",
];

/// The example that exists in both languages, or `None` where Rust programs cannot be built.
fn example() -> Option<Stand> {
    if let Err(missing) = Toolchain::find(&workspace::cache()) {
        assert!(!workspace::nothing_may_be_skipped(), "{missing}");
        eprintln!("skipped: {missing}");
        return None;
    }
    let stand = Stand::new().unwrap();
    let examples = workspace::root().join("examples");
    stand
        .write(
            ".mcp.json",
            std::fs::read(examples.join(".mcp.json")).unwrap(),
        )
        .unwrap();
    for name in ["program.js", "program.rs", "input.json"] {
        stand
            .write(
                name,
                std::fs::read(examples.join("03-two-servers").join(name)).unwrap(),
            )
            .unwrap();
    }
    Some(stand)
}

#[test]
fn both_give_the_same_bytes() {
    let Some(stand) = example() else { return };
    let printed = ["program.js", "program.rs"].map(|program| {
        // What is built is what runs.
        let built = format!("{program}.wasm");
        let output = stand.run(&["build", program, "-o", &built]).unwrap();
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (Some(0), ""),
            "{output:#?}"
        );
        let [source, component] = [program, &built].map(|program| {
            let arguments: Vec<&str> = ["run", program].into_iter().chain(GRANTED).collect();
            let output = stand.run(&arguments).unwrap();
            assert_eq!(output.code, Some(0), "{output:#?}");
            output.stdout
        });
        assert_eq!(source, component, "{program}");
        source
    });
    assert_eq!(printed[0], printed[1]);
    assert_eq!(stand.orphans(), Vec::<String>::new());
}

#[test]
fn check_shows_the_same_list_for_both() {
    let Some(stand) = example() else { return };
    for program in ["program.js", "program.rs"] {
        let arguments: Vec<&str> = ["check", program]
            .into_iter()
            .chain(GRANTED.into_iter().skip(2))
            .collect();
        let output = stand.run(&arguments).unwrap();
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (Some(0), "crm/list_deals\ntracker/list_issues\n"),
            "{output:#?}"
        );
        let refused = stand.run(&["check", program, "--allow", "crm/*"]).unwrap();
        assert_eq!(
            (refused.code, refused.stdout),
            (Some(3), output.stdout),
            "the list does not depend on the grants"
        );
        assert!(
            refused.stderr.contains("--allow tracker/list_issues"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn the_rust_component_imports_only_its_tools_and_the_contract() {
    let Some(stand) = example() else { return };
    let output = stand
        .run(&["build", "program.rs", "-o", "program.wasm"])
        .unwrap();
    assert_eq!(output.code, Some(0), "{output:#?}");
    let bytes = std::fs::read(stand.folder().join("program.wasm")).unwrap();
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&bytes).unwrap() else {
        panic!("it is a component");
    };
    let mut functions = Vec::new();
    for (name, item) in &resolve.worlds[world].imports {
        let id = match item {
            WorldItem::Interface { id, .. } => id,
            // The names that `run` gives to types of the contract.
            WorldItem::Type { .. } => continue,
            WorldItem::Function(_) => {
                panic!("it imports a function outside an interface, {name:?}")
            }
        };
        let name = resolve
            .id_of(*id)
            .expect("an imported interface has a name");
        if !name.starts_with("witgate:runtime/") {
            functions.extend(
                resolve.interfaces[*id]
                    .functions
                    .keys()
                    .map(|function| format!("{name}#{function}")),
            );
        }
        assert!(
            name.starts_with("witgate:runtime/") || name.starts_with("mcp:"),
            "it imports `{name}`"
        );
    }
    functions.sort();
    assert_eq!(
        functions,
        ["mcp:crm/tools#list-deals", "mcp:tracker/tools#list-issues"]
    );
}

/// A Rust program does nothing wrong in silence: sums that are too large, calls that nobody awaits, waits without end.
#[test]
fn a_rust_program_tells_of_its_slips() {
    let Some(stand) = example() else { return };
    for (body, code, told) in [
        (
            "let n = i.as_i64().unwrap_or(i64::MAX); Ok(json!(n + 1))",
            1,
            "attempt to add with overflow",
        ),
        (
            "let _call = list_issues(Default::default()); Ok(json!(1))",
            0,
            "`tracker/list_issues` was never awaited, so it was never called",
        ),
        (
            "std::future::pending::<()>().await; Ok(i)",
            1,
            "error: panic: panic at an `.await`: the program waits for something that never happens",
        ),
        (
            "std::thread::sleep(std::time::Duration::from_millis(1)); Ok(i)",
            1,
            "clock::sleep_ms",
        ),
    ] {
        let source = format!(
            "use witgate_guest::prelude::*;\nuse mcp::tracker::list_issues;\n\
             async fn run(i: Value) -> Result<Value> {{ {body} }}\nprogram!(run);\n"
        );
        stand.write("slip.rs", source.into_bytes()).unwrap();
        let output = stand
            .run(&["run", "slip.rs", "--allow", "tracker/list_issues"])
            .unwrap();
        assert_eq!(output.code, Some(code), "{body}: {output:#?}");
        assert!(output.stderr.contains(told), "{body}: {}", output.stderr);
        assert!(!output.stderr.contains("/registry/"), "{}", output.stderr);
    }
}

/// Knows one tool, `set`, that requires an enum and a variant, and says what it was given.
const CHOOSING_SERVER: &str = r#"
import json, sys
where = {"anyOf": [{"type": "object", "required": ["side"], "properties": {"side": {"enum": ["left", "right"]}}}, {"type": "string"}]}
tool = {"name": "set", "inputSchema": {"type": "object", "required": ["size", "where"], "properties": {
    "size": {"enum": ["small", "large"]}, "where": where, "note": {"type": "string"}}}}
for line in sys.stdin:
    message = json.loads(line)
    method, params = message.get("method"), message.get("params") or {}
    if "id" not in message:
        continue
    if method == "initialize":
        result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [tool]}
    else:
        result = {"content": [{"type": "text", "text": json.dumps(params.get("arguments"), sort_keys=True)}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"#;

/// `..Default::default()` always compiles; a required choice that it leaves out is not sent as the first of its cases.
#[test]
fn a_required_choice_that_is_left_out_is_not_sent() {
    let Some(stand) = example() else { return };
    stand
        .write("server.py", CHOOSING_SERVER.as_bytes())
        .unwrap();
    let servers = r#"{ "mcpServers": { "s": { "command": "python3", "args": ["server.py"] } } }"#;
    stand.write(".mcp.json", servers.as_bytes()).unwrap();
    let source = r#"use witgate_guest::prelude::*;
        use mcp::s::{set, SetArgs, SetSize, SetWhere};
        async fn run(_: Value) -> Result<Value> {
            let note = Some("n".to_string());
            let size = SetSize::Large;
            let mut told = Vec::new();
            for args in [
                SetArgs { note: note.clone(), ..Default::default() },
                SetArgs { size, ..Default::default() },
                SetArgs { size, r#where: SetWhere::Object(Default::default()), ..Default::default() },
                SetArgs { size, r#where: "here".into(), ..Default::default() },
            ] {
                let written = serde_json::to_value(&args).err().map(|error| error.to_string());
                told.push(match set(args).await {
                    Ok(value) => json!([value, written]),
                    Err(error) => json!([error.kind.as_str(), error.message, written]),
                });
            }
            Ok(json!(told))
        }
        program!(run);
    "#;
    stand.write("choose.rs", source.as_bytes()).unwrap();
    let output = stand
        .run(&["run", "choose.rs", "--allow", "s/set"])
        .unwrap();
    assert_eq!(output.code, Some(0), "{output:#?}");
    let told: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let refused = |name: &str| {
        let message = format!("a required `{name}` was not given");
        serde_json::json!(["invalid-arguments", message, message])
    };
    assert_eq!(
        told,
        serde_json::json!([
            refused("SetSize"),
            refused("SetWhere"),
            refused("SetWhereObjectSide"),
            [{ "size": "large", "where": "here" }, null],
        ])
    );
}
