//! Credentials of a server, in its environment, its headers and its address: none of them is anywhere but where the
//! configuration sends it. A guest looks through all of its memory, and all that a run writes is looked through.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use witgate_builder::toolchain::Toolchain;
use witgate_tests::process::Output;
use witgate_tests::{Stand, workspace};

const SECRETS: [&str; 4] = [
    "hunter2-in-the-environment",
    "hunter2-in-a-header",
    "hunter2-in-the-address",
    "hunter2-in-an-argument",
];

/// A stand whose server `suite` is given secrets, and what it does.
fn stand(behaviour: &str) -> Stand {
    let mut stand = Stand::new().unwrap();
    stand.set("PLANTED", SECRETS[0]);
    stand.set("PLANTED_ARGUMENT", SECRETS[3]);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("permissions/suite_server.py");
    let (command, script) = match behaviour {
        "" => ("python3", None),
        text => ("python3", Some(text)),
    };
    let listed = json!({ "tools": [
        { "name": "ping", "inputSchema": { "type": "object", "properties": {} } },
        { "name": "write_note", "inputSchema": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] } },
    ] });
    stand.write("tools.json", listed.to_string()).unwrap();
    let args = match script {
        None => json!([own, "tools.json", "calls.jsonl", "${PLANTED_ARGUMENT}"]),
        Some(text) => {
            stand.write("behaviour.py", text).unwrap();
            json!([
                "behaviour.py",
                own,
                "tools.json",
                "calls.jsonl",
                "${PLANTED_ARGUMENT}"
            ])
        }
    };
    let config = json!({ "mcpServers": { "suite": { "command": command, "args": args, "env": { "TOKEN": "${PLANTED}" } } } });
    stand.write(".mcp.json", config.to_string()).unwrap();
    stand
}

/// Everything that a command wrote: what it said, and every file of the stand but those that the test wrote.
fn written(stand: &Stand, output: &Output) -> String {
    let mut text = format!("{}\n{}", output.stdout, output.stderr);
    let mut folders = vec![stand.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_none_or(|name| name != "behaviour.py") {
                text += &String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default());
            }
        }
    }
    text
}

fn assert_clean(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} stands in:\n{text}");
    }
}

/// Whether a secret was where it belongs, so that the search looks for the right thing.
const SEES: &str = "import os, sys, runpy\n\
    assert os.environ['TOKEN'].startswith('hunter2-in-the-env'), 'not planted'\n\
    assert sys.argv[-1].startswith('hunter2-in-an-arg'), 'not planted'\n";

/// The program looks for what follows `hunter2`, which it puts together when it runs.
const SCANS: &str = r#"
//! Looks through all of its memory.

use mcp::suite::{WriteNoteArgs, ping, write_note};
use witgate_guest::prelude::*;

async fn run(input: Value) -> Result<Value> {
    let _ = ping().await?;
    let failed = write_note(WriteNoteArgs { text: "x".into() }).await;
    println!("{failed:?}");
    // No text of the program holds the pattern, and none is made of it: each byte is taken apart.
    let pattern: Vec<u8> = [0x2a_u8, 0x37, 0x2c, 0x36, 0x27, 0x30, 0x70, 0x6f].iter().map(|b| b ^ 0x42).collect();
    let own = pattern.as_ptr() as usize;
    let pages = core::arch::wasm32::memory_size(0);
    let end = pages * 65536;
    let mut found = Vec::new();
    let mut at = 1024;
    while at + 40 < end {
        // SAFETY: within the memory, which only this reads now.
        let same = (0..8).all(|i| unsafe { core::ptr::read_volatile((at + i) as *const u8) } == pattern[i]);
        if same && at != own {
            let text: String = (0..40).map(|i| unsafe { core::ptr::read_volatile((at + i) as *const u8) } as char).collect();
            found.push(text);
        }
        at += 1;
    }
    let planted = input.as_str().unwrap_or_default().len();
    Ok(json!({ "found": found, "pages": pages, "planted": planted }))
}
program!(run);
"#;

