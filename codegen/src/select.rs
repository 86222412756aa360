//! A program's world from the tools it names, and the way back: from an import or an identifier in a program to the
//! tool. Whether a program may have a tool is not asked here.

use crate::model::{ServerModel, ToolModel};
use crate::names::{camel_case, nearest, pascal_case, snake_case};
use crate::wit::{NAMESPACE, RUNTIME, WitOptions, package_id, print_package};

pub use crate::wit::View;

/// How many similar names an error shows.
const NEAREST: usize = 3;

/// The world of one program as WIT, in the order in which the packages are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramWit {
    /// WIT texts: the runtime contract, each server's package with the selected tools only, the program's package.
    pub packages: Vec<String>,
    /// The world's full name.
    pub world: &'static str,
}

/// The world that imports these tools, each server in one view, and exports `run`. Servers without a tool are left out.
pub fn program_wit(selection: &[(&ServerModel, Vec<&ToolModel>)], view: View) -> ProgramWit {
    let mut packages = vec![RUNTIME.to_string()];
    let mut program = String::from("package witgate:program;\n\nworld program {\n");
    program.push_str("    include witgate:runtime/program@0.1.0;\n");
    let options = WitOptions {
        sync: false,
        docs: false,
    };
    for (server, tools) in selection {
        if tools.is_empty() {
            continue;
        }
        packages.push(print_package(server, tools, &[view], &options));
        program.push_str(&format!(
            "    import {}/{};\n",
            package_id(&server.package),
            view.interface()
        ));
    }
    program.push_str("}\n");
    packages.push(program);
    ProgramWit {
        packages,
        world: "witgate:program/program",
    }
}

/// How a component names the interface of a server: `mcp:github/tools`.
pub fn interface_name(server: &ServerModel, view: View) -> String {
    format!("{NAMESPACE}:{}/{}", server.package, view.interface())
}

/// How a JavaScript program names a server: `mcp:github`.
pub fn js_module(server: &ServerModel) -> String {
    format!("{NAMESPACE}:{}", server.package)
}

/// A tool as a component imports it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImportedTool<'a> {
    /// The server.
    pub server: &'a ServerModel,
    /// The tool.
    pub tool: &'a ToolModel,
    /// The view in which it is imported.
    pub view: View,
}

/// Why a name leads to no tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The name has not the form of a server's.
    #[error("`{name}` is no MCP server")]
    NotAServer {
        /// The name as written.
        name: String,
    },
    /// No server has this name.
    #[error("no MCP server `{name}`")]
    UnknownServer {
        /// The name as written, without `mcp:`.
        name: String,
        /// Servers with similar names, best first.
        nearest: Vec<String>,
    },
    /// A server's package has no such interface.
    #[error("package `{package}` has no interface `{interface}`, only `tools` and `json`")]
    UnknownInterface {
        /// The package, `mcp:github`.
        package: String,
        /// The interface as written.
        interface: String,
    },
    /// The server has no such tool.
    #[error("MCP server `{server}` has no tool `{name}`")]
    UnknownTool {
        /// The server's name in the configuration.
        server: String,
        /// The name as written.
        name: String,
        /// Similar names, best first, spelled as they would have to be written there.
        nearest: Vec<String>,
    },
}

impl LookupError {
    /// Similar names, best first.
    pub fn nearest(&self) -> &[String] {
        match self {
            LookupError::UnknownServer { nearest, .. }
            | LookupError::UnknownTool { nearest, .. } => nearest,
            LookupError::NotAServer { .. } | LookupError::UnknownInterface { .. } => &[],
        }
    }
}

/// The server and view of a component's imported interface (`mcp:github/json`).
///
/// # Errors
/// The interface is no server's; `NotAServer` says that it lies outside `mcp:` altogether.
pub fn find_interface<'a>(
    servers: &'a [ServerModel],
    interface: &str,
) -> Result<(&'a ServerModel, View), LookupError> {
    let not_a_server = || LookupError::NotAServer {
        name: interface.to_string(),
    };
    let path = strip_namespace(interface).ok_or_else(not_a_server)?;
    let (package, view) = path.split_once('/').ok_or_else(not_a_server)?;
    let server = servers
        .iter()
        .find(|server| server.package == package)
        .ok_or_else(|| unknown_server(servers, package, |server| server.package.clone()))?;
    let view = View::of_interface(view).ok_or_else(|| LookupError::UnknownInterface {
        package: js_module(server),
        interface: view.to_string(),
    })?;
    Ok((server, view))
}

