//! Schemas that a person puts in place of a server's: corrected ones, and those that were inferred from results where the
//! server declares none. Data and its reading; the file lies elsewhere, `witgate/overrides/<server>.json`.

use std::fmt;
use std::marker::PhantomData;

use indexmap::IndexMap;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::catalog::{Server, Tool};
use crate::json::{self, JsonError};
use crate::model::Origin;
use crate::names::nearest;

/// The version of the file's form that this code reads and writes.
pub const VERSION: u32 = 1;

/// The overrides of one server, by tool.
pub type Overrides = IndexMap<String, ToolOverride>;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverridesFile {
    /// The form of the file.
    pub version: u32,
    /// By tool name.
    #[serde(deserialize_with = "unique")]
    pub tools: Overrides,
}

/// What stands in place of one tool's schemas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolOverride {
    /// In place of the tool's `inputSchema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    /// In place of the tool's `outputSchema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// `output_schema` was inferred, not written by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inferred: Option<Inferred>,
}

/// What an output schema was inferred from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inferred {
    /// The number of results, at least.
    pub results: u64,
}

/// Why a text is no file of overrides.
#[derive(Debug, thiserror::Error)]
pub enum OverridesError {
    /// It is not JSON of the right form.
    #[error("it is not of the form of an overrides file")]
    Json(#[source] serde_json::Error),
    /// Its schemas lie too deep.
    #[error("it is nested deeper than {} levels", json::DEPTH)]
    Depth,
    /// It has another version.
    #[error("its version is {found}, this witgate reads {VERSION}")]
    Version {
        /// The version.
        found: u32,
    },
    /// An entry cannot be meant so.
    #[error("the entry of `{tool}` {why}")]
    Entry {
        /// The tool.
        tool: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// What a person should know of overrides that are not in use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unused {
    /// The server has no such tool.
    #[error("the overrides name a tool `{tool}`, which server `{server}` does not have{}", did_you_mean(.nearest))]
    NoTool {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// The tool's nearest name.
        nearest: Option<String>,
    },
    /// The schema was inferred because there was none, and now there is one.
    #[error(
        "server `{server}` now declares the output of `{tool}`: the inferred schema is not used"
    )]
    Declared {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
    },
}

/// Which schemas of a tool hold, and where they are from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effective<'a> {
    /// The schema of the arguments.
    pub input: &'a Value,
    /// The schema of the result, where there is one.
    pub output: Option<&'a Value>,
    /// Who wrote `input`.
    pub input_origin: Origin,
    /// Who wrote `output`; the server where there is none.
    pub output_origin: Origin,
}

/// Reads a file of overrides.
///
/// # Errors
/// The text is not of this form or version, or an entry says nothing or what cannot be a schema.
pub fn parse_overrides(text: &str) -> Result<Overrides, OverridesError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file: OverridesFile = json::read(text.as_bytes()).map_err(|error| match error {
        JsonError::Syntax(source) => OverridesError::Json(source),
        JsonError::Depth => OverridesError::Depth,
    })?;
    if file.version != VERSION {
        return Err(OverridesError::Version {
            found: file.version,
        });
    }
    for (tool, entry) in &file.tools {
        let is_schema = |schema: &Option<Value>| {
            schema
                .as_ref()
                .is_none_or(|schema| schema.is_object() || schema.is_boolean())
        };
        let why = if entry.input_schema.is_none() && entry.output_schema.is_none() {
            "has neither `inputSchema` nor `outputSchema`"
        } else if entry.inferred.is_some() && entry.output_schema.is_none() {
            "is marked as inferred, but has no `outputSchema`"
        } else if !is_schema(&entry.input_schema) || !is_schema(&entry.output_schema) {
            "has a schema that is neither an object nor a boolean"
        } else {
            continue;
        };
        return Err(OverridesError::Entry {
            tool: tool.clone(),
            why,
        });
    }
    Ok(file.tools)
}

