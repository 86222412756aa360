//! The sealed values of one run: tokens for values on the way in, values for tokens on the way out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Number, Value};
use witgate_codegen::json::escape;

use super::detect::{self, Detector};
use super::known::{Known, SHORTEST, Scanners, Span, is_folded};
use super::places::each_named;
use super::tokens::{self, Key};
use super::{Class, SealRule};

/// The sealed values of a run, for its concurrent calls. Nothing of it is written anywhere.
pub struct Vault {
    key: Key,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// By token, with the classes that a grant must reveal.
    values: HashMap<String, (Value, BTreeSet<Class>)>,
    known: Known,
}

/// How many places were sealed, by class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sealing {
    /// Never 0.
    pub places: BTreeMap<Class, u64>,
}

/// Why arguments could not be opened. Names places and tokens, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{at}` {why}")]
pub struct OpenError {
    /// JSON pointer into the arguments.
    pub at: String,
    /// What is wrong.
    pub why: String,
    /// What to do about it.
    pub hint: String,
}

fn unknown(at: &str) -> OpenError {
    OpenError {
        at: at.to_owned(),
        why: "is no sealed value of this run".into(),
        hint: "a sealed value is good only in the run that got it: pass it on exactly as a result held it".into(),
    }
}

/// What was found in the texts of a value, by their number in the order of the walk.
struct Found {
    spans: HashMap<usize, Vec<Span>>,
    numbers: HashMap<usize, Class>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// An empty one with a key of its own.
    ///
    /// # Errors
    /// When the operating system gives no random bytes: tokens that others can compute are none.
    pub fn new() -> std::io::Result<Vault> {
        Ok(Vault {
            key: Key::random()?,
            held: Mutex::default(),
        })
    }

    /// Seals a value on its way to the guest: what the rules name, what they detect, and wherever it stands, as a whole text
    /// or within one, in a key or a value, what was sealed before in this run. The rules are those that speak of the tool.
    pub fn seal(&self, rules: &[&SealRule], value: &mut Value) -> Sealing {
        let mut sealing = Sealing::default();
        let places: Vec<_> = rules
            .iter()
            .flat_map(|rule| rule.places.iter().map(|p| p.rest(&rule.class)))
            .collect();
        each_named(value, &places, &mut |value, class| {
            self.seal_whole(value, class, &mut sealing);
        });
        // First all that is new, so that an echo of it in the same result is found too.
        let found = self.detect(rules, value);
        let scanners = self.held().known.scanners();
        let mut rewriting = Rewriting {
            vault: self,
            scanners,
            found,
            sealing,
            number: 0,
        };
        rewriting.rewrite(value);
        rewriting.sealing
    }

