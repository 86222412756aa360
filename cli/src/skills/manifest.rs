//! What a skill says of itself: the section `witgate:skill` of its component as data, to JSON and back. A component's bytes are
//! hostile, so is this: bounded, strict, and cleaned where it is text. Whether any of it is true is not known here.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use witgate_codegen::catalog::Tool;
use witgate_codegen::json::{self, JsonError};
use witgate_codegen::text::{self, TOOL_LIMIT, shown};
use witgate_host::sections::MAX_SKILL_BYTES;

/// The version of the section's form.
const VERSION: u32 = 1;
/// Longest name, in bytes.
const NAME: usize = 64;
/// Most tools that are named.
const TOOLS: usize = 1_000;
/// Longest name of a tool, in bytes.
const TOOL: usize = 512;

/// What a skill is, in its maker's words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manifest {
    /// As [`is_name`] has it.
    pub(crate) name: String,
    /// What it does, for a person or model that looks for it. May be empty.
    pub(crate) description: String,
    /// What it was written in.
    pub(crate) language: Language,
    /// `server/tool`, by the names of the configuration that it was made in. What counts is the component's import section.
    pub(crate) tools: Vec<String>,
    /// JSON Schema of what it takes; `None` where nobody knows.
    pub(crate) input: Option<Value>,
    /// JSON Schema of what it gives; likewise.
    pub(crate) output: Option<Value>,
}

/// What a skill was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    JavaScript,
    TypeScript,
    Rust,
    /// Another one: only the component is known.
    Component,
}

impl Language {
    /// The ending of its source files; none where there is no source.
    pub(crate) fn ending(self) -> Option<&'static str> {
        match self {
            Language::JavaScript => Some("js"),
            Language::TypeScript => Some("ts"),
            Language::Rust => Some("rs"),
            Language::Component => None,
        }
    }

    /// As it is written in files and shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Language::JavaScript => "javascript",
            Language::TypeScript => "typescript",
            Language::Rust => "rust",
            Language::Component => "component",
        }
    }
}

/// The section's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    version: u32,
    name: String,
    description: String,
    language: Language,
    tools: Vec<String>,
    // Without these, a key that is left out would be read as null.
    #[serde(deserialize_with = "present")]
    input: Option<Value>,
    #[serde(deserialize_with = "present")]
    output: Option<Value>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Option::deserialize(from)
}

/// Why a section says nothing that can be used.
#[derive(Debug)]
pub(crate) enum ManifestError {
    /// No JSON, nested too deeply, or not in this form.
    Form(JsonError),
    /// Another version of the form.
    Version(u32),
    /// What stands under `name` is none.
    Name(String),
    /// A schema is neither an object nor a boolean.
    Schema(&'static str),
    /// A tool is not named as `server/tool`, or there are too many.
    Tools(String),
    /// Larger than anybody reads.
    TooLarge(usize),
}

impl std::error::Error for ManifestError {}

impl std::fmt::Display for ManifestError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ManifestError::Form(error) => write!(out, "it is damaged ({error})"),
            ManifestError::Version(found) => {
                write!(out, "its version is {found}, and only {VERSION} is known")
            }
            ManifestError::Name(name) => write!(out, "`{}` is no name of a skill", shown(name)),
            ManifestError::Schema(which) => {
                write!(
                    out,
                    "its `{which}` is no JSON Schema: an object or a boolean is one"
                )
            }
            ManifestError::Tools(why) => write!(out, "its `tools`: {why}"),
            ManifestError::TooLarge(bytes) => {
                write!(
                    out,
                    "it is {bytes} bytes, at most {MAX_SKILL_BYTES} are read"
                )
            }
        }
    }
}

/// What a skill can be called: lower-case words and numbers, joined by single hyphens. It is the name of a folder, too.
pub(crate) fn is_name(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    name.len() <= NAME && name.split('-').all(word)
}

impl Manifest {
    /// As a tool of the server `skills`. Where nobody knows what it takes, it takes any object.
    pub(crate) fn tool(&self) -> Tool {
        let any = || serde_json::json!({ "type": "object", "additionalProperties": true });
        Tool {
            name: self.name.clone(),
            description: Some(self.description.clone()),
            input_schema: self.input.clone().unwrap_or_else(any),
            output_schema: self.output.clone(),
            ..Tool::default()
        }
    }

