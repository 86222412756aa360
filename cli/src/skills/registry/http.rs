//! Reading from a registry: who asks, manifests and blobs, each held to its digest and to a size. Redirects are followed as
//! registries send them to where their blobs lie; credentials stay behind.

use std::sync::Once;
use std::time::Duration;

use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use reqwest::header::{ACCEPT, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use witgate_codegen::text::shown;

use super::artifact::{Blob, digest};
use super::credentials::{self, Found};
use super::{CONNECT, Place, RegistryError, SHOWN, is_loopback};
use crate::failure::chain;
use crate::skills::one_line;

/// Most redirects of one request.
const REDIRECTS: usize = 10;
/// Largest manifest, and largest answer about a token, in bytes.
const MAX_MANIFEST: usize = 256 << 10;
const MAX_TOKEN: usize = 64 << 10;
/// Lists and older manifests are asked for as well, so that they can be told from nothing.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// A registry, spoken to for one repository.
pub(super) struct Http<'a> {
    place: &'a Place,
    client: reqwest::Client,
    auth: RegistryAuth,
}

/// A manifest as it was sent.
pub(super) struct Fetched {
    pub(super) bytes: Vec<u8>,
    /// `sha256:...` of these bytes.
    pub(super) digest: String,
}

/// What a registry asks for before it answers.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

/// TLS by ring, unless this process has chosen another one before.
fn prepare_tls() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

