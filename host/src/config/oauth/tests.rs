//! `oauth` and `auth` as other clients write them, and what is wrong with some.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use indexmap::IndexMap;

use super::*;
use crate::config::Transport;
use crate::config::tests::{read, refusal};

#[test]
fn logins_are_read_as_other_clients_write_them() {
    let oauth = |entry: &str| {
        let text = format!(r#"{{"mcpServers": {{"a": {{"url": "https://h/mcp", {entry}}}}}}}"#);
        let config = read(&text).map_err(|error| format!("{error}; {}", error.hint()))?;
        let server = config.servers["a"].clone();
        let Transport::Http { oauth, .. } = &server.transport else {
            panic!("a is reached by HTTP")
        };
        Ok::<_, String>((oauth.clone(), server.secrets, config.notices))
    };
    let list = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let registered =
        r#""oauth": {"clientId": "c1", "callbackPort": 3118, "scopes": "read  write"}"#;
    let (claude, secrets, _) = oauth(registered).unwrap();
    assert_eq!(claude.client_id.as_deref(), Some("c1"));
    let redirect = claude.redirect_uri.as_deref();
    assert_eq!(redirect, Some("http://localhost:3118/callback"));
    assert_eq!(claude.scopes, list(&["read", "write"]));
    assert!(secrets.is_empty());

    let (gemini, secrets, notices) = oauth(
        r#""oauth": {"enabled": true, "clientId": "c1", "clientSecret": "${TOKEN}", "scopes": ["a", "b"],
           "redirectUri": "http://127.0.0.1:7777/oauth/callback", "grantType": "client_credentials"}"#,
    )
    .unwrap();
    assert_eq!(gemini.scopes, list(&["a", "b"]));
    assert_eq!(gemini.grant_type, GrantType::ClientCredentials);
    assert_eq!(secrets, ["hunter2-hunter2"]);
    assert!(
        !format!(
            "{:?}",
            Transport::Http {
                url: String::new(),
                headers: IndexMap::new(),
                oauth: gemini
            }
        )
        .contains("hunter2")
    );
    assert_eq!(
        notices,
        ["server `a`, `oauth`: `enabled` has no effect here"]
    );

    let cursor = r#""auth": {"CLIENT_ID": "c1", "CLIENT_SECRET": "${TOKEN}", "scopes": ["a"]}"#;
    let (cursor, ..) = oauth(cursor).unwrap();
    assert_eq!(cursor.client_secret.as_deref(), Some("hunter2-hunter2"));
    assert_eq!(oauth(r#""oauth": {}"#).unwrap().0, Oauth::default());

    for (entry, said) in [
        (r#""oauth": true"#, "`oauth`: it is no JSON object"),
        (
            r#""oauth": {"clientld": "x"}"#,
            "unknown key `clientld`; known keys: clientId",
        ),
        (
            r#""oauth": {"tokenUrl": "https://h"}"#,
            "`tokenUrl` is not supported; leave it out",
        ),
        (
            r#""oauth": {"clientSecret": "hunter2-hunter2"}"#,
            "go together here; write both",
        ),
        (
            r#""oauth": {"clientId": "x", "grantType": "client_credentials"}"#,
            "go together here",
        ),
        (
            r#""oauth": {"grantType": "password"}"#,
            "`grantType` is unknown; write `authorization_code`",
        ),
        (
            r#""oauth": {"callbackPort": 0}"#,
            "`callbackPort` is no port",
        ),
        (
            r#""oauth": {"callbackPort": 1, "redirectUri": "http://localhost:1/"}"#,
            "keep one",
        ),
        (
            r#""oauth": {"scopes": {"a": 1}}"#,
            "`oauth.scopes` is no string",
        ),
        (
            r#""oauth": {"clientId": "${NOTHING}"}"#,
            "`oauth.clientId`: the variable `NOTHING` is not set",
        ),
        (r#""oauth": {}, "auth": {}"#, "keep `oauth`"),
    ] {
        let error = oauth(entry).unwrap_err();
        assert!(
            error.contains(said) && !error.contains("hunter2"),
            "{entry}: {error}"
        );
    }
    for elsewhere in [
        "https://example.com/callback",
        "http://example.com:80/callback",
        "http://localhost/callback",
        "http://127.0.0.1:80@example.com/",
        "http://localhost:8080/?next=x",
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ] {
        let error = oauth(&format!(r#""oauth": {{"redirectUri": "{elsewhere}"}}"#)).unwrap_err();
        assert!(
            error.contains("no address of this machine"),
            "{elsewhere}: {error}"
        );
    }
    let (message, _) = refusal(r#"{"mcpServers": {"a": {"command": "x", "oauth": {}}}}"#);
    assert!(
        message.ends_with("`oauth` does not go with `command`"),
        "{message}"
    );
}
