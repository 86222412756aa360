//! What `witgate gen` writes, read by the tools of others: all of WIT by `wasm-tools`, all declarations by `tsc`, each in one
//! call over every server, and nothing may be missing in what they read.

use std::fmt::Write as _;

use serde_json::{Value, json};
use witgate_codegen::dts::js_names;
use witgate_codegen::names::is_js_identifier;
use witgate_tests::{Stand, corpus, servers, workspace};

use crate::{generate, model, run, skip};

#[test]
fn wasm_tools_accepts_every_wit() {
    let Some(files) = corpus::files() else { return };
    let Some(wasm_tools) = servers::wasm_tools().or_else(skip) else {
        return;
    };
    let stand = Stand::new().unwrap();
    for (name, options) in [("async", &[][..]), ("sync", &["--sync"])] {
        generate(&stand, &files, name, options);
        // One world that imports both views of every server, beside the packages as they were written.
        let all = format!("{name}-all");
        let mut world = String::from(
            "package app:all;\n\nworld all {\n    include witgate:runtime/program@0.1.0;\n",
        );
        for file in &files {
            let server = corpus::name(file);
            let packages = stand.folder().join(name).join(&server).join("wit/deps");
            for package in std::fs::read_dir(packages).unwrap() {
                let package = package.unwrap();
                let to = stand
                    .folder()
                    .join(&all)
                    .join("deps")
                    .join(package.file_name());
                std::fs::create_dir_all(&to).unwrap();
                for part in std::fs::read_dir(package.path()).unwrap() {
                    let part = part.unwrap();
                    std::fs::copy(part.path(), to.join(part.file_name())).unwrap();
                }
            }
            let package = model(file).package;
            writeln!(
                world,
                "    import mcp:%{package}/tools;\n    import mcp:%{package}/json;"
            )
            .unwrap();
        }
        stand
            .write(&format!("{all}/world.wit"), world + "}\n")
            .unwrap();
        let read = |options: &[&str]| {
            let command = stand
                .command(&wasm_tools)
                .args(["component", "wit", &all])
                .args(options)
                .output();
            let output = command.unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            output.stdout
        };
        // As a binary they are validated too.
        read(&["--wasm", "-o", "all.wasm"]);
        let resolved: Value = serde_json::from_slice(&read(&["--json"])).unwrap();
        let mut tools = 0;
        for file in &files {
            let model = model(file);
            tools += model.tools.len();
            let package = json!(format!("mcp:{}", model.package));
            let packages = resolved["packages"].as_array().unwrap();
            let found = packages.iter().find(|found| found["name"] == package);
            let interfaces = &found.unwrap_or_else(|| panic!("no {package}"))["interfaces"];
            let wanted: Vec<&str> = model.tools.iter().map(|tool| tool.wit.as_str()).collect();
            for view in ["tools", "json"] {
                let index = interfaces[view].as_u64().unwrap() as usize;
                let functions = resolved["interfaces"][index]["functions"]
                    .as_object()
                    .unwrap();
                let found: Vec<&str> = functions.keys().map(String::as_str).collect();
                assert_eq!(found, wanted, "{package}/{view}");
            }
        }
        assert_eq!(tools, 2248);
    }
}

#[test]
fn tsc_accepts_every_declaration() {
    let Some(files) = corpus::files() else { return };
    let Some(tsc) = servers::tsc().or_else(skip) else {
        return;
    };
    let stand = Stand::new().unwrap();
    generate(&stand, &files, "gen", &[]);
    // A program that names every tool by each of its names: declarations that merely parse would be accepted too.
    let mut program = String::from("type Tool = (args: never) => Promise<unknown>;\n");
    for (index, file) in files.iter().enumerate() {
        let model = model(file);
        writeln!(
            program,
            "import * as s{index} from \"mcp:{}\";",
            model.package
        )
        .unwrap();
        writeln!(program, "export const tools{index}: Tool[] = [").unwrap();
        for name in model.tools.iter().flat_map(|tool| js_names(&model, tool)) {
            if is_js_identifier(&name) {
                writeln!(program, "  s{index}.{name},").unwrap();
            }
        }
        program.push_str("];\n");
    }
    stand.write("every.ts", &program).unwrap();
    let ambient = workspace::root().join("guest-sdk/js/witgate.d.ts");
    let check = |name: &str, program: &str| {
        let configuration = json!({
            "compilerOptions": {"strict": true, "noEmit": true, "skipLibCheck": false, "target": "es2023", "lib": ["es2023"],
                "module": "esnext", "moduleResolution": "bundler", "types": []},
            "include": ["gen/*/js/*.d.ts"],
            "files": [program, &ambient],
        });
        stand.write(name, configuration.to_string()).unwrap();
        run(&stand, &tsc, &["--project", name])
    };
    let (accepted, told) = check("every.json", "every.ts");
    assert!(accepted, "{told}");
    // It did look.
    let wrong = "import { getUser } from \"mcp:no-such-server\";\nimport { airbnbSearch } from \"mcp:airbnb\";\n\
                 export default [getUser, airbnbSearch({ location: 5 })];\n";
    stand.write("wrong.ts", wrong).unwrap();
    let (accepted, told) = check("wrong.json", "wrong.ts");
    assert!(
        !accepted && told.contains("TS2307") && told.contains("TS2322"),
        "{told}"
    );
}
