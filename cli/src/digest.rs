//! SHA-256 in lower-case hex, as files, reviews and registries name bytes.

use sha2::{Digest as _, Sha256};

/// The digest of these bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
