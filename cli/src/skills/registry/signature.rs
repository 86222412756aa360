//! Who signed an artifact: ECDSA P-256 over the payload that cosign signs, kept where cosign keeps it, in an artifact with the
//! tag `sha256-DIGEST.sig`. There are no certificates and no log here. A signature is good for one manifest in one repository:
//! what else lies beside it means nothing.

use oci_client::Reference;
use p256::ecdsa::Signature;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use witgate_codegen::json;
use witgate_codegen::text::shown;

use super::artifact::{self, Blob, MANIFEST, digest};
use super::http::Http;
use super::key::{PrivateKey, PublicKey};
use super::{RegistryError, base64, repository};

const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const ANNOTATION: &str = "dev.cosignproject.cosign/signature";
const KIND: &str = "cosign container image signature";
/// Most signatures of an artifact that are looked at, and the largest payload, in bytes.
const MOST: usize = 32;
const MAX_PAYLOAD: usize = 64 << 10;

/// The payload, as cosign writes it.
#[derive(Serialize, Deserialize)]
struct Payload {
    critical: Critical,
    #[serde(default)]
    optional: Value,
}

#[derive(Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Identity {
    docker_reference: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Image {
    docker_manifest_digest: String,
}

/// What is pushed beside an artifact.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) payload: Vec<u8>,
    pub(super) config: Vec<u8>,
    pub(super) manifest: Vec<u8>,
}

/// The tag under which the signatures of a manifest lie.
pub(super) fn tag(digest: &str) -> String {
    format!("{}.sig", digest.replace(':', "-"))
}

/// The signatures that are there already, if they can be read: another one is added to them.
pub(super) async fn earlier(http: &Http<'_>, digest: &str) -> Result<Vec<Blob>, RegistryError> {
    let Some(fetched) = http.manifest(&tag(digest)).await? else {
        return Ok(Vec::new());
    };
    let manifest = artifact::parse(&fetched.bytes);
    Ok(manifest.map(|manifest| manifest.layers).unwrap_or_default())
}

/// Signs a manifest of a repository, `HOST/REPOSITORY`.
pub(super) fn sign(
    key: &PrivateKey,
    repository: &str,
    manifest: &str,
    earlier: Vec<Blob>,
) -> Result<Signed, RegistryError> {
    let payload = Payload {
        critical: Critical {
            identity: Identity {
                docker_reference: repository.to_owned(),
            },
            image: Image {
                docker_manifest_digest: manifest.to_owned(),
            },
            kind: KIND.to_owned(),
        },
        optional: Value::Null,
    };
    // Strings always serialise.
    let payload = serde_json::to_vec(&payload).unwrap_or_default();
    let signature: Signature = key.0.sign(&payload);
    let signature = base64::encode(signature.to_der().as_bytes());
    let mut layers: Vec<Value> = earlier
        .into_iter()
        .filter(|blob| signature_of(blob) != Some(&signature))
        .map(|blob| {
            json!({ "mediaType": blob.media_type, "digest": blob.digest, "size": blob.size, "annotations": blob.annotations })
        })
        .collect();
    if layers.len() >= MOST {
        return Err(RegistryError::SignedElse {
            digest: manifest.to_owned(),
            why: format!(
                "it has {} signatures already, at most {MOST} are looked at",
                layers.len()
            ),
        });
    }
    layers.push(json!({
        "mediaType": PAYLOAD,
        "digest": digest(&payload),
        "size": payload.len(),
        "annotations": { ANNOTATION: signature },
    }));
    let digests: Vec<&Value> = layers.iter().map(|layer| &layer["digest"]).collect();
    let config = json!({
        "architecture": "",
        "os": "",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": digests },
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": CONFIG, "digest": digest(&config), "size": config.len() },
        "layers": layers,
    });
    Ok(Signed {
        payload,
        config,
        manifest: manifest.to_string().into_bytes(),
    })
}

fn signature_of(blob: &Blob) -> Option<&String> {
    match blob.annotations.as_ref()?.get(ANNOTATION)? {
        Value::String(text) if blob.media_type == PAYLOAD => Some(text),
        _ => None,
    }
}

