//! How well a server's tools could be typed, counted from its model and its losses: what a reader of `witgate catalog report`
//! sees. No clock, no file, no table: the caller measures and prints.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::AddAssign;

use serde::Serialize;

use crate::loss::Loss;
use crate::model::{ServerModel, ToolModel, Type, TypeKind};
use crate::select::{View, find_import, interface_name};
use crate::wit::{WitOptions, print_server};
use crate::{dts, rust};

/// Figures of one server, or of several added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Tools.
    pub tools: usize,
    /// Tools whose function leads back to them in the typed view and in the JSON view.
    pub callable: usize,
    /// What became of the input schemas.
    pub inputs: Side,
    /// What became of the output schemas.
    pub outputs: Side,
    /// How many losses there are of each kind.
    pub losses_by_class: BTreeMap<Class, usize>,
    /// How many losses each keyword has.
    pub losses_by_keyword: BTreeMap<String, usize>,
}

/// The schemas of one side of the tools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Tools that state a schema; every tool has one for its input.
    pub declared: usize,
    /// Of those, the ones that have a type: all but those whose whole value is `json`.
    pub typed: usize,
    /// Of the typed inputs, those that take no arguments.
    pub empty: usize,
    /// Declared schemas with `json` somewhere, each under the worst of its reasons.
    pub schemas: Fallbacks,
    /// Places that are `json`; a named type counts once in each tool.
    pub places: Fallbacks,
}

/// Counts of `json`, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Fallbacks {
    /// The schema takes anything, or any object.
    pub free_form: usize,
    /// The schema refers to itself, which WIT cannot say.
    pub recursive: usize,
    /// The schema says more, and we could not type it.
    pub untyped: usize,
}

/// Why a place is `json`. From harmless to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// The schema takes anything, or any object.
    FreeForm,
    /// The schema refers to itself.
    Recursive,
    /// We could not type it.
    Untyped,
}

/// What kind of consequence a loss has for the program's author. From bad to harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The place is `json` in the typed view.
    Json,
    /// Some valid values cannot be said in the typed view.
    Narrower,
    /// Some values of the type are invalid: the host finds them.
    Checked,
    /// The types and the values are the same; something beside them is not carried.
    Note,
}

/// Sizes of what is printed of a server, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// WIT, both views.
    pub wit: usize,
    /// TypeScript declarations.
    pub dts: usize,
    /// Rust declarations.
    pub rust: usize,
}

/// Prints everything that `witgate gen` writes of a server, for its size.
pub fn measure(model: &ServerModel) -> Sizes {
    Sizes {
        wit: print_server(model, &WitOptions::default()).len(),
        dts: dts::declare_server(model).len(),
        rust: rust::declarations(model, None).len(),
    }
}

/// Counts one server.
pub fn report(model: &ServerModel) -> Report {
    let mut report = Report {
        tools: model.tools.len(),
        ..Report::default()
    };
    // By tool: why places of the input and of the output are `json`.
    let mut lost: HashMap<&str, [Fallbacks; 2]> = HashMap::new();
    for loss in &model.losses {
        *report.losses_by_class.entry(class(loss)).or_default() += 1;
        *report
            .losses_by_keyword
            .entry(loss.keyword.clone())
            .or_default() += 1;
        if let Some(reason) = fallback(loss) {
            let output = usize::from(is_output(loss));
            lost.entry(&loss.tool).or_default()[output].count(reason);
        }
    }
    for tool in &model.tools {
        report.callable += usize::from(is_callable(model, tool));
        let [input, output] = lost.get(tool.tool.as_str()).copied().unwrap_or_default();
        let ty = tool.input.as_ref();
        report.inputs.empty += usize::from(ty.is_none());
        report.inputs.count(ty, tool, input);
        if tool.has_output_schema {
            report.outputs.count(Some(&tool.output), tool, output);
        }
    }
    report
}

