//! One server with 5,000 tools, of real schemas where the corpus lies beside the repository: every one has a name of its own in
//! both views, in WIT that the real parser accepts, and in the declarations. How long it takes is the benchmark's matter.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashSet;
use std::path::Path;

use wit_parser::{Resolve, UnresolvedPackageGroup};
use witgate_codegen::catalog::{Server, Tool, parse_tools_list};
use witgate_codegen::dts::declare_server;
use witgate_codegen::model_server;
use witgate_codegen::wit::{RUNTIME, WitOptions, print_server};

const TOOLS: usize = 5_000;

fn tools() -> Vec<Tool> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        // The largest would be most of the work.
        .filter(|path| path.metadata().unwrap().len() < 60_000)
        .collect();
    files.sort();
    let mut real: Vec<Tool> = files
        .iter()
        .filter_map(|path| parse_tools_list(&std::fs::read_to_string(path).unwrap()).ok())
        .flatten()
        .collect();
    if real.is_empty() {
        real.push(Tool {
            name: "made_up".to_string(),
            input_schema: serde_json::json!({"type": "object", "properties": {"kind": {"enum": ["a", "b"]}, "n": {"type": "integer"}}}),
            ..Tool::default()
        });
    }
    real.iter()
        .cycle()
        .take(TOOLS)
        .enumerate()
        .map(|(index, tool)| Tool {
            name: format!("{}_{index}", tool.name),
            ..tool.clone()
        })
        .collect()
}

#[test]
fn five_thousand_tools_have_five_thousand_names() {
    let server = Server {
        tools: tools(),
        ..Server::default()
    };
    let model = model_server("large", &server).unwrap();
    let names: HashSet<&str> = model.tools.iter().map(|tool| tool.wit.as_str()).collect();
    assert_eq!(names.len(), TOOLS);

    let text = print_server(&model, &WitOptions::default());
    let mut resolve = Resolve::default();
    for package in [RUNTIME, &text] {
        let group = UnresolvedPackageGroup::parse("x.wit", package).unwrap();
        resolve.push_group(group).unwrap();
    }
    let views = resolve
        .interfaces
        .iter()
        .filter(|(_, interface)| interface.functions.len() == TOOLS);
    assert_eq!(views.count(), 2);

    let declared = declare_server(&model);
    let functions = declared
        .lines()
        .filter(|line| line.starts_with("  export function "));
    assert_eq!(functions.count(), TOOLS);
}
