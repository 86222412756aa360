//! A JSON Schema -> a plausible value of it, for a call that is not made: small, readable, the same for the same seed. What
//! comes out is a guess; whoever needs it to be valid holds it against the schema and takes the next. What a text looks like
//! is known in `words`, what a number is in `numbers`, how a pattern is met in `pattern`.

mod numbers;
mod pattern;
#[cfg(test)]
mod tests;
mod words;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::references::References;

/// Steps for one value: schemas looked at, and values made.
const STEPS: usize = 20_000;
/// Most that one value weighs, about its bytes as JSON.
const WEIGHT: usize = 1 << 20;
/// Deepest nesting of values.
const DEPTH: usize = 24;
/// Depth from which lists stay as short as they may be.
const DEEP: usize = 5;
/// Ways to read unions that are tried at one place.
const SHAPES: usize = 8;
/// Schemas that hold for one value, at most.
const LAYERS: usize = 100;
/// Longest list, and most keys beyond those that a schema names.
const ITEMS: u64 = 100;

/// A plausible value of a schema. Different seeds give different ids. `null` where there is none that can be found.
pub fn sample(schema: &Value, seed: u64) -> Value {
    samples(schema, seed).next().unwrap_or_default()
}

/// Candidates for a plausible value of a schema, the most plausible first, at most ten: without the schema's own examples,
/// with fewer and with more properties, with other members of unions.
pub fn samples(schema: &Value, seed: u64) -> impl Iterator<Item = Value> + '_ {
    let first = (true, Extent::Usual, 0);
    let plain = [Extent::Usual, Extent::Required, Extent::All].map(|extent| (false, extent, 0));
    let turned = (1..4)
        .flat_map(|turn| [Extent::Usual, Extent::Required].map(|extent| (false, extent, turn)));
    std::iter::once(first)
        .chain(plain)
        .chain(turned)
        .filter_map(move |(shown, extent, turn)| {
            let mut maker = Maker {
                references: References::new(schema),
                open: vec![schema],
                steps: STEPS,
                weight: WEIGHT,
                shown,
                extent,
                turn,
                number: seed,
                pick: 0,
            };
            maker.value(&[schema], "", 0)
        })
}

/// How many of the properties that may be absent are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// None.
    Required,
    /// Those whose value the schema shows; all, where it requires none: an object without keys tells a program nothing.
    Usual,
    /// All.
    All,
}

type Layers<'a> = Vec<&'a Map<String, Value>>;

/// One way to read a place: what must hold together, and the schemas that references led to.
#[derive(Debug, Clone, Default)]
struct Shape<'a> {
    layers: Layers<'a>,
    refs: Vec<&'a Value>,
}

/// What is still to be read of a place.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    All(&'a Value),
    /// One of them.
    One(&'a [Value]),
}

/// Makes one candidate. `None`, wherever it is returned, means that there is no value, as far as can be seen.
struct Maker<'a> {
    references: References<'a>,
    /// What references led to on the way here: a value that holds itself has no end, so another way is taken.
    open: Vec<&'a Value>,
    steps: usize,
    weight: usize,
    /// Whether the schema's own defaults and examples are used.
    shown: bool,
    extent: Extent,
    /// Which member of a union is tried first.
    turn: usize,
    /// What tells this value from others.
    number: u64,
    /// Position in a list whose items must differ.
    pick: usize,
}

impl<'a> Maker<'a> {
    fn step(&mut self, cost: usize) -> Option<()> {
        self.steps = self.steps.checked_sub(cost)?;
        Some(())
    }

