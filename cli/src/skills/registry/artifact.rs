//! A component as an artifact of a registry, in the Wasm OCI layout of the CNCF: one layer `application/wasm` and a configuration
//! that lists its imports and exports. The same component makes the same bytes, so that a digest means it, whenever it is pushed.

use serde::Deserialize;
use serde_json::json;
use witgate_codegen::json;
use witgate_codegen::text::{FIELD_LIMIT, clean, shown};

use super::RegistryError;
use crate::digest::sha256;
use crate::skills::one_line;

/// The media types of a manifest, of a component's configuration, and of a component.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const COMPONENT: &str = "application/wasm";
const TITLE: &str = "org.opencontainers.image.title";
const DESCRIPTION: &str = "org.opencontainers.image.description";

/// A component that is to be pushed.
#[derive(Debug)]
pub(crate) struct Artifact<'a> {
    /// What it is called.
    pub(crate) name: &'a str,
    /// What it does.
    pub(crate) description: &'a str,
    pub(crate) component: &'a [u8],
    /// Names, in the order of its sections.
    pub(crate) imports: Vec<&'a str>,
    pub(crate) exports: Vec<&'a str>,
}

/// A component that was pulled, held to its digest.
#[derive(Debug)]
pub(crate) struct Pulled {
    pub(crate) component: Vec<u8>,
    /// `HOST/REPOSITORY@sha256:...`.
    pub(crate) pinned: String,
    /// What the manifest says that it does, clean.
    pub(crate) description: Option<String>,
}

/// What is pushed.
pub(super) struct Pack {
    pub(super) config: Vec<u8>,
    pub(super) component: Vec<u8>,
    pub(super) manifest: Vec<u8>,
    /// Of the manifest, `sha256:...`.
    pub(super) digest: String,
}

/// A blob of a repository.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(default)]
    pub(super) annotations: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A manifest, as far as it is looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    config: Blob,
    pub(super) layers: Vec<Blob>,
    #[serde(default)]
    annotations: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What a manifest lists.
pub(super) struct Listed {
    pub(super) component: Blob,
    pub(super) description: Option<String>,
}

impl Artifact<'_> {
    pub(super) fn pack(&self) -> Pack {
        let layer = digest(self.component);
        let config = json!({
            // The specification asks for a time. It is always this one: what is pushed twice is one artifact.
            "created": "1970-01-01T00:00:00Z",
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [layer],
            "component": { "exports": self.exports, "imports": self.imports },
        });
        let config = config.to_string().into_bytes();
        let mut annotations = json!({ TITLE: self.name });
        if !self.description.is_empty() {
            annotations[DESCRIPTION] = one_line(self.description, FIELD_LIMIT).into();
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": digest(&config), "size": config.len() },
            "layers": [{ "mediaType": COMPONENT, "digest": layer, "size": self.component.len() }],
            "annotations": annotations,
        });
        let manifest = manifest.to_string().into_bytes();
        Pack {
            config,
            component: self.component.to_vec(),
            digest: digest(&manifest),
            manifest,
        }
    }
}

/// Reads the manifest of a component.
pub(super) fn read(reference: &str, bytes: &[u8]) -> Result<Listed, RegistryError> {
    let wrong = |why: String| RegistryError::NotAComponent {
        reference: reference.to_owned(),
        why,
    };
    let manifest = parse(bytes).map_err(wrong)?;
    if manifest.config.media_type != CONFIG {
        let kind = shown(&manifest.config.media_type);
        return Err(wrong(format!(
            "its configuration is `{kind}`, where a component's is `{CONFIG}`"
        )));
    }
    let [component] = manifest.layers.as_slice() else {
        return Err(wrong(format!(
            "it has {} layers, where a component is one",
            manifest.layers.len()
        )));
    };
    if component.media_type != COMPONENT {
        let kind = shown(&component.media_type);
        return Err(wrong(format!(
            "its layer is `{kind}`, where a component is `{COMPONENT}`"
        )));
    }
    let said = manifest
        .annotations
        .as_ref()
        .and_then(|said| said.get(DESCRIPTION));
    Ok(Listed {
        component: component.clone(),
        description: said.and_then(|text| clean(text.as_str()?, FIELD_LIMIT)),
    })
}

