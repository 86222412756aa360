//! TypeScript as a model reads it: `import`, then a signature for each tool, objects written out in place. A type has a name
//! only where it is used more than once.

use std::collections::{BTreeMap, HashSet};

use super::limits::{Language, VALUES, limits};
use super::{about_field, about_tool};
use crate::dts::{all_optional, exactly, names_of, property, spell_with};
use crate::model::{Field, Rest, ServerModel, ToolModel, Type, TypeDef, TypeKind};
use crate::names::{is_js_identifier, is_js_reserved, pascal_case};
use crate::select::js_module;
use crate::text::literal;

/// Longest object on one line, and longest type that is rather written out again than named, in characters.
const LINE: usize = 80;
const SHORT: usize = 30;
/// What a value is of which nothing is known.
const UNKNOWN: &str = "unknown";

/// The tools of one server as TypeScript: the line that imports them, then each with its arguments and its result.
pub fn describe_js(server: &ServerModel, tools: &[&ToolModel]) -> String {
    let originals: HashSet<&str> = server.tools.iter().map(|tool| tool.tool.as_str()).collect();
    let mut imported = Vec::new();
    let mut declared = String::new();
    for tool in tools {
        let names = names_of(tool, &originals);
        // camelCase always is an identifier, and where it is left to another tool the original name is one.
        let Some(name) = names.into_iter().find(|name| is_js_identifier(name)) else {
            continue;
        };
        let local = match is_js_reserved(&name) {
            true => format!("{name}_"),
            false => name.clone(),
        };
        imported.push(match local == name {
            true => name,
            false => format!("{name} as {local}"),
        });
        declare(tool, &local, &mut declared);
    }
    let module = literal(&js_module(server));
    format!(
        "import {{ {} }} from {module};\n{declared}",
        imported.join(", ")
    )
}

fn declare(tool: &ToolModel, name: &str, out: &mut String) {
    let mut printer = Printer::new(tool);
    let args = match &tool.input {
        None => String::new(),
        Some(ty) => {
            let mark = if all_optional(ty, &tool.defs) {
                "?"
            } else {
                ""
            };
            format!("args{mark}: {}", printer.spell(ty, Side::Arguments))
        }
    };
    let output = printer.spell(&tool.output, Side::Result);
    for line in about_tool(tool) {
        out.push_str(&format!("// {line}\n"));
    }
    for (name, ty) in printer.named.values() {
        out.push_str(&format!("type {name} = {ty};\n"));
    }
    out.push_str(&format!("{name}({args}): Promise<{output}>;\n"));
}

/// Which way values go. What must hold for arguments need not be told of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Arguments,
    Result,
}

/// Writes the types of one tool.
struct Printer<'a> {
    tool: &'a ToolModel,
    /// How often each type is used.
    uses: Vec<usize>,
    /// The types that have got a name, by index.
    named: BTreeMap<usize, (String, String)>,
}

