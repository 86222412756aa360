//! The WIT of `gen --sync` through the libraries inside cargo-component 0.21, wit-parser 0.227 and wit-bindgen 0.41: every
//! server of the corpus, and names that a generator could trip over. The bindings of some servers are compiled. The corpus
//! lies beside the repository; where it is absent, only the names are tried.

use std::path::Path;
use std::process::Command;

use wit_bindgen_core_041::Files;
use wit_bindgen_core_041::wit_parser::Resolve;
use wit_bindgen_rust_041::Opts;
use witgate_builder::toolchain::Toolchain;
use witgate_codegen::catalog::{Server, Tool, parse_tools_list};
use witgate_codegen::model::ServerModel;
use witgate_codegen::model_server;
use witgate_codegen::wit::{WitOptions, print_runtime, print_server, print_world};
use witgate_tests::workspace;

use crate::{compiler_options, succeeded};

/// Servers whose bindings are compiled: the largest, the most varied, and those with names and types that few others have.
const COMPILED: [&str; 12] = [
    "angular",
    "antv-chart",
    "apify",
    "datadog",
    "everything",
    "figma-context",
    "gitlab-zereight",
    "kubernetes-flux159",
    "monday",
    "mongodb",
    "shortcut",
    "trello",
];

const SYNC: WitOptions = WitOptions {
    sync: true,
    docs: true,
};

/// What cargo-component writes into `src/bindings.rs` for these packages, of which one has the world `program`.
pub(crate) fn generate(packages: &[&str]) -> Result<String, String> {
    // What names another package comes after it.
    let mut packages: Vec<&&str> = packages.iter().collect();
    packages.sort_by_key(|text| {
        (
            text.contains("include witgate:runtime"),
            !text.contains("package witgate:runtime"),
        )
    });
    let mut resolve = Resolve::default();
    let mut last = None;
    for (index, text) in packages.into_iter().enumerate() {
        let pushed = resolve.push_str(format!("{index}.wit"), text);
        last = Some(pushed.map_err(|error| format!("wit-parser 0.227: {error:#}"))?);
    }
    let world = resolve
        .select_world(last.ok_or("there is no package")?, Some("program"))
        .map_err(|error| format!("{error:#}"))?;
    let options = Opts {
        format: true,
        generate_all: true,
        runtime_path: Some("wit_bindgen_rt".into()),
        ..Opts::default()
    };
    let mut files = Files::default();
    options
        .build()
        .generate(&resolve, world, &mut files)
        .map_err(|error| format!("wit-bindgen 0.41: {error:#}"))?;
    let texts = files.iter().map(|(_, text)| String::from_utf8_lossy(text));
    Ok(texts.collect())
}

fn bindings(model: &ServerModel) -> String {
    let packages = [
        print_runtime(&SYNC),
        print_server(model, &SYNC),
        print_world(&[model]),
    ];
    let packages = packages.each_ref().map(String::as_str);
    generate(&packages).unwrap_or_else(|error| panic!("{}: {error}", model.server))
}

fn corpus() -> Vec<(String, Server)> {
    let folder = workspace::root().join("../shared/corpus");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut servers: Vec<(String, Server)> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|end| end == "json") && !path.ends_with("manifest.json")
        })
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let tools = parse_tools_list(&std::fs::read_to_string(path).unwrap()).unwrap();
            let server = Server {
                tools,
                ..Server::default()
            };
            (name, server)
        })
        .collect();
    servers.sort_by(|a, b| a.0.cmp(&b.0));
    if servers.is_empty() {
        println!("skipped: no corpus beside the repository");
    }
    servers
}

/// A server whose tools, fields, cases and types are words of Rust, of its library, of WIT, and of generated code.
fn words() -> (String, Server) {
    let words = [
        "",
        "1st",
        "Box",
        "Err",
        "None",
        "Ok",
        "Option",
        "Result",
        "Self",
        "Some",
        "String",
        "T",
        "Vec",
        "_",
        "_rt",
        "alloc",
        "args",
        "as",
        "async",
        "await",
        "bindings",
        "bool",
        "char",
        "core",
        "dyn",
        "enum",
        "error",
        "export",
        "f64",
        "from",
        "gen",
        "i64",
        "json",
        "list",
        "match",
        "mcp",
        "move",
        "result",
        "ret",
        "run",
        "self",
        "std",
        "str",
        "super",
        "tools",
        "try",
        "type",
        "u8",
        "use",
        "vec",
        "wit_bindgen_rt",
        "yield",
        "🦀",
        "日本",
        "a\"b",
        "a\\b",
    ];
    let schema = |nested: bool| {
        let kinds = words.iter().enumerate().map(|(index, word)| {
            let kind = match index % 5 {
                0 => serde_json::json!({"enum": words.as_slice()}),
                1 => serde_json::json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
                2 => serde_json::json!({"type": "array", "items": {"type": ["number", "null"]}}),
                3 if nested => serde_json::json!({"type": "object", "properties": {*word: {"type": "boolean"}}}),
                _ => serde_json::json!({"type": "string", "description": "*/ \" \\ {} \u{202e}"}),
            };
            ((*word).to_owned(), kind)
        });
        let properties: serde_json::Map<_, _> = kinds.collect();
        serde_json::json!({"type": "object", "properties": properties, "required": ["self", "T", "type"]})
    };
    let tools = words.iter().enumerate().map(|(index, word)| Tool {
        name: (*word).to_owned(),
        description: Some("*/ \"# \\u{0} \u{2028} {{}}".to_owned()),
        input_schema: schema(index % 10 == 0),
        output_schema: (index % 7 == 0).then(|| schema(true)),
        ..Tool::default()
    });
    let server = Server {
        tools: tools.collect(),
        ..Server::default()
    };
    ("words".to_owned(), server)
}

/// The guest compiler in a folder, with `wit_bindgen_rt` from a build.
pub(crate) fn rustc(toolchain: &Toolchain, built: &Path, folder: &Path) -> Command {
    let libraries = built.join("deps");
    let library = std::fs::read_dir(&libraries)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("libwit_bindgen_rt-") && name.ends_with(".rlib")
        })
        .expect("the build has compiled wit-bindgen's runtime");
    let mut command = Command::new(&toolchain.rustc);
    command
        .arg(format!("--target={}", toolchain.target))
        .args(compiler_options(toolchain))
        .args(["--edition=2021", "--cap-lints=allow"])
        .arg(format!("--extern=wit_bindgen_rt={}", library.display()))
        .current_dir(folder);
    command
}

#[test]
fn every_server_has_bindings_and_those_of_some_compile() {
    let toolchain = crate::toolchain();
    let folder = tempfile::tempdir().unwrap();
    let mut compiled = 0;
    for (name, server) in corpus().into_iter().chain([words()]) {
        let model = model_server(&name, &server).unwrap();
        let text = bindings(&model);
        for tool in &model.tools {
            assert!(
                text.contains(&format!("\"{}\"", tool.wit)),
                "{name}: {}",
                tool.wit
            );
        }
        let Some(toolchain) = &toolchain else {
            continue;
        };
        if !COMPILED.contains(&name.as_str()) && name != "words" {
            continue;
        }
        std::fs::write(folder.path().join("bindings.rs"), text).unwrap();
        let output = rustc(toolchain, crate::built(toolchain), folder.path())
            .args(["--crate-type=lib", "--emit=metadata", "bindings.rs"])
            .output()
            .unwrap();
        println!("{name}: {} tools", model.tools.len());
        succeeded(&output);
        compiled += 1;
    }
    println!("the bindings of {compiled} servers compile");
}
