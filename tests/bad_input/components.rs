//! Files that are no component, and components that ask for what no program can have.

use witgate_tests::components;

use crate::{Expected, demo, fails};

fn module(world: &str) -> Vec<u8> {
    components::module(world).unwrap()
}

fn component(world: &str) -> Vec<u8> {
    components::component(world).unwrap()
}

fn refused(message: &'static [&'static str]) -> Expected<'static> {
    Expected {
        code: 3,
        kind: "refused",
        message,
        ..Expected::default()
    }
}

#[test]
fn a_file_that_is_no_component() {
    for (bytes, what) in [
        (&b"hello"[..], "it does not start as WebAssembly does"),
        (b"", "it does not start as WebAssembly does"),
        (b"\0asm\x01\0\0\0", "it is a core module"),
        (b"\0asm\x0d\0\x01\0\x07\xff", "the component is not valid"),
        (b"\0asm\x0d\0\x01\0", "does not export `run"),
    ] {
        let stand = demo();
        stand.write("program.wasm", bytes).unwrap();
        let expected = Expected {
            code: 1,
            kind: "program",
            message: &[what],
            hint: &["uild"],
            at: "",
        };
        fails(&stand, &["run", "program.wasm"], &expected);
        fails(&stand, &["check", "program.wasm"], &expected);
    }
}

#[test]
fn a_component_that_imports_something_unknown() {
    let bytes = component(
        "package test:greedy;
        world greedy {
            include witgate:runtime/program@0.1.0;
            import wasi:cli/environment@0.2.0;
            import mcp:demo/json;
            import mcp:nowhere/tools;
            import run-shell: func(command: string) -> string;
        }
        package wasi:cli@0.2.0 { interface environment { get-arguments: func() -> list<string>; } }
        package mcp:demo { interface json { launch: async func(args: string) -> string; } }
        package mcp:nowhere { interface tools { launch: async func(args: string) -> string; } }",
    );
    let stand = demo();
    stand.write("program.wasm", bytes).unwrap();
    let expected = refused(&[
        "4 reasons",
        "wasi:cli/environment@0.2.0",
        "mcp:demo/json#launch",
        "mcp:nowhere",
        "run-shell",
    ]);
    fails(
        &stand,
        &["run", "program.wasm", "--allow", "*/*"],
        &expected,
    );
    assert_eq!(stand.read("arrived"), "");
}

#[test]
fn a_component_that_was_built_against_another_definition() {
    let bytes = component(
        "package test:stale;
        world stale {
            include witgate:runtime/program@0.1.0;
            import mcp:demo/tools;
        }
        package mcp:demo { interface tools { get-issue: async func(number: u8) -> result<string>; } }",
    );
    let stand = demo();
    stand.write("program.wasm", bytes).unwrap();
    let expected = refused(&["demo/get_issue", "its type is not the one of this catalog"]);
    fails(
        &stand,
        &["run", "program.wasm", "--allow", "*/*"],
        &expected,
    );
}

#[test]
fn a_component_whose_run_is_another() {
    let bytes =
        component("package test:other; world other { export run: func(input: u32) -> u32; }");
    let stand = demo();
    stand.write("program.wasm", bytes).unwrap();
    let expected = Expected {
        code: 1,
        kind: "program",
        message: &["does not export `run: async func(input: json)"],
        hint: &["witgate:runtime/program"],
        at: "",
    };
    fails(&stand, &["run", "program.wasm"], &expected);
}

#[test]
fn a_component_that_traps() {
    // The dummy's functions are `unreachable`.
    let bytes =
        component("package test:traps; world traps { include witgate:runtime/program@0.1.0; }");
    let stand = demo();
    stand.write("program.wasm", bytes).unwrap();
    let expected = Expected {
        code: 1,
        kind: "program",
        message: &["the program broke", "unreachable"],
        ..Expected::default()
    };
    fails(&stand, &["run", "program.wasm"], &expected);
}

