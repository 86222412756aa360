//! Entries as clients write them: moved where witgate reads the same out of them, left where it would not.
#![allow(clippy::unwrap_used)]

use super::*;

const PROJECT: &str = "/work/p";
const HOME: &str = "/home/kim";

fn at<'a>(client: Client, project: Option<&'a Path>, configuration: &'a str) -> Origin<'a> {
    let (home, configuration) = (Path::new(HOME), Path::new(configuration));
    Origin {
        client,
        project,
        home,
        configuration,
    }
}

/// In the project, with the configuration beside it.
fn in_project(client: Client, entry: Value) -> Result<Value, String> {
    let origin = at(client, Some(Path::new(PROJECT)), "/work/p/witgate.json");
    let translated = translate("s", &entry, origin).map_err(|stays| stays.why)?;
    Ok(Value::Object(translated.definition))
}

fn of_user(client: Client, entry: Value) -> Result<Value, String> {
    let origin = at(client, None, "/home/kim/.config/witgate/servers.json");
    let translated = translate("s", &entry, origin).map_err(|stays| stays.why)?;
    Ok(Value::Object(translated.definition))
}

#[test]
fn what_means_the_same_is_written_in_one_way() {
    let same = json!({"command": "npx", "args": ["-y", "x"], "env": {"A": "${T}"}});
    for (client, entry) in [
        (
            Client::ClaudeCode,
            json!({"type": "stdio", "command": "npx", "args": ["-y", "x"], "env": {"A": "${T}"}}),
        ),
        (
            Client::Cursor,
            json!({"command": "npx", "args": ["-y", "x"], "env": {"A": "${env:T}"}, "disabled": false}),
        ),
        (
            Client::VsCode,
            json!({"type": "stdio", "command": "npx", "args": ["-y", "x"], "env": {"A": "${env:T}"}, "gallery": true}),
        ),
    ] {
        assert_eq!(in_project(client, entry).unwrap(), same);
    }
    let codex = json!({"command": "npx", "args": ["-y", "x"], "enabled": true, "env": {}, "env_vars": ["T"]});
    assert_eq!(
        in_project(Client::Codex, codex).unwrap(),
        json!({"command": "npx", "args": ["-y", "x"]})
    );
    let http = json!({"type": "http", "url": "${BASE}/mcp", "headers": {"Authorization": "Bearer ${T:-none}"}});
    let wanted = json!({"url": "${BASE}/mcp", "headers": {"Authorization": "Bearer ${T:-none}"}});
    assert_eq!(in_project(Client::ClaudeCode, http).unwrap(), wanted);
}

#[test]
fn what_has_no_effect_is_named() {
    let origin = at(
        Client::ClaudeCode,
        Some(Path::new(PROJECT)),
        "/work/p/witgate.json",
    );
    let entry =
        json!({"command": "x", "description": "d", "timeout": 3, "env": {}, "type": "stdio"});
    let got = translate("s", &entry, origin).unwrap();
    assert_eq!(Value::Object(got.definition), json!({"command": "x"}));
    assert_eq!(got.dropped, ["description", "timeout"]);
    let got = translate("s", &json!({"url": "https://h/mcp"}), origin).unwrap();
    assert_eq!(got.notes, [LOGIN]);
    let codex = at(
        Client::Codex,
        None,
        "/home/kim/.config/witgate/servers.json",
    );
    let entry = json!({"command": "x", "env_vars": ["A"], "tool_timeout_sec": 9, "default_tools_approval_mode": "approve"});
    let got = translate("s", &entry, codex).unwrap();
    assert_eq!(
        (got.passed, got.notes),
        (vec!["A".to_owned()], vec![FOLDER])
    );
    assert_eq!(
        got.dropped,
        ["tool_timeout_sec", "default_tools_approval_mode"]
    );
}

