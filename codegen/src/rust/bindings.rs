//! The source of the crate `mcp`: one module per server with plain structs, enums and a function per tool, over the
//! raw module that wit-bindgen generates from the typed view of the same tools. No documentation: nobody reads this. The
//! functions are not `async` themselves: what they return holds a guard that tells of a call that nobody awaited.
//!
//! The raw module's spelling of names is matched here (`raw_*`), and nowhere else.

use std::collections::BTreeSet;

use super::{
    Style, function_name, has_default, identifier, module_name, required_parameters,
    requires_choice, shows_rest, spell, spell_field, type_name, unset_defs, used_defs,
};
use crate::model::{
    Case, CaseTest, EnumCase, Field, Rest, ServerModel, ToolModel, Type, TypeDef, TypeKind,
};
use crate::names::{pascal_case, snake_case};

/// The module of the crate `mcp` that must hold wit-bindgen's output for the typed view.
pub const RAW_MODULE: &str = "raw__";

/// The modules of the crate `mcp`, one per server, for these tools. The crate is edition 2021 and has a module
/// [`RAW_MODULE`] beside them; it needs the crate `witgate_guest` and nothing else.
pub fn bindings(servers: &[(&ServerModel, Vec<&ToolModel>)]) -> String {
    let mut out = String::from("#![allow(warnings)]\n");
    for (server, tools) in servers {
        let raw = identifier(&snake_case(&server.package));
        out.push_str(&format!("pub mod {} {{\n", module_name(server)));
        if !tools.is_empty() {
            out.push_str(&format!(
                "use super::{RAW_MODULE}::mcp::{raw}::tools as r__;\n"
            ));
            out.push_str("use ::witgate_guest::raw as g__;\n");
        }
        for tool in tools {
            function(server, tool, &mut out);
        }
        out.push_str("}\n");
    }
    out
}

fn function(server: &ServerModel, tool: &ToolModel, out: &mut String) {
    let name = function_name(tool);
    let raw = raw_identifier(&tool.wit);
    let output = spell(&tool.output, tool, Style::Code);
    let label = format!("{}/{}", server.server, tool.tool);
    let (parameter, argument) = match &tool.input {
        Some(input) => (
            format!("args: {}", spell(input, tool, Style::Code)),
            lower(input, "args"),
        ),
        None => (String::new(), String::new()),
    };
    let lifted = lift_result(&tool.output, tool, "value");
    let unset = unset_defs(tool);
    // What was not given is found while the arguments are lowered, before anything is sent.
    let (lowered, argument) = match unset.is_empty() {
        true => (String::new(), argument),
        false => (
            format!(
                "let lowered = {argument};\n\
                 if let ::std::option::Option::Some(error) = g__::take_unset({label:?}) {{\n\
                 return ::std::result::Result::Err(error);\n}}\n"
            ),
            "lowered".to_string(),
        ),
    };
    out.push_str(&format!(
        "pub fn {name}({parameter}) -> impl ::std::future::Future<Output = \
         ::std::result::Result<{output}, ::witgate_guest::ToolError>> {{\n\
         let unawaited = g__::Unawaited({label:?});\n\
         async move {{\nunawaited.begun();\n{lowered}\
         match r__::{raw}({argument}).await {{\n\
         ::std::result::Result::Ok(value) => {lifted}.map_err(|error| g__::unreadable({label:?}, error)),\n\
         ::std::result::Result::Err(error) => ::std::result::Result::Err(g__::failed(error)),\n}}\n}}\n}}\n"
    ));
    let lowered = used_defs(tool, tool.input.iter());
    let lifted = used_defs(tool, [&tool.output].into_iter());
    for (index, def) in tool.defs.iter().enumerate() {
        let directions = Directions {
            lower: lowered.contains(&index),
            lift: lifted.contains(&index),
            unset: unset.contains(&index),
        };
        match &def.kind {
            TypeKind::Record {
                fields,
                constants,
                rest,
            } => {
                let members = (fields.as_slice(), constants.as_slice(), rest.as_ref());
                record(def, members, tool, (directions, &unset), out)
            }
            TypeKind::Enum(cases) => enumeration(def, cases, directions, out),
            TypeKind::Variant(cases) => variant(def, cases, tool, directions, out),
        }
    }
}