    fn value(&mut self, schemas: &[&'a Value], name: &str, depth: usize) -> Option<Value> {
        self.step(1)?;
        if depth > DEPTH {
            return None;
        }
        let mut shapes = self.shapes(schemas);
        // `null` is a value, but it says little; of what ends a list, it says the most.
        let only_null = |shape: &Shape<'_>| kinds(&shape.layers) == ["null"];
        shapes.sort_by_key(|shape| only_null(shape) != words::is_end(name));
        for shape in shapes {
            let before = self.open.len();
            self.open.extend(shape.refs.iter().copied());
            let made = self.shape(&shape.layers, name, depth);
            self.open.truncate(before);
            if made.is_some() {
                return made;
            }
        }
        None
    }

    /// The ways to read schemas that all hold for one value.
    fn shapes(&mut self, schemas: &[&'a Value]) -> Vec<Shape<'a>> {
        let pending: Vec<Part<'a>> = schemas.iter().rev().map(|s| Part::All(s)).collect();
        let mut work = vec![(pending, Shape::default())];
        let mut found = Vec::new();
        while let Some((mut pending, mut shape)) = work.pop() {
            if self.step(1 + pending.len() + shape.layers.len()).is_none() || found.len() >= SHAPES
            {
                break;
            }
            match pending.pop() {
                None => {
                    if !kinds(&shape.layers).is_empty() {
                        found.push(shape);
                    }
                }
                Some(Part::All(schema)) => {
                    if self.read(schema, &mut pending, &mut shape) {
                        work.push((pending, shape));
                    }
                }
                Some(Part::One(members)) => {
                    let count = members.len();
                    let order = (0..count).map(|at| (at + self.turn) % count);
                    for at in order.take(SHAPES).collect::<Vec<_>>().into_iter().rev() {
                        let mut pending = pending.clone();
                        pending.push(Part::All(&members[at]));
                        work.push((pending, shape.clone()));
                    }
                }
            }
        }
        found
    }

    /// Takes one schema into a shape; `false` where nothing fits any more.
    fn read(&self, schema: &'a Value, pending: &mut Vec<Part<'a>>, shape: &mut Shape<'a>) -> bool {
        let map = match schema {
            Value::Bool(true) => return true,
            Value::Object(map) => map,
            _ => return false,
        };
        if shape.layers.len() >= LAYERS {
            return false;
        }
        shape.layers.push(map);
        let reference = ["$ref", "$dynamicRef", "$recursiveRef"]
            .iter()
            .find_map(|key| map.get(*key)?.as_str());
        if let Some((_, target)) = reference.and_then(|r| self.references.resolve(r)) {
            let is = |known: &&Value| std::ptr::eq(*known, target);
            if self.open.iter().any(&is) {
                return false;
            }
            if !shape.refs.iter().any(is) {
                shape.refs.push(target);
                pending.push(Part::All(target));
            }
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(Value::Array(members)) = map.get(key)
                && !members.is_empty()
            {
                pending.push(Part::One(members));
            }
        }
        if let Some(Value::Array(parts)) = map.get("allOf") {
            pending.extend(parts.iter().rev().map(Part::All));
        }
        true
    }

    fn shape(&mut self, layers: &Layers<'a>, name: &str, depth: usize) -> Option<Value> {
        self.step(layers.len())?;
        let kinds = kinds(layers);
        if let Some(constant) = layers.iter().find_map(|layer| layer.get("const")) {
            return match fits(constant, layers, &kinds) {
                true => self.copy(constant),
                false => None,
            };
        }
        if let Some(Value::Array(all)) = layers.iter().find_map(|layer| layer.get("enum")) {
            self.step(all.len())?;
            let fitting: Vec<&Value> = all
                .iter()
                .take(1_000)
                .filter(|value| fits(value, layers, &kinds))
                .collect();
            let says = |value: &&&Value| !value.is_null();
            let count = fitting.len().max(1);
            let picked = fitting.get((self.pick + self.turn) % count)?;
            let picked = match picked.is_null() && self.pick == 0 {
                true => fitting.iter().find(says).unwrap_or(picked),
                false => picked,
            };
            return self.copy(picked);
        }
        if self.shown
            && self.pick == 0
            && let Some(shown) = layers.iter().find_map(|layer| shown(layer))
            && fits(shown, layers, &kinds)
        {
            let shown = self.copy(shown)?;
            return Some(match words::is_id(name) {
                true => words::vary(shown, self.number),
                false => shown,
            });
        }
        let mut kinds = kinds;
        let at_end = usize::from(!words::is_end(name));
        kinds.sort_by_key(|kind| usize::from(*kind == "null") * at_end);
        if words::is_end(name) && kinds.contains(&"null") {
            return Some(Value::Null);
        }
        for kind in kinds {
            let made = match kind {
                "null" => Some(Value::Null),
                "boolean" => Some((words::is_true(name) != (self.pick % 2 == 1)).into()),
                "integer" | "number" => {
                    numbers::number(layers, name, self.number, self.pick, kind == "integer")
                }
                "string" => self.text(layers, name),
                "array" => self.array(layers, name, depth),
                _ => self.object(layers, name, depth),
            };
            if made.is_some() {
                return made;
            }
        }
        let is_nullable = |layer: &&Map<String, Value>| layer.get("nullable") == Some(&true.into());
        layers.iter().any(is_nullable).then_some(Value::Null)
    }

    fn text(&mut self, layers: &Layers<'a>, name: &str) -> Option<Value> {
        // A pattern is read many times.
        let patterns = layers
            .iter()
            .filter_map(|layer| layer.get("pattern")?.as_str());
        self.step(patterns.map(|pattern| pattern.len() / 8).sum())?;
        let text = words::text(layers, name, self.number, self.pick)?;
        self.weight = self.weight.checked_sub(text.len())?;
        Some(text.into())
    }

    fn array(&mut self, layers: &Layers<'a>, name: &str, depth: usize) -> Option<Value> {
        let least = most(layers, "minItems");
        let is_stated = |layer: &&Map<String, Value>| {
            ["items", "prefixItems", "contains"]
                .iter()
                .any(|key| layer.contains_key(*key))
        };
        let usual = layers.iter().any(is_stated) && depth < DEEP && !words::is_fault(name);
        let last = least_of(layers, "maxItems");
        let tuple = layers.iter().find_map(|layer| {
            let is_old = |items: &&Value| items.is_array();
            let old = || layer.get("items").filter(is_old);
            layer.get("prefixItems").or_else(old)?.as_array()
        });
        let tuple: &[Value] = tuple.map_or(&[], Vec::as_slice);
        let wanted = least.max(u64::from(usual)).max(tuple.len() as u64);
        if least > ITEMS {
            return None;
        }
        let count = wanted.min(last).min(ITEMS) as usize;
        let differ = layers
            .iter()
            .any(|layer| layer.get("uniqueItems") == Some(&true.into()));
        let kept = (self.number, self.pick);
        let mut items: Vec<Value> = Vec::new();
        for at in 0..count {
            let schemas = item_schemas(layers, tuple, at);
            self.number = numbers::inner(kept.0, at);
            let mut made = None;
            // What need not differ is made once.
            for pick in at..at + if differ { 8 } else { 1 } {
                self.pick = if differ { pick } else { kept.1 };
                made = self.value(&schemas, singular(name), depth + 1);
                let is_new = |made: &Value| !differ || !items.contains(made);
                if made.as_ref().is_none_or(is_new) {
                    break;
                }
            }
            (self.number, self.pick) = kept;
            match made {
                Some(item) => items.push(item),
                None => break,
            }
        }
        (items.len() as u64 >= least).then_some(Value::Array(items))
    }

    fn object(&mut self, layers: &Layers<'a>, name: &str, depth: usize) -> Option<Value> {
        let mut properties: IndexMap<&'a str, Vec<&'a Value>> = IndexMap::new();
        for layer in layers {
            if let Some(Value::Object(map)) = layer.get("properties") {
                self.step(map.len())?;
                for (key, schema) in map {
                    properties.entry(key).or_default().push(schema);
                }
            }
        }
        let required = self.required(layers)?;
        let is_bare = required.is_empty() && properties.len() <= 40;
        let fewest = most(layers, "minProperties");
        if fewest > ITEMS {
            return None;
        }
        let wanted = |key: &str, schemas: &[&Value]| match self.extent {
            Extent::Required => false,
            Extent::All => true,
            Extent::Usual => {
                let shows = |schema: &&Value| schema.as_object().and_then(shown).is_some();
                is_bare || (self.shown && schemas.iter().any(shows) && !words::is_end(key))
            }
        };
        let listed: Vec<(&str, Vec<&Value>, bool, bool)> = properties
            .iter()
            .map(|(key, schemas)| {
                let must = required.contains(key);
                (*key, schemas.clone(), must, wanted(key, schemas))
            })
            .collect();
        let mut out = Map::new();
        for (key, schemas, must, wanted) in &listed {
            if !must && (!wanted || depth > DEEP) {
                continue;
            }
            match self.property(key, schemas, depth) {
                Some(value) => drop(out.insert((*key).to_owned(), value)),
                None if *must => return None,
                None => {}
            }
        }
        let others: Vec<&str> = required
            .iter()
            .filter(|key| !properties.contains_key(**key))
            .copied()
            .collect();
        for key in others {
            let schemas = rest_schemas(layers);
            let value = self.property(key, &schemas, depth)?;
            out.insert(key.to_owned(), value);
        }
        for (key, schemas, ..) in &listed {
            if out.len() as u64 >= fewest {
                break;
            }
            if !out.contains_key(*key)
                && let Some(value) = self.property(key, schemas, depth)
            {
                out.insert((*key).to_owned(), value);
            }
        }
        for at in 1..=fewest {
            if out.len() as u64 >= fewest {
                break;
            }
            let value = self.property(singular(name), &rest_schemas(layers), depth)?;
            out.insert(format!("key-{at}"), value);
        }
        (out.len() as u64 >= fewest).then_some(Value::Object(out))
    }

    fn property(&mut self, key: &str, schemas: &[&'a Value], depth: usize) -> Option<Value> {
        self.weight = self.weight.checked_sub(key.len())?;
        self.value(schemas, key, depth + 1)
    }

    /// The keys that must be there, and those that these ask for.
    fn required(&mut self, layers: &Layers<'a>) -> Option<indexmap::IndexSet<&'a str>> {
        let mut keys = indexmap::IndexSet::new();
        for layer in layers {
            if let Some(Value::Array(names)) = layer.get("required") {
                self.step(names.len())?;
                keys.extend(names.iter().filter_map(Value::as_str));
            }
        }
        let mut at = 0;
        while let Some(key) = keys.get_index(at).copied() {
            at += 1;
            self.step(layers.len())?;
            for layer in layers {
                let asked = ["dependentRequired", "dependencies"]
                    .iter()
                    .find_map(|word| layer.get(*word)?.get(key)?.as_array());
                keys.extend(asked.into_iter().flatten().filter_map(Value::as_str));
            }
        }
        Some(keys)
    }

    /// A value of the schema itself, which may be large.
    fn copy(&mut self, value: &Value) -> Option<Value> {
        fn weigh(value: &Value, left: usize) -> Option<usize> {
            match value {
                Value::String(text) => left.checked_sub(text.len() + 2),
                Value::Array(items) => items
                    .iter()
                    .try_fold(left.checked_sub(2)?, |left, item| weigh(item, left)),
                Value::Object(map) => map
                    .iter()
                    .try_fold(left.checked_sub(2)?, |left, (key, item)| {
                        weigh(item, left.checked_sub(key.len() + 4)?)
                    }),
                _ => left.checked_sub(8),
            }
        }
        self.weight = weigh(value, self.weight)?;
        Some(value.clone())
    }
}

/// What the schema shows of its values: a default, or an example.
fn shown(layer: &Map<String, Value>) -> Option<&Value> {
    let says = |value: &&Value| !value.is_null();
    let default = layer.get("default").filter(says);
    let examples = || layer.get("examples")?.as_array()?.first().filter(says);
    default
        .or_else(examples)
        .or_else(|| layer.get("example").filter(says))
}

/// The JSON types that all layers allow, as JSON Schema calls them; where none is stated, by what else is.
fn kinds(layers: &[&Map<String, Value>]) -> Vec<&'static str> {
    const ALL: [&str; 7] = [
        "object", "array", "string", "integer", "number", "boolean", "null",
    ];
    let mut kinds: Option<Vec<&'static str>> = None;
    for layer in layers {
        let stated: Vec<&'static str> = match layer.get("type") {
            Some(Value::String(one)) => ALL.into_iter().filter(|kind| kind == one).collect(),
            Some(Value::Array(many)) => many
                .iter()
                .filter_map(|one| ALL.into_iter().find(|kind| Some(*kind) == one.as_str()))
                .collect(),
            _ => continue,
        };
        if stated.is_empty() {
            continue;
        }
        let has = |all: &[&str], kind: &str| {
            all.contains(&kind) || (kind == "integer" && all.contains(&"number"))
        };
        kinds = Some(match kinds {
            None => stated,
            Some(before) => {
                let mut both: Vec<_> = before
                    .iter()
                    .filter(|kind| has(&stated, kind))
                    .copied()
                    .collect();
                both.extend(
                    stated
                        .iter()
                        .filter(|kind| !before.contains(kind) && has(&before, kind)),
                );
                both
            }
        });
    }
    kinds.unwrap_or_else(|| {
        let mentions = |keys: &[&str]| {
            layers
                .iter()
                .any(|layer| keys.iter().any(|key| layer.contains_key(*key)))
        };
        if mentions(&["const", "enum"]) {
            ALL.to_vec()
        } else if mentions(&[
            "properties",
            "required",
            "additionalProperties",
            "patternProperties",
            "minProperties",
        ]) {
            vec!["object"]
        } else if mentions(&["items", "prefixItems", "minItems", "contains"]) {
            vec!["array"]
        } else if mentions(&[
            "minimum",
            "maximum",
            "multipleOf",
            "exclusiveMinimum",
            "exclusiveMaximum",
        ]) {
            vec!["number"]
        } else {
            // Anything: a text is what most programs can show, and examples of any type are welcome.
            vec![
                "string", "object", "array", "integer", "number", "boolean", "null",
            ]
        }
    })
}

/// Whether a value that the schema names is of a kind, and what other layers say of constants.
fn fits(value: &Value, layers: &[&Map<String, Value>], kinds: &[&str]) -> bool {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_i64() || n.is_u64() => "integer",
        Value::Number(n) if n.as_f64().is_some_and(|n| n.fract() == 0.0) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    (kinds.contains(&kind) || (kind == "integer" && kinds.contains(&"number")))
        && layers.iter().all(|layer| {
            layer.get("const").is_none_or(|constant| constant == value)
                && match layer.get("enum") {
                    Some(Value::Array(all)) => all.iter().take(1_000).any(|one| one == value),
                    _ => true,
                }
        })
}

fn most(layers: &[&Map<String, Value>], key: &str) -> u64 {
    let bounds = layers.iter().filter_map(|layer| layer.get(key)?.as_u64());
    bounds.max().unwrap_or(0)
}

fn least_of(layers: &[&Map<String, Value>], key: &str) -> u64 {
    let bounds = layers.iter().filter_map(|layer| layer.get(key)?.as_u64());
    bounds.min().unwrap_or(u64::MAX)
}

/// What holds for the item at a position.
fn item_schemas<'a>(layers: &Layers<'a>, tuple: &'a [Value], at: usize) -> Vec<&'a Value> {
    if let Some(schema) = tuple.get(at) {
        return vec![schema];
    }
    let mut all = Vec::new();
    for layer in layers {
        let items = layer.get("items").filter(|items| !items.is_array());
        all.extend(items.or_else(|| layer.get("additionalItems").filter(|_| !tuple.is_empty())));
        if at == tuple.len() {
            all.extend(layer.get("contains"));
        }
    }
    all
}

/// What holds for a key that no schema names. Which pattern it matches is not looked at.
fn rest_schemas<'a>(layers: &Layers<'a>) -> Vec<&'a Value> {
    let mut all = Vec::new();
    for layer in layers {
        let by_pattern = layer.get("patternProperties").and_then(Value::as_object);
        let by_pattern = by_pattern.and_then(|patterns| patterns.values().next());
        all.extend(by_pattern.or_else(|| layer.get("additionalProperties")));
    }
    all
}

/// `issues` -> `issue`, so that the items of a list are called after it.
fn singular(name: &str) -> &str {
    match name.strip_suffix("ies") {
        Some(_) => name,
        None => name.strip_suffix('s').unwrap_or(name),
    }
}
