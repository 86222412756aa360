//! A registry of OCI artifacts: what is pushed there and pulled from there, both bounded and held to their digests. What an
//! artifact of a component looks like is `artifact`'s, who signed it `signature`'s, and what a skill is not known here.
//!
//! How it is spoken to is ours (`http`, `upload`): the crate for it reads answers of any size, and breaks on some of them.
//! Its references are used.

mod artifact;
mod base64;
mod credentials;
mod http;
pub(crate) mod key;
mod signature;
mod upload;

use std::time::Duration;

use oci_client::Reference;
use witgate_codegen::text::shown;
use witgate_host::program::MAX_COMPONENT_BYTES;

use crate::failure::{Failure, Kind, chain};
pub(crate) use artifact::{Artifact, Pulled};
use http::Http;
use key::{PrivateKey, PublicKey};

/// Longest time for pushing or pulling one artifact.
const LONGEST: Duration = Duration::from_secs(300);
const CONNECT: Duration = Duration::from_secs(10);
/// Longest silence of a registry.
const SILENCE: Duration = Duration::from_secs(30);
/// The characters of others that a message shows.
const SHOWN: usize = 300;

/// Where an artifact lies, and how it is reached.
pub(crate) struct Place {
    reference: Reference,
    /// Plain HTTP, to this very machine.
    insecure: bool,
}

/// Why an artifact cannot be pushed or pulled.
#[derive(Debug)]
pub(crate) enum RegistryError {
    /// What was given names no artifact.
    Reference { given: String, why: String },
    /// Plain HTTP leaves the machine.
    NotLoopback(String),
    /// Nothing answers there.
    Unreachable { host: String, why: String },
    /// It does not end.
    Slow { host: String },
    /// The registry wants somebody else.
    Unauthorized {
        host: String,
        why: String,
        hint: Option<String>,
    },
    /// Docker's file of credentials cannot be used.
    Credentials { path: String, why: String },
    /// There is none.
    NotFound(String),
    /// Anything else that it answers.
    Answer { host: String, why: String },
    /// It is something else than a component.
    NotAComponent { reference: String, why: String },
    /// Larger than anybody reads.
    TooLarge { what: String, most: usize },
    /// What came is not what the digest says.
    Tampered {
        what: String,
        expected: String,
        found: String,
    },
    /// Nobody signed it.
    Unsigned { reference: String, digest: String },
    /// None of its signatures is by this key.
    OtherKey { digest: String, signatures: usize },
    /// The key signed something else.
    SignedElse { digest: String, why: String },
    /// A file is no key.
    Key {
        path: String,
        why: String,
        hint: String,
    },
    /// A file cannot be written.
    Io {
        path: String,
        source: std::io::Error,
    },
}

impl std::error::Error for RegistryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RegistryError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl std::fmt::Display for RegistryError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RegistryError::Reference { given, why } => {
                write!(out, "`{}` names no artifact: {why}", shown(given))
            }
            RegistryError::NotLoopback(host) => write!(
                out,
                "`--insecure` is for a registry on this machine, and `{host}` is none"
            ),
            RegistryError::Unreachable { host, why } => {
                write!(out, "cannot reach the registry `{host}`: {why}")
            }
            RegistryError::Slow { host } => write!(
                out,
                "the registry `{host}` takes more than {} s",
                LONGEST.as_secs()
            ),
            RegistryError::Unauthorized { host, why, .. } => {
                write!(
                    out,
                    "the registry `{host}` does not let this through: {why}"
                )
            }
            RegistryError::Credentials { path, why } => write!(out, "cannot use `{path}`: {why}"),
            RegistryError::NotFound(reference) => write!(out, "there is no `{reference}`"),
            RegistryError::Answer { host, why } => {
                write!(
                    out,
                    "the registry `{host}` answers what it should not: {why}"
                )
            }
            RegistryError::NotAComponent { reference, why } => {
                write!(out, "`{reference}` is no WebAssembly component: {why}")
            }
            RegistryError::TooLarge { what, most } => {
                write!(out, "{what} is larger than the {most} bytes that are read")
            }
            RegistryError::Tampered {
                what,
                expected,
                found,
            } => write!(
                out,
                "{what} is not what it should be: expected {expected}, got {found}"
            ),
            RegistryError::Unsigned { reference, digest } => {
                write!(out, "nobody signed `{reference}` ({digest})")
            }
            RegistryError::OtherKey { digest, signatures } => {
                let of = match signatures {
                    1 => "its signature is not".to_owned(),
                    n => format!("none of its {n} signatures is"),
                };
                write!(out, "{of} by this key ({digest})")
            }
            RegistryError::SignedElse { digest, why } => {
                write!(out, "the key signed something else than {digest}: {why}")
            }
            RegistryError::Key { path, why, .. } => {
                write!(out, "cannot use the key `{path}`: {why}")
            }
            RegistryError::Io { path, .. } => write!(out, "cannot write `{path}`"),
        }
    }
}

