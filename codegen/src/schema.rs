//! JSON Schema (draft-07 and 2020-12) of one tool to types of the model. `facts` names every keyword and gathers what
//! holds at one place; here it is decided which type that is; `object` makes records and maps, `choice` enums, `union`
//! variants.
//! Nothing is fetched, nothing is validated: what the types cannot say is a loss, and the host checks the original.

mod choice;
mod draft;
mod facts;
mod guess;
mod notes;
mod object;
mod source;
mod types;
mod union;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::catalog::Tool;
use crate::loss::Loss;
use crate::model::{Rest, Type, TypeDef, TypeKind};
use crate::overrides::Effective;
use crate::references::{self, References};
use facts::Facts;
use source::Source;
use types::Types;

/// Deepest nesting of types; what lies deeper is `json`.
const DEPTH: usize = 20;
/// How often each value of a schema may be read, and how many may be read of any schema; beyond, `json`. Real schemas are
/// read once or twice. Bounds hostile reference trees, also in lists that are full of them.
const READS: usize = 10;
const READS_ANYWAY: usize = 1_000;
/// Most reads of the largest schema.
const READS_AT_MOST: usize = 50_000;
/// Longest tuple, as Rust implements its traits up to here; longer ones are lists.
const TUPLE: usize = 12;
/// What follows for a reference that cannot be followed.
const OUTSIDE: &str = "points outside this schema, and nothing is fetched; given as JSON";
/// What follows for a tool that names no arguments and forbids none.
const NO_ARGUMENTS: &str = "the typed view takes no arguments; any keys need the JSON view";
/// Most fields, cases or enum values of one type, as wasm validators allow.
const MEMBERS: usize = 1_000;

/// The types of one tool. Definitions carry a wish for a name; `server` makes the names unique.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolTypes {
    pub(crate) input: Option<Type>,
    pub(crate) output: Type,
    pub(crate) unwrap_result: bool,
    pub(crate) defs: Vec<TypeDef>,
    pub(crate) losses: Vec<Loss>,
    /// What is not typed of the arguments and the result as a whole, a line each.
    pub(crate) notes: Vec<String>,
}

/// Types a tool's arguments and its result.
pub(crate) fn type_tool(server: &str, tool: &Tool, schemas: &Effective<'_>) -> ToolTypes {
    let mut walk = Walk {
        server,
        tool: &tool.name,
        root: schemas.input,
        base: "/inputSchema",
        old_draft: draft::is_old(schemas.input),
        refs: HashMap::new(),
        defs: Vec::new(),
        losses: Vec::new(),
        lost: HashSet::new(),
        references: References::new(schemas.input),
        reads: reads(schemas),
    };
    let input = walk.input();
    let mut notes = Vec::new();
    if !matches!(input, Some(Type::Def(_))) {
        notes = walk.document_root(schemas.input, "/inputSchema");
    }
    let (output, unwrap_result) = match schemas.output {
        None => (Type::Json, false),
        Some(schema) => {
            walk.root = schema;
            walk.base = "/outputSchema";
            walk.old_draft = draft::is_old(schema);
            walk.refs.clear();
            walk.references = References::new(schema);
            let (output, unwrap) = walk.output();
            if !matches!(output, Type::Def(_)) {
                notes.extend(walk.document_root(schema, "/outputSchema"));
            }
            (output, unwrap)
        }
    };
    let mut types = ToolTypes {
        input,
        output,
        unwrap_result,
        defs: walk.defs,
        losses: walk.losses,
        notes,
    };
    drop_unused(&mut types);
    types
}

/// How many places of a tool's schemas are read at most.
fn reads(schemas: &Effective<'_>) -> usize {
    fn values(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
            Value::Object(map) => 1 + map.values().map(values).sum::<usize>(),
            _ => 1,
        }
    }
    let all = values(schemas.input) + schemas.output.map_or(0, values);
    (READS_ANYWAY + READS * all).min(READS_AT_MOST)
}

/// One walk through one schema document of one tool.
struct Walk<'a> {
    server: &'a str,
    tool: &'a str,
    root: &'a Value,
    base: &'static str,
    old_draft: bool,
    /// By pointer from the root: `None` while the place is being typed, so that recursion is seen.
    refs: HashMap<String, Option<Type>>,
    defs: Vec<TypeDef>,
    losses: Vec<Loss>,
    lost: HashSet<(String, String, String)>,
    references: References<'a>,
    /// How many places may still be read.
    reads: usize,
}

