//! A whole server, or every server of a catalog, to models: types from `schema`, then the names that are unique in the
//! server's interface, then the hashes.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::catalog::{Catalog, Server, Tool, hash};
use crate::model::{CaseTest, ServerModel, ToolModel, TypeDef, TypeKind};
use crate::names::{Names, RESERVED, kebab};
use crate::overrides::{Effective, effective};
use crate::schema::{ToolTypes, type_tool};
use crate::text::{self, FIELD_LIMIT, TOOL_LIMIT};

/// Why a server has no model. Schemas never cause one: what cannot be typed is `json`, with a loss.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A call by this name would be ambiguous.
    #[error("server `{server}` lists the tool `{tool}` twice")]
    DuplicateTool {
        /// The server's name in the configuration, fit to be shown.
        server: String,
        /// The tool's name, likewise.
        tool: String,
    },
    /// Which of the two would be meant is not to be told.
    #[error("there are two servers `{server}`")]
    DuplicateServer {
        /// The server's name, fit to be shown.
        server: String,
    },
}

/// Models every server, in the catalog's order. Servers whose names make the same package get a number behind it, the
/// later ones.
///
/// # Errors
/// As `model_server`, for the first server that fails.
pub fn model_catalog(catalog: &Catalog) -> Result<Vec<ServerModel>, ModelError> {
    let wishes: Vec<String> = catalog
        .servers
        .keys()
        .map(|name| package_name(name))
        .collect();
    let packages = Names::default().claim_all(&wishes);
    catalog
        .servers
        .iter()
        .zip(packages)
        .map(|((name, server), package)| {
            let mut model = model_server(name, server)?;
            model.package = package;
            Ok(model)
        })
        .collect()
}

/// Models one more server beside those that are modelled. Where its package has the name of another's, it gets a number
/// behind it.
///
/// # Errors
/// As `model_server`, or there is a server of that name.
pub fn model_beside(
    models: &[ServerModel],
    name: &str,
    server: &Server,
) -> Result<ServerModel, ModelError> {
    if models.iter().any(|model| model.server == name) {
        return Err(ModelError::DuplicateServer {
            server: text::shown(name),
        });
    }
    let taken: Vec<&str> = models.iter().map(|model| model.package.as_str()).collect();
    let mut model = model_server(name, server)?;
    model.package = Names::with(&taken).claim(&model.package);
    Ok(model)
}

/// Models one server on its own.
///
/// # Errors
/// Two tools have the same name.
pub fn model_server(name: &str, server: &Server) -> Result<ServerModel, ModelError> {
    let mut seen: HashSet<&str> = HashSet::new();
    for tool in &server.tools {
        if !seen.insert(&tool.name) {
            return Err(ModelError::DuplicateTool {
                server: text::shown(name),
                tool: text::shown(&tool.name),
            });
        }
    }
    // Functions choose before types, so that a type's name can never change a function's.
    let mut names = Names::with(RESERVED);
    let wishes: Vec<String> = server
        .tools
        .iter()
        .map(|tool| kebab(&tool.name, "tool"))
        .collect();
    let functions = names.claim_all(&wishes);
    let mut losses = Vec::new();
    let tools = server
        .tools
        .iter()
        .zip(functions)
        .map(|(tool, wit)| {
            let schemas = effective(tool, server.overrides.get(&tool.name));
            let mut types = type_tool(name, tool, &schemas);
            losses.append(&mut types.losses);
            for def in &mut types.defs {
                def.wit = names.claim(&format!("{wit}-{}", def.wit));
            }
            model_tool(tool, wit, types, &schemas)
        })
        .collect();
    Ok(ServerModel {
        server: name.to_string(),
        package: package_name(name),
        tools,
        losses,
    })
}

/// The package a server's name asks for: `GitHub (work)` as `git-hub-work`.
pub fn package_name(server: &str) -> String {
    kebab(server, "server")
}

fn model_tool(tool: &Tool, wit: String, types: ToolTypes, schemas: &Effective<'_>) -> ToolModel {
    let description = tool.description.as_deref().or(tool.title.as_deref());
    let mut doc: Vec<String> = Vec::new();
    doc.extend(description.and_then(|text| text::clean(text, TOOL_LIMIT)));
    doc.extend(types.notes);
    let mut model = ToolModel {
        tool: tool.name.clone(),
        wit,
        title: tool
            .title
            .as_deref()
            .and_then(|title| text::clean(title, FIELD_LIMIT)),
        doc: (!doc.is_empty()).then(|| doc.join("\n")),
        input: types.input,
        output: types.output,
        has_output_schema: tool
            .output_schema
            .as_ref()
            .is_some_and(|schema| !schema.is_null()),
        input_origin: schemas.input_origin,
        output_origin: schemas.output_origin,
        unwrap_result: types.unwrap_result,
        defs: types.defs,
        definition_hash: tool.definition_hash(),
        shape_hash: String::new(),
    };
    model.shape_hash = hash(&shape_text(&model));
    let (input, output) = (model.input.clone(), model.output.clone());
    for (ty, origin) in input
        .iter()
        .map(|ty| (ty, model.input_origin))
        .chain([(&output, model.output_origin)])
    {
        let Some(note) = origin.note() else {
            continue;
        };
        ty.each_def(&mut |index| {
            let doc = &mut model.defs[index].doc;
            let lines = doc
                .take()
                .into_iter()
                .chain([format!("This type is {note}.")]);
            *doc = Some(lines.collect::<Vec<_>>().join("\n"));
        });
    }
    model
}