/// The schemas of a tool with its override, if it has one. An inferred output gives way to one that the server declares.
pub fn effective<'a>(tool: &'a Tool, entry: Option<&'a ToolOverride>) -> Effective<'a> {
    let declared = tool.output_schema.as_ref().filter(|s| !s.is_null());
    let mut effective = Effective {
        input: &tool.input_schema,
        output: declared,
        input_origin: Origin::Server,
        output_origin: Origin::Server,
    };
    if let Some(schema) = entry.and_then(|entry| entry.input_schema.as_ref()) {
        effective.input = schema;
        effective.input_origin = Origin::Override;
    }
    if let Some(entry) = entry
        && let Some(schema) = &entry.output_schema
    {
        let origin = match &entry.inferred {
            None => Origin::Override,
            Some(_) if declared.is_some() => return effective,
            Some(inferred) => Origin::Inferred {
                results: inferred.results,
            },
        };
        effective.output = Some(schema);
        effective.output_origin = origin;
    }
    effective
}

/// The overrides of a server that are not in use.
pub fn unused(name: &str, server: &Server) -> Vec<Unused> {
    let entries = server.overrides.iter();
    let unused = entries.filter_map(|(tool, entry)| {
        let Some(listed) = server.tools.iter().find(|listed| listed.name == *tool) else {
            let names = server.tools.iter().map(|tool| tool.name.as_str());
            return Some(Unused::NoTool {
                server: name.to_owned(),
                tool: tool.clone(),
                nearest: nearest(tool, names, 1).into_iter().next(),
            });
        };
        let given_way = entry.inferred.is_some()
            && effective(listed, Some(entry)).output_origin == Origin::Server;
        given_way.then(|| Unused::Declared {
            server: name.to_owned(),
            tool: tool.clone(),
        })
    });
    unused.collect()
}

fn did_you_mean(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!(", did you mean `{name}`?"),
        None => String::new(),
    }
}