impl<'a> Printer<'a> {
    fn new(tool: &'a ToolModel) -> Printer<'a> {
        let mut uses = vec![0; tool.defs.len()];
        let mut count = |ty: &Type| ty.each_def(&mut |index| uses[index] += 1);
        tool.input.iter().chain([&tool.output]).for_each(&mut count);
        for def in &tool.defs {
            def.kind.each_type(&mut count);
        }
        Printer {
            tool,
            uses,
            named: BTreeMap::new(),
        }
    }

    fn spell(&mut self, ty: &Type, side: Side) -> String {
        // The inner types first, so that what stands for them is there when it is asked for.
        let mut inner: BTreeMap<usize, (String, bool)> = BTreeMap::new();
        ty.each_def(&mut |index| {
            let spelled = self.spell_def(index, side);
            inner.insert(index, spelled);
        });
        let named = |index: usize| inner.get(&index).cloned().unwrap_or_default();
        spell_with(ty, UNKNOWN, &named)
    }

    /// What stands for a named type, and whether it is a union.
    fn spell_def(&mut self, index: usize, side: Side) -> (String, bool) {
        if let Some((name, _)) = self.named.get(&index) {
            return (name.clone(), false);
        }
        let Some(def) = self.tool.defs.get(index) else {
            return (UNKNOWN.to_string(), false);
        };
        let (text, is_union) = self.write(def, side);
        if self.uses.get(index).is_none_or(|uses| *uses < 2) || text.len() <= SHORT {
            return (text, is_union);
        }
        let name = pascal_case(&def.wit);
        self.named.insert(index, (name.clone(), text));
        (name, false)
    }

    fn write(&mut self, def: &TypeDef, side: Side) -> (String, bool) {
        match &def.kind {
            TypeKind::Record {
                fields,
                constants,
                rest,
            } => {
                let constants = constants.iter();
                let mut members: Vec<Member> = constants
                    .map(|(wire, value)| Member {
                        text: format!("{}: {}", property(wire), exactly(value)),
                        comment: None,
                    })
                    .collect();
                members.extend(fields.iter().map(|field| self.field(field, side)));
                // Of a result nobody needs to hear that it may have more keys.
                let tells = |rest: &&Rest| {
                    rest.stated && (side == Side::Arguments || rest.ty != Type::Json)
                };
                if let Some(rest) = rest.as_ref().filter(tells) {
                    members.push(self.rest(rest, side));
                }
                (object(&members), false)
            }
            TypeKind::Enum(cases) => {
                let values: Vec<String> = cases.iter().map(|case| exactly(&case.wire)).collect();
                (values.join("|"), values.len() > 1)
            }
            TypeKind::Variant(cases) => {
                let mut types: Vec<String> = Vec::new();
                for case in cases {
                    let ty = self.spell(&case.ty, side);
                    if !types.contains(&ty) {
                        types.push(ty);
                    }
                }
                (types.join(" | "), types.len() > 1)
            }
        }
    }

    fn field(&mut self, field: &Field, side: Side) -> Member {
        let ty = match literals(field) {
            Some(values) => values,
            None => self.spell(&field.ty, side),
        };
        let mark = if field.required { "" } else { "?" };
        let limits = match side {
            Side::Arguments => limits(field, Language::TypeScript),
            Side::Result => Vec::new(),
        };
        Member {
            text: format!("{}{mark}: {ty}", property(&field.wire)),
            comment: about_field(field, self.tool, limits, side == Side::Arguments),
        }
    }

    /// Keys that the type does not name. An index signature of any narrower type would have to hold for the others too.
    fn rest(&mut self, rest: &Rest, side: Side) -> Member {
        Member {
            text: "[key: string]: any".to_string(),
            comment: (rest.ty != Type::Json).then(|| {
                let ty = self.spell(&rest.ty, side);
                ty.split_whitespace().collect::<Vec<_>>().join(" ")
            }),
        }
    }
}

/// The values of a field that made no enum, as a type.
fn literals(field: &Field) -> Option<String> {
    let (is_null, plain) = match &field.ty {
        Type::Nullable(inner) => (true, &**inner),
        ty => (false, ty),
    };
    let values: Vec<_> = field
        .stated
        .values
        .iter()
        .filter(|value| !value.is_null())
        .collect();
    let fits = matches!(plain, Type::String | Type::Integer | Type::Number)
        && values
            .iter()
            .all(|value| value.is_string() || value.is_number());
    if values.is_empty() || values.len() > VALUES || !fits {
        return None;
    }
    let mut types: Vec<String> = values.into_iter().map(exactly).collect();
    types.extend(is_null.then(|| "null".to_string()));
    Some(types.join("|"))
}

/// One line of an object.
struct Member {
    text: String,
    comment: Option<String>,
}

/// On one line where that is short and nothing is to be said.
fn object(members: &[Member]) -> String {
    let plain = members
        .iter()
        .all(|member| member.comment.is_none() && !member.text.contains('\n'));
    let texts: Vec<&str> = members.iter().map(|member| member.text.as_str()).collect();
    let line = format!("{{ {} }}", texts.join("; "));
    if plain && line.chars().count() <= LINE {
        return line;
    }
    let mut out = String::from("{\n");
    for member in members {
        // Members of inner objects are further in.
        let text = member.text.replace('\n', "\n ");
        let comment = member.comment.as_deref();
        let comment = comment
            .map(|comment| format!(" // {comment}"))
            .unwrap_or_default();
        out.push_str(&format!(" {text}{comment}\n"));
    }
    out.push('}');
    out
}
