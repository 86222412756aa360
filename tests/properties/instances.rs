//! Values that a JSON Schema allows, varied on purpose: boundary numbers, odd strings and keys, absent and extra keys, every
//! member of every union. What is made is a guess, held against the schema by the caller's check; only what passes counts.

mod objects;

use std::collections::{HashMap, HashSet};

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::{numbers, refs, texts};

/// Depth from which values are kept small.
const DEEP: usize = 7;
/// Most schemas that are followed at one place.
const LAYERS: usize = 120;

/// What was made for one schema.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    /// Distinct and valid.
    pub(crate) valid: Vec<Value>,
    /// Candidates tried.
    pub(crate) tried: usize,
    /// The last reason why a candidate was not valid.
    pub(crate) last: Option<String>,
}

/// Whether a candidate is valid; the place and the reason where it is not.
pub(crate) type Check<'a> = dyn FnMut(&Value) -> Result<(), (String, String)> + 'a;

/// Up to `count` distinct values that all of the schemas allow; references are to the first.
pub(crate) fn instances(
    schemas: &[&Value],
    count: usize,
    seed: u64,
    check: &mut Check<'_>,
) -> Instances {
    let mut made = Instances::default();
    let mut seen: HashSet<String> = HashSet::new();
    let mut maker = Maker::new(schemas[0], seed);
    for round in 0..count * 12 {
        if made.valid.len() >= count {
            break;
        }
        // Where little comes out, be plainer.
        let poor = made.tried > count * 3 && made.valid.len() * 4 < made.tried;
        maker.wild = match round % 4 {
            _ if poor && round % 2 == 0 => 0,
            0 => 80,
            1 => 30,
            2 => 10,
            _ => 0,
        };
        let mut value = maker.candidate(schemas);
        for _ in 0..6 {
            if seen.contains(&value.to_string()) {
                break;
            }
            made.tried += 1;
            match check(&value) {
                Ok(()) => {
                    seen.insert(value.to_string());
                    made.valid.push(value);
                    break;
                }
                Err((at, why)) => {
                    made.last = Some(format!("`{at}` {why}"));
                    if !maker.mend(&mut value, &at) {
                        break;
                    }
                }
            }
        }
    }
    made
}

/// Any JSON value.
pub(crate) fn anything(rng: &mut Rng, depth: usize) -> Value {
    match rng.u8(0..if depth > 2 { 6 } else { 10 }) {
        0 => Value::Null,
        1 => Value::Bool(rng.bool()),
        2 | 3 => numbers::any(rng),
        4 | 5 => texts::any(rng).into(),
        6 | 7 => (0..rng.usize(0..4))
            .map(|_| anything(rng, depth + 1))
            .collect(),
        _ => {
            let entries = (0..rng.usize(0..4)).map(|_| (texts::key(rng), anything(rng, depth + 1)));
            Value::Object(entries.collect())
        }
    }
}

type Layers<'a> = Vec<&'a Map<String, Value>>;

/// Makes candidates for one schema document.
struct Maker<'a> {
    root: &'a Value,
    rng: Rng,
    /// Chance of oddities, in 100.
    wild: u8,
    /// Values that this candidate may still hold before it must end.
    room: isize,
    /// Which of several things comes next, so that each of them does.
    turns: HashMap<*const Value, usize>,
}

