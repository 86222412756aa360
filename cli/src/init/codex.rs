//! An entry of Codex' `[mcp_servers.NAME]` in the words of the other clients: headers that are read from variables, the list
//! of variables that are passed on, logins. The values are left as they are, but for variables, which get witgate's form.

use serde_json::{Map, Value, json};

use super::translate::Stays;
use super::variables::is_name;

/// Settings of how Codex calls tools, or of what it tells the model: they change nothing about the server.
const NO_OPS: [&str; 10] = [
    "name",
    "startup_timeout_sec",
    "startup_timeout_ms",
    "tool_timeout_sec",
    "required",
    "supports_parallel_tool_calls",
    "default_tools_approval_mode",
    "enabled_tools",
    "disabled_tools",
    "tools",
];

/// An entry, and what became of its keys.
#[derive(Default)]
pub(super) struct Common {
    pub(super) entry: Map<String, Value>,
    /// Keys without effect in witgate.
    pub(super) dropped: Vec<String>,
    /// Variables of the environment that Codex passes to the server; of others it passes only a few that all programs need.
    pub(super) passed: Vec<String>,
}

/// Values are taken literally by Codex: variables come in here, so the caller must have seen that there was no `${` before.
pub(super) fn read(entry: &Map<String, Value>) -> Result<Common, Stays> {
    let mut common = Common::default();
    let mut headers = Map::new();
    let mut login = Map::new();
    for (key, value) in entry {
        match key.as_str() {
            key if NO_OPS.contains(&key) => common.dropped.push(key.to_owned()),
            "http_headers" => headers.extend(object(key, value)?.clone()),
            "env_http_headers" => {
                for (header, variable) in object(key, value)? {
                    let variable = variable_name(key, variable)?;
                    headers.insert(header.clone(), json!(format!("${{{variable}}}")));
                }
            }
            "bearer_token_env_var" => {
                let variable = variable_name(key, value)?;
                headers.insert(
                    "Authorization".to_owned(),
                    json!(format!("Bearer ${{{variable}}}")),
                );
            }
            "env_vars" => {
                let Value::Array(names) = value else {
                    return Err(form(key, "is no list"));
                };
                for name in names {
                    common.passed.push(passed(key, name)?);
                }
            }
            "scopes" => drop(login.insert("scopes".to_owned(), value.clone())),
            "oauth" => {
                for (name, value) in object(key, value)? {
                    let name = if name == "client_id" {
                        "clientId"
                    } else {
                        name
                    };
                    login.insert(name.to_owned(), value.clone());
                }
            }
            _ => drop(common.entry.insert(key.clone(), value.clone())),
        }
    }
    let authorizations = headers
        .keys()
        .filter(|name| name.eq_ignore_ascii_case("authorization"));
    if authorizations.count() > 1 {
        return Err(Stays::new(
            "two of its keys give the header `Authorization`",
            "keep one of them",
        ));
    }
    if !headers.is_empty() {
        common
            .entry
            .insert("headers".to_owned(), Value::Object(headers));
    }
    if !login.is_empty() {
        common
            .entry
            .insert("oauth".to_owned(), Value::Object(login));
    }
    Ok(common)
}

fn object<'v>(key: &str, value: &'v Value) -> Result<&'v Map<String, Value>, Stays> {
    value.as_object().ok_or_else(|| form(key, "is no table"))
}

fn variable_name<'v>(key: &str, value: &'v Value) -> Result<&'v str, Stays> {
    let name = value.as_str().filter(|name| is_name(name));
    name.ok_or_else(|| form(key, "names no variable"))
}

/// `"NAME"`, or `{ name = "NAME", source = "local" }`.
fn passed(key: &str, value: &Value) -> Result<String, Stays> {
    let Value::Object(table) = value else {
        return variable_name(key, value).map(str::to_owned);
    };
    let local = matches!(
        table.get("source").map(Value::as_str),
        None | Some(Some("local"))
    );
    if !local || table.keys().any(|key| key != "name" && key != "source") {
        return Err(form(key, "names a variable of another machine"));
    }
    let name = table.get("name").unwrap_or(&Value::Null);
    variable_name(key, name).map(str::to_owned)
}

fn form(key: &str, what: &str) -> Stays {
    Stays::new(
        format!("`{key}` {what}"),
        "look at it in the documentation of Codex",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn common(entry: Value) -> Result<Common, Stays> {
        read(entry.as_object().unwrap())
    }

    #[test]
    fn keys_of_codex_become_those_of_the_others() {
        let got = common(json!({
            "url": "https://h/mcp", "http_headers": {"X-A": "1"}, "env_http_headers": {"X-B": "B_KEY"},
            "bearer_token_env_var": "TOKEN", "tool_timeout_sec": 3.5, "enabled_tools": ["a"],
            "oauth": {"client_id": "c"}, "scopes": ["read"],
        }))
        .unwrap();
        assert_eq!(
            Value::Object(got.entry),
            json!({
                "url": "https://h/mcp",
                "headers": {"X-A": "1", "X-B": "${B_KEY}", "Authorization": "Bearer ${TOKEN}"},
                "oauth": {"clientId": "c", "scopes": ["read"]},
            })
        );
        assert_eq!(got.dropped, ["tool_timeout_sec", "enabled_tools"]);
        let got =
            common(json!({"command": "x", "env_vars": ["A", {"name": "B", "source": "local"}]}))
                .unwrap();
        assert_eq!(Value::Object(got.entry), json!({"command": "x"}));
        assert_eq!(got.passed, ["A", "B"]);
    }

    #[test]
    fn what_the_others_cannot_say_stays() {
        for (entry, why) in [
            (
                json!({"env_vars": [{"name": "B", "source": "remote"}]}),
                "another machine",
            ),
            (json!({"env_vars": "B"}), "`env_vars` is no list"),
            (
                json!({"env_vars": [{"name": "B", "where": 1}]}),
                "another machine",
            ),
            (
                json!({"bearer_token_env_var": "not a name"}),
                "names no variable",
            ),
            (
                json!({"http_headers": {"authorization": "x"}, "bearer_token_env_var": "T"}),
                "`Authorization`",
            ),
            (json!({"env_http_headers": []}), "is no table"),
        ] {
            let Err(stays) = common(entry.clone()) else {
                panic!("{entry} does not stay")
            };
            assert!(stays.why.contains(why), "{entry}: {}", stays.why);
        }
    }
}
