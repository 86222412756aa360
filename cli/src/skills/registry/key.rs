//! Keys as files: P-256 in PEM, as openssl and cosign read them. What is in a file that is no key is never shown.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use p256::SecretKey;
use p256::ecdsa::{SigningKey, VerifyingKey};
use p256::elliptic_curve::rand_core::OsRng;
use p256::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
    LineEnding,
};

use super::RegistryError;
use crate::digest::sha256;

/// Largest file of a key, in bytes.
const MAX_KEY: u64 = 64 << 10;

/// A key that signs.
pub(crate) struct PrivateKey(pub(super) SigningKey);

/// A key that tells who signed.
#[derive(Debug)]
pub(crate) struct PublicKey(pub(super) VerifyingKey);

/// Makes a pair of keys: `NAME.key`, for its owner alone, and `NAME.pub`. Neither replaces a file.
pub(crate) fn generate(name: &Path) -> Result<(PathBuf, PathBuf, PublicKey), RegistryError> {
    let secret = SecretKey::random(&mut OsRng);
    let [private, public] = ["key", "pub"].map(|ending| {
        let mut path = name.as_os_str().to_owned();
        path.push(format!(".{ending}"));
        PathBuf::from(path)
    });
    let unwritten = |path: &Path, e: String| RegistryError::Io {
        path: path.display().to_string(),
        source: std::io::Error::other(e),
    };
    let text = secret
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|e| unwritten(&private, e.to_string()))?;
    let shown = secret
        .public_key()
        .to_public_key_pem(LineEnding::LF)
        .map_err(|e| unwritten(&public, e.to_string()))?;
    write_new(&private, text.as_bytes(), 0o600)?;
    if let Err(error) = write_new(&public, shown.as_bytes(), 0o644) {
        // Half a pair is none; it was made here a moment ago.
        let _ = std::fs::remove_file(&private);
        return Err(error);
    }
    Ok((private, public, PublicKey(secret.public_key().into())))
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), RegistryError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let _ = mode;
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(bytes));
    written.map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => RegistryError::Key {
            path: path.display().to_string(),
            why: "it is there already".to_owned(),
            hint: "name another one: what a lost key signed can be signed by nobody again"
                .to_owned(),
        },
        _ => RegistryError::Io {
            path: path.display().to_string(),
            source: e,
        },
    })
}

/// Reads a private key: PKCS#8 in PEM, in the clear.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKey, RegistryError> {
    let text = read(path)?;
    let key = SigningKey::from_pkcs8_pem(&text).map(PrivateKey);
    key.map_err(|_| fault(path, &text, "PRIVATE KEY"))
}

/// Reads a public key: SPKI in PEM, as `keygen`, cosign and openssl write it.
pub(crate) fn public_key(path: &Path) -> Result<PublicKey, RegistryError> {
    let text = read(path)?;
    let key = VerifyingKey::from_public_key_pem(&text).map(PublicKey);
    key.map_err(|_| fault(path, &text, "PUBLIC KEY"))
}

fn read(path: &Path) -> Result<String, RegistryError> {
    let fault = |why: String| RegistryError::Key {
        path: path.display().to_string(),
        why,
        hint: "name a file that `witgate skills keygen` wrote".to_owned(),
    };
    let found = std::fs::metadata(path).map_err(|e| fault(e.to_string()))?;
    if !found.is_file() || found.len() > MAX_KEY {
        return Err(fault("it is no file, or too large for a key".to_owned()));
    }
    std::fs::read_to_string(path).map_err(|e| fault(e.to_string()))
}

/// Why a text is no key, without any of it.
fn fault(path: &Path, text: &str, wanted: &str) -> RegistryError {
    let has = |label: &str| text.contains(&format!("-----BEGIN {label}-----"));
    let (why, hint) = if text.contains("ENCRYPTED") {
        (
            "it is encrypted",
            "give the key in the clear, in a file that only you can read: cosign's own keys can be used by cosign only, which verifies what is signed here",
        )
    } else if has("EC PRIVATE KEY") {
        (
            "it is an EC key in an older form",
            "convert it: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW",
        )
    } else if wanted == "PUBLIC KEY" && has("PRIVATE KEY") {
        (
            "it is a private key",
            "give the public one, `NAME.pub`: the private one stays with whoever signs",
        )
    } else if wanted == "PRIVATE KEY" && has("PUBLIC KEY") {
        ("it is a public key", "give the private one, `NAME.key`")
    } else {
        (
            "it is no key on the curve P-256 in PEM",
            "make a pair with `witgate skills keygen -o NAME`",
        )
    };
    RegistryError::Key {
        path: path.display().to_string(),
        why: why.to_owned(),
        hint: hint.to_owned(),
    }
}

impl PrivateKey {
    /// The key that others check with.
    pub(crate) fn public(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }
}

impl PublicKey {
    /// SHA-256 of the key as DER, to compare by eye.
    pub(crate) fn fingerprint(&self) -> String {
        // A key that was read or made can be written.
        let der = self.0.to_public_key_der().map(|der| sha256(der.as_bytes()));
        format!("SHA256:{}", der.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keys_are_written_once_and_read_as_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (private, public, made) = generate(&at("team.v1")).unwrap();
        assert_eq!(
            (private.clone(), public.clone()),
            (at("team.v1.key"), at("team.v1.pub"))
        );
        assert_eq!(
            private_key(&private).unwrap().public().fingerprint(),
            made.fingerprint()
        );
        assert_eq!(
            public_key(&public).unwrap().fingerprint(),
            made.fingerprint()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&private).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(
            generate(&at("team.v1"))
                .unwrap_err()
                .to_string()
                .contains("there already")
        );
        std::fs::remove_file(&private).unwrap();
        assert!(
            generate(&at("team.v1")).is_err() && !private.exists(),
            "half a pair is left"
        );

        let (private, public, _) = generate(&at("other")).unwrap();
        assert!(
            public_key(&private)
                .unwrap_err()
                .to_string()
                .contains("it is a private key")
        );
        let error = private_key(&public).err().unwrap();
        assert!(error.to_string().contains("it is a public key"));
        for (text, why) in [
            ("", "no key on the curve"),
            (
                "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                "no key on the curve",
            ),
            (
                "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n",
                "it is encrypted",
            ),
            ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n", "an older form"),
        ] {
            std::fs::write(at("x"), text).unwrap();
            let error = private_key(&at("x")).err().unwrap().to_string();
            let error = if why.contains("curve") {
                public_key(&at("x")).unwrap_err().to_string()
            } else {
                error
            };
            assert!(error.contains(why), "{error}");
        }
        assert!(public_key(&at("nowhere")).is_err() && public_key(folder.path()).is_err());
    }
}
