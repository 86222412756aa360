//! The credentials that `docker login` left: `config.json`, its `auths`. Helpers are not asked, as they are programs. What is
//! read here is shown to nobody but the registry.

use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{RegistryError, base64};
use crate::workspace::folder_in;

/// Largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

#[derive(Default, Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: Map<String, Value>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
    #[serde(default, rename = "credHelpers")]
    helpers: Map<String, Value>,
}

/// What there is for a registry.
pub(super) struct Found {
    pub(super) auth: RegistryAuth,
    /// What holds the credentials that are not in the file.
    pub(super) helper: Option<String>,
}

/// The credentials for a repository; anonymous where there are none.
pub(super) fn find(reference: &Reference) -> Result<Found, RegistryError> {
    let home = || folder_in("HOME").map(|home| home.join(".docker"));
    let folder = folder_in("DOCKER_CONFIG").or_else(home);
    let Some(path) = folder.map(|folder| folder.join("config.json")) else {
        return Ok(nothing());
    };
    let fault = |why: &str| RegistryError::Credentials {
        path: path.display().to_string(),
        why: why.to_owned(),
    };
    let text = match std::fs::metadata(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(nothing()),
        Err(e) => return Err(fault(&e.to_string())),
        Ok(found) if !found.is_file() || found.len() > LARGEST => {
            return Err(fault("it is no file, or too large"));
        }
        Ok(_) => std::fs::read(&path).map_err(|e| fault(&e.to_string()))?,
    };
    pick(&text, reference).map_err(fault)
}

fn nothing() -> Found {
    Found {
        auth: RegistryAuth::Anonymous,
        helper: None,
    }
}

/// The entry of the longest name that the repository lies under. Messages never say what is in it.
fn pick(text: &[u8], reference: &Reference) -> Result<Found, &'static str> {
    let config: DockerConfig =
        serde_json::from_slice(text).map_err(|_| "it is no JSON as Docker writes it")?;
    let name = |key: &str| -> String {
        let key = key
            .trim_start_matches("https://")
            .trim_start_matches("http://");
        let key = key
            .trim_end_matches('/')
            .trim_end_matches("/v1")
            .trim_end_matches("/v2");
        match key.split_once('/') {
            None if key == "docker.io" => reference_host("docker.io").to_owned(),
            None => key.to_owned(),
            Some((host, rest)) => format!("{}/{rest}", reference_host(host)),
        }
    };
    let whole = super::repository(reference);
    let fits = |key: &str| {
        let key = name(key);
        whole
            .strip_prefix(&key)
            .is_some_and(|rest| rest.starts_with('/') || rest.is_empty())
    };
    let found = config
        .auths
        .iter()
        .filter(|(key, _)| fits(key))
        .max_by_key(|(key, _)| name(key).len());
    let auth = match found {
        Some((_, entry)) => read(entry)?,
        None => None,
    };
    let of_registry = config.helpers.iter().find(|(key, _)| fits(key));
    let helper = of_registry
        .and_then(|(_, helper)| helper.as_str().map(str::to_owned))
        .or(config.store);
    Ok(Found {
        helper: helper.filter(|_| auth.is_none()),
        auth: auth.unwrap_or(RegistryAuth::Anonymous),
    })
}

fn reference_host(host: &str) -> &str {
    match host {
        "docker.io" => "index.docker.io",
        host => host,
    }
}

/// `None` for an entry that only says that a helper has it.
fn read(entry: &Value) -> Result<Option<RegistryAuth>, &'static str> {
    let text = |key: &str| {
        entry
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if text("identitytoken").is_some() || text("registrytoken").is_some() {
        return Err(
            "it holds a token for this registry, where only a name with a password is read",
        );
    }
    if let (Some(user), Some(password)) = (text("username"), text("password")) {
        return Ok(Some(RegistryAuth::Basic(
            user.to_owned(),
            password.to_owned(),
        )));
    }
    let Some(auth) = text("auth") else {
        return Ok(None);
    };
    let wrong = "the `auth` of this registry is no NAME:PASSWORD in Base64";
    let decoded = base64::decode(auth)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(wrong)?;
    // Docker has written zero bytes behind it.
    let (user, password) = decoded
        .trim_end_matches('\0')
        .split_once(':')
        .ok_or(wrong)?;
    Ok(Some(RegistryAuth::Basic(
        user.to_owned(),
        password.to_owned(),
    )))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn picked(config: &Value, reference: &str) -> Result<Found, &'static str> {
        pick(config.to_string().as_bytes(), &reference.parse().unwrap())
    }

    fn basic(found: &Found) -> (&str, &str) {
        match &found.auth {
            RegistryAuth::Basic(user, password) => (user, password),
            _ => ("", ""),
        }
    }

    #[test]
    fn the_entry_of_the_registry_and_of_no_other() {
        let entry = |text: &str| json!({"auth": base64::encode(text.as_bytes())});
        let config = json!({"auths": {
            "a.com": entry("a:secret:with:colons"),
            "https://b.com:5000/v2/": entry("b:2\0\0"),
            "https://index.docker.io/v1/": entry("hub:3"),
            "a.com/team": {"username": "team", "password": "4"},
            "c.com": {},
        }});
        for (reference, user, password) in [
            ("a.com/x", "a", "secret:with:colons"),
            ("a.com/team/x", "team", "4"),
            ("a.com/teamwork/x", "a", "secret:with:colons"),
            ("b.com:5000/x", "b", "2"),
            ("docker.io/x/y", "hub", "3"),
            ("b.com/x", "", ""),
            ("b.com:50000/x", "", ""),
            ("a.com.evil.com/x", "", ""),
            ("evil.com/a.com/x", "", ""),
            ("c.com/x", "", ""),
        ] {
            let found = picked(&config, reference).unwrap();
            assert_eq!(basic(&found), (user, password), "{reference}");
            assert_eq!(found.helper, None);
        }
    }

    #[test]
    fn a_helper_is_named_and_not_asked() {
        let config = json!({"auths": {"a.com": {}}, "credsStore": "desktop", "credHelpers": {"b.com": "ecr-login"}});
        assert_eq!(
            picked(&config, "a.com/x").unwrap().helper.as_deref(),
            Some("desktop")
        );
        assert_eq!(
            picked(&config, "b.com/x").unwrap().helper.as_deref(),
            Some("ecr-login")
        );
    }

    #[test]
    fn what_is_wrong_is_told_without_what_is_in_it() {
        for (entry, why) in [
            (json!({"auth": "c2VjcmV0"}), "no NAME:PASSWORD"),
            (json!({"auth": "not base64"}), "no NAME:PASSWORD"),
            (json!({"identitytoken": "secret"}), "holds a token"),
        ] {
            let error = picked(&json!({"auths": {"a.com": entry}}), "a.com/x")
                .err()
                .unwrap();
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
        }
        assert!(pick(b"{", &"a.com/x".parse().unwrap()).is_err());
        assert!(pick(b"{\"auths\": [\"secret\"]}", &"a.com/x".parse().unwrap()).is_err());
    }
}
