//! Validation against JSON Schema as servers send it: schemas made ready once, bounded in time, and violations in words for
//! a program's author. Nothing is fetched.

mod mend;
mod words;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jsonschema::{Draft, Validator, ValidatorMap};
use serde_json::Value;
use witgate_codegen::references::{NAMESAKES, References};

use mend::{has_id, mend, options};
use words::violation;

/// A schema made ready, once.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) validator: Result<Arc<Validator>, String>,
    /// What is no JSON Schema and was left out, as pointers.
    pub(crate) left_out: Vec<String>,
    /// The schema without that, where something was left out.
    mended: Option<Value>,
    /// Every place of the schema, for unions that only these tell apart.
    places: OnceLock<Option<ValidatorMap>>,
    /// As which draft it is read, where it does not say so.
    draft: Option<Draft>,
    /// Its places with references followed; `None` where these are too many, or it refers to itself.
    size: Option<usize>,
    /// It took too long once and is not tried again.
    given_up: Arc<AtomicBool>,
}

/// Longest time one validation may take.
const VALIDATION_TIME: Duration = Duration::from_secs(2);

/// Schema places, references followed, up to which a schema is validated in place.
const LIGHT: usize = 5_000;

/// Schema places times values, up to which a value is validated in place: a second at worst.
const QUICK: usize = 50_000_000;

/// Longest chain of schemas that all hold for the same value, by references and combinations.
const CHAIN: usize = 100;

/// Stack of a thread that validates, in bytes.
const STACK: usize = 256 << 20;

/// How a value breaks a schema. Names fields, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer into the value; empty for the whole.
    pub at: String,
    /// What is wrong, without the value itself.
    pub why: String,
}

/// Makes a schema ready. What is no JSON Schema in it is left out, so that one slip of a server's author does not take the
/// whole tool away.
pub(crate) fn compile(schema: &Value) -> Compiled {
    // Who names no draft may still write one of old, where `items` is a list or `exclusiveMinimum` a flag; MCP means the
    // first. The draft of which the least is left out is the one.
    let drafts = [Draft::Draft202012, Draft::Draft7, Draft::Draft4];
    let stated = schema.get("$schema").and_then(Value::as_str);
    let known = [
        "draft-04",
        "draft-06",
        "draft-07",
        "draft/2019-09",
        "draft/2020-12",
    ];
    let is_known = stated.is_some_and(|stated| {
        stated.contains("json-schema.org/") && known.iter().any(|draft| stated.contains(draft))
    });
    let mut best = mend(schema, if is_known { None } else { Some(drafts[0]) });
    for draft in drafts.into_iter().skip(1) {
        // What a draft does not know, it would not even look into.
        let is_newer = unknown_to(draft).any(|key| mentions(schema, key));
        if !is_known && !is_newer && (best.built.is_err() || !best.left_out.is_empty()) {
            let other = mend(schema, Some(draft));
            let better = other.built.is_ok()
                && (best.built.is_err() || other.left_out.len() < best.left_out.len());
            if better {
                best = other;
            }
        }
    }
    let ground = Ground::new(schema);
    let validator = match chains_are_short(&ground) {
        true => best.built.map(Arc::new),
        false => Err("the tool's schema has references within references too deeply".to_owned()),
    };
    Compiled {
        validator,
        left_out: best.left_out,
        mended: best.copy,
        places: OnceLock::new(),
        draft: best.draft,
        size: expansion(&ground, schema, &mut Vec::new(), LIGHT, 0),
        given_up: Arc::default(),
    }
}

/// Keywords that came after a draft.
fn unknown_to(draft: Draft) -> impl Iterator<Item = &'static str> {
    const AFTER_7: [&str; 8] = [
        "prefixItems",
        "unevaluatedItems",
        "unevaluatedProperties",
        "dependentSchemas",
        "dependentRequired",
        "minContains",
        "maxContains",
        "$dynamicRef",
    ];
    const AFTER_4: [&str; 4] = ["const", "contains", "propertyNames", "if"];
    let after_4: &[&str] = match draft {
        Draft::Draft4 => &AFTER_4,
        _ => &[],
    };
    AFTER_7.into_iter().chain(after_4.iter().copied())
}