/// The tool of a component's import: interface `mcp:github/tools`, function `list-issues`.
///
/// # Errors
/// As `find_interface`, or the server has no such tool.
pub fn find_import<'a>(
    servers: &'a [ServerModel],
    interface: &str,
    function: &str,
) -> Result<ImportedTool<'a>, LookupError> {
    let (server, view) = find_interface(servers, interface)?;
    let tool = server
        .tools
        .iter()
        .find(|tool| tool.wit == function)
        .ok_or_else(|| unknown_tool(server, function, |tool| tool.wit.clone()))?;
    Ok(ImportedTool { server, tool, view })
}

/// A tool by the names that a person writes in grants and on the command line.
///
/// # Errors
/// No such server or tool.
pub fn find_tool<'a>(
    servers: &'a [ServerModel],
    server: &str,
    tool: &str,
) -> Result<(&'a ServerModel, &'a ToolModel), LookupError> {
    let found = servers
        .iter()
        .find(|model| model.server == server)
        .ok_or_else(|| unknown_server(servers, server, |model| model.server.clone()))?;
    let named = found
        .tools
        .iter()
        .find(|model| model.tool == tool)
        .ok_or_else(|| unknown_tool(found, tool, |model| model.tool.clone()))?;
    Ok((found, named))
}

/// The server of a JavaScript module specifier: `mcp:` and the package, or the name in the configuration.
///
/// # Errors
/// Not an `mcp:` specifier, or no such server.
pub fn find_js_module<'a>(
    servers: &'a [ServerModel],
    specifier: &str,
) -> Result<&'a ServerModel, LookupError> {
    let name = strip_namespace(specifier).ok_or_else(|| LookupError::NotAServer {
        name: specifier.to_string(),
    })?;
    servers
        .iter()
        .find(|server| server.package == name)
        .or_else(|| servers.iter().find(|server| server.server == name))
        .ok_or_else(|| unknown_server(servers, name, |server| server.package.clone()))
}

/// The tool that a JavaScript program imports by this name: the original name first, then camelCase.
///
/// # Errors
/// The server has no such tool.
pub fn find_js<'a>(server: &'a ServerModel, name: &str) -> Result<&'a ToolModel, LookupError> {
    let original = server.tools.iter().find(|tool| tool.tool == name);
    original
        .or_else(|| {
            server
                .tools
                .iter()
                .find(|tool| camel_case(&tool.wit) == name)
        })
        .ok_or_else(|| unknown_tool(server, name, |tool| camel_case(&tool.wit)))
}

/// The server of a Rust module (`github` of `mcp::github`).
///
/// # Errors
/// No such server.
pub fn find_rust_module<'a>(
    servers: &'a [ServerModel],
    module: &str,
) -> Result<&'a ServerModel, LookupError> {
    let module = plain_rust(module);
    servers
        .iter()
        .find(|server| snake_case(&server.package) == module)
        .ok_or_else(|| unknown_server(servers, module, |server| snake_case(&server.package)))
}

/// What an identifier of a Rust module stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RustItem<'a> {
    /// The function that calls the tool.
    Function(&'a ToolModel),
    /// A type of the tool, by its index in `ToolModel::defs`.
    Type(&'a ToolModel, usize),
}

/// The tool, or the tool's type, behind an identifier of a Rust module: `list_issues`, `ListIssuesArgs`. `r#` in front
/// and `_` behind, which escape keywords, are not part of the name.
///
/// # Errors
/// The server has neither.
pub fn find_rust<'a>(server: &'a ServerModel, name: &str) -> Result<RustItem<'a>, LookupError> {
    let plain = plain_rust(name);
    for tool in &server.tools {
        if snake_case(&tool.wit) == plain {
            return Ok(RustItem::Function(tool));
        }
        if let Some(index) = tool
            .defs
            .iter()
            .position(|def| pascal_case(&def.wit) == plain)
        {
            return Ok(RustItem::Type(tool, index));
        }
    }
    let functions = server.tools.iter().map(|tool| snake_case(&tool.wit));
    let types = server
        .tools
        .iter()
        .flat_map(|tool| tool.defs.iter().map(|def| pascal_case(&def.wit)));
    let is_type = plain.starts_with(|c: char| c.is_ascii_uppercase());
    let candidates: Vec<String> = if is_type {
        types.collect()
    } else {
        functions.collect()
    };
    Err(LookupError::UnknownTool {
        server: server.server.clone(),
        name: name.to_string(),
        nearest: nearest(plain, candidates.iter().map(String::as_str), NEAREST),
    })
}