/// Why the loss's place is `json`; `None` where the loss is about something else.
pub fn fallback(loss: &Loss) -> Option<Fallback> {
    if !loss.consequence.ends_with("given as JSON") {
        return None;
    }
    Some(match loss.keyword.as_str() {
        "$ref" if loss.consequence.starts_with("refers to itself") => Fallback::Recursive,
        // A key that is required and has no schema takes anything.
        "required" => Fallback::FreeForm,
        _ => Fallback::Untyped,
    })
}

/// What kind of consequence a loss has.
pub fn class(loss: &Loss) -> Class {
    const NARROWER: [&str; 4] = [
        "need the JSON view",
        "always sent",
        "no such field",
        "taken from the other keywords",
    ];
    let consequence = &loss.consequence;
    if consequence.ends_with("given as JSON") {
        Class::Json
    } else if consequence.contains("checked at run time") {
        Class::Checked
    } else if NARROWER.iter().any(|words| consequence.contains(words)) {
        Class::Narrower
    } else {
        Class::Note
    }
}

/// Whether the loss is in the output schema; else it is in the input schema.
pub fn is_output(loss: &Loss) -> bool {
    loss.pointer.starts_with("/outputSchema")
}

fn is_callable(model: &ServerModel, tool: &ToolModel) -> bool {
    [View::Typed, View::Json].into_iter().all(|view| {
        let interface = interface_name(model, view);
        find_import(std::slice::from_ref(model), &interface, &tool.wit)
            .is_ok_and(|found| found.tool.tool == tool.tool && found.view == view)
    })
}

impl Side {
    /// One declared schema; `lost` are the reasons on record.
    fn count(&mut self, ty: Option<&Type>, tool: &ToolModel, lost: Fallbacks) {
        self.declared += 1;
        self.typed += usize::from(ty != Some(&Type::Json));
        // What no loss explains is free-form: it was asked for.
        let explained = lost.free_form + lost.recursive + lost.untyped;
        let places = ty.map_or(0, |ty| json_places(ty, tool));
        let reasons = Fallbacks {
            free_form: lost.free_form + places.saturating_sub(explained),
            ..lost
        };
        if let Some(worst) = reasons.worst() {
            self.schemas.count(worst);
        }
        self.places += reasons;
    }
}

/// How often `json` stands in a type and in the named types it reaches, each of these once. The other keys of a record are no
/// such place: what it names is typed.
fn json_places(ty: &Type, tool: &ToolModel) -> usize {
    let (mut count, mut seen, mut open) = (0, BTreeSet::new(), Vec::new());
    let visit = |ty: &Type, count: &mut usize, open: &mut Vec<usize>| {
        *count += json_in(ty);
        ty.each_def(&mut |index| open.push(index));
    };
    visit(ty, &mut count, &mut open);
    while let Some(index) = open.pop() {
        if let Some(def) = tool.defs.get(index).filter(|_| seen.insert(index)) {
            def.kind
                .each_type(&mut |ty| visit(ty, &mut count, &mut open));
            if let TypeKind::Record {
                rest: Some(rest), ..
            } = &def.kind
            {
                count -= json_in(&rest.ty);
            }
        }
    }
    count
}

/// How often `json` stands in a type, named types not followed.
fn json_in(ty: &Type) -> usize {
    match ty {
        Type::Json => 1,
        Type::Bool | Type::Integer | Type::Number | Type::String | Type::Def(_) => 0,
        Type::List(inner) | Type::Map(inner) | Type::Nullable(inner) => json_in(inner),
        Type::Tuple(elements) => elements.iter().map(json_in).sum(),
    }
}

impl Fallbacks {
    fn count(&mut self, reason: Fallback) {
        *match reason {
            Fallback::FreeForm => &mut self.free_form,
            Fallback::Recursive => &mut self.recursive,
            Fallback::Untyped => &mut self.untyped,
        } += 1;
    }