impl RegistryError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            RegistryError::Reference { .. } => {
                "write HOST/REPOSITORY:TAG, to pull also HOST/REPOSITORY@sha256:DIGEST".to_owned()
            }
            RegistryError::NotLoopback(_) => {
                "leave `--insecure` out: other registries are reached over HTTPS".to_owned()
            }
            RegistryError::Unreachable { .. } => {
                "check the host's name and port; a registry on this machine that speaks plain HTTP needs `--insecure`, and a certificate authority of your own goes into the file that `SSL_CERT_FILE` names".to_owned()
            }
            RegistryError::Slow { .. } => "try again later".to_owned(),
            RegistryError::Unauthorized { hint: Some(hint), .. } => hint.clone(),
            RegistryError::Unauthorized { host, .. } => {
                format!("log in first: `docker login {host}`, or ask for the right to this repository")
            }
            RegistryError::Credentials { .. } => {
                "mend the file, or name the folder of another one in `DOCKER_CONFIG`".to_owned()
            }
            RegistryError::NotFound(_) => "check the repository and the tag".to_owned(),
            RegistryError::Answer { .. } => {
                "check that the address is that of a registry of OCI artifacts".to_owned()
            }
            RegistryError::NotAComponent { .. } => {
                "pull what `witgate skills push` pushed, or another artifact of the Wasm OCI layout".to_owned()
            }
            RegistryError::TooLarge { .. } => "nothing was kept; ask whoever pushed it".to_owned(),
            RegistryError::Tampered { .. } => {
                "nothing was kept: do not trust this registry with it, and tell whoever runs it".to_owned()
            }
            RegistryError::Unsigned { .. } => {
                "ask its maker to push it with `--key`; `--unsigned` takes it from whoever can write to the registry".to_owned()
            }
            RegistryError::OtherKey { .. } => {
                "ask its maker for the right public key; somebody else may have pushed this one".to_owned()
            }
            RegistryError::SignedElse { .. } => {
                "nothing was kept: a signature was taken from elsewhere; ask whoever pushed it".to_owned()
            }
            RegistryError::Key { hint, .. } => hint.clone(),
            RegistryError::Io { .. } => "check the folder's owner and free space".to_owned(),
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Failure {
        let kind = match &error {
            RegistryError::Reference { .. }
            | RegistryError::NotLoopback(_)
            | RegistryError::NotFound(_)
            | RegistryError::Key { .. }
            | RegistryError::Io { .. } => Kind::Usage,
            RegistryError::Credentials { .. } => Kind::Configuration,
            RegistryError::Unreachable { .. }
            | RegistryError::Slow { .. }
            | RegistryError::Answer { .. } => Kind::Unavailable,
            RegistryError::TooLarge { .. } => Kind::Limit,
            RegistryError::NotAComponent { .. } => Kind::Program,
            RegistryError::Unauthorized { .. }
            | RegistryError::Tampered { .. }
            | RegistryError::Unsigned { .. }
            | RegistryError::OtherKey { .. }
            | RegistryError::SignedElse { .. } => Kind::Refused,
        };
        Failure::new(kind, chain(&error)).hint(error.hint())
    }
}

/// Where a pushed artifact is.
#[derive(Debug)]
pub(crate) struct Pushed {
    /// `HOST/REPOSITORY@sha256:...`: these very bytes.
    pub(crate) pinned: String,
}

impl Place {
    /// Reads `HOST/REPOSITORY[:TAG][@DIGEST]`.
    pub(crate) fn parse(given: &str, insecure: bool) -> Result<Place, RegistryError> {
        let wrong = |why: &str| RegistryError::Reference {
            given: given.to_owned(),
            why: why.to_owned(),
        };
        let reference: Reference = given.parse().map_err(|e| wrong(&format!("{e}")))?;
        // Without a host it would go to a registry that nobody named.
        let host = given.split('/').next().unwrap_or_default();
        if host == given || !(host == "localhost" || host.contains(['.', ':'])) {
            return Err(wrong("it begins with no host"));
        }
        if reference
            .digest()
            .is_some_and(|digest| !digest.starts_with("sha256:"))
        {
            return Err(wrong("its digest is no SHA-256"));
        }
        if insecure && !is_loopback(reference.registry()) {
            return Err(RegistryError::NotLoopback(shown(reference.registry())));
        }
        Ok(Place {
            reference,
            insecure,
        })
    }

    /// The last part of the repository: what a skill in it may be called.
    pub(crate) fn last_part(&self) -> &str {
        let repository = self.reference.repository();
        repository.rsplit('/').next().unwrap_or(repository)
    }

    fn host(&self) -> &str {
        self.reference.resolve_registry()
    }

    /// `HOST/REPOSITORY`, as signatures name it.
    fn repository(&self) -> String {
        repository(&self.reference)
    }