#[test]
fn a_guest_that_looks_through_its_whole_memory_finds_no_secret() {
    if let Err(missing) = Toolchain::find(&workspace::cache()) {
        assert!(!workspace::nothing_may_be_skipped(), "{missing}");
        eprintln!("skipped: {missing}");
        return;
    }
    let stand = stand(&format!(
        "{SEES}sys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
    ));
    stand.write("scans.rs", SCANS.trim_start()).unwrap();
    let run = |input: &str| {
        let output = stand
            .run(&[
                "run", "scans.rs", "--allow", "suite/*", "--record", "--input", input,
            ])
            .unwrap();
        assert_eq!(output.code, Some(0), "{output:#?}");
        let value: Value = serde_json::from_str(&output.stdout).unwrap();
        (value, output)
    };
    let (value, output) = run("null");
    assert_eq!(value["found"], json!([]), "{output:#?}");
    assert!(value["pages"].as_u64().unwrap() > 1);
    assert_clean(&written(&stand, &output));
    assert!(stand.read("calls.jsonl").contains("write_note"));
    // What does stand there is found.
    let (value, _) = run("\"hunter2-given-by-the-test-itself-as-its-input\"");
    assert!(!value["found"].as_array().unwrap().is_empty(), "{value}");
}

const CALLS: &str = "import { ping, writeNote } from \"mcp:suite\";\n\
    export default async function (input) {\n\
      console.log(JSON.stringify(Object.keys(globalThis)));\n\
      const ends = [];\n\
      for (const call of [() => ping(), () => writeNote({ text: 'x' }), () => writeNote({ text: 1 })])\n\
        try { ends.push(await call()); } catch (error) { ends.push([error.message, error.detail, error.stack]); console.log(error); }\n\
      return ends;\n\
    }\n";

const LISTS: &str = "import json\n\
    def answer(m, result): print(json.dumps({'jsonrpc': '2.0', 'id': m['id'], **result}), flush=True)\n\
    tools = json.load(open(sys.argv[2]))['tools']\n\
    secrets = os.environ['TOKEN'] + ' ' + sys.argv[-1]\n\
    for line in sys.stdin:\n\
    \x20 m = json.loads(line)\n\
    \x20 if 'id' not in m: continue\n\
    \x20 if m['method'] == 'initialize': answer(m, {'result': {'protocolVersion': '2025-11-25', 'capabilities': {'tools': {}}, 'serverInfo': {'name': 's', 'version': '1'}}})\n\
    \x20 elif m['method'] == 'tools/list': answer(m, {'result': {'tools': tools}})\n\
    \x20 elif m['method'] != 'tools/call': answer(m, {'error': {'code': -32601, 'message': 'no'}})\n\
    \x20 else:\n";

#[test]
fn a_server_that_fails_spills_no_secret() {
    let on_call = |what: &str| format!("{SEES}{LISTS}    {what}\n");
    for (behaviour, ends) in [
        (
            format!(
                "{SEES}print(os.environ['TOKEN'], sys.argv[-1]); print(os.environ['TOKEN'], sys.argv, file=sys.stderr); sys.exit(3)\n"
            ),
            false,
        ),
        (
            format!(
                "{SEES}sys.stderr.write(os.environ['TOKEN'][:20]); sys.stderr.flush(); sys.stderr.write(os.environ['TOKEN'][20:] + '\\n'); sys.exit(1)\n"
            ),
            false,
        ),
        (
            format!(
                "{SEES}print('{{\"' + os.environ['TOKEN'] + '\": ' + sys.argv[-1], flush=True)\n"
            ),
            false,
        ),
        (
            on_call("sys.stderr.write(secrets + '\\n'); sys.exit(7)"),
            true,
        ),
        (on_call("print(secrets, flush=True); sys.exit(0)"), true),
        (
            on_call("print('{\"jsonrpc\": \"2.0\", \"' + secrets, flush=True); sys.exit(1)"),
            true,
        ),
        (
            on_call(
                "answer(m, {'error': {'code': -32000, 'message': 'bad token ' + secrets, 'data': secrets}})",
            ),
            true,
        ),
        (
            on_call(
                "answer(m, {'result': {'isError': True, 'content': [{'type': 'text', 'text': 'bad token ' + secrets}]}})",
            ),
            true,
        ),
    ] {
        let stand = stand(&behaviour);
        stand.write("calls.js", CALLS).unwrap();
        for json in [&[][..], &["--json"]] {
            let arguments: Vec<&str> = [
                "run",
                "calls.js",
                "--allow",
                "suite/*",
                "--record",
                "--max-time",
                "20",
            ]
            .iter()
            .chain(json)
            .copied()
            .collect();
            let output = stand.run(&arguments).unwrap();
            assert_eq!(output.code == Some(0), ends, "{behaviour}\n{output:#?}");
            assert!(!output.stderr.contains("not planted"), "{output:#?}");
            assert_clean(&written(&stand, &output));
        }
        for command in [
            &["sync"][..],
            &["tools"],
            &["check", "calls.js", "--allow", "suite/*"],
        ] {
            let output = stand.run(command).unwrap();
            assert_clean(&written(&stand, &output));
        }
    }
}