fn plain_rust(name: &str) -> &str {
    name.strip_prefix("r#")
        .unwrap_or(name)
        .trim_end_matches('_')
}

fn strip_namespace(name: &str) -> Option<&str> {
    name.strip_prefix(NAMESPACE)?.strip_prefix(':')
}

fn unknown_server(
    servers: &[ServerModel],
    name: &str,
    spell: impl Fn(&ServerModel) -> String,
) -> LookupError {
    let names: Vec<String> = servers.iter().map(spell).collect();
    LookupError::UnknownServer {
        name: name.to_string(),
        nearest: nearest(name, names.iter().map(String::as_str), NEAREST),
    }
}

fn unknown_tool(
    server: &ServerModel,
    name: &str,
    spell: impl Fn(&ToolModel) -> String,
) -> LookupError {
    let names: Vec<String> = server.tools.iter().map(spell).collect();
    LookupError::UnknownTool {
        server: server.server.clone(),
        name: name.to_string(),
        nearest: nearest(name, names.iter().map(String::as_str), NEAREST),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog::{Server, Tool};
    use crate::server::model_server;
    use serde_json::json;

    fn github() -> ServerModel {
        let tools = ["list_issues", "listIssues", "type", "get_issue"].map(|name| Tool {
            name: name.to_string(),
            input_schema: json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            ..Tool::default()
        });
        model_server(
            "GitHub",
            &Server {
                tools: tools.to_vec(),
                ..Server::default()
            },
        )
        .unwrap()
    }

    #[test]
    fn imports_lead_back() {
        let servers = [github()];
        let found = find_import(&servers, "mcp:git-hub/json", "type").unwrap();
        assert_eq!((found.tool.tool.as_str(), found.view), ("type", View::Json));
        assert!(matches!(
            find_interface(&servers, "wasi:io/poll"),
            Err(LookupError::NotAServer { .. })
        ));
        assert!(matches!(
            find_interface(&servers, "mcp:git-hub/x"),
            Err(LookupError::UnknownInterface { .. })
        ));
        let error = find_import(&servers, "mcp:git-hob/json", "type").unwrap_err();
        assert_eq!(error.nearest(), ["git-hub"]);
        let error = find_import(&servers, "mcp:git-hub/tools", "get-issues").unwrap_err();
        assert_eq!(
            error.nearest().first().map(String::as_str),
            Some("get-issue")
        );
    }

    #[test]
    fn identifiers_of_programs() {
        let servers = [github()];
        let server = find_js_module(&servers, "mcp:GitHub").unwrap();
        assert_eq!(find_js(server, "list_issues").unwrap().wit, "list-issues");
        // An original name wins over another tool's camelCase.
        assert_eq!(find_js(server, "listIssues").unwrap().wit, "list-issues2");
        assert_eq!(find_js(server, "getIssue").unwrap().wit, "get-issue");
        let error = find_js(server, "getIsue").unwrap_err();
        assert_eq!(
            error.to_string(),
            "MCP server `GitHub` has no tool `getIsue`"
        );
        assert_eq!(
            error.nearest().first().map(String::as_str),
            Some("getIssue")
        );
        let server = find_rust_module(&servers, "git_hub").unwrap();
        assert!(
            matches!(find_rust(server, "r#type"), Ok(RustItem::Function(tool)) if tool.tool == "type")
        );
        assert!(
            matches!(find_rust(server, "GetIssueArgs"), Ok(RustItem::Type(tool, 0)) if tool.wit == "get-issue")
        );
        assert!(
            find_rust(server, "GetIssueArg")
                .unwrap_err()
                .nearest()
                .contains(&"GetIssueArgs".to_string())
        );
    }

    #[test]
    fn a_world_holds_the_selected_tools_only() {
        let server = github();
        let wit = program_wit(&[(&server, vec![&server.tools[3]])], View::Json);
        assert_eq!(wit.packages.len(), 3);
        assert!(wit.packages[1].contains("get-issue") && !wit.packages[1].contains("list-issues"));
        assert_eq!(
            wit.packages[2],
            "package witgate:program;\n\nworld program {\n    include witgate:runtime/program@0.1.0;\n    import mcp:git-hub/json;\n}\n"
        );
    }
}