    /// Pushes a component and, where there is a key, its signature. The tag is written last: who pulls by it finds all.
    pub(crate) async fn push(
        &self,
        artifact: &Artifact<'_>,
        key: Option<&PrivateKey>,
    ) -> Result<Pushed, RegistryError> {
        if self.reference.digest().is_some() {
            return Err(RegistryError::Reference {
                given: self.reference.whole(),
                why: "a push goes to a tag, its digest comes of what is pushed".to_owned(),
            });
        }
        within(self, async {
            // An upload may be silent for as long as it takes.
            let mut http = Http::new(self, None)?;
            http.log_in("pull,push").await?;
            let pack = artifact.pack();
            for blob in [pack.config, pack.component] {
                http.put_blob(blob).await?;
            }
            if let Some(key) = key {
                let earlier = signature::earlier(&http, &pack.digest).await?;
                let signed = signature::sign(key, &self.repository(), &pack.digest, earlier)?;
                for blob in [signed.config, signed.payload] {
                    http.put_blob(blob).await?;
                }
                let tag = signature::tag(&pack.digest);
                http.put_manifest(&tag, signed.manifest).await?;
            }
            let tag = self.reference.tag().unwrap_or("latest");
            http.put_manifest(tag, pack.manifest).await?;
            let pinned = format!("{}@{}", self.repository(), pack.digest);
            Ok(Pushed { pinned })
        })
        .await
    }

    /// Pulls a component. With a key it is one that the key signed, for this repository.
    pub(crate) async fn pull(&self, key: Option<&PublicKey>) -> Result<Pulled, RegistryError> {
        within(self, async {
            let mut http = Http::new(self, Some(SILENCE))?;
            http.log_in("pull").await?;
            let wanted = self
                .reference
                .digest()
                .or(self.reference.tag())
                .unwrap_or("latest");
            let manifest = http.manifest(wanted).await?;
            let manifest =
                manifest.ok_or_else(|| RegistryError::NotFound(self.reference.whole()))?;
            let listed = artifact::read(&self.reference.whole(), &manifest.bytes)?;
            // Nothing of it is fetched before it is known whose it is.
            if let Some(key) = key {
                signature::verify(&http, key, &manifest.digest).await?;
            }
            let component = http
                .blob(&listed.component, "the component", MAX_COMPONENT_BYTES)
                .await?;
            Ok(Pulled {
                component,
                pinned: format!("{}@{}", self.repository(), manifest.digest),
                description: listed.description,
            })
        })
        .await
    }
}

/// `HOST/REPOSITORY`, with Docker's own registry by the name that signatures give it.
fn repository(reference: &Reference) -> String {
    format!(
        "{}/{}",
        reference.resolve_registry(),
        reference.repository()
    )
}

/// Whether a registry is this very machine: what goes there in the clear leaves it never.
fn is_loopback(registry: &str) -> bool {
    let host = match registry
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((host, _)) => host,
        None => registry.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// A registry that drips is not waited for.
async fn within<T>(
    place: &Place,
    work: impl Future<Output = Result<T, RegistryError>>,
) -> Result<T, RegistryError> {
    let slow = || RegistryError::Slow {
        host: place.host().to_owned(),
    };
    tokio::time::timeout(LONGEST, work)
        .await
        .unwrap_or_else(|_| Err(slow()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(given: &str, insecure: bool) -> String {
        let error = Place::parse(given, insecure).err();
        error.map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_reference_names_its_host() {
        let place = Place::parse("localhost:5000/team/top-issues:1.0", false).unwrap();
        assert_eq!(place.repository(), "localhost:5000/team/top-issues");
        assert_eq!(place.last_part(), "top-issues");
        let place = Place::parse("docker.io/team/skill", false).unwrap();
        assert_eq!(place.repository(), "index.docker.io/team/skill");
        for given in [
            "top-issues",
            "team/top-issues",
            "top-issues:1.0",
            "test.com:5000",
        ] {
            assert!(
                refused(given, false).contains("begins with no host"),
                "{given}"
            );
        }
        for given in [
            "",
            "a.com/UPPER",
            "a.com/x:y:z",
            "a.com/x@sha256:12",
            "https://a.com/x",
            "a.com/../x",
        ] {
            assert!(
                refused(given, false).contains("names no artifact"),
                "{given}"
            );
        }
        let other = format!("a.com/x@sha512:{}", "0".repeat(128));
        assert!(refused(&other, false).contains("no SHA-256"), "{other}");
    }

    #[test]
    fn nothing_goes_in_the_clear_but_to_this_machine() {
        for given in [
            "localhost:5000/x",
            "127.0.0.1:5000/x",
            "127.1.2.3/x",
            "localhost/x",
        ] {
            assert!(Place::parse(given, true).is_ok(), "{given}");
        }
        for given in [
            "example.com/x",
            "10.0.0.1:5000/x",
            "localhost.example.com/x",
            "127.0.0.1.example.com:80/x",
            "0.0.0.0:5000/x",
        ] {
            assert!(
                refused(given, true).contains("`--insecure` is for"),
                "{given}"
            );
        }
        assert!(is_loopback("[::1]:5000") && is_loopback("[::1]") && !is_loopback("[::2]:80"));
    }
}
