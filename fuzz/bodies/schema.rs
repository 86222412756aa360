//! Bytes -> a list of tools, as text or drawn -> model -> everything that is printed of it. Nothing may panic, every WIT is
//! one that `wit-parser` takes, every Rust text is made of tokens, and the same input gives the same output.

use proc_macro2::TokenStream;
use serde_json::{Value, json};
use wit_parser::{Resolve, UnresolvedPackageGroup};
use witgate_codegen::catalog::{Catalog, Server, Tool, parse_tools_list};
use witgate_codegen::describe::{describe_js, describe_rust};
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::select::{View, find_import, interface_name, program_wit};
use witgate_codegen::wit::{RUNTIME, WitOptions, print_runtime, print_server};
use witgate_codegen::{drift, dts, infer, lock, model_catalog, overrides, report, rust, search};

use crate::draw::Draw;

/// Most tools of one input: what is slow with more is measured elsewhere.
const TOOLS: usize = 20;
/// Longest text of an input that is printed.
const PRINTED: usize = 1 << 20;

/// The target.
pub(crate) fn schema(data: &[u8]) {
    let tools = match std::str::from_utf8(data) {
        Ok(text) if text.trim_start_matches('\u{feff}').starts_with(['{', '[']) => {
            let _ = overrides::parse_overrides(text);
            let _ = lock::parse(text);
            parse_tools_list(text)
        }
        _ => parse_tools_list(&drawn(data)),
    };
    if let Ok(tools) = tools
        && tools.len() <= TOOLS
    {
        server(tools);
    }
}

fn drawn(data: &[u8]) -> String {
    let mut draw = Draw::new(data);
    let tools: Vec<Value> = (0..draw.byte() % 3 + 1).map(|_| draw.tool()).collect();
    json!({ "tools": tools }).to_string()
}

/// Everything that is made of a server.
fn server(tools: Vec<Tool>) {
    let server = Server {
        tools,
        ..Server::default()
    };
    let mut catalog = Catalog::default();
    catalog.servers.insert("fuzz".to_owned(), server);
    let models = match model_catalog(&catalog) {
        Ok(models) => models,
        // Two tools of one name: told, and nothing is made.
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(Ok(&models), model_catalog(&catalog).as_ref());
    let tools = &catalog.servers["fuzz"].tools;
    for model in &models {
        let printed = print(model);
        assert_eq!(printed, print(model));
        read_back(model, &printed);
    }
    let pinned = lock::lock(&catalog, &models);
    let text = serde_json::to_string(&pinned).unwrap_or_default();
    assert_eq!(lock::parse(&text).ok().as_ref(), Some(&pinned));
    assert!(lock::diff(&pinned, &pinned, Some((&catalog, &catalog))).is_empty());
    let index = search::Index::new(&models);
    for tool in tools {
        assert_eq!(drift::judge(tool, tool), None);
        let _ = index.search(&tool.name);
        // A schema is a value too: what is inferred of it must be one that is modelled.
        let inferred = infer::infer([&tool.input_schema]);
        assert!(inferred.is_object() || inferred.is_boolean());
    }
    if let [first, second, ..] = &tools[..] {
        let _ = drift::judge(first, second);
        let _ = drift::still_fits(first, second);
        let _ = drift::differences(first, second);
    }
}

/// The texts of one server.
#[derive(Debug, PartialEq)]
struct Printed {
    wit: String,
    sync: String,
    declarations: String,
    rust: String,
    bindings: String,
    report: String,
    /// In TypeScript, and in Rust.
    described: [String; 2],
}

fn print(model: &ServerModel) -> Printed {
    let every: Vec<&ToolModel> = model.tools.iter().collect();
    let described = [describe_js(model, &every), describe_rust(model, &every)];
    Printed {
        described,
        wit: print_server(model, &WitOptions::default()),
        sync: print_server(model, &SYNC),
        declarations: dts::declare_server(model),
        rust: rust::declarations(model, None),
        bindings: rust::bindings(&[(model, every)]),
        report: format!("{:?}", report::report(model)),
    }
}

const SYNC: WitOptions = WitOptions {
    sync: true,
    docs: true,
};

/// Holds the texts against their readers.
fn read_back(model: &ServerModel, printed: &Printed) {
    let resolved = resolve(&[RUNTIME, &printed.wit]);
    resolve(&[&print_runtime(&SYNC), &printed.sync]);
    let every: Vec<&ToolModel> = model.tools.iter().collect();
    let models = std::slice::from_ref(model);
    for view in [View::Typed, View::Json] {
        let program = program_wit(&[(model, every.clone())], view);
        let packages: Vec<&str> = program.packages.iter().map(String::as_str).collect();
        resolve(&packages);
        let name = interface_name(model, view);
        let interfaces = &resolved.interfaces;
        let is = |id| resolved.id_of(id).as_deref() == Some(&name);
        let interface = interfaces.iter().find(|(id, _)| is(*id));
        let functions = interface.map(|(_, interface)| &interface.functions);
        for tool in &model.tools {
            assert!(functions.is_some_and(|known| known.contains_key(&tool.wit)));
            let found = find_import(models, &name, &tool.wit);
            assert!(found.is_ok_and(|import| import.tool.tool == tool.tool));
        }
    }
    let declared = &printed.declarations;
    assert!(is_closed(declared), "{declared}");
    for text in [&printed.rust, &printed.bindings, &printed.described[1]] {
        if text.len() <= PRINTED
            && let Err(error) = text.parse::<TokenStream>()
        {
            panic!("{error}\n{text}");
        }
    }
}

/// Reads the packages in order, as any WIT tool does.
fn resolve(packages: &[&str]) -> Resolve {
    let mut resolve = Resolve::default();
    for text in packages {
        let group = UnresolvedPackageGroup::parse("fuzz.wit", text)
            .unwrap_or_else(|(_, error)| panic!("{error:?}\n{text}"));
        if let Err(error) = resolve.push_group(group) {
            panic!("{error:?}\n{text}");
        }
    }
    resolve
}

/// Whether every comment, string and bracket of a TypeScript text is closed where it has to be.
fn is_closed(text: &str) -> bool {
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            let Some((_, after)) = comment.split_once("*/") else {
                return false;
            };
            rest = after;
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match letter {
            '"' => {
                let mut escaped = false;
                let end = rest.find(|c: char| {
                    let end = !escaped && matches!(c, '"' | '\n' | '\r');
                    escaped = c == '\\' && !escaped;
                    end
                });
                match end.map(|end| rest.split_at(end)) {
                    Some((_, after)) if after.starts_with('"') => rest = &after[1..],
                    _ => return false,
                }
            }
            '{' | '[' | '(' => open.push(letter),
            '}' | ']' | ')' => {
                let opened = open.pop();
                let fits = matches!(
                    (opened, letter),
                    (Some('{'), '}') | (Some('['), ']') | (Some('('), ')')
                );
                if !fits {
                    return false;
                }
            }
            // A comment is taken whole, so this ends none that was begun.
            '*' if rest.starts_with('/') => return false,
            _ => {}
        }
    }
    open.is_empty()
}
