//! What results become, and over random ones: every result fits, the same results give the same bytes, and learning again
//! changes nothing that fitted.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

fn of(samples: &[Value]) -> Value {
    let schema = infer(samples);
    let validator = jsonschema::validator_for(&schema).unwrap();
    for sample in samples {
        assert!(
            validator.is_valid(sample),
            "{sample} does not fit {schema:#}"
        );
    }
    schema
}

fn again(schema: &Value, samples: &[Value]) -> Value {
    let mut inference = Inference::widen(schema).unwrap();
    samples.iter().for_each(|sample| inference.observe(sample));
    inference.schema()
}

#[test]
fn a_key_is_required_where_every_object_has_it() {
    let samples = [
        json!({"id": 1, "name": "a", "note": null}),
        json!({"name": "b", "id": 2.5, "tags": ["x"]}),
        json!({"id": 3, "name": "c", "note": "n", "tags": []}),
    ];
    let wanted = json!({"type": "object", "properties": {
        "id": {"type": "number"}, "name": {"type": "string"}, "note": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["id", "name"]});
    let schema = of(&samples);
    assert_eq!(schema.to_string(), wanted.to_string(), "keys in order");
    assert_eq!(
        summary(&schema),
        "{ id: number; name: string; note?: string | null; tags?: string[] }"
    );
    assert!(jsonschema::is_valid(
        &schema,
        &json!({"id": 1, "name": "a", "new": {}})
    ));
}

#[test]
fn several_kinds_become_a_union() {
    let schema = of(&[json!([1, "a", null]), json!([{"a": 1}, [true]])]);
    let wanted = json!({"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"},
        {"type": "array", "items": {"type": "boolean"}},
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"type": "null"}]}});
    assert_eq!(schema, wanted);
    assert_eq!(again(&schema, &[]), schema);
}

#[test]
fn keys_that_are_data_become_a_map() {
    let number = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    assert_eq!(
        of(&[json!({"src/a.rs": 1, "src/b.rs": 2, "c/d": 3})]),
        number
    );
    assert_eq!(
        of(&[json!({"2024-01-01": 1, "2024-01-02": 2, "2024-01-03": 3})]),
        number
    );
    // Names, but each object has others.
    let sparse: Vec<Value> = (0..20)
        .map(|at| json!({format!("user{at}"): at, format!("user{}", at + 1): at}))
        .collect();
    assert_eq!(of(&sparse), number);
    // A record with many fields stays one, also where some are often left out.
    let record: Value = (0..30)
        .map(|at| (format!("field{at}"), json!(at)))
        .collect();
    assert!(of(&[record.clone(), record])["properties"].is_object());
    // Values of several kinds are no map.
    assert!(of(&[json!({"1": 1, "2": "x", "3": null})])["properties"].is_object());
    let objects = of(&[json!({"a/b": {"x": 1}, "c/d": {"x": 2, "y": null}, "e/f": {"x": 1}})]);
    assert_eq!(objects["additionalProperties"]["required"], json!(["x"]));
    let more = again(&objects, &[json!({"plain": {"x": "text"}})]);
    assert_eq!(
        more["additionalProperties"]["properties"]["x"],
        json!({"anyOf": [{"type": "integer"}, {"type": "string"}]})
    );
}

#[test]
fn numbers_that_no_type_holds_stay_free() {
    assert_eq!(of(&[json!(u64::MAX)]), json!({}));
    assert_eq!(
        of(&[json!(9_007_199_254_740_993_i64)]),
        json!({"type": "integer"})
    );
    assert_eq!(
        of(&[json!(9_007_199_254_740_993_i64), json!(0.5)]),
        json!({})
    );
    assert_eq!(
        of(&[json!({"a": u64::MAX}), json!({"a": "x"})])["properties"]["a"],
        json!({})
    );
}

#[test]
fn text_is_seen_as_text() {
    let mut inference = Inference::default();
    inference.observe(&json!("a"));
    assert!(inference.is_plain_text());
    inference.observe(&json!(1));
    assert!(!inference.is_plain_text());
}

#[test]
fn what_was_inferred_is_only_widened() {
    let first = of(&[json!({"a": 1, "b": [], "c": null})]);
    let second = again(&first, &[json!({"a": "x", "b": [1], "d": true})]);
    let wanted = json!({"type": "object", "properties": {
        "a": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "b": {"type": "array", "items": {"type": "integer"}},
        "c": {"type": "null"}, "d": {"type": "boolean"}}, "required": ["a", "b"]});
    assert_eq!(second, wanted);
    // A key that is new is optional, however often it comes from now on.
    assert_eq!(
        again(&second, &[json!({"a": 1, "b": [], "c": 1, "d": true})])["required"],
        json!(["a", "b"])
    );
    // What a person wrote beside it is kept.
    let described = json!({"description": "All", "type": "array", "items": {"title": "One", "type": "integer"}});
    let wanted =
        json!({"description": "All", "type": "array", "items": {"title": "One", "type": "number"}});
    assert_eq!(again(&described, &[json!([0.5])]), wanted);
}

