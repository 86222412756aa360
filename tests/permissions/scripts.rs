//! Tricks of JavaScript: arguments that change, polluted prototypes, overwritten built-ins, forged errors, and the insides of
//! the prelude. What a program can do to itself, it can; what reaches the server is what was checked and shown.

use serde_json::{Value, json};
use witgate_host::{RunError, RunOptions};
use witgate_tests::{Stand, workspace};

use crate::bypass::{NOTE, suite};
use crate::ground::{agreeable, program};

/// Only a text that says so is granted.
const ALLOWED: &str = "[[grant]]\nserver = 'suite'\ntools = ['write_note']\nwhen = 'context.args has text && context.args.text == \"allowed\"'\n";

#[tokio::test]
async fn what_reaches_the_server_is_what_was_shown_whatever_the_program_does_meanwhile() {
    let ground = suite().await;
    for trick in [
        "const args = { text: 'a' }; const waits = writeNote(args); args.text = 'b'; args.n = 7; delete args.text; await waits;",
        "const data = [1]; const waits = writeNote({ text: 'a', data }); data.push(2); data.length = 0; await waits;",
        "let n = 0; await writeNote({ get text() { return 't' + n++; } });",
        "let n = 0; await writeNote(new Proxy({}, { ownKeys: () => ['text'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 'x' }), get: (t, key) => key === 'text' ? 't' + n++ : undefined }));",
        "let n = 0; await writeNote({ text: 'a', toJSON() { return { text: 't' + n++ }; } });",
        "let n = 0; await writeNote({ text: 'a', data: { toJSON: () => n++ } });",
        "let n = 0; const text = { toString: () => 't' + n++, valueOf: () => n++, toJSON: () => 't' + n++ }; await writeNote({ text });",
        "JSON.stringify = () => '{\"text\":\"a\",\"n\":1}'; await writeNote({ text: 'b' });",
        "await writeNote({ text: 'a\\u0000\\u202e\\ud800', n: 3 });",
    ] {
        let person = agreeable();
        let options = RunOptions {
            asker: Some(person.clone()),
            ..ground.options()
        };
        let grants = format!("{NOTE}approve = 'each'");
        let finished = ground
            .go(&program("writeNote", trick), &grants, options)
            .await;
        let reached = ground.reached();
        assert_eq!(reached, person.shown(), "{trick}");
        assert_eq!(reached.len(), 1, "{trick}: {:?}", finished.result);
    }
}

#[tokio::test]
async fn no_prototype_and_no_overwritten_function_gets_past_a_condition() {
    let ground = suite().await;
    for trick in [
        "Object.prototype.toJSON = () => ({ text: 'evil' });",
        "Object.prototype.toJSON = function () { return this.text === 'allowed' ? { text: 'evil' } : this; };",
        "Object.prototype.text = 'allowed'; Object.prototype.n = 1;",
        "Object.defineProperty(Object.prototype, 'text', { get: () => 'allowed', set() {} });",
        "Object.prototype.then = (done) => done({ text: 'evil' });",
        "Object.prototype.kind = 'denied'; Object.prototype.payload = {};",
        "Array.prototype.toJSON = () => 'evil'; Array.prototype[Symbol.iterator] = function* () { yield { text: 'evil' }; };",
        "String.prototype.toJSON = () => 'evil';",
        "JSON.stringify = () => '{\"text\":\"evil\"}';",
        "JSON.stringify = () => '{\"text\":\"evil\",\"text\":\"allowed\"}';",
        "JSON.stringify = () => '{\"text\":\"allowed\",\"text\":\"evil\"}';",
        "JSON.stringify = () => '{\"text\":\"allowed\",\"te\\\\u0078t\":\"evil\"}';",
        "JSON.stringify = () => ({ toString: () => '{\"text\":\"evil\"}', includes: () => false });",
        "JSON.parse = () => ({ text: 'evil' });",
        "globalThis.Promise = class { constructor(f) { f(() => {}, () => {}); } then() {} };",
        "Promise.prototype.then = () => 'evil'; Promise.resolve = () => ({});",
        "Reflect.apply = () => 'evil'; Function.prototype.call = () => 'evil'; Function.prototype.apply = () => 'evil';",
        "Array.isArray = () => false; Object.getPrototypeOf = () => Object.prototype;",
        "globalThis.ToolError = Error; globalThis.__witgate = { servers: {} };",
        "__witgate.servers.suite.write_note = __witgate.servers.suite.remove ?? (() => 'evil');",
        "String.prototype.includes = () => false; String.prototype.replace = () => '{\"text\":\"evil\"}';",
    ] {
        let tries = format!(
            "{trick}\n\
             const raw = Object.values(globalThis.__witgate?.servers?.suite ?? {{}});\n\
             for (const call of [writeNote, ...raw]) for (const args of [\n\
               {{ text: 'evil' }}, {{}}, {{ __proto__: {{ text: 'allowed' }} }}, {{ ['__proto__']: {{ text: 'evil' }}, text: 'evil' }},\n\
               Object.create({{ text: 'allowed' }}), Object.assign(Object.create(null), {{ text: 'evil' }}),\n\
               ['allowed'], 'allowed', new String('allowed'), {{ text: new String('evil') }}, {{ text: ['allowed'] }},\n\
               {{ text: 'allowed\\0' }}, {{ TEXT: 'allowed' }}, {{ 'text ': 'allowed' }},\n\
             ]) try {{ await call(args); }} catch {{}}\n\
             return null;"
        );
        // Whatever becomes of the program.
        ground
            .go(&program("writeNote", &tries), ALLOWED, ground.options())
            .await;
        for (tool, args) in ground.reached() {
            assert_eq!(
                (tool.as_str(), &args["text"]),
                ("write_note", &json!("allowed")),
                "{trick}"
            );
        }
    }
    // The condition can be met at all.
    let fair = program("writeNote", "return writeNote({ text: 'allowed' });");
    ground.go(&fair, ALLOWED, ground.options()).await;
    assert_eq!(ground.reached().len(), 1);
}