#[cfg(unix)]
#[test]
fn paths_lead_where_they_led() {
    let entry =
        json!({"command": "./bin/x", "args": ["${workspaceFolder}/a", "./b"], "cwd": "sub"});
    assert_eq!(in_project(Client::VsCode, entry.clone()).unwrap(), entry);
    // Elsewhere, the folder of the project is said.
    let project = Some(Path::new(PROJECT));
    let elsewhere = |entry| {
        translate("s", &entry, at(Client::VsCode, project, "/etc/w.json"))
            .unwrap()
            .definition
    };
    assert_eq!(
        Value::Object(elsewhere(entry)),
        json!({"command": "/work/p/./bin/x", "args": ["/work/p/a", "./b"], "cwd": "/work/p/sub"})
    );
    assert_eq!(
        Value::Object(elsewhere(json!({"command": "x"}))),
        json!({"command": "x", "cwd": PROJECT})
    );
    assert_eq!(
        Value::Object(elsewhere(json!({"url": "https://h"}))),
        json!({"url": "https://h"})
    );

    assert_eq!(
        of_user(Client::Cursor, json!({"command": "x"})).unwrap(),
        json!({"command": "x", "cwd": HOME})
    );
    let entry = json!({"command": "${userHome}/x", "args": ["/a", "--b=c"], "cwd": "/tmp"});
    assert_eq!(of_user(Client::Cursor, entry.clone()).unwrap(), entry);
    for (entry, key) in [
        (json!({"command": "./x"}), "`command`"),
        (json!({"command": "x", "cwd": "a"}), "`cwd`"),
        (json!({"command": "x", "args": ["serve", "."]}), "`args[1]`"),
        (
            json!({"command": "x", "args": ["--root=../y"]}),
            "`args[0]`",
        ),
        (
            json!({"command": "x", "args": ["${workspaceFolder}"]}),
            "`args[0]`",
        ),
    ] {
        let why = of_user(Client::Cursor, entry.clone()).unwrap_err();
        assert!(
            why.starts_with(key) && why.contains("the folder that the client has open"),
            "{entry}: {why}"
        );
    }
}

#[test]
fn what_witgate_would_do_otherwise_stays() {
    for (client, entry, why) in [
        (
            Client::Cursor,
            json!({"command": "x", "envFile": ".env"}),
            "`envFile` is not supported",
        ),
        (
            Client::Cursor,
            json!({"command": "x", "surprise": 1}),
            "does not know its key `surprise`",
        ),
        (
            Client::Cursor,
            json!({"command": "x", "disabled": true}),
            "it is switched off",
        ),
        (
            Client::Codex,
            json!({"command": "x", "enabled": false}),
            "it is switched off",
        ),
        (
            Client::ClaudeCode,
            json!({"type": "sse", "url": "https://h"}),
            "SSE transport",
        ),
        (
            Client::VsCode,
            json!({"type": "http", "url": "unix:///run/x.sock"}),
            "no HTTP address",
        ),
        (
            Client::VsCode,
            json!({"command": "x", "sandboxEnabled": true}),
            "`sandboxEnabled` is not supported",
        ),
        (
            Client::VsCode,
            json!({"command": "x", "env": {"A": null}}),
            "`env.A` is no string",
        ),
        (
            Client::VsCode,
            json!({"command": "x", "args": ["${input:a}"]}),
            "`args[0]` asks the person",
        ),
        (
            Client::ClaudeDesktop,
            json!({"command": "x", "args": ["${HOME}"]}),
            "`args[0]` holds a `${` that stands",
        ),
        (
            Client::Codex,
            json!({"command": "x", "experimental_environment": "e"}),
            "`experimental_environment`",
        ),
        (
            Client::Cursor,
            json!({"command": "x", "url": "https://h"}),
            "both `command` and `url`",
        ),
        (Client::Cursor, json!("x"), "it is no object"),
        (Client::Cursor, json!({}), "neither `command` nor `url`"),
    ] {
        let got = in_project(client, entry.clone());
        assert!(
            got.as_ref().is_err_and(|got| got.contains(why)),
            "{entry}: {got:?}"
        );
    }
}
