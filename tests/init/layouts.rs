//! Files of any layout: comments, commas, line ends and spaces where nobody expects them. What is not about servers stays, the
//! result is read by a plain reader, and all of it comes back to the byte.

use serde_json::{Map, Value, json};

use super::Place;

struct Writer {
    random: fastrand::Rng,
    text: String,
    end: &'static str,
    comments: usize,
}

impl Writer {
    /// Space, perhaps with a comment that can be counted.
    fn gap(&mut self) {
        for _ in 0..self.random.usize(0..3) {
            let piece = match self.random.u8(0..8) {
                0 => {
                    self.comments += 1;
                    format!("/* c{} {{ \" , */", self.comments)
                }
                1 => {
                    self.comments += 1;
                    format!("// c{} }} ] ,{}", self.comments, self.end)
                }
                2 => self.end.to_owned(),
                3 => "\t".to_owned(),
                _ => " ".to_owned(),
            };
            self.text.push_str(&piece);
        }
    }

    fn value(&mut self, value: &Value) {
        let (open, close) = if value.is_object() {
            ('{', '}')
        } else {
            ('[', ']')
        };
        let items: Vec<(Option<&String>, &Value)> = match value {
            Value::Object(map) => map.iter().map(|(key, value)| (Some(key), value)).collect(),
            Value::Array(items) => items.iter().map(|value| (None, value)).collect(),
            other => return self.text.push_str(&other.to_string()),
        };
        self.text.push(open);
        let count = items.len();
        for (i, (key, value)) in items.into_iter().enumerate() {
            self.gap();
            if let Some(key) = key {
                self.text.push_str(&json!(key).to_string());
                self.gap();
                self.text.push(':');
                self.gap();
            }
            self.value(value);
            self.gap();
            if i + 1 < count || self.random.bool() {
                self.text.push(',');
            }
        }
        self.gap();
        self.text.push(close);
    }
}

/// The value of a text with comments and commas, by a reader of our own.
fn plain(text: &str) -> Value {
    let mut out = String::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        if in_string && c == '\\' {
            length = 2;
        } else if c == '"' {
            in_string = !in_string;
        } else if !in_string && rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            continue;
        } else if !in_string && rest.starts_with("/*") {
            rest = &rest[rest.find("*/").unwrap() + 2..];
            continue;
        } else if !in_string && (c == '}' || c == ']') {
            let kept = out.trim_end().trim_end_matches(',').len();
            out.truncate(kept);
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

fn servers(random: &mut fastrand::Rng) -> (Map<String, Value>, Vec<String>) {
    let (mut map, mut stay) = (Map::new(), Vec::new());
    for i in 0..random.usize(1..6) {
        let name = format!("s{i}");
        let mut entry =
            json!({"command": format!("c{i} \"//\" \\"), "args": ["/*", "a,}"], "env": {"A": "1"}});
        if random.bool() {
            entry["envFile"] = json!("e");
            stay.push(name.clone());
        }
        map.insert(name, entry);
    }
    // One at least can be moved.
    map.insert("last".to_owned(), json!({"command": "last"}));
    (map, stay)
}

#[test]
fn any_layout_is_edited_and_comes_back() {
    for seed in 0..150 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (list, stay) = servers(&mut random);
        let mut file = Map::new();
        let around = random.u8(0..4);
        if around & 1 != 0 {
            file.insert("before".to_owned(), json!([1, {"a": null}]));
        }
        file.insert("mcpServers".to_owned(), Value::Object(list.clone()));
        if around & 2 != 0 {
            file.insert("after".to_owned(), json!({"x": "//"}));
        }
        let mut writer = Writer {
            end: if random.bool() { "\r\n" } else { "\n" },
            random,
            text: String::new(),
            comments: 0,
        };
        if writer.random.u8(0..4) == 0 {
            writer.text.push('\u{feff}');
        }
        writer.gap();
        writer.value(&Value::Object(file.clone()));
        writer.gap();
        let text = writer.text;
        assert_eq!(plain(&text), Value::Object(file.clone()), "{seed}");

        let place = Place::new();
        place.write("p/.cursor/mcp.json", &text);
        let before = place.everything();
        place.init(&[], 0);
        let after = place.read("p/.cursor/mcp.json");
        let mut wanted = file;
        let mut left: Map<String, Value> = list
            .into_iter()
            .filter(|(name, _)| stay.contains(name))
            .collect();
        left.insert("witgate".to_owned(), place.entry("p/witgate.json"));
        wanted.insert("mcpServers".to_owned(), Value::Object(left));
        assert_eq!(
            plain(&after),
            Value::Object(wanted),
            "{seed}:\n{text}\n----\n{after}"
        );
        assert_eq!(
            text.starts_with('\u{feff}'),
            after.starts_with('\u{feff}'),
            "{seed}"
        );
        // What stands before the servers is untouched.
        let head = text.find("\"mcpServers\"").unwrap();
        assert_eq!(
            after.find("\"mcpServers\""),
            Some(head),
            "{seed}:\n{text}\n----\n{after}"
        );
        assert_eq!(after[..head], text[..head], "{seed}");
        let changed = place.everything();
        place.init(&[], 0);
        assert_eq!(place.everything(), changed, "{seed}");
        place.init(&["--undo"], 0);
        assert_eq!(place.everything(), before, "{seed}");
    }
}
