//! Edits of files as people write them: what an edit is not about stays, to the byte.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use serde_json::{Value, json};

use super::*;

fn keys(format: Format) -> Vec<String> {
    vec![
        if format == Format::Json {
            "mcpServers"
        } else {
            "mcp_servers"
        }
        .to_owned(),
    ]
}

/// The text after these servers went and `w` came.
fn edited(format: Format, text: &str, remove: &[&str], put: Option<Value>) -> String {
    let path = Path::new("/p/file");
    let mut document = Document::parse(path, text.as_bytes(), format).unwrap();
    assert_eq!(
        document.bytes(),
        text.as_bytes(),
        "read and written, it is the same"
    );
    let edit = Edit {
        remove: remove.iter().map(|name| (*name).to_owned()).collect(),
        put: put.map(|value| ("w".to_owned(), value)),
    };
    document.edit(&keys(format), &edit);
    let after = String::from_utf8(document.bytes()).unwrap();
    let again = Document::parse(path, after.as_bytes(), format).unwrap();
    let servers = again.servers(path, &keys(format)).unwrap();
    assert!(
        remove.iter().all(|name| !servers.contains_key(*name)),
        "{after}"
    );
    if let Some((_, value)) = &edit.put {
        assert_eq!(servers["w"], *value, "{after}");
    }
    after
}

fn entry() -> Option<Value> {
    Some(json!({"command": "witgate", "args": ["serve"]}))
}

#[test]
fn json_keeps_everything_else() {
    let json = |text: &str, remove: &[&str], wanted: &str| {
        assert_eq!(edited(Format::Json, text, remove, entry()), wanted);
    };
    json(
        "// top\n{\n    \"a\": 1.50, // one\n    \"mcpServers\": {\n        // x\n        \"x\": {\"command\": \"x\"},\n        /* y */ \"y\": {},\n\n        \"z\": {}\n    },\n}\n",
        &["x", "z"],
        "// top\n{\n    \"a\": 1.50, // one\n    \"mcpServers\": {\n        // x\n        \"w\": {\n            \"command\": \"witgate\",\n            \"args\": [\"serve\"]\n        },\n        /* y */ \"y\": {}\n\n    },\n}\n",
    );
    // With a mark, tabs, and the line ends of another system.
    json(
        "\u{feff}{\r\n\t\"mcpServers\": {\r\n\t\t\"x\": {\"command\": \"x\"}\r\n\t}\r\n}",
        &["x"],
        "\u{feff}{\r\n\t\"mcpServers\": {\r\n\t\t\"w\": {\r\n\t\t\t\"command\": \"witgate\",\r\n\t\t\t\"args\": [\"serve\"]\r\n\t\t}\r\n\t}\r\n}",
    );
    // Nothing there yet.
    for (text, head, tail) in [
        ("", "", "\n"),
        ("{}\n", "", "\n"),
        ("{}", "", ""),
        ("{\n  \"mcpServers\": {}\n}\n", "", "\n"),
        ("{\n  \"mcpServers\": null\n}", "", ""),
        ("// c\n{\n}\n", "// c\n", "\n"),
    ] {
        let wanted = "{\n  \"mcpServers\": {\n    \"w\": {\n      \"command\": \"witgate\",\n      \"args\": [\"serve\"]\n    }\n  }\n}";
        json(text, &[], &format!("{head}{wanted}{tail}"));
    }
    json(
        "{\"mcpServers\": {\"y\": {}}}",
        &[],
        "{\"mcpServers\": {\n    \"y\": {},\n    \"w\": {\n      \"command\": \"witgate\",\n      \"args\": [\"serve\"]\n    }\n  }}",
    );
}

#[test]
fn an_entry_of_the_same_name_is_replaced_where_it_is() {
    let text =
        "{\n  \"mcpServers\": {\n    \"w\": {\"command\": \"old\"},\n    \"x\": {}\n  }\n}\n";
    let wanted = "{\n  \"mcpServers\": {\n    \"w\": {\n      \"command\": \"witgate\",\n      \"args\": [\"serve\"]\n    }\n  }\n}\n";
    assert_eq!(edited(Format::Json, text, &["x"], entry()), wanted);
    // Even where it goes itself.
    let path = Path::new("/p/file");
    let mut document = Document::parse(path, text.as_bytes(), Format::Json).unwrap();
    let remove = vec!["w".to_owned(), "x".to_owned()];
    document.edit(
        &keys(Format::Json),
        &Edit {
            remove,
            put: Some(("w".to_owned(), entry().unwrap())),
        },
    );
    assert_eq!(String::from_utf8(document.bytes()).unwrap(), wanted);
}

