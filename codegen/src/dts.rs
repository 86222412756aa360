//! TypeScript declarations of a server, `declare module "mcp:github"`, for people, models and the optional type check of
//! JavaScript programs. Programs pass plain JSON objects, so keys and values are the wire's; nothing here runs.

use std::collections::HashSet;

use serde_json::Value;

use crate::catalog::canonical;
use crate::model::{Field, ServerModel, ToolModel, Type, TypeDef, TypeKind};
use crate::names::{camel_case, is_js_identifier, is_js_reserved, pascal_case};
use crate::select::js_module;
use crate::text::{self, block_comment, literal};
use crate::wit::NAMESPACE;

/// The declarations of every tool of a server.
pub fn declare_server(server: &ServerModel) -> String {
    let tools: Vec<&ToolModel> = server.tools.iter().collect();
    declare_tools(server, &tools)
}

/// The declarations of some tools of a server, with the types they need.
pub fn declare_tools(server: &ServerModel, tools: &[&ToolModel]) -> String {
    let originals: HashSet<&str> = server.tools.iter().map(|tool| tool.tool.as_str()).collect();
    let mut out = String::new();
    let name = text::shown(&server.server);
    block_comment(
        &format!("The tools of the MCP server `{name}`."),
        "",
        &mut out,
    );
    out.push_str(&format!(
        "declare module {} {{\n",
        literal(&js_module(server))
    ));
    if tools.iter().any(|tool| mentions_json(tool)) {
        out.push_str("  /** Any JSON value: the server declares no type for it. */\n");
        out.push_str("  type JsonValue = any;\n");
    }
    for tool in tools {
        out.push('\n');
        for def in &tool.defs {
            declare_def(def, &tool.defs, &mut out);
        }
        declare_function(tool, &originals, &mut out);
    }
    // Without this, a module with declarations only would export all of them, local names included.
    out.push_str("\n  export {};\n}\n");
    if server.server != server.package {
        let alias = literal(&format!("{NAMESPACE}:{}", server.server));
        let module = literal(&js_module(server));
        out.push_str(&format!(
            "\ndeclare module {alias} {{\n  export * from {module};\n}}\n"
        ));
    }
    out
}

/// The names under which a JavaScript program can import the tool: camelCase first, then the original name where it is
/// another one. A camelCase name that is the original name of another tool is left to that one.
pub fn js_names(server: &ServerModel, tool: &ToolModel) -> Vec<String> {
    let originals: HashSet<&str> = server.tools.iter().map(|tool| tool.tool.as_str()).collect();
    names_of(tool, &originals)
}

pub(crate) fn names_of(tool: &ToolModel, originals: &HashSet<&str>) -> Vec<String> {
    let camel = camel_case(&tool.wit);
    let mut names = Vec::new();
    if tool.tool == camel || !originals.contains(camel.as_str()) {
        names.push(camel);
    }
    if !names.contains(&tool.tool) {
        names.push(tool.tool.clone());
    }
    names
}

fn declare_function(tool: &ToolModel, originals: &HashSet<&str>, out: &mut String) {
    let mut names = names_of(tool, originals);
    names.retain(|name| is_js_identifier(name));
    let Some(first) = names.first() else {
        // A name that no identifier can spell is never the only one: camelCase always is an identifier.
        return;
    };
    if let Some(doc) = tool.documentation() {
        block_comment(&doc, "  ", out);
    }
    let args = match &tool.input {
        None => "args?: Record<string, never>".to_string(),
        Some(ty) => {
            let mark = if all_optional(ty, &tool.defs) {
                "?"
            } else {
                ""
            };
            format!("args{mark}: {}", spell(ty, &tool.defs))
        }
    };
    let output = spell(&tool.output, &tool.defs);
    // A reserved word can be exported, but not declared.
    let local = if is_js_reserved(first) {
        format!("{first}_")
    } else {
        first.clone()
    };
    let export = if local == *first { "export " } else { "" };
    out.push_str(&format!(
        "  {export}function {local}({args}): Promise<{output}>;\n"
    ));
    for name in names.iter().filter(|name| **name != local) {
        out.push_str(&format!("  export {{ {local} as {name} }};\n"));
    }
}