/// A manifest of one artifact, with digests that are SHA-256.
pub(super) fn parse(bytes: &[u8]) -> Result<Manifest, String> {
    let value = json::parse(bytes).map_err(|e| format!("its manifest is damaged ({e})"))?;
    if value.get("manifests").is_some() {
        return Err("it is a list of several artifacts".to_owned());
    }
    let manifest: Manifest = serde_json::from_value(value)
        .map_err(|e| format!("its manifest is damaged ({})", shown(&e.to_string())))?;
    let kind = manifest.media_type.as_deref().unwrap_or(MANIFEST);
    if manifest.schema_version != 2 || kind != MANIFEST {
        return Err(format!(
            "its manifest is `{}`, where `{MANIFEST}` is read",
            shown(kind)
        ));
    }
    for blob in manifest.layers.iter().chain([&manifest.config]) {
        let hex = blob.digest.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(format!(
                "its digest `{}` is no SHA-256",
                shown(&blob.digest)
            ));
        }
    }
    Ok(manifest)
}

pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::Value;

    fn pack() -> Pack {
        let artifact = Artifact {
            name: "top-issues",
            description: "Counts\nissues.",
            component: b"component",
            imports: vec!["mcp:github/json"],
            exports: vec!["run"],
        };
        artifact.pack()
    }

    fn refused(change: impl Fn(&mut Value)) -> String {
        let mut manifest: Value = serde_json::from_slice(&pack().manifest).unwrap();
        change(&mut manifest);
        let error = read("a.com/x", manifest.to_string().as_bytes()).err();
        error.map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn it_is_the_layout_of_the_cncf_and_the_same_each_time() {
        let pack = pack();
        let config: Value = serde_json::from_slice(&pack.config).unwrap();
        assert_eq!(
            (&config["architecture"], &config["os"]),
            (&json!("wasm"), &json!("wasip2"))
        );
        assert_eq!(config["layerDigests"], json!([digest(b"component")]));
        assert_eq!(
            config["component"],
            json!({"exports": ["run"], "imports": ["mcp:github/json"]})
        );
        let listed = read("a.com/x", &pack.manifest).unwrap();
        assert_eq!(listed.component.digest, digest(b"component"));
        assert_eq!(listed.component.size, 9);
        assert_eq!(listed.description.as_deref(), Some("Counts issues."));
        assert_eq!(super::tests::pack().digest, pack.digest);
    }

    #[test]
    fn what_is_something_else_is_told_as_what_it_is() {
        assert_eq!(refused(|_| {}), "");
        let image = "application/vnd.oci.image.config.v1+json";
        assert!(refused(|m| m["config"]["mediaType"] = json!(image)).contains(image));
        assert!(
            refused(|m| m["layers"][0]["mediaType"] = json!("text/x"))
                .contains("its layer is `text/x`")
        );
        assert!(refused(|m| m["layers"] = json!([])).contains("it has 0 layers"));
        assert!(refused(|m| m["manifests"] = json!([])).contains("a list of several artifacts"));
        assert!(refused(|m| m["schemaVersion"] = json!(1)).contains("its manifest is"));
        assert!(refused(|m| m["mediaType"] = json!("docker")).contains("its manifest is `docker`"));
        for wrong in [
            "sha512:00",
            "sha256:00",
            "sha256:../../x",
            &format!("sha256:{}", "A".repeat(64)),
        ] {
            assert!(
                refused(|m| m["layers"][0]["digest"] = json!(wrong)).contains("is no SHA-256"),
                "{wrong}"
            );
        }
        assert!(refused(|m| m["layers"][0]["size"] = json!(-1)).contains("damaged"));
        assert!(refused(|m| drop(m.as_object_mut().unwrap().remove("config"))).contains("damaged"));
        let deep = "[".repeat(100_000);
        assert!(read("x", deep.as_bytes()).is_err() && read("x", b"").is_err());
    }
}