#[test]
fn toml_keeps_everything_else() {
    let toml = |text: &str, remove: &[&str], wanted: &str| {
        assert_eq!(edited(Format::Toml, text, remove, entry()), wanted);
    };
    let written = "[mcp_servers.w]\ncommand = \"witgate\"\nargs = [\"serve\"]\n";
    toml(
        "model = 'm' # m\n\n# x\n[mcp_servers.x]\ncommand = \"x\"\n[mcp_servers.x.env] # e\nA = \"1\"\n\n# y\n  [mcp_servers.y]\ncommand = \"y\"\n\n[tui] # t\na = [ 1,2 ]\n",
        &["x", "y"],
        &format!("model = 'm' # m\n\n# x\n# y\n{written}\n[tui] # t\na = [ 1,2 ]\n"),
    );
    toml(
        "# only a comment\n",
        &[],
        &format!("# only a comment\n\n{written}"),
    );
    toml("", &[], written);
    toml("[mcp_servers.x]\ncommand = \"x\"\n", &["x"], written);
    toml(
        "\u{feff}[mcp_servers.x]\r\ncommand = \"x\"\r\n[b]\r\nc = 1\r\n",
        &["x"],
        &format!("\u{feff}{}[b]\r\nc = 1\r\n", written.replace('\n', "\r\n")),
    );
    toml(
        "[mcp_servers]\n# about x\nx = { command = \"x\" }\ny = { command = \"y\" } # y\n",
        &["x"],
        &format!("[mcp_servers]\ny = {{ command = \"y\" }} # y\n\n# about x\n{written}"),
    );
    toml(
        "mcp_servers.x.command = \"x\"\na = 1\n",
        &["x"],
        &format!("a = 1\n\n{written}"),
    );
    toml(
        "mcp_servers = { x = { command = \"x\" } }\n",
        &["x"],
        "mcp_servers = { w = { command = \"witgate\", args = [\"serve\"] } }\n",
    );
}

#[test]
fn a_slip_is_told_with_its_place_and_without_a_value() {
    for (format, text, wanted) in [
        (
            Format::Json,
            "{\n  \"mcpServers\": {\n    \"x\" {}\n  }\n}",
            "/p/file:3:9: expected colon",
        ),
        (
            Format::Json,
            "{\"é\": 'secret'}",
            "/p/file:1:7: single-quoted strings",
        ),
        (
            Format::Json,
            "{\"a\": 1 \"b\": 2}",
            "/p/file:1:8: expected comma",
        ),
        (
            Format::Json,
            "[]",
            "/p/file:1:1: the file is no JSON object",
        ),
        (
            Format::Json,
            "{} {}",
            "/p/file:1:4: text cannot contain more than one",
        ),
        (
            Format::Json,
            "{\"mcpServers\": {\"x\": {},\n\"x\": {}}}",
            "/p/file:2:1: the key `x` stands twice",
        ),
        (
            Format::Json,
            "{\"mcpServers\": {},\n \"mcpServers\": {}}",
            "/p/file:2:2: the key `mcpServers` stands twice",
        ),
        (
            Format::Json,
            "{\"mcpServers\": []}",
            "/p/file: `mcpServers` is no JSON object",
        ),
        (Format::Toml, "a = 1\nb = secret\n", "/p/file:2:5: "),
        (
            Format::Toml,
            "[mcp_servers.x]\n[mcp_servers.x]\n",
            "/p/file:2:14: ",
        ),
        (
            Format::Toml,
            "mcp_servers = 1\n",
            "/p/file: `mcp_servers` is no table",
        ),
    ] {
        let path = Path::new("/p/file");
        let read = Document::parse(path, text.as_bytes(), format);
        let failure = read
            .and_then(|document| document.servers(path, &keys(format)))
            .unwrap_err();
        assert!(failure.message.starts_with(wanted), "{}", failure.message);
        assert!(
            !failure.message.contains("secret") && failure.hint.is_some(),
            "{}",
            failure.message
        );
    }
    let failure =
        Document::parse(Path::new("/p/file"), b"{\"a\": \"\xff\"}", Format::Json).unwrap_err();
    assert!(failure.message.contains("not UTF-8"), "{}", failure.message);
}