#[test]
fn a_question_to_a_person_holds_no_secret() {
    let mut stand = stand("");
    let state = stand.folder().join("state");
    stand.set("WITGATE_STATE", state.to_str().unwrap());
    stand.write("calls.js", CALLS).unwrap();
    stand.write("grants.toml", "[[grant]]\nserver = 'suite'\ntools = ['*']\napprove = 'batch'\n[approvals]\ntimeout = '3s'\n").unwrap();
    let running = stand
        .start(&[
            "run",
            "calls.js",
            "--grants",
            "grants.toml",
            "--ask",
            "queue",
        ])
        .unwrap();
    let mut asked = String::new();
    while asked.is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let listed = stand.run(&["approvals", "list", "--json"]).unwrap();
        if listed.stdout.contains("waiting") {
            asked = written(&stand, &listed);
        }
    }
    assert_clean(&asked);
    let output = running.finish().unwrap();
    assert_clean(&written(&stand, &output));
}

/// A server over HTTP that answers every request with this, and keeps what it was sent.
fn http(answer: &'static str) -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(String::new()));
    let hears = Arc::clone(&heard);
    // Ends with the test process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut bytes = [0; 16 << 10];
            let read = stream.read(&mut bytes).unwrap_or(0);
            hears
                .lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&bytes[..read]));
            let body = "hunter2-in-a-header hunter2-in-the-address";
            let answer = answer
                .replace("BODY", body)
                .replace("LENGTH", &body.len().to_string());
            // Whoever asked may be gone.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, heard)
}

#[test]
fn a_header_and_an_address_are_sent_and_told_to_nobody() {
    for answer in [
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"BODY\"\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\nBODY",
        "HTTP/1.1 500 BODY\r\nContent-Type: text/plain\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\nBODY",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\nBODY",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/BODY\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "BODY",
    ] {
        let (port, heard) = http(answer);
        let mut stand = Stand::new().unwrap();
        stand.set("PLANTED_HEADER", SECRETS[1]);
        stand.set("PLANTED_ADDRESS", SECRETS[2]);
        let url =
            format!("http://127.0.0.1:{port}/mcp/${{PLANTED_ADDRESS}}?key=${{PLANTED_ADDRESS}}");
        let config = json!({ "mcpServers": { "suite": { "type": "http", "url": url, "headers": { "Authorization": "Bearer ${PLANTED_HEADER}" } } } });
        stand.write(".mcp.json", config.to_string()).unwrap();
        stand.write("calls.js", CALLS).unwrap();
        for command in [
            &["run", "calls.js", "--allow", "suite/*", "--max-time", "10"][..],
            &["sync"],
            &["tools", "--json"],
        ] {
            let output = stand.run(command).unwrap();
            assert_clean(&written(&stand, &output));
        }
        let heard = heard.lock().unwrap();
        assert!(
            heard.contains(SECRETS[1]) && heard.contains(SECRETS[2]),
            "{heard}"
        );
    }
}