#[test]
fn what_a_person_changed_is_not_understood() {
    for (schema, at, keyword) in [
        (json!({"enum": ["a"]}), "", "type"),
        (json!({"type": "string", "enum": ["a"]}), "", "enum"),
        (
            json!({"type": "object", "properties": {"a/b": {"type": "string", "format": "date"}}}),
            "/properties/a~1b",
            "format",
        ),
        (
            json!({"type": "object", "additionalProperties": false}),
            "/additionalProperties",
            "(schema)",
        ),
        (
            json!({"type": "array", "items": [{"type": "string"}]}),
            "/items",
            "(schema)",
        ),
        (
            json!({"anyOf": [{"type": "string"}], "type": "string"}),
            "",
            "anyOf",
        ),
        (json!({"type": "string", "items": {}}), "", "items"),
        (json!({"type": "object", "required": ["a"]}), "", "required"),
    ] {
        let edited = Inference::widen(&schema).unwrap_err();
        assert_eq!(
            (edited.at.as_str(), edited.keyword.as_str()),
            (at, keyword),
            "{schema}"
        );
    }
}

#[test]
fn hostile_results_are_bounded() {
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!({"a": [deep]});
    }
    let wide: Value = (0..10_000)
        .map(|at| {
            (
                format!("k{at}"),
                if at % 2 == 0 {
                    json!(at)
                } else {
                    json!({"x": "y"})
                },
            )
        })
        .collect();
    let map: Value = (0..10_000)
        .map(|at| (format!("k{at}"), json!(at)))
        .collect();
    let bushy: Value = (0..150)
        .map(|at| {
            (
                format!("a{at}"),
                (0..150)
                    .map(|b| (format!("b{b}"), json!({"c": at})))
                    .collect::<Value>(),
            )
        })
        .collect();
    let long = json!({"k".repeat(1 << 20): 1, "short": 2});
    for sample in [deep, wide, map.clone(), bushy, long.clone()] {
        let schema = of(&[sample]);
        assert!(
            schema.to_string().len() < 1 << 19,
            "{}",
            schema.to_string().len()
        );
        assert!(summary(&schema).len() < 1 << 20);
        assert_eq!(again(&schema, &[]), schema);
    }
    assert_eq!(
        of(&[map])["additionalProperties"],
        json!({"type": "integer"})
    );
    assert_eq!(
        of(&[long])["properties"],
        json!({"short": {"type": "integer"}})
    );
    // What is cut never becomes a map, whose values all would have to fit.
    let first = json!({"1": 1, "2": 2, "3": 3, "k".repeat(300): "text"});
    let second = again(&of(std::slice::from_ref(&first)), &[json!({"4": 4})]);
    assert!(jsonschema::is_valid(&second, &first), "{second:#}");
    let odd = of(&[json!({"__proto__": 1, "": 2, "a\u{202e}": 3})]);
    assert_eq!(
        summary(&odd),
        r#"{ __proto__: integer; "": integer; "a\u202e": integer }"#
    );
}

#[test]
fn random_results_fit_and_learning_again_changes_nothing() {
    let mut random = Random(7);
    for round in 0..2_000 {
        let samples: Vec<Value> = (0..=random.below(6)).map(|_| random.value(4)).collect();
        let schema = of(&samples);
        assert_eq!(infer(&samples).to_string(), schema.to_string());
        assert_eq!(again(&schema, &[]), schema, "read back, round {round}");
        assert_eq!(
            again(&schema, &samples),
            schema,
            "the same again, round {round}: {samples:?}"
        );
        let more: Vec<Value> = (0..=random.below(3)).map(|_| random.value(4)).collect();
        let wider = again(&schema, &more);
        let validator = jsonschema::validator_for(&wider).unwrap();
        for sample in samples.iter().chain(&more) {
            assert!(
                validator.is_valid(sample),
                "{sample} does not fit {wider:#}, wider than {schema:#}"
            );
        }
    }
}