/// Which way values of a type cross the border: `lower` into arguments, `lift` out of results. `unset`: it is an
/// enum or a variant with the hidden case [`UNSET`].
#[derive(Clone, Copy)]
struct Directions {
    lower: bool,
    lift: bool,
    unset: bool,
}

/// The case of a required choice that nobody has given. No other case is named so: names have no `_` in them.
const UNSET: &str = "Unset__";

/// The two conversions of a type, as far as they are needed.
fn conversions(
    name: &str,
    raw: &str,
    directions: Directions,
    lower: &str,
    lift: &str,
    out: &mut String,
) {
    out.push_str(&format!("impl {name} {{\n"));
    if directions.lower {
        out.push_str(&format!("fn lower__(self) -> r__::{raw} {{\n{lower}}}\n"));
    }
    if directions.lift {
        out.push_str(&format!(
            "fn lift__(raw: r__::{raw}) -> ::std::result::Result<Self, g__::Unreadable> {{\n\
             ::std::result::Result::Ok({lift})\n}}\n"
        ));
    }
    out.push_str("}\n");
}

fn serialize(name: &str, body: &str, out: &mut String) {
    out.push_str(&format!(
        "impl g__::serde::Serialize for {name} {{\n\
         fn serialize<S__: g__::serde::Serializer>(&self, serializer: S__) \
         -> ::std::result::Result<S__::Ok, S__::Error> {{\n{body}}}\n}}\n"
    ));
}

/// `Deserialize` by way of a value: nothing of it is compiled before a program asks for it.
fn deserialize(name: &str, read: &str, body: &str, out: &mut String) {
    out.push_str(&format!(
        "impl<'de> g__::serde::Deserialize<'de> for {name} {{\n\
         fn deserialize<D__: g__::serde::Deserializer<'de>>(deserializer: D__) \
         -> ::std::result::Result<Self, D__::Error> {{\n\
         let {read};\n{body}}}\n}}\n"
    ));
}

