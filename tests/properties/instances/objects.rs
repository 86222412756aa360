//! Objects: which keys, declared and not, and what they hold.

use serde_json::{Map, Value};

use super::{DEEP, Layers, Maker, anything};
use crate::texts;

/// What several schemas say of an object together.
#[derive(Default)]
struct Shape<'a> {
    properties: Vec<(&'a str, Vec<&'a Value>)>,
    required: Vec<&'a str>,
    closed: bool,
    others: Vec<&'a Value>,
    patterns: Vec<(&'a str, &'a Value)>,
    names: Vec<&'a Value>,
    least: usize,
    most: usize,
}

impl<'a> Maker<'a> {
    fn shape(layers: &Layers<'a>) -> Shape<'a> {
        let mut shape = Shape {
            most: usize::MAX,
            ..Shape::default()
        };
        for layer in layers {
            for (name, schema) in layer
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                match shape.properties.iter_mut().find(|(known, _)| known == name) {
                    Some((_, schemas)) => schemas.push(schema),
                    None => shape.properties.push((name, vec![schema])),
                }
            }
            let required = layer
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            shape.required.extend(required.filter_map(Value::as_str));
            for key in ["additionalProperties", "unevaluatedProperties"] {
                match layer.get(key) {
                    Some(Value::Bool(false)) => shape.closed = true,
                    Some(schema @ Value::Object(_)) => shape.others.push(schema),
                    _ => {}
                }
            }
            let patterns = layer.get("patternProperties").and_then(Value::as_object);
            shape.patterns.extend(
                patterns
                    .into_iter()
                    .flatten()
                    .map(|(pattern, schema)| (pattern.as_str(), schema)),
            );
            shape
                .names
                .extend(layer.get("propertyNames").filter(|names| names.is_object()));
            let count = |key: &str| layer.get(key).and_then(Value::as_u64).map(|n| n as usize);
            shape.least = shape.least.max(count("minProperties").unwrap_or(0));
            shape.most = shape.most.min(count("maxProperties").unwrap_or(usize::MAX));
            for (key, needed) in ["dependentRequired", "dependencies"]
                .iter()
                .filter_map(|key| layer.get(*key)?.as_object())
                .flatten()
            {
                // Whoever has the one mostly has the others: all or none of them.
                if shape.required.contains(&key.as_str()) {
                    shape.required.extend(
                        needed
                            .as_array()
                            .into_iter()
                            .flatten()
                            .filter_map(Value::as_str),
                    );
                }
            }
        }
        shape
    }

    pub(super) fn object(&mut self, layers: &Layers<'a>, depth: usize) -> Value {
        let shape = Maker::shape(layers);
        let share = if self.tight(depth) {
            0
        } else {
            *self.rng.choice([0, 100, 50, 50, 20].iter()).unwrap_or(&50)
        };
        let mut chosen: Vec<(&'a str, Vec<&'a Value>)> = Vec::new();
        for (name, schemas) in &shape.properties {
            let forbidden = schemas.iter().any(|schema| **schema == Value::Bool(false));
            if shape.required.contains(name) || (!forbidden && self.chance(share)) {
                chosen.push((*name, schemas.clone()));
            }
        }
        for name in &shape.required {
            if !chosen.iter().any(|(known, _)| known == name) {
                chosen.push((*name, shape.others.clone()));
            }
        }
        if self.chance(20) {
            self.rng.shuffle(&mut chosen);
        }
        let mut map = Map::new();
        for (name, schemas) in chosen {
            let value = if schemas.is_empty() {
                anything(&mut self.rng, 1)
            } else {
                self.value(&schemas, depth + 1)
            };
            map.insert(name.to_owned(), value);
        }
        self.add_others(&mut map, &shape, depth);
        Value::Object(map)
    }

    /// Keys that no schema names: by pattern, and where the object is not closed any.
    fn add_others(&mut self, map: &mut Map<String, Value>, shape: &Shape<'a>, depth: usize) {
        for (pattern, schema) in &shape.patterns {
            if !self.tight(depth)
                && self.chance(60)
                && let Some(key) = texts::matching(pattern, 3, &mut self.rng)
                && !map.contains_key(&key)
            {
                let value = self.value(&[schema], depth + 1);
                map.insert(key, value);
            }
        }
        let is_map = shape.properties.is_empty() && !shape.others.is_empty();
        let mut extra = match () {
            () if shape.closed || (self.tight(depth) && map.len() >= shape.least) => 0,
            () if is_map => self.rng.usize(0..4),
            () if self.wildly() => self.rng.usize(1..3),
            () => 0,
        };
        extra = extra.max(shape.least.saturating_sub(map.len()).min(1_000));
        extra = extra.min(shape.most.saturating_sub(map.len()));
        for _ in 0..extra {
            let key = if !shape.names.is_empty() {
                match self.value(&shape.names, DEEP) {
                    Value::String(key) => key,
                    _ => continue,
                }
            } else if let Some((name, _)) = self
                .rng
                .choice(shape.properties.iter())
                .filter(|_| self.rng.u8(0..3) == 0)
            {
                texts::lookalike(name, &mut self.rng)
            } else {
                texts::key(&mut self.rng)
            };
            if map.contains_key(&key) || shape.properties.iter().any(|(name, _)| *name == key) {
                continue;
            }
            let value = if shape.others.is_empty() {
                anything(&mut self.rng, depth.max(1))
            } else {
                self.value(&shape.others, depth + 1)
            };
            map.insert(key, value);
        }
    }
}
