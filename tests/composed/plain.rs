//! Components of toolchains that know no async: their imports and their `run` are plain functions, and a call holds the guest's
//! stack until it is done.

use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;
use witgate_host::{Program, RunOptions};

use crate::ground::{ALL, Ground, any, quick};

/// A core module that gives its input to a skill and gives back what comes, or breaks; its memory begins to be given out at
/// 4096, and what the import returns lies at 1024:
/// ```wat
/// (module
///   (import "mcp:skills/json" "echo" (func $echo (param i32 i32 i32)))
///   (memory (export "memory") 2)
///   (global $top (mut i32) (i32.const 4096))
///   (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
///     (local $at i32)
///     (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
///     (global.set $top (i32.add (local.get $at) (local.get 3)))
///     (local.get $at))
///   (func (export "run") (param i32 i32) (result i32)
///     (call $echo (local.get 0) (local.get 1) (i32.const 1024))
///     (if (i32.load8_u (i32.const 1024)) (then unreachable))
///     (i32.const 1024)))
/// ```
const MODULE: &str = "0061736d0100000001150360037f7f7f0060047f7f7f7f017f60027f7f017f0218010f6d63703a736b696c6c732f6a736f6e046563686f0000030302010205030100020607017f014180200b071f03066d656d6f727902000c636162695f7265616c6c6f6300010372756e00020a32021701017f230041076a4178712104200420036a240020040b18002000200141800810004180082d00000440000b4180080b";

const WORLD: &str = "package test:plain;
world plain {
    import mcp:skills/json;
    export run: func(input: string) -> result<string, program-error>;
    record program-error { name: string, message: string, %stack: option<string>, cause: option<tool-error> }
    use witgate:runtime/types@0.1.0.{tool-error};
}
package mcp:skills {
    interface json {
        use witgate:runtime/types@0.1.0.{json, tool-error};
        echo: func(args: json) -> result<json, tool-error>;
    }
}";

fn component() -> Vec<u8> {
    let digits: Vec<u32> = MODULE.chars().filter_map(|c| c.to_digit(16)).collect();
    let bytes = digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8);
    let mut module: Vec<u8> = bytes.collect();
    let mut resolve = Resolve::default();
    let contract = include_str!("../../wit/witgate.wit").replace("async func", "func");
    resolve.push_str("witgate.wit", &contract).unwrap();
    let package = resolve.push_str("world.wit", WORLD).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    let mut encoder = ComponentEncoder::default();
    let encoder = encoder.module(&module).unwrap().validate(true);
    encoder.encode().unwrap()
}

#[tokio::test]
async fn a_plain_component_calls_a_skill_and_is_one() {
    let mut ground = Ground::new(vec![any("echo"), any("plain")]).await;
    ground.skill(
        "echo",
        "import { slowEcho } from 'mcp:demo'; export default async (input) => { await slowEcho({ text: 'x', delay_ms: 20 }); return { ...input, echoed: true }; }",
    );
    let plain = Program::load(&ground.host, &component()).unwrap();
    let prepared = ground.prepare(&plain, ALL, &quick()).unwrap();
    let options = || RunOptions::new(&ground.servers);
    let ended = ground.run(&prepared, json!({ "n": 1 }), options()).await;
    assert_eq!(ended.value(), json!({ "n": 1, "echoed": true }));
    // What is no object is no arguments of anything; it has no way to say so but to break.
    let ended = ground.run(&prepared, json!([1]), options()).await;
    let error = ended.finished.result.unwrap_err();
    assert!(error.to_string().contains("unreachable"), "{error}");

    ground.programs.insert("plain".to_owned(), plain);
    let ended = ground
        .go(
            "import { plain } from 'mcp:skills'; export default () => Promise.all([1, 2, 3].map((n) => plain({ n })))",
            Value::Null,
        )
        .await;
    let echoed = [1, 2, 3].map(|n| json!({ "n": n, "echoed": true }));
    assert_eq!(ended.value(), json!(echoed));
}
