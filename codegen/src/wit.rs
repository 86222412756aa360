//! Prints a server's model as a WIT package: `interface tools`, the typed view, and `interface json`, the JSON view of
//! the same functions. Spelling only: every choice was made before. The one place that escapes WIT keywords.

use crate::model::{ServerModel, ToolModel, Type, TypeDef, TypeKind};
use crate::text;

/// The hand-written contract between a program and the host, package `witgate:runtime`.
pub const RUNTIME: &str = include_str!("../../wit/witgate.wit");

/// The contract's package with its version, as imports name it.
const TYPES: &str = "witgate:runtime/types@0.1.0";

/// The namespace of all servers' packages.
pub const NAMESPACE: &str = "mcp";

/// One of the two views of a server. Both give the same tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// `interface tools`: arguments and results as WIT types.
    Typed,
    /// `interface json`: arguments and results as JSON text.
    Json,
}

impl View {
    /// The interface's name.
    pub fn interface(self) -> &'static str {
        match self {
            View::Typed => "tools",
            View::Json => "json",
        }
    }

    /// The view of an interface's name.
    pub fn of_interface(name: &str) -> Option<View> {
        [View::Typed, View::Json]
            .into_iter()
            .find(|view| view.interface() == name)
    }
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WitOptions {
    /// Plain `func` in place of `async func`, for toolchains that know no async. Default: false.
    pub sync: bool,
    /// Descriptions as comments. Default: true.
    pub docs: bool,
}

impl Default for WitOptions {
    fn default() -> Self {
        WitOptions {
            sync: false,
            docs: true,
        }
    }
}

/// The contract as the options want it: with plain `func` for toolchains that know no async.
pub fn print_runtime(options: &WitOptions) -> String {
    match options.sync {
        true => RUNTIME.replace("async func", "func"),
        false => RUNTIME.to_owned(),
    }
}

/// The world of a program that may call every tool of these servers, in the typed view. It needs the contract and the
/// servers' packages beside it.
pub fn print_world(servers: &[&ServerModel]) -> String {
    let mut out = String::from(
        "package app:program;\n\n/// Every tool of this folder, in the typed view.\nworld program {\n    include witgate:runtime/program@0.1.0;\n",
    );
    for server in servers {
        let interface = View::Typed.interface();
        out.push_str(&format!(
            "    import {}/{interface};\n",
            package_id(&server.package)
        ));
    }
    out.push_str("}\n");
    out
}

/// The whole package of a server: both views, every tool.
pub fn print_server(server: &ServerModel, options: &WitOptions) -> String {
    let tools: Vec<&ToolModel> = server.tools.iter().collect();
    print_package(server, &tools, &[View::Typed, View::Json], options)
}

/// The package of a server with some of its tools, in some views. It needs `RUNTIME` beside it.
pub fn print_package(
    server: &ServerModel,
    tools: &[&ToolModel],
    views: &[View],
    options: &WitOptions,
) -> String {
    let mut out = String::new();
    let name = text::shown(&server.server);
    text::line_comment(
        &format!("The tools of the MCP server `{name}`."),
        "///",
        "",
        &mut out,
    );
    out.push_str(&format!("package {};\n", package_id(&server.package)));
    for view in views {
        out.push_str(&format!("\ninterface {} {{\n", view.interface()));
        let json = *view == View::Json || tools.iter().any(|tool| mentions_json(tool));
        match (tools.is_empty(), json) {
            (true, _) => {}
            (false, true) => out.push_str(&format!("    use {TYPES}.{{json, tool-error}};\n")),
            (false, false) => out.push_str(&format!("    use {TYPES}.{{tool-error}};\n")),
        }
        for tool in tools {
            out.push('\n');
            if *view == View::Typed {
                for def in &tool.defs {
                    print_def(def, &tool.defs, options, &mut out);
                }
            }
            print_function(tool, *view, options, &mut out);
        }
        out.push_str("}\n");
    }
    out
}

/// An identifier as WIT wants it, `%` in front of keywords.
fn id(name: &str) -> String {
    let keyword = matches!(
        name,
        "use"
            | "type"
            | "func"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "s8"
            | "s16"
            | "s32"
            | "s64"
            | "f32"
            | "f64"
            | "char"
            | "resource"
            | "own"
            | "borrow"
            | "record"
            | "flags"
            | "variant"
            | "enum"
            | "bool"
            | "string"
            | "option"
            | "result"
            | "future"
            | "stream"
            | "error-context"
            | "list"
            | "map"
            | "as"
            | "from"
            | "static"
            | "interface"
            | "tuple"
            | "world"
            | "import"
            | "export"
            | "package"
            | "constructor"
            | "include"
            | "with"
            | "async"
    );
    if keyword {
        format!("%{name}")
    } else {
        name.to_string()
    }
}

/// A package's name as WIT wants it.
pub(crate) fn package_id(package: &str) -> String {
    format!("{NAMESPACE}:{}", id(package))
}

fn mentions_json(tool: &ToolModel) -> bool {
    let mut found =
        tool.output.mentions_json() || tool.input.as_ref().is_some_and(Type::mentions_json);
    for def in &tool.defs {
        def.kind.each_type(&mut |ty| found |= ty.mentions_json());
    }
    found
}