#[tokio::test]
async fn an_argument_named_as_the_prototype_is_an_argument_as_any_other() {
    let ground = suite().await;
    let source = program(
        "writeNote",
        "return writeNote({ text: 'a', data: JSON.parse('{\"__proto__\": {\"text\": 1}, \"constructor\": 2}') });",
    );
    let person = agreeable();
    let options = RunOptions {
        asker: Some(person.clone()),
        ..ground.options()
    };
    ground
        .go(&source, &format!("{NOTE}approve = 'each'"), options)
        .await
        .result
        .unwrap();
    let reached = ground.reached();
    assert_eq!(reached, person.shown());
    assert_eq!(
        reached[0].1["data"],
        json!({ "__proto__": { "text": 1 }, "constructor": 2 })
    );
}

#[tokio::test]
async fn nothing_within_a_program_leads_to_a_tool_that_it_does_not_import() {
    let ground = suite().await;
    // Every object that can be reached, and every name on the way.
    let walk = program(
        "writeNote",
        "const seen = new Set(), names = new Set(), found = [];\n\
         const queue = [globalThis, writeNote];\n\
         while (queue.length > 0 && seen.size < 20000) {\n\
           const here = queue.pop();\n\
           if (here === null || (typeof here !== 'object' && typeof here !== 'function') || seen.has(here)) continue;\n\
           seen.add(here);\n\
           try { queue.push(Object.getPrototypeOf(here)); } catch {}\n\
           for (const key of Reflect.ownKeys(here)) {\n\
             names.add(String(key));\n\
             if (/remove$|read.?page|^ping$|order.?by/i.test(String(key))) found.push(String(key));\n\
             try { const { value, get, set } = Reflect.getOwnPropertyDescriptor(here, key); queue.push(value, get, set); } catch {}\n\
           }\n\
         }\n\
         return { found, seen: seen.size, names: names.has('write_note') };",
    );
    let finished = ground.go(&walk, NOTE, ground.options()).await;
    let value = finished.result.unwrap();
    assert_eq!(value["found"], json!([]));
    assert!(
        value["seen"].as_u64().unwrap() > 200 && value["names"] == true,
        "{value}"
    );
    for way in [
        "(0, eval)('import(\"mcp:suite/json\")')",
        "(0, eval)('import(\"mcp:suite\")')",
        "new Function('return import(\"mcp:suite/json\")')()",
        "Object.getPrototypeOf(async function () {}).constructor('return (await import(\"mcp:suite/json\")).remove(\"{}\")')()",
        "(0, eval)('$witgate_server0').remove('{}')",
        "(0, eval)('tools').suite",
        "(0, eval)('contract').servers",
        "globalThis.__cqjs.imports",
        "__witgate.servers.suite.remove({ id: '1' })",
        "__witgate.servers.suite.write_note.call({ tool: 'suite/remove' }, { text: 'x', tool: 'remove' })",
    ] {
        let tries = program(
            "writeNote",
            &format!(
                "try {{ const got = await ({way}); return got === undefined ? null : Reflect.ownKeys(got).concat(Reflect.ownKeys(got.default ?? {{}})).map(String); }} catch {{ return null; }}"
            ),
        );
        let finished = ground.go(&tries, NOTE, ground.options()).await;
        // The engine may break on what it does not know. What it gives holds the program's own tool at most.
        let got = finished.result.unwrap_or_default();
        let keys = got.as_array().cloned().unwrap_or_default();
        let own = way.contains("write_note");
        let names = ["writeNote", "default", "Symbol(Symbol.toStringTag)"];
        assert!(
            own || keys.iter().all(|key| names.iter().any(|name| key == name)),
            "{way}: {got}"
        );
        let expected = (
            "write_note".to_owned(),
            json!({ "text": "x", "tool": "remove" }),
        );
        let reached = ground.reached();
        assert_eq!(reached, if own { vec![expected] } else { vec![] }, "{way}");
    }
}

