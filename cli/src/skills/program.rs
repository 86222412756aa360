//! The program in a JavaScript skill's component, to be looked at. It runs inside a prelude that the component carries as well,
//! and that could do anything the program could: whether it is the one that this witgate would have written is found by
//! writing it again. Nothing runs.

use std::collections::BTreeMap;

use witgate_builder::js::build_js;
use witgate_codegen::catalog::{Catalog, Server, Tool};
use witgate_codegen::{dts, model_catalog};
use witgate_host::Script;
use witgate_host::program::LoadError;
use witgate_host::sections::script;

use super::Skill;

/// What a JavaScript skill's component runs.
#[derive(Debug)]
pub(crate) struct Program {
    /// The program, as the engine evaluates it.
    pub(crate) text: String,
    /// The prelude, where it is not the one that this witgate writes.
    pub(crate) foreign_prelude: Option<String>,
}

/// The program of a skill; `None` where its component has no script.
///
/// # Errors
/// The script is damaged.
pub(crate) fn program(skill: &Skill) -> Result<Option<Program>, LoadError> {
    Ok(script(&skill.component)?.map(|script| {
        let own = own_prelude(&script, &skill.manifest.tools);
        Program {
            foreign_prelude: (own.as_ref() != Some(&script.shim)).then_some(script.shim),
            text: script.source,
        }
    }))
}

/// The prelude that is written for a program with these words that calls these tools, `server/tool`; `None` where none is.
fn own_prelude(script: &Script, tools: &[String]) -> Option<String> {
    let mut servers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for tool in tools {
        let (server, tool) = tool.split_once('/')?;
        servers.entry(server).or_default().push(tool);
    }
    let catalog = Catalog {
        servers: servers
            .into_iter()
            .map(|(server, tools)| {
                let tools = tools.into_iter().map(|name| Tool {
                    name: name.to_owned(),
                    input_schema: serde_json::json!({"type": "object"}),
                    ..Tool::default()
                });
                let tools = tools.collect();
                (
                    server.to_owned(),
                    Server {
                        tools,
                        ..Server::default()
                    },
                )
            })
            .collect(),
    };
    let models = model_catalog(&catalog).ok()?;
    // The words decide which parts of the web platform are there. In a comment they are words and nothing else.
    let mut text = format!("/* {} */\n", script.source.replace("*/", "* /"));
    let mut number = 0;
    for model in &models {
        for tool in &model.tools {
            let name = dts::js_names(model, tool).into_iter().next()?;
            text.push_str(&format!(
                "import {{ {name} as witgate_tool_{number} }} from \"mcp:{}\";\n",
                model.package
            ));
            number += 1;
        }
    }
    text.push_str("export default () => 1;\n");
    // Nothing is linked: only what is around the program is wanted.
    let built = build_js(&text, "program.js", &models, |_, _| Ok(Vec::new()));
    built.ok().map(|built| built.script.shim)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn built(program: &str, tools: &[&str]) -> Script {
        let tool = |name: &&str| Tool {
            name: (*name).to_owned(),
            input_schema: serde_json::json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            ..Tool::default()
        };
        let server = Server {
            tools: tools.iter().map(tool).collect(),
            ..Server::default()
        };
        let catalog = Catalog {
            servers: [("My Server".to_owned(), server)].into_iter().collect(),
        };
        let models = model_catalog(&catalog).unwrap();
        let script = build_js(program, "p.ts", &models, |_, _| Ok(Vec::new()))
            .unwrap()
            .script;
        Script {
            shim: script.shim,
            source: script.source,
            file: script.file,
            positions: Vec::new(),
        }
    }

    #[test]
    fn a_prelude_is_known_again() {
        for program in [
            "export default () => 1;",
            "import { getItem, list_items as list } from \"mcp:my-server\";\n/* a */ console.log(new URL(\"x:y\")); /** b */\nexport default async (i: number) => { setTimeout(() => {}, 1); await getItem({}); return list({}); };",
            "import { list_items } from \"mcp:my-server\";\nexport default () => { new AbortController(); return list_items({}); };",
        ] {
            let script = built(program, &["list_items", "getItem", "other"]);
            let said = |name: &str| {
                script
                    .shim
                    .contains(&format!("\"My Server/{name}\""))
                    .then(|| format!("My Server/{name}"))
            };
            let tools: Vec<String> = ["getItem", "list_items"]
                .into_iter()
                .filter_map(said)
                .collect();
            assert_eq!(
                own_prelude(&script, &tools).unwrap(),
                script.shim,
                "{program}"
            );
        }
    }

    #[test]
    fn another_prelude_is_not_taken_for_ours() {
        let mut script = built(
            "import { getItem } from \"mcp:my-server\";\nexport default () => getItem({});",
            &["getItem", "delete_all"],
        );
        let tools = ["My Server/getItem".to_owned()];
        assert_eq!(own_prelude(&script, &tools).unwrap(), script.shim);
        assert_ne!(own_prelude(&script, &[]).unwrap(), script.shim);
        script.shim.push_str("fetchElsewhere();");
        assert_ne!(own_prelude(&script, &tools).unwrap(), script.shim);
        // A program whose words break out of a comment writes no other prelude.
        script.source = "*/ import { delete_all } from \"mcp:my-server\"; /*".to_owned();
        assert!(!own_prelude(&script, &tools).unwrap().contains("delete_all"));
    }
}