/// A map in which no key stands twice: of two entries, one would be dropped in silence.
pub(crate) fn unique<'de, D, T>(deserializer: D) -> Result<IndexMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Entries<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
        type Value = IndexMap<String, T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object with names as keys")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = IndexMap::new();
            while let Some((name, entry)) = map.next_entry::<String, T>()? {
                if entries.contains_key(&name) {
                    return Err(A::Error::custom(format!("`{name}` stands there twice")));
                }
                entries.insert(name, entry);
            }
            Ok(entries)
        }
    }
    deserializer.deserialize_map(Entries(PhantomData))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::{Type, TypeKind};
    use crate::server::model_server;
    use crate::wit::{WitOptions, print_server};
    use crate::{dts, rust};
    use serde_json::json;

    fn server(overrides: Value) -> Server {
        let text = json!({"version": 1, "tools": overrides}).to_string();
        let tools = json!([
            {"name": "list", "description": "Lists.", "inputSchema": {"type": "object", "properties": {"page": {"type": "string"}}}},
            {"name": "get", "inputSchema": {"type": "object"},
             "outputSchema": {"type": "object", "properties": {"id": {"type": "string"}}}}]);
        Server {
            tools: serde_json::from_value(tools).unwrap(),
            overrides: parse_overrides(&text).unwrap(),
            ..Server::default()
        }
    }

    #[test]
    fn an_inferred_output_is_typed_and_says_so() {
        let before = model_server("s", &server(json!({}))).unwrap();
        let schema = json!({"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}});
        let server = server(json!({"list": {"outputSchema": schema, "inferred": {"results": 12}}}));
        let model = model_server("s", &server).unwrap();
        let [list, old] = [&model.tools[0], &before.tools[0]];
        assert_eq!(list.definition_hash, old.definition_hash);
        assert_ne!(list.shape_hash, old.shape_hash);
        assert_eq!(list.output_origin, Origin::Inferred { results: 12 });
        assert!(!list.has_output_schema && matches!(list.output, Type::List(_)));
        let item = list.defs.last().unwrap();
        assert!(
            item.pointer.starts_with("/outputSchema/items")
                && matches!(item.kind, TypeKind::Record { .. })
        );
        let wit = print_server(&model, &WitOptions::default());
        let says = "inferred from 12 results, not declared by the server";
        for text in [
            wit,
            dts::declare_server(&model),
            rust::declarations(&model, None),
        ] {
            assert!(text.contains("Lists."), "{text}");
            assert!(
                text.contains(&format!("The result's type is {says}.")),
                "{text}"
            );
            assert!(text.contains(&format!("This type is {says}.")), "{text}");
        }
        assert!(unused("s", &server).is_empty());
    }

    #[test]
    fn a_schema_by_hand_corrects_the_server() {
        let server = server(json!({
            "list": {"inputSchema": {"type": "object", "properties": {"page": {"type": "integer"}}, "required": ["page"]}},
            "get": {"outputSchema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}}}));
        let model = model_server("s", &server).unwrap();
        let declared = dts::declare_server(&model);
        assert!(
            declared.contains("page: number;") && declared.contains("id: number;"),
            "{declared}"
        );
        assert!(
            declared.contains("The arguments' type is overridden in witgate/overrides."),
            "{declared}"
        );
        assert!(
            declared.contains("The result's type is overridden in witgate/overrides."),
            "{declared}"
        );
        assert_eq!(model.tools[1].output_origin, Origin::Override);
    }

    #[test]
    fn a_schema_may_be_as_deep_as_one_of_a_server() {
        let mut schema = json!({"type": "string"});
        for _ in 0..100 {
            schema = json!({"type": "object", "properties": {"a": schema}, "required": ["a"]});
        }
        let server = server(json!({"list": {"outputSchema": schema}}));
        assert_eq!(server.overrides["list"].output_schema, Some(schema));
        model_server("s", &server).unwrap();
    }

    #[test]
    fn what_is_not_used_is_told() {
        let inferred = json!({"outputSchema": {"type": "string"}, "inferred": {"results": 1}});
        let server = server(json!({"lists": inferred, "get": inferred}));
        let told: Vec<String> = unused("s", &server).iter().map(Unused::to_string).collect();
        assert_eq!(
            told[0],
            "the overrides name a tool `lists`, which server `s` does not have, did you mean `list`?"
        );
        assert_eq!(
            told[1],
            "server `s` now declares the output of `get`: the inferred schema is not used"
        );
        let model = model_server("s", &server).unwrap();
        assert_eq!(model.tools[1].output_origin, Origin::Server);
    }

    #[test]
    fn what_is_no_file_of_overrides() {
        let error = |tools: &str| {
            let error =
                parse_overrides(&format!(r#"{{"version":1,"tools":{tools}}}"#)).unwrap_err();
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!(
                "{error}{}",
                cause.map(|cause| format!(": {cause}")).unwrap_or_default()
            )
        };
        assert!(error(r#"{"a":{"output":{}}}"#).contains("unknown field `output`"));
        assert!(
            error(r#"{"a":{"outputSchema":{}},"a":{"outputSchema":{}}}"#)
                .contains("`a` stands there twice")
        );
        assert!(error(r#"{"a":{}}"#).contains("the entry of `a` has neither"));
        assert!(
            error(r#"{"a":{"inputSchema":{},"inferred":{"results":1}}}"#)
                .contains("marked as inferred")
        );
        assert!(error(r#"{"a":{"outputSchema":"x"}}"#).contains("neither an object nor a boolean"));
        let deep = format!(
            r#"{{"a":{{"outputSchema":{}{}}}}}"#,
            r#"{"items":"#.repeat(json::DEPTH),
            "{}".to_owned() + &"}".repeat(json::DEPTH)
        );
        assert_eq!(error(&deep), "it is nested deeper than 256 levels");
        assert!(
            parse_overrides(r#"{"version":2,"tools":{}}"#)
                .unwrap_err()
                .to_string()
                .contains("version is 2")
        );
    }
}
