//! Servers and authorization servers that lie, lead astray or flood: each is an error that says so, and nothing of the person
//! is sent anywhere.

use super::*;

/// The error of a login that must not begin; nobody was registered or sent anywhere.
async fn refused(options: &Value) -> LoginError {
    let web = Web::new(options);
    let folder = tempfile::tempdir().unwrap();
    let error = start(&web.config(), &tokens(folder.path()))
        .await
        .unwrap_err();
    for path in ["/register", "/authorize", "/token"] {
        assert_eq!(web.asked(path).await.len(), 0, "{options}: {path}");
    }
    assert!(!error.hint().is_empty());
    assert!(error.to_string().len() < 700, "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    error
}

const PRM: &str = "/.well-known/oauth-protected-resource/mcp";
const METADATA: &str = "/.well-known/oauth-authorization-server";

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_lies_is_not_used() {
    for (options, said) in [
        (
            json!({ "prm": { "resource": "https://bank.example/" } }),
            "mismatch",
        ),
        (json!({ "prm": { "resource": null } }), "resource"),
        (
            json!({ "metadata": { "issuer": "https://login.example" } }),
            "issuer mismatch",
        ),
        (json!({ "metadata": { "issuer": null } }), "issuer"),
        (
            json!({ "metadata": { "code_challenge_methods_supported": ["plain"] } }),
            "S256",
        ),
        (
            json!({ "prm": { "authorization_servers": ["$BASE/a\u{1b}[2J\u{202e}"] } }),
            "issuer mismatch",
        ),
        (
            json!({ "prm": { "authorization_servers": ["x\u{1b}[2J\u{202e}"] },
                "answers": { METADATA: [404, {}, 0] } }),
            "none published",
        ),
    ] {
        let error = refused(&options).await;
        let text = error.to_string();
        assert!(text.contains(said), "{options}: {text}");
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_leads_to_no_other_place_than_it_may() {
    let at = |path: &str, answer: Value| json!({ "answers": { path: answer } });
    let moved = |to: &str| json!([302, { "Location": to }, ""]);
    for (options, said) in [
        // To another origin, though it is the same machine.
        (at(PRM, moved("http://localhost:1/prm")), "non-same-origin"),
        (
            at(METADATA, moved("https://login.example/metadata")),
            "non-same-origin",
        ),
        (
            at(PRM, moved("$BASE/.well-known/oauth-protected-resource/mcp")),
            "redirects",
        ),
        // Unencrypted, or into the network that the person is in.
        (
            json!({ "prm": { "authorization_servers": ["http://login.example"] } }),
            "without encryption",
        ),
        (
            json!({ "prm": { "authorization_servers": ["http://10.0.0.1/"] } }),
            "none published",
        ),
        (
            json!({ "prm": { "authorization_servers": ["http://169.254.169.254/latest"] } }),
            "none published",
        ),
        (
            json!({ "prm": { "authorization_servers": ["file:///etc/passwd"] } }),
            "none published",
        ),
        (
            json!({ "metadata": { "registration_endpoint": "http://register.example/" } }),
            "`registration_endpoint`: `register.example` would be asked without encryption",
        ),
        (
            json!({ "metadata": { "registration_endpoint": "https://192.168.0.1/" } }),
            "private network",
        ),
        (
            json!({ "metadata": { "registration_endpoint": null } }),
            "no client could be registered",
        ),
        (
            json!({ "metadata": { "token_endpoint": "http://token.example/" } }),
            "`token_endpoint`: `token.example` would be asked without encryption",
        ),
        (
            json!({ "metadata": { "token_endpoint": "nowhere" } }),
            "`token_endpoint` is no address",
        ),
        // A person's browser would open it.
        (
            json!({ "metadata": { "authorization_endpoint": "javascript:alert(1)" } }),
            "`authorization_endpoint`",
        ),
        (
            json!({ "metadata": { "authorization_endpoint": "file:///etc/passwd" } }),
            "`authorization_endpoint`",
        ),
        (
            json!({ "metadata": { "authorization_endpoint": "https://[fd00::1]/" } }),
            "private network",
        ),
    ] {
        let error = refused(&options).await;
        let text = error.to_string();
        assert!(text.contains(said), "{options}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_network_is_entered_when_the_person_says_so() {
    let url = reqwest::Url::parse("https://mcp.example/mcp").unwrap();
    for (allow_private, said) in [(false, Some("private network")), (true, None)] {
        let fetch = super::super::fetch::Fetch::new(&url, allow_private).unwrap();
        let inside = reqwest::Url::parse("https://10.1.2.3/login").unwrap();
        let objection = fetch.check(&inside).err().map(|error| error.to_string());
        assert_eq!(objection.is_some(), said.is_some());
        assert!(
            objection
                .unwrap_or_default()
                .contains(said.unwrap_or_default())
        );
    }
    let error =
        refused(&json!({ "metadata": { "registration_endpoint": "https://192.168.0.1/" } })).await;
    assert!(
        matches!(error, LoginError::Discovery { private: true, .. }),
        "{error}"
    );
    assert!(error.hint().contains("--allow-private"));
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_end() {
    let started = Instant::now();
    for path in [PRM, METADATA] {
        let error = refused(&json!({ "answers": { path: [200, {}, 4_000_000] } })).await;
        assert!(
            error.to_string().contains("more than 262144 bytes"),
            "{error}"
        );
    }
    let many: Vec<String> = (0..2_000).map(|n| format!("$BASE/tenant-{n}")).collect();
    let web = Web::new(&json!({ "prm": { "authorization_servers": many },
        "answers": { METADATA: [404, {}, 0] } }));
    let folder = tempfile::tempdir().unwrap();
    let error = start(&web.config(), &tokens(folder.path()))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("more than 32 requests"),
        "{error}"
    );
    assert_eq!(web.asked("/token").await.len(), 0);
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_answer_to_this_login_counts() {
    let web = Web::new(&json!({}));
    let folder = tempfile::tempdir().unwrap();
    let tokens = tokens(folder.path());
    let login = start(&web.config(), &tokens).await.unwrap();
    let state = query(&login, "state").unwrap();
    let answered = |target: String| login.is_answered_by(&target);
    assert!(answered(format!("/callback?code=x&state={state}")));
    assert!(answered(format!("{REDIRECT}?code=x&state={state}")));
    for other in [
        "/callback?code=x&state=guessed".to_owned(),
        "/callback?code=x".to_owned(),
        format!("/callback?code=x&state={state}&state={state}"),
        format!("/callback/?code=x&state={state}"),
        format!("/?code=x&state={state}"),
        format!("http://127.0.0.1:2/callback?code=x&state={state}"),
        format!("//evil.example/callback?code=x&state={state}"),
    ] {
        assert!(!answered(other.clone()), "{other}");
    }
    let error = login
        .finish("/callback?code=x&state=guessed")
        .await
        .unwrap_err();
    assert!(matches!(error, LoginError::Callback { .. }), "{error}");

    let issuer = web.1.clone();
    for (query, kind) in [
        ("code=x".to_owned(), "callback"),
        (
            "code=x&iss=https%3A%2F%2Fevil.example".to_owned(),
            "callback",
        ),
        (format!("code=x&iss={issuer}/"), "callback"),
        (format!("code=x&code=y&iss={issuer}"), "callback"),
        (format!("iss={issuer}"), "callback"),
        (
            "error=access_denied&iss=https%3A%2F%2Fevil.example".to_owned(),
            "callback",
        ),
        (
            format!("error=access_denied&error_description=no%1b[2J&iss={issuer}"),
            "refused",
        ),
        ("error=access_denied".to_owned(), "refused"),
    ] {
        let login = start(&web.config(), &tokens).await.unwrap();
        let state = super::query(&login, "state").unwrap();
        let error = login
            .finish(&format!("/callback?{query}&state={state}"))
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(!text.contains('\u{1b}'), "{text}");
        match kind {
            "refused" => assert!(
                matches!(error, LoginError::Refused { .. }),
                "{query}: {text}"
            ),
            _ => assert!(
                matches!(error, LoginError::Callback { .. }),
                "{query}: {text}"
            ),
        }
    }
    assert_eq!(web.asked("/token").await.len(), 0);
    assert_eq!(kept(&tokens, &web), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_shows_no_code_and_an_odd_token_is_not_kept() {
    let web = Web::new(&json!({}));
    let folder = tempfile::tempdir().unwrap();
    let tokens = tokens(folder.path());
    let login = start(&web.config(), &tokens).await.unwrap();
    let (state, issuer) = (query(&login, "state").unwrap(), web.1.clone());
    let target = format!("/callback?code=stolen-code-1&state={state}&iss={issuer}");
    let error = login.finish(&target).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("invalid_grant: for ***"), "{text}");

    for token in [
        json!({ "token_type": "DPoP" }),
        json!({ "access_token": null }),
        json!({ "access_token": 7 }),
    ] {
        web.control(&json!({ "token": token })).await;
        let login = start(&web.config(), &tokens).await.unwrap();
        let target = agree(&login).await;
        let error = login.finish(&target).await.unwrap_err();
        assert!(
            matches!(error, LoginError::Token { .. }),
            "{token}: {error}"
        );
        assert!(!error.to_string().contains("access-"), "{error}");
    }
    assert_eq!(kept(&tokens, &web), None);
}