fn record(
    def: &TypeDef,
    (fields, constants, rest): (&[Field], &[(String, serde_json::Value)], Option<&Rest>),
    tool: &ToolModel,
    (directions, unset): (Directions, &BTreeSet<usize>),
    out: &mut String,
) {
    let name = type_name(def);
    let raw = raw_type(&def.wit);
    let mut members = String::new();
    let mut lowered = format!("r__::{raw} {{\n");
    let mut lifted = "Self {\n".to_string();
    let mut body = "use g__::serde::ser::SerializeMap as _;\nlet mut map = serializer.serialize_map(::std::option::Option::None)?;\n".to_string();
    let mut parsed = String::new();
    let mut created = String::new();
    for (key, value) in constants {
        let value = value.to_string();
        parsed.push_str(&format!("object.constant({key:?}, {value:?})?;\n"));
        body.push_str(&format!(
            "map.serialize_entry({key:?}, &g__::constant({value:?}))?;\n"
        ));
    }
    parsed.push_str("let read = Self {\n");
    for field in fields {
        let member = identifier(&snake_case(&field.wit));
        let take = if field.required {
            "required"
        } else {
            "optional"
        };
        parsed.push_str(&format!("{member}: object.{take}({:?})?,\n", field.wire));
        if field.required {
            created.push_str(&format!("{member},\n"));
        } else {
            created.push_str(&format!("{member}: ::std::option::Option::None,\n"));
        }
        let raw_member = raw_identifier(&field.wit);
        let wire = &field.wire;
        members.push_str(&format!(
            "pub {member}: {},\n",
            spell_field(field, tool, Style::Code)
        ));
        let (down, up) = if field.required {
            (
                lower(&field.ty, &format!("self.{member}")),
                lift(&field.ty, tool, &format!("raw.{raw_member}")),
            )
        } else {
            // An optional field is one more option around the type, exactly as `Nullable` is.
            (
                lower_option(&field.ty, &format!("self.{member}")),
                lift_option(&field.ty, tool, &format!("raw.{raw_member}")),
            )
        };
        lowered.push_str(&format!("{raw_member}: {down},\n"));
        lifted.push_str(&format!("{member}: {up},\n"));
        if field.required {
            body.push_str(&format!(
                "map.serialize_entry({wire:?}, &self.{member})?;\n"
            ));
        } else {
            body.push_str(&format!(
                "if let ::std::option::Option::Some(value) = &self.{member} {{ map.serialize_entry({wire:?}, value)?; }}\n"
            ));
        }
    }
    if let Some(rest) = rest {
        let raw_member = raw_identifier(&rest.wit);
        if shows_rest(def, rest) {
            let member = identifier(&snake_case(&rest.wit));
            let map = Type::Map(Box::new(rest.ty.clone()));
            let ty = spell(&map, tool, Style::Code);
            members.push_str(&format!("pub {member}: {ty},\n"));
            lowered.push_str(&format!(
                "{raw_member}: {},\n",
                lower(&map, &format!("self.{member}"))
            ));
            lifted.push_str(&format!(
                "{member}: {},\n",
                lift(&map, tool, &format!("raw.{raw_member}"))
            ));
            body.push_str(&format!(
                "for (key, value) in &self.{member} {{ map.serialize_entry(key, value)?; }}\n"
            ));
            // The last one: what the others have left.
            parsed.push_str(&format!("{member}: object.rest()?,\n"));
            created.push_str(&format!("{member}: ::std::default::Default::default(),\n"));
        } else {
            lowered.push_str(&format!("{raw_member}: ::std::vec::Vec::new(),\n"));
        }
    }
    lowered.push_str("}\n");
    lifted.push('}');
    body.push_str("map.end()\n");
    parsed.push_str("};\nobject.end()?;\n::std::result::Result::Ok(read)\n");
    let derived = match has_default(fields, tool, unset) {
        true => "Default, ",
        false => "",
    };
    out.push_str(&format!(
        "#[derive(Clone, Debug, {derived}PartialEq)]\npub struct {name} {{\n{members}}}\n"
    ));
    if requires_choice(fields, tool) {
        let parameters = required_parameters(fields, tool, Style::Code);
        out.push_str(&format!(
            "impl {name} {{\npub fn new({parameters}) -> Self {{ Self {{\n{created}}} }}\n}}\n"
        ));
    }
    conversions(&name, &raw, directions, &lowered, &lifted, out);
    serialize(&name, &body, out);
    let read = format!("mut object = g__::object(deserializer, {name:?})?");
    deserialize(&name, &read, &parsed, out);
}

