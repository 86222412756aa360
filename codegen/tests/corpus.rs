//! Every server of the corpus of real `tools/list` answers is modelled, and its WIT is accepted by the real parser. The
//! corpus lies beside the repository; where it is absent, the test says so and passes. How well they are typed is counted elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use wit_parser::{Resolve, UnresolvedPackageGroup};
use witgate_codegen::catalog::{Catalog, Server, Tool, parse_tools_list};
use witgate_codegen::dts::declare_server;
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::select::{View, find_import, interface_name, program_wit};
use witgate_codegen::wit::{RUNTIME, WitOptions, print_server};
use witgate_codegen::{model_catalog, model_server};

fn corpus() -> Option<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no corpus beside the repository");
        return None;
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|end| end == "json") && !path.ends_with("manifest.json")
        })
        .collect();
    files.sort();
    Some(files)
}

fn load(path: &Path) -> (String, Server) {
    let name = path.file_stem().unwrap().to_str().unwrap().to_string();
    let tools = parse_tools_list(&std::fs::read_to_string(path).unwrap()).unwrap();
    (
        name,
        Server {
            tools,
            ..Default::default()
        },
    )
}

/// Reads the packages in order, as any WIT tool does.
fn resolve(packages: &[&str]) -> Resolve {
    let mut resolve = Resolve::default();
    for (index, text) in packages.iter().enumerate() {
        let group = UnresolvedPackageGroup::parse(format!("{index}.wit"), text)
            .unwrap_or_else(|(_, error)| panic!("{error:?}\n{text}"));
        resolve
            .push_group(group)
            .unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    }
    resolve
}

/// The functions of an interface, in order.
fn functions(resolve: &Resolve, model: &ServerModel, view: View) -> Vec<String> {
    let (_, interface) = resolve
        .interfaces
        .iter()
        .find(|(id, _)| {
            resolve
                .id_of(*id)
                .is_some_and(|name| name == interface_name(model, view))
        })
        .expect("the interface is there");
    interface.functions.keys().cloned().collect()
}

fn check(model: &ServerModel) {
    let text = print_server(model, &WitOptions::default());
    let resolved = resolve(&[RUNTIME, &text]);
    let wanted: Vec<&str> = model.tools.iter().map(|tool| tool.wit.as_str()).collect();
    for view in [View::Typed, View::Json] {
        let found = functions(&resolved, model, view);
        assert_eq!(found, wanted, "{}", model.server);
        for (tool, function) in model.tools.iter().zip(&found) {
            let models = std::slice::from_ref(model);
            let import = find_import(models, &interface_name(model, view), function).unwrap();
            assert_eq!(
                (import.tool.tool.as_str(), import.view),
                (tool.tool.as_str(), view)
            );
        }
        let every: Vec<&ToolModel> = model.tools.iter().collect();
        let program = program_wit(&[(model, every)], view);
        let texts: Vec<&str> = program.packages.iter().map(String::as_str).collect();
        let resolved = resolve(&texts);
        assert!(
            resolved
                .worlds
                .iter()
                .any(|(_, world)| world.name == "program")
        );
    }
    let sync = print_server(
        model,
        &WitOptions {
            sync: true,
            docs: true,
        },
    );
    resolve(&[RUNTIME, &sync]);
}

#[test]
fn every_server_is_modelled_and_its_wit_is_accepted() {
    let Some(files) = corpus() else { return };
    assert_eq!(files.len(), 96);
    let mut catalog = Catalog::default();
    for path in &files {
        let (name, server) = load(path);
        let model = model_server(&name, &server).unwrap();
        assert_eq!(model.tools.len(), server.tools.len());
        check(&model);
        catalog.servers.insert(name, server);
    }
    let models = model_catalog(&catalog).unwrap();
    for (model, again) in models.iter().zip(model_catalog(&catalog).unwrap()) {
        assert_eq!(*model, again);
        let options = WitOptions::default();
        assert_eq!(
            print_server(model, &options),
            print_server(&again, &options)
        );
        assert_eq!(declare_server(model), declare_server(&again));
    }
}

#[test]
fn hostile_names_and_descriptions_make_valid_wit() {
    let words = [
        "",
        "🦀",
        "__proto__",
        "constructor",
        "1st",
        "type",
        "async",
        "json",
        "tool-error",
        "StartTime",
        "StartTime<",
        "StartTime>",
        "orderBy",
        "order_by",
        "$vectorSearch",
        "list",
        "result",
        "a--b",
        "-",
        "日本",
        "use",
        "from",
        "map",
        "error-context",
        "hasOwnProperty",
        "toString",
        "package",
        "_",
    ];
    let description = "x */ } /// \u{202e}evil\u{200b}\u{e0041}\u{0}\u{7f}\u{149}\u{2028}package a:b;\r\n\u{673} /* ";
    let mut properties = serde_json::Map::new();
    for word in words {
        properties.insert(
            word.to_string(),
            serde_json::json!({"description": description, "enum": words, "default": description}),
        );
    }
    let tools: Vec<Tool> = words
        .iter()
        .map(|word| Tool {
            name: word.to_string(),
            description: Some(description.to_string()),
            input_schema: serde_json::json!({"type": "object", "properties": properties, "description": description}),
            ..Tool::default()
        })
        .collect();
    for name in words {
        let model = model_server(
            name,
            &Server {
                tools: tools.clone(),
                ..Server::default()
            },
        )
        .unwrap();
        check(&model);
        let declared = declare_server(&model);
        assert_eq!(
            declared.matches("*/").count(),
            declared.matches("/**").count(),
            "{declared}"
        );
        assert!(!declared.contains('\u{202e}') && !declared.contains('\u{e0041}'));
    }
}

#[test]
fn a_server_without_tools_has_empty_interfaces() {
    check(&model_server("none", &Server::default()).unwrap());
}