#[test]
fn what_a_component_says_it_was_built_against_is_read_strictly() {
    let sound =
        component("package test:says; world says { include witgate:runtime/program@0.1.0; }");
    let hash = "0".repeat(64);
    let entry = format!(
        r#"{{"interface":"mcp:demo/json","function":"f","tool":"f","definition":"{hash}","shape":"{hash}"}}"#
    );
    let says = |tools: &str| format!(r#"{{"version":1,"tools":[{tools}]}}"#);
    let none = says("");
    for (sections, what) in [
        (vec!["{"], "it is damaged"),
        (
            vec![r#"{"version":1,"tools":[],"more":1}"#],
            "unknown field `more`",
        ),
        (vec![r#"{"version":7,"tools":[]}"#], "its version is 7"),
        (vec![&none, &none], "it is there twice"),
        (
            vec![&says(&format!("{entry},{entry}"))],
            "the entry 1 is of an import",
        ),
        (
            vec![&says(&entry.replace(&hash, "no"))],
            "the entry 0 has a hash",
        ),
        (vec![&" ".repeat((1 << 20) + 1)], "at most 1048576 are read"),
    ] {
        let mut bytes = sound.clone();
        for section in sections {
            append(&mut bytes, section.as_bytes());
        }
        let stand = demo();
        stand.write("program.wasm", bytes).unwrap();
        let expected = Expected {
            code: 1,
            kind: "program",
            message: &["the section `witgate:catalog`", what],
            hint: &["build it again"],
            at: "",
        };
        fails(&stand, &["check", "program.wasm"], &expected);
    }
}

#[test]
fn a_component_that_says_nothing_of_a_tool_it_imports_is_refused() {
    let mut bytes = component(
        "package test:omits;
        world omits { include witgate:runtime/program@0.1.0; import mcp:demo/json; }
        package mcp:demo { interface json {
            use witgate:runtime/types@0.1.0.{json, tool-error};
            get-issue: async func(args: json) -> result<json, tool-error>;
        } }",
    );
    let stand = demo();
    stand.write("silent.wasm", &bytes).unwrap();
    let run = |name| stand.run(&["check", name, "--allow", "*/*"]).unwrap();
    assert_eq!(
        run("silent.wasm").code,
        Some(0),
        "{:#?}",
        run("silent.wasm")
    );
    append(&mut bytes, br#"{"version":1,"tools":[]}"#);
    stand.write("program.wasm", bytes).unwrap();
    let arguments = ["run", "program.wasm", "--allow", "*/*"];
    let expected = refused(&["demo/get_issue", "does not say against which definition"]);
    fails(&stand, &arguments, &expected);
    // Whoever has the component may pin it to the definitions that it fits.
    let pinned = stand.run(&["build", "program.wasm", "-o", "pinned.wasm"]);
    assert_eq!(pinned.unwrap().code, Some(0));
    assert_eq!(run("pinned.wasm").code, Some(0));
}

/// Appends a section `witgate:catalog`.
fn append(component: &mut Vec<u8>, data: &[u8]) {
    const NAME: &[u8] = b"witgate:catalog";
    let mut size = NAME.len() + 1 + data.len();
    component.push(0);
    loop {
        let byte = (size & 0x7f) as u8;
        size >>= 7;
        component.push(if size > 0 { byte | 0x80 } else { byte });
        if size == 0 {
            break;
        }
    }
    component.push(NAME.len() as u8);
    component.extend(NAME);
    component.extend(data);
}

#[test]
fn a_core_module_that_cannot_be_made_a_component() {
    let greedy = module(
        "package test:greedy;
        world greedy {
            include witgate:runtime/program@0.1.0;
            import mcp:demo/json;
        }
        package mcp:demo { interface json { launch: func(args: string) -> string; } }",
    );
    let other = module("package test:other; world other { export run: func(input: u32) -> u32; }");
    for (bytes, message, hint, at) in [
        (
            b"\0asm\x01\0\0\0".to_vec(),
            "does not say which interfaces",
            "witgate gen",
            "",
        ),
        (
            b"\0asm\x01\0\0\0\x07\xff".to_vec(),
            "the module is not valid",
            "build it again",
            "",
        ),
        (
            greedy,
            "the module imports `mcp:demo/json#launch`",
            "witgate gen",
            "mcp:demo/json#launch",
        ),
        (other, "does not export `run", "witgate:runtime/program", ""),
    ] {
        let stand = demo();
        stand.write("module.wasm", bytes).unwrap();
        let expected = Expected {
            code: 1,
            kind: "program",
            message: &[message],
            hint: &[hint],
            at,
        };
        fails(
            &stand,
            &["build", "module.wasm", "-o", "out.wasm"],
            &expected,
        );
        assert!(!stand.folder().join("out.wasm").exists());
    }
}
