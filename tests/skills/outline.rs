//! What the host reads off a component without compiling it is what is in its import section, and no bytes break it.

use witgate_host::outline::outline;
use witgate_tests::components;

fn component(world: &str) -> Vec<u8> {
    components::component(world).unwrap()
}

fn greedy() -> Vec<u8> {
    component(
        "package test:greedy;
        world greedy {
            include witgate:runtime/program@0.1.0;
            import mcp:demo/json;
            import mcp:demo/tools;
            import wasi:io/streams;
            import run-shell: func(command: string) -> string;
        }
        package mcp:demo { interface json { type json = string; list-issues: async func(args: json) -> string; drop-all: async func(); }
            interface tools { record args { a: string } list-issues: async func(args: args) -> string; } }
        package wasi:io { interface streams { resource pipe; open: func() -> pipe; } }",
    )
}

#[test]
fn all_that_a_component_imports_by_name() {
    let outlined = outline(&greedy()).unwrap();
    let functions = |name: &str| {
        let import = outlined.imports.iter().find(|import| import.name == name);
        import.map(|import| (import.functions.clone(), import.is_interface))
    };
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        functions("mcp:demo/json"),
        Some((words(&["list-issues", "drop-all"]), true))
    );
    assert_eq!(
        functions("mcp:demo/tools"),
        Some((words(&["list-issues"]), true))
    );
    assert!(
        functions("wasi:io/streams")
            .unwrap()
            .0
            .contains(&"open".to_owned())
    );
    assert_eq!(functions("run-shell"), Some((Vec::new(), false)));
    assert!(outlined.exports.contains(&"run".to_owned()), "{outlined:?}");
}

#[test]
fn no_bytes_break_it() {
    let sound = greedy();
    let whole = outline(&sound).unwrap().exports;
    assert!(outline(b"").is_err() && outline(b"\0asm\x01\0\0\0").is_err());
    assert!(
        outline(&vec![0; (16 << 20) + 1])
            .unwrap_err()
            .to_string()
            .contains("at most 16777216")
    );
    for cut in (0..sound.len()).step_by(7) {
        // Cut between two sections it is a component still, of less.
        let exports = outline(&sound[..cut]).map(|outlined| outlined.exports);
        assert!(
            exports
                .unwrap_or_default()
                .iter()
                .all(|export| whole.contains(export)),
            "{cut}"
        );
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[cut] = byte;
            let _ = outline(&bytes);
        }
    }
}
