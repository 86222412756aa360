//! Rust as programs see it: names, and the declarations that a person or a model reads (`declarations`). The code
//! behind them is in `bindings`. Neither knows wit-bindgen; only `bindings` leans on how it spells names.

use std::collections::BTreeSet;

use crate::model::{Field, Rest, ServerModel, ToolModel, Type, TypeDef, TypeKind};
use crate::names::{pascal_case, snake_case};
use crate::text;

mod bindings;

pub use bindings::{RAW_MODULE, bindings};

/// The name of a server's module in the crate `mcp`, as it is written in a program (`github`, `r#type`).
pub fn module_name(server: &ServerModel) -> String {
    identifier(&snake_case(&server.package))
}

/// The name of a tool's function, as it is written in a program (`list_issues`, `r#match`).
pub fn function_name(tool: &ToolModel) -> String {
    identifier(&snake_case(&tool.wit))
}

/// The name of a type (`ListIssuesArgs`).
pub fn type_name(def: &TypeDef) -> String {
    identifier(&pascal_case(&def.wit))
}

/// A name that Rust takes: keywords become raw identifiers, or get a `_` where Rust allows no raw form.
pub fn identifier(name: &str) -> String {
    match name {
        "self" | "Self" | "super" | "crate" | "_" => format!("{name}_"),
        "as" | "break" | "const" | "continue" | "else" | "enum" | "extern" | "false" | "fn"
        | "for" | "if" | "impl" | "in" | "let" | "loop" | "match" | "mod" | "move" | "mut"
        | "pub" | "ref" | "return" | "static" | "struct" | "trait" | "true" | "type" | "unsafe"
        | "use" | "where" | "while" | "async" | "await" | "dyn" | "abstract" | "become" | "box"
        | "do" | "final" | "gen" | "macro" | "override" | "priv" | "try" | "typeof" | "unsized"
        | "virtual" | "yield" => format!("r#{name}"),
        _ => name.to_string(),
    }
}

/// What a program can name of a server: its functions with their types, documented, without bodies. With `only`, the
/// tools of these names (as the server spells them) and the types that they use.
pub fn declarations(server: &ServerModel, only: Option<&[&str]>) -> String {
    let tools: Vec<&ToolModel> = server
        .tools
        .iter()
        .filter(|tool| only.is_none_or(|only| only.contains(&tool.tool.as_str())))
        .collect();
    let module = module_name(server);
    let mut out = String::new();
    text::line_comment(
        &format!(
            "MCP server {}. Declarations only; a program names them with `use mcp::{module}::...`.",
            text::code(&server.server)
        ),
        "///",
        "",
        &mut out,
    );
    out.push_str(&format!("pub mod {module} {{\n"));
    for (index, tool) in tools.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        declare_tool(tool, &mut out);
    }
    out.push_str("}\n");
    out
}

fn declare_tool(tool: &ToolModel, out: &mut String) {
    let name = function_name(tool);
    if let Some(doc) = tool.documentation() {
        text::line_comment(&doc, "///", "    ", out);
    }
    if name.trim_start_matches("r#") != tool.tool {
        text::line_comment(
            &format!("Tool {}.", text::code(&tool.tool)),
            "///",
            "    ",
            out,
        );
    }
    let args = match &tool.input {
        Some(input) => format!("args: {}", spell(input, tool, Style::Declaration)),
        None => String::new(),
    };
    let output = spell(&tool.output, tool, Style::Declaration);
    out.push_str(&format!(
        "    pub async fn {name}({args}) -> Result<{output}, ToolError>;\n"
    ));
    let used = used_defs(tool, tool.input.iter().chain([&tool.output]));
    let unset = unset_defs(tool);
    for def in used.into_iter().filter_map(|index| tool.defs.get(index)) {
        out.push('\n');
        declare_type(def, tool, &unset, out);
    }
}