/// Whether an object somewhere has the key.
fn mentions(schema: &Value, key: &str) -> bool {
    match schema {
        Value::Object(map) => map.contains_key(key) || map.values().any(|v| mentions(v, key)),
        Value::Array(items) => items.iter().any(|item| mentions(item, key)),
        _ => false,
    }
}

/// A schema with what its references mean.
struct Ground<'a> {
    references: References<'a>,
    /// Every object in it.
    places: Vec<&'a Value>,
    /// From which schema the pointers of each of these count.
    bases: HashMap<*const Value, &'a Value>,
}

impl<'a> Ground<'a> {
    fn new(root: &'a Value) -> Ground<'a> {
        let mut ground = Ground {
            references: References::new(root),
            places: Vec::new(),
            bases: HashMap::new(),
        };
        ground.add(root, root);
        ground
    }

    fn add(&mut self, schema: &'a Value, base: &'a Value) {
        match schema {
            Value::Object(map) => {
                let base = if has_id(schema) { schema } else { base };
                self.places.push(schema);
                self.bases.insert(std::ptr::from_ref(schema), base);
                map.values().for_each(|inner| self.add(inner, base));
            }
            Value::Array(items) => items.iter().for_each(|inner| self.add(inner, base)),
            _ => {}
        }
    }

    /// What a reference at a place of the schema may mean.
    fn targets(&self, holder: &Value, reference: &str) -> Vec<&'a Value> {
        let base = self.bases.get(&std::ptr::from_ref(holder));
        let places = match base.filter(|_| reference == "#" || reference.starts_with("#/")) {
            Some(base) => References::new(base).candidates(reference),
            None => self.references.candidates(reference),
        };
        places.into_iter().map(|(_, place)| place).collect()
    }
}

/// Places of a schema with references followed; `None` where these are more than `budget`, where it refers to itself, or
/// where it is not certain which place a reference means.
fn expansion(
    ground: &Ground<'_>,
    schema: &Value,
    open: &mut Vec<String>,
    budget: usize,
    depth: usize,
) -> Option<usize> {
    if depth > witgate_codegen::json::DEPTH {
        return None;
    }
    let mut count = 1_usize;
    let mut add = |part: Option<usize>| {
        count = count.checked_add(part?)?;
        (count <= budget).then_some(())
    };
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(reference) if key.ends_with("ef") && key.starts_with('$') => {
                        if open.len() > 64 || open.iter().any(|o| o == reference) {
                            return None;
                        }
                        match &ground.targets(schema, reference)[..] {
                            [] => {}
                            [target] => {
                                open.push(reference.to_owned());
                                add(expansion(ground, target, open, budget, depth + 1))?;
                                open.pop();
                            }
                            _ => return None,
                        }
                    }
                    _ if key == "$defs" || key == "definitions" => {}
                    _ => add(expansion(ground, value, open, budget, depth + 1))?,
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                add(expansion(ground, item, open, budget, depth + 1))?;
            }
        }
        _ => {}
    }
    Some(count)
}

/// Whether a schema of this size is held against a value in no time.
fn is_quick(size: usize, value: &Value) -> bool {
    fn count(value: &Value, left: &mut usize) {
        *left = left.saturating_sub(1);
        match value {
            Value::Array(items) if *left > 0 => items.iter().for_each(|item| count(item, left)),
            Value::Object(map) if *left > 0 => map.values().for_each(|item| count(item, left)),
            _ => {}
        }
    }
    let mut left = QUICK / size.max(1);
    count(value, &mut left);
    left > 0
}

