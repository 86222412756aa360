//! Programs whose very bytes matter: byte order marks, line ends, hashbangs, no last line break, sizes.

use serde_json::{Value, json};

use crate::ground::Ground;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_texts_are_programs_like_others() {
    let ground = Ground::new().await;
    let call = "import { getIssue } from \"mcp:demo\";";
    let body = "export default async () => (await getIssue({ number: 3 })).number;";
    let huge = (0..9_000)
        .map(|i| format!("function unused{i}(a, b) {{ return a + b + {i}; }}\n"))
        .collect::<String>();
    for (file, text) in [
        ("bom.js", format!("\u{feff}{call}\n{body}")),
        ("bom.ts", format!("\u{feff}{call}\n{body}")),
        ("windows.js", format!("{call}\r\n\r\n{body}\r\n")),
        (
            "windows.ts",
            format!("type A =\r\n  number;\r\n{call}\r\n{body}\r\n"),
        ),
        (
            "hashbang.js",
            format!("#!/usr/bin/env -S node --x\n{call}\n{body}"),
        ),
        (
            "hashbang-bom.mjs",
            format!("\u{feff}#!/usr/bin/env node\n{call}\n{body}"),
        ),
        ("one-line.mjs", format!("{call}{body}")),
        ("typed.mts", format!("{call}const x: number = 1;{body}")),
        (
            "comment-at-the-end.js",
            format!("{call}\n{body} // the end"),
        ),
        (
            "open-comment.js",
            format!("/*!\n * licence\n */\n// @ts-check\n{call}\n{body}\n/* the end */"),
        ),
        (
            "separators.js",
            format!("{call} const a = '\u{2028}';\u{2029}{body}"),
        ),
        (
            "tabs.js",
            format!("\t\t{call}\t\u{a0}\u{3000}{body}\u{c}\u{b}"),
        ),
        (
            "source-map.js",
            format!("{call}\n{body}\n//# sourceMappingURL=data:application/json;base64,e30="),
        ),
        ("huge.js", format!("{call}\n{huge}{body}")),
        (
            "deep.js",
            format!(
                "{call}\nconst deep = {}1{};\n{body}",
                "[".repeat(200),
                "]".repeat(200)
            ),
        ),
        (
            "long-line.js",
            format!("{call} const s = \"{}\"; {body}", "x😀".repeat(100_000)),
        ),
    ] {
        let ended = ground.run(&text, file, &Value::Null).await;
        assert_eq!(
            ended.result.as_ref().ok(),
            Some(&json!(3)),
            "{file}: {:?}",
            ended.result
        );
    }
    ground.servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_in_odd_texts_point_at_their_place() {
    let ground = Ground::new().await;
    let throw = "throw new Error(\"x\")";
    for (file, text, at) in [
        (
            "bom.js",
            format!("\u{feff}export default () => {{ {throw} }};"),
            "1:34",
        ),
        (
            "windows.js",
            format!("\r\n\r\nexport default () => {{\r\n  {throw}\r\n}}"),
            "4:13",
        ),
        (
            "windows.ts",
            format!("type A =\r\n  number;\r\n\r\nexport default (): A => {{\r\n  {throw}\r\n}}"),
            "5:13",
        ),
        (
            "hashbang.js",
            format!("#!/usr/bin/env node\nexport default () => {{ {throw} }};"),
            "2:34",
        ),
        (
            "first-line.js",
            format!("import {{ getIssue }} from \"mcp:demo\"; export default () => {{ {throw} }};"),
            "1:71",
        ),
        (
            "after-import.js",
            format!(
                "import {{\n  getIssue,\n}} from \"mcp:demo\"; export default async () => {{ await null; {throw} }};"
            ),
            "3:71",
        ),
    ] {
        let ended = ground.run(&text, file, &Value::Null).await;
        let failed = ended.result.unwrap_err();
        assert_eq!(
            failed.place(file).as_deref(),
            Some(at),
            "{file}: {failed:?}"
        );
    }
    ground.servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_that_are_no_programs_are_refused_with_a_place() {
    let ground = Ground::new().await;
    for (text, place) in [
        (String::new(), None),
        ("\u{feff}".into(), None),
        ("// nothing\n".into(), None),
        ("export default () => {".into(), Some("1:")),
        ("export default () => 'open".into(), Some("1:22")),
        ("\n\nexport default () => `open".into(), Some("3:")),
        ("<!-- html\nexport default () => 1;".into(), Some("1:1")),
        ("with (x) {}\nexport default () => 1;".into(), Some("1:1")),
        ("export default () => 1;\nreturn 2;".into(), Some("2:1")),
        ("export default () => { await 1; };".into(), Some("1:")),
        ("export default () => 08;".into(), Some("1:22")),
        ("export default () => <div/>;".into(), Some("1:22")),
        (
            "const x: number = 1;\nexport default () => x;".into(),
            Some("1:7"),
        ),
        (
            format!("export default () => {}1;", "(".repeat(3_000)),
            Some("1:"),
        ),
        ("\0\0\u{fffd}".into(), Some("1:1")),
    ] {
        let failed = ground.build(&text, "odd.js").err();
        let failed = failed.unwrap_or_else(|| panic!("{text:?} was built"));
        let message = failed.to_string();
        match place {
            None => assert!(message.contains("no default export"), "{text:?}: {message}"),
            Some(place) => assert!(
                message.contains(&format!("odd.js:{place}")),
                "{text:?}: {message}"
            ),
        }
    }
    ground.servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_nested_without_end_are_refused_or_fail() {
    let ground = Ground::new().await;
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{a:", "}"),
        ("!", ""),
        ("x=>", ""),
        ("x?", ":1"),
        ("1+", ""),
        ("x.", ""),
        ("`${", "}`"),
        ("f(", ")"),
        ("async()=>", ""),
        ("new ", ""),
        ("void ", ""),
        ("x??", ""),
        ("x=", ""),
        ("(function(){return ", "})()"),
        ("class{[", "]=1}"),
        ("(", ""),
        ("[", ""),
        ("{", ""),
        ("x=>{", ""),
        ("!", ""),
    ] {
        let levels = 520_000 / (open.len() + close.len());
        for file in ["deep.js", "deep.ts"] {
            let text = format!(
                "export default () => {{}};\nlet x = () => {}x{};",
                open.repeat(levels),
                close.repeat(levels)
            );
            let failed = ground.build(&text, file).err();
            let message = failed.map(|e| e.to_string()).unwrap_or_default();
            assert!(
                message.starts_with(&format!("{file}:")),
                "{open}: {message}"
            );
        }
    }
    ground.servers.shutdown().await;
}
