//! What the host knows of every tool: its definition as the server sent it, its model (which is also the plan by which
//! values are converted), and validators of the original schemas, compiled at first use.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use jsonschema::Validator;
use serde_json::Value;
use witgate_codegen::catalog::{Catalog, Tool};
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::server::{ModelError, model_catalog};

/// Every tool of a catalog, ready for use. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// The modelled servers, in the order of the catalog.
    pub models: Arc<Vec<ServerModel>>,
    tools: Arc<HashMap<(String, String), Arc<Definition>>>,
}

/// One tool.
#[derive(Debug)]
pub struct Definition {
    /// The server's name in the configuration.
    pub server: String,
    /// As the server sent it.
    pub tool: Tool,
    /// As modelled.
    pub model: ToolModel,
    input: OnceLock<Result<Validator, String>>,
    output: OnceLock<Result<Validator, String>>,
}

/// How a value breaks a schema. Names fields, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer into the value; empty for the whole.
    pub at: String,
    /// What is wrong, without the value itself.
    pub why: String,
}

impl Definitions {
    /// Models a catalog.
    ///
    /// # Errors
    /// When two servers or tools cannot be told apart by name.
    pub fn new(catalog: &Catalog) -> Result<Definitions, ModelError> {
        let models = model_catalog(catalog)?;
        let mut tools = HashMap::new();
        for server in &models {
            let Some(source) = catalog.servers.get(&server.server) else {
                continue;
            };
            for model in &server.tools {
                let Some(tool) = source.tools.iter().find(|t| t.name == model.tool) else {
                    continue;
                };
                let definition = Definition {
                    server: server.server.clone(),
                    tool: tool.clone(),
                    model: model.clone(),
                    input: OnceLock::new(),
                    output: OnceLock::new(),
                };
                tools.insert(
                    (server.server.clone(), model.tool.clone()),
                    Arc::new(definition),
                );
            }
        }
        Ok(Definitions {
            models: Arc::new(models),
            tools: Arc::new(tools),
        })
    }

    /// The definition of a tool by its names on the wire.
    #[must_use]
    pub fn get(&self, server: &str, tool: &str) -> Option<&Arc<Definition>> {
        self.tools.get(&(server.to_owned(), tool.to_owned()))
    }
}

impl Definition {
    /// Holds arguments against the original input schema.
    ///
    /// # Errors
    /// Every violation, at most ten.
    pub fn check_arguments(&self, arguments: &Value) -> Result<(), Vec<Violation>> {
        let schema = &self.tool.input_schema;
        let validator = self.input.get_or_init(|| compile(schema));
        check(validator, schema, arguments)
    }

    /// Holds a structured result against the original output schema; any value passes where there is none.
    ///
    /// # Errors
    /// Every violation, at most ten.
    pub fn check_result(&self, result: &Value) -> Result<(), Vec<Violation>> {
        let Some(schema) = &self.tool.output_schema else {
            return Ok(());
        };
        let validator = self.output.get_or_init(|| compile(schema));
        check(validator, schema, result)
    }

    /// Why the original schemas cannot be used for validation, if so: the person is told, and calls of the tool fail.
    #[must_use]
    pub fn schema_fault(&self) -> Option<&str> {
        let input = self
            .input
            .get_or_init(|| compile(&self.tool.input_schema))
            .as_ref()
            .err();
        let output = self
            .tool
            .output_schema
            .as_ref()
            .and_then(|schema| self.output.get_or_init(|| compile(schema)).as_ref().err());
        input.or(output).map(String::as_str)
    }
}

fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .build(schema)
        .map_err(|e| format!("the schema is not valid at `{}`", e.schema_path()))
}

fn check(
    validator: &Result<Validator, String>,
    schema: &Value,
    value: &Value,
) -> Result<(), Vec<Violation>> {
    match validator {
        Ok(validator) if validator.is_valid(value) => Ok(()),
        Ok(validator) => Err(validator
            .iter_errors(value)
            .take(10)
            .map(|e| violation(&e, schema))
            .collect()),
        Err(why) => Err(vec![Violation {
            at: String::new(),
            why: why.clone(),
        }]),
    }
}

fn violation(error: &jsonschema::ValidationError<'_>, schema: &Value) -> Violation {
    use jsonschema::error::ValidationErrorKind as K;
    let at = error.instance_path().to_string();
    let why = match error.kind() {
        K::AdditionalProperties { unexpected } | K::UnevaluatedProperties { unexpected } => {
            let known = known_keys(error, schema);
            unexpected
                .iter()
                .map(|key| {
                    let near = nearest(key, &known);
                    format!("`{key}` is not known{near}")
                })
                .collect::<Vec<_>>()
                .join("; ")
        }
        K::Required { property } => format!("`{}` is missing", property.as_str().unwrap_or("?")),
        K::Type { kind } => format!("must be {}", type_names(kind)),
        K::Enum { options } => format!("must be one of {options}"),
        K::Constant { expected_value } => format!("must be {expected_value}"),
        K::Minimum { limit } => format!("must be at least {limit}"),
        K::Maximum { limit } => format!("must be at most {limit}"),
        K::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        K::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        K::MinLength { limit } => format!("must have at least {limit} characters"),
        K::MaxLength { limit } => format!("must have at most {limit} characters"),
        K::MinItems { limit } => format!("must have at least {limit} items"),
        K::MaxItems { limit } => format!("must have at most {limit} items"),
        K::Pattern { pattern } => format!("must match the pattern `{pattern}`"),
        K::Format { format } => format!("must be a valid `{format}`"),
        _ => format!("breaks the schema at `{}`", error.schema_path()),
    };
    Violation { at, why }
}

fn type_names(kind: &jsonschema::error::TypeKind) -> String {
    use jsonschema::error::TypeKind;
    match kind {
        TypeKind::Single(ty) => article(&ty.to_string()),
        TypeKind::Multiple(types) => types
            .iter()
            .map(|t| article(&t.to_string()))
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

fn article(name: &str) -> String {
    match name {
        "null" => "null".into(),
        "array" | "integer" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

/// The property names that the object in error may have, read off the schema where the error stands.
fn known_keys(error: &jsonschema::ValidationError<'_>, schema: &Value) -> Vec<String> {
    let pointer = error.schema_path().to_string();
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    schema
        .pointer(parent)
        .and_then(|s| s.get("properties"))
        .and_then(Value::as_object)
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default()
}

fn nearest(key: &str, known: &[String]) -> String {
    if known.is_empty() {
        return String::new();
    }
    let best = known
        .iter()
        .map(|k| (strsim::jaro_winkler(key, k), k))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.75);
    match best {
        Some((_, name)) => format!(", did you mean `{name}`?"),
        None => {
            let mut names: Vec<_> = known.iter().map(|k| format!("`{k}`")).collect();
            names.truncate(12);
            format!(", allowed are {}", names.join(", "))
        }
    }
}