impl<'a> Http<'a> {
    /// `silence` is how long the registry may say nothing.
    pub(super) fn new(
        place: &'a Place,
        silence: Option<Duration>,
    ) -> Result<Http<'a>, RegistryError> {
        prepare_tls();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(Policy::custom(|attempt| {
                match is_private(attempt.url()) && attempt.previous().len() < REDIRECTS {
                    true => attempt.follow(),
                    false => attempt.stop(),
                }
            }))
            .user_agent(concat!("witgate/", env!("CARGO_PKG_VERSION")))
            .https_only(!place.insecure);
        if let Some(silence) = silence {
            builder = builder.read_timeout(silence);
        }
        if place.insecure {
            // No certificate is needed, and no proxy is asked for this machine.
            builder = builder.tls_certs_only([]).no_proxy();
        }
        let client = builder.build().map_err(|e| RegistryError::Unreachable {
            host: place.host().to_owned(),
            why: chain(&e),
        })?;
        Ok(Http {
            place,
            client,
            auth: RegistryAuth::Anonymous,
        })
    }

    pub(super) fn reference(&self) -> &Reference {
        &self.place.reference
    }

    /// A request to the registry for a path below its repository, as who asks.
    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, RegistryError> {
        let url = self.url(&format!("{}/{path}", self.place.reference.repository()))?;
        Ok(authorized(self.client.request(method, url), &self.auth))
    }

    /// A request to where the registry sends: as who asks, if that is the registry itself.
    pub(super) fn request_to(
        &self,
        method: Method,
        url: Url,
    ) -> Result<RequestBuilder, RegistryError> {
        let is_same = self.url("")?.origin() == url.origin();
        let request = self.client.request(method, url);
        Ok(match is_same {
            true => authorized(request, &self.auth),
            false => request,
        })
    }

    /// Asks the registry what it wants to know of who asks, and gets it. `actions` are what will be done: `pull,push`.
    pub(super) async fn log_in(&mut self, actions: &str) -> Result<(), RegistryError> {
        let answer = self.send(self.client.get(self.url("")?)).await?;
        match answer.status() {
            StatusCode::OK => return Ok(()),
            StatusCode::UNAUTHORIZED => {}
            _ => return Err(self.explain(answer).await),
        }
        let asked = answer.headers().get_all(WWW_AUTHENTICATE).iter();
        let asked: Vec<Challenge> = asked
            .filter_map(|value| challenge(value.to_str().ok()?))
            .collect();
        let found = credentials::find(&self.place.reference)?;
        let bearer = asked
            .iter()
            .find(|asked| matches!(asked, Challenge::Bearer { .. }));
        self.auth = match bearer.or(asked.first()) {
            Some(Challenge::Bearer { realm, service }) => {
                let token = self
                    .token(realm, service.as_deref(), actions, &found)
                    .await?;
                RegistryAuth::Bearer(token)
            }
            Some(Challenge::Basic) if found.auth == RegistryAuth::Anonymous => {
                return Err(self.unauthorized("it asks for a name and a password", Some(&found)));
            }
            Some(Challenge::Basic) => found.auth,
            None => {
                return Err(self.unauthorized("it asks for something that is not known here", None));
            }
        };
        Ok(())
    }

    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        actions: &str,
        found: &Found,
    ) -> Result<String, RegistryError> {
        let mut url = Url::parse(realm)
            .map_err(|_| self.wrong("it sends those who ask to an address that is none"))?;
        if !is_private(&url) || (url.scheme() == "http" && !self.place.insecure) {
            return Err(
                self.wrong("it asks for credentials over a connection that others can read")
            );
        }
        let repository = self.place.reference.repository();
        let scope = format!("repository:{repository}:{actions}");
        url.query_pairs_mut().append_pair("scope", &scope);
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let answer = self
            .send(authorized(self.client.get(url), &found.auth))
            .await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(self.unauthorized("it takes other credentials", Some(found)));
            }
            _ => return Err(self.explain(answer).await),
        }
        let text = self
            .whole(answer, MAX_TOKEN, "the answer about a token")
            .await?;
        let answer = serde_json::from_slice::<TokenAnswer>(&text).ok();
        let token = answer.and_then(|answer| answer.token.or(answer.access_token));
        // It goes into a header.
        token
            .filter(|token| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()))
            .ok_or_else(|| self.wrong("it answers with no token"))
    }

    /// A manifest by tag or digest; `None` where there is none.
    pub(super) async fn manifest(&self, wanted: &str) -> Result<Option<Fetched>, RegistryError> {
        let request = self.request(Method::GET, &format!("manifests/{wanted}"))?;
        let answer = self.send(request.header(ACCEPT, MANIFESTS)).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(self.explain(answer).await),
        }
        let said = answer.headers().get("docker-content-digest");
        let said = said
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let bytes = self.whole(answer, MAX_MANIFEST, "the manifest").await?;
        let digest = digest(&bytes);
        let is_sha256 = |expected: &String| expected.starts_with("sha256:");
        let wanted = Some(wanted.to_owned()).filter(is_sha256);
        for expected in wanted.into_iter().chain(said.filter(is_sha256)) {
            same("the manifest", &expected, &digest)?;
        }
        Ok(Some(Fetched { bytes, digest }))
    }

    /// The bytes behind a descriptor, at most `most` of them.
    pub(super) async fn blob(
        &self,
        blob: &Blob,
        what: &str,
        most: usize,
    ) -> Result<Vec<u8>, RegistryError> {
        if usize::try_from(blob.size).map_or(true, |size| size > most) {
            return Err(RegistryError::TooLarge {
                what: what.to_owned(),
                most,
            });
        }
        let request = self.request(Method::GET, &format!("blobs/{}", blob.digest))?;
        let answer = self.send(request).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                return Err(self.wrong(&format!("it lists {what} and does not have it")));
            }
            _ => return Err(self.explain(answer).await),
        }
        let bytes = self.whole(answer, most, what).await?;
        same(what, &blob.digest, &digest(&bytes))?;
        Ok(bytes)
    }

    pub(super) fn url(&self, path: &str) -> Result<Url, RegistryError> {
        let scheme = if self.place.insecure { "http" } else { "https" };
        let url = format!("{scheme}://{}/v2/{path}", self.place.host());
        Url::parse(&url).map_err(|e| RegistryError::Reference {
            given: self.place.reference.whole(),
            why: e.to_string(),
        })
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, RegistryError> {
        request.send().await.map_err(|e| self.broken(e))
    }

    /// All of a body, if it is at most so many bytes.
    async fn whole(
        &self,
        mut answer: Response,
        most: usize,
        what: &str,
    ) -> Result<Vec<u8>, RegistryError> {
        let large = || RegistryError::TooLarge {
            what: what.to_owned(),
            most,
        };
        if answer
            .content_length()
            .is_some_and(|length| length > most as u64)
        {
            return Err(large());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| self.broken(e))? {
            if bytes.len() + chunk.len() > most {
                return Err(large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn broken(&self, error: reqwest::Error) -> RegistryError {
        RegistryError::Unreachable {
            host: self.place.host().to_owned(),
            why: one_line(&chain(&error.without_url()), SHOWN),
        }
    }

    pub(super) fn wrong(&self, why: &str) -> RegistryError {
        RegistryError::Answer {
            host: self.place.host().to_owned(),
            why: why.to_owned(),
        }
    }

    fn unauthorized(&self, why: &str, found: Option<&Found>) -> RegistryError {
        let host = self.place.host();
        let hint = found.and_then(|found| found.helper.as_deref()).map(|helper| {
            format!(
                "the credentials are with the helper `{}`, which is not asked: `docker login {host}` with a `config.json` without `credsStore`, in a folder of its own that `DOCKER_CONFIG` names, writes them there",
                shown(helper)
            )
        });
        RegistryError::Unauthorized {
            host: host.to_owned(),
            why: why.to_owned(),
            hint,
        }
    }

    /// An answer that is an error, with the beginning of what it says.
    pub(super) async fn explain(&self, mut answer: Response) -> RegistryError {
        let status = answer.status();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return self.unauthorized(&format!("HTTP {}", status.as_u16()), None);
        }
        let said = answer.chunk().await.ok().flatten().unwrap_or_default();
        let said = String::from_utf8_lossy(said.get(..SHOWN).unwrap_or(&said)).into_owned();
        self.wrong(&format!(
            "HTTP {} {}",
            status.as_u16(),
            one_line(&said, SHOWN)
        ))
    }
}

/// Whether nobody between here and there can read along.
pub(super) fn is_private(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => url.host_str().is_some_and(is_loopback),
        _ => false,
    }
}

fn same(what: &str, expected: &str, found: &str) -> Result<(), RegistryError> {
    if expected == found {
        return Ok(());
    }
    Err(RegistryError::Tampered {
        what: what.to_owned(),
        expected: shown(expected),
        found: found.to_owned(),
    })
}

fn authorized(request: RequestBuilder, auth: &RegistryAuth) -> RequestBuilder {
    match auth {
        RegistryAuth::Anonymous => request,
        RegistryAuth::Basic(user, password) => request.basic_auth(user, Some(password)),
        RegistryAuth::Bearer(token) => request.bearer_auth(token),
    }
}

/// `Bearer realm="...",service="..."` or `Basic realm="..."`; `None` for what is neither.
fn challenge(text: &str) -> Option<Challenge> {
    let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service) = (None, None);
    let mut rest = rest.trim_start();
    while let Some((key, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value.to_owned()),
            "service" => service = Some(value.to_owned()),
            _ => {}
        }
        rest = after.trim_start_matches([',', ' ']);
    }
    Some(Challenge::Bearer {
        realm: realm?,
        service,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn challenges() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.to_owned(),
                service: service.map(str::to_owned),
            })
        };
        assert_eq!(
            challenge("Bearer realm=\"https://auth.a.com/token\",service=\"a.com\",scope=\"x,y\""),
            bearer("https://auth.a.com/token", Some("a.com"))
        );
        assert_eq!(
            challenge("bearer service=a, realm=https://a/t?x=1"),
            bearer("https://a/t?x=1", Some("a"))
        );
        assert_eq!(challenge("Basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(challenge("Basic"), Some(Challenge::Basic));
        for text in [
            "",
            "Bearer",
            "Bearer realm=\"never closed",
            "Bearer service=\"x\"",
            "Negotiate",
            "=,=,=",
        ] {
            assert_eq!(challenge(text), None, "{text}");
        }
    }
}