pub(crate) fn all_optional(ty: &Type, defs: &[TypeDef]) -> bool {
    match ty {
        Type::Def(index) => match &defs[*index].kind {
            TypeKind::Record {
                fields, constants, ..
            } => constants.is_empty() && fields.iter().all(|field| !field.required),
            TypeKind::Enum(_) | TypeKind::Variant(_) => false,
        },
        _ => true,
    }
}

fn declare_def(def: &TypeDef, defs: &[TypeDef], out: &mut String) {
    if let Some(doc) = &def.doc {
        block_comment(doc, "  ", out);
    }
    let name = pascal_case(&def.wit);
    match &def.kind {
        TypeKind::Record {
            fields,
            constants,
            rest,
        } => {
            out.push_str(&format!("  export interface {name} {{\n"));
            for (wire, value) in constants {
                out.push_str(&format!("    {}: {};\n", property(wire), exactly(value)));
            }
            for field in fields {
                declare_field(field, defs, out);
            }
            if let Some(rest) = rest.as_ref().filter(|rest| rest.stated) {
                // An index signature of any narrower type would have to hold for the named keys too.
                let note = match &rest.ty {
                    Type::Json => String::new(),
                    ty => format!(" // {}", spell(ty, defs)),
                };
                out.push_str(&format!("    [key: string]: any;{note}\n"));
            }
            out.push_str("  }\n");
        }
        TypeKind::Enum(cases) => {
            let values: Vec<String> = cases.iter().map(|case| exactly(&case.wire)).collect();
            declare_union(&name, &values, out);
        }
        TypeKind::Variant(cases) => {
            let types: Vec<String> = cases.iter().map(|case| spell(&case.ty, defs)).collect();
            declare_union(&name, &types, out);
        }
    }
}

fn declare_union(name: &str, members: &[String], out: &mut String) {
    let line = members.join(" | ");
    if line.len() <= 100 {
        out.push_str(&format!("  export type {name} = {line};\n"));
    } else {
        out.push_str(&format!(
            "  export type {name} =\n    | {};\n",
            members.join("\n    | ")
        ));
    }
}

fn declare_field(field: &Field, defs: &[TypeDef], out: &mut String) {
    let mut doc = field.doc.clone().unwrap_or_default();
    if let Some(default) = field
        .default
        .as_ref()
        .and_then(|value| text::clean(&canonical(value), 200))
    {
        if !doc.is_empty() {
            doc.push('\n');
        }
        doc.push_str(&format!("@default {default}"));
    }
    if !doc.is_empty() {
        block_comment(&doc, "    ", out);
    }
    let mark = if field.required { "" } else { "?" };
    out.push_str(&format!(
        "    {}{mark}: {};\n",
        property(&field.wire),
        spell(&field.ty, defs)
    ));
}

pub(crate) fn property(wire: &str) -> String {
    if is_js_identifier(wire) {
        wire.to_string()
    } else {
        literal(wire)
    }
}