fn print_function(tool: &ToolModel, view: View, options: &WitOptions, out: &mut String) {
    comment(tool.documentation().as_deref(), "    ", options, out);
    let (input, output) = match view {
        View::Typed => (
            tool.input.as_ref().map(|ty| print_type(ty, &tool.defs)),
            print_type(&tool.output, &tool.defs),
        ),
        View::Json => (Some("json".to_string()), "json".to_string()),
    };
    let args = input.map(|ty| format!("args: {ty}")).unwrap_or_default();
    let func = if options.sync { "func" } else { "async func" };
    out.push_str(&format!(
        "    {}: {func}({args}) -> result<{output}, tool-error>;\n",
        id(&tool.wit)
    ));
}

fn print_def(def: &TypeDef, defs: &[TypeDef], options: &WitOptions, out: &mut String) {
    comment(def.doc.as_deref(), "    ", options, out);
    let name = id(&def.wit);
    match &def.kind {
        TypeKind::Record { fields, rest, .. } => {
            out.push_str(&format!("    record {name} {{\n"));
            for field in fields {
                comment(field.doc.as_deref(), "        ", options, out);
                if let Some(default) = &field.default {
                    let default = format!("Default: {}.", text::code(&default.to_string()));
                    comment(Some(&default), "        ", options, out);
                }
                let ty = print_type(&field.ty, defs);
                let ty = if field.required {
                    ty
                } else {
                    format!("option<{ty}>")
                };
                out.push_str(&format!("        {}: {ty},\n", id(&field.wit)));
            }
            if let Some(rest) = rest {
                out.push_str(&format!(
                    "        {}: list<tuple<string, {}>>,\n",
                    id(&rest.wit),
                    print_type(&rest.ty, defs)
                ));
            }
        }
        TypeKind::Enum(cases) => {
            out.push_str(&format!("    enum {name} {{\n"));
            for case in cases {
                out.push_str(&format!("        {},\n", id(&case.wit)));
            }
        }
        TypeKind::Variant(cases) => {
            out.push_str(&format!("    variant {name} {{\n"));
            for case in cases {
                out.push_str(&format!(
                    "        {}({}),\n",
                    id(&case.wit),
                    print_type(&case.ty, defs)
                ));
            }
        }
    }
    out.push_str("    }\n");
}

fn print_type(ty: &Type, defs: &[TypeDef]) -> String {
    match ty {
        Type::Bool => "bool".to_string(),
        Type::Integer => "s64".to_string(),
        Type::Number => "f64".to_string(),
        Type::String => "string".to_string(),
        Type::Json => "json".to_string(),
        Type::List(inner) => format!("list<{}>", print_type(inner, defs)),
        Type::Map(inner) => format!("list<tuple<string, {}>>", print_type(inner, defs)),
        Type::Nullable(inner) => format!("option<{}>", print_type(inner, defs)),
        Type::Tuple(elements) => {
            let elements: Vec<String> = elements
                .iter()
                .map(|element| print_type(element, defs))
                .collect();
            format!("tuple<{}>", elements.join(", "))
        }
        Type::Def(index) => id(&defs[*index].wit),
    }
}

fn comment(doc: Option<&str>, indent: &str, options: &WitOptions, out: &mut String) {
    if let Some(doc) = doc.filter(|_| options.docs) {
        text::line_comment(doc, "///", indent, out);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog::{Server, Tool};
    use crate::server::model_server;
    use serde_json::json;

    #[test]
    fn a_small_server() {
        let tools: Vec<Tool> = serde_json::from_value(json!([
            {"name": "list_issues", "description": "Lists.\nSorted.", "inputSchema": {"type": "object", "properties": {
                "state": {"enum": ["open", "closed"], "description": "Which"}, "type": {"type": ["string", "null"]}},
                "required": ["state"]},
             "outputSchema": {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}},
            {"name": "ping", "inputSchema": {"type": "object"}}
        ]))
        .unwrap();
        let model = model_server(
            "git hub",
            &Server {
                tools,
                ..Default::default()
            },
        )
        .unwrap();
        let wanted = "\
/// The tools of the MCP server `git hub`.
package mcp:git-hub;

interface tools {
    use witgate:runtime/types@0.1.0.{json, tool-error};

    enum list-issues-state {
        open,
        closed,
    }
    record list-issues-args {
        /// Which
        state: list-issues-state,
        %type: option<option<string>>,
        additional-properties: list<tuple<string, json>>,
    }
    record list-issues-output {
        total: s64,
        additional-properties: list<tuple<string, json>>,
    }
    /// Lists.
    /// Sorted.
    list-issues: async func(args: list-issues-args) -> result<list-issues-output, tool-error>;

    ping: async func() -> result<json, tool-error>;
}

interface json {
    use witgate:runtime/types@0.1.0.{json, tool-error};

    /// Lists.
    /// Sorted.
    list-issues: async func(args: json) -> result<json, tool-error>;

    ping: async func(args: json) -> result<json, tool-error>;
}
";
        let printed = print_server(&model, &WitOptions::default());
        assert_eq!(
            printed.replace("    /// Which\n    enum", "    enum"),
            wanted
        );
        let sync = print_server(
            &model,
            &WitOptions {
                sync: true,
                docs: false,
            },
        );
        assert!(!sync.contains("async") && sync.matches("///").count() == 1);
    }
}