fn enumeration(def: &TypeDef, cases: &[EnumCase], directions: Directions, out: &mut String) {
    let name = type_name(def);
    let raw = raw_type(&def.wit);
    let mut members = String::new();
    let mut lowered = "match self {\n".to_string();
    let mut lifted = "match raw {\n".to_string();
    let mut texts = "match self {\n".to_string();
    let mut parsed = "match text {\n".to_string();
    let mut values = "match self {\n".to_string();
    let mut known = String::new();
    for case in cases {
        let rust = identifier(&pascal_case(&case.wit));
        let raw_case = pascal_case(&case.wit);
        let text = match &case.wire {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        members.push_str(&format!("{rust},\n"));
        lowered.push_str(&format!("Self::{rust} => r__::{raw}::{raw_case},\n"));
        lifted.push_str(&format!("r__::{raw}::{raw_case} => Self::{rust},\n"));
        texts.push_str(&format!("Self::{rust} => {text:?},\n"));
        parsed.push_str(&format!(
            "{text:?} => ::std::result::Result::Ok(Self::{rust}),\n"
        ));
        known.push_str(&format!("{text:?}, "));
        match &case.wire {
            serde_json::Value::String(_) => {
                values.push_str(&format!("Self::{rust} => serializer.serialize_str({text:?}),\n"));
            }
            _ => values.push_str(&format!(
                "Self::{rust} => g__::serde::Serialize::serialize(&g__::constant({text:?}), serializer),\n"
            )),
        }
    }
    let mut derived = "";
    if let (true, Some(first)) = (directions.unset, cases.first()) {
        derived = "Default, ";
        members.push_str(&format!("#[doc(hidden)]\n#[default]\n{UNSET},\n"));
        let first = pascal_case(&first.wit);
        lowered.push_str(&format!(
            "Self::{UNSET} => {{ g__::unset({name:?}); r__::{raw}::{first} }}\n"
        ));
        texts.push_str(&format!("Self::{UNSET} => \"\",\n"));
        values.push_str(&format!(
            "Self::{UNSET} => ::std::result::Result::Err(g__::not_given({name:?})),\n"
        ));
    }
    lowered.push_str("}\n");
    lifted.push('}');
    texts.push_str("}\n");
    parsed.push_str(&format!(
        "_ => ::std::result::Result::Err(g__::UnknownCase {{ known: &[{known}] }}),\n}}\n"
    ));
    values.push_str("}\n");
    out.push_str(&format!(
        "#[derive(Clone, Copy, Debug, {derived}PartialEq, Eq, PartialOrd, Ord, Hash)]\npub enum {name} {{\n{members}}}\n\
         impl {name} {{\npub fn as_str(self) -> &'static str {{\n{texts}}}\n}}\n\
         impl ::std::fmt::Display for {name} {{\n\
         fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {{ f.pad(self.as_str()) }}\n}}\n\
         impl ::std::str::FromStr for {name} {{\ntype Err = g__::UnknownCase;\n\
         fn from_str(text: &str) -> ::std::result::Result<Self, g__::UnknownCase> {{\n{parsed}}}\n}}\n\
         impl ::std::cmp::PartialEq<&str> for {name} {{\n\
         fn eq(&self, other: &&str) -> bool {{ self.as_str() == *other }}\n}}\n"
    ));
    conversions(&name, &raw, directions, &lowered, &lifted, out);
    serialize(&name, &values, out);
    let body = "g__::case(text.as_str().unwrap_or(&text.to_string()))\n";
    deserialize(&name, "text = g__::any(deserializer)?", body, out);
}

fn variant(
    def: &TypeDef,
    cases: &[Case],
    tool: &ToolModel,
    directions: Directions,
    out: &mut String,
) {
    let name = type_name(def);
    let raw = raw_type(&def.wit);
    let mut members = String::new();
    let mut lowered = "match self {\n".to_string();
    let mut lifted = "match raw {\n".to_string();
    let mut body = "match self {\n".to_string();
    let mut from = String::new();
    let mut parsed = String::new();
    let spelled: Vec<String> = cases
        .iter()
        .map(|case| spell(&case.ty, tool, Style::Code))
        .collect();
    for (case, ty) in cases.iter().zip(&spelled) {
        let rust = identifier(&pascal_case(&case.wit));
        let raw_case = pascal_case(&case.wit);
        members.push_str(&format!("{rust}({ty}),\n"));
        lowered.push_str(&format!(
            "Self::{rust}(value) => r__::{raw}::{raw_case}({}),\n",
            lower(&case.ty, "value")
        ));
        lifted.push_str(&format!(
            "r__::{raw}::{raw_case}(value) => Self::{rust}({}),\n",
            lift(&case.ty, tool, "value")
        ));
        match missing_tag(case, tool) {
            Some((key, tag)) => body.push_str(&format!(
                "Self::{rust}(value) => {{\nlet value = g__::tagged({key:?}, {tag:?}, value)\
                 .map_err(<S__::Error as g__::serde::ser::Error>::custom)?;\n\
                 g__::serde::Serialize::serialize(&value, serializer)\n}}\n"
            )),
            None => body.push_str(&format!(
                "Self::{rust}(value) => g__::serde::Serialize::serialize(value, serializer),\n"
            )),
        }
        // A tag decides; without one the first case that can be read is taken, as in the host.
        let parse = match (&case.test, missing_tag(case, tool)) {
            (CaseTest::Tag { wire, value }, missing) => {
                let value = value.to_string();
                let strip = missing.is_some();
                format!(
                    "if g__::has_tag(&value, {wire:?}, {value:?}) {{\n\
                     return g__::read(g__::untagged(value, {wire:?}, {strip})).map(Self::{rust});\n}}\n"
                )
            }
            _ => format!(
                "if let ::std::option::Option::Some(value) = g__::try_read(&value) {{\n\
                 return ::std::result::Result::Ok(Self::{rust}(value));\n}}\n"
            ),
        };
        parsed.push_str(&parse);
        // `From` only where the type tells the case.
        if spelled.iter().filter(|other| *other == ty).count() == 1 {
            from.push_str(&format!(
                "impl ::std::convert::From<{ty}> for {name} {{\nfn from(value: {ty}) -> Self {{ Self::{rust}(value) }}\n}}\n"
            ));
            if case.ty == Type::String {
                from.push_str(&format!(
                    "impl ::std::convert::From<&str> for {name} {{\n\
                     fn from(value: &str) -> Self {{ Self::{rust}(::std::string::String::from(value)) }}\n}}\n"
                ));
            }
        }
    }
    let mut derived = "";
    if let (true, Some(first), Some(ty)) = (directions.unset, cases.first(), spelled.first()) {
        derived = "Default, ";
        members.push_str(&format!("#[doc(hidden)]\n#[default]\n{UNSET},\n"));
        let raw_case = pascal_case(&first.wit);
        let content = lower(&first.ty, "value");
        lowered.push_str(&format!(
            "Self::{UNSET} => {{\ng__::unset({name:?});\n\
             let value: {ty} = ::std::default::Default::default();\nr__::{raw}::{raw_case}({content})\n}}\n"
        ));
        body.push_str(&format!(
            "Self::{UNSET} => ::std::result::Result::Err(g__::not_given({name:?})),\n"
        ));
    }
    lowered.push_str("}\n");
    lifted.push('}');
    body.push_str("}\n");
    out.push_str(&format!(
        "#[derive(Clone, Debug, {derived}PartialEq)]\npub enum {name} {{\n{members}}}\n"
    ));
    out.push_str(&from);
    conversions(&name, &raw, directions, &lowered, &lifted, out);
    serialize(&name, &body, out);
    parsed.push_str(&format!("g__::no_case({name:?})\n"));
    deserialize(&name, "value = g__::any(deserializer)?", &parsed, out);
}

/// A case's tag where its own type does not write it: the key, and the value as JSON text.
fn missing_tag(case: &Case, tool: &ToolModel) -> Option<(String, String)> {
    let CaseTest::Tag { wire, value } = &case.test else {
        return None;
    };
    let written = match &case.ty {
        Type::Def(index) => match &tool.defs.get(*index)?.kind {
            TypeKind::Record {
                fields, constants, ..
            } => {
                fields.iter().any(|field| field.wire == *wire)
                    || constants.iter().any(|(key, _)| key == wire)
            }
            TypeKind::Enum(_) | TypeKind::Variant(_) => false,
        },
        // A free-form object has its tag among its keys.
        _ => true,
    };
    (!written).then(|| (wire.clone(), value.to_string()))
}

/// Whether the raw type and the program's are the same.
fn same(ty: &Type) -> bool {
    match ty {
        Type::Bool | Type::Integer | Type::Number | Type::String => true,
        Type::Json | Type::Map(_) | Type::Def(_) => false,
        Type::List(item) | Type::Nullable(item) => same(item),
        Type::Tuple(items) => items.iter().all(same),
    }
}

/// An expression of the raw type from one of the program's type.
fn lower(ty: &Type, value: &str) -> String {
    if same(ty) {
        return value.to_string();
    }
    match ty {
        Type::Json => format!("g__::text(&{value})"),
        Type::List(item) => format!("g__::lower_list({value}, |value| {})", lower(item, "value")),
        Type::Map(item) => format!("g__::lower_map({value}, |value| {})", lower(item, "value")),
        Type::Nullable(item) => lower_option(item, value),
        Type::Tuple(items) => {
            let items: Vec<String> = items
                .iter()
                .enumerate()
                .map(|(index, item)| lower(item, &format!("value.{index}")))
                .collect();
            format!("{{ let value = {value}; ({},) }}", items.join(", "))
        }
        _ => format!("{value}.lower__()"),
    }
}

fn lower_option(item: &Type, value: &str) -> String {
    if same(item) {
        return value.to_string();
    }
    format!("{value}.map(|value| {})", lower(item, "value"))
}

/// An expression of the program's type from one of the raw type, where `?` may end with `Unreadable`.
fn lift(ty: &Type, tool: &ToolModel, value: &str) -> String {
    if same(ty) {
        return value.to_string();
    }
    match ty {
        Type::Tuple(items) => {
            let items: Vec<String> = items
                .iter()
                .enumerate()
                .map(|(index, item)| lift(item, tool, &format!("value.{index}")))
                .collect();
            format!("{{ let value = {value}; ({},) }}", items.join(", "))
        }
        _ => format!("{}?", lift_result(ty, tool, value)),
    }
}

fn lift_option(item: &Type, tool: &ToolModel, value: &str) -> String {
    if same(item) {
        return value.to_string();
    }
    format!(
        "g__::lift_option({value}, |value| {})?",
        lift_result(item, tool, "value")
    )
}

/// The same as `lift`, as a `Result`.
fn lift_result(ty: &Type, tool: &ToolModel, value: &str) -> String {
    if same(ty) {
        return format!("::std::result::Result::<_, g__::Unreadable>::Ok({value})");
    }
    match ty {
        Type::Json => format!("g__::value(&{value})"),
        Type::List(item) => format!(
            "g__::lift_list({value}, |value| {})",
            lift_result(item, tool, "value")
        ),
        Type::Map(item) => format!(
            "g__::lift_map({value}, |value| {})",
            lift_result(item, tool, "value")
        ),
        Type::Nullable(item) => format!(
            "g__::lift_option({value}, |value| {})",
            lift_result(item, tool, "value")
        ),
        Type::Def(_) => format!("{}::lift__({value})", spell(ty, tool, Style::Code)),
        _ => format!(
            "(|| ::std::result::Result::<_, g__::Unreadable>::Ok({}))()",
            lift(ty, tool, value)
        ),
    }
}

/// A function's or field's name as wit-bindgen writes it: keywords get a `_`.
fn raw_identifier(wit: &str) -> String {
    let plain = snake_case(wit);
    // It knows no `gen`, which is no keyword in edition 2021.
    match identifier(&plain).strip_prefix("r#") {
        Some("gen") | None => identifier(&plain),
        Some(keyword) => format!("{keyword}_"),
    }
}

/// A type's name as wit-bindgen writes it.
fn raw_type(wit: &str) -> String {
    match wit {
        "guest" => "Guest_".into(),
        _ => pascal_case(wit),
    }
}
