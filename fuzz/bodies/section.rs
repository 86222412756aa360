//! Bytes -> the sections of ours in a component, and their content. Nothing may panic, nothing is compiled; what is taken
//! out is gone, what is left is the component as it was.

use std::fmt::Write as _;

use witgate_codegen::built;
use witgate_host::Script;
use witgate_host::sections::{SCRIPT_SECTION, built_against, without_built};

/// A component with nothing in it.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

/// The target: a component, or what stands in a section of ours.
pub(crate) fn section(data: &[u8]) {
    if data.starts_with(b"\0asm") {
        component(data);
        return;
    }
    if let Ok(built) = built::parse(data) {
        assert_eq!(built::parse(&built.to_json()).ok().as_ref(), Some(&built));
        for tool in &built.tools {
            assert_eq!(built.get(&tool.interface, &tool.function), Some(tool));
        }
    }
    if let Ok(script) = serde_json::from_slice::<Script>(data) {
        stacks(&script);
    }
    let mut bytes = EMPTY.to_vec();
    custom(built::SECTION, data, &mut bytes);
    component(&bytes);
    let mut both = EMPTY.to_vec();
    custom(SCRIPT_SECTION, data, &mut both);
    both.extend_from_slice(bytes.get(EMPTY.len()..).unwrap_or_default());
    component(&both);
}

fn component(bytes: &[u8]) {
    let built = built_against(bytes);
    let Ok(rest) = without_built(bytes) else {
        assert!(built.is_err(), "cannot be cut, but is read");
        return;
    };
    assert!(rest.len() <= bytes.len());
    match built {
        Ok(built) => {
            assert_eq!(built.is_none(), rest == bytes);
            assert!(matches!(built_against(&rest), Ok(None)));
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
    }
    assert!(without_built(&rest).is_ok_and(|again| again == rest));
}

/// Places in a stack as the engine writes it, around those that the script names.
fn stacks(script: &Script) {
    let mut stack = String::from("    at f (native)\n    at x (componentize-qjs:user.js:0:0)\n");
    for [line, column, ..] in script.positions.iter().take(20) {
        for (line, column) in [
            (*line, *column),
            (line.wrapping_add(1), column.wrapping_add(1)),
        ] {
            let _ = writeln!(stack, "    at g (componentize-qjs:user.js:{line}:{column})");
            let _ = writeln!(stack, "    at componentize-qjs:user.js:{line}:4294967295");
        }
    }
    let _ = script.locate_stack(&stack);
    let _ = script.locate_stack(&script.source);
}

fn custom(name: &str, data: &[u8], out: &mut Vec<u8>) {
    out.push(0);
    size(1 + name.len() + data.len(), out);
    size(name.len(), out);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(data);
}

fn size(mut n: usize, out: &mut Vec<u8>) {
    while n > 0x7f {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}
