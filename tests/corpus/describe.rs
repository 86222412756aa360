//! The short declarations of every tool of the corpus: none fails, `tsc` reads the TypeScript, and they are short. That the
//! names of the Rust form are those of the crate is seen in `rust_views`.

use std::fmt::Write as _;

use serde_json::json;
use witgate_codegen::describe::{describe_js, describe_rust};
use witgate_codegen::model::ToolModel;
use witgate_codegen::{dts, rust};
use witgate_tests::{Stand, corpus, servers};

use crate::{model, run, skip};

#[test]
fn every_tool_is_described_shortly() {
    let Some(files) = corpus::files() else { return };
    let (mut tools, mut long, mut short) = (0, [0; 2], [0; 2]);
    for file in &files {
        let model = model(file);
        for tool in &model.tools {
            let described = [describe_js(&model, &[tool]), describe_rust(&model, &[tool])];
            let declared = [
                dts::declare_tools(&model, &[tool]),
                rust::declarations(&model, Some(&[&tool.tool])),
            ];
            for (index, text) in described.iter().enumerate() {
                let again = [describe_js, describe_rust][index](&model, &[tool]);
                assert_eq!(*text, again);
                let names = match index {
                    // A reserved word is imported under another name.
                    0 => dts::js_names(&model, tool)
                        .iter()
                        .flat_map(|name| [format!("\n{name}("), format!("\n{name}_(")])
                        .collect(),
                    _ => vec![format!("\nasync fn {}(", rust::function_name(tool))],
                };
                assert!(names.iter().any(|name| text.contains(name)), "{text}");
                short[index] += text.len();
                long[index] += declared[index].len();
            }
            tools += 1;
        }
    }
    assert_eq!(tools, 2248);
    for (index, language) in ["TypeScript", "Rust"].into_iter().enumerate() {
        let (short, long) = (short[index], long[index]);
        eprintln!(
            "{language}: {} characters a tool, {long} in the long form",
            short / tools
        );
        assert!(short * 2 < long, "{language}: {short} of {long}");
    }
}

#[test]
fn tsc_accepts_every_description() {
    let Some(files) = corpus::files() else { return };
    let Some(tsc) = servers::tsc().or_else(skip) else {
        return;
    };
    let stand = Stand::new().unwrap();
    let mut program = String::new();
    for (index, file) in files.iter().enumerate() {
        let model = model(file);
        let tools: Vec<&ToolModel> = model.tools.iter().collect();
        writeln!(program, "namespace s{index} {{").unwrap();
        let text = describe_js(&model, &tools);
        let (imported, declared) = text.split_once('\n').unwrap();
        assert!(imported.starts_with("import { "), "{imported}");
        for line in declared.lines() {
            // A signature is no statement: it begins where a line begins with a name and a bracket.
            let name = line.split_once('(').map(|(name, _)| name);
            let is_signature = name.is_some_and(witgate_codegen::names::is_js_identifier);
            let keyword = if is_signature {
                "export declare function "
            } else {
                ""
            };
            writeln!(program, "{keyword}{line}").unwrap();
        }
        program.push_str("}\n");
    }
    // It did look: a call with a wrong argument is found, a right one is not.
    let airbnb = files.iter().position(|file| corpus::name(file) == "airbnb");
    let airbnb = airbnb.unwrap();
    let right =
        format!("{program}export default [s{airbnb}.airbnbSearch({{ location: \"Oslo\" }})];\n");
    let wrong = format!("{program}export default [s{airbnb}.airbnbSearch({{ location: 5 }})];\n");
    for (name, text, fits) in [("right", right, true), ("wrong", wrong, false)] {
        stand.write(&format!("{name}.ts"), text).unwrap();
        let configuration = json!({
            "compilerOptions": {"strict": true, "noEmit": true, "target": "es2023", "lib": ["es2023"], "module": "esnext",
                "moduleResolution": "bundler", "types": []},
            "files": [format!("{name}.ts")],
        });
        let file = format!("{name}.json");
        stand.write(&file, configuration.to_string()).unwrap();
        let (accepted, told) = run(&stand, &tsc, &["--project", &file]);
        assert_eq!(accepted, fits, "{told}");
        assert_eq!(
            told.matches("error TS").count(),
            usize::from(!fits),
            "{told}"
        );
    }
}