#[test]
fn what_was_cut_off_is_never_typed_by_what_comes_later() {
    let long = "k".repeat(KEY_BYTES + 1);
    // Keys of the first that were not told apart come again with another type, in room that a map has made.
    let mut first = serde_json::Map::new();
    for at in 0..KEYS {
        let value = if at % 2 == 0 { json!(at) } else { json!("x") };
        first.insert(format!("k{at}"), value);
    }
    first.insert("late".to_owned(), json!("text"));
    let full = Value::Object(first);
    let mut schema = of(std::slice::from_ref(&full));
    schema["properties"].as_object_mut().unwrap().remove("k0");
    schema["required"] = json!([]);
    let wider = again(&schema, &[json!({"late": 1})]);
    assert!(jsonschema::is_valid(&wider, &full), "{wider}");
    // Two values of a map are one shape: what only one of them recorded, the other may have had.
    let earlier =
        json!({"type": "object", "$comment": CUT, "properties": {"a": {"type": "integer"}}});
    let whole = json!({"type": "object", "properties": {"b": {"type": "integer"}}});
    for properties in [
        json!({"x": earlier, "y": whole}),
        json!({"y": whole, "x": earlier}),
    ] {
        let schema = json!({"type": "object", "properties": properties});
        let mut inference = Inference::widen(&schema).unwrap();
        inference.root.object.as_mut().unwrap().make_map();
        let wider = inference.schema();
        let seen = json!({"x": {"a": 1, "b": "text", long.as_str(): 1}, "y": {"b": 1}});
        assert!(jsonschema::is_valid(&wider, &seen), "{wider:#}");
    }
}

#[test]
fn learning_again_refuses_nothing_that_was_accepted() {
    let mut random = Random(11);
    for round in 0..25 {
        let mut seen: Vec<Value> = Vec::new();
        let mut schema = json!(null);
        for _ in 0..4 {
            let samples: Vec<Value> = (0..=random.below(3)).map(|_| random.wide(2)).collect();
            schema = match seen.is_empty() {
                true => of(&samples),
                false => again(&schema, &samples),
            };
            seen.extend(samples);
            let validator = jsonschema::validator_for(&schema).unwrap();
            for (at, sample) in seen.iter().enumerate() {
                let error = validator.validate(sample).err().map(|e| e.to_string());
                assert_eq!(error, None, "sample {at} of round {round}");
            }
        }
    }
}

#[test]
fn whatever_was_inferred_is_read_back() {
    let mut keys = 0;
    let sample: Value = (0..6)
        .map(|part| {
            let part = format!("part{part}");
            let list: Value = (0..KEYS)
                .map(|_| {
                    keys += 1;
                    let value = if keys % 2 == 0 {
                        json!([["x"]])
                    } else {
                        json!([{}])
                    };
                    (format!("k{keys}"), value)
                })
                .collect();
            (part, list)
        })
        .collect();
    let schema = of(&[sample]);
    assert!(schema.to_string().matches("\"type\"").count() > PLACES);
    assert_eq!(again(&schema, &[]), schema);
    // More than an inference tells apart is a person's.
    let many: Value = (0..=PLACES)
        .map(|at| (format!("k{at}"), json!({})))
        .collect();
    let schema = json!({"type": "object", "properties": many});
    assert_eq!(Inference::widen(&schema).unwrap_err().keyword, "(size)");
}

/// Numbers that look random and are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Objects of so many keys, now and then too long, that not all of them are told apart.
    fn wide(&mut self, depth: u32) -> Value {
        if depth == 0 {
            return self.value(0);
        }
        let odd = self.below(2) == 0;
        let count = if self.below(2) == 0 { 230 } else { 5 };
        let mut map = serde_json::Map::new();
        for _ in 0..self.below(count) {
            let key = match (self.below(100), odd) {
                (0, _) => "k".repeat(KEY_BYTES + 1 + self.below(3) as usize),
                (_, true) => format!("{}/x", self.below(260)),
                (_, false) => format!("k{}", self.below(260)),
            };
            let value = match self.below(20) {
                0 => self.value(1),
                1..=4 => self.wide(depth - 1),
                _ if odd => json!({"a": self.below(9)}),
                _ => json!(self.below(9)),
            };
            map.insert(key, value);
        }
        Value::Object(map)
    }

    fn value(&mut self, depth: u32) -> Value {
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(9)),
            3 => json!(-0.5),
            4 => json!("text"),
            5 => json!(u64::MAX - self.below(1 << 63)),
            6 | 7 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            8 => (0..self.below(24))
                .map(|_| (format!("{}/x", self.below(60)), json!(1)))
                .collect(),
            _ => (0..self.below(6))
                .map(|_| (format!("k{}", self.below(8)), self.value(depth - 1)))
                .collect(),
        }
    }
}