/// Whether no value has to be held against more than [`CHAIN`] schemas within each other. A value's own nesting is bounded
/// where it is read.
fn chains_are_short(ground: &Ground<'_>) -> bool {
    let mut known = HashMap::new();
    let mut places = ground.places.iter();
    places.all(|place| chain(ground, place, &mut known, 0).is_some())
}

/// The length of the longest chain that begins at a schema; `None` where it is too long, or may be.
fn chain<'a>(
    ground: &Ground<'a>,
    schema: &'a Value,
    known: &mut HashMap<*const Value, usize>,
    depth: usize,
) -> Option<usize> {
    let Value::Object(map) = schema else {
        return Some(0);
    };
    if depth > CHAIN {
        return None;
    }
    let own = std::ptr::from_ref(schema);
    if let Some(length) = known.get(&own) {
        return (depth + length <= CHAIN).then_some(*length);
    }
    // While it is open, what leads back to it ends here.
    known.insert(own, 0);
    let mut longest = 0;
    for (key, value) in map {
        let held: Vec<&Value> = match (key.as_str(), value) {
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) => {
                let targets = ground.targets(schema, reference);
                if targets.len() >= NAMESAKES {
                    return None;
                }
                targets
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(items)) => items.iter().collect(),
            ("not" | "if" | "then" | "else", inner) => vec![inner],
            ("dependentSchemas" | "dependencies", Value::Object(map)) => map.values().collect(),
            _ => Vec::new(),
        };
        for inner in held {
            longest = longest.max(1 + chain(ground, inner, known, depth + 1)?);
        }
    }
    known.insert(own, longest);
    Some(longest)
}

impl Compiled {
    /// Holds a value against the schema.
    ///
    /// # Errors
    /// The first violation; for unknown and missing keys, all of one object.
    pub(crate) async fn check(&self, schema: &Value, value: &Value) -> Result<(), Violation> {
        let whole = |why: String| Violation {
            at: String::new(),
            why,
        };
        let validator = self.validator.as_ref().map_err(|why| whole(why.clone()))?;
        if self.size.is_some_and(|size| is_quick(size, value)) {
            return validator
                .validate(value)
                .map_err(|e| violation(&e, schema, value));
        }
        // A hostile schema can make validation take for ever. It then runs apart and is given up after a while; the thread
        // that is lost with it is the only one that this schema gets. Its stack holds what `CHAIN` and the nesting of
        // values allow.
        let too_long =
            || whole("cannot be validated: the tool's schema takes too long to evaluate".into());
        if self.given_up.load(Ordering::Relaxed) {
            return Err(too_long());
        }
        let (validator, schema, value) = (Arc::clone(validator), schema.clone(), value.clone());
        let (done, work) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().stack_size(STACK);
        let started = thread.spawn(move || {
            let checked = validator
                .validate(&value)
                .map_err(|e| violation(&e, &schema, &value));
            // Nobody waits any more where it took too long.
            drop(done.send(checked));
        });
        if started.is_err() {
            return Err(whole(
                "cannot be validated: no thread can be started".into(),
            ));
        }
        match tokio::time::timeout(VALIDATION_TIME, work).await {
            Ok(Ok(checked)) => checked,
            Ok(Err(_)) | Err(_) => {
                self.given_up.store(true, Ordering::Relaxed);
                Err(too_long())
            }
        }
    }

    /// Whether a value fits the schema at this pointer of it. A schema that is too large to be asked in place is taken to
    /// fit everything.
    pub(crate) fn fits(&self, schema: &Value, at: &str, value: &Value) -> bool {
        let places = self.places.get_or_init(|| {
            let schema = self.mended.as_ref().unwrap_or(schema);
            let map = || options(self.draft).build_map(schema).ok();
            self.size.and_then(|_| map())
        });
        match places.as_ref().and_then(|map| map.get(&format!("#{at}"))) {
            Some(validator) => validator.is_valid(value),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests;
