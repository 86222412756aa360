//! JSON Schemas made at random over all keywords of draft-07 and 2020-12, so that what holds for the corpus holds for servers
//! that nobody has seen. Many say odd or contradictory things; none of them may panic, and none may lose a value in silence.

use fastrand::Rng;
use serde_json::{Map, Value, json};
use wit_parser::{Resolve, UnresolvedPackageGroup};
use witgate_codegen::catalog::{Catalog, Server, Tool};
use witgate_codegen::wit::{RUNTIME, WitOptions, print_server};
use witgate_host::Definitions;

use crate::corpus::{Outcome, examine};
use crate::instances::anything;
use crate::judge::Subject;
use crate::{spread, texts};

const SERVERS: usize = 40;
const TOOLS: usize = 25;
/// Values per schema.
const VALUES: usize = 12;

const NAMES: [&str; 16] = [
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
    "additionalProperties",
];

/// Writes schemas of one document.
struct Writer {
    rng: Rng,
    /// Names below `$defs` that references may use.
    definitions: usize,
}

impl Writer {
    fn chance(&mut self, in_hundred: u8) -> bool {
        self.rng.u8(0..100) < in_hundred
    }

    fn name(&mut self) -> String {
        match self.chance(70) {
            true => self.rng.choice(NAMES).unwrap_or_default().to_owned(),
            false => texts::word(&mut self.rng),
        }
    }

    /// A whole document: an object most of the time, as the arguments of tools are.
    fn document(&mut self) -> Value {
        self.definitions = self.rng.usize(0..3);
        let mut root = match self.rng.u8(0..20) {
            0 => self.schema(0),
            1 => json!({"type": "object", "anyOf": [self.object(1), self.object(1)]}),
            2 => json!({"type": "object", "allOf": [self.object(1), self.object(1)]}),
            _ => self.object(0),
        };
        if let Some(map) = root.as_object_mut() {
            if self.definitions > 0 {
                let definitions: Map<String, Value> = (0..self.definitions)
                    .map(|index| (format!("d{index}"), self.schema(1)))
                    .collect();
                map.insert("$defs".into(), definitions.into());
            }
            match self.rng.u8(0..4) {
                0 => drop(map.insert(
                    "$schema".into(),
                    "http://json-schema.org/draft-07/schema#".into(),
                )),
                1 => drop(map.insert(
                    "$schema".into(),
                    "https://json-schema.org/draft/2020-12/schema".into(),
                )),
                _ => {}
            }
        }
        root
    }

    fn schema(&mut self, depth: usize) -> Value {
        let mut schema = match self.rng.u8(0..if depth > 3 { 9 } else { 20 }) {
            0 | 1 => self.string(),
            2 => self.number("integer"),
            3 => self.number("number"),
            4 => json!({"type": "boolean"}),
            5 | 6 => self.listed(),
            7 => self.reference(),
            8 => match self.rng.u8(0..4) {
                0 => return true.into(),
                1 => return false.into(),
                2 => json!({}),
                _ => json!({"type": "null"}),
            },
            9..12 => self.object(depth + 1),
            12..14 => self.array(depth + 1),
            14..17 => self.union(depth + 1),
            17 => json!({"allOf": [self.schema(depth + 1), self.schema(depth + 1)]}),
            18 => self.kinds(depth + 1),
            _ => self.conditional(depth + 1),
        };
        if let Some(map) = schema.as_object_mut() {
            if self.chance(8) {
                map.insert("default".into(), anything(&mut self.rng, 1));
            }
            if self.chance(8) {
                map.insert("description".into(), texts::any(&mut self.rng).into());
            }
            if self.chance(3) {
                map.insert("nullable".into(), true.into());
            }
            if self.chance(5) {
                map.insert("title".into(), self.name().into());
            }
            // Beside whatever is there.
            if depth < 3 && self.chance(6) {
                for (key, value) in self
                    .schema(depth + 2)
                    .as_object()
                    .cloned()
                    .unwrap_or_default()
                {
                    map.entry(key).or_insert(value);
                }
            }
        }
        schema
    }

    fn string(&mut self) -> Value {
        let mut map = Map::from_iter([("type".to_owned(), json!("string"))]);
        if self.chance(15) {
            map.insert("minLength".into(), self.rng.u8(0..4).into());
        }
        if self.chance(15) {
            map.insert("maxLength".into(), self.rng.u8(4..40).into());
        }
        if self.chance(15) {
            let patterns = ["^[a-z]{2,5}$", "[0-9]+", "^(a|b|ab)*$", "^\\S+@\\S+$"];
            map.insert("pattern".into(), self.rng.choice(patterns).into());
        }
        if self.chance(15) {
            let formats = ["date-time", "uri", "email", "uuid", "unknown", "binary"];
            map.insert("format".into(), self.rng.choice(formats).into());
        }
        map.into()
    }

