//! A conversation between a user, a model and tools, as data and as a file. Long texts and tool definitions, which many
//! conversations share, are kept once, in files beside.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use witgate_codegen::catalog::hash;

/// Everything that a model reads and writes for one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Conversation {
    pub(crate) scenario: String,
    /// Tools of all servers together.
    pub(crate) connected: usize,
    pub(crate) mode: String,
    /// What the model is given before the task.
    pub(crate) given: Given,
    pub(crate) messages: Vec<Message>,
}

/// The tools that a model has from the start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Given {
    /// What servers say about themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instructions: Option<String>,
    /// Definitions, as they are given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) definitions: Vec<Value>,
    /// Tools by server whose definitions are in the file of definitions; `null` where they are all of the server's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) servers: BTreeMap<String, Option<Vec<String>>>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Message {
    /// The task.
    User(String),
    /// The model calls tools, several at once where it can.
    Calls(Vec<Call>),
    /// What they answered, in the calls' order: the text that is shown to the model.
    Results(Vec<String>),
    /// The model's last word.
    Answer(String),
}

/// One call, as the model writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

/// What a model is given of a tool.
pub(crate) fn rendered(server: &str, tool: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": full_name(server, tool), "description": description, "input_schema": schema })
}

/// The name by which a model calls a tool: those of different servers must not be the same.
pub(crate) fn full_name(server: &str, tool: &str) -> String {
    format!("{server}__{tool}")
}

/// A text that stands in a file beside stands as `{"$text": KEY}` in its place.
const KEPT: &str = "$text";
/// Shortest text, in bytes, that is kept beside.
const LONG: usize = 600;

impl Conversation {
    /// The name of its file, without the ending.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}-{}", self.scenario, self.connected, self.mode)
    }

    /// As text; long texts are put into `texts`.
    pub(crate) fn write(&self, texts: &mut Texts) -> anyhow::Result<String> {
        let mut value = serde_json::to_value(self)?;
        if let Some(messages) = value.get_mut("messages") {
            texts.take(messages);
        }
        Ok(format!("{value:#}\n"))
    }

    /// # Errors
    /// The file is not there, is no conversation, or names a text that is not in `texts`.
    pub(crate) fn read(file: &Path, texts: &Texts) -> anyhow::Result<Conversation> {
        let about = || format!("`{}`", file.display());
        let text = std::fs::read_to_string(file).with_context(about)?;
        let mut value: Value = serde_json::from_str(&text).with_context(about)?;
        texts.put_back(&mut value).with_context(about)?;
        serde_json::from_value(value).with_context(about)
    }
}

/// Long texts by the start of their hash.
#[derive(Default)]
pub(crate) struct Texts(BTreeMap<String, String>);

impl Texts {
    /// # Errors
    /// The file is there and is none of these.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Texts> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("`{}`", file.display()))?;
        Ok(Texts(serde_json::from_str(&text)?))
    }

    pub(crate) fn to_text(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(&self.0)? + "\n")
    }

    fn take(&mut self, value: &mut Value) {
        match value {
            Value::String(text) if text.len() >= LONG => {
                let key = hash(text)[..12].to_owned();
                let kept = Value::Object(Map::from_iter([(KEPT.to_owned(), json!(key))]));
                if let Value::String(text) = std::mem::replace(value, kept) {
                    self.0.insert(key, text);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.take(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.take(item)),
            _ => {}
        }
    }

    fn put_back(&self, value: &mut Value) -> anyhow::Result<()> {
        match value {
            Value::Object(map) if map.len() == 1 && map.contains_key(KEPT) => {
                let key = map.get(KEPT).and_then(Value::as_str).unwrap_or_default();
                let text = self.0.get(key);
                *value = json!(text.with_context(|| format!("no text `{key}` beside it"))?);
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.put_back(item))?,
            Value::Object(map) => map.values_mut().try_for_each(|item| self.put_back(item))?,
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_conversation_is_read_as_it_was_written() {
        let call = Call {
            name: "crm__attach".to_owned(),
            arguments: json!({ "text": "word ".repeat(1_000), "to": [1, "x"] }),
        };
        let conversation = Conversation {
            scenario: "attach".to_owned(),
            connected: 20,
            mode: "direct".to_owned(),
            given: Given::default(),
            messages: vec![
                Message::User("Attach it".to_owned()),
                Message::Calls(vec![call]),
                Message::Results(vec!["ü".repeat(700), "short".to_owned()]),
                Message::Answer("Done".to_owned()),
            ],
        };
        let folder = tempfile::tempdir().unwrap();
        let (file, beside) = (folder.path().join("a.json"), folder.path().join("t.json"));
        let mut texts = Texts::default();
        let text = conversation.write(&mut texts).unwrap();
        assert!(text.len() < 900, "{text}");
        std::fs::write(&file, text).unwrap();
        std::fs::write(&beside, texts.to_text().unwrap()).unwrap();
        let texts = Texts::read(&beside).unwrap();
        assert_eq!(Conversation::read(&file, &texts).unwrap(), conversation);
        assert!(Conversation::read(&file, &Texts::default()).is_err());
    }
}