/// Whether the key signed the manifest with this digest, for the repository that is asked.
pub(super) async fn verify(
    http: &Http<'_>,
    key: &PublicKey,
    manifest: &str,
) -> Result<(), RegistryError> {
    let reference = http.reference();
    let unsigned = || RegistryError::Unsigned {
        reference: reference.whole(),
        digest: manifest.to_owned(),
    };
    let fetched = http.manifest(&tag(manifest)).await?.ok_or_else(unsigned)?;
    let listed = artifact::parse(&fetched.bytes).map_err(|why| RegistryError::NotAComponent {
        reference: format!("{}:{}", repository(reference), tag(manifest)),
        why: format!("it should hold signatures, and {why}"),
    })?;
    let signed: Vec<(&Blob, &String)> = listed
        .layers
        .iter()
        .filter_map(|blob| Some((blob, signature_of(blob)?)))
        .take(MOST)
        .collect();
    if signed.is_empty() {
        return Err(unsigned());
    }
    let mut told = RegistryError::OtherKey {
        digest: manifest.to_owned(),
        signatures: signed.len(),
    };
    for (blob, signature) in signed {
        // One that cannot be fetched or is damaged does not stand in the way of a good one.
        let payload = match http
            .blob(blob, "the payload of a signature", MAX_PAYLOAD)
            .await
        {
            Ok(payload) => payload,
            Err(
                error @ (RegistryError::Tampered { .. }
                | RegistryError::TooLarge { .. }
                | RegistryError::Answer { .. }),
            ) => {
                told = error;
                continue;
            }
            Err(error) => return Err(error),
        };
        match good_for(key, signature, &payload, manifest, reference) {
            Verdict::Good => return Ok(()),
            Verdict::NotByKey => {}
            Verdict::Else(why) => {
                told = RegistryError::SignedElse {
                    digest: manifest.to_owned(),
                    why,
                }
            }
        }
    }
    Err(told)
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    NotByKey,
    /// The key signed it, but it is about something else.
    Else(String),
}