fn declare_type(def: &TypeDef, tool: &ToolModel, unset: &BTreeSet<usize>, out: &mut String) {
    if let Some(doc) = &def.doc {
        text::line_comment(doc, "///", "    ", out);
    }
    let name = type_name(def);
    match &def.kind {
        TypeKind::Record {
            fields,
            constants,
            rest,
        } => {
            for (key, value) in constants {
                text::line_comment(
                    &format!(
                        "Always has {}: {}.",
                        text::code(key),
                        text::code(&value.to_string())
                    ),
                    "///",
                    "    ",
                    out,
                );
            }
            let derived = match has_default(fields, tool, unset) {
                true => "Default, ",
                false => "",
            };
            out.push_str(&format!(
                "    #[derive(Clone, Debug, {derived}PartialEq, Serialize, Deserialize)]\n"
            ));
            out.push_str(&format!("    pub struct {name} {{\n"));
            for field in fields {
                declare_field(field, tool, out);
            }
            if let Some(rest) = rest.as_ref().filter(|rest| shows_rest(def, rest)) {
                let map = Type::Map(Box::new(rest.ty.clone()));
                out.push_str(&format!(
                    "        pub {}: {},\n",
                    identifier(&snake_case(&rest.wit)),
                    spell(&map, tool, Style::Declaration)
                ));
            }
            out.push_str("    }\n");
            if requires_choice(fields, tool) {
                out.push_str(&format!(
                    "    impl {name} {{\n        /// The others are absent: `{name} {{ .., ..{name}::new(..) }}`.\n        \
                     pub fn new({}) -> Self;\n    }}\n",
                    required_parameters(fields, tool, Style::Declaration)
                ));
            }
        }
        TypeKind::Enum(cases) => {
            out.push_str("    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]\n");
            out.push_str(&format!("    pub enum {name} {{\n"));
            for case in cases {
                let rust = identifier(&pascal_case(&case.wit));
                out.push_str(&format!(
                    "        {rust}, // {}\n",
                    text::code(&case.wire.to_string())
                ));
            }
            out.push_str("    }\n");
        }
        TypeKind::Variant(cases) => {
            out.push_str("    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]\n");
            out.push_str(&format!("    pub enum {name} {{\n"));
            for case in cases {
                let rust = identifier(&pascal_case(&case.wit));
                out.push_str(&format!(
                    "        {rust}({}),\n",
                    spell(&case.ty, tool, Style::Declaration)
                ));
            }
            out.push_str("    }\n");
        }
    }
}

fn declare_field(field: &Field, tool: &ToolModel, out: &mut String) {
    if let Some(doc) = &field.doc {
        text::line_comment(doc, "///", "        ", out);
    }
    let name = identifier(&snake_case(&field.wit));
    if name.trim_start_matches("r#") != field.wire {
        text::line_comment(
            &format!("Key {}.", text::code(&field.wire)),
            "///",
            "        ",
            out,
        );
    }
    if field.required {
        out.push_str("        /// Required.\n");
    }
    if let Some(default) = &field.default {
        text::line_comment(
            &format!("Default: {}.", text::code(&default.to_string())),
            "///",
            "        ",
            out,
        );
    }
    out.push_str(&format!(
        "        pub {name}: {},\n",
        spell_field(field, tool, Style::Declaration)
    ));
}

/// Whether a type is written for a reader, or for the compiler beside names that may hide those of the prelude.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Declaration,
    Code,
}

/// A type in Rust. `Value` is `serde_json::Value`.
pub(crate) fn spell(ty: &Type, tool: &ToolModel, style: Style) -> String {
    let code = style == Style::Code;
    let inner = |ty: &Type| spell(ty, tool, style);
    match ty {
        Type::Bool => "bool".into(),
        Type::Integer => "i64".into(),
        Type::Number => "f64".into(),
        Type::String if code => "::std::string::String".into(),
        Type::String => "String".into(),
        Type::Json if code => "::witgate_guest::Value".into(),
        Type::Json => "Value".into(),
        Type::List(item) if code => format!("::std::vec::Vec<{}>", inner(item)),
        Type::List(item) => format!("Vec<{}>", inner(item)),
        Type::Tuple(items) => {
            let items: Vec<String> = items.iter().map(inner).collect();
            // A tuple of one needs its comma.
            format!(
                "({}{})",
                items.join(", "),
                if items.len() == 1 { "," } else { "" }
            )
        }
        Type::Map(item) if code => {
            format!(
                "::std::collections::BTreeMap<::std::string::String, {}>",
                inner(item)
            )
        }
        Type::Map(item) => format!("BTreeMap<String, {}>", inner(item)),
        Type::Nullable(item) if code => format!("::std::option::Option<{}>", inner(item)),
        Type::Nullable(item) => format!("Option<{}>", inner(item)),
        // An index without an entry cannot come from `schema`; the compiler would then name this type.
        Type::Def(index) => tool
            .defs
            .get(*index)
            .map_or_else(|| format!("MissingType{index}"), type_name),
    }
}

/// A field's type; an optional one is wrapped once more, so that an absent key and `null` stay apart.
pub(crate) fn spell_field(field: &Field, tool: &ToolModel, style: Style) -> String {
    let ty = spell(&field.ty, tool, style);
    match (field.required, style) {
        (true, _) => ty,
        (false, Style::Code) => format!("::std::option::Option<{ty}>"),
        (false, Style::Declaration) => format!("Option<{ty}>"),
    }
}

