//! Writing to a registry: blobs in one piece, then the manifest that names them. Where an upload goes says the registry; it may
//! be another host, which gets no credentials.

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, StatusCode};

use super::RegistryError;
use super::artifact::{MANIFEST, digest};
use super::http::{Http, is_private};

impl Http<'_> {
    /// Puts a blob into the repository, unless it is there.
    pub(super) async fn put_blob(&self, bytes: Vec<u8>) -> Result<(), RegistryError> {
        let digest = digest(&bytes);
        let known = self.request(Method::HEAD, &format!("blobs/{digest}"))?;
        if self.send(known).await?.status() == StatusCode::OK {
            return Ok(());
        }
        let begun = self.request(Method::POST, "blobs/uploads/")?;
        let begun = self.send(begun.body(Vec::new())).await?;
        if begun.status() != StatusCode::ACCEPTED {
            return Err(self.explain(begun).await);
        }
        let place = begun
            .headers()
            .get(LOCATION)
            .and_then(|place| place.to_str().ok());
        // It may be a path of this registry.
        let place = place.and_then(|place| begun.url().join(place).ok());
        let mut place = place.filter(is_private).ok_or_else(|| {
            self.wrong(
                "it sends an upload to an address that is none, or that others can read along",
            )
        })?;
        place.query_pairs_mut().append_pair("digest", &digest);
        let put = self
            .request_to(Method::PUT, place)?
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(bytes);
        let put = self.send(put).await?;
        match put.status().is_success() {
            true => Ok(()),
            false => Err(self.explain(put).await),
        }
    }

    /// Puts a manifest under a tag.
    pub(super) async fn put_manifest(
        &self,
        tag: &str,
        bytes: Vec<u8>,
    ) -> Result<(), RegistryError> {
        let put = self
            .request(Method::PUT, &format!("manifests/{tag}"))?
            .header(CONTENT_TYPE, MANIFEST)
            .body(bytes);
        let put = self.send(put).await?;
        match put.status().is_success() {
            true => Ok(()),
            false => Err(self.explain(put).await),
        }
    }
}
