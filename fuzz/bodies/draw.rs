//! Bytes as a run of choices: JSON Schemas, values and texts made of what a fuzzer mutates, so that it gets past the JSON
//! parser. Where the bytes end, every choice is the first one, so what is made is always finite. Nothing is judged here.

use serde_json::{Map, Value, json};

/// Depth below which only leaves are made.
const DEEP: usize = 12;
/// Most places of one schema or value.
const PLACES: usize = 400;

const NAMES: [&str; 24] = [
    "a",
    "b",
    "kind",
    "type",
    "userId",
    "user_id",
    "user-id",
    "A",
    "",
    "🦀",
    "__proto__",
    "a/b~c",
    "%x",
    "1",
    "result",
    "json",
    "tool-error",
    "additional-properties",
    "StartTime",
    "StartTime<",
    "constructor",
    "list",
    "async",
    "\u{202e}x\u{0}",
];

const NUMBERS: [&str; 20] = [
    "0",
    "1",
    "-1",
    "2",
    "1.5",
    "3",
    "10",
    "-0.0",
    "1e300",
    "0.1",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "1e-7",
    "100000",
    "4294967296",
    "2.0",
    "1e400",
];

const POINTERS: [&str; 12] = [
    "#",
    "#/$defs/a",
    "#/$defs/b",
    "#/properties/a",
    "#/properties/b",
    "#/definitions/a",
    "#a",
    "#/$defs/a/properties/a",
    "#/anyOf/0",
    "https://example.com/x",
    "#/%24defs/a",
    "x.json#/a~1b",
];

const PATTERNS: [&str; 10] = [
    "^x-",
    "^[a-z]{1,3}$",
    "[0-9]$",
    "(a|b)*",
    "^\\p{L}+$",
    "(?=a)b",
    "(",
    "^.*$",
    "\\d{4}-\\d\\d",
    "(a+)+$",
];

/// The bytes that are left, and how many places may still be made.
pub(crate) struct Draw<'a> {
    bytes: &'a [u8],
    places: usize,
}