/// The type of one value; objects and arrays are not taken apart.
pub(crate) fn exactly(value: &Value) -> String {
    match value {
        Value::String(text) => literal(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => "any".to_string(),
    }
}

fn spell(ty: &Type, defs: &[TypeDef]) -> String {
    let name = |index: usize| (pascal_case(&defs[index].wit), false);
    spell_with(ty, "JsonValue", &name)
}

/// A type with the word for any JSON value, and with `named` for the named types: what stands for one, and whether that is a
/// union.
pub(crate) fn spell_with(ty: &Type, json: &str, named: &dyn Fn(usize) -> (String, bool)) -> String {
    let inner = |ty: &Type| spell_with(ty, json, named);
    match ty {
        Type::Bool => "boolean".to_string(),
        Type::Integer | Type::Number => "number".to_string(),
        Type::String => "string".to_string(),
        Type::Json => json.to_string(),
        Type::List(item) => match &**item {
            Type::Nullable(_) => format!("({})[]", inner(item)),
            Type::Def(index) => match named(*index) {
                (union, true) => format!("({union})[]"),
                (name, false) => format!("{name}[]"),
            },
            _ => format!("{}[]", inner(item)),
        },
        Type::Tuple(elements) => {
            let elements: Vec<String> = elements.iter().map(inner).collect();
            format!("[{}]", elements.join(", "))
        }
        Type::Map(value) => format!("{{ [key: string]: {} }}", inner(value)),
        Type::Nullable(value) => format!("{} | null", inner(value)),
        Type::Def(index) => named(*index).0,
    }
}

fn mentions_json(tool: &ToolModel) -> bool {
    let mut found =
        tool.output.mentions_json() || tool.input.as_ref().is_some_and(Type::mentions_json);
    for def in &tool.defs {
        def.kind.each_type(&mut |ty| found |= ty.mentions_json());
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog::{Server, Tool};
    use crate::server::model_server;
    use serde_json::json;

    fn declared(name: &str, tools: serde_json::Value) -> String {
        let tools: Vec<Tool> = serde_json::from_value(tools).unwrap();
        declare_server(
            &model_server(
                name,
                &Server {
                    tools,
                    ..Default::default()
                },
            )
            .unwrap(),
        )
    }

    #[test]
    fn a_small_server() {
        let printed = declared(
            "git_hub",
            json!([{"name": "list_issues", "description": "Lists */ them", "inputSchema": {"type": "object",
                "properties": {
                    "state": {"enum": ["open", "closed"], "default": "open"},
                    "per-page": {"type": ["integer", "null"], "description": "Rows"},
                    "tags": {"type": "array", "items": {"type": ["string", "null"]}},
                    "kind": {"const": "x"}, "meta": {"type": "object", "additionalProperties": {"type": "number"}}},
                "required": ["kind"]}},
               {"name": "delete", "inputSchema": {"type": "object"}}]),
        );
        let wanted = r#"/** The tools of the MCP server `git_hub`. */
declare module "mcp:git-hub" {
  /** Any JSON value: the server declares no type for it. */
  type JsonValue = any;

  export type ListIssuesState = "open" | "closed";
  export interface ListIssuesArgs {
    kind: "x";
    /** @default "open" */
    state?: ListIssuesState;
    /** Rows */
    "per-page"?: number | null;
    tags?: (string | null)[];
    meta?: { [key: string]: number };
  }
  /** Lists *\/ them */
  export function listIssues(args: ListIssuesArgs): Promise<JsonValue>;
  export { listIssues as list_issues };

  function delete_(args?: Record<string, never>): Promise<JsonValue>;
  export { delete_ as delete };

  export {};
}

declare module "mcp:git_hub" {
  export * from "mcp:git-hub";
}
"#;
        assert_eq!(printed, wanted);
    }

    #[test]
    fn original_names_win() {
        let printed = declared(
            "s",
            json!([{"name": "a_b", "inputSchema": {"type": "object"}}, {"name": "aB", "inputSchema": {"type": "object"}}]),
        );
        assert_eq!(printed.matches("aB").count(), 3, "{printed}");
        assert!(printed.contains("function a_b(") && printed.contains("export { aB2 as aB };"));
    }

    #[test]
    fn hidden_characters_in_keys_are_escaped() {
        let printed = declared(
            "s",
            json!([{"name": "a", "inputSchema": {"type": "object", "properties": {
                "x\u{202e}\"": {"enum": ["a\nb", "c\u{200b}"]}}}}]),
        );
        assert!(
            printed.contains(r#""x\u202e\""?: "#) && printed.contains(r#""a\nb" | "c\u200b""#),
            "{printed}"
        );
    }
}