impl<'a> Walk<'a> {
    fn input(&mut self) -> Option<Type> {
        let source = self.root_source();
        self.refs.insert(String::new(), None);
        let mut facts = self.collect(std::slice::from_ref(&source));
        if !facts.kinds().has(Types::OBJECT) {
            self.lose(
                &source.at,
                "type",
                "the arguments are no object; they are given as JSON",
            );
            return Some(Type::Json);
        }
        if !facts.stated || facts.kinds() != Types::OBJECT {
            self.lose(
                &source.at,
                "type",
                "MCP's arguments are an object, also where the schema allows other values",
            );
        }
        if facts.never {
            return Some(Type::Json);
        }
        self.merge_alternatives(&mut facts);
        if facts.properties.is_empty()
            && facts.required.is_empty()
            && facts.additional.is_unstated_or_closed()
            && facts.patterns.is_empty()
        {
            if !matches!(facts.additional, facts::Additional::Closed) {
                self.lose(&source.at, "additionalProperties", NO_ARGUMENTS);
            }
            return None;
        }
        match self.object(facts.clone(), "args", 0) {
            // The arguments have a name each in any case.
            Type::Map(value) => {
                let rest = Rest {
                    wit: "additional-properties".to_string(),
                    ty: *value,
                    stated: true,
                };
                let kind = TypeKind::Record {
                    fields: Vec::new(),
                    constants: Vec::new(),
                    rest: Some(rest),
                };
                Some(self.define("args", &facts, kind))
            }
            Type::Def(index) if matches!(self.defs[index].kind, TypeKind::Record { .. }) => {
                Some(Type::Def(index))
            }
            _ => Some(Type::Json),
        }
    }

    fn output(&mut self) -> (Type, bool) {
        let source = self.root_source();
        let marked = self.root.get("x-fastmcp-wrap-result") == Some(&Value::Bool(true));
        if marked && let Some(only) = only_property(self.root, "result") {
            self.refs.insert(String::new(), None);
            if self.root.get("additionalProperties") != Some(&Value::Bool(false)) {
                self.lose(
                    &source.at,
                    "x-fastmcp-wrap-result",
                    "the wrapper is taken off; keys beside `result` need the JSON view",
                );
            }
            let source = Source::new(only, format!("{}/properties/result", source.at));
            return (self.convert(&[source], "output", 1), true);
        }
        (self.convert(&[source], "output", 0), false)
    }