impl<'a> Draw<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Draw<'a> {
        Draw {
            bytes,
            places: PLACES,
        }
    }

    /// One byte; 0 at the end.
    pub(crate) fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => 0,
        }
    }

    fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count.max(1)
    }

    fn choice<'b>(&mut self, of: &[&'b str]) -> &'b str {
        let index = self.below(of.len());
        of.get(index).copied().unwrap_or_default()
    }

    fn text(&mut self) -> String {
        match self.below(4) {
            0 | 1 => self.choice(&NAMES).to_owned(),
            2 => {
                let length = self.below(12).min(self.bytes.len());
                let (text, rest) = self.bytes.split_at(length);
                self.bytes = rest;
                String::from_utf8_lossy(text).into_owned()
            }
            _ => {
                let repeated = self.choice(&["x", "-", "Ab", "é", "*/", "\n", "```", "1"]);
                repeated.repeat(self.below(256))
            }
        }
    }

    fn number(&mut self) -> Value {
        let text = self.choice(&NUMBERS);
        serde_json::from_str(text).unwrap_or(Value::from(self.byte()))
    }

    /// Any value.
    pub(crate) fn value(&mut self, depth: usize) -> Value {
        self.places = self.places.saturating_sub(1);
        let leaf = depth >= DEEP || self.places == 0;
        match self.below(if leaf { 5 } else { 8 }) {
            0 => Value::Null,
            1 => Value::Bool(self.byte() & 1 == 1),
            2 => self.number(),
            3 | 4 => Value::String(self.text()),
            5 => (0..self.below(5)).map(|_| self.value(depth + 1)).collect(),
            _ => {
                let count = self.below(5);
                let entries = (0..count).map(|_| (self.text(), self.value(depth + 1)));
                Value::Object(entries.collect())
            }
        }
    }

    /// Any schema, or nearly one.
    pub(crate) fn schema(&mut self, depth: usize) -> Value {
        self.places = self.places.saturating_sub(1);
        let leaf = depth >= DEEP || self.places == 0;
        let mut map = Map::new();
        match self.below(if leaf { 5 } else { 16 }) {
            0 => drop(map.insert("type".into(), self.kind())),
            1 => drop(map.insert("enum".into(), self.scalars())),
            2 => drop(map.insert("const".into(), self.value(DEEP))),
            3 => drop(map.insert("$ref".into(), self.choice(&POINTERS).into())),
            4 => return Value::Bool(self.byte() & 1 == 1),
            5..9 => {
                map.insert("type".into(), "object".into());
                map.insert("properties".into(), self.schemas_by_name(depth));
                if self.byte() & 1 == 1 {
                    let names = map["properties"].as_object().into_iter().flatten();
                    let wanted = self.byte();
                    let names = names.enumerate();
                    let names = names.filter(|(index, _)| wanted >> (index % 8) & 1 == 1);
                    let names: Vec<Value> = names.map(|(_, (name, _))| json!(name)).collect();
                    map.insert("required".into(), names.into());
                }
            }
            9 | 10 => {
                map.insert("type".into(), "array".into());
                map.insert("items".into(), self.schema(depth + 1));
            }
            11 | 12 => {
                let keyword = self.choice(&["anyOf", "oneOf", "allOf"]);
                map.insert(keyword.into(), self.schemas(depth));
            }
            _ => {
                // Cases that a tag tells apart.
                let count = self.below(4);
                let cases = (0..count).map(|index| {
                    let mut properties = self.schemas_by_name(depth + 1);
                    properties["kind"] = json!({"const": NAMES[index % NAMES.len()]});
                    json!({"type": "object", "properties": properties, "required": ["kind"]})
                });
                map.insert("oneOf".into(), cases.collect());
            }
        }
        for _ in 0..self.below(4) {
            self.keyword(&mut map, depth);
        }
        Value::Object(map)
    }

    /// One more keyword, fitting or not.
    fn keyword(&mut self, map: &mut Map<String, Value>, depth: usize) {
        let leaf = depth >= DEEP || self.places == 0;
        let (key, value) = match self.below(if leaf { 11 } else { 24 }) {
            0 => ("description", self.text().into()),
            1 => ("title", self.text().into()),
            2 => ("default", self.value(DEEP)),
            3 => (self.choice(&BOUNDS), self.number()),
            4 => ("pattern", self.choice(&PATTERNS).into()),
            5 => (
                "format",
                self.choice(&["date-time", "uri", "binary", "int64", "x"])
                    .into(),
            ),
            6 => ("nullable", Value::Bool(self.byte() & 1 == 0)),
            7 => ("type", self.kind()),
            8 => ("required", json!([self.text(), self.text()])),
            9 => ("additionalProperties", Value::Bool(self.byte() & 1 == 1)),
            10 => (self.choice(&FLAGS), Value::Bool(true)),
            11 | 12 => ("additionalProperties", self.schema(depth + 1)),
            13 => (
                "patternProperties",
                json!({self.choice(&PATTERNS): self.schema(depth + 1)}),
            ),
            14 => ("propertyNames", self.schema(depth + 1)),
            15 => ("not", self.schema(depth + 1)),
            16 => (self.choice(&["if", "then", "else"]), self.schema(depth + 1)),
            17 => (
                self.choice(&["$defs", "definitions", "dependentSchemas"]),
                self.schemas_by_name(depth),
            ),
            18 => (
                self.choice(&["anyOf", "oneOf", "allOf"]),
                self.schemas(depth),
            ),
            19 => (self.choice(&["prefixItems", "items"]), self.schemas(depth)),
            20 => (
                self.choice(&[
                    "additionalItems",
                    "contains",
                    "unevaluatedItems",
                    "unevaluatedProperties",
                ]),
                self.schema(depth + 1),
            ),
            21 => ("properties", self.schemas_by_name(depth)),
            22 => (
                "discriminator",
                json!({"propertyName": self.text(), "mapping": self.value(depth + 1)}),
            ),
            // A keyword with a value that it does not have.
            _ => (self.choice(&ANY), self.value(depth + 1)),
        };
        map.insert(key.to_owned(), value);
    }

    fn kind(&mut self) -> Value {
        const KINDS: [&str; 8] = [
            "string", "integer", "number", "boolean", "object", "array", "null", "file",
        ];
        match self.below(4) {
            0 => json!([self.choice(&KINDS), self.choice(&KINDS)]),
            _ => self.choice(&KINDS).into(),
        }
    }

    fn scalars(&mut self) -> Value {
        (0..self.below(6)).map(|_| self.value(DEEP)).collect()
    }

    fn schemas(&mut self, depth: usize) -> Value {
        (0..self.below(5)).map(|_| self.schema(depth + 1)).collect()
    }

    fn schemas_by_name(&mut self, depth: usize) -> Value {
        let count = self.below(6);
        let entries = (0..count).map(|_| {
            let name = match self.byte() & 3 {
                0 => self.text(),
                _ => self.choice(&NAMES).to_owned(),
            };
            (name, self.schema(depth + 1))
        });
        Value::Object(entries.collect())
    }

    /// A tool's entry of `tools/list`.
    pub(crate) fn tool(&mut self) -> Value {
        let mut tool = json!({"name": self.text(), "inputSchema": self.schema(0)});
        if self.byte() & 1 == 0 {
            tool["outputSchema"] = self.schema(0);
        }
        if self.byte() & 1 == 0 {
            tool["description"] = self.text().into();
        }
        tool
    }
}

const BOUNDS: [&str; 14] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
    "additionalProperties",
];

const FLAGS: [&str; 7] = [
    "uniqueItems",
    "readOnly",
    "writeOnly",
    "deprecated",
    "x-fastmcp-wrap-result",
    "required",
    "exclusiveMinimum",
];

const ANY: [&str; 28] = [
    "$schema",
    "$id",
    "$anchor",
    "$dynamicRef",
    "$ref",
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "items",
    "prefixItems",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "$defs",
    "definitions",
    "dependencies",
    "dependentRequired",
    "examples",
    "format",
    "discriminator",
    "patternProperties",
    "contentEncoding",
    "x-unknown",
    "additionalProperties",
];
