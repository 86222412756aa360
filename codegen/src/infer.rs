//! A JSON Schema from values that a tool returned, for tools that declare none. What was seen becomes a type; nothing is
//! read into it: no enums, no formats, no lengths, no tuples, and objects stay open, so that a new key is no failure.
//! Every value that was seen fits the schema. Pure; which results are looked at and where the schema goes is decided
//! elsewhere.
//!
//! Results are hostile: depth, keys and the whole are bounded. What lies beyond a bound is left unsaid, never wrong.

use indexmap::IndexMap;
use serde_json::{Map, Value};

mod earlier;
mod emit;
mod summary;

pub use earlier::Edited;
pub use summary::summary;

/// Deepest nesting that is looked at; below, any value fits.
const DEPTH: usize = 12;
/// Most keys of one object that are told apart.
const KEYS: usize = 200;
/// Longest key that is told apart, in bytes.
const KEY_BYTES: usize = 200;
/// Most places in one schema; beyond, no more keys are told apart.
const PLACES: usize = 2_000;
/// How a schema says that some keys of an object are not told apart, so that it never becomes a map by mistake.
const CUT: &str = "it has more keys, which are not told apart";
/// The largest integer up to which a 64-bit float holds every integer.
const EXACT: u64 = 1 << 53;

/// The schema of some values, in the order in which their keys first appeared. Without values, any value fits.
pub fn infer<'a>(samples: impl IntoIterator<Item = &'a Value>) -> Value {
    let mut inference = Inference::default();
    for sample in samples {
        inference.observe(sample);
    }
    inference.schema()
}

/// What is known of a tool's results so far; widened by each result.
#[derive(Debug, Clone, Default)]
pub struct Inference {
    root: Shape,
    places: usize,
}