/// Before, what was removed, what somebody made of the result, what is wanted back, and which servers contradict.
fn put_back(
    format: Format,
    before: &str,
    removed: &[&str],
    change: &dyn Fn(&str) -> String,
    wanted: &str,
    conflicts: &[&str],
) {
    let path = Path::new("/p/file");
    let parse = |text: &str| Document::parse(path, text.as_bytes(), format).unwrap();
    let after = edited(format, before, removed, entry());
    let keys = keys(format);
    let left = parse(&after).list_text(&keys);
    let mut document = parse(&change(&after));
    let untouched = document.list_text(&keys) == left;
    let removed: Vec<String> = removed.iter().map(|name| (*name).to_owned()).collect();
    let done = document.put_back(&parse(before), &keys, untouched, &removed, Some("w"));
    assert_eq!(done.conflicts, conflicts);
    if conflicts.is_empty() {
        assert_eq!(String::from_utf8(document.bytes()).unwrap(), wanted);
    }
}

#[test]
fn servers_come_back_into_a_file_that_was_changed_since() {
    let before = "{\n  \"n\": 1,\n  \"mcpServers\": {\n    \"x\": {\"command\": \"x\" /* c */},\n    \"y\": {}\n  }\n}\n";
    let other = |text: &str| text.replace("\"n\": 1", "\"n\": 2");
    let json = Format::Json;
    put_back(json, before, &["x"], &other, &before.replace("1", "2"), &[]);
    // The list itself was changed: only what `init` did is taken back.
    let more = |text: &str| text.replace("\"y\": {}", "\"y\": {\"url\": \"u\"}");
    let wanted = "{\n  \"n\": 1,\n  \"mcpServers\": {\n    \"y\": {\"url\": \"u\"},\n    \"x\": {\"command\": \"x\" /* c */}\n  }\n}\n";
    put_back(json, before, &["x"], &more, wanted, &[]);
    let again = |text: &str| text.replace("\"y\": {}", "\"x\": {\"command\": \"z\"}, \"y\": {}");
    put_back(json, before, &["x"], &again, "", &["x"]);
    let same = |text: &str| text.replace("\"y\": {}", "\"x\": {\"command\": \"x\"}");
    put_back(
        json,
        before,
        &["x"],
        &same,
        "{\n  \"n\": 1,\n  \"mcpServers\": {\n    \"x\": {\"command\": \"x\"}\n  }\n}\n",
        &[],
    );
    let gone = |_: &str| "{}\n".to_owned();
    put_back(
        json,
        before,
        &["x"],
        &gone,
        "{\n  \"mcpServers\": {\n    \"x\": {\"command\": \"x\" /* c */},\n    \"y\": {}\n  }\n}\n",
        &[],
    );
    // There was no list.
    put_back(
        json,
        "{\n  \"n\": 1\n}\n",
        &[],
        &other,
        "{\n  \"n\": 2\n}\n",
        &[],
    );
}

#[test]
fn tables_come_back_too() {
    let before = "n = 1\n\n# x\n[mcp_servers.x]\ncommand = \"x\"\n\n[mcp_servers.x.env]\nA = \"1\"\n\n[last]\na = 1\n";
    let toml = Format::Toml;
    let more = |text: &str| text.replace("n = 1", "n = 2");
    let wanted = &before.replace("n = 1", "n = 2");
    put_back(toml, before, &["x"], &more, wanted, &[]);
    let again = |text: &str| format!("{text}[mcp_servers.x]\ncommand = \"z\"\n");
    put_back(toml, before, &["x"], &again, "", &["x"]);
    put_back(toml, "n = 1\n# end\n", &[], &more, "n = 2\n# end\n", &[]);
}