/// The enums and variants that have one more, hidden case, for "not given": those that a record of the arguments
/// requires. The case is their default, so that these records have one, and a call that still holds it is refused; the
/// first case would be a value that nobody wrote, and it would be sent.
pub(crate) fn unset_defs(tool: &ToolModel) -> BTreeSet<usize> {
    let mut unset = BTreeSet::new();
    for index in used_defs(tool, tool.input.iter()) {
        if let Some(TypeKind::Record { fields, .. }) = tool.defs.get(index).map(|def| &def.kind) {
            let required = fields.iter().filter(|field| field.required);
            required.for_each(|field| need_default(&field.ty, tool, &mut unset));
        }
    }
    unset
}

fn need_default(ty: &Type, tool: &ToolModel, unset: &mut BTreeSet<usize>) {
    match ty {
        Type::Bool
        | Type::Integer
        | Type::Number
        | Type::String
        | Type::Json
        | Type::List(_)
        | Type::Map(_)
        | Type::Nullable(_) => {}
        Type::Tuple(items) => items
            .iter()
            .for_each(|item| need_default(item, tool, unset)),
        Type::Def(index) => match tool.defs.get(*index).map(|def| &def.kind) {
            // A record's own fields are looked at where the record is.
            Some(TypeKind::Record { .. }) | None => {}
            Some(TypeKind::Enum(_)) => {
                unset.insert(*index);
            }
            Some(TypeKind::Variant(cases)) => {
                unset.insert(*index);
                // What is lowered in its place is the first case with the default of that case's type.
                if let Some(case) = cases.first() {
                    need_default(&case.ty, tool, unset);
                }
            }
        },
    }
}

/// Whether programs see the field for the keys that a record does not name: where the server sends them, or its schema
/// speaks of them. Of the arguments it would else be in everybody's way, and there it is left empty.
pub(crate) fn shows_rest(def: &TypeDef, rest: &Rest) -> bool {
    rest.stated || def.pointer.starts_with("/outputSchema")
}

/// Whether a record has a default value, where the choices `unset` have one. Every record of the arguments has; one that
/// stands only in results has none where it requires a choice.
pub(crate) fn has_default(fields: &[Field], tool: &ToolModel, unset: &BTreeSet<usize>) -> bool {
    fields
        .iter()
        .all(|field| !field.required || type_has_default(&field.ty, tool, unset))
}

fn type_has_default(ty: &Type, tool: &ToolModel, unset: &BTreeSet<usize>) -> bool {
    match ty {
        Type::Bool
        | Type::Integer
        | Type::Number
        | Type::String
        | Type::Json
        | Type::List(_)
        | Type::Map(_)
        | Type::Nullable(_) => true,
        Type::Tuple(items) => items.iter().all(|item| type_has_default(item, tool, unset)),
        // Recursive types are JSON in the model, so this ends.
        Type::Def(index) => match tool.defs.get(*index).map(|def| &def.kind) {
            Some(TypeKind::Record { fields, .. }) => has_default(fields, tool, unset),
            _ => unset.contains(index),
        },
    }
}

/// Whether a record requires an enum or a variant, itself or in a record that it requires; it then has `new`, which
/// takes what is required, so that the compiler sees what is left out.
pub(crate) fn requires_choice(fields: &[Field], tool: &ToolModel) -> bool {
    !has_default(fields, tool, &BTreeSet::new())
}

/// The parameters of `new`: the record's required fields.
pub(crate) fn required_parameters(fields: &[Field], tool: &ToolModel, style: Style) -> String {
    let required = fields.iter().filter(|field| field.required);
    let parameters: Vec<String> = required
        .map(|field| {
            let name = identifier(&snake_case(&field.wit));
            format!("{name}: {}", spell(&field.ty, tool, style))
        })
        .collect();
    parameters.join(", ")
}

/// The named types that the given types reach, by index, in the model's order.
pub(crate) fn used_defs<'a>(
    tool: &ToolModel,
    roots: impl Iterator<Item = &'a Type>,
) -> BTreeSet<usize> {
    let mut used = BTreeSet::new();
    for root in roots {
        visit(root, tool, &mut used);
    }
    used
}

fn visit(ty: &Type, tool: &ToolModel, used: &mut BTreeSet<usize>) {
    ty.each_def(&mut |index| {
        if let Some(def) = tool.defs.get(index)
            && used.insert(index)
        {
            def.kind.each_type(&mut |ty| visit(ty, tool, used));
        }
    });
}

#[cfg(test)]
mod tests;
