//! Rust as a model reads it: the names that the generated crate `mcp` has, without derives and visibility. `rust::bindings`
//! is what stands behind them.

use std::collections::BTreeSet;

use super::limits::{Language, limits};
use super::{about_field, about_tool};
use crate::model::{EnumCase, Field, ServerModel, ToolModel, Type, TypeDef, TypeKind};
use crate::names::{pascal_case, snake_case};
use crate::rust::{
    Style, function_name, identifier, module_name, required_parameters, requires_choice,
    shows_rest, spell, spell_field, type_name, used_defs,
};
use crate::search::flat;
use crate::text::shown;

/// The tools of one server as Rust: the line that brings the functions and the types of their arguments into scope, then each
/// function with its types. Structs of arguments have `Default`; what results are made of needs no name to be used.
pub fn describe_rust(server: &ServerModel, tools: &[&ToolModel]) -> String {
    let mut used = Vec::new();
    let mut declared = String::new();
    for tool in tools {
        let arguments = used_defs(tool, tool.input.iter());
        used.push(function_name(tool));
        // What stands last is what the others are for.
        let types = arguments
            .iter()
            .rev()
            .filter_map(|index| tool.defs.get(*index));
        used.extend(types.map(type_name));
        declare(tool, &arguments, &mut declared);
    }
    let used = match used.as_slice() {
        [one] => one.clone(),
        many => format!("{{{}}}", many.join(", ")),
    };
    format!("use mcp::{}::{used};\n{declared}", module_name(server))
}

fn declare(tool: &ToolModel, arguments: &BTreeSet<usize>, out: &mut String) {
    for line in about_tool(tool) {
        out.push_str(&format!("// {line}\n"));
    }
    let declared = |ty: &Type| spell(ty, tool, Style::Declaration);
    let args = tool
        .input
        .as_ref()
        .map(|ty| format!("args: {}", declared(ty)));
    out.push_str(&format!(
        "async fn {}({}) -> Result<{}, ToolError>;\n",
        function_name(tool),
        args.unwrap_or_default(),
        declared(&tool.output)
    ));
    let results = used_defs(tool, [&tool.output].into_iter());
    let only_results = results
        .iter()
        .rev()
        .filter(|index| !arguments.contains(index));
    for index in arguments.iter().rev().chain(only_results) {
        if let Some(def) = tool.defs.get(*index) {
            declare_type(def, tool, arguments.contains(index), out);
        }
    }
}

fn declare_type(def: &TypeDef, tool: &ToolModel, is_argument: bool, out: &mut String) {
    let name = type_name(def);
    match &def.kind {
        TypeKind::Record { fields, rest, .. } => {
            out.push_str(&format!("struct {name} {{\n"));
            for field in fields {
                declare_field(field, tool, is_argument, out);
            }
            if let Some(rest) = rest
                .as_ref()
                .filter(|rest| shows_rest(def, rest) && (rest.stated || is_argument))
            {
                let map = Type::Map(Box::new(rest.ty.clone()));
                let ty = spell(&map, tool, Style::Declaration);
                out.push_str(&format!(" {}: {ty},\n", identifier(&snake_case(&rest.wit))));
            }
            out.push_str("}\n");
            if is_argument && requires_choice(fields, tool) {
                let parameters = required_parameters(fields, tool, Style::Declaration);
                out.push_str(&format!(
                    "impl {name} {{ fn new({parameters}) -> Self; }}\n"
                ));
            }
        }
        TypeKind::Enum(cases) => {
            let cases: Vec<String> = cases.iter().map(case).collect();
            out.push_str(&format!("enum {name} {{ {} }}\n", cases.join(", ")));
        }
        TypeKind::Variant(cases) => {
            let cases = cases.iter().map(|case| {
                let ty = spell(&case.ty, tool, Style::Declaration);
                format!("{}({ty})", identifier(&pascal_case(&case.wit)))
            });
            let cases: Vec<String> = cases.collect();
            out.push_str(&format!("enum {name} {{ {} }}\n", cases.join(", ")));
        }
    }
}

fn declare_field(field: &Field, tool: &ToolModel, is_argument: bool, out: &mut String) {
    let name = identifier(&snake_case(&field.wit));
    let ty = spell_field(field, tool, Style::Declaration);
    let limits = match is_argument {
        true => limits(field, Language::Rust),
        false => Vec::new(),
    };
    let comment = about_field(field, tool, limits, is_argument);
    let comment = comment
        .map(|comment| format!(" // {comment}"))
        .unwrap_or_default();
    out.push_str(&format!(" {name}: {ty},{comment}\n"));
}

/// A case, with the value on the wire where that is not the same word.
fn case(case: &EnumCase) -> String {
    let name = identifier(&pascal_case(&case.wit));
    match &case.wire {
        serde_json::Value::String(wire) if flat(wire) == flat(&name) => name,
        wire => format!(
            "{name} /* {} */",
            shown(&wire.to_string()).replace("*/", "* /")
        ),
    }
}
