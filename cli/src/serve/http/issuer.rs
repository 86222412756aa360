//! Tokens of an authorization server: signed by its keys, for this server, and not expired. Its keys are fetched once, and again when
//! a token names one that is not known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::Client;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::failure::{Failure, Kind, chain};

/// Algorithms whose keys are public: with a shared secret, whoever can check a token can make one.
const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// How often keys are fetched at most, how long that may take, and how much is read.
const REST: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(10);
const DOCUMENT: usize = 1 << 20;

/// An authorization server, and the resource that its tokens have to be for.
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) resource: String,
    client: Client,
    keys_url: String,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    known: Arc<Vec<jsonwebtoken::jwk::Jwk>>,
    fetched: Option<Instant>,
}

impl Issuer {
    /// Finds out where an authorization server keeps its keys.
    pub(crate) async fn discover(url: &str, resource: &str) -> Result<Issuer, Failure> {
        let failed = |why: String| {
            Failure::new(
                Kind::Configuration,
                format!("the authorization server cannot be used: {why}"),
            )
            .hint("give its issuer URL, for example https://login.example.com")
        };
        if !is_safe(url) {
            return Err(failed("it is not reached over https".to_owned()));
        }
        let client = witgate_host::mcp::http_client(url).map_err(|e| failed(chain(&e)))?;
        let issuer = url.trim_end_matches('/');
        // RFC 8414 puts the well-known part before the path, OpenID Connect behind it.
        let (origin, path) = split(issuer);
        let places = [
            format!("{origin}/.well-known/oauth-authorization-server{path}"),
            format!("{origin}/.well-known/openid-configuration{path}"),
            format!("{issuer}/.well-known/openid-configuration"),
        ];
        let mut last = "it publishes no metadata".to_owned();
        for place in places {
            let metadata = match fetch(&client, &place).await {
                Ok(metadata) => metadata,
                Err(why) => {
                    last = why;
                    continue;
                }
            };
            let named = metadata["issuer"].as_str().unwrap_or("");
            if named.trim_end_matches('/') != issuer {
                return Err(failed("its metadata names another issuer".to_owned()));
            }
            let Some(keys_url) = metadata["jwks_uri"].as_str() else {
                return Err(failed("its metadata has no `jwks_uri`".to_owned()));
            };
            if !is_safe(keys_url) {
                return Err(failed("its keys are not reached over https".to_owned()));
            }
            return Ok(Issuer {
                url: named.to_owned(),
                resource: resource.to_owned(),
                client,
                keys_url: keys_url.to_owned(),
                keys: Mutex::default(),
            });
        }
        Err(failed(last))
    }

    /// Where the metadata of the resource is, beside the resource.
    pub(crate) fn metadata_url(&self, well_known: &str) -> String {
        let (origin, path) = split(&self.resource);
        format!("{origin}{well_known}{path}")
    }

    /// Whether a token is good here and now.
    pub(crate) async fn accepts(&self, token: &str) -> bool {
        let Ok(header) = decode_header(token) else {
            return false;
        };
        if !ALGORITHMS.contains(&header.alg) {
            return false;
        }
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.url]);
        validation.set_audience(&[&self.resource]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        for fresh in [false, true] {
            for key in self.keys(fresh).await.iter() {
                let named = header.kid.is_none() || key.common.key_id == header.kid;
                if !named {
                    continue;
                }
                let Ok(key) = DecodingKey::from_jwk(key) else {
                    continue;
                };
                if decode::<Value>(token, &key, &validation).is_ok() {
                    return true;
                }
            }
        }
        false
    }

    async fn keys(&self, fresh: bool) -> Arc<Vec<jsonwebtoken::jwk::Jwk>> {
        let mut keys = self.keys.lock().await;
        let may_fetch = keys.fetched.is_none_or(|fetched| fetched.elapsed() > REST);
        if may_fetch && (fresh || keys.fetched.is_none()) {
            keys.fetched = Some(Instant::now());
            if let Ok(set) = fetch(&self.client, &self.keys_url).await
                && let Ok(set) = serde_json::from_value::<JwkSet>(set)
            {
                keys.known = Arc::new(set.keys);
            }
        }
        Arc::clone(&keys.known)
    }
}

/// Encrypted, or of this machine.
fn is_safe(url: &str) -> bool {
    let (origin, _) = split(url);
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let is_local = |local: &str| {
        let port = origin.strip_prefix(local);
        port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
    };
    origin.starts_with("https://") || local.iter().any(|name| is_local(name))
}

fn split(url: &str) -> (&str, &str) {
    let start = url.find("://").map_or(0, |at| at + 3);
    match url[start..].find('/') {
        Some(at) => url.split_at(start + at),
        None => (url, ""),
    }
}

async fn fetch(client: &Client, url: &str) -> Result<Value, String> {
    let fetching = async {
        let response = client
            .get(url)
            .header("accept", "application/json")
            .send()
            .await;
        let mut response = response.map_err(|e| chain(&e.without_url()))?;
        if !response.status().is_success() {
            return Err(format!(
                "it answers with status {}",
                response.status().as_u16()
            ));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|e| chain(&e.without_url()))?
        {
            if body.len() + chunk.len() > DOCUMENT {
                return Err("its answer is too large".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| "its answer is no JSON".to_owned())
    };
    tokio::time::timeout(PATIENCE, fetching)
        .await
        .unwrap_or_else(|_| Err("it does not answer".to_owned()))
}