/// Only after the signature is found good the payload is read at all.
fn good_for(
    key: &PublicKey,
    signature: &str,
    payload: &[u8],
    manifest: &str,
    reference: &Reference,
) -> Verdict {
    let signature = base64::decode(signature).and_then(|der| Signature::from_der(&der).ok());
    let is_good = |signature: Signature| key.0.verify(payload, &signature).is_ok();
    if signature.is_none_or(|signature| !is_good(signature)) {
        return Verdict::NotByKey;
    }
    let Ok(payload) = json::read::<Payload>(payload) else {
        return Verdict::Else("what it signed is no payload of a signature".to_owned());
    };
    let Critical {
        identity,
        image,
        kind,
    } = payload.critical;
    if kind != KIND {
        return Verdict::Else(format!("a `{}`", shown(&kind)));
    }
    if image.docker_manifest_digest != manifest {
        return Verdict::Else(format!("`{}`", shown(&image.docker_manifest_digest)));
    }
    let of = |why: &str| Verdict::Else(format!("{why} `{}`", shown(&identity.docker_reference)));
    let Ok(named) = identity.docker_reference.parse::<Reference>() else {
        return of("the repository");
    };
    if repository(&named) != repository(reference) {
        return of("the repository");
    }
    // A tag that was signed is the one that was asked for; without one, any tag may lead there.
    let has_tag = identity
        .docker_reference
        .ends_with(&format!(":{}", named.tag().unwrap_or_default()));
    if has_tag && reference.tag().is_some() && named.tag() != reference.tag() {
        return of("the tag");
    }
    Verdict::Good
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use p256::ecdsa::SigningKey;
    use p256::elliptic_curve::rand_core::OsRng;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn pair() -> (PrivateKey, PublicKey) {
        let key = PrivateKey(SigningKey::random(&mut OsRng));
        let public = key.public();
        (key, public)
    }

    fn reference(text: &str) -> Reference {
        text.parse().unwrap()
    }

    fn signature(signed: &Signed) -> String {
        let manifest: Value = serde_json::from_slice(&signed.manifest).unwrap();
        manifest["layers"][0]["annotations"][ANNOTATION]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn a_signature_is_good_for_one_manifest_in_one_repository() {
        let (key, public) = pair();
        let signed = sign(&key, "a.com/team/x", DIGEST, Vec::new()).unwrap();
        let text = String::from_utf8(signed.payload.clone()).unwrap();
        assert_eq!(
            text,
            format!(
                "{{\"critical\":{{\"identity\":{{\"docker-reference\":\"a.com/team/x\"}},\"image\":{{\"docker-manifest-digest\":\"{DIGEST}\"}},\"type\":\"cosign container image signature\"}},\"optional\":null}}"
            )
        );
        let written = signature(&signed);
        let good = |digest: &str, of: &str| {
            good_for(&public, &written, &signed.payload, digest, &reference(of))
        };
        assert_eq!(good(DIGEST, "a.com/team/x:1.0"), Verdict::Good);
        assert_eq!(
            good(DIGEST, &format!("a.com/team/x@{DIGEST}")),
            Verdict::Good
        );
        assert!(matches!(
            good(&DIGEST.replace('0', "1"), "a.com/team/x"),
            Verdict::Else(_)
        ));
        for other in [
            "a.com/team/y",
            "b.com/team/x",
            "a.com:443/team/x",
            "docker.io/team/x",
        ] {
            assert!(matches!(good(DIGEST, other), Verdict::Else(_)), "{other}");
        }
        let (_, other) = pair();
        assert_eq!(
            good_for(
                &other,
                &written,
                &signed.payload,
                DIGEST,
                &reference("a.com/team/x")
            ),
            Verdict::NotByKey
        );
    }

    #[test]
    fn one_bit_of_another_payload_or_signature_is_no_signature() {
        let (key, public) = pair();
        let signed = sign(&key, "a.com/x", DIGEST, Vec::new()).unwrap();
        let written = signature(&signed);
        let verdict = |signature: &str, payload: &[u8]| {
            good_for(&public, signature, payload, DIGEST, &reference("a.com/x"))
        };
        assert_eq!(verdict(&written, &signed.payload), Verdict::Good);
        for at in 0..signed.payload.len() {
            let mut payload = signed.payload.clone();
            payload[at] ^= 1;
            assert_eq!(verdict(&written, &payload), Verdict::NotByKey);
        }
        let der = base64::decode(&written).unwrap();
        for at in 0..der.len() {
            let mut der = der.clone();
            der[at] ^= 1;
            assert_eq!(
                verdict(&base64::encode(&der), &signed.payload),
                Verdict::NotByKey
            );
        }
        for none in [
            "",
            "x",
            "AAAA",
            &base64::encode(&[0; 64]),
            &format!("{written}\n"),
        ] {
            assert_eq!(verdict(none, &signed.payload), Verdict::NotByKey);
        }
    }

    /// What the key did sign, but not as a signature of this artifact.
    #[test]
    fn what_else_the_key_signed_is_no_signature_of_this() {
        let (key, public) = pair();
        let verdict = |payload: &str, of: &str| {
            let signature: Signature = key.0.sign(payload.as_bytes());
            let signature = base64::encode(signature.to_der().as_bytes());
            good_for(
                &public,
                &signature,
                payload.as_bytes(),
                DIGEST,
                &reference(of),
            )
        };
        let payload = |kind: &str, of: &str| {
            json!({"critical": {"identity": {"docker-reference": of}, "image": {"docker-manifest-digest": DIGEST}, "type": kind}, "optional": {"by": "me"}}).to_string()
        };
        assert_eq!(
            verdict(&payload(KIND, "a.com/x"), "a.com/x:1"),
            Verdict::Good
        );
        assert_eq!(
            verdict(&payload(KIND, "docker.io/me/x"), "index.docker.io/me/x:1"),
            Verdict::Good
        );
        assert_eq!(
            verdict(&payload(KIND, "a.com/x:1"), "a.com/x:1"),
            Verdict::Good
        );
        assert!(matches!(
            verdict(&payload(KIND, "a.com/x:1"), "a.com/x:2"),
            Verdict::Else(_)
        ));
        assert!(matches!(
            verdict(&payload("another kind", "a.com/x"), "a.com/x"),
            Verdict::Else(_)
        ));
        assert!(matches!(
            verdict(&payload(KIND, ""), "a.com/x"),
            Verdict::Else(_)
        ));
        for text in ["", "{}", "null", &"[".repeat(10_000)] {
            assert!(
                matches!(verdict(text, "a.com/x"), Verdict::Else(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_second_signature_stands_beside_the_first() {
        let ((first, _), (second, _)) = (pair(), pair());
        let layers = |signed: &Signed| artifact::parse(&signed.manifest).unwrap().layers;
        let one = sign(&first, "a.com/x", DIGEST, Vec::new()).unwrap();
        let two = sign(&second, "a.com/x", DIGEST, layers(&one)).unwrap();
        assert_eq!(layers(&two).len(), 2);
        // Signed again by the same key, it is the same signature.
        let again = sign(&first, "a.com/x", DIGEST, layers(&two)).unwrap();
        assert_eq!(layers(&again).len(), 2);
        let many: Vec<Blob> = (0..MOST).flat_map(|_| layers(&two)).collect();
        assert!(sign(&pair().0, "a.com/x", DIGEST, many).is_err());
    }
}