/// All that a program's types rest on, as text: names in WIT and on the wire, types, cases and how they are told apart;
/// no documentation, no defaults.
fn shape_text(tool: &ToolModel) -> String {
    let mut out = format!(
        "{} {:?} {:?} {}\n",
        tool.wit, tool.input, tool.output, tool.unwrap_result
    );
    for TypeDef { wit, kind, .. } in &tool.defs {
        let _ = match kind {
            TypeKind::Record {
                fields,
                constants,
                rest,
            } => {
                let _ = write!(out, "record {wit}");
                for field in fields {
                    let _ = write!(
                        out,
                        " {:?} {} {:?} {}",
                        field.wire, field.wit, field.ty, field.required
                    );
                }
                for (wire, value) in constants {
                    let _ = write!(out, " {wire:?}={value}");
                }
                if let Some(rest) = rest {
                    let _ = write!(out, " ...{} {:?}", rest.wit, rest.ty);
                }
                writeln!(out)
            }
            TypeKind::Enum(cases) => {
                let _ = write!(out, "enum {wit}");
                for case in cases {
                    let _ = write!(out, " {} {}", case.wire, case.wit);
                }
                writeln!(out)
            }
            TypeKind::Variant(cases) => {
                let _ = write!(out, "variant {wit}");
                for case in cases {
                    let test = match &case.test {
                        CaseTest::Tag { wire, value } => format!("{wire:?}={value}"),
                        CaseTest::Json(json) => format!("{json:?}"),
                        CaseTest::Try { .. } => "try".to_string(),
                    };
                    let _ = write!(out, " {} {:?} {test}", case.wit, case.ty);
                }
                writeln!(out)
            }
        };
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn tool(name: &str) -> Tool {
        Tool {
            name: name.to_string(),
            input_schema: json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            ..Tool::default()
        }
    }

    fn server(names: &[&str]) -> Server {
        Server {
            tools: names.iter().map(|name| tool(name)).collect(),
            ..Server::default()
        }
    }

    #[test]
    fn hostile_names_are_told_apart() {
        let names = [
            "getUser",
            "get_user",
            "get-user",
            "",
            "🦀",
            "__proto__",
            "constructor",
            "1st",
            "json",
            "tool-error",
            "get_user_args",
            "type",
            "async",
        ];
        let model = model_server("s", &server(&names)).unwrap();
        let mut keys: Vec<String> = model
            .tools
            .iter()
            .map(|tool| crate::names::key(&tool.wit))
            .collect();
        keys.extend(
            model
                .tools
                .iter()
                .flat_map(|tool| tool.defs.iter().map(|def| crate::names::key(&def.wit))),
        );
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
        let wit: Vec<&str> = model.tools.iter().map(|tool| tool.wit.as_str()).collect();
        assert_eq!(
            wit,
            [
                "get-user",
                "get-user2",
                "get-user3",
                "tool",
                "tool2",
                "proto",
                "constructor",
                "n1st",
                "json2",
                "tool-error2",
                "get-user-args",
                "type",
                "async"
            ]
        );
        assert_eq!(model.tools[0].defs[0].wit, "get-user-args2");
    }

    #[test]
    fn two_tools_of_one_name_are_an_error() {
        let error = model_server("s", &server(&["a", "a"])).unwrap_err();
        assert_eq!(error.to_string(), "server `s` lists the tool `a` twice");
    }

    #[test]
    fn packages_are_told_apart() {
        let mut catalog = Catalog::default();
        for name in ["my_server", "my-server", "MyServer", "💥"] {
            catalog.servers.insert(name.to_string(), server(&["a"]));
        }
        let models = model_catalog(&catalog).unwrap();
        let packages: Vec<&str> = models.iter().map(|model| model.package.as_str()).collect();
        assert_eq!(
            packages,
            ["my-server", "my-server2", "my-server3", "server"]
        );
    }

    #[test]
    fn one_more_server_leaves_the_others_as_they_are() {
        let models = [model_server("my_server", &server(&["a"])).unwrap()];
        let beside = model_beside(&models, "my-server", &server(&["a"])).unwrap();
        assert_eq!(beside.package, "my-server2");
        let beside = model_beside(&models, "skills", &server(&["a"])).unwrap();
        assert_eq!(beside, model_server("skills", &server(&["a"])).unwrap());
        let error = model_beside(&models, "my_server", &server(&["a"])).unwrap_err();
        assert_eq!(error.to_string(), "there are two servers `my_server`");
    }

    #[test]
    fn a_description_changes_the_definition_only() {
        let before = model_server("s", &server(&["a"])).unwrap().tools.remove(0);
        let mut changed = server(&["a"]);
        changed.tools[0].description = Some("new".to_string());
        let after = model_server("s", &changed).unwrap().tools.remove(0);
        assert_ne!(before.definition_hash, after.definition_hash);
        assert_eq!(before.shape_hash, after.shape_hash);
        changed.tools[0].input_schema =
            json!({"type": "object", "properties": {"a": {"type": "integer"}}});
        let after = model_server("s", &changed).unwrap().tools.remove(0);
        assert_ne!(before.shape_hash, after.shape_hash);
    }

    #[test]
    fn five_thousand_tools_are_quick() {
        let names: Vec<String> = (0..5_000)
            .map(|index| format!("tool_{}{}", index % 7, "_".repeat(index)))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let model = model_server("s", &server(&names)).unwrap();
        assert_eq!(model.tools.len(), 5_000);
    }
}