    fn root_source(&self) -> Source<'a> {
        Source::new(self.root, self.base.to_string())
    }

    /// The type that satisfies all of the sources.
    fn convert(&mut self, sources: &[Source<'a>], hint: &str, depth: usize) -> Type {
        let Some(first) = sources.first() else {
            return Type::Json;
        };
        if depth > DEPTH {
            self.lose(&first.at, "(depth)", "nested too deeply; given as JSON");
            return Type::Json;
        }
        let [one] = sources else {
            let facts = self.collect(sources);
            return self.shape(facts, sources, hint, depth);
        };
        if let Some(reference) = one.pure_reference() {
            self.lose_annotations(one);
            return self.convert_reference(reference, &one.at.clone(), hint, depth);
        }
        if one.bare {
            let facts = self.collect(sources);
            return self.shape(facts, sources, hint, depth);
        }
        let place = one
            .at
            .strip_prefix(self.base)
            .unwrap_or(&one.at)
            .to_string();
        match self.refs.get(&place) {
            Some(Some(done)) => return done.clone(),
            Some(None) => {
                self.lose(&one.at.clone(), "$ref", "refers to itself; given as JSON");
                return Type::Json;
            }
            None => {}
        }
        self.refs.insert(place.clone(), None);
        let facts = self.collect(sources);
        let ty = self.shape(facts, sources, hint, depth);
        self.refs.insert(place, Some(ty.clone()));
        ty
    }

    fn convert_reference(&mut self, reference: &str, at: &str, hint: &str, depth: usize) -> Type {
        let Some((place, schema)) = self.resolve(reference) else {
            self.lose(at, "$ref", OUTSIDE);
            return Type::Json;
        };
        match self.refs.get(&place) {
            Some(Some(done)) => return done.clone(),
            Some(None) => {
                self.lose(at, "$ref", "refers to itself; given as JSON");
                return Type::Json;
            }
            None => {}
        }
        let name = references::name_of(&place).map(|name| crate::names::kebab(&name, hint));
        let source = Source::new(schema, format!("{}{place}", self.base));
        self.convert(&[source], name.as_deref().unwrap_or(hint), depth + 1)
    }

    /// Decides the type from what is known.
    fn shape(
        &mut self,
        mut facts: Facts<'a>,
        sources: &[Source<'a>],
        hint: &str,
        depth: usize,
    ) -> Type {
        let at = facts.at.clone();
        if facts.never {
            return Type::Json;
        }
        if let Some(union) = self.pick_union(&mut facts) {
            return self.union(facts, union, sources, hint, depth);
        }
        let kinds = facts.kinds();
        if kinds.is_empty() {
            self.lose(&at, "type", "no value fits the schema; given as JSON");
            return Type::Json;
        }
        if facts.is_guessed() {
            self.lose(&at, "type", facts::GUESSED);
        }
        let mut nullable = facts.nullable || (facts.stated && kinds.has(Types::NULL));
        if let Some(values) = facts.choices.take() {
            nullable = (nullable || !facts.stated) && values.iter().any(|value| value.is_null());
            let fitting: Vec<&Value> = values
                .iter()
                .copied()
                .filter(|value| !value.is_null() && kinds.intersects(Types::of(value)))
                .collect();
            if fitting.is_empty()
                && !values.is_empty()
                && !values.iter().all(|value| value.is_null())
            {
                self.lose(
                    &at,
                    "enum",
                    "no listed value has the stated type; the list is left out",
                );
                nullable = facts.nullable || (facts.stated && kinds.has(Types::NULL));
            } else {
                let ty = self.choice(&fitting, &facts, hint);
                return wrap_null(ty, nullable);
            }
        }
        let rest = kinds.without(Types::NULL);
        if rest == Types::ALL.without(Types::NULL) {
            // Free-form: `json` carries all of it, `null` included.
            return Type::Json;
        }
        if rest.is_empty() {
            self.lose(&at, "type", "only `null` fits; given as JSON");
            return Type::Json;
        }
        let ty = match rest.single() {
            Some(kind) => self.of_kind(kind, facts, hint, depth),
            None => self.kinds_variant(rest, facts, hint, depth),
        };
        wrap_null(ty, nullable)
    }

    fn of_kind(&mut self, kind: Types, facts: Facts<'a>, hint: &str, depth: usize) -> Type {
        match kind {
            Types::BOOLEAN => Type::Bool,
            Types::INTEGER => self.number(Type::Integer, &facts),
            Types::NUMBER => self.number(Type::Number, &facts),
            Types::STRING => Type::String,
            Types::ARRAY => self.array(facts, hint, depth),
            Types::OBJECT => self.object(facts, hint, depth),
            _ => Type::Json,
        }
    }

    /// A numeric type, with what it cannot hold on record.
    fn number(&mut self, ty: Type, facts: &Facts<'a>) -> Type {
        const I64: f64 = 9_223_372_036_854_774_784.0; // the largest `f64` below 2^63
        const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
        let at = facts.at.clone();
        if ty == Type::Integer && !facts.is_within(-I64, I64) {
            self.lose(
                &at,
                "type",
                "integers outside -2^63 to 2^63-1 need the JSON view, which refuses what lies outside -2^63 to 2^64-1 and is no 64-bit float",
            );
        }
        if ty == Type::Number && !facts.is_within(-EXACT, EXACT) {
            self.lose(
                &at,
                "type",
                "integers that a 64-bit float cannot hold need the JSON view",
            );
        }
        ty
    }

    fn array(&mut self, facts: Facts<'a>, hint: &str, depth: usize) -> Type {
        let item = format!("{hint}-item");
        let at = facts.at.clone();
        let count = facts.prefix.len() as u64;
        if count == 0 {
            return Type::List(Box::new(self.convert(&facts.items, &item, depth + 1)));
        }
        // Only an array that is never shorter nor longer is a tuple.
        let closed = facts.items_closed || facts.max_items.is_some_and(|max| max <= count);
        let exact = closed && facts.min_items == Some(count);
        let mut elements: Vec<Type> = facts
            .prefix
            .iter()
            .enumerate()
            .map(|(index, source)| {
                self.convert(
                    std::slice::from_ref(source),
                    &format!("{hint}-item{index}"),
                    depth + 1,
                )
            })
            .collect();
        if exact && elements.len() <= TUPLE {
            return Type::Tuple(elements);
        }
        if !closed {
            match facts.items.is_empty() {
                true => self.lose(
                    &at,
                    "items",
                    "elements beyond the listed ones have the type of these; others need the JSON view",
                ),
                false => elements.push(self.convert(&facts.items, &item, depth + 1)),
            }
        }
        let first = elements[0].clone();
        if elements.iter().all(|ty| *ty == first) {
            self.lose(&at, "prefixItems", "the length is checked at run time");
            return Type::List(Box::new(first));
        }
        self.lose(
            &at,
            "prefixItems",
            "elements of several types in an array of no fixed length; each is given as JSON",
        );
        Type::List(Box::new(Type::Json))
    }

    /// Counts one read; false when the tool's schemas have had all of theirs.
    fn spend(&mut self) -> bool {
        self.reads = self.reads.saturating_sub(1);
        self.reads > 0
    }

    /// The place that a local reference means.
    fn resolve(&self, reference: &str) -> Option<(String, &'a Value)> {
        self.references.resolve(reference)
    }

    fn lose(&mut self, at: &str, keyword: &str, consequence: &str) {
        let key = |text: &str| (at.to_string(), keyword.to_string(), text.to_string());
        // What is JSON as a whole has nothing more to lose.
        const WHOLE: &str = "given as JSON";
        if self.lost.contains(&key(WHOLE)) {
            return;
        }
        if consequence.ends_with(WHOLE) {
            self.lost.insert(key(WHOLE));
        }
        if self.lost.insert(key(consequence)) {
            self.losses.push(Loss {
                server: self.server.to_string(),
                tool: self.tool.to_string(),
                pointer: at.to_string(),
                keyword: keyword.to_string(),
                consequence: consequence.to_string(),
            });
        }
    }

    fn define(&mut self, hint: &str, facts: &Facts<'a>, kind: TypeKind) -> Type {
        let doc = self.document_type(facts);
        self.defs.push(TypeDef {
            wit: hint.to_string(),
            doc,
            pointer: facts.at.clone(),
            kind,
        });
        Type::Def(self.defs.len() - 1)
    }
}

fn only_property<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let properties = schema.get("properties")?.as_object()?;
    let required = schema.get("required")?.as_array()?;
    let only = properties.len() == 1 && required.iter().any(|key| key == name);
    only.then(|| properties.get(name)).flatten()
}