/// What was seen at one place. The default has seen nothing.
#[derive(Debug, Clone, Default, PartialEq)]
struct Shape {
    /// Nothing can be said: too deep, or numbers that no type holds.
    any: bool,
    null: bool,
    boolean: bool,
    string: bool,
    number: Option<Number>,
    array: Option<Box<Shape>>,
    object: Option<Box<Object>>,
    /// Annotations that a person wrote into an earlier schema; only kept.
    notes: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Number {
    /// Some number was no integer.
    float: bool,
    /// Some integer is one that a float cannot hold for sure.
    wide: bool,
    /// Some integer lies above 64 bits with a sign.
    beyond: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Object {
    /// Objects seen here; those behind an earlier schema do not count.
    seen: u64,
    /// An earlier schema had an object here, so that a key it lacks is optional.
    earlier: bool,
    keys: IndexMap<String, Key>,
    /// Some keys are not told apart.
    cut: bool,
    /// The keys are data: the shape of every value.
    map: Option<Shape>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Key {
    shape: Shape,
    /// Objects that have it, of those seen.
    count: u64,
    /// An earlier schema had an object without it.
    optional: bool,
}

impl Inference {
    /// Starts from a schema that was inferred before, so that what fitted it still fits.
    ///
    /// # Errors
    /// The schema says what no inference says: a person has edited it.
    pub fn widen(schema: &Value) -> Result<Inference, Edited> {
        let mut inference = Inference::default();
        inference.root = earlier::read(schema, "", &mut inference.places)?;
        Ok(inference)
    }

    /// Widens what is known by one result.
    pub fn observe(&mut self, sample: &Value) {
        self.root.observe(sample, 0, &mut self.places);
    }

    /// Whether every value was a string: text stays text, and needs no schema.
    pub fn is_plain_text(&self) -> bool {
        let text = Shape {
            string: true,
            ..Shape::default()
        };
        self.root == text
    }

    /// The schema.
    pub fn schema(&self) -> Value {
        emit::schema(&self.root)
    }
}

impl Shape {
    fn observe(&mut self, value: &Value, depth: usize, places: &mut usize) {
        if self.any {
            return;
        }
        if depth > DEPTH {
            self.any = true;
            return;
        }
        match value {
            Value::Null => self.null = true,
            Value::Bool(_) => self.boolean = true,
            Value::String(_) => self.string = true,
            Value::Number(number) => {
                let known = self.number.get_or_insert_default();
                match (number.as_i64(), number.is_u64()) {
                    (Some(integer), _) => known.wide |= integer.unsigned_abs() > EXACT,
                    (None, true) => known.beyond = true,
                    (None, false) => known.float = true,
                }
            }
            Value::Array(items) => {
                let known = self.array.get_or_insert_default();
                for item in items {
                    known.observe(item, depth + 1, places);
                }
            }
            Value::Object(map) => {
                let known = self.object.get_or_insert_default();
                known.seen += 1;
                for (key, value) in map {
                    known.observe(key, value, depth + 1, places);
                }
            }
        }
    }

    /// Takes in what another place has seen.
    fn merge(&mut self, other: Shape) {
        self.any |= other.any;
        self.null |= other.null;
        self.boolean |= other.boolean;
        self.string |= other.string;
        if let Some(number) = other.number {
            let known = self.number.get_or_insert_default();
            known.float |= number.float;
            known.wide |= number.wide;
            known.beyond |= number.beyond;
        }
        match (&mut self.array, other.array) {
            (Some(known), Some(items)) => known.merge(*items),
            (known, items) => *known = known.take().or(items),
        }
        match (&mut self.object, other.object) {
            (Some(known), Some(object)) => known.merge(*object),
            (known, object) => *known = known.take().or(object),
        }
        for (key, note) in other.notes {
            self.notes.entry(key).or_insert(note);
        }
    }

    /// Whether two places hold the same kind of thing, so that their keys may be data.
    fn is_like(&self, other: &Shape) -> bool {
        let kinds = |shape: &Shape| {
            [
                shape.any,
                shape.boolean,
                shape.string,
                shape.number.is_some(),
                shape.array.is_some(),
                shape.object.is_some(),
            ]
        };
        let (own, others) = (kinds(self), kinds(other));
        let count = |kinds: [bool; 6]| kinds.into_iter().filter(|kind| *kind).count();
        if count(own) == 0 || count(others) == 0 {
            return true;
        }
        own == others
            && count(own) == 1
            && match (&self.array, &other.array) {
                (Some(items), Some(others)) => items.is_like(others),
                _ => true,
            }
            && match (&self.object, &other.object) {
                (Some(object), Some(other)) => object.is_like(other),
                _ => true,
            }
    }
}

impl Object {
    fn observe(&mut self, key: &str, value: &Value, depth: usize, places: &mut usize) {
        if let Some(shape) = &mut self.map {
            return shape.observe(value, depth, places);
        }
        if let Some(known) = self.keys.get_mut(key) {
            known.count += 1;
            return known.shape.observe(value, depth, places);
        }
        let mut shape = Shape::default();
        shape.observe(value, depth, places);
        self.add(key, shape, places);
    }

    /// Takes a key in that was not there in the objects before.
    fn add(&mut self, key: &str, shape: Shape, places: &mut usize) {
        // An earlier object that was cut may have had this key with other values.
        let unknown = self.earlier && self.cut;
        if unknown || key.len() > KEY_BYTES || *places >= PLACES {
            self.cut = true;
        } else if self.keys.len() < KEYS {
            *places += 1;
            let key = key.to_owned();
            let new = Key {
                shape,
                count: 1,
                optional: self.earlier,
            };
            self.keys.insert(key, new);
        } else if !self.cut && self.is_uniform() {
            self.make_map().merge(shape);
        } else {
            self.cut = true;
        }
    }

    fn merge(&mut self, other: Object) {
        if self.map.is_some() || other.map.is_some() {
            let mut object = other;
            let shape = std::mem::take(object.make_map());
            return self.make_map().merge(shape);
        }
        // A side that was cut may have had any of the other's keys, with other values.
        for (name, key) in &mut self.keys {
            if !other.keys.contains_key(name) {
                key.optional |= other.earlier;
                key.shape.any |= other.cut;
            }
        }
        let was_cut = self.cut;
        for (name, mut key) in other.keys {
            let full = self.keys.len() >= KEYS;
            match self.keys.get_mut(&name) {
                Some(known) => {
                    known.shape.merge(key.shape);
                    known.count += key.count;
                    known.optional |= key.optional;
                }
                None if !full => {
                    key.optional |= self.earlier;
                    key.shape.any |= was_cut;
                    self.keys.insert(name, key);
                }
                None => self.cut = true,
            }
        }
        self.seen += other.seen;
        self.earlier |= other.earlier;
        self.cut |= other.cut;
    }

    /// From now on, the keys are data.
    fn make_map(&mut self) -> &mut Shape {
        let keys = std::mem::take(&mut self.keys);
        let shape = self.map.get_or_insert_default();
        for (_, key) in keys {
            shape.merge(key.shape);
        }
        // What was cut off has not been seen, so nothing can be said of every value.
        shape.any |= std::mem::take(&mut self.cut);
        shape
    }

    fn is_required(&self, key: &Key) -> bool {
        key.count == self.seen && !key.optional
    }

    /// Whether all values are of one kind.
    fn is_uniform(&self) -> bool {
        let typed = |key: &&Key| key.shape != Shape::default() && !key.shape.is_only_null();
        let Some(first) = self.keys.values().find(typed) else {
            return false;
        };
        self.keys
            .values()
            .all(|key| key.shape.is_like(&first.shape))
    }

    /// Whether two objects have most of their keys in common.
    fn is_like(&self, other: &Object) -> bool {
        if self.map.is_some() || other.map.is_some() {
            return true;
        }
        let common = self
            .keys
            .keys()
            .filter(|key| other.keys.contains_key(*key))
            .count();
        let all = self.keys.len() + other.keys.len() - common;
        common * 2 >= all
    }

    /// Whether the keys look like data: values of one kind, under keys that no author of an interface chose, or under
    /// many keys of which each object has only some and none has all.
    fn has_data_keys(&self) -> bool {
        if self.cut || self.keys.len() < 3 {
            return false;
        }
        let odd = self.keys.keys().filter(|key| is_data(key)).count();
        let total: u64 = self.keys.values().map(|key| key.count).sum();
        let sparse = self.keys.len() >= 16
            && self.seen >= 2
            && !self.keys.values().any(|key| self.is_required(key))
            && total * 2 <= self.seen * self.keys.len() as u64;
        (odd * 5 >= self.keys.len() * 4 || sparse) && self.is_uniform()
    }
}

impl Shape {
    fn is_only_null(&self) -> bool {
        let null = Shape {
            null: true,
            ..Shape::default()
        };
        *self == null
    }
}

/// Whether a key is a path, a date, a number, a hash or an address rather than a name.
fn is_data(key: &str) -> bool {
    let hash = key.len() >= 8
        && key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        && key.bytes().any(|b| b.is_ascii_digit());
    hash || key.starts_with(|c: char| c.is_ascii_digit())
        || key.char_indices().any(|(at, c)| match c {
            '/' | '\\' => true,
            ':' | '@' => at > 0,
            _ => false,
        })
}

#[cfg(test)]
mod tests;
