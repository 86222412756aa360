//! What becomes of tokens: renewed once for all who wait, taken over from others, given up where only a person helps.

use super::*;
use crate::config::GrantType;

/// How often a token was bought.
async fn bought(web: &Web, grant: &str) -> usize {
    let asked = web.asked("/token").await;
    asked
        .iter()
        .filter(|entry| entry["body"]["grant_type"] == grant)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_once_for_all_calls() {
    let web = Web::new(&json!({ "secret": "given-secret-1" }));
    let folder = tempfile::tempdir().unwrap();
    let (config, tokens) = (web.config(), tokens(folder.path()));
    let first = log_in(&config, &tokens).await;
    let client = connect(&config, &tokens).await.unwrap();
    web.control(&json!({ "forget": true })).await;
    let calls = (0..12).map(|_| whoami(&client));
    let said = futures::future::join_all(calls).await;
    let renewed = kept(&tokens, &web).unwrap();
    assert!(said.iter().all(|token| *token == renewed.access_token));
    assert_ne!(first.access_token, renewed.access_token);
    assert_ne!(first.refresh_token, renewed.refresh_token);
    assert_eq!(bought(&web, "refresh_token").await, 1);
    // What was registered stays, and what the login knew.
    assert_eq!(
        (
            first.client_id,
            first.client_secret,
            first.challenge,
            first.issuer
        ),
        (
            renewed.client_id,
            renewed.client_secret,
            renewed.challenge,
            renewed.issuer
        )
    );
    let resource = &web.asked("/token").await[1]["body"]["resource"];
    assert_eq!(*resource, web.url());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_over_is_renewed_before_it_is_sent() {
    let web = Web::new(&json!({ "expires_in": 5 }));
    let folder = tempfile::tempdir().unwrap();
    let (config, tokens) = (web.config(), tokens(folder.path()));
    let old = log_in(&config, &tokens).await.access_token;
    web.control(&json!({ "expires_in": 3600 })).await;
    let client = connect(&config, &tokens).await.unwrap();
    assert_ne!(whoami(&client).await, old);
    let sent = web.asked("/mcp").await;
    let sent = sent
        .iter()
        .filter(|entry| entry["authorization"] == format!("Bearer {old}"));
    assert_eq!((sent.count(), bought(&web, "refresh_token").await), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_nobody_waits_for_any_more_is_kept() {
    let web = Web::new(&json!({}));
    let folder = tempfile::tempdir().unwrap();
    let (config, tokens) = (web.config(), tokens(folder.path()));
    let first = log_in(&config, &tokens).await;
    let client = connect(&config, &tokens).await.unwrap();
    web.control(&json!({ "forget": true, "delays": { "/token": 1 } }))
        .await;
    let deadline = Instant::now() + Duration::from_millis(300);
    let late = client.call("whoami", Map::new(), deadline).await;
    assert!(matches!(late, Err(ServerError::Timeout { .. })), "{late:?}");
    client.close().await;
    for _ in 0..100 {
        if kept(&tokens, &web) != Some(first.clone()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let client = connect(&config, &tokens).await.unwrap();
    assert_ne!(whoami(&client).await, first.access_token);
    assert_eq!(bought(&web, "refresh_token").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_renewed_or_a_person_logged_in_to_is_taken_over() {
    let web = Web::new(&json!({}));
    let folder = tempfile::tempdir().unwrap();
    let (config, tokens) = (web.config(), tokens(folder.path()));
    log_in(&config, &tokens).await;
    let (one, two) = (
        connect(&config, &tokens).await.unwrap(),
        connect(&config, &tokens).await.unwrap(),
    );
    web.control(&json!({ "forget": true })).await;
    assert_eq!(whoami(&one).await, whoami(&two).await);
    assert_eq!(bought(&web, "refresh_token").await, 1);
    // The session goes on after a logout and a login elsewhere.
    web.control(&json!({ "forget": true })).await;
    let fresh = log_in(&config, &tokens).await;
    assert_eq!(whoami(&one).await, fresh.access_token);
    assert_eq!(bought(&web, "refresh_token").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_is_not_undone_by_a_session_that_goes_on() {
    let web = Web::new(&json!({ "scopes": { "tools/call": "call" } }));
    let folder = tempfile::tempdir().unwrap();
    let (config, tokens) = (web.config(), tokens(folder.path()));
    log_in(&config, &tokens).await;
    let client = connect(&config, &tokens).await.unwrap();
    assert!(tokens.0.remove("s", &web.url()).unwrap());
    // Neither by what it would note, nor by a renewal.
    for forget in [false, true] {
        web.control(&json!({ "forget": forget })).await;
        let error = call(&client, "whoami").await.unwrap_err();
        assert!(
            matches!(&error, ServerError::Unauthorized { .. }),
            "{error:?}"
        );
        assert_eq!(kept(&tokens, &web), None);
    }
    assert_eq!(bought(&web, "refresh_token").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_renewed_says_to_log_in_and_is_not_tried_again() {
    let web = Web::new(&json!({}));
    let folder = tempfile::tempdir().unwrap();
    let (config, tokens) = (web.config(), tokens(folder.path()));
    let first = log_in(&config, &tokens).await;
    let client = connect(&config, &tokens).await.unwrap();
    let dead = json!([400, {}, { "error": "invalid_grant" }]);
    web.control(&json!({ "forget": true, "answers": { "/token": dead } }))
        .await;
    for _ in 0..3 {
        let error = call(&client, "whoami").await.unwrap_err();
        assert!(
            matches!(&error, ServerError::Unauthorized { .. }),
            "{error:?}"
        );
        assert!(!error.to_string().contains(&first.access_token));
    }
    assert_eq!(web.asked("/token").await.len(), 2);
    assert_eq!(kept(&tokens, &web).unwrap().refresh_token, None);
    // Another failure is told, and does not cost the refresh token.
    web.control(&json!({ "answers": {} })).await;
    let fresh = log_in(&config, &tokens).await;
    let broken = json!([500, {}, { "error": "x" }]);
    web.control(&json!({ "forget": true, "answers": { "/token": broken } }))
        .await;
    let error = call(&client, "whoami").await.unwrap_err();
    assert!(
        error.to_string().contains("could not be renewed"),
        "{error}"
    );
    assert_eq!(
        kept(&tokens, &web).unwrap().refresh_token,
        fresh.refresh_token
    );
    web.control(&json!({ "answers": {} })).await;
    whoami(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authorization_server_gets_nothing_of_the_first() {
    let web = Web::new(&json!({}));
    let folder = tempfile::tempdir().unwrap();
    let (config, tokens) = (web.config(), tokens(folder.path()));
    let first = log_in(&config, &tokens).await;
    let other = Web::new(&json!({}));
    web.control(&json!({ "forget": true, "prm": { "authorization_servers": [other.1] } }))
        .await;
    let client = connect(&config, &tokens).await;
    assert!(matches!(
        client.err(),
        Some(ServerError::Unauthorized { .. })
    ));
    assert_eq!(other.asked("/token").await.len(), 0);
    let login = start(&config, &tokens).await.unwrap();
    assert!(login.url().starts_with(&other.1));
    assert_ne!(query(&login, "client_id"), Some(first.client_id));
    assert_eq!(other.asked("/register").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_does_not_reach_is_widened_by_the_next() {
    let web = Web::new(
        &json!({ "scopes": { "tools/list": "list", "tools/call": "call" },
        "open": ["initialize", "server/discover", "notifications/initialized"],
        "metadata": { "scopes_supported": ["list", "call", "offline_access"] } }),
    );
    let folder = tempfile::tempdir().unwrap();
    let (config, tokens) = (web.config(), tokens(folder.path()));
    let login = start(&config, &tokens).await.unwrap();
    assert_eq!(
        query(&login, "scope").as_deref(),
        Some("list offline_access")
    );
    let target = agree(&login).await;
    login.finish(&target).await.unwrap();
    let client = connect(&config, &tokens).await.unwrap();
    client.tools().await.unwrap();
    let error = call(&client, "whoami").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "server `s` asks for authorization: the login is not good for `call`"
    );
    assert_eq!(kept(&tokens, &web).unwrap().wanted, ["call"]);
    // Nothing is bought for it: only a person can widen a login.
    assert_eq!(bought(&web, "refresh_token").await, 0);
    let login = start(&config, &tokens).await.unwrap();
    assert_eq!(
        query(&login, "scope").as_deref(),
        Some("list offline_access call")
    );
    let target = agree(&login).await;
    login.finish(&target).await.unwrap();
    whoami(&client).await;
    assert!(kept(&tokens, &web).unwrap().wanted.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_secret_logs_in_by_itself() {
    let web = Web::new(
        &json!({ "scopes": { "tools/call": "call" }, "prm": { "scopes_supported": ["list"] } }),
    );
    let oauth = Oauth {
        client_id: Some("robot".to_owned()),
        client_secret: Some("hunter2-hunter2".to_owned()),
        grant_type: GrantType::ClientCredentials,
        ..Oauth::default()
    };
    let config = config(&web.url(), oauth);
    let folder = tempfile::tempdir().unwrap();
    let tokens = tokens(folder.path());
    let client = connect(&config, &tokens).await.unwrap();
    client.tools().await.unwrap();
    assert_eq!(bought(&web, "client_credentials").await, 1);
    // A wider token for the call that needs it, and no end of asking where that does not help.
    whoami(&client).await;
    let asked = web.asked("/token").await;
    assert_eq!(asked[1]["body"]["scope"], "list call");
    assert_eq!(asked[1]["body"]["resource"], web.url());
    web.control(&json!({ "forget": true, "cap": ["list"], "scopes": { "tools/call": "more" } }))
        .await;
    let before = bought(&web, "client_credentials").await;
    for _ in 0..5 {
        let error = call(&client, "whoami").await.unwrap_err();
        assert!(error.to_string().contains("not good for `more`"), "{error}");
    }
    // For the forgotten token, and for the scope that it does not get.
    assert_eq!(bought(&web, "client_credentials").await, before + 2);
    // Nothing of it is kept, and a person has nothing to do.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let error = start(&config, &tokens).await.unwrap_err();
    assert!(matches!(error, LoginError::ByItself { .. }), "{error}");
}