fn wrap_null(ty: Type, nullable: bool) -> Type {
    match ty {
        // `json` and an option already carry null.
        Type::Json | Type::Nullable(_) => ty,
        ty if nullable => Type::Nullable(Box::new(ty)),
        ty => ty,
    }
}

/// Removes definitions that nothing refers to, keeping the order of the others.
fn drop_unused(types: &mut ToolTypes) {
    let mut used = vec![false; types.defs.len()];
    let mut open: Vec<usize> = Vec::new();
    for ty in types.input.iter().chain(Some(&types.output)) {
        ty.each_def(&mut |index| open.push(index));
    }
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut used[index], true) {
            types.defs[index]
                .kind
                .each_type(&mut |ty| ty.each_def(&mut |index| open.push(index)));
        }
    }
    let mut next = 0;
    let renumbered: Vec<usize> = used
        .iter()
        .map(|used| {
            let index = next;
            next += usize::from(*used);
            index
        })
        .collect();
    let renumber = |index: &mut usize| *index = renumbered[*index];
    for ty in types.input.iter_mut().chain(Some(&mut types.output)) {
        ty.each_def_mut(&renumber);
    }
    let mut keep = used.iter();
    types.defs.retain(|_| keep.next().copied().unwrap_or(false));
    for def in &mut types.defs {
        def.kind.each_type_mut(&mut |ty| ty.each_def_mut(&renumber));
    }
}

#[cfg(test)]
mod tests;