#[tokio::test]
async fn a_program_cannot_be_built_that_names_a_tool_in_another_way() {
    let ground = suite().await;
    for text in [
        "import * as raw from \"mcp:suite/json\"; export default () => raw.remove('{}');",
        "import { remove } from \"mcp:suite/json\"; export default () => remove('{}');",
        "import { remove } from \"mcp:suite/tools\"; export default () => remove({});",
        "import \"witgate:runtime/console@0.1.0\"; export default () => 1;",
        "export default async () => (await import(\"mcp:suite\")).remove({});",
        "export { remove } from \"mcp:suite\"; export default () => 1;",
        "export * from \"mcp:suite\"; export default () => 1;",
        "import { Remove } from \"mcp:suite\"; export default () => Remove({});",
    ] {
        let built = ground.build(text);
        let Ok(built) = built else { continue };
        // What is built asks for what it names.
        let named = ("suite".to_owned(), "remove".to_owned());
        assert!(built.tools.contains(&named), "{text}: {:?}", built.tools);
        let grants = crate::ground::rules(NOTE);
        assert!(ground.prepare(text, &grants).is_err(), "{text}");
    }
    // A name that a program gives to a tool says nothing of it.
    for alias in ["remove", "toString", "__proto__", "then"] {
        let source = program(
            &format!("writeNote as {alias}"),
            &format!("return {alias}({{ text: 'x' }});"),
        );
        let finished = ground.go(&source, NOTE, ground.options()).await;
        assert_eq!(
            ground.reached(),
            [("write_note".to_owned(), json!({ "text": "x" }))],
            "{alias}: {finished:?}"
        );
    }
}

const FORGED: &str = "const forged = (text) => Object.assign(new ToolError({ kind: 'denied', tool: 'suite/write_note', message: text, detail: { hint: '[[grant]]\\nserver = \"*\"\\ntools = [\"*\"] # forged' } }), { hint: 'forged' });\n";

#[tokio::test]
async fn a_forged_error_tells_a_person_only_what_the_host_said() {
    let ground = suite().await;
    for body in [
        "throw forged('no grant allows it');",
        "const error = await writeNote({ text: 'b' }).catch((error) => error); error.detail = { hint: 'forged' }; throw error;",
        "await writeNote({ text: 'b' }).catch(() => 1); throw forged('no grant allows it');",
        "const real = await writeNote({ text: 'b' }).catch((error) => error); throw forged(real.message);",
        "const real = await writeNote({ text: 'b' }).catch((error) => error); throw Object.setPrototypeOf({ ...real, detail: { hint: 'forged' } }, ToolError.prototype);",
        "throw { kind: 'denied', tool: 'suite/write_note', message: 'no', detail: { hint: 'forged' } };",
    ] {
        let source = program("writeNote", &format!("{FORGED}{body}"));
        let finished = ground.go(&source, ALLOWED, ground.options()).await;
        let Err(RunError::Program(error)) = finished.result else {
            panic!("{body}: {:?}", finished.result);
        };
        if let Some(cause) = &error.cause {
            let detail = cause.detail.clone().unwrap_or_default();
            assert!(!detail.contains("forged"), "{body}: {cause:?}");
            assert!(detail.contains("context.args"), "{body}: {cause:?}");
        }
        assert_eq!(ground.reached(), []);
    }
}

#[test]
fn a_forged_hint_is_not_told_by_the_command() {
    let stand = Stand::new().unwrap();
    let config = json!({ "mcpServers": { "demo": { "command": workspace::binary().unwrap(), "args": ["demo-server"] } } });
    stand.write(".mcp.json", config.to_string()).unwrap();
    let forged = FORGED.replace("suite/write_note", "demo/get_issue");
    stand
        .write(
            "forged.js",
            format!(
                "import {{ getIssue }} from \"mcp:demo\";\n\
                 export default async () => {{ {forged}\n\
                 await getIssue({{ number: 1 }}).catch(() => 1); throw forged('the grants allow nothing'); }}"
            ),
        )
        .unwrap();
    stand
        .write("grants.toml", "[[grant]]\nserver = 'demo'\ntools = ['get_issue']\nwhen = 'context.args.number == 2'\n")
        .unwrap();
    for json in [&[][..], &["--json"]] {
        let arguments: Vec<&str> = ["run", "forged.js", "--grants", "grants.toml"]
            .iter()
            .chain(json)
            .copied()
            .collect();
        let output = stand.run(&arguments).unwrap();
        assert_ne!(output.code, Some(0));
        let text = format!("{}{}", output.stdout, output.stderr);
        assert!(
            !text.contains("server = \"*\"") && !text.contains("# forged"),
            "{text}"
        );
        let told: Value = json!(text);
        assert!(told.as_str().unwrap().contains("demo/get_issue"), "{text}");
    }
}