    fn worst(&self) -> Option<Fallback> {
        [
            (self.untyped, Fallback::Untyped),
            (self.recursive, Fallback::Recursive),
            (self.free_form, Fallback::FreeForm),
        ]
        .into_iter()
        .find_map(|(count, reason)| (count > 0).then_some(reason))
    }
}

impl AddAssign for Fallbacks {
    fn add_assign(&mut self, other: Fallbacks) {
        self.free_form += other.free_form;
        self.recursive += other.recursive;
        self.untyped += other.untyped;
    }
}

impl AddAssign for Side {
    fn add_assign(&mut self, other: Side) {
        self.declared += other.declared;
        self.typed += other.typed;
        self.empty += other.empty;
        self.schemas += other.schemas;
        self.places += other.places;
    }
}

impl AddAssign for Sizes {
    fn add_assign(&mut self, other: Sizes) {
        self.wit += other.wit;
        self.dts += other.dts;
        self.rust += other.rust;
    }
}

impl AddAssign<&Report> for Report {
    fn add_assign(&mut self, other: &Report) {
        self.tools += other.tools;
        self.callable += other.callable;
        self.inputs += other.inputs;
        self.outputs += other.outputs;
        for (class, count) in &other.losses_by_class {
            *self.losses_by_class.entry(*class).or_default() += count;
        }
        for (keyword, count) in &other.losses_by_keyword {
            *self.losses_by_keyword.entry(keyword.clone()).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog::{Server, Tool};
    use crate::server::model_server;
    use serde_json::{Value, json};

    fn counted(tools: Value) -> Report {
        let tools: Vec<Tool> = serde_json::from_value(tools).unwrap();
        report(
            &model_server(
                "s",
                &Server {
                    tools,
                    ..Server::default()
                },
            )
            .unwrap(),
        )
    }

    #[test]
    fn json_is_told_apart_by_its_reason() {
        let node = json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}}});
        let report = counted(json!([
            {"name": "none", "inputSchema": {"type": "object"}},
            {"name": "typed", "inputSchema": {"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}}},
            {"name": "free", "inputSchema": {"type": "object", "properties": {"a": {}, "b": {"type": "object"}}}},
            {"name": "recursive", "inputSchema": {"type": "object", "properties": {"a": {"$ref": "#/$defs/node"}, "b": true},
                "$defs": {"node": node}}},
            {"name": "beyond", "inputSchema": {"type": "object", "properties": {"a": {"enum": [{}, 1]}, "b": {}}},
                "outputSchema": {"type": "object", "properties": {"a": {"type": "integer"}}}},
            {"name": "whole", "inputSchema": {"type": "string"}, "outputSchema": {}},
        ]));
        assert_eq!((report.tools, report.callable), (6, 6));
        let fallbacks = |free_form, recursive, untyped| Fallbacks {
            free_form,
            recursive,
            untyped,
        };
        let wanted = Side {
            declared: 6,
            typed: 5,
            empty: 1,
            schemas: fallbacks(1, 1, 2),
            places: fallbacks(4, 1, 2),
        };
        assert_eq!(report.inputs, wanted);
        let wanted = Side {
            declared: 2,
            typed: 1,
            empty: 0,
            schemas: fallbacks(1, 0, 0),
            places: fallbacks(1, 0, 0),
        };
        assert_eq!(report.outputs, wanted);
        assert_eq!(report.losses_by_keyword["minLength"], 1);
        assert_eq!(report.losses_by_class[&Class::Json], 3);
    }

    #[test]
    fn reports_add_up() {
        let tools = json!([{"name": "a", "inputSchema": {"type": "object", "properties": {"a": {"not": {}}, "b": {}}}}]);
        let one = counted(tools);
        let mut sum = Report::default();
        sum += &one;
        assert_eq!(sum, one);
        sum += &one;
        assert_eq!(
            (sum.tools, sum.inputs.places.free_form),
            (2, 2 * one.inputs.places.free_form)
        );
        assert_eq!(sum.losses_by_keyword["not"], 2);
    }
}