    /// Seals a text that is no result: a message, a log line. Places of rules do not speak of it, their detectors do.
    #[must_use]
    pub fn seal_text(&self, rules: &[&SealRule], text: &str) -> String {
        let mut value = Value::String(text.to_owned());
        let detectors = detectors(rules);
        let found = self.detect_with(&detectors, &value);
        let scanners = self.held().known.scanners();
        let mut rewriting = Rewriting {
            vault: self,
            scanners,
            found,
            sealing: Sealing::default(),
            number: 0,
        };
        rewriting.rewrite(&mut value);
        match value {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// The classes that opening arguments would take, without opening anything: the grant must reveal them all.
    ///
    /// # Errors
    /// At the first text that looks like a token and is none of this run.
    pub fn needed(&self, value: &Value) -> Result<BTreeSet<Class>, OpenError> {
        let mut classes = BTreeSet::new();
        self.needed_at(value, &mut String::new(), &mut classes)?;
        Ok(classes)
    }

    /// Opens arguments on their way to a tool: every text that is a token becomes its value. What is opened may take so many
    /// bytes as JSON text; a token is short, and what it stands for need not be.
    ///
    /// A token within a longer text stays a token: were it opened there, a program could put a value where the tool's schema
    /// and the grant's condition see only a part of it, or have it joined with a text that sends it elsewhere. Keys are never
    /// opened.
    ///
    /// # Errors
    /// At the first text that looks like a token and is none of this run, or that would take too much; what came before it
    /// is opened already.
    pub fn open(&self, value: &mut Value, bytes: u64) -> Result<(), OpenError> {
        self.open_at(value, &mut String::new(), &mut bytes.clone())
    }

    fn needed_at(
        &self,
        value: &Value,
        at: &mut String,
        classes: &mut BTreeSet<Class>,
    ) -> Result<(), OpenError> {
        let length = at.len();
        match value {
            Value::String(text) if tokens::looks_like(text) => match self.held().values.get(text) {
                Some((_, needed)) => classes.extend(needed.iter().cloned()),
                None => return Err(unknown(at)),
            },
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    at.push_str(&format!("/{index}"));
                    self.needed_at(item, at, classes)?;
                    at.truncate(length);
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    at.push('/');
                    at.push_str(&escape(key));
                    self.needed_at(value, at, classes)?;
                    at.truncate(length);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open_at(&self, value: &mut Value, at: &mut String, left: &mut u64) -> Result<(), OpenError> {
        let length = at.len();
        match value {
            Value::String(text) if tokens::looks_like(text) => {
                let held = self.held();
                let Some((opened, _)) = held.values.get(text) else {
                    return Err(unknown(at));
                };
                let size = opened.as_str().map_or(24, |text| text.len() as u64);
                *left = left.checked_sub(size).ok_or_else(|| OpenError {
                    at: at.clone(),
                    why: "is a sealed value, and with it the arguments are too large".into(),
                    hint: "pass fewer sealed values in one call".into(),
                })?;
                *value = opened.clone();
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    at.push_str(&format!("/{index}"));
                    self.open_at(item, at, left)?;
                    at.truncate(length);
                }
            }
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    at.push('/');
                    at.push_str(&escape(key));
                    self.open_at(value, at, left)?;
                    at.truncate(length);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Seals every text and number of a value, as a place of this class.
    pub(crate) fn seal_all(&self, class: &Class, value: &mut Value) {
        self.seal_whole(value, class, &mut Sealing::default());
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_token(&self, text: &str) -> bool {
        tokens::looks_like(text) && self.held().values.contains_key(text)
    }

    /// The token of a text. A text whose case says nothing has one token in every case, and opens as it was first seen.
    fn hold_text(&self, class: &Class, text: &str) -> String {
        let token = match is_folded(class, text) {
            true => self
                .key
                .token(class.name(), b's', &text.to_ascii_lowercase()),
            false => self.key.token(class.name(), b's', text),
        };
        self.hold(&token, class, text, || Value::String(text.to_owned()));
        token
    }

    fn hold_number(&self, class: &Class, number: &Number) -> String {
        let text = number.to_string();
        let token = self.key.token(class.name(), b'n', &text);
        self.hold(&token, class, &text, || Value::Number(number.clone()));
        token
    }

    fn hold(&self, token: &str, class: &Class, text: &str, value: impl FnOnce() -> Value) {
        let mut held = self.held();
        if !held.values.contains_key(token) {
            held.values
                .insert(token.to_owned(), (value(), BTreeSet::from([class.clone()])));
            held.known.add(text, class);
        }
    }

    /// Seals every text and number of a value.
    fn seal_whole(&self, value: &mut Value, class: &Class, sealing: &mut Sealing) {
        match value {
            Value::String(text) if text.is_empty() || self.is_token(text) => {}
            Value::String(text) => {
                *text = self.hold_text(class, text);
                sealing.count(class);
            }
            Value::Number(number) => {
                *value = Value::String(self.hold_number(class, number));
                sealing.count(class);
            }
            Value::Array(items) => {
                for item in items {
                    self.seal_whole(item, class, sealing);
                }
            }
            Value::Object(map) => {
                for value in map.values_mut() {
                    self.seal_whole(value, class, sealing);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The parts of a text that are no tokens of this run. What only looks like one may hide something.
    fn open_parts(&self, text: &str) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut from = 0;
        for token in tokens::in_text(text) {
            if token.start >= from && self.held().values.contains_key(&text[token.clone()]) {
                parts.push(from..token.start);
                from = token.end;
            }
        }
        parts.push(from..text.len());
        parts.retain(|part| !part.is_empty());
        parts
    }

    fn detect(&self, rules: &[&SealRule], value: &Value) -> Found {
        self.detect_with(&detectors(rules), value)
    }

    /// What detectors find, which is held from now on.
    fn detect_with(&self, detectors: &[Detector], value: &Value) -> Found {
        let mut found = Found {
            spans: HashMap::new(),
            numbers: HashMap::new(),
        };
        if !detectors.is_empty() {
            let mut number = 0;
            self.detect_below(detectors, value, "", &mut number, &mut found);
        }
        found
    }

    fn detect_below(
        &self,
        detectors: &[Detector],
        value: &Value,
        key: &str,
        number: &mut usize,
        found: &mut Found,
    ) {
        match value {
            Value::String(text) => self.detect_text(detectors, text, key, number, found),
            Value::Number(digits) => {
                if let Some(detector) = detect::number(detectors, &digits.to_string(), key) {
                    let class = detector.class();
                    self.hold_number(&class, digits);
                    found.numbers.insert(*number, class);
                }
                *number += 1;
            }
            Value::Array(items) => {
                for item in items {
                    self.detect_below(detectors, item, key, number, found);
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    self.detect_text(detectors, key, "", number, found);
                    self.detect_below(detectors, value, key, number, found);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn detect_text(
        &self,
        detectors: &[Detector],
        text: &str,
        key: &str,
        number: &mut usize,
        found: &mut Found,
    ) {
        let mut spans = Vec::new();
        for part in self.open_parts(text) {
            for hit in detect::find(detectors, &text[part.clone()], key) {
                let span = Span {
                    start: part.start + hit.start,
                    end: part.start + hit.end,
                    class: hit.detector.class(),
                    also: Vec::new(),
                };
                self.hold_text(&span.class, &text[span.start..span.end]);
                spans.push(span);
            }
        }
        if !spans.is_empty() {
            found.spans.insert(*number, spans);
        }
        *number += 1;
    }
}

fn detectors(rules: &[&SealRule]) -> Vec<Detector> {
    let named: BTreeSet<Detector> = rules
        .iter()
        .flat_map(|r| r.detect.iter().copied())
        .collect();
    named.into_iter().collect()
}

impl Sealing {
    fn count(&mut self, class: &Class) {
        *self.places.entry(class.clone()).or_default() += 1;
    }
}

/// Puts tokens in the place of what was found and of what is known. It walks as `detect_below` does.
struct Rewriting<'a> {
    vault: &'a Vault,
    scanners: Scanners,
    found: Found,
    sealing: Sealing,
    number: usize,
}

impl Rewriting<'_> {
    fn rewrite(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(sealed) = self.text(text, true) {
                    *text = sealed;
                }
            }
            Value::Number(number) => {
                let class = self.found.numbers.remove(&self.number).or_else(|| {
                    let text = number.to_string();
                    let held = self.vault.held();
                    let class = held.known.class(&text).filter(|_| text.len() >= SHORTEST);
                    class.cloned()
                });
                self.number += 1;
                if let Some(class) = class {
                    self.sealing.count(&class);
                    *value = Value::String(self.vault.hold_number(&class, number));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.rewrite(item)),
            Value::Object(map) => {
                let mut keys = Vec::new();
                for (index, (key, value)) in map.iter_mut().enumerate() {
                    if let Some(sealed) = self.text(key, false) {
                        keys.push((index, sealed));
                    }
                    self.rewrite(value);
                }
                if !keys.is_empty() {
                    rename(map, keys);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The text with tokens, if anything in it is to be sealed. A short known text counts in values only: the keys `id` or
    /// `to` are no echo.
    fn text(&mut self, text: &str, is_value: bool) -> Option<String> {
        let detected = self.found.spans.remove(&self.number).unwrap_or_default();
        self.number += 1;
        if text.len() < SHORTEST {
            let class = self.vault.held().known.class(text).cloned();
            let class = class.filter(|_| is_value)?;
            self.sealing.count(&class);
            return Some(self.vault.hold_text(&class, text));
        }
        let mut known = Vec::new();
        for part in self.vault.open_parts(text) {
            let spans = self.scanners.find(&text[part.clone()]);
            known.extend(spans.into_iter().map(|span| Span {
                start: part.start + span.start,
                end: part.start + span.end,
                class: span.class,
                also: span.also,
            }));
        }
        let spans = join(detected, known);
        if spans.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for span in spans {
            out.push_str(&text[from..span.start]);
            let token = self
                .vault
                .hold_text(&span.class, &text[span.start..span.end]);
            if let Some((_, needed)) = self.vault.held().values.get_mut(&token) {
                needed.extend(span.also);
            }
            out.push_str(&token);
            from = span.end;
            self.sealing.count(&span.class);
        }
        out.push_str(&text[from..]);
        Some(out)
    }
}

/// Both lists are in order and apart. What is detected stays as it is where nothing known reaches beyond it; where something
/// does, all that overlaps is sealed as one, so that no part of either is left.
fn join(detected: Vec<Span>, known: Vec<Span>) -> Vec<Span> {
    let mut all: Vec<(Span, bool)> = detected.into_iter().map(|span| (span, true)).collect();
    all.extend(known.into_iter().map(|span| (span, false)));
    // Of two that are equal, what is detected comes first and gives its class.
    all.sort_by(|(a, a_detected), (b, b_detected)| {
        let by_place = a.start.cmp(&b.start).then(b.end.cmp(&a.end));
        by_place.then(b_detected.cmp(a_detected))
    });
    let mut out: Vec<Span> = Vec::with_capacity(all.len());
    for (span, _) in all {
        match out.last_mut() {
            Some(last) if span.start < last.end => last.join(span),
            _ => out.push(span),
        }
    }
    out
}

/// Gives keys new names in place. Two addresses in different case have one token: the second gets a number, as no entry may
/// be lost.
fn rename(map: &mut Map<String, Value>, keys: Vec<(usize, String)>) {
    let mut keys = keys.into_iter().peekable();
    let mut numbers: HashMap<String, u64> = HashMap::new();
    let old = std::mem::take(map);
    for (index, (key, value)) in old.into_iter().enumerate() {
        let key = keys
            .next_if(|(at, _)| *at == index)
            .map_or(key, |(_, key)| key);
        let mut unique = key.clone();
        while map.contains_key(&unique) {
            let number = numbers.entry(key.clone()).or_insert(1);
            *number += 1;
            unique = format!("{key}~{number}");
        }
        map.insert(unique, value);
    }
}