    fn number(&mut self, kind: &str) -> Value {
        let mut map = Map::from_iter([("type".to_owned(), json!(kind))]);
        let bounds = [
            json!(0),
            json!(-5),
            json!(1.5),
            json!(100),
            json!(1e18),
            json!(-1e18),
            json!(9007199254740991_i64),
        ];
        for key in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
            if self.chance(15) {
                map.insert(key.into(), self.rng.choice(&bounds).cloned().into());
            }
        }
        if self.chance(8) {
            map.insert(
                "multipleOf".into(),
                if self.rng.bool() {
                    json!(0.5)
                } else {
                    json!(3)
                },
            );
        }
        map.into()
    }

    fn listed(&mut self) -> Value {
        let mut scalar = || match self.rng.u8(0..8) {
            0 => json!(null),
            1 => json!(self.rng.bool()),
            2 => json!(self.rng.i8(..)),
            3 => json!(f64::from(self.rng.i8(..)) / 2.0),
            _ => texts::key(&mut self.rng).into(),
        };
        let mut values: Vec<Value> = (0..4).map(|_| scalar()).collect();
        let mut map = Map::new();
        match self.rng.u8(0..6) {
            0 => drop(map.insert("const".into(), values.remove(0))),
            1 => drop(map.insert("enum".into(), values.into())),
            2 => {
                values.push(anything(&mut self.rng, 0));
                map.insert("enum".into(), values.into());
            }
            3 => drop(map.insert("enum".into(), json!([1, 2, 30, -4]))),
            4 => drop(map.insert("enum".into(), json!(["x", "X", "x-y", "x_y", "", "null"]))),
            _ => {
                map.insert("type".into(), "string".into());
                map.insert("enum".into(), json!(["open", "closed", "In Progress"]));
            }
        }
        map.into()
    }

    fn reference(&mut self) -> Value {
        let target = match self.rng.u8(0..60) {
            0..5 => "#".to_owned(),
            5 => "#/properties/a".to_owned(),
            6 => "https://example.com/schema".to_owned(),
            _ if self.definitions == 0 => return json!({"type": "string"}),
            _ => format!("#/$defs/d{}", self.rng.usize(0..self.definitions)),
        };
        json!({"$ref": target})
    }

    fn object(&mut self, depth: usize) -> Value {
        let mut map = Map::new();
        if self.chance(90) {
            map.insert("type".into(), "object".into());
        }
        let mut properties = Map::new();
        for _ in 0..self.rng.usize(0..5) {
            properties.insert(self.name(), self.schema(depth + 1));
        }
        let mut required: Vec<Value> = Vec::new();
        for name in properties.keys() {
            if self.rng.bool() {
                required.push(name.clone().into());
            }
        }
        if self.chance(4) {
            required.push(self.name().into());
        }
        required.dedup();
        if !properties.is_empty() || self.chance(30) {
            map.insert("properties".into(), properties.into());
        }
        if !required.is_empty() {
            map.insert("required".into(), required.into());
        }
        match self.rng.u8(0..10) {
            0..4 => {}
            4..7 => drop(map.insert("additionalProperties".into(), false.into())),
            7 => drop(map.insert("additionalProperties".into(), true.into())),
            _ => drop(map.insert("additionalProperties".into(), self.schema(depth + 1))),
        }
        if self.chance(8) {
            let pattern = self
                .rng
                .choice(["^x-", "^[a-z]{1,3}$", "[0-9]$"])
                .unwrap_or_default();
            map.insert(
                "patternProperties".into(),
                json!({pattern: self.schema(depth + 1)}),
            );
        }
        if self.chance(5) {
            map.insert("propertyNames".into(), json!({"pattern": "^[a-z]"}));
        }
        if self.chance(5) {
            map.insert("minProperties".into(), self.rng.u8(0..3).into());
        }
        if self.chance(5) {
            map.insert("maxProperties".into(), self.rng.u8(3..8).into());
        }
        if self.chance(4) {
            map.insert("unevaluatedProperties".into(), false.into());
        }
        if self.chance(4) {
            map.insert("dependentRequired".into(), json!({"a": ["b"]}));
        }
        map.into()
    }

    fn array(&mut self, depth: usize) -> Value {
        let mut map = Map::from_iter([("type".to_owned(), json!("array"))]);
        let several = |writer: &mut Writer| -> Value {
            (0..writer.rng.usize(1..4))
                .map(|_| writer.schema(depth + 1))
                .collect()
        };
        match self.rng.u8(0..10) {
            0 => {}
            1 | 2 => {
                let prefix = several(self);
                let count = prefix.as_array().map_or(0, Vec::len);
                map.insert("prefixItems".into(), prefix);
                if self.rng.bool() {
                    map.insert("minItems".into(), count.into());
                    map.insert("maxItems".into(), count.into());
                } else if self.rng.bool() {
                    map.insert("items".into(), self.schema(depth + 1));
                }
            }
            3 => {
                map.insert("items".into(), several(self));
                if self.rng.bool() {
                    map.insert("additionalItems".into(), self.schema(depth + 1));
                }
            }
            _ => drop(map.insert("items".into(), self.schema(depth + 1))),
        }
        if self.chance(15) {
            map.entry("minItems").or_insert(self.rng.u8(0..3).into());
        }
        if self.chance(15) {
            map.entry("maxItems").or_insert(self.rng.u8(3..6).into());
        }
        if self.chance(10) {
            map.insert("uniqueItems".into(), true.into());
        }
        if self.chance(5) {
            map.insert("contains".into(), self.schema(depth + 1));
        }
        map.into()
    }

    fn union(&mut self, depth: usize) -> Value {
        let keyword = if self.rng.bool() { "anyOf" } else { "oneOf" };
        let members: Vec<Value> = match self.rng.u8(0..4) {
            0 => vec![self.schema(depth + 1), json!({"type": "null"})],
            1 => ["x", "y"]
                .iter()
                .map(|tag| {
                    let mut object = self.object(depth + 1);
                    object["properties"]["kind"] = json!({"const": tag});
                    if self.chance(80) {
                        object["required"] = json!(["kind"]);
                    }
                    object
                })
                .collect(),
            2 => (0..2).map(|_| self.object(depth + 1)).collect(),
            _ => (0..self.rng.usize(1..4))
                .map(|_| self.schema(depth + 1))
                .collect(),
        };
        let mut map = Map::from_iter([(keyword.to_owned(), Value::Array(members))]);
        if self.chance(15) {
            for (key, value) in self
                .object(depth + 1)
                .as_object()
                .cloned()
                .unwrap_or_default()
            {
                map.insert(key, value);
            }
        }
        map.into()
    }

    fn kinds(&mut self, depth: usize) -> Value {
        let mut names = vec![
            "null", "boolean", "integer", "number", "string", "array", "object",
        ];
        self.rng.shuffle(&mut names);
        names.truncate(self.rng.usize(1..4));
        let mut schema = self.schema(depth + 1);
        match schema.as_object_mut() {
            Some(map) => {
                map.insert("type".into(), names.into());
                schema
            }
            None => json!({"type": names}),
        }
    }

    fn conditional(&mut self, depth: usize) -> Value {
        let mut schema = self.schema(depth + 1);
        let extra = match self.rng.u8(0..3) {
            0 => json!({"not": self.schema(depth + 1)}),
            1 => {
                json!({"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}, "else": self.schema(depth + 1)})
            }
            _ => json!({"dependentSchemas": {"a": self.schema(depth + 1)}}),
        };
        if let (Some(map), Some(extra)) = (schema.as_object_mut(), extra.as_object()) {
            map.extend(extra.clone());
        }
        schema
    }
}

fn catalog(seed: u64) -> Catalog {
    let mut catalog = Catalog::default();
    for server in 0..SERVERS {
        let mut tools = Vec::new();
        for tool in 0..TOOLS {
            let mut writer = Writer {
                rng: Rng::with_seed(seed + (server * TOOLS + tool) as u64),
                definitions: 0,
            };
            tools.push(Tool {
                name: format!("t{tool}"),
                input_schema: writer.document(),
                output_schema: Some(writer.document()),
                ..Tool::default()
            });
        }
        catalog.servers.insert(
            format!("random{server}"),
            Server {
                tools,
                ..Server::default()
            },
        );
    }
    catalog
}

#[test]
fn schemas_of_every_kind_lose_nothing_in_silence() {
    let seed = std::env::var("WITGATE_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let definitions = Definitions::new(&catalog(seed)).unwrap();
    for model in definitions.models.iter() {
        let wit = print_server(model, &WitOptions::default());
        let mut resolve = Resolve::default();
        for text in [RUNTIME, &wit] {
            let group = UnresolvedPackageGroup::parse("a.wit", text)
                .unwrap_or_else(|(_, error)| panic!("{error:?}\n{text}"));
            resolve
                .push_group(group)
                .unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        }
    }
    // Schemas that are none are refused as a whole.
    let mut subjects = Subject::all(&definitions);
    subjects.retain(|subject| subject.definition.schema_fault().is_none());
    let mut all = Outcome::default();
    for one in spread(&subjects, |subject, runtime| {
        examine(subject, VALUES, runtime)
    }) {
        all.join(one);
    }
    let none = all.few.iter().filter(|(_, count, _)| *count == 0).count();
    println!(
        "{} schemas of {}, {none} without a value",
        subjects.len(),
        SERVERS * TOOLS * 2
    );
    all.typed.print("random schemas, typed view");
    all.json.print("random schemas, JSON view");
    all.changed
        .print("random schemas, typed view, changed values");
    for line in all.wrong.iter().take(20) {
        println!("  {line}");
    }
    for figures in [&all.typed, &all.json, &all.changed] {
        assert!(
            figures.unreported.is_empty(),
            "a loss that nothing reported"
        );
    }
    assert!(all.wrong.is_empty(), "{} damaged values", all.wrong.len());
}