    /// The section's content.
    ///
    /// # Errors
    /// It could not be read back.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, ManifestError> {
        let section = Section {
            version: VERSION,
            name: self.name.clone(),
            description: self.description.clone(),
            language: self.language,
            tools: self.tools.clone(),
            input: self.input.clone(),
            output: self.output.clone(),
        };
        // Strings, JSON values and numbers always serialise.
        let data = serde_json::to_vec(&section).unwrap_or_default();
        Manifest::parse(&data)?;
        Ok(data)
    }

    /// Reads a section's content. The description is cleaned.
    ///
    /// # Errors
    /// [`ManifestError`]; never a panic, whatever the bytes.
    pub(crate) fn parse(data: &[u8]) -> Result<Manifest, ManifestError> {
        if data.len() > MAX_SKILL_BYTES {
            return Err(ManifestError::TooLarge(data.len()));
        }
        let section: Section = json::read(data).map_err(ManifestError::Form)?;
        if section.version != VERSION {
            return Err(ManifestError::Version(section.version));
        }
        if !is_name(&section.name) {
            return Err(ManifestError::Name(section.name));
        }
        if section.tools.len() > TOOLS {
            let why = format!(
                "{} are named, at most {TOOLS} are read",
                section.tools.len()
            );
            return Err(ManifestError::Tools(why));
        }
        let is_tool = |name: &str| {
            name.len() <= TOOL
                && name
                    .split_once('/')
                    .is_some_and(|(server, tool)| !server.is_empty() && !tool.is_empty())
        };
        if let Some(wrong) = section.tools.iter().find(|tool| !is_tool(tool)) {
            let why = format!("`{}` is not `server/tool`", shown(wrong));
            return Err(ManifestError::Tools(why));
        }
        for (which, schema) in [("input", &section.input), ("output", &section.output)] {
            if !matches!(schema, None | Some(Value::Object(_) | Value::Bool(_))) {
                return Err(ManifestError::Schema(which));
            }
        }
        Ok(Manifest {
            name: section.name,
            description: text::clean(&section.description, TOOL_LIMIT).unwrap_or_default(),
            language: section.language,
            tools: section.tools,
            input: section.input,
            output: section.output,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn section() -> Value {
        json!({"version": 1, "name": "top-issues", "description": "Counts.", "language": "typescript",
            "tools": ["github/list_issues"], "input": {"type": "object"}, "output": null})
    }

    fn refused(change: impl Fn(&mut Value)) -> String {
        let mut section = section();
        change(&mut section);
        let error = Manifest::parse(section.to_string().as_bytes()).unwrap_err();
        error.to_string()
    }

    #[test]
    fn it_reads_back() {
        let manifest = Manifest::parse(section().to_string().as_bytes()).unwrap();
        assert_eq!(manifest.language, Language::TypeScript);
        let data = manifest.to_json().unwrap();
        assert_eq!(Manifest::parse(&data).unwrap(), manifest);
        assert_eq!(serde_json::from_slice::<Value>(&data).unwrap(), section());
        for language in ["javascript", "typescript", "rust", "component"] {
            let read: Language = serde_json::from_value(json!(language)).unwrap();
            assert_eq!(read.name(), language);
        }
    }

    #[test]
    fn a_name_is_a_folder_and_nothing_else() {
        for name in ["a", "7", "top-issues", "a-1-b", &"x".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "-",
            "a-",
            "-a",
            "a--b",
            "A",
            "a_b",
            "a b",
            "a/b",
            "..",
            ".",
            "a.b",
            "../a",
            "a\\b",
            "a\0",
            "a\n",
            "é",
            "con:",
            &"x".repeat(65),
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn what_is_not_exactly_right_is_refused() {
        assert!(refused(|s| s["version"] = json!(2)).contains("version is 2"));
        assert!(refused(|s| s["name"] = json!("../../x")).contains("no name of a skill"));
        assert!(refused(|s| s["more"] = json!(1)).contains("unknown field `more`"));
        assert!(refused(|s| s["language"] = json!("perl")).contains("unknown variant `perl`"));
        assert!(refused(|s| s["input"] = json!([])).contains("its `input` is no JSON Schema"));
        assert!(refused(|s| s["output"] = json!("x")).contains("its `output` is no JSON Schema"));
        assert!(refused(|s| s["tools"] = json!(["github"])).contains("not `server/tool`"));
        assert!(refused(|s| s["tools"] = json!(["/x"])).contains("not `server/tool`"));
        let long = format!("a/{}", "x".repeat(TOOL));
        assert!(refused(|s| s["tools"] = json!([long])).contains("not `server/tool`"));
        assert!(refused(|s| s["tools"] = json!(vec!["a/b"; 1_001])).contains("1001 are named"));
        for key in [
            "version",
            "name",
            "description",
            "language",
            "tools",
            "input",
            "output",
        ] {
            let why = refused(|s| drop(s.as_object_mut().unwrap().remove(key)));
            assert!(why.contains(&format!("missing field `{key}`")), "{why}");
        }
        let twice = section().to_string().replacen("{", "{\"name\":\"a\",", 1);
        let why = Manifest::parse(twice.as_bytes()).unwrap_err().to_string();
        assert!(why.contains("duplicate field"), "{why}");
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let why = Manifest::parse(deep.as_bytes()).unwrap_err().to_string();
        assert!(why.contains("nested deeper"), "{why}");
        let large = vec![b' '; MAX_SKILL_BYTES + 1];
        let why = Manifest::parse(&large).unwrap_err().to_string();
        assert!(why.contains("at most 1048576"), "{why}");
        // What could not be read back is not written either.
        let mut manifest = Manifest::parse(section().to_string().as_bytes()).unwrap();
        manifest.name = "Top Issues".to_owned();
        assert!(manifest.to_json().is_err());
    }

    #[test]
    fn a_description_hides_nothing_and_ends() {
        let mut hostile = section();
        hostile["description"] = json!(format!("a\u{202e}b\u{1b}[2J {}", "x".repeat(9_000)));
        let manifest = Manifest::parse(hostile.to_string().as_bytes()).unwrap();
        assert!(
            manifest.description.starts_with("ab[2J"),
            "{}",
            manifest.description
        );
        assert!(manifest.description.chars().count() < TOOL_LIMIT + 100);
    }
}