impl<'a> Maker<'a> {
    fn new(root: &'a Value, seed: u64) -> Maker<'a> {
        Maker {
            root,
            rng: Rng::with_seed(seed),
            wild: 0,
            room: 0,
            turns: HashMap::new(),
        }
    }

    fn candidate(&mut self, schemas: &[&'a Value]) -> Value {
        self.room = 300;
        self.value(schemas, 0)
    }

    fn chance(&mut self, in_hundred: u8) -> bool {
        self.rng.u8(0..100) < in_hundred
    }

    fn wildly(&mut self) -> bool {
        self.chance(self.wild)
    }

    fn tight(&self, depth: usize) -> bool {
        depth > DEEP || self.room <= 0
    }

    fn value(&mut self, schemas: &[&'a Value], depth: usize) -> Value {
        self.room -= 1;
        // What must hold itself has no end.
        if depth > 40 || self.room < -200 {
            return Value::Null;
        }
        let mut layers = Vec::new();
        for schema in schemas {
            self.gather(schema, depth, 0, &mut layers);
        }
        if let Some(value) = self.shown(&layers).or_else(|| self.listed(&layers)) {
            return value;
        }
        let mut kinds = self.kinds(&layers);
        if self.tight(depth) {
            let small = |kind: &&'static str| !matches!(*kind, "array" | "object");
            if kinds.iter().any(small) {
                kinds.retain(small);
            }
        }
        match self.rng.choice(kinds).unwrap_or("null") {
            "boolean" => self.rng.bool().into(),
            "integer" => {
                let wild = self.wildly();
                numbers::within(&layers, true, wild, &mut self.rng)
            }
            "number" => {
                let wild = self.wildly();
                numbers::within(&layers, false, wild, &mut self.rng)
            }
            "string" => self.text(&layers).into(),
            "array" => self.array(&layers, depth),
            "object" => self.object(&layers, depth),
            _ => Value::Null,
        }
    }

    /// The schemas that hold together: references followed, one member of each union taken.
    fn gather(&mut self, schema: &'a Value, depth: usize, followed: usize, out: &mut Layers<'a>) {
        let Some(map) = schema.as_object() else {
            return;
        };
        if out.len() >= LAYERS || followed > 30 {
            return;
        }
        out.push(map);
        for (key, value) in map {
            match (key.as_str(), value) {
                ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) => {
                    if let Some((_, target)) = refs::resolve(self.root, reference) {
                        self.gather(target, depth, followed + 1, out);
                    }
                }
                ("allOf", Value::Array(parts)) => {
                    for part in parts {
                        self.gather(part, depth, followed + 1, out);
                    }
                }
                ("anyOf" | "oneOf", Value::Array(members)) => {
                    if let Some(member) = self.member(value, members, depth) {
                        self.gather(member, depth, followed + 1, out);
                    }
                    if key == "anyOf"
                        && self.wildly()
                        && let Some(second) = self.rng.choice(members)
                    {
                        self.gather(second, depth, followed + 1, out);
                    }
                }
                ("if", condition) => {
                    if self.rng.bool() {
                        self.gather(condition, depth, followed + 1, out);
                        if let Some(then) = map.get("then") {
                            self.gather(then, depth, followed + 1, out);
                        }
                    } else if let Some(otherwise) = map.get("else") {
                        self.gather(otherwise, depth, followed + 1, out);
                    }
                }
                ("dependentSchemas" | "dependencies", Value::Object(dependent)) => {
                    for schema in dependent.values().filter(|schema| schema.is_object()) {
                        if self.chance(30) {
                            self.gather(schema, depth, followed + 1, out);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn member(&mut self, at: &'a Value, members: &'a [Value], depth: usize) -> Option<&'a Value> {
        let small = |member: &&Value| {
            let kind = member.get("type").and_then(Value::as_str);
            member.get("enum").is_some()
                || member.get("const").is_some()
                || kind.is_some_and(|kind| !matches!(kind, "array" | "object"))
        };
        if self.tight(depth)
            && let Some(member) = members.iter().find(small)
        {
            return Some(member);
        }
        let turn = self.turn(at);
        members.get(turn % members.len().max(1))
    }

    fn turn(&mut self, at: &'a Value) -> usize {
        let start = self.rng.usize(0..1_000);
        let turn = self.turns.entry(std::ptr::from_ref(at)).or_insert(start);
        *turn += 1;
        *turn
    }

    /// What the schema's author shows.
    fn shown(&mut self, layers: &Layers<'a>) -> Option<Value> {
        if !self.chance(if self.wild == 0 { 25 } else { 4 }) {
            return None;
        }
        layers.iter().find_map(|layer| {
            layer
                .get("examples")
                .and_then(|examples| examples.get(0))
                .or(layer.get("default"))
                .cloned()
        })
    }

    fn listed(&mut self, layers: &Layers<'a>) -> Option<Value> {
        let list = layers.iter().find_map(|layer| {
            layer
                .get("const")
                .or(layer.get("enum").filter(|list| list.is_array()))
        })?;
        let is_const = layers
            .iter()
            .any(|layer| layer.get("const").is_some_and(|c| std::ptr::eq(c, list)));
        if is_const {
            return Some(list.clone());
        }
        let values = list.as_array()?;
        let turn = self.turn(list);
        values.get(turn % values.len().max(1)).cloned()
    }

    fn kinds(&mut self, layers: &Layers<'a>) -> Vec<&'static str> {
        const ALL: [&str; 7] = [
            "null", "boolean", "integer", "number", "string", "array", "object",
        ];
        let mut stated = false;
        let mut kinds = ALL.to_vec();
        for layer in layers {
            let names: Vec<&str> = match layer.get("type") {
                Some(Value::String(name)) => vec![name],
                Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
                _ => continue,
            };
            stated = true;
            kinds.retain(|kind| {
                names.contains(kind) || (*kind == "integer" && names.contains(&"number"))
            });
        }
        if !stated && !self.wildly() {
            let has = |keys: &[&str]| {
                layers
                    .iter()
                    .any(|layer| keys.iter().any(|key| layer.contains_key(*key)))
            };
            let mut hinted: Vec<&'static str> = Vec::new();
            if has(&[
                "properties",
                "required",
                "additionalProperties",
                "patternProperties",
                "propertyNames",
                "minProperties",
                "maxProperties",
            ]) {
                hinted.push("object");
            }
            if has(&[
                "items",
                "prefixItems",
                "minItems",
                "maxItems",
                "uniqueItems",
                "contains",
            ]) {
                hinted.push("array");
            }
            if has(&["minLength", "maxLength", "pattern", "format"]) {
                hinted.push("string");
            }
            if has(&[
                "minimum",
                "maximum",
                "exclusiveMinimum",
                "exclusiveMaximum",
                "multipleOf",
            ]) {
                hinted.push("number");
            }
            if !hinted.is_empty() {
                return hinted;
            }
        }
        if kinds.contains(&"number") {
            kinds.retain(|kind| *kind != "integer");
        }
        kinds
    }

    fn text(&mut self, layers: &Layers<'a>) -> String {
        let limit = |key: &'static str| {
            layers
                .iter()
                .filter_map(|layer| layer.get(key)?.as_u64())
                .map(|n| n as usize)
        };
        let least = limit("minLength").max().unwrap_or(0).min(100_000);
        let most = limit("maxLength").min().unwrap_or(usize::MAX);
        let fits = |text: &str| (least..=most).contains(&text.chars().count());
        let pattern = layers
            .iter()
            .find_map(|layer| layer.get("pattern")?.as_str());
        if let Some(pattern) = pattern {
            for stretch in [3, 1, 0, 20, 60, 200] {
                let made = texts::matching(pattern, stretch, &mut self.rng);
                if let Some(text) = made.filter(|text| fits(text)) {
                    return text;
                }
            }
        }
        let format = layers
            .iter()
            .find_map(|layer| layer.get("format")?.as_str());
        if let Some(format) = format.filter(|_| !self.chance(self.wild / 3)) {
            return texts::of_format(format, &mut self.rng);
        }
        let text = if self.wildly() {
            texts::any(&mut self.rng)
        } else {
            texts::word(&mut self.rng)
        };
        texts::fit(text, least, most, &mut self.rng)
    }

    fn array(&mut self, layers: &Layers<'a>, depth: usize) -> Value {
        let mut first: Vec<&'a Value> = Vec::new();
        let mut rest: Vec<&'a Value> = Vec::new();
        let (mut least, mut most, mut unique) = (0, 1_000, false);
        let mut contains: Vec<&'a Value> = Vec::new();
        for layer in layers {
            let count = |key: &str| layer.get(key).and_then(Value::as_u64).map(|n| n as usize);
            least = least.max(count("minItems").unwrap_or(0));
            most = most.min(count("maxItems").unwrap_or(1_000));
            unique |= layer.get("uniqueItems") == Some(&Value::Bool(true));
            if let Some(Value::Array(prefix)) = layer.get("prefixItems").or(layer.get("items"))
                && first.is_empty()
            {
                first = prefix.iter().collect();
                most = if layer.get("items").or(layer.get("additionalItems"))
                    == Some(&Value::Bool(false))
                {
                    most.min(first.len())
                } else {
                    most
                };
            }
            match layer.get("items") {
                Some(Value::Bool(false)) => most = most.min(first.len()),
                Some(items @ Value::Object(_)) => rest.push(items),
                Some(Value::Array(_)) => rest.extend(layer.get("additionalItems")),
                _ => {}
            }
            if let Some(wanted) = layer.get("contains") {
                contains.extend(vec![wanted; count("minContains").unwrap_or(1).clamp(1, 20)]);
            }
        }
        let wish = if self.tight(depth) {
            0
        } else if !first.is_empty() && !self.wildly() {
            first.len()
        } else if self.chance(2) {
            25
        } else {
            self.rng.usize(0..4)
        };
        let length = wish.max(least.min(2_000)).min(most);
        let mut items: Vec<Value> = Vec::new();
        for index in 0..length {
            for _ in 0..if unique { 8 } else { 1 } {
                let schemas: Vec<&'a Value> = match first.get(index) {
                    Some(own) => vec![own],
                    None => rest.clone(),
                };
                let item = if let (None, true) =
                    (first.get(index), contains.len() + index >= length)
                    && let Some(wanted) = contains.last()
                {
                    let mut both = schemas;
                    both.push(wanted);
                    self.value(&both, depth + 1)
                } else if schemas.is_empty() {
                    anything(&mut self.rng, depth.max(1))
                } else {
                    self.value(&schemas, depth + 1)
                };
                if !unique || !items.contains(&item) {
                    items.push(item);
                    break;
                }
            }
        }
        Value::Array(items)
    }

    /// Takes away what breaks the schema, where it can be taken away; false where it cannot.
    fn mend(&mut self, value: &mut Value, at: &str) -> bool {
        let Some((parent, last)) = at.rsplit_once('/') else {
            let names = self.root.get("properties").and_then(Value::as_object);
            let (Some(map), Some(names)) = (value.as_object_mut(), names) else {
                return false;
            };
            let before = map.len();
            map.retain(|key, _| names.contains_key(key));
            return map.len() < before;
        };
        let last = last.replace("~1", "/").replace("~0", "~");
        match value.pointer_mut(parent) {
            Some(Value::Object(map)) => map.remove(&last).is_some(),
            Some(Value::Array(items)) => {
                let index = last.parse().unwrap_or(usize::MAX);
                if index < items.len() {
                    items.remove(index);
                    return true;
                }
                false
            }
            _ => false,
        }
    }
}

/// A value of another JSON type.
pub(crate) fn of_another_type(value: &Value, rng: &mut Rng) -> Value {
    let others = [
        json!(null),
        json!(true),
        json!(7),
        json!(1.5),
        json!("text"),
        json!([1]),
        json!({"k": 1}),
    ];
    let others: Vec<Value> = others
        .into_iter()
        .filter(|other| std::mem::discriminant(other) != std::mem::discriminant(value))
        .collect();
    rng.choice(others).unwrap_or(Value::Null)
}
